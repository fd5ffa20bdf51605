#include "info.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* --- the state dict as it is --- */

static int fill_tensor(void *ctx, const struct ckpt_item *item, void *out, struct err *e)
{
    return ckpt_read_raw(ctx, item->from, out, e);
}

static int convert_plain(const struct info *i, struct ckpt *c, struct err *e)
{
    int n = ckpt_count(c);
    if (ckpt_bounded(c, e) != 0)
        return -1;
    struct ckpt_item *item = mem_zero((size_t)n, sizeof *item);
    for (int k = 0; k < n; k++) {
        const struct ckpt_tensor *t = ckpt_at(c, k);
        item[k] = (struct ckpt_item){.name = t->name, .type = t->type, .ndim = t->ndim, .from = t};
        memcpy(item[k].shape, t->shape, sizeof t->shape);
    }
    int r = ckpt_write(i->out, i->format, item, n, fill_tensor, c, e);
    free(item);
    return r;
}

/* --- folded --- */

struct folded {
    struct ckpt_item *item;
    int n;
    char **name;
};

static int fill_numbers(void *ctx, const struct ckpt_item *item, void *out, struct err *e)
{
    int64_t n = 1;
    (void)ctx;
    (void)e;
    for (int d = 0; d < item->ndim; d++)
        n *= item->shape[d];
    memcpy(out, item->from, (size_t)n * sizeof(float));
    return 0;
}

static void add(struct folded *f, const struct graph_op *op, const char *suffix, const float *p,
                int ndim, const int64_t *shape)
{
    f->item = mem_grow(f->item, (size_t)f->n + 1, sizeof *f->item);
    f->name = mem_grow(f->name, (size_t)f->n + 1, sizeof *f->name);
    f->name[f->n] = mem_printf("%s.%s", op->key, suffix);
    f->item[f->n] =
        (struct ckpt_item){.name = f->name[f->n], .type = CKPT_F32, .ndim = ndim, .from = p};
    memcpy(f->item[f->n++].shape, shape, (size_t)ndim * sizeof *shape);
}

/* A norm that stands alone stays one, of mean 0 and of a variance that with eps is 1. */
static float *constant(int n, float v)
{
    float *p = mem_alloc((size_t)n, sizeof *p);
    for (int i = 0; i < n; i++)
        p[i] = v;
    return p;
}

static int convert_folded(const struct info *i, struct ckpt *c, struct err *e)
{
    struct model *m;
    struct folded f = {NULL, 0, NULL};
    int most = 1;
    if (session_model(&m, c, &i->session, i->h, i->w, e) != 0)
        return -1;
    const struct graph *g = m->graph;
    for (int k = 0; k < g->values; k++)
        most = g->value[k].c > most ? g->value[k].c : most;
    float *zero = constant(most, 0), *one = constant(most, (float)(1 - m->assumed.eps));
    for (int k = 0; k < g->ops; k++) {
        const struct graph_op *op = &g->op[k];
        const struct graph_value *x = &g->value[op->in[0]], *y = &g->value[op->out];
        const bool conv = op->kind == GRAPH_CONV, linear = op->kind == GRAPH_LINEAR;
        const int64_t shape[] = {y->c, conv ? x->c / op->groups : x->c, op->y.k, op->x.k};
        if (!op->key)
            continue;
        add(&f, op, "weight", op->w, conv ? 4 : linear ? 2 : 1, shape);
        add(&f, op, "bias", op->b, 1, shape);
        if (op->kind != GRAPH_NORM)
            continue;
        add(&f, op, "running_mean", zero, 1, shape);
        add(&f, op, "running_var", one, 1, shape);
    }
    int r = ckpt_write(i->out, i->format, f.item, f.n, fill_numbers, NULL, e);
    for (int k = 0; k < f.n; k++)
        free(f.name[k]);
    free(f.name);
    free(f.item);
    free(zero);
    free(one);
    model_close(m);
    return r;
}

int convert(const struct info *i, struct ckpt *c, struct err *e)
{
    return i->fold ? convert_folded(i, c, e) : convert_plain(i, c, e);
}
