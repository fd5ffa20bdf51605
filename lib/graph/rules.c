#include "graph/kinds.h"

#include <limits.h>

/* --- shapes --- */

/* How many windows lie along an axis of `cells`; 0 where none fits. */
static int windows(const struct graph_axis *a, int cells)
{
    const int64_t room = (int64_t)cells + a->before + a->after;
    const int64_t span = (int64_t)(a->k - 1) * (a->gap + 1) + 1;
    return a->k >= 1 && a->stride >= 1 && a->before >= 0 && a->after >= 0 && a->gap >= 0 &&
                   room >= span
               ? (int)((room - span) / a->stride + 1)
               : 0;
}

static const char *windows_shape(const struct graph *g, const struct graph_op *op, int channels,
                                 struct graph_value *y)
{
    const struct graph_value *x = &g->value[op->in[0]];
    *y =
        (struct graph_value){.c = channels, .h = windows(&op->y, x->h), .w = windows(&op->x, x->w)};
    if (channels < 1)
        return "at least one channel";
    return y->h > 0 && y->w > 0 ? NULL : "a window that fits into the image";
}

static const char *conv_shape(const struct graph *g, const struct graph_op *op,
                              struct graph_value *y)
{
    const char *why = windows_shape(g, op, op->channels, y);
    if (why)
        return why;
    return op->groups >= 1 && op->channels % op->groups == 0 &&
                   g->value[op->in[0]].c % op->groups == 0
               ? NULL
               : "groups that divide the channels of both sides";
}

/* A window in the padding alone has neither a largest cell nor a mean. */
static bool reaches_image(const struct graph_axis *a)
{
    const int span = (a->k - 1) * (a->gap + 1) + 1;
    return a->before < span && a->after < span;
}

static const char *pool_shape(const struct graph *g, const struct graph_op *op,
                              struct graph_value *y)
{
    const char *why = windows_shape(g, op, g->value[op->in[0]].c, y);
    if (why)
        return why;
    return reaches_image(&op->y) && reaches_image(&op->x) ? NULL
                                                          : "padding smaller than the window";
}

static const char *grid_pool_shape(const struct graph *g, const struct graph_op *op,
                                   struct graph_value *y)
{
    *y = (struct graph_value){.c = g->value[op->in[0]].c, .h = op->y.k, .w = op->x.k};
    return y->h >= 1 && y->w >= 1 ? NULL : "a grid of at least one area";
}

static const char *same_shape(const struct graph *g, const struct graph_op *op,
                              struct graph_value *y)
{
    const struct graph_value *x = &g->value[op->in[0]];
    *y = (struct graph_value){.c = x->c, .h = x->h, .w = x->w};
    return NULL;
}

static const char *average_shape(const struct graph *g, const struct graph_op *op,
                                 struct graph_value *y)
{
    *y = (struct graph_value){.c = g->value[op->in[0]].c, .h = 1, .w = 1};
    return NULL;
}

static const char *linear_shape(const struct graph *g, const struct graph_op *op,
                                struct graph_value *y)
{
    *y = (struct graph_value){.c = op->channels, .h = 1, .w = 1};
    if (op->channels < 1)
        return "at least one channel";
    return graph_cells(g, op->in[0]) == 1 ? NULL : "a value of one cell";
}

/* Of two sides of which one may be 1; 0 where they differ otherwise. */
static int wider(int a, int b)
{
    return a == b || b == 1 ? a : a == 1 ? b : 0;
}

static const char *pair_shape(const struct graph *g, const struct graph_op *op,
                              struct graph_value *y)
{
    const struct graph_value *a = &g->value[op->in[0]], *b = &g->value[op->in[1]];
    *y = (struct graph_value){
        .c = wider(a->c, b->c), .h = wider(a->h, b->h), .w = wider(a->w, b->w)};
    return y->c && y->h && y->w ? NULL : "two values whose sides are equal or 1";
}

