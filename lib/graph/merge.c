/* Convolutions and norms of one value that are added to each other are one convolution: the
 * numbers of the smaller window are added to those in the middle of the larger (Ding et al. 2021).
 */
#include "graph/graph.h"

#include "base/mem.h"
#include "graph/rules.h"

#include <stdlib.h>
#include <string.h>

/* Two operations whose results are added, and the one whose value the sum is: `sum` is the second
 * of them, or an addition. */
struct pair {
    int first, second, sum;
};

struct merging {
    struct graph *g;
    int *readers; /* [values] */
    bool *gone;   /* [ops] */
};

/* Every operation makes one value, and the first value is the image. */
static int maker(const struct merging *m, int value)
{
    return value > 0 && m->g->op[value - 1].out == value ? value - 1 : -1;
}

/* Whether nothing but one operation reads a value, which may then vanish. */
static bool is_inner(const struct merging *m, int value)
{
    return m->readers[value] == 1 && !m->g->value[value].name;
}

static bool is_linear(const struct graph_op *op)
{
    return (op->kind == GRAPH_CONV || op->kind == GRAPH_NORM) && op->w && op->b;
}

/* The windows of a norm are those of a convolution of 1 by 1. */
static struct graph_axis axis_of(const struct graph_op *op, const struct graph_axis *a)
{
    return op->kind == GRAPH_NORM ? graph_windows(1, 1, 0) : *a;
}

/* By how many cells the windows of `b` lie inside those of `a`; -1 where they do not. */
static int inset(struct graph_axis a, struct graph_axis b)
{
    const int at = a.before - b.before;
    const bool inside = at >= 0 && at + b.k <= a.k;
    return inside && a.stride == b.stride && a.gap == 0 && b.gap == 0 ? at : -1;
}

/* Whether `b` can be added to the numbers of `a`. */
static bool holds(const struct graph *g, const struct graph_op *a, const struct graph_op *b)
{
    const int from = g->value[a->in[0]].c, to = g->value[a->out].c;
    const struct graph_value *x = &g->value[a->out], *y = &g->value[b->out];
    return a->kind == GRAPH_CONV && a->in[0] == b->in[0] && x->c == y->c && x->h == y->h &&
           x->w == y->w && inset(axis_of(a, &a->y), axis_of(b, &b->y)) >= 0 &&
           inset(axis_of(a, &a->x), axis_of(b, &b->x)) >= 0 &&
           (b->kind == GRAPH_CONV ? a->groups == b->groups : from == to);
}

/* Adds the numbers of `b`. */
static void add_numbers(const struct graph *g, struct graph_op *a, const struct graph_op *b)
{
    const int channels = g->value[a->out].c, each = g->value[a->in[0]].c / a->groups;
    const struct graph_axis y = axis_of(b, &b->y), x = axis_of(b, &b->x);
    const int down = inset(a->y, y), across = inset(a->x, x);
    const size_t n = (size_t)graph_op_weights(g, a);
    float *w = memcpy(mem_alloc(n, sizeof *w), a->w, n * sizeof *w);
    float *bias = mem_alloc((size_t)channels, sizeof *bias);
    for (int o = 0; o < channels; o++) {
        bias[o] = a->b[o] + b->b[o];
        for (int i = 0; i < each; i++)
            for (int k = 0; k < y.k * x.k; k++) {
                const size_t at = ((size_t)o * (size_t)each + (size_t)i);
                float *to = w + (at * (size_t)a->y.k + (size_t)(down + k / x.k)) * (size_t)a->x.k +
                            across + k % x.k;
                if (b->kind == GRAPH_CONV)
                    *to += b->w[at * (size_t)(y.k * x.k) + (size_t)k];
                else if (o % each == i)
                    *to += b->w[o];
            }
    }
    free((void *)a->w);
    free((void *)a->b);
    a->w = w;
    a->b = bias;
}

static void free_op(struct graph_op *op)
{
    free((void *)op->w);
    free((void *)op->b);
    free((void *)op->pick);
    free((void *)op->key);
}

