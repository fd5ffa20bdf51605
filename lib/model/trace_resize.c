/* Interpolation: the cells of an axis that each cell of the result is made of, and their shares. */
#include "model/trace_parts.h"

#include "base/mem.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* One axis: for each cell of the result `each` shares of cells from first[] on. */
struct axis {
    int in, cells, each;
    int *first;
    double *share; /* [cells * each] */
};

/* What a cell `d` away has. Keys 1981; scipy and OpenCV differ in the number. */
static double weight_of(const struct trace_resizing *r, double d)
{
    const double a = r->cubic;
    d = fabs(d);
    if (r->filter == TRACE_LINEAR)
        return d < 1 ? 1 - d : 0;
    if (d < 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
}

/* In float32, where frameworks round. */
static int64_t nearest_to(const struct trace_resizing *r, const struct trace_sampling *s, int64_t o)
{
    const float moved = (float)o + (float)s->shift;
    const float at =
        (s->factor != 0 ? moved / (float)s->factor : moved * (float)s->step) + (float)s->back;
    switch (r->round) {
    case TRACE_DOWN:
        return (int64_t)floorf(at);
    case TRACE_UP:
        return (int64_t)ceilf(at);
    case TRACE_HALF_DOWN:
        return (int64_t)ceilf(at - .5F);
    case TRACE_HALF_UP:
        return (int64_t)floorf(at + .5F);
    }
    return 0;
}

static int within(int64_t cell, int in)
{
    return cell < 0 ? 0 : cell >= in ? in - 1 : (int)cell;
}

/* Cells from which to before which the filter reaches from `at`, and how much wider it is. */
static void reach(const struct trace_resizing *r, const struct trace_sampling *s, double at,
                  int64_t *from, int64_t *to, double *wide)
{
    const int side = r->filter == TRACE_LINEAR ? 1 : 2;
    *wide = r->smooth && s->step > 1 ? s->step : 1;
    *from = (int64_t)floor(at - side * *wide) + 1;
    *to = (int64_t)ceil(at + side * *wide);
    if (*wide == 1)
        *to = *from + 2 * (int64_t)side;
}

/* Adds the shares of cell o to share[], which begins with cell `first`, or with NULL says which
 * cells have some. */
static void add_shares(const struct trace_resizing *r, const struct trace_sampling *s, int in,
                       int64_t o, int *first, int *end, double *share)
{
    const double at = ((double)o + s->shift) * s->step + s->back;
    int64_t from, to;
    double wide, sum = 0;
    if (r->filter == TRACE_NEAREST) {
        const int cell = within(nearest_to(r, s, o), in);
        if (share)
            share[cell - *first] = 1;
        else
            *end = (*first = cell) + 1;
        return;
    }
    reach(r, s, at, &from, &to, &wide);
    if (!share) {
        *first = within(from, in);
        *end = within(to - 1, in) + 1;
        return;
    }
    for (int64_t i = from; i < to; i++) {
        const double f =
            r->inside && (i < 0 || i >= in) ? 0 : weight_of(r, ((double)i - at) / wide);
        share[within(i, in) - *first] += f;
        sum += f;
    }
    for (int64_t i = within(from, in); i < within(to - 1, in) + 1 && sum != 0; i++)
        share[i - *first] /= sum;
}

/* The shares of an axis of `in` cells. Caller frees, on errors, too. */
static int open_axis(struct trace *t, const struct trace_resizing *r, int k, int64_t in,
                     struct axis *a, struct err *e)
{
    const struct trace_sampling *s = &r->axis[k];
    /* How far apart cells lie that are asked for: about as far as the image goes, however they are
     * placed. */
    const double far = (double)s->cells * fabs(s->step);
    int end;
    if (s->cells < 1 || s->cells > BUILD_ELEMENTS || in < 1 || in > BUILD_ELEMENTS ||
        !(far <= 2. * (double)(s->cells + in)) || !isfinite(s->shift + s->back))
        return trace_refuse(t, e, "expected an image of at most %d cells, found another",
                            BUILD_ELEMENTS);
    *a = (struct axis){.in = (int)in, .cells = (int)s->cells};
    a->first = mem_alloc((size_t)s->cells, sizeof *a->first);
    for (int o = 0; o < a->cells; o++) {
        add_shares(r, s, a->in, o, &a->first[o], &end, NULL);
        a->each = end - a->first[o] > a->each ? end - a->first[o] : a->each;
    }
    if ((int64_t)a->cells * a->each > BUILD_ELEMENTS)
        return trace_refuse(t, e, "expected sums of fewer cells, found %d of %d each", a->cells,
                            a->each);
    if (trace_work(t, (int64_t)a->cells * a->each, e) != 0)
        return -1;
    a->share = mem_zero((size_t)a->cells * (size_t)a->each, sizeof *a->share);
    for (int o = 0; o < a->cells; o++) {
        a->first[o] = a->first[o] > a->in - a->each ? a->in - a->each : a->first[o];
        add_shares(r, s, a->in, o, &a->first[o], &end, a->share + (ptrdiff_t)o * a->each);
    }
    return 0;
}

/* Whether each cell of the result is the one at its place. */
static bool is_same(const struct axis *a)
{
    bool same = a->cells == a->in;
    for (int o = 0; o < a->cells && same; o++)
        for (int i = 0; i < a->each; i++)
            same = same && a->share[o * a->each + i] == (a->first[o] + i == o);
    return same;
}

/* Of activations. */
static int resize_value(struct trace *t, const struct trace_symbol *x, const struct axis a[2],
                        struct trace_symbol *y, struct err *e)
{
    const struct origin none = {.w = NULL};
    struct trace_symbol in;
    if (trace_planes(t, x, &in, e) != 0)
        return -1;
    struct graph_op op = {.kind = GRAPH_RESIZE, .in = {in.value}, .ins = 1};
    op.y = (struct graph_axis){.k = a[0].cells, .stride = a[0].each};
    op.x = (struct graph_axis){.k = a[1].cells, .stride = a[1].each};
    const size_t rows = (size_t)a[0].cells, columns = (size_t)a[1].cells;
    int *first = mem_alloc(rows + columns, sizeof *first);
    float *w = mem_alloc(rows * (size_t)a[0].each + columns * (size_t)a[1].each, sizeof *w), *p = w;
    for (int k = 0; k < 2; k++)
        for (int o = 0; o < a[k].cells; o++) {
            first[(k ? rows : 0) + (size_t)o] = a[k].first[o];
            for (int i = 0; i < a[k].each; i++)
                *p++ = (float)a[k].share[(ptrdiff_t)o * a[k].each + i];
        }
    op.pick = first;
    op.w = w;
    return trace_made_planes(t, &op, &none, y, e);
}

/* The last axis of a constant. */
static int resize_last(struct trace *t, const struct trace_symbol *x, const struct axis *a,
                       struct trace_symbol *y, struct err *e)
{
    const int64_t size[] = {a->cells, a->in};
    struct trace_symbol w;
    if ((int64_t)a->cells * a->in > BUILD_ELEMENTS)
        return trace_refuse(t, e, "expected a smaller constant to be resized, found %d to %d cells",
                            a->in, a->cells);
    double *all = mem_zero((size_t)a->cells * (size_t)a->in, sizeof *all);
    for (int o = 0; o < a->cells; o++)
        for (int i = 0; i < a->each; i++)
            all[(ptrdiff_t)o * a->in + a->first[o] + i] = a->share[(ptrdiff_t)o * a->each + i];
    const int r = trace_known_numbers(t, size, 2, all, &w, e);
    free(all);
    return r == 0 ? trace_known_linear(t, x, &w, NULL, y, e) : -1;
}

static int resize_known(struct trace *t, const struct trace_symbol *x, const struct axis a[2],
                        struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    return resize_last(t, x, &a[1], &s, e) != 0 || trace_swap(t, &s, 2, 3, &s, e) != 0 ||
                   resize_last(t, &s, &a[0], &s, e) != 0
               ? -1
               : trace_swap(t, &s, 2, 3, y, e);
}

int trace_resize(struct trace *t, const struct trace_symbol *x, const struct trace_resizing *r,
                 struct trace_symbol *y, struct err *e)
{
    const bool known = trace_is_known(x);
    struct axis a[2] = {{.first = NULL}, {.first = NULL}};
    if (!known && trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    if (x->view.dims != 4)
        return trace_refuse(t, e, "expected images, found %d axes", x->view.dims);
    int done = 0;
    for (int k = 0; k < 2 && done == 0; k++)
        done = open_axis(t, r, k, trace_size(x, 2 + k), &a[k], e);
    if (done == 0 && is_same(&a[0]) && is_same(&a[1]))
        *y = trace_alias(x);
    else if (done == 0)
        done = known ? resize_known(t, x, a, y, e) : resize_value(t, x, a, y, e);
    for (int k = 0; k < 2; k++) {
        free(a[k].first);
        free(a[k].share);
    }
    return done;
}
