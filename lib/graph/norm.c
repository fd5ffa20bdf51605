/* A factor and an offset for each channel. */
#include "graph/kinds.h"

void kind_norm_forward(const struct graph *g, const struct graph_op *op,
                       const struct graph_image *image)
{
    const float *x = image->value[op->in[0]];
    const float *add = op->ins > 1 ? image->value[op->in[1]] : NULL;
    float *y = image->value[op->out];
    size_t cells = graph_cells(g, op->out);
    for (size_t p = 0; p < graph_size(g, op->out); p++)
        y[p] = kind_finish(op,
                           (double)op->w[p / cells] * x[p] + op->b[p / cells] + (add ? add[p] : 0));
}

void kind_norm_backward(const struct graph *g, const struct graph_op *op,
                        const struct graph_image *image, int input)
{
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    size_t cells = graph_cells(g, op->out);
    for (size_t p = 0; p < graph_size(g, op->out); p++)
        dx[p] += op->w[p / cells] * dy[p];
}
