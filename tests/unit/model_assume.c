/* What is assumed about a network, as words and as data. */
#include "check.h"
#include "model/assume.h"

/* What is read is written again, in one order. */
static void both_ways(const char *text, const char *written)
{
    struct assume a = {0}, b = {0};
    struct err e = {0};
    char words[ASSUME_WORDS];
    CHECK(assume_parse(&a, text, &e) == 0);
    assume_write(words, &a);
    CHECK_STR(words, written);
    CHECK(assume_parse(&b, words, &e) == 0);
    CHECK(assume_same(&a, &b));
}

static void refused(const char *text, const char *message)
{
    struct assume a = {0};
    struct err e = {0};
    CHECK(assume_parse(&a, text, &e) == -1);
    CHECK_STR(e.msg, message);
}

/* Every key of the second differs from none of the first. */
static void check_same(void)
{
    static const char *const words[] = {
        "stem-stride=2",         "pool=max",     "strides=1:2",   "strides=1:1", "stride-at=conv1",
        "shortcut=pad",          "eps=0.001",    "prefix=model.", "state=ema",   "pool=none",
        "preact-shortcut=mixed", "shortcut=conv"};
    enum { WORDS = sizeof words / sizeof *words };
    for (int i = 0; i < WORDS; i++)
        for (int k = 0; k < WORDS; k++) {
            struct assume a = {0}, b = {0};
            struct err e;
            CHECK(assume_parse(&a, words[i], &e) == 0 && assume_parse(&b, words[k], &e) == 0);
            CHECK(assume_same(&a, &b) == (i == k) && assume_same_wiring(&a, &b) == (i == k));
        }
    const struct assume rgb = {0}, bgr = {.bgr = true};
    CHECK(!assume_same(&rgb, &bgr) && assume_same_wiring(&rgb, &bgr));
}

int main(void)
{
    both_ways("channels=rgb", "channels=rgb");
    both_ways("state=a/b,eps=1e-3,channels=bgr", "channels=bgr,eps=0.001,state=a/b");
    both_ways("prefix=net.,preact-shortcut=after,shortcut=pad-end,stride-at=conv2,strides=1:2:2,"
              "pool=none,stem-stride=1",
              "channels=rgb,stem-stride=1,pool=none,strides=1:2:2,stride-at=conv2,shortcut=pad-end,"
              "preact-shortcut=after,prefix=net.");
    refused("", "expected KEY=VALUE, found nothing");
    refused("pool", "expected KEY=VALUE, found 'pool'");
    refused("pool=mean", "pool: expected none, max, max-small or max-dense, found 'mean'");
    refused("pool=max,pool=max", "pool: expected one value, found two");
    check_same();
    return CHECK_DONE();
}
