/* Which cells of an axis the windows and areas of pools have, and the sums of a resize. */
#ifndef HP_GRAPH_WINDOWS_H
#define HP_GRAPH_WINDOWS_H

#include "graph/graph.h"

/* Cells from begin to before end of an axis, `by` apart. */
struct graph_span {
    int begin, end, by;
    int whole; /* how many a window has, those outside the image included */
};

/* Window o of an axis with `in` cells, as far as it lies in the image. */
static inline struct graph_span graph_window(const struct graph_axis *a, int o, int in)
{
    const int by = a->gap + 1, first = o * a->stride - a->before, last = first + (a->k - 1) * by;
    return (struct graph_span){first < 0 ? first + (by - 1 - first) / by * by : first,
                               last < in ? last + 1 : in, by, a->k};
}

/* Area o of `areas`, which overlap by a cell where they do not divide the axis. */
static inline struct graph_span graph_area(int o, int areas, int in)
{
    const int begin = (int)((int64_t)o * in / areas);
    const int end = (int)(((int64_t)(o + 1) * in + areas - 1) / areas);
    return (struct graph_span){begin, end, 1, end - begin};
}

/* That of result o of a pool. */
static inline struct graph_span graph_pooled(enum graph_kind kind, const struct graph_axis *a,
                                             int o, int in)
{
    return kind == GRAPH_GRID_POOL ? graph_area(o, a->k, in) : graph_window(a, o, in);
}

static inline int graph_span_cells(const struct graph_span *s)
{
    return (s->end - s->begin + s->by - 1) / s->by;
}

/* What a mean over both is divided by. */
static inline double graph_divisor(bool inner, const struct graph_span *y,
                                   const struct graph_span *x)
{
    return inner ? (double)graph_span_cells(y) * graph_span_cells(x) : (double)y->whole * x->whole;
}

/* What each cell of the result of a resize is made of along an axis: cells [first[o]] and those
 * behind it, `each` in number and times w[o * each], ... */
struct graph_shares {
    int cells, each;
    const int *first; /* [cells] */
    const float *w;   /* [cells * each] */
};

static inline struct graph_shares graph_rows(const struct graph_op *op)
{
    return (struct graph_shares){op->y.k, op->y.stride, op->pick, op->w};
}

static inline struct graph_shares graph_columns(const struct graph_op *op)
{
    return (struct graph_shares){op->x.k, op->x.stride, op->pick + op->y.k,
                                 op->w + (size_t)op->y.k * (size_t)op->y.stride};
}

/* How many w of a resize holds. */
static inline size_t graph_share_count(const struct graph_op *op)
{
    return (size_t)op->y.k * (size_t)op->y.stride + (size_t)op->x.k * (size_t)op->x.stride;
}

#endif
