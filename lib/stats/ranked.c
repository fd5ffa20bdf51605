#include "stats/ranked.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_ROWS = 8 };

struct rank rank_back(struct rank k, int tier)
{
    return (struct rank){tier, -k.value, -k.id, !k.back};
}

static int compare_rank(const struct rank *x, const struct rank *y)
{
    if (x->tier != y->tier)
        return x->tier < y->tier ? -1 : 1;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static int compare_rows(const void *a, const void *b)
{
    const struct ranked_row *x = a, *y = b;
    int d = compare_rank(&x->rank, &y->rank);
    if (d)
        return d;
    d = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);
    if (d == 0)
        d = (x->n > y->n) - (x->n < y->n);
    return x->rank.back ? -d : d;
}

bool ranked_wants(const struct ranked *r, const struct rank *k)
{
    return !r->full || compare_rank(k, &r->last) <= 0;
}

void ranked_done(struct ranked *r)
{
    if (r->n == 0)
        return;
    qsort(r->row, r->n, sizeof *r->row, compare_rows);
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        bool twice = kept > 0 && compare_rows(&r->row[kept - 1], &r->row[i]) == 0;
        if (twice || kept == r->limit)
            free(r->row[i].text);
        else
            r->row[kept++] = r->row[i];
    }
    r->n = kept;
    r->full = kept == r->limit;
    r->last = r->row[kept - 1].rank;
}

bool ranked_has(const struct ranked *r, const struct ranked_row *row)
{
    return r->n > 0 && bsearch(row, r->row, r->n, sizeof *row, compare_rows);
}

void ranked_put(struct ranked *r, const struct rank *k, const char *text, size_t n)
{
    /* Twice the limit makes sorting cost little per row. */
    if (r->n >= 2 * r->limit && r->n >= LEAST_ROWS)
        ranked_done(r);
    r->row = mem_extend(r->row, r->n, r->n + 1, sizeof *r->row);
    char *copy = mem_alloc(n + 1, 1);
    memcpy(copy, text, n);
    r->row[r->n++] = (struct ranked_row){*k, copy, n};
}

void ranked_free(struct ranked *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->row[i].text);
    free(r->row);
    r->row = NULL;
    r->n = 0;
}
