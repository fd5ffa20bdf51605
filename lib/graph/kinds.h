/* The functions behind graph_rules[], see rules.h; a file for each kind of sum. */
#ifndef HP_GRAPH_KINDS_H
#define HP_GRAPH_KINDS_H

#include "graph/rules.h"

#define KIND(name)                                                                                 \
    void name##_forward(const struct graph *g, const struct graph_op *op,                          \
                        const struct graph_image *x);                                              \
    void name##_backward(const struct graph *g, const struct graph_op *op,                         \
                         const struct graph_image *x, int i)

KIND(kind_conv);
KIND(kind_norm);
KIND(kind_max_pool);
KIND(kind_means); /* mean_pool and grid_pool */
KIND(kind_average);
KIND(kind_linear);
KIND(kind_add);
KIND(kind_multiply);
KIND(kind_function);
KIND(kind_concat);
KIND(kind_pick);
KIND(kind_flatten);
KIND(kind_softmax);
KIND(kind_layer_norm);
KIND(kind_offset);
KIND(kind_attention);
KIND(kind_gather);
KIND(kind_matmul);
KIND(kind_resize);

/* Behind a sum: the activation, then the one rounding. */
static inline float kind_finish(const struct graph_op *op, double sum)
{
    double (*act)(double) = graph_act_rules[op->act].forward;
    return (float)(act ? act(sum) : sum);
}

#endif
