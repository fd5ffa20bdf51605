/* The files of torch.save before PyTorch 1.6: five pickles (a magic number, a
 * version, the machine, the value, the keys of the storages), then for each key
 * the number of its elements and their bytes, little-endian. */
#include "ckpt/state.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { LEGACY_VERSION = 1001 };

struct storage {
    struct pickle_text key;
    int item_bytes;
    int64_t count;
    const unsigned char *p; /* NULL until it was found */
};

struct legacy {
    struct ckpt *c;
    size_t pos;
    struct storage *storage; /* by key */
    size_t storages;
};

static int compare(const void *a, const void *b)
{
    const struct storage *x = a, *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int c = n ? memcmp(x->key.p, y->key.p, n) : 0;
    return c ? c : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

static int next_pickle(struct legacy *l, struct pickle **p, struct err *e)
{
    size_t used;
    const struct map *m = &l->c->map;
    if (pickle_read(p, m->p + l->pos, m->n - l->pos, l->c->name, &used, e) != 0)
        return -1;
    l->pos += used;
    return 0;
}

/* The magic number, the version and the description of the machine. */
static int read_head(struct legacy *l, struct err *e)
{
    struct pickle *p;
    for (int i = 0; i < 3; i++) {
        if (next_pickle(l, &p, e) != 0)
            return -1;
        const struct pickle_value *v = pickle_root(p);
        bool version = v->kind == PICKLE_INT && v->i == LEGACY_VERSION;
        long long found = v->kind == PICKLE_INT ? v->i : -1;
        pickle_free(p);
        if (i == 1 && !version)
            return err_set(e,
                           "%s: expected the version %d of torch.save's older format, found %lld",
                           l->c->name, LEGACY_VERSION, found);
    }
    return 0;
}

/* The storages that the value refers to, each once. */
static int list_storages(struct legacy *l, const struct pickle *p, struct err *e)
{
    size_t n = 0;
    for (const struct pickle_value *v = pickle_persistent(p); v; v = v->next)
        n++;
    l->storage = mem_zero(n, sizeof *l->storage);
    for (const struct pickle_value *v = pickle_persistent(p); v; v = v->next) {
        struct storage_id s;
        int r = storage_read(l->c, v, &s, e);
        if (r < 0)
            return -1;
        if (r == 1)
            l->storage[l->storages++] =
                (struct storage){.key = s.key, .item_bytes = s.item_bytes, .count = s.count};
    }
    qsort(l->storage, l->storages, sizeof *l->storage, compare);
    size_t kept = 0;
    for (size_t i = 0; i < l->storages; i++)
        if (kept == 0 || compare(&l->storage[kept - 1], &l->storage[i]) != 0)
            l->storage[kept++] = l->storage[i];
    l->storages = kept;
    return 0;
}

static struct storage *find(const struct legacy *l, struct pickle_text key)
{
    struct storage wanted = {.key = key};
    return l->storages ? bsearch(&wanted, l->storage, l->storages, sizeof wanted, compare) : NULL;
}

/* The storages' bytes, in the order of the keys. */
static int place_storages(struct legacy *l, const struct pickle_value *keys, struct err *e)
{
    const struct map *m = &l->c->map;
    if (keys->kind != PICKLE_LIST)
        return err_set(e, "%s: expected a list of storages, found another value", l->c->name);
    for (size_t i = 0; i < keys->seq.n; i++) {
        const struct pickle_value *k = keys->seq.item[i];
        bool text = k->kind == PICKLE_STR || k->kind == PICKLE_BYTES;
        struct storage *s = text ? find(l, k->text) : NULL;
        if (!s || s->p)
            return err_set(e, "%s: expected keys of storages in use, each once, found another",
                           l->c->name);
        uint64_t count = 0, bytes;
        if (m->n - l->pos >= 8)
            for (int b = 7; b >= 0; b--)
                count = count << 8 | m->p[l->pos + (size_t)b];
        if (m->n - l->pos < 8 || __builtin_mul_overflow(count, (uint64_t)s->item_bytes, &bytes) ||
            bytes > m->n - l->pos - 8)
            return err_set(e,
                           "%s: storage %zu of %zu: expected %llu elements of %d bytes, found the "
                           "end of the file: the file is incomplete",
                           l->c->name, i + 1, keys->seq.n, (unsigned long long)count,
                           s->item_bytes);
        if (count < (uint64_t)s->count)
            return err_set(e, "%s: storage %zu of %zu: expected %lld elements, found %llu",
                           l->c->name, i + 1, keys->seq.n, (long long)s->count,
                           (unsigned long long)count);
        s->p = m->p + l->pos + 8;
        l->pos += 8 + (size_t)bytes;
    }
    return 0;
}

static int find_storage(void *ctx, const struct storage_id *s, struct ckpt_tensor *t, struct err *e)
{
    const struct legacy *l = ctx;
    const struct storage *found = find(l, s->key);
    if (!found || !found->p || found->item_bytes != s->item_bytes || found->count < s->count)
        return err_set(e, "%s: expected the storage of each tensor in the file, found one missing",
                       l->c->name);
    t->p = found->p;
    return 0;
}

int ckpt_read_legacy(struct ckpt *c, struct err *e)
{
    struct legacy l = {.c = c};
    struct pickle *value = NULL, *keys = NULL;
    int r = -1;
    if (read_head(&l, e) == 0 && next_pickle(&l, &value, e) == 0 &&
        list_storages(&l, value, e) == 0 && next_pickle(&l, &keys, e) == 0 &&
        place_storages(&l, pickle_root(keys), e) == 0) {
        struct storage_finder f = {.find = find_storage, .ctx = &l};
        r = state_read(c, pickle_root(value), &f, e);
    }
    pickle_free(value);
    pickle_free(keys);
    free(l.storage);
    return r;
}
