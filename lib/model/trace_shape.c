/* Operations on shapes: views change, elements stay. */
#include "model/trace_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 1024 }; /* of a join */

static int too_many(const struct trace *t, struct err *e)
{
    return trace_refuse(t, e, "expected fewer axes, found more");
}

/* Anything that has a shape. */
static int shaped(const struct trace *t, const struct trace_symbol *x, struct err *e)
{
    return x && x->kind != TRACE_NOTHING
               ? 0
               : trace_refuse(t, e, "expected activations or a tensor, found something else");
}

static int no_axis(const struct trace *t, int64_t dim, const struct trace_symbol *x, struct err *e)
{
    return trace_refuse(t, e, "expected one of %d axes, found axis %lld", x->view.dims,
                        (long long)dim);
}

/* Sizes, with what remains for -1. */
static bool infer(const struct trace_symbol *x, const int64_t *size, int n, int64_t *out)
{
    int64_t known = 1;
    int open = -1;
    for (int i = 0; i < n; i++) {
        out[i] = size[i];
        if (size[i] == -1 && open < 0)
            open = i;
        else if (size[i] < 1 || __builtin_mul_overflow(known, size[i], &known))
            return false;
    }
    const int64_t all = trace_count(x);
    if (open >= 0)
        out[open] = all / known;
    return all % known == 0 && (open >= 0 || all == known);
}

/* Whether windows are put together to an image again: an axis of cells is of several digits. */
static bool joins_windows(const struct trace *t, const struct trace_symbol *y)
{
    if (y->kind != TRACE_VALUE || y->view.dims != 4 || view_each(&y->view, 0) != 1)
        return false;
    const int channels = trace_channels(t, y);
    bool joins = false;
    for (int d = 1; d < 4; d++)
        joins = joins || (d != channels && y->view.count[d] > 1);
    return joins;
}

int trace_reshape(struct trace *t, const struct trace_symbol *x, const int64_t *size, int n,
                  struct trace_symbol *y, struct err *e)
{
    int64_t want[TRACE_DIMS];
    struct trace_view v;
    if (shaped(t, x, e) != 0)
        return -1;
    if (n < 0 || n > TRACE_DIMS)
        return too_many(t, e);
    /* A constant that is the same for each image was made for one. */
    if (!infer(x, size, n, want) && trace_is_known(x) && n > 0 && size[0] == t->images &&
        x->view.dims > 0 && trace_size(x, 0) == 1) {
        int64_t all[TRACE_DIMS];
        struct trace_symbol each;
        for (int d = 0; d < x->view.dims; d++)
            all[d] = d == 0 ? t->images : -1;
        return trace_expand(t, x, all, x->view.dims, &each, e) != 0 || !infer(&each, size, n, want)
                   ? trace_refuse(t, e, "expected sizes for %lld elements, found others",
                                  (long long)trace_count(x))
                   : trace_reshape(t, &each, size, n, y, e);
    }
    if (!infer(x, size, n, want))
        return trace_refuse(t, e, "expected sizes for %lld elements of all images, found others",
                            (long long)trace_count(x));
    if (view_reshape(&x->view, want, n, &v)) {
        *y = trace_viewed(x, &v);
        /* The cells of an image are to lie where they are seen: maps are made of them. */
        const struct trace_symbol seen = *y;
        return joins_windows(t, y) ? trace_settle(t, &seen, trace_channels(t, y), TRACE_ORDER, y, e)
                                   : 0;
    }
    /* Elements in another order than that of their places: they are moved. */
    struct trace_symbol moved;
    if (x->kind != TRACE_VALUE)
        return trace_refuse(t, e, "expected a view that keeps or splits axes, found another");
    if (trace_settle(t, x, trace_channels(t, x), TRACE_ORDER, &moved, e) != 0)
        return -1;
    if (!view_reshape(&moved.view, want, n, &v))
        return trace_refuse(t, e, "expected a view that keeps or splits axes, found another");
    *y = trace_viewed(&moved, &v);
    return 0;
}

int trace_flatten(struct trace *t, const struct trace_symbol *x, int64_t first, int64_t last,
                  struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    if (shaped(t, x, e) != 0)
        return -1;
    const int from = trace_axis(x, first), to = trace_axis(x, last);
    if (from < 0 || to < from)
        return no_axis(t, from < 0 ? first : last, x, e);
    int n = 0;
    for (int d = 0; d < x->view.dims; d++)
        if (d <= from || d > to)
            size[n++] = trace_size(x, d);
        else
            size[n - 1] *= trace_size(x, d);
    return trace_reshape(t, x, size, n, y, e);
}

