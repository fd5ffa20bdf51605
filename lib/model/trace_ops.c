/* Operations that compute: layers with weights, functions, sums, products and pools. */
#include "model/trace_parts.h"

#include "base/mem.h"
#include "graph/rules.h"
#include "graph/windows.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

enum { WINDOW = 64, AREAS = 16 };

static const struct origin none = {.w = NULL};

/* The value of an appended operation seen as x is. */
static int made(struct trace *t, const struct graph_op *op, const struct origin *from,
                const struct trace_view *view, struct trace_symbol *y, struct err *e)
{
    const struct trace_view v = *view;
    const int value = trace_append(t, op, from, e);
    *y = trace_value(value, &v);
    return value < 0 ? -1 : 0;
}

/* The same where axis `dim` are the channels, of another number. */
static int made_wider(struct trace *t, const struct graph_op *op, const struct origin *from,
                      const struct trace_view *view, int dim, struct trace_symbol *y, struct err *e)
{
    struct trace_view v;
    const int64_t cells = (int64_t)graph_cells(t->b->graph, op->in[0]);
    if (!view_with(view, dim, op->channels, cells, &v)) {
        free((void *)op->key);
        return trace_refuse(t, e, "expected fewer axes, found more");
    }
    return made(t, op, from, &v, y, e);
}

int trace_made_planes(struct trace *t, const struct graph_op *op, const struct origin *from,
                      struct trace_symbol *y, struct err *e)
{
    const int value = trace_append(t, op, from, e);
    if (value < 0)
        return -1;
    const struct graph_value *v = &t->b->graph->value[value];
    const struct trace_factor all[] = {
        {t->images, TRACE_EACH_IMAGE}, {v->c, (int64_t)v->h * v->w}, {v->h, v->w}, {v->w, 1}};
    struct trace_view view = {.offset = 0};
    for (int d = 0; d < 4; d++)
        if (!view_axis(&view) || !view_factor(&view, all[d].n, all[d].stride))
            return trace_refuse(t, e, "expected fewer axes, found more");
    *y = trace_value(value, &view);
    return 0;
}

int trace_planes(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                 struct err *e)
{
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    if (x->view.dims != 4 || view_each(&x->view, 0) != 1)
        return trace_refuse(t, e, "expected images with channels, height and width, found %d axes",
                            x->view.dims);
    return trace_settle(t, x, 1, TRACE_ORDER, y, e);
}

static struct graph_op over(enum graph_kind kind, const struct trace_symbol *x)
{
    return (struct graph_op){.kind = kind,
                             .in = {x->value},
                             .ins = 1,
                             .y = graph_windows(1, 1, 0),
                             .x = graph_windows(1, 1, 0)};
}

/* --- windows --- */

struct trace_windows trace_windows(int k, int stride)
{
    return (struct trace_windows){.k = {k, k}, .stride = {stride, stride}, .dilation = {1, 1}};
}

static int set_windows(const struct trace *t, const struct trace_windows *w, struct graph_op *op,
                       struct err *e)
{
    struct graph_axis *a[2] = {&op->y, &op->x};
    for (int i = 0; i < 2; i++) {
        if (w->k[i] < 1 || w->k[i] > BUILD_ELEMENTS || w->stride[i] < 1 || w->before[i] < 0 ||
            w->after[i] < 0 || w->before[i] > BUILD_ELEMENTS || w->after[i] > BUILD_ELEMENTS ||
            w->dilation[i] < 1 || w->dilation[i] > BUILD_ELEMENTS)
            return trace_refuse(t, e,
                                "expected windows with strides of at least 1 and padding of at "
                                "least 0, found others");
        *a[i] = (struct graph_axis){w->k[i], w->stride[i], w->before[i], w->after[i],
                                    w->dilation[i] - 1};
    }
    return 0;
}

/* Rounds the number of windows up: the last may reach beyond the padding, but has to begin in the
 * image or the padding before it. Says whether it does reach beyond. A single window that is larger
 * than the image with its padding, as transformers' EfficientNet has it, is as large as these. */
static bool round_up(struct graph_axis *a, int cells)
{
    const int64_t span = (int64_t)(a->k - 1) * (a->gap + 1) + 1;
    const int64_t room = (int64_t)cells + a->before + a->after - span;
    const int64_t windows = (room + a->stride - 1) / a->stride + 1;
    const int64_t more = (windows - 1) * a->stride - room;
    if (room < 0 && a->gap == 0 && room + a->stride > 0)
        a->k = cells + a->before + a->after;
    if (room < 0 || more <= 0 || (windows - 1) * a->stride >= (int64_t)cells + a->before)
        return false;
    a->after += (int)more;
    return true;
}

/* A convolution takes in the zeros that were put around its input. */
static void take_frame(struct trace *t, struct trace_symbol *x, struct trace_windows *w)
{
    struct origin *from;
    const struct graph_op *op = trace_maker(t, x, &from);
    if (!op || !from->framed || op != &t->b->graph->op[t->b->graph->ops - 1])
        return;
    for (int i = 0; i < 2; i++) {
        w->before[i] += from->frame[i];
        w->after[i] += from->frame[2 + i];
    }
    x->value = op->in[0];
    trace_take_back(t);
}

int trace_conv(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
               const struct trace_symbol *bias, const struct trace_windows *win, int groups,
               struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    struct trace_windows windows = *win;
    struct origin from = none;
    if (trace_is_known(x))
        return trace_known_conv(t, x, w, bias, win, y, e);
    if (x && x->kind == TRACE_VALUE && x->view.dims == 4 && view_each(&x->view, 0) > 1)
        return trace_conv_parts(t, x, w, bias, win, groups, y, e);
    if (trace_planes(t, x, &in, e) != 0 ||
        trace_expect(t, w, TRACE_CONSTANT, "its weights", e) != 0)
        return -1;
    if (w->view.dims != 4 || trace_size(w, 0) > BUILD_CHANNELS || trace_size(w, 2) > WINDOW ||
        trace_size(w, 3) > WINDOW)
        return trace_refuse(t, e,
                            "expected weights of at most %d channels and windows of at most %d by "
                            "%d, found others",
                            BUILD_CHANNELS, WINDOW, WINDOW);
    take_frame(t, &in, &windows);
    const int channels = t->b->graph->value[in.value].c;
    if (groups < 1 || groups > channels || trace_size(w, 1) != channels / groups ||
        channels % groups != 0)
        return trace_refuse(t, e, "expected weights for %d channels, found another shape",
                            channels);
    struct graph_op op = over(GRAPH_CONV, &in);
    op.channels = (int)trace_size(w, 0);
    op.groups = groups;
    for (int i = 0; i < 2; i++)
        windows.k[i] = (int)trace_size(w, 2 + i);
    if (set_windows(t, &windows, &op, e) != 0 || trace_tensor(t, w, &from.w, e) != 0 ||
        (bias && trace_vector(t, bias, op.channels, "biases", &from.b, e) != 0))
        return -1;
    op.key = trace_key(from.w);
    return trace_made_planes(t, &op, &from, y, e);
}