static const char *concat_shape(const struct graph *g, const struct graph_op *op,
                                struct graph_value *y)
{
    const struct graph_value *a = &g->value[op->in[0]], *b = &g->value[op->in[1]];
    *y = (struct graph_value){.h = a->h, .w = a->w};
    if (a->h != b->h || a->w != b->w)
        return "two values of the same height and width";
    return __builtin_add_overflow(a->c, b->c, &y->c) ? "fewer channels" : NULL;
}

static const char *pick_shape(const struct graph *g, const struct graph_op *op,
                              struct graph_value *y)
{
    const struct graph_value *x = &g->value[op->in[0]];
    *y = (struct graph_value){.c = op->channels, .h = x->h, .w = x->w};
    for (int i = 0; i < op->channels; i++)
        if (op->pick[i] < 0 || op->pick[i] >= x->c)
            return "channels of its input";
    return op->channels >= 1 ? NULL : "at least one channel";
}

static const char *flatten_shape(const struct graph *g, const struct graph_op *op,
                                 struct graph_value *y)
{
    const size_t n = graph_size(g, op->in[0]);
    *y = (struct graph_value){.c = (int)n, .h = 1, .w = 1};
    return n <= INT_MAX ? NULL : "a smaller value";
}

static const char *attention_shape(const struct graph *g, const struct graph_op *op,
                                   struct graph_value *y)
{
    const struct graph_value *x = &g->value[op->in[0]];
    *y = (struct graph_value){.c = x->c / 3, .h = x->h, .w = x->w};
    return op->groups >= 1 && x->c % 3 == 0 && y->c % op->groups == 0
               ? NULL
               : "queries, keys and values of as many channels, which the heads divide";
}

static const char *gather_shape(const struct graph *g, const struct graph_op *op,
                                struct graph_value *y)
{
    *y = (struct graph_value){.c = op->channels, .h = op->y.k, .w = op->x.k};
    if (y->c < 1 || y->h < 1 || y->w < 1)
        return "at least one element";
    const int64_t most = (int64_t)graph_size(g, op->in[0]);
    int64_t n = (int64_t)y->c * y->h;
    if (__builtin_mul_overflow(n, y->w, &n) || n > INT_MAX)
        return "fewer elements";
    for (int64_t i = 0; i < n; i++)
        if (op->pick[i] < -1 || op->pick[i] >= most)
            return "elements of its input";
    return NULL;
}

static const char *matmul_shape(const struct graph *g, const struct graph_op *op,
                                struct graph_value *y)
{
    const struct graph_value *x = &g->value[op->in[0]], *m = &g->value[op->in[1]];
    *y = (struct graph_value){.c = m->c, .h = x->h, .w = x->w};
    return op->groups >= 1 && m->c % op->groups == 0 && x->c % op->groups == 0 &&
                   (size_t)(x->c / op->groups) == graph_cells(g, op->in[1])
               ? NULL
               : "as many channels of each group as the second input has cells";
}

/* Whether all that a resize reads along an axis is there. */
static bool shares_fit(const struct graph_axis *a, const int *first, int cells)
{
    bool fits = a->k >= 1 && a->stride >= 1 && a->stride <= cells;
    for (int o = 0; o < a->k && fits; o++)
        fits = first[o] >= 0 && first[o] <= cells - a->stride;
    return fits;
}

static const char *resize_shape(const struct graph *g, const struct graph_op *op,
                                struct graph_value *y)
{
    const struct graph_value *x = &g->value[op->in[0]];
    *y = (struct graph_value){.c = x->c, .h = op->y.k, .w = op->x.k};
    return shares_fit(&op->y, op->pick, x->h) && shares_fit(&op->x, op->pick + op->y.k, x->w)
               ? NULL
               : "rows and columns of its input";
}

/* --- counts --- */

static int64_t conv_weights(const struct graph *g, const struct graph_op *op)
{
    return (int64_t)(g->value[op->in[0]].c / op->groups) * op->y.k * op->x.k * op->channels;
}

static int64_t norm_weights(const struct graph *g, const struct graph_op *op)
{
    return g->value[op->out].c;
}

