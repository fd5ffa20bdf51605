/* Random networks of every kind of operation, for comparing backends: the same ones whatever
 * compiles this, as no two numbers are drawn in one expression. */
#ifndef HP_ANY_NET_H
#define HP_ANY_NET_H

#include "graph/windows.h"
#include "random_net.h"

/* What gradients of two backends that are both right agree on: operations without a ReLU, a
 * maximum or another kink, where rounding decides. */
enum any_kinks { ANY_SMOOTH, ANY_KINKS };

enum { ANY_CHANNELS = 48, ANY_FLAT = 600 }; /* at most, but for joins and flattened values */

static inline bool any_chance(int of)
{
    return random_int(1, of) == 1;
}

static inline struct graph_op any_of(enum graph_kind kind, int in)
{
    return (struct graph_op){.kind = kind, .in = {in}, .ins = 1, .groups = 1};
}

/* Windows that fit into `cells`, of which none lies in the padding alone. */
static inline struct graph_axis any_axis(int cells)
{
    for (;;) {
        struct graph_axis a = {.k = random_int(1, 4)};
        a.stride = any_chance(4) ? random_int(2, 3) : 1;
        a.gap = any_chance(5) ? random_int(1, 2) : 0;
        a.gap = a.gap < cells ? a.gap : cells - 1; /* or all cells of a window may lie outside */
        const int span = (a.k - 1) * (a.gap + 1) + 1;
        a.before = random_int(0, span / 2);
        a.after = any_chance(2) ? a.before : random_int(0, span / 2);
        int windows = (cells + a.before + a.after - span) / a.stride + 1;
        for (int i = 0; i < windows; i++) {
            const struct graph_span s = graph_window(&a, i, cells);
            windows = s.begin < s.end ? windows : 0;
        }
        if (cells + a.before + a.after >= span && windows > 0)
            return a;
    }
}

/* A value computed before of the same height and width and, with `all`, as many channels. */
static inline int any_like(const struct graph *n, int c, int h, int w, bool all)
{
    int found = -1;
    for (int i = 0; i < n->values; i++)
        if (n->value[i].h == h && n->value[i].w == w && (!all || n->value[i].c == c) &&
            (found < 0 || any_chance(2)))
            found = i;
    return found;
}

static inline bool any_relu(enum any_kinks kinks)
{
    return kinks == ANY_KINKS && any_chance(2);
}

static inline int any_divisor(int of)
{
    int d = random_int(1, of);
    while (of % d != 0)
        d--;
    return d;
}

/* Adds a value of the result's shape where there is one, and the activation. */
static inline int any_finish(struct graph *n, struct graph_op op, enum any_kinks kinks, double w)
{
    struct graph_value y;
    op.act = any_relu(kinks) ? GRAPH_RELU : GRAPH_NONE;
    if (graph_rules[op.kind].addend && graph_rules[op.kind].shape(n, &op, &y) == NULL &&
        any_chance(2)) {
        op.in[1] = any_like(n, y.c, y.h, y.w, true);
        op.ins += op.in[1] >= 0;
    }
    return net_add(n, &op, w, 0.2);
}

static inline int any_conv(struct graph *n, int x, enum any_kinks kinks)
{
    static const int widths[] = {1, 3, 5, 8, 12, 16, 20, 32};
    const struct graph_value *v = &n->value[x];
    struct graph_op op = any_of(GRAPH_CONV, x);
    op.y = any_axis(v->h);
    op.x = any_axis(v->w);
    op.groups = any_chance(3) ? v->c : any_chance(2) ? any_divisor(v->c) : 1;
    op.channels = op.groups == 1 ? widths[random_int(0, 7)] : op.groups * random_int(1, 2);
    while (op.channels > ANY_CHANNELS && op.channels > op.groups)
        op.channels -= op.groups;
    return any_finish(n, op, kinks, sqrt(1.5 * op.groups / (v->c * op.y.k * op.x.k)));
}

