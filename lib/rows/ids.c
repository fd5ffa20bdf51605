#include "rows/ids.h"

#include "base/mem.h"
#include "base/random.h"

#include <inttypes.h>
#include <stdlib.h>

void ids_add(struct ids *a, int64_t id)
{
    uint64_t state = (uint64_t)id;
    const struct ids one = {id < 0, random_next(&state), 1, id, id};
    ids_join(a, &one);
}

void ids_join(struct ids *a, const struct ids *b)
{
    if (b->n == 0 && !b->unknown)
        return;
    if (a->n == 0 || b->first < a->first)
        a->first = b->first;
    if (a->n == 0 || b->last > a->last)
        a->last = b->last;
    a->unknown = a->unknown || b->unknown;
    a->digest += b->digest;
    a->n += b->n;
}

void ids_table(struct ids_tables *t, const struct ids *ids, const char *file, int64_t line)
{
    if (t->n == t->room) {
        t->room = t->room ? 2 * t->room : 16;
        t->table = mem_grow(t->table, t->room, sizeof *t->table);
    }
    t->table[t->n] = (struct ids_table){*ids, mem_printf("%s:%" PRId64, file, line), t->n};
    t->n++;
}

static int compare(const void *x, const void *y)
{
    const struct ids_table *a = x, *b = y;
    const struct ids *i = &a->ids, *k = &b->ids;
    if (i->unknown != k->unknown)
        return i->unknown ? 1 : -1;
    if (i->digest != k->digest)
        return i->digest < k->digest ? -1 : 1;
    if (i->n != k->n)
        return i->n < k->n ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

int ids_check(const struct ids_tables *t, struct err *e)
{
    struct ids all = {0};
    if (t->n > 0)
        qsort(t->table, t->n, sizeof *t->table, compare);
    for (size_t i = 0; i < t->n; i++) {
        const struct ids_table *a = &t->table[i], *before = &t->table[i > 0 ? i - 1 : 0];
        ids_join(&all, &a->ids);
        if (a != before && !a->ids.unknown && a->ids.n > 0 && a->ids.n == before->ids.n &&
            a->ids.digest == before->ids.digest)
            return err_set(e,
                           "%s: expected each image in one table, found the ids of the one that "
                           "ends at %s (--repeats adds it all the same)",
                           a->place, before->place);
    }
    if (!all.unknown && all.n > 0 && all.n - 1 > all.last - all.first)
        return err_set(e,
                       "expected each image once, found %" PRId64 " images with ids from %" PRId64
                       " to %" PRId64 " (--repeats adds them all the same)",
                       all.n, all.first, all.last);
    return 0;
}

void ids_free(struct ids_tables *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->table[i].place);
    free(t->table);
}
