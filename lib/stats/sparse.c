#include "stats/sparse.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>

struct slot {
    uint32_t key; /* row << 16 | col */
    bool used;
    int64_t value;
};

struct sparse {
    struct slot *slot;
    int bits; /* there are 1 << bits slots */
    size_t used, limit;
};

enum { FIRST_BITS = 10 };

struct sparse *sparse_new(size_t limit)
{
    struct sparse *c = mem_zero(1, sizeof *c);
    c->limit = limit;
    c->bits = FIRST_BITS;
    c->slot = mem_zero((size_t)1 << c->bits, sizeof *c->slot);
    return c;
}

void sparse_free(struct sparse *c)
{
    if (c)
        free(c->slot);
    free(c);
}

size_t sparse_count(const struct sparse *c)
{
    return c->used;
}

/* The slot of a key, or the empty one where it would go: there is always one. */
static struct slot *find(const struct sparse *c, uint32_t key)
{
    size_t mask = ((size_t)1 << c->bits) - 1;
    /* Multiplication by 2^64 / golden ratio spreads neighbours (Knuth, 6.4). */
    size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - c->bits));
    while (c->slot[i].used && c->slot[i].key != key)
        i = (i + 1) & mask;
    return &c->slot[i];
}

static void grow(struct sparse *c)
{
    struct slot *old = c->slot;
    size_t n = (size_t)1 << c->bits;
    c->bits++;
    c->slot = mem_zero((size_t)1 << c->bits, sizeof *c->slot);
    for (size_t i = 0; i < n; i++)
        if (old[i].used)
            *find(c, old[i].key) = old[i];
    free(old);
}

static uint32_t key_of(int row, int col)
{
    return (uint32_t)row << 16 | (uint32_t)col;
}

int64_t *sparse_at(struct sparse *c, int row, int col, struct err *e)
{
    struct slot *s = find(c, key_of(row, col));
    if (!s->used) {
        if (c->used >= c->limit) {
            err_record(e,
                       "expected at most %zu different pairs of true and predicted class, "
                       "found more",
                       c->limit);
            return NULL;
        }
        if (c->used >> (c->bits - 1)) { /* at most half full */
            grow(c);
            s = find(c, key_of(row, col));
        }
        *s = (struct slot){.key = key_of(row, col), .used = true};
        c->used++;
    }
    return &s->value;
}

int64_t sparse_get(const struct sparse *c, int row, int col)
{
    return find(c, key_of(row, col))->value;
}

static int by_place(const void *a, const void *b)
{
    const struct sparse_entry *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->col > y->col) - (x->col < y->col);
}

struct sparse_entry *sparse_sorted(const struct sparse *c)
{
    struct sparse_entry *out = mem_alloc(c->used + 1, sizeof *out);
    size_t n = 0;
    for (size_t i = 0; i < (size_t)1 << c->bits; i++) {
        const struct slot *s = &c->slot[i];
        if (s->used)
            out[n++] = (struct sparse_entry){(uint16_t)(s->key >> 16), (uint16_t)s->key, s->value};
    }
    qsort(out, n, sizeof *out, by_place);
    return out;
}
