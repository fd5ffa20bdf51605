/* What of a text may reach a terminal, a page or a picture. */
#include "check.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *s;
    size_t character, shown;
} chars[] = {
    {"a", 1, 1},
    {"\x7f", 0, 0},
    {"\x1b", 0, 0},
    {"\n", 0, 0},
    {"\xc3\xbc", 2, 2},
    {"\xc2\x9b", 0, 0}, /* ue, CSI */
    {"\xc2\xa0", 2, 2},
    {"\xc1\xa1", 0, 0}, /* longer than needed */
    {"\x9b", 0, 0},
    {"\xff", 0, 0}, /* no UTF-8 */
    {"\xe2\x80\xa8", 3, 0},
    {"\xe2\x80\xae", 3, 0}, /* line separator, right to left */
    {"\xe2\x81\xa6", 3, 0},
    {"\xe2\x80\xa7", 3, 3}, /* isolate, hyphenation point */
    {"\xe2\x80\xaf", 3, 3},
    {"\xe0\x80\x80", 0, 0},
    {"\xed\xa0\x80", 0, 0},
    {"\xf0\x9f\x98\x80", 4, 4}, /* surrogate, a face */
    {"\xf4\x90\x80\x80", 0, 0},
    {"\xe2\x82", 0, 0}, /* beyond the last, cut */
};

static void cleaned(const char *s, const char *expected)
{
    char *c = text_clean(s, '?');
    CHECK_STR(c, expected);
    free(c);
}

/* What is proposed for a word that is none of `words`; "" for nothing. */
static void nearest(const char *word, const char *words, const char *expected)
{
    struct nearest s = {.word = word, .n = strlen(word)};
    char found[80] = "";
    nearest_offer_all(&s, words, ' ');
    if (s.found)
        snprintf(found, sizeof found, "%.*s", (int)s.found_n, s.found);
    CHECK_STR(found, expected);
}

static void test_nearest(void)
{
    const char *words = "class-maps classes top order merge by id";
    char x[200];
    nearest("clases", words, "classes");   /* a letter too few, */
    nearest("classess", words, "classes"); /* too many, */
    nearest("clasees", words, "classes");  /* another one, */
    nearest("mrege", words, "merge");      /* two in the wrong order */
    nearest("cl", words, "class-maps");    /* beginnings: the first of those equally near */
    nearest("classe", words, "classes");
    nearest("m", words, "");
    nearest("yb", words, "by");
    nearest("identity", words, "id");
    nearest("xyzzy", words, "");
    nearest("", words, "");
    nearest("top", "", "");
    memset(x, 'x', sizeof x - 1);
    x[sizeof x - 1] = '\0';
    nearest(x, words, "");
    nearest("top", x, "");
}

static void isolated(const char *s, bool is)
{
    char *c = text_isolated(s);
    CHECK((strcmp(c, s) != 0) == is);
    if (is) {
        CHECK(strncmp(c, "\xe2\x81\xa8", 3) == 0);
        CHECK(strncmp(c + 3, s, strlen(s)) == 0);
        CHECK_STR(c + 3 + strlen(s), "\xe2\x81\xa9");
    }
    free(c);
}

static void check_shell(const char *s, const char *expected)
{
    char *c = text_shell(s);
    CHECK_STR(c, expected);
    free(c);
}

int main(void)
{
    check_shell("pool=max,strides=1:2,eps=1e-05", "pool=max,strides=1:2,eps=1e-05");
    check_shell("", "''");
    check_shell("prefix=my net.", "'prefix=my net.'");
    check_shell("state=it's/$HOME", "'state=it'\\''s/$HOME'");
    for (size_t i = 0; i < sizeof chars / sizeof *chars; i++) {
        CHECK(text_char(chars[i].s, strlen(chars[i].s)) == chars[i].character);
        CHECK(text_shown(chars[i].s, strlen(chars[i].s)) == chars[i].shown);
    }
    CHECK(text_char("\xc3\xbc", 1) == 0);
    cleaned("", "");
    cleaned("<b>Z\xc3\xbcrich</b>", "<b>Z\xc3\xbcrich</b>");
    cleaned("\x1b[2J\xc2\x9b"
            "1m\x9b\xff\xc3",
            "?[2J?1m???");
    cleaned("a\xe2\x80\xae"
            "b\xe2\x80\xa9"
            "c\x7f",
            "a?b?c?");
    cleaned("\xc2", "?");
    test_nearest();
    isolated("", false);
    isolated("cat -> dog", false);
    isolated("Z\xc3\xbcrich \xe2\x86\x92 \xe7\x8c\xab \xf0\x9f\x98\x80", false);
    isolated("\xd7\x97\xd7\xaa\xd7\x95\xd7\x9c", true); /* Hebrew */
    isolated("a \xd9\x82\xd8\xb7\xd8\xa9", true);       /* Arabic */
    isolated("\xef\xbb\x97", true);                     /* a presentation form */
    isolated("\xf0\x90\xa4\x80", true);                 /* Phoenician */
    isolated("\xf0\x9e\xa4\x80", true);                 /* Adlam */
    return CHECK_DONE();
}
