/* A linear layer. */
#include "graph/kinds.h"

void kind_linear_forward(const struct graph *g, const struct graph_op *op,
                         const struct graph_image *image)
{
    const float *x = image->value[op->in[0]], *w = op->w;
    float *y = image->value[op->out];
    int in = g->value[op->in[0]].c, out = g->value[op->out].c;
    for (int o = 0; o < out; o++) {
        double sum = op->b[o];
        for (int i = 0; i < in; i++)
            sum += (double)*w++ * x[i];
        y[o] = kind_finish(op, sum);
    }
}

void kind_linear_backward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image, int input)
{
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    int in = g->value[op->in[0]].c, out = g->value[op->out].c;
    for (int i = 0; i < in; i++) {
        double sum = dx[i];
        for (int o = 0; o < out; o++)
            sum += (double)op->w[(size_t)o * (size_t)in + (size_t)i] * dy[o];
        dx[i] = (float)sum;
    }
}