/* Each row and column of a few that follow one another, most of whose shares are positive. */
static inline int any_resize(struct graph *n, struct graph_op op)
{
    const struct graph_value v = n->value[op.in[0]];
    op.kind = GRAPH_RESIZE;
    op.y.stride = random_int(1, v.h < 4 ? v.h : 4);
    op.x.stride = random_int(1, v.w < 4 ? v.w : 4);
    const size_t count = graph_share_count(&op);
    int *first = mem_alloc((size_t)op.y.k + (size_t)op.x.k, sizeof *first);
    float *w = mem_alloc(count, sizeof *w);
    for (int i = 0; i < op.y.k + op.x.k; i++)
        first[i] = i < op.y.k ? random_int(0, v.h - op.y.stride) : random_int(0, v.w - op.x.stride);
    for (size_t i = 0; i < count; i++)
        w[i] = (float)random_int(-2, 8) /
               (float)(3 * (i < (size_t)op.y.k * (size_t)op.y.stride ? op.y.stride : op.x.stride));
    op.pick = first;
    op.w = w;
    return net_add(n, &op, 0, 0);
}

static inline int any_pool(struct graph *n, int x, enum graph_kind kind)
{
    struct graph_op op = any_of(kind, x);
    op.y = any_axis(n->value[x].h);
    op.x = any_axis(n->value[x].w);
    op.inner = any_chance(2);
    if (kind == GRAPH_GRID_POOL) {
        op.y.k = random_int(1, n->value[x].h + 2);
        op.x.k = random_int(1, n->value[x].w + 2);
        /* Whether it is a resize leaves the rest of the network as it is. */
        const uint64_t state = random_state;
        if (state >> 40 & 1) {
            const int out = any_resize(n, op);
            random_state = state;
            return out;
        }
    }
    return net_add(n, &op, 0, 0);
}

static inline int any_function_of(struct graph *n, int x, enum graph_function function)
{
    struct graph_op op = any_of(GRAPH_FUNCTION, x);
    op.function = function;
    if (op.function == GRAPH_ROOT || op.function == GRAPH_INVERSE) {
        /* Which one it is leaves the rest of the network as it is. */
        static const enum graph_function like[] = {GRAPH_EXP, GRAPH_LOG, GRAPH_POWER, GRAPH_ERF};
        const unsigned which = (unsigned)(random_state >> 40) % 8;
        op.function = which < 4 ? like[which] : op.function;
        /* Of what is well above 0. */
        struct graph_op above = any_of(GRAPH_FUNCTION, x);
        above.function = GRAPH_SIGMOID;
        above.in[0] = net_add(n, &above, 0, 0);
        op.in[0] = net_add(n, &above, 0, 0);
    }
    op.p = op.function == GRAPH_CLIP    ? -(float)random_int(0, 1)
           : op.function == GRAPH_POWER ? 2.5F
                                        : 0.25F;
    op.q = op.function != GRAPH_CLIP ? 0.5F : any_chance(2) ? INFINITY : 1.5F;
    return net_add(n, &op, 0, 0);
}

static inline int any_function(struct graph *n, int x, enum any_kinks kinks)
{
    static const enum graph_function smooth[] = {GRAPH_SIGMOID, GRAPH_TANH,      GRAPH_SILU,
                                                 GRAPH_GELU,    GRAPH_GELU_TANH, GRAPH_SOFTPLUS,
                                                 GRAPH_MISH,    GRAPH_ROOT,      GRAPH_INVERSE};
    const int function = random_int(0, kinks == ANY_KINKS ? (int)GRAPH_INVERSE : 8);
    return any_function_of(n, x,
                           kinks == ANY_KINKS ? (enum graph_function)function : smooth[function]);
}

/* Another of the same shape, or one number for each channel, or one for each cell. */
static inline int any_pair(struct graph *n, int x, enum graph_kind kind, enum any_kinks kinks)
{
    struct graph_op op = any_of(kind, x);
    const struct graph_value v = n->value[x];
    op.ins = 2;
    op.in[1] = any_like(n, v.c, v.h, v.w, true);
    if (any_chance(2)) {
        struct graph_op few = any_of(GRAPH_AVERAGE, x);
        if (any_chance(2))
            few = graph_conv(x, 1, 1, 1);
        few = any_of(GRAPH_FUNCTION, net_add(n, &few, 1 / sqrt(v.c), 0.2));
        few.function = GRAPH_SIGMOID;
        op.in[1] = net_add(n, &few, 0, 0);
    }
    if (any_chance(2)) {
        op.in[0] = op.in[1];
        op.in[1] = x;
    }
    op.act = kind == GRAPH_ADD && any_relu(kinks) ? GRAPH_RELU : GRAPH_NONE;
    return net_add(n, &op, 0, 0);
}

