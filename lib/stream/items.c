#include "stream/items.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/real.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of one item; more is taken for a lying header. */
enum { ITEM_BYTES = 1 << 30 };

struct items {
    struct npy_in *in;
    int64_t count;   /* -1: a pipe */
    int64_t current; /* item in `item`, or -1 */
    float *item;
};

static int open_npy(struct npy_in **in, const char *path, struct err *e)
{
    int got = npy_open(in, path, e);

    if (got == 0)
        return err_set(e, "%s: expected an .npy tensor, found nothing", io_name(path));
    return got < 0 ? -1 : 0;
}

int items_axes(const char *path, struct err *e)
{
    struct npy_in *in;

    if (open_npy(&in, path, e) != 0)
        return -1;
    int axes = npy_item(in)->ndim;
    if (!npy_is_file(in))
        axes = err_set(e, "%s: expected a file, found a pipe", npy_name(in));
    npy_close(in);
    return axes;
}

int items_open(struct items **out, const char *path, int ndim, const int64_t *shape, struct err *e)
{
    struct npy_in *in;
    int64_t count = -1;

    if (open_npy(&in, path, e) != 0)
        return -1;
    const struct npy_item *item = npy_item(in);
    if (npy_expect(in, NPY_F32, ndim < 0 ? item->ndim : ndim, ndim < 0 ? item->shape : shape, e) !=
        0)
        goto fail;
    if (item->bytes > ITEM_BYTES) {
        err_record(e, "%s: expected items of at most %d bytes, found %lld", npy_name(in),
                   ITEM_BYTES, (long long)item->bytes);
        goto fail;
    }
    if (npy_is_file(in) && (count = npy_count(in, e)) < 0)
        goto fail;
    struct items *t = mem_zero(1, sizeof *t);
    t->in = in;
    t->count = count;
    t->current = -1;
    t->item = mem_alloc((size_t)item->count, sizeof *t->item);
    *out = t;
    return 0;
fail:
    npy_close(in);
    return -1;
}

void items_close(struct items *t)
{
    if (!t)
        return;
    npy_close(t->in);
    free(t->item);
    free(t);
}

int items_match(const struct items *t, const char *path, int64_t count, struct err *e)
{
    const int64_t items = items_count(t);

    if (count < 0 || items < 0 || count == items)
        return 0;
    return err_set(e, "%s: expected %lld items as in %s, found %lld", io_name(path),
                   (long long)items, items_name(t), (long long)count);
}

const char *items_name(const struct items *t)
{
    return npy_name(t->in);
}

const struct npy_item *items_item(const struct items *t)
{
    return npy_item(t->in);
}

int64_t items_count(const struct items *t)
{
    return t->count;
}

/* Reads a pipe on until `index` is the current item. */
static int read_to(struct items *t, int64_t index, struct err *e)
{
    if (index < t->current)
        return err_set(e,
                       "%s: item %lld was asked for after item %lld, and a pipe gives them in "
                       "order; use a file",
                       npy_name(t->in), (long long)index, (long long)t->current);
    while (t->current < index) {
        int64_t got = npy_read(t->in, t->item, 1, e);
        if (got < 0)
            return -1;
        if (got == 0)
            return err_set(e, "%s: expected item %lld, found the end after %lld items",
                           npy_name(t->in), (long long)index, (long long)(t->current + 1));
        t->current++;
    }
    return 0;
}

const float *items_get_any(struct items *t, int64_t index, struct err *e)
{
    if (t->current == index)
        return t->item;
    if (t->count < 0 ? read_to(t, index, e) != 0 : npy_at(t->in, index, t->item, e) != 0)
        return NULL;
    t->current = index;
    return t->item;
}

const float *items_get(struct items *t, int64_t index, struct err *e)
{
    const float *item = items_get_any(t, index, e);

    if (!item || real_finite(item, (size_t)npy_item(t->in)->count))
        return item;
    err_record(e, "%s: item %lld: expected finite values, found one that is not", npy_name(t->in),
               (long long)index);
    return NULL;
}