int trace_conv_row(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                   const struct trace_symbol *bias, const struct trace_windows *win, int groups,
                   struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in, turned, out;
    return trace_unsqueeze(t, x, 2, &in, e) != 0 || trace_unsqueeze(t, w, 2, &turned, e) != 0 ||
                   trace_conv(t, &in, &turned, bias, win, groups, &out, e) != 0
               ? -1
               : trace_squeeze(t, &out, 2, y, e);
}

int trace_pool(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
               const struct trace_windows *win, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    if (trace_planes(t, x, &in, e) != 0)
        return -1;
    struct graph_value v = t->b->graph->value[in.value];
    struct graph_op op = over(kind, &in);
    if (set_windows(t, win, &op, e) != 0)
        return -1;
    op.inner = kind == GRAPH_MEAN_POOL && win->inner;
    const bool beyond_y = win->ceil && round_up(&op.y, v.h);
    const bool beyond_x = win->ceil && round_up(&op.x, v.w);
    if (kind == GRAPH_MEAN_POOL && !op.inner && (beyond_y || beyond_x)) {
        /* Cells beyond the padding never count; without padding that is what `inner` says. */
        const int64_t before[] = {0, 0, win->before[0], win->before[1]},
                      after[] = {0, 0, win->after[0], win->after[1]};
        if (trace_pad(t, &in, before, after, &in, e) != 0)
            return -1;
        op.in[0] = in.value;
        v = t->b->graph->value[in.value];
        op.y.before = op.x.before = 0;
        op.y.after -= win->after[0];
        op.x.after -= win->after[1];
        op.inner = true;
    }
    if (kind == GRAPH_MEAN_POOL && op.y.k == v.h && op.x.k == v.w && !op.y.before && !op.y.after &&
        !op.x.before && !op.x.after && !op.y.gap && !op.x.gap)
        op = over(GRAPH_AVERAGE, &in);
    return trace_made_planes(t, &op, &none, y, e);
}

int trace_pool_row(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
                   const struct trace_windows *win, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in, out;
    return trace_unsqueeze(t, x, 2, &in, e) != 0 || trace_pool(t, kind, &in, win, &out, e) != 0
               ? -1
               : trace_squeeze(t, &out, 2, y, e);
}

static bool of_one_cell(const struct trace_windows *w)
{
    return w->k[0] == 1 && w->k[1] == 1 && w->stride[0] == 1 && w->stride[1] == 1 &&
           !w->before[0] && !w->before[1] && !w->after[0] && !w->after[1];
}

/* Over the plane, then along d: the largest of the largest, and means of means of as many. */
int trace_pool_deep(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
                    const struct trace_windows *deep, const struct trace_windows *win,
                    struct trace_symbol *y, struct err *e)
{
    enum { AXES = 5 };
    struct trace_symbol s;
    int64_t size[AXES];
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    s = trace_alias(x);
    if (x->view.dims != AXES)
        return trace_refuse(t, e, "expected channels and three axes, found %d axes", x->view.dims);
    for (int d = 0; d < AXES; d++)
        size[d] = trace_size(x, d);
    const int64_t planes[] = {size[0], -1, size[3], size[4]};
    if (!of_one_cell(win)) {
        if (trace_reshape(t, x, planes, 4, &s, e) != 0 || trace_pool(t, kind, &s, win, &s, e) != 0)
            return -1;
        size[3] = trace_size(&s, 2);
        size[4] = trace_size(&s, 3);
    }
    const int64_t rows[] = {size[0], size[1], size[2], size[3] * size[4]};
    if (!of_one_cell(deep)) {
        if (trace_reshape(t, &s, rows, 4, &s, e) != 0 || trace_pool(t, kind, &s, deep, &s, e) != 0)
            return -1;
        size[2] = trace_size(&s, 2);
    }
    return trace_reshape(t, &s, size, AXES, y, e);
}

/* The maximum over each of h by w areas, of rows that are joined. */
static int uneven_maxima(struct trace *t, const struct trace_symbol *x, int h, int w,
                         struct trace_symbol *y, struct err *e)
{
    const struct graph_value v = t->b->graph->value[x->value];
    struct trace_symbol row[AREAS], cell[AREAS], part;
    const struct trace_symbol *rows[AREAS], *cells[AREAS];
    if (h > AREAS || w > AREAS)
        return trace_refuse(t, e,
                            "expected a grid of at most %d by %d uneven areas, found %d by %d",
                            AREAS, AREAS, h, w);
    for (int i = 0; i < h; i++) {
        const struct graph_span a = graph_area(i, h, v.h);
        rows[i] = &row[i];
        for (int j = 0; j < w; j++) {
            const struct graph_span b = graph_area(j, w, v.w);
            struct trace_windows win = trace_windows(1, 1);
            win.k[0] = a.end - a.begin;
            win.k[1] = b.end - b.begin;
            cells[j] = &cell[j];
            if (trace_slice(t, x, 2, a.begin, a.end, 1, &part, e) != 0 ||
                trace_slice(t, &part, 3, b.begin, b.end, 1, &part, e) != 0 ||
                trace_pool(t, GRAPH_MAX_POOL, &part, &win, &cell[j], e) != 0)
                return -1;
        }
        if (trace_concat(t, cells, w, 3, &row[i], e) != 0)
            return -1;
    }
    return trace_concat(t, rows, h, 2, y, e);
}

int trace_grid_pool(struct trace *t, enum graph_kind kind, const struct trace_symbol *x, int h,
                    int w, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    if (trace_planes(t, x, &in, e) != 0)
        return -1;
    const struct graph_value *v = &t->b->graph->value[in.value];
    if (h < 1 || w < 1 || h > v->h * 64 || w > v->w * 64)
        return trace_refuse(t, e, "expected a grid of at least one area, found %d by %d", h, w);
    /* The mean over one cell stays: it tells that the network ends in pooling. */
    const bool whole = kind != GRAPH_MAX_POOL && h == 1 && w == 1;
    if (!whole && h == v->h && w == v->w) {
        *y = trace_alias(&in);
        return 0;
    }
    if (kind == GRAPH_MAX_POOL) {
        struct trace_windows win = trace_windows(1, 1);
        if (v->h % h != 0 || v->w % w != 0)
            return uneven_maxima(t, &in, h, w, y, e);
        win.k[0] = win.stride[0] = v->h / h;
        win.k[1] = win.stride[1] = v->w / w;
        return trace_pool(t, kind, &in, &win, y, e);
    }
    struct graph_op op = over(whole ? GRAPH_AVERAGE : GRAPH_GRID_POOL, &in);
    op.y.k = h;
    op.x.k = w;
    return trace_made_planes(t, &op, &none, y, e);
}

/* The view without the axes that are reduced, or with size 1 there. */
static bool reduced(const struct trace_view *v, unsigned gone, bool keep, struct trace_view *out)
{
    struct trace_view to = {.offset = 0};
    for (int d = 0; d < v->dims; d++) {
        const bool is_gone = gone & 1U << d;
        if (is_gone && !keep)
            continue;
        if (!view_axis(&to) || (!is_gone && !view_copy(&to, v, d)))
            return false;
    }
    *out = to;
    return true;
}

