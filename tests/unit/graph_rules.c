/* The table of operations: shapes, counts, and backward passes against differences of forward
 * passes; and what is asked of graphs. */
#include "check.h"
#include "noise.h"

#include "base/mem.h"
#include "graph/rules.h"

#include <math.h>
#include <stdlib.h>

static struct graph *image_of(int c, int h, int w)
{
    struct graph *g = graph_new();
    graph_add_value(g, c, h, w, NULL, NULL);
    return g;
}

/* Appends an operation with numbers of noise. */
static int add(struct graph *g, struct graph_op op)
{
    struct err e;
    int out = graph_add(g, &op, &e);
    CHECK(out >= 0);
    struct graph_op *to = &g->op[g->ops - 1];
    if (graph_op_weights(g, to) > 0) {
        to->w = noises((size_t)graph_op_weights(g, to));
        to->b = noises((size_t)g->value[out].c);
    }
    return out;
}

static struct graph_op of_kind(enum graph_kind kind, int in)
{
    return (struct graph_op){.kind = kind, .in = {in}, .ins = 1};
}

static struct graph_op windows(enum graph_kind kind, int in, int k, int stride, int pad)
{
    struct graph_op op = of_kind(kind, in);
    op.y = op.x = graph_windows(k, stride, pad);
    op.groups = 1;
    op.channels = kind == GRAPH_CONV ? 4 : 0;
    return op;
}

/* Windows that differ along both axes and at their ends. */
static struct graph_op uneven(enum graph_kind kind, int in)
{
    struct graph_op op = windows(kind, in, 3, 1, 1);
    op.y = (struct graph_axis){.k = 3, .stride = 2, .before = 2, .after = 1, .gap = 1};
    op.x = (struct graph_axis){.k = 2, .stride = 1, .before = 0, .after = 1, .gap = 2};
    return op;
}

static struct graph_op pair(enum graph_kind kind, int a, int b)
{
    return (struct graph_op){.kind = kind, .in = {a, b}, .ins = 2};
}

static struct graph_op function(int in, enum graph_function f, float p, float q)
{
    struct graph_op op = of_kind(GRAPH_FUNCTION, in);
    op.function = f;
    op.p = p;
    op.q = q;
    return op;
}

static struct graph_op pick(int in, const int *channels, int n)
{
    struct graph_op op = of_kind(GRAPH_PICK, in);
    int *list = mem_alloc((size_t)n, sizeof *list);
    memcpy(list, channels, (size_t)n * sizeof *list);
    op.channels = n;
    op.pick = list;
    return op;
}

