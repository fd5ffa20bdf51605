/* Maxima and means over windows and areas, and the average over all cells. */
#include "graph/kinds.h"
#include "graph/windows.h"

#include <math.h>

/* The first cell, in row order, of the largest value in window (oy, ox) of a plane. A NaN
 * is larger than any number. */
static size_t largest(const struct graph_value *from, const struct graph_op *op, const float *x,
                      int oy, int ox)
{
    bool found = false;
    size_t at = 0;
    for (int ky = 0; ky < op->y.k; ky++)
        for (int kx = 0; kx < op->x.k; kx++) {
            int iy = oy * op->y.stride + ky * (op->y.gap + 1) - op->y.before;
            int ix = ox * op->x.stride + kx * (op->x.gap + 1) - op->x.before;
            if (iy < 0 || iy >= from->h || ix < 0 || ix >= from->w)
                continue;
            size_t p = (size_t)iy * (size_t)from->w + (size_t)ix;
            if (!found || x[p] > x[at] || (isnan(x[p]) && !isnan(x[at])))
                at = p;
            found = true;
        }
    return at;
}

void kind_max_pool_forward(const struct graph *g, const struct graph_op *op,
                           const struct graph_image *image)
{
    const struct graph_value *from = &g->value[op->in[0]], *to = &g->value[op->out];
    const float *x = image->value[op->in[0]];
    float *y = image->value[op->out];
    for (int c = 0; c < to->c; c++, x += graph_cells(g, op->in[0]))
        for (int oy = 0; oy < to->h; oy++)
            for (int ox = 0; ox < to->w; ox++)
                *y++ = x[largest(from, op, x, oy, ox)];
}

void kind_max_pool_backward(const struct graph *g, const struct graph_op *op,
                            const struct graph_image *image, int input)
{
    const struct graph_value *from = &g->value[op->in[0]], *to = &g->value[op->out];
    const float *x = image->value[op->in[0]], *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    size_t cells = graph_cells(g, op->in[0]);
    for (int c = 0; c < to->c; c++, x += cells, dx += cells)
        for (int oy = 0; oy < to->h; oy++)
            for (int ox = 0; ox < to->w; ox++)
                dx[largest(from, op, x, oy, ox)] += *dy++;
}

void kind_means_forward(const struct graph *g, const struct graph_op *op,
                        const struct graph_image *image)
{
    const struct graph_value *from = &g->value[op->in[0]], *to = &g->value[op->out];
    const float *x = image->value[op->in[0]];
    float *y = image->value[op->out];
    for (int c = 0; c < to->c; c++, x += graph_cells(g, op->in[0]))
        for (int oy = 0; oy < to->h; oy++)
            for (int ox = 0; ox < to->w; ox++) {
                const struct graph_span sy = graph_pooled(op->kind, &op->y, oy, from->h),
                                        sx = graph_pooled(op->kind, &op->x, ox, from->w);
                double sum = 0;
                for (int iy = sy.begin; iy < sy.end; iy += sy.by)
                    for (int ix = sx.begin; ix < sx.end; ix += sx.by)
                        sum += x[(size_t)iy * (size_t)from->w + (size_t)ix];
                *y++ = (float)(sum / graph_divisor(op->inner, &sy, &sx));
            }
}

void kind_means_backward(const struct graph *g, const struct graph_op *op,
                         const struct graph_image *image, int input)
{
    const struct graph_value *from = &g->value[op->in[0]], *to = &g->value[op->out];
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    for (int c = 0; c < to->c; c++, dx += graph_cells(g, op->in[0]))
        for (int oy = 0; oy < to->h; oy++)
            for (int ox = 0; ox < to->w; ox++, dy++) {
                const struct graph_span sy = graph_pooled(op->kind, &op->y, oy, from->h),
                                        sx = graph_pooled(op->kind, &op->x, ox, from->w);
                const double each = *dy / graph_divisor(op->inner, &sy, &sx);
                for (int iy = sy.begin; iy < sy.end; iy += sy.by)
                    for (int ix = sx.begin; ix < sx.end; ix += sx.by)
                        dx[(size_t)iy * (size_t)from->w + (size_t)ix] += (float)each;
            }
}

void kind_average_forward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image)
{
    const float *x = image->value[op->in[0]];
    float *y = image->value[op->out];
    size_t cells = graph_cells(g, op->in[0]);
    for (int c = 0; c < g->value[op->out].c; c++, x += cells) {
        double sum = 0;
        for (size_t p = 0; p < cells; p++)
            sum += x[p];
        y[c] = (float)(sum / (double)cells);
    }
}

void kind_average_backward(const struct graph *g, const struct graph_op *op,
                           const struct graph_image *image, int input)
{
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    size_t cells = graph_cells(g, op->in[0]);
    for (size_t p = 0; p < graph_size(g, op->in[0]); p++)
        dx[p] += (float)(dy[p / cells] / (double)cells);
}
