#include "check.h"

#include "stats/ranked.h"

#include <stdlib.h>

enum { ROWS = 3000, TEXT = 24 };

struct row {
    struct rank rank;
    char text[TEXT];
};

static int by_order(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->rank.tier != y->rank.tier)
        return x->rank.tier - y->rank.tier;
    if (x->rank.value != y->rank.value)
        return x->rank.value < y->rank.value ? -1 : 1;
    if (x->rank.id != y->rank.id)
        return x->rank.id < y->rank.id ? -1 : 1;
    return x->rank.back ? strcmp(y->text, x->text) : strcmp(x->text, y->text);
}

static void put(struct ranked *r, const struct row *x)
{
    if (ranked_wants(r, &x->rank))
        ranked_put(r, &x->rank, x->text, strlen(x->text));
}

/* Many equal ranks and rows that come twice, against sorting the whole set. */
static void test_random(size_t limit, int values)
{
    static struct row row[ROWS], set[ROWS];
    for (int i = 0; i < ROWS; i++) {
        row[i] = (struct row){.rank = {rand() % 2, rand() % values, rand() % 4, false}};
        snprintf(row[i].text, TEXT, "%d %.0f %d %.*s", row[i].rank.tier, row[i].rank.value,
                 (int)row[i].rank.id, rand() % 3, "xx");
        if (row[i].rank.tier == 1)
            row[i].rank = rank_back(row[i].rank, 1);
    }
    memcpy(set, row, sizeof row);
    qsort(set, ROWS, sizeof *set, by_order);
    size_t distinct = 0;
    for (int i = 0; i < ROWS; i++)
        if (distinct == 0 || by_order(&set[distinct - 1], &set[i]) != 0)
            set[distinct++] = set[i];
    struct ranked r = {.limit = limit};
    for (int i = 0; i < ROWS; i++) {
        put(&r, &row[i]);
        CHECK(r.n <= (2 * limit > 8 ? 4 * limit : 8));
    }
    ranked_done(&r);
    CHECK(r.n == (distinct < limit ? distinct : limit));
    for (size_t i = 0; i < r.n; i++)
        CHECK(r.row[i].n == strlen(set[i].text) &&
              memcmp(r.row[i].text, set[i].text, r.row[i].n) == 0);
    for (size_t i = 0; i < distinct; i++)
        CHECK(ranked_has(&r, &(struct ranked_row){set[i].rank, set[i].text, strlen(set[i].text)}) ==
              (i < limit));
    ranked_free(&r);
}

static void test_prefix(void)
{
    struct ranked r = {.limit = 2};
    const struct row row[] = {{{0}, "ab"}, {{0}, "a"}, {{0}, ""}};
    for (int i = 0; i < 3; i++)
        put(&r, &row[i]);
    ranked_done(&r);
    CHECK(r.n == 2 && r.row[0].n == 0 && r.row[1].n == 1);
    CHECK(!ranked_wants(&r, &(struct rank){.id = 1}));
    CHECK(ranked_wants(&r, &(struct rank){0}));
    ranked_free(&r);
}

int main(void)
{
    srand(7);
    for (size_t limit = 1; limit < 40; limit += 3) {
        test_random(limit, 3);
        test_random(limit, 1000);
    }
    test_random(ROWS, 1000);
    test_prefix();
    struct ranked none = {.limit = 1};
    ranked_done(&none);
    CHECK(none.n == 0);
    ranked_free(&none);
    return CHECK_DONE();
}
