/* Operations that move numbers and change none. */
#include "graph/kinds.h"

#include <string.h>

void kind_concat_forward(const struct graph *g, const struct graph_op *op,
                         const struct graph_image *image)
{
    const size_t first = graph_size(g, op->in[0]), second = graph_size(g, op->in[1]);
    float *y = image->value[op->out];
    memcpy(y, image->value[op->in[0]], first * sizeof *y);
    memcpy(y + first, image->value[op->in[1]], second * sizeof *y);
}

void kind_concat_backward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image, int input)
{
    const float *dy = image->grad[op->out] + (input == 0 ? 0 : graph_size(g, op->in[0]));
    float *dx = image->grad[op->in[input]];
    for (size_t p = 0; p < graph_size(g, op->in[input]); p++)
        dx[p] += dy[p];
}

void kind_pick_forward(const struct graph *g, const struct graph_op *op,
                       const struct graph_image *image)
{
    const size_t cells = graph_cells(g, op->out);
    const float *x = image->value[op->in[0]];
    float *y = image->value[op->out];
    for (int c = 0; c < op->channels; c++, y += cells)
        memcpy(y, x + (size_t)op->pick[c] * cells, cells * sizeof *y);
}

void kind_pick_backward(const struct graph *g, const struct graph_op *op,
                        const struct graph_image *image, int input)
{
    const size_t cells = graph_cells(g, op->out);
    const float *dy = image->grad[op->out];
    for (int c = 0; c < op->channels; c++) {
        float *dx = image->grad[op->in[input]] + (size_t)op->pick[c] * cells;
        for (size_t p = 0; p < cells; p++)
            dx[p] += *dy++;
    }
}

void kind_gather_forward(const struct graph *g, const struct graph_op *op,
                         const struct graph_image *image)
{
    const float *x = image->value[op->in[0]];
    float *y = image->value[op->out];
    for (size_t p = 0; p < graph_size(g, op->out); p++)
        y[p] = op->pick[p] < 0 ? 0 : x[op->pick[p]];
}

void kind_gather_backward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image, int input)
{
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    for (size_t p = 0; p < graph_size(g, op->out); p++)
        if (op->pick[p] >= 0)
            dx[op->pick[p]] += dy[p];
}

void kind_flatten_forward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image)
{
    memcpy(image->value[op->out], image->value[op->in[0]], graph_size(g, op->out) * sizeof(float));
}

void kind_flatten_backward(const struct graph *g, const struct graph_op *op,
                           const struct graph_image *image, int input)
{
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    for (size_t p = 0; p < graph_size(g, op->out); p++)
        dx[p] += dy[p];
}
