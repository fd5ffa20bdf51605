#include "stream/gather.h"

#include "base/mem.h"
#include "base/prog.h"
#include "stream/heap.h"
#include "stream/npy.h"
#include "stream/shards.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of items that are put in order at a time, and items at most. */
enum { BLOCK_BYTES = 1 << 24, BLOCK_ITEMS = 1 << 18, IDS_AT_A_TIME = 1 << 12 };

/* Items that follow one another, whose ids rise in equal steps. */
struct stretch {
    int64_t id, step, item, left;
};

struct part {
    struct npy_in *in;
    int64_t first; /* its first item among those of all */
};

struct place {
    int64_t item; /* among those of all */
    size_t to;    /* in the block */
};

struct items {
    const struct gather_opts *o;
    struct part *part; /* [o->n + 1], the last one behind the end */
    struct stretch *stretch;
    size_t stretches;
    struct heap heap;
    struct shards *shards;
    struct place *place; /* [block] */
    int64_t block;       /* items in it at most */
    char *in, *out;      /* [block] items each */
};

static int open_tensor(struct npy_in **in, const char *path, struct err *e)
{
    int r = npy_open(in, path, e);
    return r > 0 ? 0 : r == 0 ? err_set(e, "%s: expected an .npy tensor, found nothing", path) : -1;
}

static int open_parts(struct items *x, struct err *e)
{
    for (int i = 0; i < x->o->n; i++) {
        struct part *p = &x->part[i];
        if (open_tensor(&p->in, x->o->path[i], e) != 0)
            return -1;
        const struct npy_item *item = npy_item(x->part[0].in);
        if (i > 0 && npy_expect(p->in, item->type, item->ndim, item->shape, e) != 0)
            return -1;
        const int64_t n = npy_count(p->in, e);
        if (n < 0)
            return -1;
        npy_spare(p->in);
        p[1].first = p->first + n;
    }
    return 0;
}

