/* Parts of activations by indices that are constants. */
#include "model/trace_parts.h"

#include "base/mem.h"

#include <stdlib.h>

/* The places in a value that are read. */
struct parts {
    int indexed;          /* axes in front, which the indices name */
    int64_t n, last;      /* indices, and of their last axis */
    int *start;           /* [n] of each index */
    struct trace_view of; /* the other axes: a part */
    int channels;         /* of them, or -1: the last axis of the indices is the channels' */
    int64_t each;         /* elements of a part, of one image */
};

/* Axes from to to of a view. */
static bool axes_of(const struct trace_view *v, int from, int to, int64_t offset,
                    struct trace_view *out)
{
    *out = (struct trace_view){.offset = offset};
    for (int d = from; d < to; d++)
        if (!view_axis(out) || !view_copy(out, v, d))
            return false;
    return true;
}

static int64_t each_of(const struct trace_view *v)
{
    int64_t n = 1;
    for (int d = 0; d < v->dims; d++)
        n *= view_each(v, d);
    return n;
}

/* Where the parts begin. */
static int find_starts(struct trace *t, const struct trace_symbol *x,
                       const struct trace_symbol *index, struct parts *p, struct err *e)
{
    struct trace_view front;
    if (!axes_of(&x->view, 0, p->indexed, 0, &front))
        return trace_refuse(t, e, "expected fewer axes, found more");
    const int64_t all = each_of(&front);
    float *list = trace_known_all(t, index, e);
    int *table = mem_alloc((size_t)all, sizeof *table);
    int r = list ? 0 : -1;
    view_places(&front, 0, table);
    for (int64_t i = 0; i < p->n && r == 0; i++) {
        int64_t at;
        r = trace_known_place(t, x, list + i * p->indexed, p->indexed, &at, e);
        p->start[i] = r == 0 ? table[at] : 0;
    }
    free(table);
    free(list);
    return r;
}

/* The places of the result: channels, then the cells in the order of its axes. */
static int *list_of(const struct parts *p)
{
    const int64_t outer = p->n / p->last;
    int *place = mem_alloc((size_t)p->each, sizeof *place);
    int *list = mem_alloc((size_t)(p->n * p->each), sizeof *list), *to = list;
    view_places(&p->of, p->channels < 0 ? 0 : p->channels, place);
    const int64_t c = p->channels < 0 ? 1 : view_each(&p->of, p->channels), cells = p->each / c;
    for (int64_t k = 0; k < c * p->last; k++)
        for (int64_t i = 0; i < outer; i++) {
            if (p->channels < 0) {
                for (int64_t q = 0; q < cells; q++)
                    *to++ = place[q] + p->start[i * p->last + k];
                continue;
            }
            for (int64_t q = 0; q < cells; q++)
                *to++ = place[k * cells + q] + p->start[i];
        }
    free(place);
    return list;
}

/* The result's view: axes of the indices, then those of a part. */
static bool view_of(const struct trace *t, const struct trace_symbol *index, const struct parts *p,
                    int channels, struct trace_view *out)
{
    const int front = index->view.dims - 1;
    const int64_t c = channels < front ? p->last : view_each(&p->of, p->channels);
    const int64_t cells = p->n * p->each / c;
    int64_t left = cells;
    *out = (struct trace_view){.offset = 0};
    for (int d = 0; d < front + p->of.dims; d++) {
        const bool image = d >= front && view_has_images(&p->of, d - front);
        const int64_t size = d < front ? trace_size(index, d) : view_each(&p->of, d - front);
        if (!view_axis(out) || (image && !view_factor(out, t->images, TRACE_EACH_IMAGE)) ||
            !view_factor(out, size, d == channels ? cells : (left /= size)))
            return false;
    }
    return true;
}

static int gather(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *index,
                  struct parts *p, struct trace_symbol *y, struct err *e)
{
    const int front = index->view.dims - 1;
    const int channels = p->channels < 0 ? front - 1 : front + p->channels;
    struct trace_view v;
    int64_t shape[3];
    if (find_starts(t, x, index, p, e) != 0)
        return -1;
    if (!view_of(t, index, p, channels, &v))
        return trace_refuse(t, e, "expected fewer axes, found more");
    shape[0] = view_size(&v, channels);
    trace_cells(&v, channels, &shape[1], &shape[2]);
    const float scale = x->scale;
    const int value = trace_move(t, x->value, list_of(p), shape, e);
    *y = trace_value(value, &v);
    y->scale = scale;
    return value < 0 ? -1 : 0;
}