int trace_permute(const struct trace *t, const struct trace_symbol *x, const int64_t *order, int n,
                  struct trace_symbol *y, struct err *e)
{
    unsigned seen = 0;
    if (shaped(t, x, e) != 0)
        return -1;
    struct trace_view v = {.offset = x->view.offset};
    for (int i = 0; i < n; i++) {
        const int d = trace_axis(x, order[i]);
        if (d < 0 || (seen & 1U << d) || n != x->view.dims)
            return trace_refuse(t, e, "expected each of %d axes once, found another order",
                                x->view.dims);
        seen |= 1U << d;
        if (!view_axis(&v) || !view_copy(&v, &x->view, d))
            return too_many(t, e);
    }
    if (n != x->view.dims)
        return trace_refuse(t, e, "expected %d axes, found %d", x->view.dims, n);
    *y = trace_viewed(x, &v);
    return 0;
}

int trace_swap(const struct trace *t, const struct trace_symbol *x, int64_t a, int64_t b,
               struct trace_symbol *y, struct err *e)
{
    int64_t order[TRACE_DIMS];
    if (shaped(t, x, e) != 0)
        return -1;
    const int from = trace_axis(x, a), to = trace_axis(x, b);
    if (from < 0 || to < 0)
        return no_axis(t, from < 0 ? a : b, x, e);
    for (int d = 0; d < x->view.dims; d++)
        order[d] = d == from ? to : d == to ? from : d;
    return trace_permute(t, x, order, x->view.dims, y, e);
}

int trace_unsqueeze(const struct trace *t, const struct trace_symbol *x, int64_t dim,
                    struct trace_symbol *y, struct err *e)
{
    if (shaped(t, x, e) != 0)
        return -1;
    struct trace_view v = {.offset = x->view.offset};
    const int64_t at = dim < 0 ? dim + x->view.dims + 1 : dim;
    if (at < 0 || at > x->view.dims)
        return no_axis(t, dim, x, e);
    for (int d = 0; d <= x->view.dims; d++) {
        if (d == at && !view_axis(&v))
            return too_many(t, e);
        if (d < x->view.dims && (!view_axis(&v) || !view_copy(&v, &x->view, d)))
            return too_many(t, e);
    }
    *y = trace_viewed(x, &v);
    return 0;
}

int trace_lengthen(const struct trace *t, const struct trace_symbol *x, int dims,
                   struct trace_symbol *y, struct err *e)
{
    *y = *x;
    while (y->view.dims < dims)
        if (trace_unsqueeze(t, y, 0, y, e) != 0)
            return -1;
    return 0;
}

/* The view without an axis. */
static bool without(const struct trace_view *v, int dim, struct trace_view *out)
{
    struct trace_view to = {.offset = v->offset};
    for (int d = 0; d < v->dims; d++)
        if (d != dim && (!view_axis(&to) || !view_copy(&to, v, d)))
            return false;
    *out = to;
    return true;
}

int trace_squeeze(const struct trace *t, const struct trace_symbol *x, int64_t dim,
                  struct trace_symbol *y, struct err *e)
{
    struct trace_view v;
    if (shaped(t, x, e) != 0)
        return -1;
    const int d = trace_axis(x, dim);
    if (d < 0)
        return no_axis(t, dim, x, e);
    if (trace_size(x, d) != 1) {
        *y = trace_alias(x);
        return 0;
    }
    if (!without(&x->view, d, &v))
        return too_many(t, e);
    *y = trace_viewed(x, &v);
    return 0;
}

/* --- parts --- */

static int64_t clamp(int64_t at, int64_t n)
{
    at = at < 0 ? at + n : at;
    return at < 0 ? 0 : at > n ? n : at;
}

/* Numbers keep their places in number[]. */
static struct trace_symbol numbers_of(const struct trace_symbol *x, const struct trace_view *v)
{
    struct trace_symbol y = *x;
    int place[TRACE_INTS];
    y.view = *v;
    if (trace_count(&y) > TRACE_INTS)
        return y;
    view_places(v, 0, place);
    for (int64_t i = 0; i < trace_count(&y); i++)
        y.number[i] = x->number[place[i]];
    return y.view.dims == 0 ? trace_scalar(y.number[0])
                            : trace_numbers(y.number, (int)trace_count(&y));
}

static int cut(const struct trace *t, const struct trace_symbol *x, int dim, int64_t from,
               int64_t n, int64_t step, struct trace_view *out, struct err *e)
{
    const struct trace_factor *f = view_factors(&x->view, dim);
    const int count = x->view.count[dim];
    struct trace_view v = {.offset = x->view.offset};
    int64_t inner = 1;
    if (view_has_images(&x->view, dim))
        return trace_refuse(t, e, "expected all images to go one way, found a choice of some");
    for (int i = 1; i < count; i++)
        inner *= f[i].n;
    if (n == 1) /* whatever the step is, which may be any number then */
        step = 1;
    if (from % inner != 0 || n % inner != 0 || (inner > 1 && step != 1))
        return trace_refuse(t, e, "expected a part along one axis, found one along several");
    for (int d = 0; d < x->view.dims; d++) {
        if (!view_axis(&v))
            return too_many(t, e);
        if (d != dim) {
            if (!view_copy(&v, &x->view, d))
                return too_many(t, e);
            continue;
        }
        for (int i = 0; i < count; i++) {
            v.offset += i == 0 ? from / inner * f[i].stride : 0;
            if (!view_factor(&v, i == 0 ? n / inner : f[i].n,
                             i == 0 ? f[i].stride * step : f[i].stride))
                return too_many(t, e);
        }
    }
    *out = v;
    return 0;
}