/* The part that an item is in; parts may be empty. */
static int part_of(const struct items *x, int64_t item)
{
    int lo = 0, hi = x->o->n;
    while (hi - lo > 1) {
        int mid = lo + (hi - lo) / 2;
        if (x->part[mid].first <= item)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static void add_id(struct items *x, int64_t id, int64_t item)
{
    struct stretch *last = x->stretches > 0 ? &x->stretch[x->stretches - 1] : NULL;
    if (last && last->left == 1 && id > last->id)
        last->step = id - last->id;
    if (last && last->step > 0 && id == last->id + last->step * last->left) {
        last->left++;
        return;
    }
    x->stretch = mem_extend(x->stretch, x->stretches, x->stretches + 1, sizeof *x->stretch);
    x->stretch[x->stretches++] = (struct stretch){.id = id, .item = item, .left = 1};
}

static int read_ids(struct items *x, struct npy_in *in, const char *tensors, struct err *e)
{
    int64_t id[IDS_AT_A_TIME], n, item = 0;
    const int64_t all = x->part[x->o->n].first;
    if (npy_expect(in, NPY_I64, 0, NULL, e) != 0)
        return -1;
    while ((n = npy_read(in, id, IDS_AT_A_TIME, e)) > 0)
        for (int64_t i = 0; i < n; i++, item++) {
            if (id[i] < 0)
                return err_set(e, "%s: item %" PRId64 ": expected an id, found %" PRId64,
                               npy_name(in), item, id[i]);
            if (item < all) {
                int part = part_of(x, item);
                if (shards_see(x->shards, part, id[i], npy_name(x->part[part].in), e) != 0)
                    return -1;
            }
            add_id(x, id[i], item);
        }
    if (n < 0)
        return -1;
    if (item != all)
        return err_set(e, "%s: expected %" PRId64 " ids, as there are items in %s, found %" PRId64,
                       npy_name(in), all, tensors, item);
    return shards_check(x->shards, e);
}

static int by_item(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->item > y->item) - (x->item < y->item);
}

static int twice(const struct items *x, int64_t id, int64_t a, int64_t b, struct err *e)
{
    return err_set(e,
                   "%s: expected each image once, found image %" PRId64 " as item %" PRId64
                   ", and as item %" PRId64 " of %s",
                   npy_name(x->part[part_of(x, a)].in), id, a - x->part[part_of(x, a)].first,
                   b - x->part[part_of(x, b)].first, npy_name(x->part[part_of(x, b)].in));
}

/* Takes the next items by id into `place`: their number, or -1. */
static int64_t take(struct items *x, struct place *last, int64_t *last_id, struct err *e)
{
    struct heap *h = &x->heap;
    int64_t n = 0;
    while (n < x->block && h->n > 0) {
        struct stretch *s = &x->stretch[h->next[0].of];
        if (s->id == *last_id)
            return twice(x, s->id, s->item, last->item, e);
        *last_id = s->id;
        *last = x->place[n] = (struct place){s->item, (size_t)n};
        n++;
        s->item++;
        s->id += s->step;
        h->next[0].id = s->id;
        if (--s->left > 0)
            heap_sink(h);
        else
            heap_drop(h);
    }
    return n;
}

/* Reads the items of `place` in the order of the files, those that lie side by side at once. */
static int read_block(struct items *x, int64_t n, struct err *e)
{
    const size_t bytes = (size_t)npy_item(x->part[0].in)->bytes;
    qsort(x->place, (size_t)n, sizeof *x->place, by_item);
    int part = 0;
    for (int64_t i = 0; i < n;) {
        const int64_t item = x->place[i].item;
        while (item >= x->part[part + 1].first) {
            npy_spare(x->part[part].in);
            part++;
        }
        int64_t side = 1;
        while (i + side < n && x->place[i + side].item == item + side &&
               item + side < x->part[part + 1].first)
            side++;
        const int64_t got =
            npy_some_at(x->part[part].in, item - x->part[part].first, x->in, side, e);
        if (got < 0)
            return -1;
        for (int64_t k = 0; k < got; k++)
            memcpy(x->out + x->place[i + k].to * bytes, x->in + (size_t)k * bytes, bytes);
        i += got;
    }
    npy_spare(x->part[part].in);
    return 0;
}

static int put_all(struct items *x, struct npy_out *out, int64_t *items, struct err *e)
{
    const int64_t all = x->part[x->o->n].first;
    int64_t last_id = -1, n;
    struct place last = {0};
    for (size_t i = 0; i < x->stretches; i++)
        heap_add(&x->heap, (struct heap_next){x->stretch[i].id, i});
    while ((n = take(x, &last, &last_id, e)) > 0) {
        if (read_block(x, n, e) != 0 || npy_write(out, x->out, n, e) != 0)
            return -1;
        prog_progress("items", *items += n, all);
    }
    prog_progress_end();
    return n < 0 ? -1 : 0;
}

static int gather(struct items *x, const char *ids, int64_t *items, struct err *e)
{
    struct npy_in *in;
    if (open_parts(x, e) != 0 || open_tensor(&in, ids, e) != 0)
        return -1;
    int r = read_ids(x, in, x->o->n == 1 ? x->o->path[0] : "the tensors", e);
    npy_close(in);
    if (r != 0)
        return -1;
    const struct npy_item *item = npy_item(x->part[0].in);
    x->block = BLOCK_BYTES / (item->bytes > 0 ? item->bytes : 1);
    x->block = x->block < 1 ? 1 : x->block > BLOCK_ITEMS ? BLOCK_ITEMS : x->block;
    x->place = mem_alloc((size_t)x->block, sizeof *x->place);
    x->in = mem_alloc(2 * (size_t)x->block, (size_t)item->bytes);
    x->out = x->in + (size_t)x->block * (size_t)item->bytes;
    x->heap.next = mem_alloc(x->stretches + 1, sizeof *x->heap.next);
    struct npy_out *out;
    if (npy_create(&out, "-", item->type, item->ndim, item->shape, e) != 0)
        return -1;
    if (put_all(x, out, items, e) != 0) {
        npy_abort(out);
        return -1;
    }
    return npy_finish(out, e);
}

int gather_items(const struct gather_opts *o, const char *ids, int64_t *items, struct err *e)
{
    struct items x = {.o = o, .shards = shards_new(o->shards, o->n)};
    *items = 0;
    x.part = mem_zero((size_t)o->n + 1, sizeof *x.part);
    int r = gather(&x, ids, items, e);
    for (int i = 0; i < o->n; i++)
        npy_close(x.part[i].in);
    free(x.part);
    free(x.stretch);
    free(x.heap.next);
    free(x.place);
    free(x.in);
    shards_free(x.shards);
    return r;
}