int trace_gather(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *index,
                 struct trace_symbol *y, struct err *e)
{
    struct parts p = {.indexed = 0};
    if (trace_is_known(x))
        return trace_known_gather(t, x, index, y, e);
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 ||
        trace_expect(t, index, TRACE_CONSTANT, "indices", e) != 0)
        return -1;
    const int last = index->view.dims - 1, dims = x->view.dims;
    const int64_t k = last < 0 ? 0 : trace_size(index, last);
    if (k < 1 || k > dims)
        return trace_refuse(t, e, "expected indices of the input's axes, found others");
    p.indexed = (int)k;
    for (int d = 0; d < p.indexed; d++)
        if (view_has_images(&x->view, d))
            return trace_refuse(t, e, "expected all images to go one way, found a choice of some");
    p.n = trace_count(index) / k;
    p.last = last > 0 ? trace_size(index, last - 1) : 1;
    p.channels = trace_channels(t, x) - p.indexed;
    if (!axes_of(&x->view, p.indexed, dims, x->view.offset, &p.of))
        return trace_refuse(t, e, "expected fewer axes, found more");
    p.each = each_of(&p.of);
    int64_t all;
    if (p.channels >= 0)
        p.last = 1;
    if (last + p.of.dims < 1 || (p.channels < 0 && last < 1) ||
        __builtin_mul_overflow(p.n, p.each, &all) || all < 1 || all > BUILD_ELEMENTS ||
        each_of(&x->view) > BUILD_ELEMENTS)
        return trace_refuse(t, e, "expected at most %d elements of an image, found others",
                            BUILD_ELEMENTS);
    p.start = mem_alloc((size_t)p.n, sizeof *p.start);
    const int r = gather(t, x, index, &p, y, e);
    free(p.start);
    return r;
}

int trace_take(struct trace *t, const struct trace_symbol *x, int64_t dim,
               const struct trace_symbol *index, struct trace_symbol *y, struct err *e)
{
    int64_t order[TRACE_DIMS];
    struct trace_symbol s, i;
    if (trace_is_known(x))
        return trace_known_index(t, x, dim, index, y, e);
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 ||
        trace_expect(t, index, TRACE_CONSTANT, "indices", e) != 0)
        return -1;
    const int at = trace_axis(x, dim), more = index->view.dims, dims = x->view.dims + more - 1;
    if (at < 0 || dims > TRACE_DIMS)
        return trace_refuse(t, e, "expected one of %d axes and at most %d at last, found others",
                            x->view.dims, TRACE_DIMS);
    for (int d = 0; d < x->view.dims; d++)
        order[d] = d == 0 ? at : d <= at ? d - 1 : d;
    if (trace_permute(t, x, order, x->view.dims, &s, e) != 0 ||
        trace_unsqueeze(t, index, -1, &i, e) != 0 || trace_gather(t, &s, &i, &s, e) != 0)
        return -1;
    for (int d = 0; d < dims; d++)
        order[d] = d < at ? more + d : d < at + more ? d - at : d;
    return trace_permute(t, &s, order, dims, y, e);
}

int trace_every(struct trace *t, const struct trace_symbol *x, int64_t dim, int64_t from,
                int64_t step, int64_t n, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol index;
    return trace_known_range(t, (double)from, (double)step, n, &index, e) != 0
               ? -1
               : trace_take(t, x, dim, &index, y, e);
}

int trace_flip(struct trace *t, const struct trace_symbol *x, int64_t dim, struct trace_symbol *y,
               struct err *e)
{
    const int at = x ? trace_axis(x, dim) : -1;
    if (at < 0)
        return trace_refuse(t, e, "expected an axis that is there to be turned round, found none");
    if (view_has_images(&x->view, at))
        return trace_refuse(t, e, "expected all images in their order, found another");
    const int64_t n = trace_size(x, at);
    return trace_every(t, x, at, n - 1, -1, n, y, e);
}
