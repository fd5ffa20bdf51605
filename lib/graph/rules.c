#include "graph/kinds.h"

/* --- shapes --- */

/* Cells of a row or column that windows of an operation make of `cells`; 0 where none fits. */
static int windows(const struct graph_op *op, int cells)
{
    return op->k >= 1 && op->stride >= 1 && op->pad >= 0 && cells + 2 * op->pad >= op->k
               ? (cells + 2 * op->pad - op->k) / op->stride + 1
               : 0;
}

static const char *windows_shape(const struct graph *g, const struct graph_op *op, int channels,
                                 struct graph_value *y)
{
    const struct graph_value *x = &g->value[op->in[0]];
    *y = (struct graph_value){.c = channels, .h = windows(op, x->h), .w = windows(op, x->w)};
    if (channels < 1)
        return "at least one channel";
    return y->h > 0 && y->w > 0 ? NULL : "a window that fits into the image";
}

static const char *conv_shape(const struct graph *g, const struct graph_op *op,
                              struct graph_value *y)
{
    return windows_shape(g, op, op->channels, y);
}

static const char *max_pool_shape(const struct graph *g, const struct graph_op *op,
                                  struct graph_value *y)
{
    const char *why = windows_shape(g, op, g->value[op->in[0]].c, y);
    /* A window in the padding alone has no largest cell. */
    return why ? why : op->pad < op->k ? NULL : "padding smaller than the window";
}

static const char *norm_shape(const struct graph *g, const struct graph_op *op,
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

/* --- counts --- */

static int64_t conv_weights(const struct graph *g, const struct graph_op *op)
{
    return (int64_t)g->value[op->in[0]].c * op->k * op->k;
}

static int64_t norm_weights(const struct graph *g, const struct graph_op *op)
{
    (void)g;
    (void)op;
    return 1;
}

static int64_t linear_weights(const struct graph *g, const struct graph_op *op)
{
    return g->value[op->in[0]].c;
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
    [GRAPH_CONV] = {"conv", true, GRAPH_KEEPS_NOTHING, conv_shape, conv_weights, weights_macs,
                    kind_conv_forward, kind_conv_backward},
    [GRAPH_NORM] = {"norm", true, GRAPH_KEEPS_NOTHING, norm_shape, norm_weights, NULL,
                    kind_norm_forward, kind_norm_backward},
    [GRAPH_MAX_POOL] = {"max_pool", false, GRAPH_KEEPS_INPUT, max_pool_shape, NULL, NULL,
                        kind_max_pool_forward, kind_max_pool_backward},
    [GRAPH_AVERAGE] = {"average", false, GRAPH_KEEPS_NOTHING, average_shape, NULL, NULL,
                       kind_average_forward, kind_average_backward},
    [GRAPH_LINEAR] = {"linear", false, GRAPH_KEEPS_NOTHING, linear_shape, linear_weights,
                      weights_macs, kind_linear_forward, kind_linear_backward},
};

/* --- by the tables --- */

int64_t graph_op_weights(const struct graph *g, const struct graph_op *op)
{
    const struct graph_rule *r = &graph_rules[op->kind];
    return r->weights ? r->weights(g, op) * g->value[op->out].c : 0;
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
    if (wanted[op->in[0]])
        graph_rules[op->kind].backward(g, op, x);
}