static int64_t linear_weights(const struct graph *g, const struct graph_op *op)
{
    return (int64_t)g->value[op->in[0]].c * op->channels;
}

static int64_t offset_weights(const struct graph *g, const struct graph_op *op)
{
    return (int64_t)graph_size(g, op->out);
}

static int64_t attention_weights(const struct graph *g, const struct graph_op *op)
{
    const int64_t cells = (int64_t)graph_cells(g, op->out);
    return op->biased ? op->groups * cells * cells : 0;
}

/* Each cell's query with each cell's key, and as much for the values. */
static int64_t attention_macs(const struct graph *g, const struct graph_op *op)
{
    return 2 * (int64_t)graph_size(g, op->out) * (int64_t)graph_cells(g, op->out);
}

static int64_t matmul_macs(const struct graph *g, const struct graph_op *op)
{
    return (int64_t)graph_size(g, op->out) * (int64_t)graph_cells(g, op->in[1]);
}

/* Every weight is multiplied once for each cell of its channel. */
static int64_t weights_macs(const struct graph *g, const struct graph_op *op)
{
    return graph_op_weights(g, op) * (int64_t)graph_cells(g, op->out);
}

/* --- activations --- */

static double relu(double x)
{
    return x < 0 ? 0 : x;
}

static float relu_backward(float y, float dy)
{
    return y > 0 ? dy : 0;
}

/* --- the tables --- */

const struct graph_act_rule graph_act_rules[GRAPH_ACTS] = {
    [GRAPH_NONE] = {"none", GRAPH_KEEPS_NOTHING, NULL, NULL},
    [GRAPH_RELU] = {"relu", GRAPH_KEEPS_RESULT, relu, relu_backward},
};

const struct graph_rule graph_rules[GRAPH_KINDS] = {
    [GRAPH_CONV] = {"conv", 1, true, true, GRAPH_KEEPS_NOTHING, conv_shape, conv_weights,
                    weights_macs, kind_conv_forward, kind_conv_backward},
    [GRAPH_NORM] = {"norm", 1, true, true, GRAPH_KEEPS_NOTHING, same_shape, norm_weights, NULL,
                    kind_norm_forward, kind_norm_backward},
    [GRAPH_MAX_POOL] = {"max_pool", 1, false, false, GRAPH_KEEPS_INPUT, pool_shape, NULL, NULL,
                        kind_max_pool_forward, kind_max_pool_backward},
    [GRAPH_MEAN_POOL] = {"mean_pool", 1, false, false, GRAPH_KEEPS_NOTHING, pool_shape, NULL, NULL,
                         kind_means_forward, kind_means_backward},
    [GRAPH_GRID_POOL] = {"grid_pool", 1, false, false, GRAPH_KEEPS_NOTHING, grid_pool_shape, NULL,
                         NULL, kind_means_forward, kind_means_backward},
    [GRAPH_AVERAGE] = {"average", 1, false, false, GRAPH_KEEPS_NOTHING, average_shape, NULL, NULL,
                       kind_average_forward, kind_average_backward},
    [GRAPH_LINEAR] = {"linear", 1, false, true, GRAPH_KEEPS_NOTHING, linear_shape, linear_weights,
                      weights_macs, kind_linear_forward, kind_linear_backward},
    [GRAPH_ADD] = {"add", 2, false, true, GRAPH_KEEPS_NOTHING, pair_shape, NULL, NULL,
                   kind_add_forward, kind_add_backward},
    [GRAPH_MULTIPLY] = {"multiply", 2, false, false, GRAPH_KEEPS_INPUT, pair_shape, NULL, NULL,
                        kind_multiply_forward, kind_multiply_backward},
    [GRAPH_FUNCTION] = {"function", 1, false, false, GRAPH_KEEPS_INPUT, same_shape, NULL, NULL,
                        kind_function_forward, kind_function_backward},
    [GRAPH_CONCAT] = {"concat", 2, false, false, GRAPH_KEEPS_NOTHING, concat_shape, NULL, NULL,
                      kind_concat_forward, kind_concat_backward},
    [GRAPH_PICK] = {"pick", 1, false, false, GRAPH_KEEPS_NOTHING, pick_shape, NULL, NULL,
                    kind_pick_forward, kind_pick_backward},
    [GRAPH_FLATTEN] = {"flatten", 1, false, false, GRAPH_KEEPS_NOTHING, flatten_shape, NULL, NULL,
                       kind_flatten_forward, kind_flatten_backward},
    [GRAPH_SOFTMAX] = {"softmax", 1, false, false, GRAPH_KEEPS_RESULT, same_shape, NULL, NULL,
                       kind_softmax_forward, kind_softmax_backward},
    [GRAPH_LAYER_NORM] = {"layer_norm", 1, false, false, GRAPH_KEEPS_INPUT, same_shape,
                          norm_weights, NULL, kind_layer_norm_forward, kind_layer_norm_backward},
    [GRAPH_OFFSET] = {"offset", 1, false, false, GRAPH_KEEPS_NOTHING, same_shape, offset_weights,
                      NULL, kind_offset_forward, kind_offset_backward},
    [GRAPH_ATTENTION] = {"attention", 1, false, false, GRAPH_KEEPS_INPUT, attention_shape,
                         attention_weights, attention_macs, kind_attention_forward,
                         kind_attention_backward},
    [GRAPH_GATHER] = {"gather", 1, false, false, GRAPH_KEEPS_NOTHING, gather_shape, NULL, NULL,
                      kind_gather_forward, kind_gather_backward},
    [GRAPH_MATMUL] = {"matmul", 2, false, false, GRAPH_KEEPS_INPUT, matmul_shape, NULL, matmul_macs,
                      kind_matmul_forward, kind_matmul_backward},
    [GRAPH_RESIZE] = {"resize", 1, false, false, GRAPH_KEEPS_NOTHING, resize_shape, NULL, NULL,
                      kind_resize_forward, kind_resize_backward},
};

