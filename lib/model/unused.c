#include "model/unused.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct unused {
    const struct ckpt *c;
    int *first;        /* [ckpt_count] */
    int *norms, *idle; /* [ckpt_count + 1] in the order of names: how many norms there are before a
                          name, and how many of them never ran */
};

/* --- the same storage --- */

struct place {
    const void *storage;
    int64_t offset, count;
    int tensor;
};

static int compare(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    const uintptr_t x = (uintptr_t)p->storage, y = (uintptr_t)q->storage;
    if (x != y)
        return x < y ? -1 : 1;
    if (p->offset != q->offset)
        return p->offset < q->offset ? -1 : 1;
    if (p->count != q->count)
        return p->count < q->count ? -1 : 1;
    return (p->tensor > q->tensor) - (p->tensor < q->tensor);
}

static bool same_shape(const struct ckpt_tensor *a, const struct ckpt_tensor *b)
{
    bool same = a->ndim == b->ndim && a->type == b->type && a->mask == b->mask;
    for (int d = 0; same && d < a->ndim; d++)
        same = a->shape[d] == b->shape[d] && a->stride[d] == b->stride[d];
    return same;
}

static void find_copies(struct unused *u)
{
    const int n = ckpt_count(u->c);
    struct place *p = mem_alloc((size_t)n + 1, sizeof *p);
    for (int i = 0; i < n; i++) {
        const struct ckpt_tensor *t = ckpt_at(u->c, i);
        p[i] = (struct place){t->record ? (const void *)t->record : t->p, t->offset, t->count, i};
        u->first[i] = i;
    }
    qsort(p, (size_t)n, sizeof *p, compare);
    for (int i = 1; i < n; i++) {
        const struct place *a = &p[i - 1], *b = &p[i];
        if (b->storage && b->count > 0 && a->storage == b->storage && a->offset == b->offset &&
            a->count == b->count && same_shape(ckpt_at(u->c, a->tensor), ckpt_at(u->c, b->tensor)))
            u->first[b->tensor] = u->first[a->tensor];
    }
    free(p);
}

/* --- what never ran --- */

static bool is_all(struct ckpt *c, const struct ckpt_tensor *t, float value)
{
    enum { LONGEST = 1 << 16 };
    struct err ignored;
    if (t->ndim != 1 || t->count < 1 || t->count > LONGEST || t->type > CKPT_BF16)
        return false;
    float *x = mem_alloc((size_t)t->count, sizeof *x);
    bool all = ckpt_read(c, t, x, &ignored) == 0;
    for (int64_t i = 0; all && i < t->count; i++)
        all = x[i] == value;
    free(x);
    return all;
}

/* Whether the norm whose variance it is never ran. */
static bool never_ran(struct ckpt *c, const struct ckpt_tensor *var, int n)
{
    char *key = mem_printf("%.*s.running_mean", n, var->name);
    const struct ckpt_tensor *mean = ckpt_find(c, key);
    free(key);
    return mean && is_all(c, var, 1) && is_all(c, mean, 0);
}

static void count_norms(struct unused *u, struct ckpt *c)
{
    static const char variance[] = ".running_var";
    ckpt_pass(c);
    u->norms[0] = u->idle[0] = 0;
    for (int i = 0; i < ckpt_count(c); i++) {
        const struct ckpt_tensor *t = ckpt_by_name(c, i);
        const size_t n = strlen(t->name), end = sizeof variance - 1;
        const bool norm = n > end && strcmp(t->name + n - end, variance) == 0;
        u->norms[i + 1] = u->norms[i] + norm;
        u->idle[i + 1] = u->idle[i] + (norm && never_ran(c, t, (int)(n - end)));
    }
}

struct unused *unused_find(struct ckpt *c)
{
    struct unused *u = mem_zero(1, sizeof *u);
    u->c = c;
    u->first = mem_alloc((size_t)ckpt_count(c) + 1, sizeof *u->first);
    u->norms = mem_alloc((size_t)ckpt_count(c) + 1, sizeof *u->norms);
    u->idle = mem_alloc((size_t)ckpt_count(c) + 1, sizeof *u->idle);
    find_copies(u);
    count_norms(u, c);
    return u;
}

void unused_free(struct unused *u)
{
    if (!u)
        return;
    free(u->first);
    free(u->norms);
    free(u->idle);
    free(u);
}

int unused_first(const struct unused *u, int i)
{
    return u->first[i];
}

bool unused_idle(const struct unused *u, const struct ckpt_tensor *t)
{
    const int all = ckpt_count(u->c);
    if (u->idle[all] == 0 || u->idle[all] == u->norms[all])
        return false;
    for (const char *dot = strchr(t->name, '.'); dot; dot = strchr(dot + 1, '.')) {
        int first;
        char *container = mem_printf("%.*s", (int)(dot + 1 - t->name), t->name);
        const int end = ckpt_behind(u->c, container, &first) + first;
        const int norms = u->norms[end] - u->norms[first], idle = u->idle[end] - u->idle[first];
        free(container);
        if (norms > 0 && idle == norms)
            return true;
    }
    return false;
}