/* What operation `i` adds up, if both are of one value and may become one. */
static bool find_pair(const struct merging *m, int i, struct pair *p)
{
    const struct graph *g = m->g;
    const struct graph_op *op = &g->op[i];
    const int addend = graph_addend(op);
    if (op->kind == GRAPH_ADD)
        *p = (struct pair){maker(m, op->in[0]), maker(m, op->in[1]), i};
    else if (addend >= 0)
        *p = (struct pair){maker(m, addend), i, i};
    else
        return false;
    if (p->first < 0 || p->second < 0 || p->first == p->second)
        return false;
    const struct graph_op *a = &g->op[p->first], *b = &g->op[p->second];
    const bool apart = p->sum != p->second;
    return is_linear(a) && is_linear(b) && a->act == GRAPH_NONE && is_inner(m, a->out) &&
           (!apart || (b->act == GRAPH_NONE && is_inner(m, b->out) && a->ins + b->ins <= 3)) &&
           (holds(g, a, b) || holds(g, b, a));
}

/* Puts the sum into the place of its operation. */
static void merge(struct merging *m, const struct pair *p)
{
    struct graph *g = m->g;
    struct graph_op *a = &g->op[p->first], *b = &g->op[p->second], *sum = &g->op[p->sum];
    const bool apart = sum != b;
    struct graph_op *host = holds(g, a, b) ? a : b, *guest = host == a ? b : a;
    /* What is added to either, but for the one to the other. */
    const int third = a->ins > 1 ? a->in[1] : apart && b->ins > 1 ? b->in[1] : -1;
    add_numbers(g, host, guest);
    struct graph_op made = *host;
    made.act = sum->act;
    made.out = sum->out;
    made.ins = third >= 0 ? 2 : 1;
    made.in[1] = third >= 0 ? third : 0;
    host->w = host->b = NULL;
    host->key = NULL;
    free_op(guest);
    if (apart)
        free_op(sum);
    m->readers[made.in[0]]--;
    m->gone[p->first] = true;
    m->gone[p->second] = apart;
    *sum = made;
}

/* Further names follow their values to `place`; those of values that are gone go. */
static void move_names(struct graph *g, const int *place)
{
    int kept = 0;
    for (int i = 0; i < g->aliases; i++) {
        const int to = place[g->alias[i].value];
        if (to > 0)
            g->alias[kept++] = (struct graph_alias){to, g->alias[i].name, g->alias[i].early};
        else
            free((void *)g->alias[i].name);
    }
    g->aliases = kept;
}

/* Takes the operations that are gone out of the graph, and the values that they made, which nothing
 * reads. */
static void compact(struct merging *m)
{
    struct graph *g = m->g;
    int *place = mem_zero((size_t)g->values, sizeof *place), ops = 0, values = 1;
    for (int i = 0; i < g->ops; i++) {
        struct graph_op op = g->op[i];
        if (m->gone[i]) {
            free((void *)g->value[op.out].key);
            continue;
        }
        for (int k = 0; k < op.ins; k++)
            op.in[k] = place[op.in[k]];
        g->value[values] = g->value[op.out];
        op.out = place[op.out] = values++;
        g->op[ops++] = op;
    }
    move_names(g, place);
    g->ops = ops;
    g->values = values;
    free(place);
}

void graph_merge(struct graph *g)
{
    struct merging m = {.g = g};
    struct pair p;
    int merged = 0;
    m.readers = mem_zero((size_t)g->values, sizeof *m.readers);
    m.gone = mem_zero((size_t)g->ops + 1, sizeof *m.gone);
    for (int i = 0; i < g->ops; i++)
        for (int k = 0; k < g->op[i].ins; k++)
            m.readers[g->op[i].in[k]]++;
    for (int i = 0; i < g->ops; i++)
        for (; find_pair(&m, i, &p); merged++)
            merge(&m, &p);
    if (merged > 0)
        compact(&m);
    free(m.readers);
    free(m.gone);
}