/* The mean over the channels: a convolution of equal weights. */
static int channel_mean(struct trace *t, const struct trace_symbol *x, int dim,
                        struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    if (trace_settle(t, x, dim, TRACE_ORDER, &in, e) != 0)
        return -1;
    const struct origin from = {.constant = true,
                                .factor = 1 / (float)t->b->graph->value[in.value].c};
    struct graph_op op = graph_conv(in.value, 1, 1, 1);
    return made_wider(t, &op, &from, &in.view, dim, y, e);
}

/* The axes that stay in front, in their order, and what is reduced as one axis behind them. */
static int reduced_last(struct trace *t, const struct trace_symbol *x, unsigned gone,
                        struct trace_symbol *y, struct err *e)
{
    int64_t order[TRACE_DIMS], size[TRACE_DIMS], each = 1;
    struct trace_symbol turned;
    int n = 0, kept;
    for (int d = 0; d < x->view.dims; d++)
        if (!(gone & 1U << d)) {
            size[n] = trace_size(x, d);
            order[n++] = d;
        }
    kept = n;
    for (int d = 0; d < x->view.dims; d++)
        if (gone & 1U << d) {
            each *= trace_size(x, d);
            order[n++] = d;
        }
    size[kept] = each;
    return trace_permute(t, x, order, n, &turned, e) != 0
               ? -1
               : trace_reshape(t, &turned, size, kept + 1, y, e);
}

/* Over any axes, moved to where one operation goes over them. */
static int reduce_any(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
                      unsigned gone, bool keep, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    int64_t size[TRACE_DIMS] = {t->images, 1, 0, 1};
    if (reduced_last(t, x, gone, &s, e) != 0)
        return -1;
    const int last = s.view.dims - 1;
    if (kind == GRAPH_MEAN_POOL) {
        if (channel_mean(t, &s, last, &s, e) != 0)
            return -1;
    } else {
        struct trace_windows win = trace_windows(1, 1);
        size[2] = trace_size(&s, last);
        bool images = false;
        for (int d = 0; d < last; d++) {
            size[1] *= view_each(&s.view, d);
            images = images || view_has_images(&s.view, d);
        }
        size[0] = images ? t->images : 1;
        if (size[2] > BUILD_ELEMENTS || !images)
            return trace_refuse(t, e, "expected a maximum of an image, found another");
        win.k[0] = (int)size[2];
        struct trace_symbol flat;
        if (trace_reshape(t, &s, size, 4, &flat, e) != 0 ||
            trace_pool(t, kind, &flat, &win, &flat, e) != 0)
            return -1;
        for (int d = 0; d <= last; d++)
            size[d] = d < last ? trace_size(&s, d) : 1;
        if (trace_reshape(t, &flat, size, last + 1, &s, e) != 0)
            return -1;
    }
    s.uses = 1;
    if (trace_squeeze(t, &s, last, &s, e) != 0)
        return -1;
    for (int d = 0; d < x->view.dims && keep; d++)
        if (gone & 1U << d && trace_unsqueeze(t, &s, d, &s, e) != 0)
            return -1;
    *y = s;
    return 0;
}

int trace_reduce(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
                 const int64_t *dim, int dims, bool keep, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    struct trace_view view;
    unsigned gone = 0;
    const bool known = trace_is_known(x) && kind == GRAPH_MEAN_POOL;
    if (!known && trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    for (int i = 0; i < dims; i++) {
        const int d = trace_axis(x, dim[i]);
        if (d < 0 || view_has_images(&x->view, d))
            return trace_refuse(t, e, "expected axes of one image, found axis %lld",
                                (long long)dim[i]);
        if (gone & 1U << d)
            return trace_refuse(t, e, "expected each axis once, found axis %lld again",
                                (long long)dim[i]);
        gone |= 1U << d;
    }
    if (known) {
        if (trace_known_mean(t, x, gone, y, e) != 0)
            return -1;
        for (int d = x->view.dims - 1; d >= 0 && !keep; d--)
            if (gone & 1U << d && trace_squeeze(t, y, d, y, e) != 0)
                return -1;
        return 0;
    }
    const int channels = trace_channels(t, x);
    bool all = true, some = false;
    for (int d = 0; d < x->view.dims; d++)
        if (d != channels && view_each(&x->view, d) != 1) {
            all = all && (gone & 1U << d);
            some = some || (gone & 1U << d);
        }
    if (channels >= 0 && (gone & 1U << channels)) {
        if (some || kind != GRAPH_MEAN_POOL)
            return reduce_any(t, kind, x, gone, keep, y, e);
        if (channel_mean(t, x, channels, &in, e) != 0)
            return -1;
    } else if (all) {
        if (trace_settle(t, x, channels, TRACE_CHANNELS, &in, e) != 0)
            return -1;
        const struct graph_value v = t->b->graph->value[in.value];
        struct graph_op op = over(kind == GRAPH_MAX_POOL ? kind : GRAPH_AVERAGE, &in);
        if (op.kind == GRAPH_MAX_POOL) {
            op.y = graph_windows(v.h, 1, 0);
            op.x = graph_windows(v.w, 1, 0);
        }
        const int value = trace_append(t, &op, &none, e);
        if (value < 0 || !view_with(&in.view, channels, v.c, 1, &view))
            return -1;
        in = trace_value(value, &view);
    } else {
        if (x->view.dims != 4 || channels != 1 || view_each(&x->view, 0) != 1)
            return reduce_any(t, kind, x, gone, keep, y, e);
        const int64_t h = gone & 4 ? 1 : trace_size(x, 2), w = gone & 8 ? 1 : trace_size(x, 3);
        if (trace_grid_pool(t, kind, x, (int)h, (int)w, &in, e) != 0)
            return -1;
    }
    if (!reduced(&in.view, gone, keep, &view))
        return trace_refuse(t, e, "expected fewer axes, found more");
    in.view = view;
    *y = in;
    return 0;
}

int trace_least(struct trace *t, const struct trace_symbol *x, const int64_t *dim, int dims,
                bool keep, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    if (trace_scale(t, x, -1, 0, &s, e) != 0 ||
        trace_reduce(t, GRAPH_MAX_POOL, &s, dim, dims, keep, &s, e) != 0)
        return -1;
    s.uses = 1;
    return trace_scale(t, &s, -1, 0, y, e);
}

/* --- norms and functions --- */

int trace_batch_norm(struct trace *t, const struct trace_symbol *x,
                     const struct trace_symbol *const norm[NORM_TENSORS], double eps,
                     struct trace_symbol *y, struct err *e)
{
    static const char *const names[NORM_TENSORS] = {"weights", "biases", "means", "variances"};
    struct trace_symbol in;
    struct origin from = {.eps = eps}, *of;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    if (x->view.dims < 2)
        return trace_refuse(t, e, "expected channels as the second axis, found none");
    if (trace_settle(t, x, 1, TRACE_CHANNELS, &in, e) != 0)
        return -1;
    const int channels = t->b->graph->value[in.value].c;
    for (int i = 0; i < NORM_TENSORS; i++)
        if ((norm[i] || i >= NORM_MEAN) &&
            trace_vector(t, norm[i], channels, names[i], &from.norm.t[i], e) != 0)
            return -1;
    if (!(eps > 0))
        return trace_refuse(t, e, "expected an epsilon above 0, found %g", eps);
    const struct graph_op *op = t->b->opts->unfolded ? NULL : trace_maker(t, &in, &of);
    if (op && (op->kind == GRAPH_CONV || op->kind == GRAPH_LINEAR) && op->ins == 1 &&
        !norm_is_there(&of->norm) && !of->constant) {
        of->norm = from.norm;
        of->eps = eps;
        *y = trace_value(in.value, &in.view);
        return 0;
    }
    struct graph_op alone = over(GRAPH_NORM, &in);
    alone.key = trace_key(from.norm.t[NORM_VAR]);
    return made(t, &alone, &from, &in.view, y, e);
}

int trace_layer_norm(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                     const struct trace_symbol *bias, double eps, struct trace_symbol *y,
                     struct err *e)
{
    struct trace_symbol in;
    struct origin from = none;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 ||
        trace_settle(t, x, x->view.dims - 1, TRACE_CHANNELS, &in, e) != 0)
        return -1;
    const int channels = t->b->graph->value[in.value].c;
    if ((w && trace_vector(t, w, channels, "weights", &from.w, e) != 0) ||
        (bias && trace_vector(t, bias, channels, "biases", &from.b, e) != 0))
        return -1;
    struct graph_op op = over(GRAPH_LAYER_NORM, &in);
    op.p = (float)eps;
    op.key = from.w ? trace_key(from.w) : NULL;
    return made(t, &op, &from, &in.view, y, e);
}

