/* Direct convolution. */
#include "graph/kinds.h"

struct range {
    int begin, end;
};

/* The cells of an output's row, or column, of `out` whose window has its k-th cell among the
 * input's `in`, not in the padding. */
static struct range inside(const struct graph_axis *a, int k, int in, int out)
{
    int first = a->before - k * (a->gap + 1), behind = first + in; /* cell c reads at
                                                                      c * stride - first */
    struct range r = {first > 0 ? (first + a->stride - 1) / a->stride : 0,
                      behind > 0 ? (behind + a->stride - 1) / a->stride : 0};
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

/* The cell of the input that the weight joins to cell 0 of an axis of the result. */
static int reads(const struct graph_axis *a, int k)
{
    return k * (a->gap + 1) - a->before;
}

/* sum += w x, over the cells of an output's plane. */
static void gather(const struct tap *t, const float *x, double *sum)
{
    const struct graph_axis *ay = &t->op->y, *ax = &t->op->x;
    const struct range oy = inside(ay, t->ky, t->from->h, t->to->h);
    const struct range ox = inside(ax, t->kx, t->from->w, t->to->w);
    for (int r = oy.begin; r < oy.end; r++) {
        int iy = r * ay->stride + reads(ay, t->ky), ix = reads(ax, t->kx);
        const float *row = x + (size_t)iy * (size_t)t->from->w;
        double *to_row = sum + (size_t)r * (size_t)t->to->w;
        for (int c = ox.begin; c < ox.end; c++)
            to_row[c] += (double)t->w * row[c * ax->stride + ix];
    }
}

/* sum += w dy, over the cells of an input's plane that the weight joins to the output's. */
static void scatter(const struct tap *t, const float *dy, double *sum)
{
    const struct graph_axis *ay = &t->op->y, *ax = &t->op->x;
    const struct range oy = inside(ay, t->ky, t->from->h, t->to->h);
    const struct range ox = inside(ax, t->kx, t->from->w, t->to->w);
    for (int r = oy.begin; r < oy.end; r++) {
        int iy = r * ay->stride + reads(ay, t->ky), ix = reads(ax, t->kx);
        const float *row = dy + (size_t)r * (size_t)t->to->w;
        double *to_row = sum + (size_t)iy * (size_t)t->from->w;
        for (int c = ox.begin; c < ox.end; c++)
            to_row[c * ax->stride + ix] += (double)t->w * row[c];
    }
}

/* Channels of the input, and of the result, of a group. */
static int group_in(const struct graph *g, const struct graph_op *op)
{
    return g->value[op->in[0]].c / op->groups;
}

static int group_out(const struct graph *g, const struct graph_op *op)
{
    return g->value[op->out].c / op->groups;
}

void kind_conv_forward(const struct graph *g, const struct graph_op *op,
                       const struct graph_image *image)
{
    const struct graph_value *from = &g->value[op->in[0]], *to = &g->value[op->out];
    const float *w = op->w;
    const float *add = op->ins > 1 ? image->value[op->in[1]] : NULL;
    float *y = image->value[op->out];
    const size_t in = graph_cells(g, op->in[0]), out = graph_cells(g, op->out);
    const int ins = group_in(g, op), outs = group_out(g, op);
    double *sum = image->plane;
    for (int o = 0; o < to->c; o++, y += out) {
        const float *x = image->value[op->in[0]] + (size_t)(o / outs * ins) * in;
        for (size_t p = 0; p < out; p++)
            sum[p] = op->b[o] + (add ? (double)add[(size_t)o * out + p] : 0.0);
        for (int i = 0; i < ins; i++)
            for (int ky = 0; ky < op->y.k; ky++)
                for (int kx = 0; kx < op->x.k; kx++) {
                    const struct tap t = {op, from, to, ky, kx, *w++};
                    gather(&t, x + (size_t)i * in, sum);
                }
        for (size_t p = 0; p < out; p++)
            y[p] = kind_finish(op, sum[p]);
    }
}

void kind_conv_backward(const struct graph *g, const struct graph_op *op,
                        const struct graph_image *image, int input)
{
    const struct graph_value *from = &g->value[op->in[0]], *to = &g->value[op->out];
    const float *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    const size_t in = graph_cells(g, op->in[0]), out = graph_cells(g, op->out);
    const size_t window = (size_t)op->y.k * (size_t)op->x.k;
    const int ins = group_in(g, op), outs = group_out(g, op);
    double *sum = image->plane;
    for (int i = 0; i < from->c; i++, dx += in) {
        const int first = i / ins * outs;
        for (size_t p = 0; p < in; p++)
            sum[p] = dx[p];
        for (int o = first; o < first + outs; o++) {
            const float *w = op->w + ((size_t)o * (size_t)ins + (size_t)(i % ins)) * window;
            for (int ky = 0; ky < op->y.k; ky++)
                for (int kx = 0; kx < op->x.k; kx++) {
                    const struct tap t = {op, from, to, ky, kx, *w++};
                    scatter(&t, dy + (size_t)o * out, sum);
                }
        }
        for (size_t p = 0; p < in; p++)
            dx[p] = (float)sum[p];
    }
}