int trace_slice(struct trace *t, const struct trace_symbol *x, int64_t dim, int64_t from,
                int64_t to, int64_t step, struct trace_symbol *y, struct err *e)
{
    struct trace_view v;
    if (shaped(t, x, e) != 0)
        return -1;
    const int d = trace_axis(x, dim);
    if (d < 0)
        return no_axis(t, dim, x, e);
    const int64_t size = trace_size(x, d), first = clamp(from, size), end = clamp(to, size);
    if (step < 1 || end <= first)
        return trace_refuse(t, e, "expected a part of at least one element, found none");
    const int64_t n = (end - first - 1) / step + 1;
    if (n == size) {
        *y = trace_alias(x);
        return 0;
    }
    /* Where the axis is of several that were joined, elements are moved first. */
    struct trace_symbol moved = *x;
    if (x->kind == TRACE_VALUE && x->view.count[d] > 1 && !view_has_images(&x->view, d) &&
        trace_settle(t, x, trace_channels(t, x), TRACE_ORDER, &moved, e) != 0)
        return -1;
    if (cut(t, &moved, d, first, n, step, &v, e) != 0)
        return -1;
    *y = x->kind == TRACE_NUMBERS ? numbers_of(x, &v) : trace_viewed(&moved, &v);
    return 0;
}

int trace_select(const struct trace *t, const struct trace_symbol *x, int64_t dim, int64_t i,
                 struct trace_symbol *y, struct err *e)
{
    struct trace_view v;
    if (shaped(t, x, e) != 0)
        return -1;
    const int d = trace_axis(x, dim);
    if (d < 0)
        return no_axis(t, dim, x, e);
    const int64_t size = trace_size(x, d), at = i < 0 ? i + size : i;
    if (at < 0 || at >= size)
        return trace_refuse(t, e, "expected one of %lld, found %lld", (long long)size,
                            (long long)i);
    if (view_has_images(&x->view, d))
        return trace_refuse(t, e, "expected all images to go one way, found a choice of one");
    /* The digits of `at`, the fastest first. */
    struct trace_view all = x->view;
    const struct trace_factor *f = view_factors(&x->view, d);
    int64_t left = at;
    for (int k = x->view.count[d] - 1; k >= 0; k--) {
        all.offset += left % f[k].n * f[k].stride;
        left /= f[k].n;
    }
    if (!without(&all, d, &v))
        return too_many(t, e);
    *y = x->kind == TRACE_NUMBERS ? trace_scalar(x->number[at]) : trace_viewed(x, &v);
    return 0;
}

int trace_expand(const struct trace *t, const struct trace_symbol *x, const int64_t *size, int n,
                 struct trace_symbol *y, struct err *e)
{
    if (shaped(t, x, e) != 0)
        return -1;
    struct trace_view v = {.offset = x->view.offset};
    const int front = n - x->view.dims;
    if (n > TRACE_DIMS || front < 0)
        return trace_refuse(t, e, "expected sizes of at least %d axes, found %d", x->view.dims, n);
    for (int d = 0; d < n; d++) {
        const int64_t has = d < front ? 1 : trace_size(x, d - front);
        const int64_t want = size[d] == -1 ? has : size[d];
        if (!view_axis(&v) || want < 1 || (has != 1 && want != has && want != 1))
            return trace_refuse(t, e, "expected axes of size 1 to be repeated, found others");
        /* Where a size of 1 is asked of an axis with more, it stays (ONNX's Expand). */
        if (has == 1 ? !view_factor(&v, want, 0) : !view_copy(&v, &x->view, d - front))
            return too_many(t, e);
    }
    const int64_t before = trace_count(x);
    *y = trace_viewed(x, &v);
    if (x->kind == TRACE_NUMBERS && trace_count(y) != before)
        return trace_refuse(t, e, "expected a tensor to be repeated, found whole numbers");
    return trace_count(y) <= (int64_t)TRACE_IMAGES * BUILD_ELEMENTS
               ? 0
               : trace_refuse(t, e, "expected at most %d elements of an image, found more",
                              BUILD_ELEMENTS);
}