int trace_layer_norm_of(struct trace *t, const struct trace_symbol *x, int axes,
                        const struct trace_symbol *w, const struct trace_symbol *bias, double eps,
                        struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    int64_t size[TRACE_DIMS] = {0}, flat[TRACE_DIMS] = {0};
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    const int dims = x->view.dims, front = dims - axes;
    if (axes < 1 || front < 1)
        return trace_refuse(t, e, "expected a norm over axes of one image, found one over %d of %d",
                            axes, dims);
    if (axes == 1)
        return trace_layer_norm(t, x, w, bias, eps, y, e);
    for (int d = 0; d < dims; d++)
        flat[d] = size[d] = trace_size(x, d);
    for (int d = front + 1; d < dims; d++)
        flat[front] *= size[d];
    if (trace_reshape(t, x, flat, front + 1, &s, e) != 0 ||
        trace_layer_norm(t, &s, NULL, NULL, eps, &s, e) != 0 ||
        trace_reshape(t, &s, size, dims, &s, e) != 0)
        return -1;
    s.uses = 1;
    if (w && (trace_expect(t, w, TRACE_CONSTANT, "its weights", e) != 0 ||
              trace_multiply(t, &s, w, &s, e) != 0))
        return -1;
    s.uses = 1;
    if (bias && (trace_expect(t, bias, TRACE_CONSTANT, "its biases", e) != 0 ||
                 trace_add(t, &s, bias, 1, &s, e) != 0))
        return -1;
    *y = s;
    return 0;
}

/* A constant for each channel, as activations of that many axes are multiplied by it. */
static int per_channel(const struct trace *t, const struct trace_symbol *c, int dims,
                       struct trace_symbol *y, struct err *e)
{
    *y = *c;
    for (int d = 2; d < dims; d++) {
        const struct trace_symbol s = *y;
        if (trace_unsqueeze(t, &s, -1, y, e) != 0)
            return -1;
    }
    return 0;
}

int trace_group_norm(struct trace *t, const struct trace_symbol *x, int64_t groups,
                     const struct trace_symbol *w, const struct trace_symbol *bias, double eps,
                     struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s, c;
    int64_t size[TRACE_DIMS], all = 1;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    const int dims = x->view.dims;
    for (int d = 0; d < dims; d++) {
        size[d] = trace_size(x, d);
        all *= d > 0 ? size[d] : 1;
    }
    if (dims < 2 || groups < 1 || size[1] % groups != 0)
        return trace_refuse(t, e, "expected groups that divide the channels, found %lld",
                            (long long)groups);
    const int64_t apart[] = {size[0], groups, all / groups};
    if (trace_reshape(t, x, apart, 3, &s, e) != 0 ||
        trace_layer_norm(t, &s, NULL, NULL, eps, &s, e) != 0 ||
        trace_reshape(t, &s, size, dims, &s, e) != 0)
        return -1;
    s.uses = 1;
    if (w && (trace_expect(t, w, TRACE_CONSTANT, "its weights", e) != 0 ||
              per_channel(t, w, dims, &c, e) != 0 || trace_multiply(t, &s, &c, &s, e) != 0))
        return -1;
    s.uses = 1;
    if (bias && (trace_expect(t, bias, TRACE_CONSTANT, "its biases", e) != 0 ||
                 per_channel(t, bias, dims, &c, e) != 0 || trace_add(t, &s, &c, 1, &s, e) != 0))
        return -1;
    *y = s;
    return 0;
}

int trace_function(struct trace *t, const struct trace_symbol *x, enum graph_function f, double p,
                   double q, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    struct origin *of;
    if (trace_is_known(x))
        return trace_known_function(t, x, graph_function_rules[f].value, p, q, y, e);
    if (trace_whole(t, x, &in, e) != 0)
        return -1;
    /* Of bounds that cross, the upper one holds in all frameworks. */
    if (f == GRAPH_CLIP)
        p = fmin(p, q);
    struct graph_op *op = trace_maker(t, &in, &of);
    if (f == GRAPH_CLIP && p == 0 && isinf(q) && op &&
        (op->kind == GRAPH_CONV || op->kind == GRAPH_NORM || op->kind == GRAPH_ADD ||
         op->kind == GRAPH_LINEAR)) {
        op->act = GRAPH_RELU;
        *y = trace_value(in.value, &in.view);
        return 0;
    }
    struct graph_op alone = over(GRAPH_FUNCTION, &in);
    alone.function = f;
    alone.p = (float)p;
    alone.q = (float)q;
    return made(t, &alone, &none, &in.view, y, e);
}

int trace_elu(struct trace *t, const struct trace_symbol *x, double alpha, double scale,
              double factor, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in, elu;
    if (!isfinite(alpha) || !isfinite(scale) || !isfinite(factor) || !(factor > 0))
        return trace_refuse(t, e,
                            "expected finite factors, that of the input above 0, found others");
    if (trace_scale(t, x, factor, 0, &in, e) != 0 ||
        trace_function(t, &in, GRAPH_ELU, alpha * factor, 0, &elu, e) != 0)
        return -1;
    elu.uses = 1;
    return trace_scale(t, &elu, scale / factor, 0, y, e);
}

int trace_softplus(struct trace *t, const struct trace_symbol *x, double beta,
                   struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in, s;
    if (!isfinite(beta) || beta == 0)
        return trace_refuse(t, e, "expected a finite beta other than 0, found another");
    if (trace_scale(t, x, beta, 0, &in, e) != 0 ||
        trace_function(t, &in, GRAPH_SOFTPLUS, 0, 0, &s, e) != 0)
        return -1;
    s.uses = 1;
    return trace_scale(t, &s, 1 / beta, 0, y, e);
}

