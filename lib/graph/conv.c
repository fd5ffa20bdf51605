/* Direct convolution. */
#include "graph/kinds.h"

struct range {
    int begin, end;
};

/* The cells of an output's row, or column, of `out` whose window has its k-th cell among the
 * input's `in`, not in the padding. */
static struct range inside(const struct graph_op *op, int k, int in, int out)
{
    int first = op->pad - k, behind = first + in; /* cell c reads at c * stride - first */
    struct range r = {first > 0 ? (first + op->stride - 1) / op->stride : 0,
                      behind > 0 ? (behind + op->stride - 1) / op->stride : 0};
    r.end = r.end < out ? r.end : out;
    return r;
}

/* The shapes that one weight, of place (ky, kx) in its window, joins. */
struct tap {
    const struct graph_op *op;
    const struct graph_value *from, *to;
    int ky, kx;
    float w;
};

/* sum += w x, over the cells of an output's plane. */
static void gather(const struct tap *t, const float *x, double *sum)
{
    const struct graph_op *op = t->op;
    const struct range oy = inside(op, t->ky, t->from->h, t->to->h);
    const struct range ox = inside(op, t->kx, t->from->w, t->to->w);
    for (int r = oy.begin; r < oy.end; r++) {
        int iy = r * op->stride + t->ky - op->pad, ix = t->kx - op->pad;
        const float *row = x + (size_t)iy * (size_t)t->from->w;
        double *to_row = sum + (size_t)r * (size_t)t->to->w;
        for (int c = ox.begin; c < ox.end; c++)
            to_row[c] += (double)t->w * row[c * op->stride + ix];
    }
}

/* sum += w dy, over the cells of an input's plane that the weight joins to the output's. */
static void scatter(const struct tap *t, const float *dy, double *sum)
{
    const struct graph_op *op = t->op;
    const struct range oy = inside(op, t->ky, t->from->h, t->to->h);
    const struct range ox = inside(op, t->kx, t->from->w, t->to->w);
    for (int r = oy.begin; r < oy.end; r++) {
        int iy = r * op->stride + t->ky - op->pad, ix = t->kx - op->pad;
        const float *row = dy + (size_t)r * (size_t)t->to->w;
        double *to_row = sum + (size_t)iy * (size_t)t->from->w;
        for (int c = ox.begin; c < ox.end; c++)
            to_row[c * op->stride + ix] += (double)t->w * row[c];
    }
}

void kind_conv_forward(const struct graph *g, const struct graph_op *op,
                       const struct graph_image *image)
{
    const struct graph_value *from = &g->value[op->in[0]], *to = &g->value[op->out];
    const float *x = image->value[op->in[0]], *w = op->w;
    const float *add = op->ins > 1 ? image->value[op->in[1]] : NULL;
    float *y = image->value[op->out];
    size_t in = graph_cells(g, op->in[0]), out = graph_cells(g, op->out);
    double *sum = image->plane;
    for (int o = 0; o < to->c; o++, y += out) {
        for (size_t p = 0; p < out; p++)
            sum[p] = op->b[o] + (add ? (double)add[(size_t)o * out + p] : 0.0);
        for (int i = 0; i < from->c; i++)
            for (int ky = 0; ky < op->k; ky++)
                for (int kx = 0; kx < op->k; kx++) {
                    const struct tap t = {op, from, to, ky, kx, *w++};
                    gather(&t, x + (size_t)i * in, sum);
                }
        for (size_t p = 0; p < out; p++)
            y[p] = kind_finish(op, sum[p]);
    }
}

void kind_conv_backward(const struct graph *g, const struct graph_op *op,
                        const struct graph_image *image)
{
    const struct graph_value *from = &g->value[op->in[0]], *to = &g->value[op->out];
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[0]];
    size_t in = graph_cells(g, op->in[0]), out = graph_cells(g, op->out);
    size_t window = (size_t)op->k * (size_t)op->k;
    double *sum = image->plane;
    for (int i = 0; i < from->c; i++, dx += in) {
        for (size_t p = 0; p < in; p++)
            sum[p] = dx[p];
        for (int o = 0; o < to->c; o++) {
            const float *w = op->w + ((size_t)o * (size_t)from->c + (size_t)i) * window;
            for (int ky = 0; ky < op->k; ky++)
                for (int kx = 0; kx < op->k; kx++) {
                    const struct tap t = {op, from, to, ky, kx, *w++};
                    scatter(&t, dy + (size_t)o * out, sum);
                }
        }
        for (size_t p = 0; p < in; p++)
            dx[p] = (float)sum[p];
    }
}