/* --- by the tables --- */

int64_t graph_op_weights(const struct graph *g, const struct graph_op *op)
{
    const struct graph_rule *r = &graph_rules[op->kind];
    return r->weights ? r->weights(g, op) : 0;
}

unsigned graph_op_keeps(const struct graph_op *op)
{
    return graph_rules[op->kind].keeps | graph_act_rules[op->act].keeps;
}

size_t graph_plane(const struct graph *g)
{
    size_t most = 0;
    for (int i = 0; i < g->values; i++)
        most = graph_cells(g, i) > most ? graph_cells(g, i) : most;
    for (int i = 0; i < g->ops; i++)
        if (g->op[i].kind == GRAPH_ATTENTION)
            return 2 * most;
    return most;
}

int64_t graph_op_macs(const struct graph *g, const struct graph_op *op)
{
    const struct graph_rule *r = &graph_rules[op->kind];
    return r->macs ? r->macs(g, op) : 0;
}

int64_t graph_macs(const struct graph *g)
{
    int64_t sum = 0;
    for (int i = 0; i < g->ops; i++)
        sum += graph_op_macs(g, &g->op[i]);
    return sum;
}

void graph_forward(const struct graph *g, const struct graph_op *op, const struct graph_image *x)
{
    graph_rules[op->kind].forward(g, op, x);
}

void graph_backward(const struct graph *g, const struct graph_op *op, const struct graph_image *x,
                    const bool *wanted)
{
    float (*act)(float, float) = graph_act_rules[op->act].backward;
    const float *y = x->value[op->out];
    float *dy = x->grad[op->out];
    size_t size = graph_size(g, op->out);
    int addend = graph_addend(op);
    for (size_t p = 0; act && p < size; p++)
        dy[p] = act(y[p], dy[p]);
    for (size_t p = 0; addend >= 0 && wanted[addend] && p < size; p++)
        x->grad[addend][p] += dy[p];
    for (int i = 0; i < graph_rules[op->kind].inputs; i++)
        if (wanted[op->in[i]])
            graph_rules[op->kind].backward(g, op, x, i);
}