static double exponential_of(double x, double p, double q)
{
    (void)p;
    (void)q;
    return exp(x);
}

int trace_exponential(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                      struct err *e)
{
    return trace_is_known(x) ? trace_known_function(t, x, exponential_of, 0, 0, y, e)
                             : trace_function(t, x, GRAPH_EXP, 0, 0, y, e);
}

static double logarithm_of(double x, double p, double q)
{
    (void)p;
    (void)q;
    return log(x);
}

int trace_logarithm(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                    struct err *e)
{
    struct origin *from;
    if (trace_is_known(x))
        return trace_known_function(t, x, logarithm_of, 0, 0, y, e);
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    const struct graph_op *op = trace_maker(t, x, &from);
    const bool last = op && op == &t->b->graph->op[t->b->graph->ops - 1] && x->scale == 1;
    const bool softmax = last && op->kind == GRAPH_SOFTMAX;
    if (!softmax && !(last && op->kind == GRAPH_FUNCTION && op->function == GRAPH_SIGMOID))
        return trace_function(t, x, GRAPH_LOG, 0, 0, y, e);
    struct trace_symbol in = trace_value(op->in[0], &x->view);
    in.shared = true;
    trace_take_back(t);
    if (!softmax)
        return trace_softplus(t, &in, -1, y, e);
    *y = in;
    y->log = true;
    return 0;
}

static double power_of(double x, double p, double q)
{
    (void)q;
    return pow(x, p);
}

/* x to the power of n, of which each bit from the highest on is a square and, if set, a factor. */
static int whole_power(struct trace *t, const struct trace_symbol *x, int n, struct trace_symbol *y,
                       struct err *e)
{
    int bit = 1;
    while (2 * bit <= n)
        bit *= 2;
    *y = trace_alias(x);
    while ((bit /= 2) > 0)
        if (trace_multiply(t, y, y, y, e) != 0 || (n & bit && trace_multiply(t, y, x, y, e) != 0))
            return -1;
    return 0;
}

int trace_power(struct trace *t, const struct trace_symbol *x, double exponent,
                struct trace_symbol *y, struct err *e)
{
    enum { MOST = 1024 };
    struct trace_symbol s;
    if (!x || !isfinite(exponent))
        return trace_refuse(t, e, "expected a power that is known, found another");
    if (trace_is_known(x))
        return trace_known_function(t, x, power_of, exponent, 0, y, e);
    const double size = fabs(exponent);
    const bool whole = size == floor(size);
    if (whole && (size == 0 || size > MOST))
        return trace_refuse(t, e, "expected a power of 1 to %d or one that is not whole, found %g",
                            MOST, exponent);
    if (!whole && size != .5)
        return trace_function(t, x, GRAPH_POWER, exponent, 0, y, e);
    if ((whole ? whole_power(t, x, (int)size, &s, e)
               : trace_function(t, x, GRAPH_ROOT, 0, 0, &s, e)) != 0)
        return -1;
    if (exponent > 0) {
        *y = s;
        return 0;
    }
    return trace_function(t, &s, GRAPH_INVERSE, 0, 0, y, e);
}

int trace_powers(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *exponent,
                 struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    double one;
    if (!x)
        return trace_refuse(t, e, "expected activations, found nothing");
    if (trace_expect(t, exponent, TRACE_CONSTANT, "its exponent", e) != 0)
        return -1;
    if (trace_count(exponent) == 1 && exponent->view.dims <= x->view.dims)
        return trace_number(t, exponent, &one, e) != 0 ? -1 : trace_power(t, x, one, y, e);
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    bool *rectified = graph_rectified(t->b->graph);
    const bool above = rectified[x->value] && x->scale >= 0;
    free(rectified);
    if (!above)
        return trace_refuse(t, e,
                            "expected activations that are never negative to have powers of their "
                            "own for each channel, found others: clamp them, as x.clamp(min=1e-6)");
    s = *x;
    s.shared = true;
    if (trace_function(t, &s, GRAPH_LOG, 0, 0, &s, e) != 0)
        return -1;
    s.uses = 1;
    return trace_multiply(t, &s, exponent, &s, e) != 0 ? -1 : trace_exponential(t, &s, y, e);
}

int trace_raise(struct trace *t, double base, const struct trace_symbol *x, struct trace_symbol *y,
                struct err *e)
{
    struct trace_symbol s;
    if (!(base > 0) || !isfinite(base))
        return trace_refuse(t, e,
                            "expected a positive number to the power of activations, found "
                            "another");
    return trace_scale(t, x, log(base), 0, &s, e) != 0 ? -1 : trace_exponential(t, &s, y, e);
}

/* Of what is left of x without its largest, so that nothing overflows. */
int trace_log_sum(struct trace *t, const struct trace_symbol *x, const int64_t *dim, int dims,
                  bool keep, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in, most, s;
    double n = 1;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    in = *x;
    in.shared = true; /* both parts read it */
    if (trace_reduce(t, GRAPH_MAX_POOL, &in, dim, dims, true, &most, e) != 0 ||
        trace_add(t, &in, &most, -1, &s, e) != 0 || trace_exponential(t, &s, &s, e) != 0)
        return -1;
    for (int i = 0; i < dims; i++)
        n *= (double)trace_size(x, trace_axis(x, dim[i]));
    if (trace_reduce(t, GRAPH_MEAN_POOL, &s, dim, dims, keep, &s, e) != 0 ||
        trace_logarithm(t, &s, &s, e) != 0 || trace_scale(t, &s, 1, log(n), &s, e) != 0 ||
        trace_reduce(t, GRAPH_MAX_POOL, &in, dim, dims, keep, &most, e) != 0)
        return -1;
    return trace_add(t, &s, &most, 1, y, e);
}

/* The channels as the rows of an image with one cell for each place. */
int trace_local_norm(struct trace *t, const struct trace_symbol *x, int64_t size, double alpha,
                     double beta, double bias, struct trace_symbol *y, struct err *e)
{
    enum { AXES = 4, MOST = 64 };
    int64_t whole[AXES];
    struct trace_symbol s;
    if (x->view.dims != AXES || size < 1 || size > MOST || !isfinite(alpha) || !isfinite(bias))
        return trace_refuse(
            t, e, "expected images and at most %d channels around each, found others", MOST);
    for (int d = 0; d < AXES; d++)
        whole[d] = trace_size(x, d);
    const int64_t rows[] = {whole[0], 1, whole[1], -1};
    struct trace_windows win = trace_windows(1, 1);
    win.k[0] = (int)size;
    win.before[0] = (int)(size - 1) / 2;
    win.after[0] = (int)size / 2;
    return trace_power(t, x, 2, &s, e) != 0 || trace_reshape(t, &s, rows, AXES, &s, e) != 0 ||
                   trace_pool(t, GRAPH_MEAN_POOL, &s, &win, &s, e) != 0 ||
                   trace_reshape(t, &s, whole, AXES, &s, e) != 0 ||
                   trace_scale(t, &s, alpha, bias, &s, e) != 0 ||
                   trace_power(t, &s, -beta, &s, e) != 0
               ? -1
               : trace_multiply(t, x, &s, y, e);
}