int trace_repeat(struct trace *t, const struct trace_symbol *x, const int64_t *times, int n,
                 struct trace_symbol *y, struct err *e)
{
    enum { TIMES = 64 };
    const struct trace_symbol *all[TIMES];
    int64_t size[TRACE_DIMS];
    struct trace_symbol part;
    if (!x || n < x->view.dims || n > TRACE_DIMS)
        return trace_refuse(t, e, "expected a number for each axis, found others");
    *y = trace_alias(x);
    for (int d = 0; d < n; d++) {
        size[d] = times[d];
        if (times[d] < 1)
            return trace_refuse(t, e, "expected at least one repetition, found %lld",
                                (long long)times[d]);
    }
    for (int i = 0; i < TIMES; i++)
        all[i] = &part;
    for (int d = n - x->view.dims, k = 0; d < n; d++, k++) {
        if (times[d] == 1 || trace_size(x, k) == 1) {
            size[d] = times[d] * trace_size(x, k);
            continue;
        }
        size[d] = -1;
        part = *y;
        if (times[d] > TIMES)
            return trace_refuse(t, e, "expected at most %d repetitions, found more", TIMES);
        if (trace_concat(t, all, (int)times[d], k, y, e) != 0)
            return -1;
    }
    part = *y;
    return trace_expand(t, &part, size, n, y, e);
}

/* --- joins --- */

static int join_numbers(const struct trace *t, const struct trace_symbol *const *x, int n,
                        struct trace_symbol *y, struct err *e)
{
    int64_t number[TRACE_INTS];
    int at = 0;
    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < trace_count(x[i]); k++) {
            if (x[i]->kind != TRACE_NUMBERS || at == TRACE_INTS)
                return trace_refuse(t, e, "expected at most %d whole numbers, found something else",
                                    TRACE_INTS);
            number[at++] = x[i]->number[k];
        }
    *y = trace_numbers(number, at);
    return 0;
}

/* Channels of values with the same cells, one after another. What was joined before is joined
 * once. */
static int join_channels(struct trace *t, const struct trace_symbol *x, int n, int dim,
                         struct trace_symbol *y, struct err *e)
{
    const struct origin none = {.w = NULL};
    int value = -1;
    for (int i = 0; i < n; i++) {
        struct trace_symbol s;
        if (trace_settle(t, &x[i], dim, TRACE_ORDER, &s, e) != 0)
            return -1;
        const struct graph_op op = {.kind = GRAPH_CONCAT, .in = {value, s.value}, .ins = 2};
        value = value < 0 ? s.value : build_join(t->b, &op);
        value = value < 0 ? trace_append(t, &op, &none, e) : value;
        if (value < 0)
            return -1;
        *y = s;
    }
    const struct graph_value *v = &t->b->graph->value[value];
    struct trace_view view;
    if (!view_with(&y->view, dim, v->c, (int64_t)v->h * v->w, &view))
        return too_many(t, e);
    *y = trace_value(value, &view);
    return 0;
}

/* What lies behind one another along an axis of cells. */
struct row {
    int64_t outer, inner;         /* sizes of the axes of cells in front of it and behind it */
    int64_t n[TRACE_INTS], total; /* of each input along it, and of all */
    int64_t base[TRACE_INTS];     /* where its channels begin in what is gathered from; -1: zeros */
    int64_t channels;
};

/* The list of a gather that makes (channels, cells of all) of inputs (channels, cells) that lie
 * one behind another. */
static int *row_list(const struct row *r, int n)
{
    int *list = mem_alloc((size_t)(r->channels * r->outer * r->total * r->inner), sizeof *list);
    int *to = list;
    for (int64_t c = 0; c < r->channels; c++)
        for (int64_t o = 0; o < r->outer; o++)
            for (int i = 0; i < n; i++) {
                const int64_t each = r->n[i] * r->inner;
                for (int64_t p = 0; p < each; p++)
                    *to++ = r->base[i] < 0 ? -1 : (int)(r->base[i] + (c * r->outer + o) * each + p);
            }
    return list;
}

/* All activations among x, flat and one behind another, so that one list can gather them. */
static int join_flat(struct trace *t, const struct trace_symbol *x, int n, int channels,
                     struct row *r, struct err *e)
{
    const struct origin none = {.w = NULL};
    int value = -1, count = 0;
    int64_t at = 0;
    for (int i = 0; i < n; i++)
        count += x[i].kind == TRACE_VALUE;
    for (int i = 0; i < n; i++) {
        struct trace_symbol s;
        r->base[i] = -1;
        if (x[i].kind != TRACE_VALUE)
            continue;
        if (trace_settle(t, &x[i], channels, TRACE_ORDER, &s, e) != 0)
            return -1;
        r->base[i] = at;
        at += (int64_t)graph_size(t->b->graph, s.value);
        const struct graph_op flat = {.kind = GRAPH_FLATTEN, .in = {s.value}, .ins = 1};
        const int part = count > 1 ? trace_append(t, &flat, &none, e) : s.value;
        const struct graph_op op = {.kind = GRAPH_CONCAT, .in = {value, part}, .ins = 2};
        if (part < 0 || (value >= 0 && (value = trace_append(t, &op, &none, e)) < 0))
            return -1;
        value = value < 0 || count == 1 ? part : value;
    }
    return value;
}