/* Any channels in any order, or any elements and zeros. */
static inline int any_pick(struct graph *n, int x, enum graph_kind kind)
{
    const struct graph_value *v = &n->value[x];
    struct graph_op op = any_of(kind, x);
    op.channels = random_int(1, v->c < 30 ? v->c + v->c / 2 : v->c);
    op.y.k = random_int(1, v->h + 1);
    op.x.k = random_int(1, v->w + 1);
    const bool all = kind == GRAPH_GATHER;
    const int count = op.channels * (all ? op.y.k * op.x.k : 1);
    const int from = all ? (int)graph_size(n, x) : v->c;
    int *list = mem_alloc((size_t)count, sizeof *list);
    for (int i = 0; i < count; i++)
        list[i] = all && any_chance(8) ? -1 : random_int(0, from - 1);
    /* Some take two rows in turns, as a shuffle does. */
    const int half = count / 2, starts = from - half + 1;
    if (!all && count % 2 == 0 && starts > 0 && list[0] % 2 == 0) {
        const int first[2] = {list[0] % starts, list[1] % starts};
        for (int i = 0; i < count; i++)
            list[i] = first[i % 2] + i / 2;
    }
    op.pick = list;
    return net_add(n, &op, 0, 0);
}

static inline int any_linear(struct graph *n, int x, int channels, bool relu)
{
    struct graph_op op = any_of(GRAPH_FLATTEN, x);
    if (graph_cells(n, x) != 1)
        x = net_add(n, &op, 0, 0);
    op = any_of(GRAPH_LINEAR, x);
    op.channels = channels;
    op.act = relu ? GRAPH_RELU : GRAPH_NONE;
    return net_add(n, &op, sqrt(1.5 / n->value[x].c), 0.2);
}

/* Queries, keys and values are made by a convolution, as transformers do. */
static inline int any_attention(struct graph *n, int x)
{
    struct graph_op op = any_of(GRAPH_ATTENTION, x);
    op.groups = random_int(1, 3);
    const int d = any_chance(8) ? random_int(65, 80) : random_int(1, 12);
    const struct graph_op qkv = graph_conv(x, 3 * op.groups * d, 1, 1);
    op.in[0] = net_add(n, &qkv, 1.5 / sqrt(n->value[x].c), 0.2);
    op.p = 1 / sqrtf((float)d);
    /* Whether there is a bias, and of what, leaves the rest of the network as it is. */
    const uint64_t state = random_state;
    op.biased = state % 2;
    const int out = net_add(n, &op, 1, 0);
    random_state = state;
    return out;
}

/* Each cell's channels mixed by a matrix that is made of the image, too. */
static inline int any_matmul(struct graph *n, int x)
{
    struct graph_op op = any_of(GRAPH_MATMUL, x), grid = any_of(GRAPH_GRID_POOL, x);
    op.ins = 2;
    op.groups = random_int(1, 3);
    grid.y.k = random_int(1, 4);
    grid.x.k = random_int(1, 4);
    const struct graph_op in = graph_conv(x, op.groups * grid.y.k * grid.x.k, 1, 1);
    op.in[0] = net_add(n, &in, 1 / sqrt(n->value[x].c), 0.2);
    grid.in[0] = net_add(n, &grid, 0, 0);
    const struct graph_op out = graph_conv(grid.in[0], op.groups * random_int(1, 10), 1, 1);
    op.in[1] = net_add(n, &out, 1 / sqrt(n->value[x].c), 0.2);
    return net_add(n, &op, 0, 0);
}

static inline bool any_fits(const struct graph *n, int x, enum graph_kind kind)
{
    return (kind != GRAPH_FLATTEN && kind != GRAPH_LINEAR) || graph_size(n, x) <= ANY_FLAT;
}

/* Appends an operation of a kind that reads value x, with random attributes, numbers and other
 * inputs; the value. */