int trace_length(struct trace *t, const struct trace_symbol *x, const int64_t *dim, int dims,
                 bool keep, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol squares, mean;
    int64_t n = 1;
    if (trace_power(t, x, 2, &squares, e) != 0 ||
        trace_reduce(t, GRAPH_MEAN_POOL, &squares, dim, dims, keep, &mean, e) != 0)
        return -1;
    for (int i = 0; i < dims; i++)
        n *= trace_size(x, trace_axis(x, dim[i]));
    mean.uses = 1;
    return trace_scale(t, &mean, (double)n, 0, &mean, e) != 0 ? -1
                                                              : trace_power(t, &mean, .5, y, e);
}

/* As max(x, 0) + slope min(x, 0), whose derivatives at 0 add to the slope, as the frameworks'. */
int trace_prelu(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *slope,
                struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in, above, below;
    struct origin from = none;
    const int dim = x && x->view.dims > 1 ? 1 : 0;
    double one;
    if (trace_expect(t, slope, TRACE_CONSTANT, "its slopes", e) != 0)
        return -1;
    if (trace_count(slope) == 1)
        return trace_number(t, slope, &one, e) != 0
                   ? -1
                   : trace_function(t, x, GRAPH_LEAKY_RELU, one, 0, y, e);
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 ||
        trace_settle(t, x, dim, TRACE_CHANNELS, &in, e) != 0 ||
        trace_vector(t, slope, t->b->graph->value[in.value].c, "slopes", &from.w, e) != 0)
        return -1;
    in.shared = true; /* both parts read it */
    if (trace_function(t, &in, GRAPH_CLIP, 0, INFINITY, &above, e) != 0 ||
        trace_function(t, &in, GRAPH_CLIP, -INFINITY, 0, &below, e) != 0)
        return -1;
    struct graph_op op = over(GRAPH_NORM, &below);
    op.in[op.ins++] = above.value;
    op.key = trace_key(from.w);
    return made(t, &op, &from, &in.view, y, e);
}

/* --- sums and products with constants --- */

/* Sizes of a constant along the axes of x, 1 in front. false where it does not broadcast. */
static bool along(const struct trace_symbol *x, const struct trace_symbol *c,
                  int64_t size[TRACE_DIMS])
{
    const int front = x->view.dims - c->view.dims;
    for (int d = 0; d < x->view.dims; d++) {
        size[d] = d < front ? 1 : trace_size(c, d - front);
        if (size[d] != 1 && size[d] != view_each(&x->view, d))
            return false;
    }
    for (int d = 0; d < -front; d++)
        if (trace_size(c, d) != 1)
            return false;
    return true;
}

/* The axis of x along which alone the constant has more than one element, or -1. */
static int only_axis(const struct trace_symbol *x, const int64_t size[TRACE_DIMS])
{
    int found = -1;
    for (int d = 0; d < x->view.dims; d++)
        if (size[d] != 1) {
            if (found >= 0)
                return -1;
            found = d;
        }
    return found;
}

/* x times, or plus, a number for each channel: into the operation that made x, if that takes it. */
static int by_channel(struct trace *t, const struct trace_symbol *in, bool product,
                      const struct origin *with, struct trace_symbol *y, struct err *e)
{
    struct origin *of;
    const struct graph_op *op = trace_maker(t, in, &of);
    const bool norm = op && (op->kind == GRAPH_NORM || op->kind == GRAPH_LAYER_NORM);
    const bool free_sum =
        op && op->ins == 1 && !of->b && !of->constant && !norm_is_there(&of->norm);
    if (product ? norm && free_sum && !of->w
                : free_sum && (norm || op->kind == GRAPH_CONV || op->kind == GRAPH_LINEAR)) {
        of->w = product ? with->w : of->w;
        of->inverse = product ? with->inverse : of->inverse;
        of->b = product ? of->b : with->b;
        *y = trace_value(in->value, &in->view);
        return 0;
    }
    struct graph_op alone = over(GRAPH_NORM, in);
    alone.key = trace_key(product ? with->w : with->b);
    return made(t, &alone, with, &in->view, y, e);
}

/* A constant's elements in the order of a settled value: its channels, then its cells. */
static int spread(struct trace *t, const struct trace_symbol *in, const struct trace_symbol *c,
                  int channels, const struct ckpt_tensor **out, struct err *e)
{
    const int front = in->view.dims - c->view.dims;
    struct trace_symbol s = *c;
    struct trace_view v = {.offset = c->view.offset};
    for (int i = -1; i < in->view.dims; i++) {
        const int d = i < 0 ? channels : i;
        if (i == channels)
            continue;
        const bool has = d >= front && trace_size(c, d - front) != 1;
        if (!view_axis(&v) || !(has ? view_copy(&v, &c->view, d - front)
                                    : view_factor(&v, view_each(&in->view, d), 0)))
            return trace_refuse(t, e, "expected fewer axes, found more");
    }
    s.view = v;
    return trace_tensor(t, &s, out, e);
}

/* A constant of more than one number for each channel is added element by element. */
static int add_elements(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *c,
                        struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    struct origin from = none, *of;
    const int channels = trace_channels(t, x);
    if (trace_settle(t, x, channels, TRACE_ORDER, &in, e) != 0)
        return -1;
    struct graph_op *op = trace_maker(t, &in, &of);
    const bool joined = op && op->kind == GRAPH_OFFSET;
    struct piece *p = joined ? of->piece : from.piece;
    int pieces = 0;
    while (pieces < BUILD_PIECES && p[pieces].tensor)
        pieces++;
    if (pieces == BUILD_PIECES)
        return trace_refuse(t, e, "expected at most %d constants added to tokens, found more",
                            BUILD_PIECES);
    if (spread(t, &in, c, channels, &p[pieces].tensor, e) != 0)
        return -1;
    if (joined) {
        *y = trace_value(in.value, &in.view);
        return 0;
    }
    const struct graph_op add = over(GRAPH_OFFSET, &in);
    return made(t, &add, &from, &in.view, y, e);
}

static int two(struct trace *t, enum graph_kind kind, const struct trace_symbol *a,
               const struct trace_symbol *b, struct trace_symbol *y, struct err *e);

/* x times, or over, a constant of any shape, which becomes activations of its own. */
static int times_elements(struct trace *t, const struct trace_symbol *x,
                          const struct trace_symbol *c, bool inverse, struct trace_symbol *y,
                          struct err *e)
{
    struct trace_symbol wide = *c, live;
    if (inverse && trace_power(t, c, -1, &wide, e) != 0)
        return -1;
    return trace_lengthen(t, &wide, x->view.dims, &wide, e) != 0 ||
                   trace_live(t, &wide, trace_channels(t, x), x->value, &live, e) != 0
               ? -1
               : two(t, GRAPH_MULTIPLY, x, &live, y, e);
}