/* A constant's elements as (channels, cells), added to the cells from `at` on. */
static int add_piece(struct trace *t, const struct trace_symbol *x, int channels,
                     const struct row *r, int64_t at, struct origin *from, struct err *e)
{
    struct trace_symbol s = *x;
    struct trace_view v = {.offset = x->view.offset};
    int pieces = 0;
    while (pieces < BUILD_PIECES && from->piece[pieces].tensor)
        pieces++;
    if (r->outer != 1 || pieces == BUILD_PIECES)
        return trace_refuse(t, e,
                            "expected at most %d constants in front of tokens or behind "
                            "them, found another join",
                            BUILD_PIECES);
    for (int i = -1; i < x->view.dims; i++)
        if (i != channels && (!view_axis(&v) || (view_has_images(&x->view, i < 0 ? channels : i)) ||
                              !view_copy(&v, &x->view, i < 0 ? channels : i)))
            return too_many(t, e);
    s.view = v;
    from->piece[pieces].from = at;
    return trace_tensor(t, &s, &from->piece[pieces].tensor, e);
}

bool trace_of_one(struct trace *t, const struct trace_symbol *given, struct trace_symbol *y)
{
    const int64_t images = t->images;
    struct trace_symbol first;
    struct err e;
    const struct trace_symbol *x = given;
    /* Exporters write out what is repeated, too. */
    if (images > 1 && x->view.dims > 0 && trace_size(x, 0) == images &&
        view_factors(&x->view, 0)->stride != 0 && trace_known_repeats(t, x, images) &&
        trace_slice(t, x, 0, 0, 1, 1, &first, &e) == 0)
        x = &first;
    struct trace_view v = {.offset = x->view.offset};
    for (int d = 0; d < x->view.dims; d++) {
        const struct trace_factor *f = view_factors(&x->view, d);
        if (!view_axis(&v))
            return false;
        for (int i = 0; i < x->view.count[d]; i++)
            if ((f[i].n != images || f[i].stride != 0) && !view_factor(&v, f[i].n, f[i].stride))
                return false;
    }
    *y = trace_viewed(x, &v);
    return true;
}

/* Joins along cells: elements are gathered, zeros where constants come, which are added then. */
static int join_cells(struct trace *t, const struct trace_symbol *x, int n,
                      const struct trace_view *v, int dim, int channels, struct trace_symbol *y,
                      struct err *e)
{
    struct row r = {.outer = 1, .inner = 1};
    struct origin from = {.w = NULL};
    bool constants = false;
    if (n > TRACE_INTS)
        return trace_refuse(t, e, "expected at most %d parts, found %d", TRACE_INTS, n);
    for (int i = 0; i < n; i++) {
        r.n[i] = view_each(&x[i].view, dim);
        r.total += r.n[i];
    }
    r.channels = view_size(v, channels);
    for (int d = 0; d < v->dims; d++)
        if (d != dim && d != channels)
            *(d < dim ? &r.outer : &r.inner) *= view_each(v, d);
    int64_t all;
    if (__builtin_mul_overflow(r.total, r.outer * r.inner * r.channels, &all) ||
        all > BUILD_ELEMENTS)
        return trace_refuse(t, e, "expected at most %d elements, found more", BUILD_ELEMENTS);
    struct graph_op op = {.kind = GRAPH_GATHER,
                          .in = {join_flat(t, x, n, channels, &r, e)},
                          .ins = 1,
                          .channels = (int)r.channels};
    if (op.in[0] < 0)
        return -1;
    struct trace_view joined = {.offset = 0};
    int64_t left = r.outer * r.total * r.inner, h, w;
    const int64_t cells = left;
    for (int d = 0; d < v->dims; d++) {
        const int64_t size = d == dim ? r.total : view_each(v, d);
        const bool room =
            view_axis(&joined) &&
            (!view_has_images(v, d) || view_factor(&joined, t->images, TRACE_EACH_IMAGE)) &&
            view_factor(&joined, size, d == channels ? cells : (left /= size));
        if (!room)
            return too_many(t, e);
    }
    trace_cells(&joined, channels, &h, &w);
    op.y.k = (int)h;
    op.x.k = (int)w;
    op.pick = row_list(&r, n);
    int value = trace_append(t, &op, &from, e);
    int64_t at = 0;
    for (int i = 0; i < n && value >= 0; i++) {
        if (x[i].kind == TRACE_CONSTANT) {
            constants = true;
            if (add_piece(t, &x[i], channels, &r, at * r.inner, &from, e) != 0)
                return -1;
        }
        at += r.n[i];
    }
    if (value >= 0 && constants) {
        const struct graph_op add = {.kind = GRAPH_OFFSET, .in = {value}, .ins = 1};
        value = trace_append(t, &add, &from, e);
    }
    *y = trace_value(value, &joined);
    return value < 0 ? -1 : 0;
}

/* Sizes that agree but for the axis. */
static bool fits(const struct trace_symbol *a, const struct trace_symbol *b, int dim)
{
    if (a->view.dims != b->view.dims)
        return false;
    for (int d = 0; d < a->view.dims; d++)
        if (d != dim && view_each(&a->view, d) != view_each(&b->view, d))
            return false;
    return true;
}