static inline int net_add_kind(struct graph *n, int x, enum graph_kind kind, enum any_kinks kinks)
{
    struct graph_op op = any_of(kind, x);
    bool relu;
    switch (kind) {
    case GRAPH_CONV:
        return any_conv(n, x, kinks);
    case GRAPH_NORM:
        return any_finish(n, op, kinks, 1);
    case GRAPH_MAX_POOL:
    case GRAPH_MEAN_POOL:
    case GRAPH_GRID_POOL:
        return any_pool(n, x, kind);
    case GRAPH_RESIZE: /* of random networks among the grids */
        op.y.k = random_int(1, n->value[x].h + 2);
        op.x.k = random_int(1, n->value[x].w + 2);
        return any_resize(n, op);
    case GRAPH_LINEAR:
        relu = any_relu(kinks);
        return any_linear(n, x, random_int(1, 40), relu);
    case GRAPH_ADD:
    case GRAPH_MULTIPLY:
        return any_pair(n, x, kind, kinks);
    case GRAPH_FUNCTION:
        return any_function(n, x, kinks);
    case GRAPH_CONCAT:
        op.in[op.ins++] = any_like(n, 0, n->value[x].h, n->value[x].w, false);
        return net_add(n, &op, 0, 0);
    case GRAPH_PICK:
    case GRAPH_GATHER:
        return any_pick(n, x, kind);
    case GRAPH_ATTENTION:
        return any_attention(n, x);
    case GRAPH_MATMUL:
        return any_matmul(n, x);
    case GRAPH_LAYER_NORM:
        op.p = 1e-3F;
        return net_add(n, &op, 1, 0.2);
    case GRAPH_OFFSET:
        return net_add(n, &op, 1, 0);
    case GRAPH_AVERAGE:
    case GRAPH_FLATTEN:
    case GRAPH_SOFTMAX:
    case GRAPH_KINDS:
        break;
    }
    return net_add(n, &op, 0, 0);
}

/* Logits behind value x: the closed form, several linear layers, none, or something behind them. */
static inline void net_add_end(struct graph *n, int x, enum any_kinks kinks)
{
    const int classes = random_int(2, 12), end = random_int(0, 5);
    if (end == 0) {
        net_add_head(n, x, classes);
        return;
    }
    if (end == 1 && graph_size(n, x) <= ANY_FLAT) {
        x = any_linear(n, x, random_int(4, 30), kinks == ANY_KINKS);
        any_linear(n, x, classes, false);
        return;
    }
    const struct graph_op conv = graph_conv(x, classes, 1, 1);
    x = net_add(n, &conv, 1 / sqrt(n->value[x].c), 0.2);
    x = net_add_kind(n, x, GRAPH_AVERAGE, kinks);
    if (end == 3)
        net_add_kind(n, x, GRAPH_FLATTEN, kinks);
    if (end == 4)
        net_add_kind(n, x, GRAPH_SOFTMAX, kinks);
    if (end == 5) {
        const bool relu = any_relu(kinks);
        any_linear(n, x, classes, relu);
        /* A ReLU may leave next to nothing of logits around 0, where any rounding is large. */
        for (int c = 0; c < classes && relu; c++)
            ((float *)n->op[n->ops - 1].b)[c] += 1;
    }
}

/* So many operations of any kind, some of no use, with an end of any kind. */
static inline struct graph *net_any(int h, int w, int ops, enum any_kinks kinks)
{
    struct graph *n = net_of_image(h, w);
    int x = 0;
    for (int i = 0; i < ops; i++) {
        const enum graph_kind kind =
            any_chance(3) ? GRAPH_CONV : (enum graph_kind)random_int(0, GRAPH_RESIZE - 1);
        const int from = any_chance(6) ? random_int(0, x) : x;
        /* Averages would leave little to the others. */
        if ((kind == GRAPH_AVERAGE && !any_chance(4)) ||
            (kinks == ANY_SMOOTH && kind == GRAPH_MAX_POOL) || !any_fits(n, from, kind) ||
            n->value[from].c > 2 * ANY_CHANNELS)
            continue;
        x = net_add_kind(n, from, kind, kinks);
    }
    net_add_end(n, x, kinks);
    return n;
}

#endif