/* x + sign c, or x * c, or x / c. */
static int with_constant(struct trace *t, const struct trace_symbol *x,
                         const struct trace_symbol *given, bool product, bool inverse, double sign,
                         struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    struct trace_symbol in, of_one = *given;
    struct origin from = {.inverse = inverse};
    double one;
    if (given->kind == TRACE_CONSTANT && !trace_of_one(t, given, &of_one))
        return trace_refuse(t, e, "expected fewer axes, found more");
    const struct trace_symbol *c = &of_one;
    if (trace_count(c) == 1) {
        if (trace_number(t, c, &one, e) != 0)
            return -1;
        if (!isfinite(one) || (inverse && one == 0))
            return trace_refuse(t, e, "expected a finite factor, found %g",
                                inverse ? 1 / one : one);
        return product ? trace_scale(t, x, inverse ? 1 / one : one, 0, y, e)
                       : trace_scale(t, x, 1, sign * one, y, e);
    }
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    if (c->kind != TRACE_CONSTANT || !along(x, c, size))
        return trace_refuse(t, e, "expected a tensor for activations of that shape, found another");
    if (sign != 1 && sign != -1)
        return trace_refuse(t, e, "expected a plain sum, found one with a factor");
    struct trace_symbol signed_c = *c;
    struct ckpt_tensor negative = *c->tensor;
    if (sign == -1) {
        negative.negated = !negative.negated;
        signed_c.tensor = trace_keep(t, &negative);
    }
    const int dim = only_axis(x, size);
    if (dim < 0 || dim != trace_channels(t, x)) {
        return product ? times_elements(t, x, c, inverse, y, e)
                       : add_elements(t, x, &signed_c, y, e);
    }
    if (trace_settle(t, x, dim, TRACE_CHANNELS, &in, e) != 0 ||
        trace_tensor(t, &signed_c, product ? &from.w : &from.b, e) != 0)
        return -1;
    return by_channel(t, &in, product, &from, y, e);
}

/* --- sums and products of two activations --- */

/* The later of two values takes the other in, where it is a convolution or norm that nothing
 * else reads. */
static bool join(const struct trace *t, const struct trace_symbol *host,
                 const struct trace_symbol *other)
{
    const struct graph *g = t->b->graph;
    const struct graph_value *a = &g->value[host->value], *b = &g->value[other->value];
    struct origin *of;
    struct graph_op *op = host->value > other->value ? trace_maker(t, host, &of) : NULL;
    if (!op || op->ins > 1 || (op->kind != GRAPH_CONV && op->kind != GRAPH_NORM) || a->c != b->c ||
        a->h != b->h || a->w != b->w)
        return false;
    op->in[op->ins++] = other->value;
    return true;
}

/* x sigmoid(x) and x hard_sigmoid(x) have names of their own. */
static bool gate(const struct trace *t, const struct trace_symbol *x, const struct trace_symbol *s)
{
    struct origin *of;
    struct graph_op *op = trace_maker(t, s, &of);
    if (!op || op->kind != GRAPH_FUNCTION || op->in[0] != x->value)
        return false;
    if (op->function == GRAPH_HARD_SIGMOID && op->p == 1 / 6.F && op->q == .5F)
        op->function = GRAPH_HARD_SWISH;
    else if (op->function == GRAPH_SIGMOID)
        op->function = GRAPH_SILU;
    else
        return false;
    return true;
}

static int join_two(struct trace *t, enum graph_kind kind, const struct trace_symbol *a,
                    const struct trace_symbol *b, const struct trace_view *view,
                    struct trace_symbol *y, struct err *e)
{
    const struct trace_symbol *in_one = NULL;
    if (kind == GRAPH_ADD)
        in_one = join(t, a, b) ? a : join(t, b, a) ? b : NULL;
    else
        in_one = gate(t, a, b) ? b : gate(t, b, a) ? a : NULL;
    if (in_one) {
        const struct trace_view v = *view;
        *y = trace_value(in_one->value, &v);
        return 0;
    }
    const struct graph_op op = {.kind = kind, .in = {a->value, b->value}, .ins = 2};
    return made(t, &op, &none, view, y, e);
}

/* Repeats an axis, but the channels, that the other has more of, unless the graph's own rules of
 * broadcasting do: those of one cell, or of height and width apart. */
static int repeat(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *other,
                  int channels, struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    bool one = true, needed = false;
    const bool plain =
        x->view.dims == 4 && view_each(&x->view, 0) == 1 && view_each(&other->view, 0) == 1;
    for (int d = 0; d < x->view.dims; d++) {
        const int64_t a = view_each(&x->view, d), b = view_each(&other->view, d);
        if (a != b && a != 1 && b != 1)
            return trace_refuse(t, e, "expected sizes that are equal or 1, found %lld and %lld",
                                (long long)a, (long long)b);
        one = one && (d == channels || a == 1);
        needed = needed || (d != channels && a == 1 && b != 1);
        size[d] = d != channels && a == 1 && b != 1 ? b : -1;
    }
    if (!needed || one || plain) {
        *y = *x;
        return 0;
    }
    return trace_expand(t, x, size, x->view.dims, y, e);
}

static int two(struct trace *t, enum graph_kind kind, const struct trace_symbol *a,
               const struct trace_symbol *b, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol x, z, p, q;
    struct trace_view view = {.offset = 0};
    const struct graph *g = t->b->graph;
    if (trace_expect(t, a, TRACE_VALUE, "its first input", e) != 0 ||
        trace_expect(t, b, TRACE_VALUE, "its second input", e) != 0)
        return -1;
    if (view_same(&a->view, &b->view) && g->value[a->value].c == g->value[b->value].c &&
        g->value[a->value].h == g->value[b->value].h &&
        view_covers(&a->view, (int64_t)graph_size(g, a->value)))
        return trace_whole(t, a, &x, e) != 0 || trace_whole(t, b, &z, e) != 0
                   ? -1
                   : join_two(t, kind, &x, &z, &x.view, y, e);
    const int dims = a->view.dims > b->view.dims ? a->view.dims : b->view.dims;
    if (trace_lengthen(t, a, dims, &x, e) != 0 || trace_lengthen(t, b, dims, &z, e) != 0)
        return -1;
    const int channels =
        trace_channels(t, graph_size(g, a->value) >= graph_size(g, b->value) ? &x : &z);
    if (repeat(t, &x, &z, channels, &p, e) != 0 || repeat(t, &z, &x, channels, &q, e) != 0 ||
        trace_settle(t, &p, channels, TRACE_ORDER, &x, e) != 0 ||
        trace_settle(t, &q, channels, TRACE_ORDER, &z, e) != 0)
        return -1;
    int64_t cells = 1, c = 1;
    for (int d = 0; d < dims; d++) {
        const int64_t n = view_each(&x.view, d), m = view_each(&z.view, d);
        *(d == channels ? &c : &cells) *= n > m ? n : m;
    }
    int64_t left = cells;
    for (int d = 0; d < dims; d++) {
        const int64_t n = view_each(&x.view, d), m = view_each(&z.view, d), size = n > m ? n : m;
        const bool images = view_has_images(&x.view, d) || view_has_images(&z.view, d);
        left /= d == channels ? 1 : size;
        if (!view_axis(&view) || (images && !view_factor(&view, t->images, TRACE_EACH_IMAGE)) ||
            !view_factor(&view, size, d == channels ? cells : left))
            return trace_refuse(t, e, "expected fewer axes, found more");
    }
    return join_two(t, kind, &x, &z, &view, y, e);
}