/* Constants, of which one[] are those of one image: joined, and again for each image. */
static int join_known(struct trace *t, const struct trace_symbol *const *x,
                      const struct trace_symbol *const *one, int n, int64_t dim,
                      struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    bool repeated = false;
    struct trace_symbol made;
    if (trace_known_concat(t, one, n, dim, &made, e) != 0)
        return -1;
    for (int d = 0; d < made.view.dims; d++) {
        size[d] = -1;
        for (int i = 0; i < n; i++)
            if (trace_size(x[i], d) != trace_size(one[i], d))
                size[d] = t->images;
        repeated = repeated || size[d] > 0;
    }
    if (repeated)
        return trace_expand(t, &made, size, made.view.dims, y, e);
    *y = made;
    return 0;
}

int trace_concat(struct trace *t, const struct trace_symbol *const *x, int n, int64_t dim,
                 struct trace_symbol *y, struct err *e)
{
    const struct trace_symbol *first = NULL;
    if (n > PARTS)
        return trace_refuse(t, e, "expected at most %d parts to be joined, found %d", PARTS, n);
    struct trace_symbol *part = mem_zero((size_t)n + 1, sizeof *part);
    bool constants = false;
    int r = 0, d = -1;
    for (int i = 0; i < n && r == 0; i++) {
        r = shaped(t, x[i], e);
        first = !first && r == 0 && x[i]->kind == TRACE_VALUE ? x[i] : first;
    }
    if (r == 0 && n > 0 && !first) {
        const struct trace_symbol **all = mem_alloc((size_t)n, sizeof(void *));
        bool known = true;
        for (int i = 0; i < n; i++) {
            known = known && x[i]->kind == TRACE_CONSTANT;
            /* What is the same for each image is joined once. */
            all[i] = known && trace_axis(x[i], dim) != 0 && trace_of_one(t, x[i], &part[i])
                         ? &part[i]
                         : x[i];
        }
        r = known ? join_known(t, x, all, n, dim, y, e) : join_numbers(t, x, n, y, e);
        free(all);
        free(part);
        return r;
    }
    if (r == 0 && (!first || (d = trace_axis(first, dim)) < 0))
        r = trace_refuse(t, e, "expected an axis of activations to be joined, found none");
    for (int i = 0; i < n && r == 0; i++) {
        const bool constant = x[i]->kind == TRACE_CONSTANT;
        part[i] = *x[i];
        constants = constants || constant;
        if ((!constant && trace_expect(t, x[i], TRACE_VALUE, "an input", e) != 0) ||
            (constant && !trace_of_one(t, x[i], &part[i])) || !fits(&part[i], first, d) ||
            view_has_images(&part[i].view, d))
            r = trace_refuse(t, e, "expected parts that differ along axis %d alone, found others",
                             d);
    }
    if (r == 0) {
        const int channels = trace_channels(t, first);
        for (int i = 0; i < n && r == 0 && constants && d == channels; i++) {
            const struct trace_symbol c = part[i];
            if (c.kind == TRACE_CONSTANT)
                r = trace_live(t, &c, d, first->value, &part[i], e);
        }
        if (r == 0)
            r = d == channels ? join_channels(t, part, n, d, y, e)
                              : join_cells(t, part, n, &first->view, d, channels, y, e);
    }
    free(part);
    return r;
}

/* --- padding --- */

static int64_t padded(const struct trace_symbol *x, const int64_t *before, const int64_t *after,
                      int d)
{
    return view_each(&x->view, d) + before[d] + after[d];
}

/* Where an element of a padded axis of n is taken from. */
static int64_t inside_of(int64_t at, int64_t n, enum trace_border border)
{
    switch (border) {
    case TRACE_MIRRORED:
        return at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
    case TRACE_REPEATED:
        return at < 0 ? 0 : at >= n ? n - 1 : at;
    case TRACE_ROUND:
        return (at % n + n) % n;
    default:
        return at;
    }
}

/* The list of a gather: places of x, moved, and around them -1 or others of x. */
static int *pad_list(const struct trace_symbol *x, int channels, const int64_t *before,
                     const int64_t *size, enum trace_border border)
{
    int order[TRACE_DIMS], n = 0;
    size_t all = 1, inner = 1, from = 1;
    for (int i = -1; i < x->view.dims; i++)
        if (i != channels)
            order[n++] = i < 0 ? channels : i;
    for (int i = 0; i < n; i++) {
        all *= (size_t)size[order[i]];
        inner *= (size_t)view_each(&x->view, order[i]);
    }
    int *place = mem_alloc(inner, sizeof *place);
    int *list = mem_alloc(all, sizeof *list);
    view_places(&x->view, channels, place);
    for (size_t p = 0; p < all; p++) {
        size_t left = p;
        int64_t at = 0, step = 1;
        bool inside = true;
        from = 0;
        for (int i = n - 1; i >= 0; i--) {
            const int64_t has = view_each(&x->view, order[i]);
            at =
                inside_of((int64_t)(left % (size_t)size[order[i]]) - before[order[i]], has, border);
            left /= (size_t)size[order[i]];
            inside = inside && at >= 0 && at < has;
            from += inside ? (size_t)(at * step) : 0;
            step *= has;
        }
        list[p] = inside ? place[from] : -1;
    }
    free(place);
    return list;
}

