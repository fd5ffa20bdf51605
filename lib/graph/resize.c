/* Weighted sums of rows and of columns: interpolation. */
#include "graph/kinds.h"
#include "graph/windows.h"

void kind_resize_forward(const struct graph *g, const struct graph_op *op,
                         const struct graph_image *image)
{
    const struct graph_shares rows = graph_rows(op), columns = graph_columns(op);
    const size_t w = (size_t)g->value[op->in[0]].w;
    const float *x = image->value[op->in[0]];
    float *y = image->value[op->out];
    for (int c = 0; c < g->value[op->out].c; c++, x += graph_cells(g, op->in[0]))
        for (int oy = 0; oy < rows.cells; oy++)
            for (int ox = 0; ox < columns.cells; ox++) {
                const float *wy = rows.w + (size_t)oy * (size_t)rows.each,
                            *wx = columns.w + (size_t)ox * (size_t)columns.each;
                double sum = 0;
                for (int i = 0; i < rows.each; i++) {
                    const float *row = x + (size_t)(rows.first[oy] + i) * w + columns.first[ox];
                    double part = 0;
                    for (int k = 0; k < columns.each; k++)
                        part += (double)wx[k] * row[k];
                    sum += wy[i] * part;
                }
                *y++ = (float)sum;
            }
}

void kind_resize_backward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image, int input)
{
    const struct graph_shares rows = graph_rows(op), columns = graph_columns(op);
    const size_t w = (size_t)g->value[op->in[0]].w;
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    for (int c = 0; c < g->value[op->out].c; c++, dx += graph_cells(g, op->in[0]))
        for (int oy = 0; oy < rows.cells; oy++)
            for (int ox = 0; ox < columns.cells; ox++, dy++) {
                const float *wy = rows.w + (size_t)oy * (size_t)rows.each,
                            *wx = columns.w + (size_t)ox * (size_t)columns.each;
                for (int i = 0; i < rows.each; i++) {
                    float *row = dx + (size_t)(rows.first[oy] + i) * w + columns.first[ox];
                    for (int k = 0; k < columns.each; k++)
                        row[k] += (float)((double)wy[i] * wx[k] * *dy);
                }
            }
}
