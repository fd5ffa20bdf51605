/* The product of two values as matrices. */
#include "graph/kinds.h"

/* Sizes of a group: x (in, cells), m (out, in), y (out, cells). */
struct sizes {
    size_t groups, in, out, cells;
};

static struct sizes sizes_of(const struct graph *g, const struct graph_op *op)
{
    const size_t groups = (size_t)op->groups;
    return (struct sizes){groups, graph_cells(g, op->in[1]), (size_t)g->value[op->out].c / groups,
                          graph_cells(g, op->out)};
}

void kind_matmul_forward(const struct graph *g, const struct graph_op *op,
                         const struct graph_image *image)
{
    const struct sizes s = sizes_of(g, op);
    const float *m = image->value[op->in[1]];
    float *y = image->value[op->out];
    for (size_t i = 0; i < s.groups * s.out; i++) {
        const float *x = image->value[op->in[0]] + i / s.out * s.in * s.cells;
        for (size_t p = 0; p < s.cells; p++) {
            double sum = 0;
            for (size_t j = 0; j < s.in; j++)
                sum += (double)m[i * s.in + j] * x[j * s.cells + p];
            y[i * s.cells + p] = (float)sum;
        }
    }
}

static void to_x(const struct sizes *s, const float *m, const float *dy, float *dx)
{
    for (size_t k = 0; k < s->groups * s->in; k++) {
        const size_t first = k / s->in * s->out, j = k % s->in;
        for (size_t p = 0; p < s->cells; p++) {
            double sum = dx[k * s->cells + p];
            for (size_t i = first; i < first + s->out; i++)
                sum += (double)m[i * s->in + j] * dy[i * s->cells + p];
            dx[k * s->cells + p] = (float)sum;
        }
    }
}

static void to_m(const struct sizes *s, const float *x, const float *dy, float *dm)
{
    for (size_t i = 0; i < s->groups * s->out; i++)
        for (size_t j = 0; j < s->in; j++) {
            const float *from = x + (i / s->out * s->in + j) * s->cells;
            double sum = dm[i * s->in + j];
            for (size_t p = 0; p < s->cells; p++)
                sum += (double)from[p] * dy[i * s->cells + p];
            dm[i * s->in + j] = (float)sum;
        }
}

void kind_matmul_backward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image, int input)
{
    const struct sizes s = sizes_of(g, op);
    const float *other = image->value[op->in[!input]], *dy = image->grad[op->out];
    (input == 0 ? to_x : to_m)(&s, other, dy, image->grad[op->in[input]]);
}