/* Whether nothing but rows and columns are added to a value: top, left, bottom, right. */
static bool frames(const struct trace *t, const struct trace_symbol *x, const int64_t *before,
                   const int64_t *after, int frame[4])
{
    const struct graph_value *v = &t->b->graph->value[x->value];
    const int64_t size[] = {t->images, v->c, v->h, v->w};
    struct trace_view rows = {.offset = 0};
    if (x->view.dims != 4 || before[1] != 0 || after[1] != 0 || before[2] < 0 || before[3] < 0 ||
        after[2] < 0 || after[3] < 0)
        return false;
    for (int d = 0; d < 4; d++)
        if (!view_axis(&rows) || !view_factor(&rows, size[d],
                                              d == 0 ? TRACE_EACH_IMAGE
                                                     : (d == 1   ? (int64_t)v->h * v->w
                                                        : d == 2 ? v->w
                                                                 : 1)))
            return false;
    for (int i = 0; i < 2; i++) {
        frame[i] = (int)before[2 + i];
        frame[2 + i] = (int)after[2 + i];
    }
    return view_same(&rows, &x->view);
}

static int surround(struct trace *t, const struct trace_symbol *x, const int64_t *before,
                    const int64_t *after, enum trace_border border, struct trace_symbol *y,
                    struct err *e)
{
    int64_t size[TRACE_DIMS], all = 1, h, w;
    struct trace_view v = {.offset = 0};
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    const int channels = trace_channels(t, x);
    bool none = true;
    for (int d = 0; d < x->view.dims; d++) {
        none = none && before[d] == 0 && after[d] == 0;
        if (view_has_images(&x->view, d) && (before[d] != 0 || after[d] != 0))
            return trace_refuse(t, e, "expected %s",
                                border == TRACE_ROUND ? "all images in their order, found another"
                                                      : "padding of images, found more images");
        if (before[d] < -BUILD_ELEMENTS || before[d] > BUILD_ELEMENTS ||
            after[d] < -BUILD_ELEMENTS || after[d] > BUILD_ELEMENTS ||
            (size[d] = padded(x, before, after, d)) < 1 ||
            __builtin_mul_overflow(all, size[d], &all) || all > BUILD_ELEMENTS)
            return trace_refuse(t, e,
                                "expected at most %d elements with the padding, and one, "
                                "found others",
                                BUILD_ELEMENTS);
        if (border == TRACE_MIRRORED && (before[d] > 0 || after[d] > 0) &&
            (before[d] >= view_each(&x->view, d) || after[d] >= view_each(&x->view, d)))
            return trace_refuse(t, e,
                                "expected fewer elements than an axis has to be mirrored, "
                                "found more");
    }
    if (none || channels < 0 || view_has_images(&x->view, channels)) {
        *y = trace_alias(x);
        return none ? 0 : trace_refuse(t, e, "expected channels of one image, found several");
    }
    int64_t left = 1;
    for (int d = 0; d < x->view.dims; d++)
        left *= d == channels ? 1 : size[d];
    const int64_t cells = left;
    for (int d = 0; d < x->view.dims; d++) {
        if (!view_axis(&v) ||
            (view_has_images(&x->view, d) && !view_factor(&v, t->images, TRACE_EACH_IMAGE)) ||
            !view_factor(&v, size[d], d == channels ? cells : (left /= size[d])))
            return too_many(t, e);
    }
    trace_cells(&v, channels, &h, &w);
    struct graph_op op = {
        .kind = GRAPH_GATHER, .in = {x->value}, .ins = 1, .channels = (int)size[channels]};
    struct origin from = {.w = NULL};
    op.y.k = (int)h;
    op.x.k = (int)w;
    op.pick = pad_list(x, channels, before, size, border);
    const float scale = x->scale;
    from.framed = border == TRACE_ZEROS && frames(t, x, before, after, from.frame);
    const int value = trace_append(t, &op, &from, e);
    *y = trace_value(value, &v);
    y->scale = scale;
    return value < 0 ? -1 : 0;
}

int trace_pad(struct trace *t, const struct trace_symbol *x, const int64_t *before,
              const int64_t *after, struct trace_symbol *y, struct err *e)
{
    return surround(t, x, before, after, TRACE_ZEROS, y, e);
}

int trace_pad_by(struct trace *t, const struct trace_symbol *x, const int64_t *before,
                 const int64_t *after, enum trace_border border, struct trace_symbol *y,
                 struct err *e)
{
    return surround(t, x, before, after, border, y, e);
}

