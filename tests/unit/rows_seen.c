#include "check.h"

#include "rows/seen.h"

#include <stdarg.h>
#include <stdlib.h>

static char said[1024];

static void say(const char *fmt, ...)
{
    size_t n = strlen(said);
    va_list ap;
    va_start(ap, fmt);
    n += (size_t)vsnprintf(said + n, sizeof said - n, fmt, ap);
    va_end(ap);
    snprintf(said + n, sizeof said - n, "\n");
}

static bool put(struct seen *s, int64_t id, int truth, int pred, const char *row, int line)
{
    return seen_row(s, id, truth, pred, row, strlen(row), "p.tsv", line);
}

static void test_words(void)
{
    struct seen *s = seen_new();
    struct err e;
    CHECK(seen_end(s, say, &e) == 0);
    CHECK_STR(said, "");
    CHECK(!put(s, 0, 1, 1, "0 1 1 .5", 2) && !put(s, 1, -1, 2, "1 NA 2 .5", 3));
    CHECK(put(s, 0, 1, 1, "0 1 1 .5", 4));
    /* The same in other words, and a label that was not known: no contradictions. */
    CHECK(!put(s, 0, 1, 1, "0 1 1 0.5", 5) && !put(s, 1, 7, 2, "1 7 2 .5", 6));
    CHECK(seen_end(s, say, &e) == 0);
    CHECK_STR(said, "p.tsv:4: image 0: this row came before, as 1 of 5 rows did: each such row "
                    "counts once\n");
    said[0] = '\0';
    CHECK(!put(s, 0, 2, 1, "0 2 1 .5", 7) && !put(s, 0, 1, 3, "0 1 3 .5", 8));
    CHECK(!put(s, 2, -1, -1, "2 NA", 9) && !put(s, 2, 0, 0, "2 0 0", 10));
    CHECK(put(s, 2, -1, -1, "2 NA", 11));
    CHECK(seen_end(s, say, &e) == 0);
    CHECK_STR(said, "p.tsv:4: image 0: this row came before, as 2 of 10 rows did: each such row "
                    "counts once\nwarning: p.tsv:7: image 0: another label or prediction than in "
                    "an earlier row of this image; 2 of 10 rows are such, and each counts: are "
                    "these two runs or two data sets?\n");
    seen_free(s);
    seen_free(NULL);
}

/* More rows than are remembered: the first still are, and nothing grows. */
static void test_many(void)
{
    struct seen *s = seen_new();
    char row[32];
    int64_t twice = 0;
    for (int i = 0; i < SEEN_ROWS + 5000; i++) {
        snprintf(row, sizeof row, "%d 1 1", i);
        twice += put(s, i, 1, 1, row, i);
    }
    CHECK(twice == 0);
    for (int i = 0; i < SEEN_ROWS + 5000; i++) {
        snprintf(row, sizeof row, "%d 1 1", i);
        twice += put(s, i, 1, 1, row, i);
    }
    CHECK(twice == SEEN_ROWS);
    seen_free(s);
}

/* An image that comes twice in more rows than are remembered is refused wherever its rows stand. */
static void test_refused(void)
{
    const int64_t twice[] = {7, SEEN_ROWS + 70, -1};
    for (int i = 0; i < 3; i++) {
        struct seen *s = seen_new();
        struct err e;
        char row[32];
        for (int k = 0; k < SEEN_ROWS + 100; k++) {
            snprintf(row, sizeof row, "%d 1 1", k);
            CHECK(!put(s, k, 1, 1, row, k));
        }
        if (twice[i] >= 0)
            put(s, twice[i], 1, 2, "other", 1);
        CHECK((seen_end(s, say, &e) == 0) == (twice[i] < 0));
        if (i == 0)
            CHECK_STR(e.msg, "p.tsv:1: image 7: expected each image once in more than 1048576 "
                             "rows, found another row of this one before");
        seen_free(s);
    }
}

/* Very many rows of one image take no longer than others. */
static void test_one_image(void)
{
    struct seen *s = seen_new();
    char row[32];
    for (int i = 0; i < 300000; i++) {
        snprintf(row, sizeof row, "0 1 1 %d", i);
        CHECK(!put(s, 0, 1, 1, row, i));
    }
    seen_free(s);
}

int main(void)
{
    test_words();
    test_many();
    test_refused();
    test_one_image();
    return CHECK_DONE();
}
