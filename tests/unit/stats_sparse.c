#include "check.h"

#include "stats/sparse.h"

#include <stdlib.h>

enum { SIDE = 300 };

/* Against a plain square table. */
static void test_counts(void)
{
    static int64_t want[SIDE][SIDE];
    struct err e;
    struct sparse *c = sparse_new(SIDE * SIDE);
    srand(1);
    for (int i = 1; i < 60000; i++) {
        int row = rand() % SIDE, col = rand() % (1 + rand() % SIDE);
        int64_t *v = sparse_at(c, row, col, &e);
        CHECK(v && *v == want[row][col]);
        want[row][col] += i;
        *v += i;
    }
    size_t used = 0, n = sparse_count(c);
    struct sparse_entry *s = sparse_sorted(c);
    for (int row = 0; row < SIDE; row++) {
        for (int col = 0; col < SIDE; col++) {
            CHECK(sparse_get(c, row, col) == want[row][col]);
            if (!want[row][col])
                continue;
            CHECK(used < n && s[used].row == row && s[used].col == col &&
                  s[used].value == want[row][col]);
            used++;
        }
    }
    CHECK(used == n);
    free(s);
    sparse_free(c);
}

static void test_limit(void)
{
    struct err e;
    struct sparse *c = sparse_new(3);
    CHECK(sparse_at(c, 65535, 65535, &e) && sparse_at(c, 0, 0, &e) && sparse_at(c, 0, 65535, &e));
    CHECK(!sparse_at(c, 1, 1, &e));
    CHECK_STR(e.msg, "expected at most 3 different pairs of true and predicted class, found more");
    CHECK(sparse_at(c, 0, 65535, &e));
    CHECK(sparse_count(c) == 3);
    CHECK(sparse_get(c, 1, 1) == 0);
    sparse_free(c);
}

static void test_empty(void)
{
    struct sparse *c = sparse_new(3);
    struct sparse_entry *s = sparse_sorted(c);
    CHECK(s && sparse_count(c) == 0);
    free(s);
    sparse_free(c);
    sparse_free(NULL);
}

int main(void)
{
    test_counts();
    test_limit();
    test_empty();
    return CHECK_DONE();
}