int trace_pad_with(struct trace *t, const struct trace_symbol *x, const int64_t *before,
                   const int64_t *after, double value, struct trace_symbol *y, struct err *e)
{
    static const double far = CKPT_FAR;
    int64_t size[TRACE_DIMS];
    struct trace_symbol padded, edge;
    if (value == 0 || !x)
        return trace_pad(t, x, before, after, y, e);
    if (isnan(value))
        return trace_refuse(t, e, "expected padding with a number, found none");
    if (trace_pad(t, x, before, after, &padded, e) != 0)
        return -1;
    for (int d = 0; d < x->view.dims; d++)
        size[d] = before[d] == 0 && after[d] == 0 ? 1 : trace_size(&padded, d);
    if (trace_known_full(t, size, x->view.dims,
                         value > far    ? far
                         : value < -far ? -far
                                        : value,
                         &edge, e) != 0)
        return -1;
    /* Nothing inside. */
    struct trace_symbol inside = edge;
    for (int d = 0; d < x->view.dims; d++)
        if (trace_slice(t, &inside, d, before[d] > 0 ? before[d] : 0,
                        size[d] - (size[d] > 1 && after[d] > 0 ? after[d] : 0), 1, &inside, e) != 0)
            return -1;
    return trace_known_set(t, &inside, NULL, 0, e) != 0 ? -1
                                                        : trace_add(t, &padded, &edge, 1, y, e);
}

int trace_roll(struct trace *t, const struct trace_symbol *x, const int64_t *shift,
               const int64_t *dim, int n, struct trace_symbol *y, struct err *e)
{
    int64_t before[TRACE_DIMS] = {0}, after[TRACE_DIMS] = {0};
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    for (int i = 0; i < n; i++) {
        const int d = trace_axis(x, dim[i]);
        if (d < 0)
            return no_axis(t, dim[i], x, e);
        before[d] = (before[d] + shift[i] % trace_size(x, d)) % trace_size(x, d);
        after[d] = -before[d];
    }
    return surround(t, x, before, after, TRACE_ROUND, y, e);
}

int trace_stack(struct trace *t, const struct trace_symbol *const *x, int n, int64_t dim,
                struct trace_symbol *y, struct err *e)
{
    if (n < 1 || n > PARTS)
        return trace_refuse(t, e, "expected 1 to %d parts to be joined, found %d", PARTS, n);
    struct trace_symbol *part = mem_alloc((size_t)n, sizeof *part);
    const struct trace_symbol **all = mem_alloc((size_t)n, sizeof(void *));
    int r = 0;
    for (int i = 0; i < n && r == 0; i++) {
        all[i] = &part[i];
        r = trace_unsqueeze(t, x[i], dim, &part[i], e);
    }
    if (r == 0)
        r = trace_concat(t, all, n, dim, y, e);
    free(part);
    free(all);
    return r;
}

int trace_shuffle(struct trace *t, const struct trace_symbol *x, int64_t groups,
                  struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS], apart[TRACE_DIMS + 1];
    struct trace_symbol s;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    const int dims = x->view.dims;
    for (int d = 0; d < dims; d++)
        apart[d > 1 ? d + 1 : d] = size[d] = trace_size(x, d);
    if (dims < 2 || groups < 1 || size[1] % groups != 0)
        return trace_refuse(t, e, "expected groups that divide the channels, found %lld",
                            (long long)groups);
    apart[1] = groups;
    apart[2] = size[1] / groups;
    return trace_reshape(t, x, apart, dims + 1, &s, e) != 0 || trace_swap(t, &s, 1, 2, &s, e) != 0
               ? -1
               : trace_reshape(t, &s, size, dims, y, e);
}

int trace_unshuffle(struct trace *t, const struct trace_symbol *x, int64_t r, bool back,
                    struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    const int dims = x->view.dims;
    const int64_t c = dims == 4 ? trace_size(x, 1) : 0, h = dims == 4 ? trace_size(x, 2) : 0,
                  w = dims == 4 ? trace_size(x, 3) : 0;
    if (dims != 4 || r < 1 || r > BUILD_CHANNELS || c > BUILD_CHANNELS || h > BUILD_ELEMENTS ||
        w > BUILD_ELEMENTS || (back ? h % r || w % r : c % (r * r)))
        return trace_refuse(t, e, "expected images that %lld divides, found others", (long long)r);
    const int64_t n = trace_size(x, 0), apart[] = {n, c / (r * r), r, r, h, w},
                  rows[] = {n, c, h / r, r, w / r, r}, cells[] = {n, c / (r * r), h * r, w * r},
                  channels[] = {n, c * r * r, h / r, w / r};
    static const int64_t up[] = {0, 1, 4, 2, 5, 3}, down[] = {0, 1, 3, 5, 2, 4};
    return trace_reshape(t, x, back ? rows : apart, 6, &s, e) != 0 ||
                   trace_permute(t, &s, back ? down : up, 6, &s, e) != 0
               ? -1
               : trace_reshape(t, &s, back ? channels : cells, 4, y, e);
}
