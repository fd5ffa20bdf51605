#include "rows/skipped.h"

#include "base/mem.h"
#include "stream/tsv.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void skipped_add(struct skipped *s, int64_t id)
{
    s->id = mem_extend(s->id, s->n, s->n + 1, sizeof *s->id);
    s->id[s->n++] = id;
}

void skipped_order(struct skipped *s)
{
    if (s->n > 0)
        qsort(s->id, s->n, sizeof *s->id, compare);
}

static int read_ids(struct skipped *s, struct tsv_in *t, struct err *e)
{
    int id = tsv_need(t, "id", e), flagged = tsv_find(t, "flagged"), got;

    if (id < 0)
        return -1;
    while ((got = tsv_next(t, e)) > 0) {
        int64_t v, flag = 1;
        if (tsv_int(t, id, 0, INT64_MAX, &v, e) != 0 ||
            (flagged >= 0 && tsv_int(t, flagged, 0, 1, &flag, e) != 0))
            return -1;
        if (flag)
            skipped_add(s, v);
    }
    return got;
}

int skipped_read(struct skipped *s, const char *path, struct err *e)
{
    struct tsv_in *t;

    if (tsv_open(&t, path, e) != 0)
        return -1;
    int r = read_ids(s, t, e);
    tsv_close(t);
    skipped_order(s);
    return r;
}

void skipped_free(struct skipped *s)
{
    free(s->id);
}

bool skipped_has(const struct skipped *s, int64_t id)
{
    return s->n > 0 && bsearch(&id, s->id, s->n, sizeof *s->id, compare);
}