/* (c, h, w) of elements in an order of noise, every fifth of them 0. */
static struct graph_op gather(const struct graph *g, int in, int c, int h, int w)
{
    struct graph_op op = of_kind(GRAPH_GATHER, in);
    const size_t n = (size_t)c * (size_t)h * (size_t)w;
    int *list = mem_alloc(n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = i % 5 == 4 ? -1 : (int)(fabsf(noise()) * (float)(graph_size(g, in) - 1));
    op.channels = c;
    op.y.k = h;
    op.x.k = w;
    op.pick = list;
    return op;
}

static struct graph_op attention(int in, int heads, float scale)
{
    struct graph_op op = of_kind(GRAPH_ATTENTION, in);
    op.groups = heads;
    op.p = scale;
    return op;
}

static struct graph_op layer_norm(int in, float eps)
{
    struct graph_op op = of_kind(GRAPH_LAYER_NORM, in);
    op.p = eps;
    return op;
}

static struct graph_op grid(int in, int h, int w)
{
    struct graph_op op = of_kind(GRAPH_GRID_POOL, in);
    op.y.k = h;
    op.x.k = w;
    return op;
}

/* Rows and columns of two, the last ones twice, with shares that differ. */
static struct graph_op resize(int in, int h, int w, int last_row, int last_column)
{
    struct graph_op op = of_kind(GRAPH_RESIZE, in);
    int *first = mem_alloc((size_t)h + (size_t)w, sizeof *first);
    op.y = (struct graph_axis){.k = h, .stride = 2};
    op.x = (struct graph_axis){.k = w, .stride = 2};
    for (int i = 0; i < h + w; i++) {
        const int at = i < h ? i : i - h, last = i < h ? last_row : last_column;
        first[i] = at < last ? at : last;
    }
    op.pick = first;
    op.w = noises(2 * (size_t)(h + w));
    return op;
}

static struct graph_op linear(int in, int channels)
{
    struct graph_op op = of_kind(GRAPH_LINEAR, in);
    op.channels = channels;
    return op;
}

static struct graph_op with(struct graph_op op, int addend, enum graph_act act)
{
    if (addend >= 0)
        op.in[op.ins++] = addend;
    op.act = act;
    return op;
}

/* --- shapes and counts --- */

static void shaped(const struct graph *g, int value, int c, int h, int w, int64_t macs)
{
    const struct graph_value *v = &g->value[value];
    CHECK(v->c == c && v->h == h && v->w == w);
    CHECK(graph_op_macs(g, &g->op[value - 1]) == macs);
}

static void refused(struct graph *g, struct graph_op op, const char *why)
{
    struct err e = {0};
    int ops = g->ops, values = g->values;
    CHECK(graph_add(g, &op, &e) == -1);
    CHECK_STR(e.msg, why);
    CHECK(g->ops == ops && g->values == values);
}

static void check_shapes(void)
{
    struct graph *g = image_of(3, 7, 10);
    shaped(g, add(g, windows(GRAPH_CONV, 0, 3, 1, 1)), 4, 7, 10, 4 * 7 * 10 * 27);
    shaped(g, add(g, windows(GRAPH_CONV, 0, 7, 2, 3)), 4, 4, 5, 4 * 4 * 5 * 147);
    shaped(g, add(g, windows(GRAPH_CONV, 0, 3, 3, 0)), 4, 2, 3, 4 * 2 * 3 * 27);
    shaped(g, add(g, windows(GRAPH_MAX_POOL, 0, 3, 2, 1)), 3, 4, 5, 0);
    shaped(g, add(g, of_kind(GRAPH_NORM, 1)), 4, 7, 10, 0);
    shaped(g, add(g, of_kind(GRAPH_AVERAGE, 5)), 4, 1, 1, 0);
    shaped(g, add(g, linear(6, 9)), 9, 1, 1, 36);
    CHECK(graph_macs(g) == 4 * 7 * 10 * 27 + 4 * 4 * 5 * 147 + 4 * 2 * 3 * 27 + 36);
    CHECK(graph_classes(g) == 9);
    CHECK(graph_plane(g) == 70);

    refused(g, windows(GRAPH_CONV, 0, 9, 1, 0), "conv: expected a window that fits into the image");
    refused(g, windows(GRAPH_CONV, 0, 3, 0, 1), "conv: expected a window that fits into the image");
    refused(g, windows(GRAPH_MAX_POOL, 0, 2, 1, 2),
            "max_pool: expected padding smaller than the window");
    refused(g, linear(0, 9), "linear: expected a value of one cell");
    refused(g, linear(6, 0), "linear: expected at least one channel");
    refused(g, with(windows(GRAPH_CONV, 0, 3, 1, 1), 2, GRAPH_NONE),
            "conv: expected an addend of the result's shape");
    refused(g, with(of_kind(GRAPH_AVERAGE, 0), -1, GRAPH_RELU),
            "average: expected no activation behind it");
    struct graph_op op = windows(GRAPH_CONV, 0, 9, 1, 0);
    op.key = "layer1.0.conv1";
    refused(g, op, "conv layer1.0.conv1: expected a window that fits into the image");
    graph_free(g);
}

static void check_more_shapes(void)
{
    static const int order[] = {3, 3, 0};
    struct graph *g = image_of(4, 7, 10);
    struct graph_op op = windows(GRAPH_CONV, 0, 3, 1, 1);
    op.channels = 6;
    op.groups = 2;
    shaped(g, add(g, op), 6, 7, 10, 6 * 7 * 10 * 2 * 9);
    shaped(g, add(g, uneven(GRAPH_CONV, 0)), 4, 3, 8, 4 * 3 * 8 * 4 * 6);
    shaped(g, add(g, uneven(GRAPH_MAX_POOL, 0)), 4, 3, 8, 0);
    shaped(g, add(g, uneven(GRAPH_MEAN_POOL, 0)), 4, 3, 8, 0);
    shaped(g, add(g, grid(0, 3, 4)), 4, 3, 4, 0);
    int mean = add(g, of_kind(GRAPH_AVERAGE, 0));
    shaped(g, add(g, pair(GRAPH_MULTIPLY, mean, 0)), 4, 7, 10, 0);
    int one = add(g, pick(0, order, 1));
    shaped(g, add(g, pair(GRAPH_ADD, one, mean)), 4, 7, 10, 0);
    shaped(g, add(g, pair(GRAPH_CONCAT, 0, 1)), 10, 7, 10, 0);
    shaped(g, add(g, pick(0, order, 3)), 3, 7, 10, 0);
    shaped(g, add(g, of_kind(GRAPH_FLATTEN, 0)), 280, 1, 1, 0);
    shaped(g, add(g, of_kind(GRAPH_SOFTMAX, 0)), 4, 7, 10, 0);
    shaped(g, add(g, function(0, GRAPH_SILU, 0, 0)), 4, 7, 10, 0);

    op.groups = 3;
    refused(g, op, "conv: expected groups that divide the channels of both sides");
    op = uneven(GRAPH_MEAN_POOL, 0);
    op.x.after = 4;
    refused(g, op, "mean_pool: expected padding smaller than the window");
    refused(g, grid(0, 0, 1), "grid_pool: expected a grid of at least one area");
    refused(g, pair(GRAPH_ADD, 0, 2), "add: expected two values whose sides are equal or 1");
    refused(g, pair(GRAPH_CONCAT, 0, 2),
            "concat: expected two values of the same height and width");
    refused(g, of_kind(GRAPH_MULTIPLY, 0), "multiply: expected two inputs");
    refused(g, pair(GRAPH_FLATTEN, 0, 1), "flatten: expected one input");
    refused(g, with(function(0, GRAPH_SILU, 0, 0), -1, GRAPH_RELU),
            "function: expected no activation behind it");
    static const int beyond[] = {4};
    op = pick(0, beyond, 1);
    refused(g, op, "pick: expected channels of its input");
    free((void *)op.pick);
    graph_free(g);
}

static void check_token_shapes(void)
{
    struct graph *g = image_of(12, 3, 5);
    struct err e;
    shaped(g, add(g, layer_norm(0, 1e-5F)), 12, 3, 5, 0);
    CHECK(graph_op_weights(g, &g->op[0]) == 12);
    shaped(g, add(g, of_kind(GRAPH_OFFSET, 0)), 12, 3, 5, 0);
    CHECK(graph_op_weights(g, &g->op[1]) == 12 * 15);
    shaped(g, add(g, attention(0, 2, 1)), 4, 3, 5, 2 * 4 * 15 * 15);
    shaped(g, add(g, gather(g, 0, 4, 7, 2)), 4, 7, 2, 0);
    CHECK(graph_plane(g) == 2 * 15);
    refused(g, attention(0, 3, 1),
            "attention: expected queries, keys and values of as many channels, which the heads "
            "divide");
    refused(g, attention(0, 0, 1),
            "attention: expected queries, keys and values of as many channels, which the heads "
            "divide");
    struct graph_op op = gather(g, 0, 2, 2, 2);
    ((int *)op.pick)[3] = 180;
    refused(g, op, "gather: expected elements of its input");
    ((int *)op.pick)[3] = -2;
    refused(g, op, "gather: expected elements of its input");
    op.x.k = 0;
    refused(g, op, "gather: expected at least one element");
    op.channels = op.y.k = op.x.k = 1 << 16;
    refused(g, op, "gather: expected fewer elements");
    free((void *)op.pick);

    /* What lies behind a value has lists and numbers of its own. */
    int x = add(g, gather(g, 3, 4, 1, 1));
    add(g, linear(add(g, pick(x, (int[]){3, 0}, 2)), 2));
    struct graph *t = graph_tail(g, 3, &e);
    CHECK(t && t->ops == 3 && t->op[0].pick != g->op[4].pick && t->op[1].pick[0] == 3);
    for (int i = 0; t && i < 4; i++)
        CHECK(t->op[0].pick[i] == g->op[4].pick[i]);
    graph_free(t);
    graph_free(g);
}

static void check_matmul_shapes(void)
{
    struct graph *g = image_of(12, 3, 5);
    struct graph_op op = pair(GRAPH_MATMUL, 0, add(g, grid(0, 2, 3)));
    op.groups = 2;
    shaped(g, add(g, op), 12, 3, 5, 12 * 15 * 6);
    op.groups = 3;
    refused(g, op, "matmul: expected as many channels of each group as the second input has cells");
    graph_free(g);
}

static void check_resize_shapes(void)
{
    struct graph *g = image_of(4, 5, 7);
    struct graph_op op = resize(0, 6, 3, 3, 5);
    shaped(g, add(g, op), 4, 6, 3, 0);
    op = resize(0, 6, 3, 4, 5);
    refused(g, op, "resize: expected rows and columns of its input");
    ((int *)op.pick)[0] = -1;
    refused(g, op, "resize: expected rows and columns of its input");
    ((int *)op.pick)[0] = 0;
    ((int *)op.pick)[4] = ((int *)op.pick)[5] = 3;
    op.x.k = 0;
    refused(g, op, "resize: expected rows and columns of its input");
    free((void *)op.pick);
    free((void *)op.w);
    graph_free(g);
}

/* Every row is complete, and known by a name of its own. */
static void check_table(void)
{
    for (int k = 0; k < GRAPH_KINDS; k++) {
        const struct graph_rule *r = &graph_rules[k];
        CHECK(r->name && r->shape && r->forward && r->backward);
        CHECK(!r->macs || r->weights || k == GRAPH_ATTENTION || k == GRAPH_MATMUL);
        for (int i = 0; i < k; i++)
            CHECK(strcmp(r->name, graph_rules[i].name) != 0);
    }
    for (int a = 0; a < GRAPH_ACTS; a++)
        CHECK(graph_act_rules[a].name &&
              !graph_act_rules[a].forward == !graph_act_rules[a].backward);
    for (int f = 0; f < GRAPH_FUNCTIONS; f++)
        CHECK(graph_function_rules[f].name && graph_function_rules[f].value &&
              graph_function_rules[f].slope);
}

/* --- backward against differences --- */

static struct graph_image values_of(const struct graph *g)
{
    struct graph_image x = {.plane = mem_alloc(graph_plane(g), sizeof(double))};
    x.value = mem_alloc((size_t)g->values, sizeof *x.value);
    x.grad = mem_alloc((size_t)g->values, sizeof *x.grad);
    for (int i = 0; i < g->values; i++) {
        x.value[i] = noises(graph_size(g, i));
        x.grad[i] = mem_zero(graph_size(g, i), sizeof(float));
    }
    return x;
}

static void values_free(const struct graph *g, struct graph_image *x)
{
    for (int i = 0; i < g->values; i++) {
        free(x->value[i]);
        free(x->grad[i]);
    }
    free(x->value);
    free(x->grad);
    free(x->plane);
}

/* The score: a sum of what the last operation makes, each element times a number of its own. */
static double score(const struct graph *g, const struct graph_image *x, const float *seed)
{
    double sum = 0;
    for (int i = 0; i < g->ops; i++)
        graph_forward(g, &g->op[i], x);
    for (size_t p = 0; p < graph_size(g, graph_logits(g)); p++)
        sum += (double)seed[p] * x->value[graph_logits(g)][p];
    return sum;
}

/* Numbers no two of which are near each other, in no order: maxima keep their places. */
static void scatter(float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = ((float)i - (float)n / 2) / 50;
    for (size_t i = n - 1; i > 0; i--) {
        size_t k = (size_t)(fabsf(noise()) * (float)i);
        float t = v[i];
        v[i] = v[k];
        v[k] = t;
    }
}

/* The gradient of the score with respect to value 0. Frees the graph. */
static void differences(struct graph *g)
{
    const float step = 1.F / 256;
    struct graph_image x = values_of(g);
    size_t out = graph_size(g, graph_logits(g)), wrong = 0;
    float *seed = noises(out);
    scatter(x.value[0], graph_size(g, 0));
    bool *all = mem_zero((size_t)g->values, sizeof *all);
    all[0] = true;
    graph_mark_made_of(g, all);
    score(g, &x, seed);
    memcpy(x.grad[graph_logits(g)], seed, out * sizeof *seed);
    for (int i = g->ops - 1; i >= 0; i--)
        graph_backward(g, &g->op[i], &x, all);
    for (size_t p = 0; p < graph_size(g, 0); p++) {
        float was = x.value[0][p];
        x.value[0][p] = was + step;
        double more = score(g, &x, seed);
        x.value[0][p] = was - step;
        double less = score(g, &x, seed), slope = (more - less) / (2 * (double)step);
        x.value[0][p] = was;
        wrong += !(fabs(slope - (double)x.grad[0][p]) < 2e-3 * (1 + fabs(slope)));
    }
    if (wrong)
        fprintf(stderr, "  %s %d/%d/%d: %zu wrong\n", graph_rules[g->op[0].kind].name, g->op[0].y.k,
                g->op[0].y.stride, g->op[0].y.before, wrong);
    CHECK(wrong == 0);
    free(seed);
    free(all);
    values_free(g, &x);
    graph_free(g);
}

static void check_backward(void)
{
    static const int forms[][3] = {{3, 1, 1}, {3, 2, 1}, {1, 2, 0},
                                   {5, 3, 2}, {2, 1, 0}, {4, 3, 3}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const int *f = forms[i];
        struct graph *g = image_of(3, 6, 5);
        add(g, windows(GRAPH_CONV, 0, f[0], f[1], f[2]));
        differences(g);
        g = image_of(3, 6, 5);
        add(g, windows(GRAPH_MAX_POOL, 0, f[0], f[1], f[2] < f[0] / 2 ? f[2] : f[0] / 2));
        differences(g);
    }
    struct graph *g = image_of(4, 3, 5);
    add(g, of_kind(GRAPH_NORM, 0));
    differences(g);
    g = image_of(4, 3, 5);
    add(g, of_kind(GRAPH_AVERAGE, 0));
    differences(g);
    g = image_of(4, 1, 1);
    add(g, linear(0, 3));
    differences(g);
    /* A value that several operations read, addends, activations; biases keep the ReLUs off
     * their edges. */
    g = image_of(4, 5, 6);
    int x = add(g, with(windows(GRAPH_CONV, 0, 3, 1, 1), 0, GRAPH_RELU));
    for (int c = 0; c < 4; c++)
        ((float *)g->op[0].b)[c] = c % 2 ? 40 : -40;
    x = add(g, with(of_kind(GRAPH_NORM, x), 0, GRAPH_NONE));
    x = add(g, with(windows(GRAPH_CONV, x, 1, 1, 0), x, GRAPH_NONE));
    add(g, linear(add(g, of_kind(GRAPH_AVERAGE, x)), 3));
    differences(g);
}

/* The same of what only exported networks have. */
static void check_more_backward(void)
{
    static const int order[] = {2, 0, 2, 1};
    struct graph *g = image_of(4, 6, 5);
    struct graph_op op = windows(GRAPH_CONV, 0, 3, 1, 1);
    op.channels = 6;
    op.groups = 2;
    add(g, op);
    differences(g);
    g = image_of(4, 6, 5);
    op.channels = 8;
    op.groups = 4;
    add(g, with(op, -1, GRAPH_NONE));
    differences(g);
    for (int kind = GRAPH_CONV; kind <= GRAPH_MEAN_POOL; kind++)
        for (int inner = 0; inner < 2 && kind != GRAPH_NORM; inner++) {
            g = image_of(3, 6, 7);
            op = uneven((enum graph_kind)kind, 0);
            op.inner = inner;
            add(g, op);
            differences(g);
        }
    g = image_of(3, 7, 5);
    add(g, grid(0, 3, 4));
    differences(g);
    g = image_of(3, 7, 5);
    add(g, resize(0, 4, 6, 5, 3));
    differences(g);
    /* Excitation: channels weighed by a function of their means. */
    g = image_of(4, 3, 5);
    int x = add(g, linear(add(g, of_kind(GRAPH_AVERAGE, 0)), 4));
    x = add(g, pair(GRAPH_MULTIPLY, add(g, function(x, GRAPH_SIGMOID, 0, 0)), 0));
    x = add(g, with(pair(GRAPH_ADD, x, add(g, pick(0, order, 1))), -1, GRAPH_NONE));
    x = add(g, pair(GRAPH_CONCAT, x, 0));
    x = add(g, pick(x, order, 4));
    add(g, linear(add(g, of_kind(GRAPH_FLATTEN, x)), 3));
    differences(g);
    g = image_of(4, 2, 3);
    add(g, pair(GRAPH_MULTIPLY, 0, 0));
    differences(g);
    g = image_of(4, 2, 3);
    add(g, of_kind(GRAPH_SOFTMAX, 0));
    differences(g);
    /* Four cells of a matrix that is made of what it is multiplied with. */
    g = image_of(8, 3, 5);
    op = pair(GRAPH_MATMUL, 0, add(g, grid(add(g, pick(0, order, 4)), 2, 2)));
    op.groups = 2;
    add(g, op);
    differences(g);
    /* An odd number of elements, none of which is at an edge of a function. */
    for (int f = 0; f <= GRAPH_ERF; f++) {
        g = image_of(3, 5, 7);
        x = f >= GRAPH_ROOT && f != GRAPH_ERF ? add(g, function(0, GRAPH_SIGMOID, 0, 0)) : 0;
        add(g, function(x, (enum graph_function)f, .2F, .3F));
        differences(g);
    }
    g = image_of(3, 5, 7);
    add(g, function(0, GRAPH_CLIP, -.4F, INFINITY));
    differences(g);
}

static void check_token_backward(void)
{
    struct graph *g = image_of(5, 2, 3);
    add(g, layer_norm(0, .01F));
    differences(g);
    g = image_of(5, 2, 3);
    add(g, of_kind(GRAPH_OFFSET, 0));
    differences(g);
    g = image_of(3, 4, 3);
    add(g, gather(g, 0, 5, 3, 2));
    differences(g);
    for (int heads = 1; heads <= 4; heads *= 2) {
        g = image_of(12, 2, 3);
        struct graph_op op = attention(0, heads, .7F);
        add(g, op);
        differences(g);
        g = image_of(12, 2, 3);
        op.biased = true;
        add(g, op);
        differences(g);
    }
    /* A block of a vision transformer, with what its exporters make of a class token. */
    g = image_of(4, 2, 3);
    int x = add(g, of_kind(GRAPH_OFFSET, add(g, gather(g, 0, 4, 7, 1))));
    struct graph_op op = windows(GRAPH_CONV, add(g, layer_norm(x, 1e-5F)), 1, 1, 0);
    op.channels = 12;
    op = with(windows(GRAPH_CONV, add(g, attention(add(g, op), 2, .7F)), 1, 1, 0), x, GRAPH_NONE);
    x = add(g, op);
    add(g, linear(add(g, gather(g, x, 4, 1, 1)), 3));
    differences(g);
}

/* What an operation makes of one channel of 2 by 3 cells. */
static void made(struct graph_op op, const float *want, size_t n)
{
    static const float image[] = {1, -2, 3, 4, 5, -6};
    struct graph *g = image_of(1, 2, 3);
    add(g, op);
    struct graph_image x = values_of(g);
    memcpy(x.value[0], image, sizeof image);
    graph_forward(g, &g->op[0], &x);
    CHECK(graph_size(g, 1) == n);
    for (size_t p = 0; p < n; p++)
        CHECK_NEAR(x.value[1][p], want[p], 2e-6);
    values_free(g, &x);
    graph_free(g);
}

static void check_values(void)
{
    struct graph_op op = windows(GRAPH_MEAN_POOL, 0, 2, 2, 1);
    made(op, (float[]){.25F, .25F, 1, -.25F}, 4);
    op.inner = true;
    made(op, (float[]){1, .5F, 4, -.5F}, 4);
    made(grid(0, 1, 2), (float[]){2, 0}, 2);
    struct graph *g = image_of(1, 2, 3);
    op = gather(g, 0, 1, 1, 3);
    memcpy((void *)op.pick, (int[]){5, -1, 0}, 3 * sizeof(int));
    made(op, (float[]){-6, 0, 1}, 3);
    graph_free(g);
    made(function(0, GRAPH_CLIP, -1, 3.5F), (float[]){1, -1, 3, 3.5F, 3.5F, -1}, 6);
    made(function(0, GRAPH_LEAKY_RELU, .1F, 0), (float[]){1, -.2F, 3, 4, 5, -.6F}, 6);
    made(function(0, GRAPH_SIGMOID, 0, 0),
         (float[]){.73105858F, .11920292F, .95257413F, .98201379F, .99330715F, .00247262F}, 6);
    made(function(0, GRAPH_SILU, 0, 0),
         (float[]){.73105858F, -.23840584F, 2.85772238F, 3.92805516F, 4.96653575F, -.01483574F}, 6);
    made(function(0, GRAPH_HARD_SIGMOID, 1 / 6.F, .5F), (float[]){2 / 3.F, 1 / 6.F, 1, 1, 1, 0}, 6);
    made(function(0, GRAPH_HARD_SWISH, 0, 0), (float[]){2 / 3.F, -1 / 3.F, 3, 4, 5, 0}, 6);
    made(function(0, GRAPH_GELU, 0, 0),
         (float[]){.84134475F, -.04550026F, 2.99595031F, 3.99987329F, 4.99999857F, -5.92e-9F}, 6);
    made(function(0, GRAPH_GELU_TANH, 0, 0),
         (float[]){.84119199F, -.04540229F, 2.99636269F, 3.99992991F, 4.99999994F, 0}, 6);
    made(function(0, GRAPH_ELU, 1, 0), (float[]){1, -.86466472F, 3, 4, 5, -.99752125F}, 6);
    made(function(0, GRAPH_SOFTPLUS, 0, 0),
         (float[]){1.31326169F, .12692801F, 3.04858735F, 4.01814993F, 5.00671535F, .00247569F}, 6);
    made(function(0, GRAPH_MISH, 0, 0),
         (float[]){.86509839F, -.25250148F, 2.98653500F, 3.99741281F, 4.99955208F, -.01485410F}, 6);
    /* Of round numbers the bits are no chance, but the same everywhere. */
    made(function(0, GRAPH_DROPOUT, .5F, 0), (float[]){2, -4, 0, 8, 10, -12}, 6);
    made(function(0, GRAPH_INVERSE, 0, 0), (float[]){1, -.5F, .33333333F, .25F, .2F, -.16666667F},
         6);
    made(function(0, GRAPH_ROOT, 0, 0), (float[]){1, 0, 1.73205081F, 2, 2.23606798F, 0}, 6);
    made(function(0, GRAPH_EXP, 0, 0),
         (float[]){2.71828183F, .13533528F, 20.0855369F, 54.5981500F, 148.413159F, .00247875F}, 6);
    made(function(0, GRAPH_LOG, 0, 0),
         (float[]){0, -87.3365448F, 1.09861229F, 1.38629436F, 1.60943791F, -87.3365448F}, 6);
    made(function(0, GRAPH_POWER, 1.5F, 0), (float[]){1, 0, 5.19615242F, 8, 11.1803399F, 0}, 6);
    made(function(0, GRAPH_ERF, 0, 0),
         (float[]){.84270079F, -.99532227F, .99997791F, .99999998F, 1, -1}, 6);
}

/* Two groups of one channel, which two cells of the matrix are read for; by hand. */
static void check_matmul(void)
{
    static const float in[] = {1, 2, 3, 4, 5, 6, 7, 8}, turned[] = {1, -1, 2, 0};
    struct graph *g = image_of(4, 1, 2);
    struct graph_op op = pair(GRAPH_MATMUL, 0, add(g, pick(0, (int[]){0, 1}, 2)));
    op.groups = 2;
    add(g, op);
    struct graph_image x = values_of(g);
    memcpy(x.value[0], in, sizeof in);
    memcpy(x.value[1], turned, sizeof turned);
    graph_forward(g, &g->op[1], &x);
    CHECK(x.value[2][0] == 1 - 3 && x.value[2][1] == 2 - 4);
    CHECK(x.value[2][2] == 2 * 5 && x.value[2][3] == 2 * 6);
    values_free(g, &x);
    graph_free(g);
}

/* The rows and columns of two cells each, by hand. */
static void check_resize(void)
{
    static const float in[] = {1, 2, 3, 4, 5, 6}, w[] = {.5F, .5F, 1, 0, 0, 1, -1, 2};
    struct graph *g = image_of(1, 2, 3);
    struct graph_op op = resize(0, 1, 3, 0, 1);
    memcpy((float *)op.w, w, sizeof w);
    add(g, op);
    struct graph_image x = values_of(g);
    memcpy(x.value[0], in, sizeof in);
    graph_forward(g, &g->op[0], &x);
    CHECK(x.value[1][0] == 2.5F && x.value[1][1] == 4.5F && x.value[1][2] == 2 * 4.5F - 3.5F);
    values_free(g, &x);
    graph_free(g);
    /* Shares below 0 make numbers below 0 of others. */
    g = image_of(1, 2, 3);
    const int positive = add(g, of_kind(GRAPH_SOFTMAX, 0));
    op = resize(positive, 1, 3, 0, 1);
    memcpy((float *)op.w, w, sizeof w);
    const int other = add(g, op);
    op = resize(positive, 1, 3, 0, 1);
    for (int i = 0; i < 8; i++)
        ((float *)op.w)[i] = fabsf(w[i]);
    const int still = add(g, op);
    bool *rectified = graph_rectified(g);
    CHECK(!rectified[other] && rectified[still]);
    free(rectified);
    graph_free(g);
}

/* Two cells of six channels: a query, a key and a value of two each; by hand. */
static void check_attention(void)
{
    static const float in[] = {1, 0, 0, 1, 1, 0, 0, 2, 10, 20, 30, 50};
    struct graph *g = image_of(6, 1, 2);
    add(g, attention(0, 1, .5F));
    add(g, layer_norm(0, 0));
    struct graph_image x = values_of(g);
    memcpy(x.value[0], in, sizeof in);
    for (int i = 0; i < 6; i++) {
        ((float *)g->op[1].w)[i] = 2;
        ((float *)g->op[1].b)[i] = 3;
    }
    graph_forward(g, &g->op[0], &x);
    graph_forward(g, &g->op[1], &x);
    /* Cell 0: query (1, 0), products with both keys .5 and 0; cell 1: query (0, 1), 0 and 1. */
    const double a = exp(.5) / (exp(.5) + 1), b = 1 / (1 + exp(1));
    CHECK_NEAR(x.value[1][0], 10 * a + 20 * (1 - a), 1e-5);
    CHECK_NEAR(x.value[1][2], 30 * a + 50 * (1 - a), 1e-5);
    CHECK_NEAR(x.value[1][1], 10 * b + 20 * (1 - b), 1e-5);
    CHECK_NEAR(x.value[1][3], 30 * b + 50 * (1 - b), 1e-5);
    /* Channels of cell 0: 1 0 1 0 10 30, mean 7, variance 708 / 6. */
    CHECK_NEAR(x.value[2][0], 2 * (1 - 7) / sqrt(708 / 6.) + 3, 1e-5);
    values_free(g, &x);
    graph_free(g);
}

/* An activation stops the gradient of the value itself; what is not wanted gets none. */
static void check_wanted(void)
{
    struct graph *g = image_of(2, 2, 2);
    add(g, of_kind(GRAPH_NORM, 0));
    add(g, with(of_kind(GRAPH_NORM, 1), 0, GRAPH_RELU));
    struct graph_image x = values_of(g);
    const bool wanted[] = {false, true, true};
    score(g, &x, x.value[2]);
    for (size_t p = 0; p < 8; p++)
        x.grad[2][p] = 1;
    graph_backward(g, &g->op[1], &x, wanted);
    for (size_t p = 0; p < 8; p++) {
        CHECK_NEAR(x.grad[2][p], x.value[2][p] > 0 ? 1 : 0, 0);
        CHECK_NEAR(x.grad[1][p], x.value[2][p] > 0 ? g->op[1].w[p / 4] : 0, 0);
        CHECK_NEAR(x.grad[0][p], 0, 0);
    }
    CHECK(graph_op_keeps(&g->op[0]) == GRAPH_KEEPS_NOTHING);
    CHECK(graph_op_keeps(&g->op[1]) == GRAPH_KEEPS_RESULT);
    values_free(g, &x);
    graph_free(g);
}

/* --- the pattern at the end --- */

static void check_closed(void)
{
    struct graph *g = image_of(3, 4, 4);
    CHECK(graph_closed(g).value == -1);
    int x = add(g, windows(GRAPH_CONV, 0, 3, 1, 1)), pooled = add(g, of_kind(GRAPH_AVERAGE, x));
    CHECK(graph_closed(g).value == -1);
    int logits = add(g, linear(pooled, 5));
    struct graph_closed end = graph_closed(g);
    CHECK(end.value == x && end.average == &g->op[1] && end.linear == &g->op[2]);
    /* Two linear layers in a row have none. */
    add(g, linear(logits, 2));
    CHECK(graph_closed(g).value == -1 && !graph_closed(g).linear);
    graph_free(g);
    /* Nor has an average that something else reads. */
    g = image_of(3, 1, 1);
    x = add(g, of_kind(GRAPH_AVERAGE, add(g, of_kind(GRAPH_AVERAGE, 0))));
    add(g, linear(x, 5));
    CHECK(graph_closed(g).value == 1);
    add(g, linear(x, 5));
    CHECK(graph_closed(g).value == -1);
    graph_free(g);
}

static void check_layers(void)
{
    static const char *const names[] = {"conv1", NULL, "layer1.0", "layer1.1", "layer2.0"};
    struct graph *g = image_of(4, 8, 8);
    struct err e = {0};
    char name[32];
    for (int i = 0; i < 5; i++) {
        int x = add(g, windows(GRAPH_CONV, i, 3, i == 4 ? 4 : 1, 1));
        g->value[x].name = names[i] ? mem_dup(names[i]) : NULL;
    }
    g->value[1].key = mem_dup("pre.0");
    CHECK(graph_layer(g, "layer1", &e) == 4 && graph_layer(g, "layer1.0", &e) == 3);
    CHECK(graph_layer(g, "pre.0", &e) == 1);
    CHECK(graph_layer(g, "layer", &e) == -1);
    CHECK_STR(e.msg,
              "layer 'layer' is not one of conv1, layer1, layer1.0, layer1.1, layer2, layer2.0");
    CHECK(graph_finer(g, 5, 4) == 4 && graph_finer(g, 4, 4) == 3);
    CHECK(graph_finer(g, 5, 9) == -1);
    graph_layer_name(g, 4, name, sizeof name);
    CHECK_STR(name, "layer1");
    graph_layer_name(g, 3, name, sizeof name);
    CHECK_STR(name, "layer1.0");
    graph_layer_name(g, 1, name, sizeof name);
    CHECK_STR(name, "conv1");
    bool marked[6] = {[3] = true};
    graph_mark_made_of(g, marked);
    for (int i = 0; i < 6; i++)
        CHECK(marked[i] == (i >= 3));
    graph_free(g);
}

/* Stages that are all in one module, as an encoder's are: the layer is one of these. Layers inside
 * a block that halves the grid are none. */
static void check_inner(void)
{
    static const char *const names[] = {"net.stem", "net.body.0", "net.body.1.conv", "net.body.1",
                                        "net.body"};
    static const int stride[] = {2, 2, 1, 2, 2};
    struct graph *g = image_of(4, 32, 32);
    struct err e = {0};
    for (int i = 0; i < 5; i++)
        add(g, windows(GRAPH_CONV, i, 3, stride[i], 1));
    CHECK(graph_finer(g, 5, 4) == -1 && graph_latest(g, 4) == -1);
    CHECK(graph_layer(g, "auto", &e) == -1);
    CHECK_STR(e.msg, "layer 'auto': the network has no layers with places in the image");
    for (int i = 0; i < 5; i++)
        graph_call(g, i + 1, names[i], false);
    CHECK(graph_layer(g, "auto", &e) == -1);
    CHECK_STR(e.msg, "layer 'auto' is not one of net.stem, net.body.0, net.body.1.conv, "
                     "net.body.1, net.body, ...: model-info --layers lists all");
    CHECK(graph_finer(g, 5, 4) == 4 && graph_finer(g, 5, 8) == 2);
    g->value[1].name = mem_dup("net.stem");
    g->value[5].name = mem_dup("net.body");
    CHECK(graph_finer(g, 5, 4) == 4 && graph_finer(g, 5, 8) == 2 && graph_finer(g, 5, 16) == 1);
    graph_free(g);

    /* A stage is more than its last block with places. */
    char name[32];
    g = image_of(4, 8, 8);
    int block = add(g, windows(GRAPH_CONV, 0, 3, 1, 1)),
        flat = add(g, of_kind(GRAPH_FLATTEN, block));
    add(g, linear(flat, 5));
    g->value[block].name = mem_dup("net.0");
    graph_layer_name(g, block, name, sizeof name);
    CHECK_STR(name, "net");
    g->value[flat].name = mem_dup("net.1");
    graph_layer_name(g, block, name, sizeof name);
    CHECK_STR(name, "net.0");
    graph_free(g);
}

/* A pool to a finer grid shows no more places than there were, nor does what it is made into. */
static void check_copies(void)
{
    struct graph *g = image_of(4, 8, 8);
    int fine = add(g, windows(GRAPH_CONV, 0, 3, 1, 1));
    int coarse = add(g, windows(GRAPH_CONV, fine, 8, 8, 0));
    struct graph_op op = of_kind(GRAPH_GRID_POOL, coarse);
    op.y.k = op.x.k = 7;
    int copies = add(g, op);
    int later = add(g, windows(GRAPH_CONV, copies, 3, 1, 1));
    add(g, linear(add(g, of_kind(GRAPH_FLATTEN, later)), 5));
    g->value[fine].name = mem_dup("features.0");
    g->value[coarse].name = mem_dup("features.1");
    g->value[copies].name = mem_dup("avgpool");
    g->value[later].name = mem_dup("mixed");
    CHECK(graph_latest(g, 4) == fine && graph_latest(g, 1) == coarse);
    CHECK(graph_finer(g, graph_logits(g), 4) == fine);
    graph_free(g);
}

/* Patches become tokens behind a class token, pass an attention and end in the class token. */
static void check_tokens(void)
{
    struct graph *g = image_of(3, 8, 8);
    struct err e = {0};
    struct graph_grid grid;
    int patches = add(g, windows(GRAPH_CONV, 0, 2, 2, 0)), c = g->value[patches].c;
    struct graph_op op = gather(g, patches, c, 17, 1);
    for (int i = 0; i < c; i++)
        for (int k = 0; k < 17; k++)
            ((int *)op.pick)[i * 17 + k] = k == 0 ? -1 : i * 16 + k - 1;
    int tokens = add(g, of_kind(GRAPH_OFFSET, add(g, op)));
    int norm = add(g, layer_norm(tokens, 1e-5F));
    op = windows(GRAPH_CONV, norm, 1, 1, 0);
    op.channels = 3 * c;
    struct graph_op sum = of_kind(GRAPH_ADD, add(g, attention(add(g, op), 1, 1)));
    sum.in[sum.ins++] = tokens;
    int block = add(g, sum);
    op = gather(g, block, c, 1, 1);
    for (int i = 0; i < c; i++)
        ((int *)op.pick)[i] = i * 17;
    int first = add(g, op);
    add(g, linear(first, 5));

    CHECK(graph_grid(g, patches, &grid) && grid.h == 4 && grid.w == 4 && grid.first == 0);
    CHECK(graph_grid(g, block, &grid) && grid.h == 4 && grid.w == 4 && grid.first == 1);
    CHECK(!graph_grid(g, first, &grid) && !graph_grid(g, graph_logits(g), &grid));
    /* Without names there are no layers. */
    CHECK(graph_latest(g, 4) == -1);
    g->value[patches].name = mem_dup("embed");
    g->value[block].name = mem_dup("blocks.0");
    g->value[first].name = mem_dup("head.norm");
    /* On the block's other tokens the logits do not depend. */
    CHECK(graph_latest(g, 4) == patches && graph_latest(g, 5) == -1);
    graph_call(g, norm, "blocks.0.norm1", false);
    graph_call(g, norm, "blocks.0.norm", false);
    CHECK(graph_latest(g, 4) == norm);
    CHECK_STR(graph_name(g, norm), "blocks.0.norm1");
    CHECK(graph_layer(g, "blocks.0.norm", &e) == norm && graph_layer(g, "blocks", &e) == block);
    CHECK(graph_layer(g, "head.norm", &e) == -1);
    CHECK_STR(e.msg, "layer 'head.norm' is not one of embed, blocks, blocks.0, ...: model-info "
                     "--layers lists all");
    graph_free(g);
}

/* The cell of each patch of 2 by 2 tokens, in rows of 4, that lies in its upper right; `turned`: of
 * the patches in another order. */
static int merge(struct graph *g, int tokens, bool turned)
{
    const int c = g->value[tokens].c;
    struct graph_op op = gather(g, tokens, c, 2, 2);
    for (int i = 0; i < c * 4; i++) {
        const int y = i % 4 / 2, x = i % 2;
        ((int *)op.pick)[i] = i / 4 * 16 + (turned ? 8 * x + 2 * y : 8 * y + 2 * x) + 1;
    }
    return add(g, op);
}

/* Two rows of 3 cells of 4 by 4 patches; `mixed`: the second row begins with a cell of the first.
 */
static int part(struct graph *g, int patches, bool mixed)
{
    const int c = g->value[patches].c;
    struct graph_op op = gather(g, patches, c, 2, 3);
    for (int i = 0; i < c * 6; i++) {
        const int y = i % 6 / 3, x = i % 3;
        ((int *)op.pick)[i] = i / 6 * 16 + (mixed && i % 6 == 3 ? 5 : 5 + 4 * y + x);
    }
    return add(g, op);
}

/* Patches become tokens in a row, of which parts are merged as Swin's are: an image again. */
static void check_merging(void)
{
    struct graph *g = image_of(3, 8, 8);
    struct graph_grid grid;
    const int patches = add(g, windows(GRAPH_CONV, 0, 2, 2, 0)), c = g->value[patches].c;
    struct graph_op op = gather(g, patches, c, 16, 1);
    for (int i = 0; i < c * 16; i++)
        ((int *)op.pick)[i] = i;
    const int tokens = add(g, op), merged = merge(g, tokens, false),
              turned = merge(g, tokens, true);
    CHECK(graph_grid(g, tokens, &grid) && grid.h == 4 && grid.w == 4 && grid.first == 0);
    CHECK(graph_grid(g, merged, &grid) && grid.h == 2 && grid.w == 2 && grid.first == 0);
    CHECK(!graph_grid(g, turned, &grid));
    const int cut = part(g, patches, false), mixed = part(g, patches, true);
    CHECK(graph_grid(g, cut, &grid) && grid.h == 2 && grid.w == 3 && grid.first == 0);
    CHECK(!graph_grid(g, mixed, &grid));
    graph_free(g);
}

/* A stem, a block with a shortcut, and what behind it reads that shortcut once more. */
static void check_tail(void)
{
    struct graph *g = image_of(3, 8, 8);
    struct err e = {0};
    int stem = add(g, windows(GRAPH_CONV, 0, 3, 1, 1));
    int mid = add(g, windows(GRAPH_CONV, stem, 3, 1, 1));
    struct graph_op op = windows(GRAPH_CONV, mid, 3, 1, 1);
    op.in[op.ins++] = stem;
    op.key = mem_dup("layer1.0.conv2");
    int block = add(g, op);
    int useless = add(g, windows(GRAPH_CONV, stem, 1, 1, 0));
    int mean = add(g, of_kind(GRAPH_AVERAGE, block));
    op = of_kind(GRAPH_LINEAR, mean);
    op.channels = 5;
    int logits = add(g, op);
    g->value[stem].name = mem_dup("conv1");
    g->value[block].name = mem_dup("layer1.0");
    g->value[block].key = mem_dup("stage.0");
    g->mean[1] = 0.5F;

    struct graph *t = graph_tail(g, stem, &e);
    CHECK(t && t->ops == 4 && t->values == 5 && t->mean[1] == 0.5F);
    CHECK_STR(t->value[0].name, "conv1");
    CHECK(t->value[0].c == 4 && !t->value[1].name);
    CHECK(graph_layer(t, "layer1.0", &e) == 2 && graph_layer(t, "stage.0", &e) == 2);
    CHECK_STR(t->op[1].key, "layer1.0.conv2");
    CHECK(t->op[1].in[0] == 1 && t->op[1].in[1] == 0);
    CHECK(t->op[1].w != g->op[2].w && t->op[1].w[7] == g->op[2].w[7]);
    CHECK(graph_closed(t).value == 2 && graph_classes(t) == 5);
    graph_free(t);
    t = graph_tail(g, block, &e);
    CHECK(t && t->ops == 2 && graph_closed(t).value == 0);
    graph_free(t);
    t = graph_tail(g, mean, &e);
    CHECK(t && t->ops == 1);
    graph_free(t);

    CHECK(!graph_tail(g, mid, &e));
    CHECK_STR(e.msg, "expected what lies behind value 2 to be made of it alone, found that conv "
                     "layer1.0.conv2 reads conv1");
    CHECK(!graph_tail(g, useless, &e));
    CHECK_STR(e.msg, "expected a value that the logits are made of, found value 4");
    CHECK(!graph_tail(g, logits, &e));
    graph_free(g);
}

int main(void)
{
    check_table();
    check_shapes();
    check_more_shapes();
    check_token_shapes();
    check_matmul_shapes();
    check_resize_shapes();
    check_backward();
    check_more_backward();
    check_token_backward();
    check_values();
    check_matmul();
    check_resize();
    check_attention();
    check_wanted();
    check_closed();
    check_layers();
    check_inner();
    check_copies();
    check_tokens();
    check_merging();
    check_tail();
    return CHECK_DONE();
}