/* Whole numbers with whole numbers: shapes. */
static int count_with(const struct trace *t, const struct trace_symbol *a,
                      const struct trace_symbol *b, char op, double factor, struct trace_symbol *y,
                      struct err *e)
{
    const int64_t n = trace_count(a), m = trace_count(b), all = n > m ? n : m;
    int64_t number[TRACE_INTS] = {0};
    if ((n != m && n != 1 && m != 1) || all > TRACE_INTS || (factor != 1 && factor != -1))
        return trace_refuse(t, e, "expected as many whole numbers, found others");
    for (int64_t i = 0; i < all; i++) {
        const int64_t p = a->number[n == 1 ? 0 : i], q = b->number[m == 1 ? 0 : i];
        int64_t *to = &number[i];
        bool good = false;
        if (op == '+')
            good =
                !(factor < 0 ? __builtin_sub_overflow(p, q, to) : __builtin_add_overflow(p, q, to));
        else if (op == '*')
            good = !__builtin_mul_overflow(p, q, to);
        else if (q > 0 && p >= 0) {
            *to = p / q;
            good = true;
            if (trace_loses_images(t, p, q))
                return trace_refuse(t, e,
                                    "expected a size that is the same however many images there "
                                    "are, found a part of their number");
        }
        if (!good)
            return trace_refuse(t, e, "expected sizes within reach, found others");
    }
    *y = a->view.dims == 0 && b->view.dims == 0 ? trace_scalar(number[0])
                                                : trace_numbers(number, (int)all);
    return 0;
}

static bool is_known(const struct trace_symbol *x)
{
    return x->kind == TRACE_CONSTANT || x->kind == TRACE_NUMBERS;
}

static int given(const struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                 struct err *e)
{
    return a && b && a->kind != TRACE_NOTHING && b->kind != TRACE_NOTHING
               ? 0
               : trace_refuse(t, e, "expected two operands, found something else");
}

/* Operands as activations where they are products that are not made yet. */
static int make_both(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                     struct trace_symbol *p, struct trace_symbol *q, struct err *e)
{
    *p = *a;
    *q = *b;
    return trace_make(t, p, e) != 0 || trace_make(t, q, e) != 0 ? -1 : 0;
}

int trace_add(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
              double factor, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s, p, q;
    if (given(t, a, b, e) != 0)
        return -1;
    if (a->kind == TRACE_NUMBERS && b->kind == TRACE_NUMBERS)
        return count_with(t, a, b, '+', factor, y, e);
    if (trace_is_known(a) && trace_is_known(b) && (factor == 1 || factor == -1))
        return trace_known_two(t, factor == 1 ? TRACE_SUM : TRACE_DIFFERENCE, a, b, y, e);
    if (factor == 1 && a->kind == TRACE_SCORES && trace_is_known(b) && trace_biased(t, a))
        return trace_bias(t, a, b, y, e);
    if (factor == 1 && b->kind == TRACE_SCORES && trace_is_known(a) && trace_biased(t, b))
        return trace_bias(t, b, a, y, e);
    if (a->kind == TRACE_SCORES || b->kind == TRACE_SCORES)
        return make_both(t, a, b, &p, &q, e) != 0 ? -1 : trace_add(t, &p, &q, factor, y, e);
    if (is_known(b))
        return with_constant(t, a, b, false, false, factor, y, e);
    if (factor != 1) {
        if (trace_scale(t, b, factor, 0, &s, e) != 0)
            return -1;
        return is_known(a) ? with_constant(t, &s, a, false, false, 1, y, e)
                           : two(t, GRAPH_ADD, a, &s, y, e);
    }
    return is_known(a) ? with_constant(t, b, a, false, false, 1, y, e)
                       : two(t, GRAPH_ADD, a, b, y, e);
}

int trace_multiply(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                   struct trace_symbol *y, struct err *e)
{
    struct trace_symbol p, q;
    if (given(t, a, b, e) != 0)
        return -1;
    if (a->kind == TRACE_SCORES && trace_is_known(b) && trace_factor(t, a, b, y, e) == 0)
        return 0;
    if (b->kind == TRACE_SCORES && trace_is_known(a) && trace_factor(t, b, a, y, e) == 0)
        return 0;
    if ((a->kind == TRACE_SCORES && trace_count(b) != 1) ||
        (b->kind == TRACE_SCORES && trace_count(a) != 1))
        return make_both(t, a, b, &p, &q, e) != 0 ? -1 : trace_multiply(t, &p, &q, y, e);
    if (a->kind == TRACE_NUMBERS && b->kind == TRACE_NUMBERS)
        return count_with(t, a, b, '*', 1, y, e);
    if (trace_is_known(a) && trace_is_known(b))
        return trace_known_two(t, TRACE_PRODUCT, a, b, y, e);
    if (is_known(b))
        return with_constant(t, a, b, true, false, 1, y, e);
    return is_known(a) ? with_constant(t, b, a, true, false, 1, y, e)
                       : two(t, GRAPH_MULTIPLY, a, b, y, e);
}

int trace_divide(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                 struct trace_symbol *y, struct err *e)
{
    if (given(t, a, b, e) != 0)
        return -1;
    if (a->kind == TRACE_NUMBERS && b->kind == TRACE_NUMBERS)
        return count_with(t, a, b, '/', 1, y, e);
    if (trace_is_known(a) && trace_is_known(b))
        return trace_known_two(t, TRACE_QUOTIENT, a, b, y, e);
    if (is_known(b))
        return with_constant(t, a, b, true, true, 1, y, e);
    struct trace_symbol one;
    return trace_function(t, b, GRAPH_INVERSE, 0, 0, &one, e) != 0
               ? -1
               : trace_multiply(t, a, &one, y, e);
}

/* --- linear layers --- */

int trace_linear(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                 const struct trace_symbol *bias, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    struct origin from = none;
    if (trace_is_known(x))
        return trace_known_linear(t, x, w, bias, y, e);
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 ||
        trace_expect(t, w, TRACE_CONSTANT, "its weights", e) != 0)
        return -1;
    const int dim = x->view.dims - 1;
    if (dim < 0 || w->view.dims != 2 || trace_size(w, 1) != trace_size(x, dim) ||
        trace_size(w, 0) > BUILD_CHANNELS)
        return trace_refuse(t, e, "expected weights for %lld numbers, found another shape",
                            (long long)(dim < 0 ? 0 : trace_size(x, dim)));
    if (trace_settle(t, x, dim, TRACE_CHANNELS, &in, e) != 0 ||
        trace_tensor(t, w, &from.w, e) != 0 ||
        (bias && trace_vector(t, bias, trace_size(w, 0), "biases", &from.b, e) != 0))
        return -1;
    struct graph_op op = graph_conv(in.value, (int)trace_size(w, 0), 1, 1);
    if (graph_cells(t->b->graph, in.value) == 1)
        op.kind = GRAPH_LINEAR;
    op.key = trace_key(from.w);
    return made_wider(t, &op, &from, &in.view, dim, y, e);
}
