#include "stats/pairs.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

void pairs_add(struct pairs *p, const struct pair_row *row)
{
    p->row = mem_extend(p->row, p->n, p->n + 1, sizeof *p->row);
    p->row[p->n++] = *row;
    p->errors += row->count;
}

static int by_count(const void *a, const void *b)
{
    const struct pair_row *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    return (x->pred > y->pred) - (x->pred < y->pred);
}

static int by_classes(const void *a, const void *b)
{
    const struct pair_row *x = a, *y = b;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    if (x->pred != y->pred)
        return x->pred < y->pred ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

int pairs_sort(struct pairs *p, const char *name, struct err *e)
{
    if (p->n < 2)
        return 0;
    qsort(p->row, p->n, sizeof *p->row, by_classes);
    for (size_t i = 1; i < p->n; i++)
        if (p->row[i].truth == p->row[i - 1].truth && p->row[i].pred == p->row[i - 1].pred)
            return err_set(
                e, "%s:%" PRId64 ": expected every pair once, found %d, %d as in line %" PRId64,
                name, p->row[i].line, p->row[i].truth, p->row[i].pred, p->row[i - 1].line);
    qsort(p->row, p->n, sizeof *p->row, by_count);
    return 0;
}

void pairs_free(struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->row[i].true_name);
        free(p->row[i].pred_name);
        free(p->row[i].examples);
    }
    free(p->row);
}

const struct pair_row *pairs_find(const struct pairs *p, int truth, int pred)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->row[i].truth == truth && p->row[i].pred == pred)
            return &p->row[i];
    return NULL;
}

struct pair_index pairs_by_class(const struct pairs *p, int classes)
{
    size_t n = (size_t)classes;
    struct pair_index x = {mem_zero(n + 2, sizeof *x.from), mem_alloc(p->n + 1, sizeof *x.at)};
    for (size_t i = 0; i < p->n; i++)
        x.from[p->row[i].truth + 2]++;
    for (size_t i = 2; i < n + 2; i++)
        x.from[i] += x.from[i - 1];
    for (size_t i = 0; i < p->n; i++)
        x.at[x.from[p->row[i].truth + 1]++] = i;
    return x;
}

void pair_index_free(struct pair_index *x)
{
    free(x->from);
    free(x->at);
}

int64_t pair_index_beyond(const struct pair_index *x, const struct pairs *p, int cls, size_t n)
{
    int64_t errors = 0;
    for (size_t i = x->from[cls] + n; i < x->from[cls + 1]; i++)
        errors += p->row[x->at[i]].count;
    return errors;
}

size_t pairs_listed(const struct pairs *p, size_t most, size_t *tied)
{
    size_t n = 0;
    *tied = 0;
    while (n < p->n && n < most && p->row[n].count >= PAIRS_OFTEN)
        n++;
    while (n > 0 && n + *tied < p->n && p->row[n + *tied].count == p->row[n - 1].count)
        ++*tied;
    return n;
}

size_t pairs_equal(const struct pairs *p, const struct pair_row *row)
{
    size_t equal = 0;
    for (size_t i = 0; i < p->n && p->row[i].count >= row->count; i++)
        equal += p->row[i].count == row->count;
    return equal - 1;
}

static int by_both(const void *a, const void *b)
{
    const struct both_ways *x = a, *y = b;
    if (x->both != y->both)
        return x->both < y->both ? 1 : -1;
    return (x->pair > y->pair) - (x->pair < y->pair);
}

struct both_ways *pairs_inside(const struct pairs *p, size_t *n)
{
    struct both_ways *b = mem_alloc(p->n + 1, sizeof *b);
    *n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct pair_row *row = &p->row[i];
        /* The reverse stands later: it is less frequent, or as frequent with a larger true
         * class. */
        bool first =
            row->reverse < row->count || (row->reverse == row->count && row->truth < row->pred);
        if (row->reverse >= 0 && first && row->same_superclass == 1 &&
            row->count + row->reverse > 1)
            b[(*n)++] = (struct both_ways){row, row->count + row->reverse};
    }
    qsort(b, *n, sizeof *b, by_both);
    return b;
}

/* --- superclasses --- */

static int by_superclass_count(const void *a, const void *b)
{
    const struct superclass_pair *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    return (x->pred > y->pred) - (x->pred < y->pred);
}

void superclasses_sort(struct superclasses *g)
{
    if (g->pairs > 1)
        qsort(g->pair, g->pairs, sizeof *g->pair, by_superclass_count);
}

void superclasses_free(struct superclasses *g)
{
    for (int i = 0; i < g->n; i++)
        free(g->text[i]);
    free(g->text);
    free(g->pair);
}

size_t superclasses_listed(const struct superclasses *g, size_t most, size_t *tied)
{
    size_t n = 0;
    *tied = 0;
    while (n < g->pairs && n < most && g->pair[n].count > 1)
        n++;
    while (n > 0 && n + *tied < g->pairs && g->pair[n + *tied].count == g->pair[n - 1].count)
        ++*tied;
    return n;
}
