/* Attention of each cell to all cells. */
#include "graph/kinds.h"

#include <math.h>

/* A head's channels of queries, keys and values, or of their gradients, and of the result; and what
 * is added to its products, or NULL. */
struct head {
    float *q, *k, *v, *y;
    const float *bias;
};

static struct head head_of(const struct graph *g, const struct graph_op *op, float *x, float *y,
                           int head)
{
    const size_t size = graph_size(g, op->out), from = size / (size_t)op->groups * (size_t)head;
    const size_t cells = graph_cells(g, op->out);
    const float *bias = op->biased ? op->w + cells * cells * (size_t)head : NULL;
    return (struct head){x + from, x + size + from, x + 2 * size + from, y + from, bias};
}

/* The channels of cell i of one with those of cell j of the other. */
static double product(const float *a, size_t i, const float *b, size_t j, int d, size_t cells)
{
    double sum = 0;
    for (int c = 0; c < d; c++)
        sum += (double)a[(size_t)c * cells + i] * b[(size_t)c * cells + j];
    return sum;
}

/* How much cell `at` attends to each: weight[cells]. */
static void attend(const struct head *x, size_t at, int d, size_t cells, double scale,
                   double *weight)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < cells; i++) {
        weight[i] =
            scale * product(x->q, at, x->k, i, d, cells) + (x->bias ? x->bias[at * cells + i] : 0);
        most = fmax(most, weight[i]);
    }
    for (size_t i = 0; i < cells; i++)
        sum += weight[i] = exp(weight[i] - most);
    for (size_t i = 0; i < cells; i++)
        weight[i] /= sum;
}

void kind_attention_forward(const struct graph *g, const struct graph_op *op,
                            const struct graph_image *image)
{
    const size_t cells = graph_cells(g, op->out);
    const int d = g->value[op->out].c / op->groups;
    for (int h = 0; h < op->groups; h++) {
        const struct head x = head_of(g, op, image->value[op->in[0]], image->value[op->out], h);
        for (size_t at = 0; at < cells; at++) {
            attend(&x, at, d, cells, op->p, image->plane);
            for (int c = 0; c < d; c++) {
                double sum = 0;
                for (size_t i = 0; i < cells; i++)
                    sum += image->plane[i] * x.v[(size_t)c * cells + i];
                x.y[(size_t)c * cells + at] = (float)sum;
            }
        }
    }
}

/* Of the result's cell `at`: with weights a and da[i] = dy' v[i], ds = a (da - sum of a da). */
static void attend_back(const struct head *x, const struct head *dx, size_t at, int d, size_t cells,
                        double scale, double *weight)
{
    double *ds = weight + cells, mean = 0;
    attend(x, at, d, cells, scale, weight);
    for (size_t i = 0; i < cells; i++) {
        ds[i] = product(dx->y, at, x->v, i, d, cells);
        mean += weight[i] * ds[i];
    }
    for (size_t i = 0; i < cells; i++)
        ds[i] = scale * weight[i] * (ds[i] - mean);
    for (int c = 0; c < d; c++) {
        const size_t row = (size_t)c * cells;
        double dq = 0;
        for (size_t i = 0; i < cells; i++) {
            dq += ds[i] * x->k[row + i];
            dx->k[row + i] += (float)(ds[i] * x->q[row + at]);
            dx->v[row + i] += (float)(weight[i] * dx->y[row + at]);
        }
        dx->q[row + at] += (float)dq;
    }
}

void kind_attention_backward(const struct graph *g, const struct graph_op *op,
                             const struct graph_image *image, int input)
{
    const size_t cells = graph_cells(g, op->out);
    const int d = g->value[op->out].c / op->groups;
    for (int h = 0; h < op->groups; h++) {
        const struct head x = head_of(g, op, image->value[op->in[0]], image->value[op->out], h);
        const struct head dx = head_of(g, op, image->grad[op->in[input]], image->grad[op->out], h);
        for (size_t at = 0; at < cells; at++)
            attend_back(&x, &dx, at, d, cells, op->p, image->plane);
    }
}