int items_load_layer(float **v, const char *path, int channels, int *classes, int most,
                     struct err *e)
{
    const int64_t shape[] = {channels};
    const size_t each = channels ? (size_t)channels : 1;
    struct items *t;

    *v = NULL;
    if (items_open(&t, path, channels ? 1 : 0, shape, e) != 0)
        return -1;
    int64_t count = items_count(t);
    int r = 0;
    if (*classes == 0 && (count < 1 || count > most))
        r = err_set(e, "%s: expected a file with an item for each class, found %lld", items_name(t),
                    (long long)count);
    else if (*classes != 0 && count != *classes)
        r = err_set(e, "%s: expected a file with an item for each of %d classes, found %lld",
                    items_name(t), *classes, (long long)count);
    else
        *classes = (int)count;
    *v = mem_alloc((size_t)*classes * each + 1, sizeof **v);
    for (int i = 0; i < *classes && r == 0; i++) {
        const float *item = items_get(t, i, e);
        if (item)
            memcpy(*v + (size_t)i * each, item, each * sizeof *item);
        else
            r = -1;
    }
    items_close(t);
    return r;
}

int items_drain(struct items *t, struct err *e)
{
    while (t->count < 0) {
        int64_t got = npy_read(t->in, t->item, 1, e);
        if (got < 0)
            return -1;
        t->current += got;
        if (got == 0)
            t->count = t->current + 1;
    }
    return 0;
}

/* --- ids --- */

struct place {
    int64_t id, item;
};

struct ids {
    int64_t count;
    struct place *place; /* by rising id */
};

static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

int ids_open(struct ids **out, const char *path, struct err *e)
{
    enum { CHUNK = 4096 };
    int64_t buf[CHUNK], got;
    struct npy_in *in;

    if (open_npy(&in, path, e) != 0)
        return -1;
    struct ids *t = mem_zero(1, sizeof *t);
    if (npy_expect(in, NPY_I64, 0, NULL, e) != 0)
        goto fail;
    while ((got = npy_read(in, buf, CHUNK, e)) > 0) {
        t->place =
            mem_extend(t->place, (size_t)t->count, (size_t)(t->count + got), sizeof *t->place);
        for (int64_t i = 0; i < got; i++, t->count++)
            t->place[t->count] = (struct place){buf[i], t->count};
    }
    if (got < 0)
        goto fail;
    if (t->count > 0)
        qsort(t->place, (size_t)t->count, sizeof *t->place, compare);
    for (int64_t i = 1; i < t->count; i++) {
        const struct place *p = &t->place[i];
        if (p[-1].id == p->id) {
            err_record(e, "%s: expected each id once, found %lld as items %lld and %lld",
                       npy_name(in), (long long)p->id, (long long)p[-1].item, (long long)p->item);
            goto fail;
        }
    }
    npy_close(in);
    *out = t;
    return 0;
fail:
    npy_close(in);
    ids_close(t);
    return -1;
}

int ids_load(int64_t **out, const char *path, int64_t count, const char *of, struct err *e)
{
    struct ids *t;

    if (ids_open(&t, path, e) != 0)
        return -1;
    if (t->count != count) {
        err_record(e, "%s: expected %lld ids as there are items in %s, found %lld", io_name(path),
                   (long long)count, of, (long long)t->count);
        ids_close(t);
        return -1;
    }
    *out = mem_alloc((size_t)count, sizeof **out);
    for (int64_t i = 0; i < count; i++)
        (*out)[t->place[i].item] = t->place[i].id;
    ids_close(t);
    return 0;
}

void ids_close(struct ids *t)
{
    if (!t)
        return;
    free(t->place);
    free(t);
}

int64_t ids_count(const struct ids *t)
{
    return t->count;
}

int64_t ids_find(const struct ids *t, int64_t id)
{
    if (!t)
        return id;
    int64_t lo = 0, hi = t->count;

    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (t->place[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->count && t->place[lo].id == id ? t->place[lo].item : -1;
}
