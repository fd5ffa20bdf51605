/* A factor and an offset for each channel, an offset for each element, and the layer norm. */
#include "graph/kinds.h"

#include <math.h>

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

void kind_offset_forward(const struct graph *g, const struct graph_op *op,
                         const struct graph_image *image)
{
    const float *x = image->value[op->in[0]];
    float *y = image->value[op->out];
    for (size_t p = 0; p < graph_size(g, op->out); p++)
        y[p] = x[p] + op->w[p];
}

void kind_offset_backward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image, int input)
{
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    for (size_t p = 0; p < graph_size(g, op->out); p++)
        dx[p] += dy[p];
}

/* What a layer norm takes off the channels of a cell, and the factor behind it. */
struct spread {
    double mean, scale;
};

static struct spread spread_of(const float *x, int channels, size_t cells, double eps)
{
    double sum = 0, squares = 0;
    for (int c = 0; c < channels; c++)
        sum += x[(size_t)c * cells];
    const double mean = sum / channels;
    for (int c = 0; c < channels; c++)
        squares += (x[(size_t)c * cells] - mean) * (x[(size_t)c * cells] - mean);
    return (struct spread){mean, 1 / sqrt(squares / channels + eps)};
}

void kind_layer_norm_forward(const struct graph *g, const struct graph_op *op,
                             const struct graph_image *image)
{
    const size_t cells = graph_cells(g, op->out);
    const int channels = g->value[op->out].c;
    for (size_t p = 0; p < cells; p++) {
        const float *x = image->value[op->in[0]] + p;
        float *y = image->value[op->out] + p;
        const struct spread s = spread_of(x, channels, cells, op->p);
        for (int c = 0; c < channels; c++)
            y[(size_t)c * cells] =
                (float)((x[(size_t)c * cells] - s.mean) * s.scale * op->w[c] + op->b[c]);
    }
}

/* With x^ = (x - mean) scale and d = w dy: dx = scale (d - mean of d - x^ mean of d x^). */
void kind_layer_norm_backward(const struct graph *g, const struct graph_op *op,
                              const struct graph_image *image, int input)
{
    const size_t cells = graph_cells(g, op->out);
    const int channels = g->value[op->out].c;
    for (size_t p = 0; p < cells; p++) {
        const float *x = image->value[op->in[0]] + p, *dy = image->grad[op->out] + p;
        float *dx = image->grad[op->in[input]] + p;
        const struct spread s = spread_of(x, channels, cells, op->p);
        double sum = 0, along = 0;
        for (int c = 0; c < channels; c++) {
            const double d = (double)op->w[c] * dy[(size_t)c * cells];
            sum += d;
            along += d * (x[(size_t)c * cells] - s.mean) * s.scale;
        }
        for (int c = 0; c < channels; c++) {
            const double d = (double)op->w[c] * dy[(size_t)c * cells];
            const double at = (x[(size_t)c * cells] - s.mean) * s.scale;
            dx[(size_t)c * cells] += (float)(s.scale * (d - (sum + at * along) / channels));
        }
    }
}
