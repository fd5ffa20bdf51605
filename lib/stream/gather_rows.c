#include "stream/gather.h"

#include "base/mem.h"
#include "base/prog.h"
#include "stream/heap.h"
#include "stream/shards.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of all tables that are at hand, and of one at most. */
enum { AT_HAND = 1 << 25, PIECE_MOST = 1 << 16, PIECE_LEAST = 1 << 11 };

struct lane {
    struct tsv_in *t;
    int id; /* its column */
};

struct rows {
    const struct gather_opts *o;
    struct lane *lane; /* [o->n] */
    struct heap heap;
    struct shards *shards;
};

static int same_columns(const struct rows *r, const struct tsv_in *t, struct err *e)
{
    const struct tsv_in *first = r->lane[0].t;
    int more = tsv_columns(t), columns = tsv_columns(first);
    for (int i = 0; i < columns && i < more; i++) {
        struct tsv_field a = tsv_header(first, i), b = tsv_header(t, i);
        if (a.n != b.n || memcmp(a.p, b.p, a.n) != 0)
            return err_set(e, "%s:1: expected the columns of %s, found '%.*s' for '%.*s'",
                           tsv_name(t), tsv_name(first), (int)(b.n > 60 ? 60 : b.n), b.p,
                           (int)(a.n > 60 ? 60 : a.n), a.p);
    }
    return more == columns ? 0
                           : err_set(e, "%s:1: expected the %d columns of %s, found %d",
                                     tsv_name(t), columns, tsv_name(first), more);
}

/* The next row of a table and its id: 1, 0 at the end, -1. */
static int step(struct rows *r, int lane, int64_t *id, struct err *e)
{
    struct lane *l = &r->lane[lane];
    int got = tsv_next(l->t, e);
    if (got > 0 && (tsv_int(l->t, l->id, 0, INT64_MAX, id, e) != 0 ||
                    shards_see(r->shards, lane, *id, tsv_name(l->t), e) != 0))
        return -1;
    return got;
}

static int open_lanes(struct rows *r, struct err *e)
{
    size_t piece = AT_HAND / (size_t)r->o->n;
    piece = piece > PIECE_MOST ? PIECE_MOST : piece < PIECE_LEAST ? PIECE_LEAST : piece;
    for (int i = 0; i < r->o->n; i++) {
        struct lane *l = &r->lane[i];
        int64_t id;
        if (tsv_open(&l->t, r->o->path[i], e) != 0 || same_columns(r, l->t, e) != 0 ||
            (l->id = tsv_need(l->t, "id", e)) < 0)
            return -1;
        tsv_spare(l->t, piece);
        int got = step(r, i, &id, e);
        if (got < 0)
            return -1;
        if (got > 0)
            heap_add(&r->heap, (struct heap_next){id, (size_t)i});
    }
    return shards_check(r->shards, e);
}

static int put_all(struct rows *r, struct out *o, int64_t *rows, struct err *e)
{
    struct heap *h = &r->heap;
    int64_t last = -1;
    size_t from = 0;
    while (h->n > 0) {
        struct heap_next now = h->next[0];
        const struct tsv_in *t = r->lane[now.of].t;
        if (now.id == last && now.of != from)
            return tsv_error(t, e,
                             "expected each image in one file, found image %" PRId64 " in %s, too",
                             now.id, tsv_name(r->lane[from].t));
        last = now.id;
        from = now.of;
        struct tsv_field row = tsv_row(t);
        /* The line feed stands behind it. */
        if (out_write(o, row.p, row.n, e) != 0 || out_write(o, "\n", 1, e) != 0)
            return -1;
        prog_progress("rows", ++*rows, 0);
        int got = step(r, (int)now.of, &h->next[0].id, e);
        if (got < 0)
            return -1;
        if (got > 0 && h->next[0].id < now.id)
            return tsv_error(
                t, e, "expected rows in the order of their ids, found %" PRId64 " behind %" PRId64,
                h->next[0].id, now.id);
        if (got > 0)
            heap_sink(h);
        else
            heap_drop(h);
    }
    prog_progress_end();
    return 0;
}

static int put_header(const struct rows *r, struct out *o, struct err *e)
{
    const struct tsv_in *t = r->lane[0].t;
    const struct tsv_field first = tsv_header(t, 0), last = tsv_header(t, tsv_columns(t) - 1);
    return out_write(o, first.p, (size_t)(last.p - first.p) + last.n, e) == 0 &&
                   out_write(o, "\n", 1, e) == 0
               ? 0
               : -1;
}

int gather_rows(const struct gather_opts *o, int64_t *rows, struct err *e)
{
    struct rows r = {.o = o, .shards = shards_new(o->shards, o->n)};
    struct out *out = NULL;
    *rows = 0;
    r.lane = mem_zero((size_t)o->n, sizeof *r.lane);
    r.heap.next = mem_alloc((size_t)o->n, sizeof *r.heap.next);
    int result = open_lanes(&r, e) == 0 && out_open(&out, "-", e) == 0 &&
                         put_header(&r, out, e) == 0 && put_all(&r, out, rows, e) == 0
                     ? 0
                     : -1;
    for (int i = 0; i < o->n; i++)
        tsv_close(r.lane[i].t);
    free(r.lane);
    free(r.heap.next);
    shards_free(r.shards);
    if (result == 0)
        return out_close(out, e);
    out_abort(out);
    return -1;
}
