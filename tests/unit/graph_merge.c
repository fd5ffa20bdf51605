/* Branches that are added to each other become one convolution that computes the same. */
#include "check.h"
#include "noise.h"

#include "base/mem.h"
#include "graph/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 7, CHANNELS = 4 };

static int add(struct graph *g, struct graph_op op)
{
    struct err e;
    int out = graph_add(g, &op, &e);
    CHECK(out >= 0);
    struct graph_op *to = &g->op[g->ops - 1];
    if (graph_op_weights(g, to) > 0) {
        to->w = noises((size_t)graph_op_weights(g, to));
        to->b = noises((size_t)g->value[out].c);
        to->key = mem_dup("key");
    }
    return out;
}

static struct graph_op conv(int in, int k, int stride, int groups)
{
    struct graph_op op = graph_conv(in, CHANNELS, k, stride);
    op.groups = groups;
    return op;
}

static struct graph_op plus(struct graph_op op, int addend, enum graph_act act)
{
    op.in[op.ins++] = addend;
    op.act = act;
    return op;
}

static struct graph_op norm(int in)
{
    return (struct graph_op){.kind = GRAPH_NORM, .in = {in}, .ins = 1};
}

static struct graph_op sum(int a, int b, enum graph_act act)
{
    return (struct graph_op){.kind = GRAPH_ADD, .in = {a, b}, .ins = 2, .act = act};
}

static struct graph *image(void)
{
    struct graph *g = graph_new();
    graph_add_value(g, CHANNELS, SIDE, SIDE, NULL, NULL);
    return g;
}

/* The last value of a fixed image. Caller frees. */
static float *run(const struct graph *g)
{
    float **value = mem_alloc((size_t)g->values, sizeof *value);
    double *plane = mem_alloc(graph_plane(g), sizeof *plane);
    for (int i = 0; i < g->values; i++)
        value[i] = mem_zero(graph_size(g, i), sizeof **value);
    for (size_t i = 0; i < graph_size(g, 0); i++)
        value[0][i] = (float)((i * 37 + 11) % 64) / 32 - 1;
    const struct graph_image x = {.value = value, .plane = plane};
    for (int i = 0; i < g->ops; i++)
        graph_forward(g, &g->op[i], &x);
    float *last = value[g->values - 1];
    for (int i = 0; i < g->values - 1; i++)
        free(value[i]);
    free(value);
    free(plane);
    return last;
}

/* Merges the graph, of which so many operations are left, and frees it. */
static void merged(struct graph *g, int ops)
{
    float *before = run(g);
    graph_merge(g);
    CHECK(g->ops == ops);
    CHECK(g->values == ops + 1);
    float *after = run(g);
    for (size_t i = 0; i < graph_size(g, g->values - 1); i++)
        CHECK(fabsf(before[i] - after[i]) < 1e-5F);
    free(before);
    free(after);
    graph_free(g);
}

/* As lib/model/repvgg.c builds a block. */
static void block(struct graph *g, int in, int stride, int groups, bool same)
{
    int x = add(g, conv(in, 3, stride, groups));
    x = add(g, plus(conv(in, 1, stride, groups), x, same ? GRAPH_NONE : GRAPH_RELU));
    if (same)
        add(g, plus(norm(in), x, GRAPH_RELU));
}

static void check_blocks(void)
{
    struct graph *g = image();
    block(g, 0, 1, 1, true);
    block(g, g->values - 1, 2, 1, false);
    block(g, g->values - 1, 1, 2, true);
    merged(g, 3);
}

/* Further names stay with their values, and go with them. */
static void check_names(void)
{
    struct graph *g = image();
    struct err e;
    int stem = add(g, conv(0, 1, 1, 1)), wide = add(g, conv(stem, 3, 1, 1));
    int narrow = add(g, plus(conv(stem, 1, 1, 1), wide, GRAPH_RELU));
    int last = add(g, conv(narrow, 1, 1, 1));
    graph_call(g, last, "last", false);
    graph_call(g, wide, "block.wide", false);
    graph_call(g, narrow, "block", false);
    graph_call(g, stem, "stem", false);
    graph_merge(g);
    CHECK(g->values == 4 && g->aliases == 3);
    CHECK(graph_layer(g, "stem", &e) == 1 && graph_layer(g, "block", &e) == 2);
    CHECK(graph_layer(g, "last", &e) == 3 && graph_layer(g, "block.wide", &e) == -1);
    graph_free(g);
}

/* As programs are read: the norm first, then the convolutions, and an addition; and the other way
 * round, with a value from elsewhere that is added, too. */
static void check_orders(void)
{
    struct graph *g = image();
    int same = add(g, norm(0)), wide = add(g, conv(0, 3, 1, 1));
    int both = add(g, plus(conv(0, 1, 1, 1), wide, GRAPH_NONE));
    add(g, sum(both, same, GRAPH_RELU));
    merged(g, 1);

    g = image();
    int other = add(g, conv(add(g, norm(0)), 3, 1, 1));
    int small = add(g, plus(conv(0, 1, 1, 1), other, GRAPH_NONE));
    add(g, sum(small, add(g, conv(0, 5, 1, 1)), GRAPH_NONE));
    merged(g, 3);
}

/* Of different values; behind an activation; read twice; with a name; beside the window. */
static void check_apart(void)
{
    struct graph *g = image();
    int x = add(g, conv(0, 3, 1, 1));
    add(g, plus(conv(x, 1, 1, 1), x, GRAPH_NONE));
    merged(g, 2);

    g = image();
    struct graph_op op = conv(0, 3, 1, 1);
    op.act = GRAPH_RELU;
    add(g, plus(conv(0, 1, 1, 1), add(g, op), GRAPH_NONE));
    merged(g, 2);

    g = image();
    x = add(g, conv(0, 3, 1, 1));
    int y = add(g, plus(conv(0, 1, 1, 1), x, GRAPH_NONE));
    add(g, sum(x, y, GRAPH_NONE));
    merged(g, 3);

    g = image();
    x = add(g, conv(0, 3, 1, 1));
    g->value[x].name = mem_dup("layer1");
    add(g, plus(conv(0, 1, 1, 1), x, GRAPH_NONE));
    merged(g, 2);

    g = image();
    op = conv(0, 3, 1, 1);
    op.y.before = 0;
    op.y.after = 2;
    add(g, plus(conv(0, 3, 1, 1), add(g, op), GRAPH_NONE));
    merged(g, 2);

    g = image();
    x = add(g, conv(0, 3, 1, 2));
    add(g, plus(conv(0, 1, 1, 1), x, GRAPH_NONE));
    merged(g, 2);

    g = image();
    add(g, sum(add(g, norm(0)), add(g, norm(0)), GRAPH_NONE));
    merged(g, 3);
}

int main(void)
{
    check_blocks();
    check_names();
    check_orders();
    check_apart();
    return CHECK_DONE();
}
