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
    seen_tell(s, say);
    CHECK_STR(said, "");
    CHECK(!put(s, 0, 1, 1, "0 1 1 .5", 2) && !put(s, 1, -1, 2, "1 NA 2 .5", 3));
    CHECK(put(s, 0, 1, 1, "0 1 1 .5", 4));
    /* The same in other words, and a label that was not known: no contradictions. */
    CHECK(!put(s, 0, 1, 1, "0 1 1 0.5", 5) && !put(s, 1, 7, 2, "1 7 2 .5", 6));
    seen_tell(s, say);
    CHECK_STR(said, "p.tsv:4: image 0: this row came before, as 1 of 5 rows did: each such row "
                    "counts once\n");
    said[0] = '\0';
    CHECK(!put(s, 0, 2, 1, "0 2 1 .5", 7) && !put(s, 0, 1, 3, "0 1 3 .5", 8));
    CHECK(!put(s, 2, -1, -1, "2 NA", 9) && !put(s, 2, 0, 0, "2 0 0", 10));
    CHECK(put(s, 2, -1, -1, "2 NA", 11));
    seen_tell(s, say);
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
    test_one_image();
    return CHECK_DONE();
}
