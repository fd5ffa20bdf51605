/* Windows as an axis of their own, sums of them back in their places, and convolutions that are
 * transposed. */
#include "model/trace_parts.h"

#include "base/mem.h"

#include <stdlib.h>

/* --- transposed convolutions --- */

/* Rows and columns of zeros between those of x. */
static int part_cells(struct trace *t, const struct trace_symbol *x, const int stride[2],
                      struct trace_symbol *y, struct err *e)
{
    const struct origin none = {.w = NULL};
    struct trace_symbol in;
    if (trace_planes(t, x, &in, e) != 0)
        return -1;
    const struct graph_value v = t->b->graph->value[in.value];
    const int64_t h = (int64_t)(v.h - 1) * stride[0] + 1, w = (int64_t)(v.w - 1) * stride[1] + 1;
    if (stride[0] == 1 && stride[1] == 1) {
        *y = in;
        return 0;
    }
    if (h > BUILD_ELEMENTS || w > BUILD_ELEMENTS || v.c * h > BUILD_ELEMENTS / w)
        return trace_refuse(t, e, "expected at most %d elements of an image, found more",
                            BUILD_ELEMENTS);
    int *list = mem_alloc((size_t)(v.c * h * w), sizeof *list);
    for (int64_t i = 0; i < v.c * h * w; i++) {
        const int64_t c = i / (h * w), row = i / w % h, column = i % w;
        const bool there = row % stride[0] == 0 && column % stride[1] == 0;
        list[i] = there ? (int)((c * v.h + row / stride[0]) * v.w + column / stride[1]) : -1;
    }
    struct graph_op op = {
        .kind = GRAPH_GATHER, .in = {in.value}, .ins = 1, .channels = v.c, .pick = list};
    op.y.k = (int)h;
    op.x.k = (int)w;
    return trace_made_planes(t, &op, &none, y, e);
}

/* Weights (in, out / groups, k, k) as those of the convolution that goes over what is parted. */
static int turn_weights(struct trace *t, const struct trace_symbol *w, int groups,
                        struct trace_symbol *y, struct err *e)
{
    const int64_t each = trace_size(w, 0) / groups, makes = trace_size(w, 1);
    const int64_t h = trace_size(w, 2), across = trace_size(w, 3);
    const int64_t apart[] = {groups, each, makes, h, across},
                  joined[] = {groups * makes, each, h, across};
    struct trace_symbol s;
    return trace_reshape(t, w, apart, 5, &s, e) != 0 || trace_swap(t, &s, 1, 2, &s, e) != 0 ||
                   trace_known_copy(t, &s, &s, e) != 0 ||
                   trace_reshape(t, &s, joined, 4, &s, e) != 0 || trace_flip(t, &s, 2, &s, e) != 0
               ? -1
               : trace_flip(t, &s, 3, y, e);
}

int trace_conv_back(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                    const struct trace_symbol *bias, const struct trace_windows *win,
                    const int more[2], int groups, struct trace_symbol *y, struct err *e)
{
    struct trace_windows windows = *win;
    struct trace_symbol in, turned;
    int64_t before[4] = {0}, after[4] = {0};
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 ||
        trace_expect(t, w, TRACE_CONSTANT, "its weights", e) != 0)
        return -1;
    if (x->view.dims != 4 || w->view.dims != 4 || groups < 1 || trace_size(w, 0) % groups != 0 ||
        trace_size(w, 0) != trace_size(x, 1))
        return trace_refuse(t, e, "expected weights for %lld channels, found another shape",
                            (long long)(x->view.dims == 4 ? trace_size(x, 1) : 0));
    for (int i = 0; i < 2; i++) {
        const int64_t reach = (trace_size(w, 2 + i) - 1) * win->dilation[i];
        if (reach > BUILD_ELEMENTS || more[i] < 0 || more[i] > BUILD_ELEMENTS || win->stride[i] < 1)
            return trace_refuse(t, e, "expected smaller windows, found others");
        before[2 + i] = reach - win->before[i];
        after[2 + i] = reach - win->after[i] + more[i];
        windows.before[i] = before[2 + i] > 0 ? (int)before[2 + i] : 0;
        windows.after[i] = after[2 + i] > 0 ? (int)after[2 + i] : 0;
        before[2 + i] -= windows.before[i];
        after[2 + i] -= windows.after[i];
        windows.stride[i] = 1;
    }
    return part_cells(t, x, win->stride, &in, e) != 0 ||
                   trace_pad(t, &in, before, after, &in, e) != 0 ||
                   turn_weights(t, w, groups, &turned, e) != 0
               ? -1
               : trace_conv(t, &in, &turned, bias, &windows, groups, y, e);
}

/* --- images in parts --- */

/* A constant n times along its first axis. */
static int n_times(struct trace *t, const struct trace_symbol *x, int64_t n, struct trace_symbol *y,
                   struct err *e)
{
    int64_t size[TRACE_DIMS + 1] = {n}, joined[TRACE_DIMS];
    struct trace_symbol s;
    const int dims = x ? x->view.dims : 0;
    if (trace_expect(t, x, TRACE_CONSTANT, "weights", e) != 0 ||
        trace_unsqueeze(t, x, 0, &s, e) != 0)
        return -1;
    for (int d = 0; d < dims; d++) {
        size[1 + d] = -1;
        joined[d] = trace_size(x, d) * (d == 0 ? n : 1);
    }
    return trace_expand(t, &s, size, dims + 1, &s, e) != 0
               ? -1
               : trace_reshape(t, &s, joined, dims, y, e);
}

/* Of windows of one cell: a linear layer. */
static int mix_channels(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                        const struct trace_symbol *bias, struct trace_symbol *y, struct err *e)
{
    static const int64_t last[] = {0, 2, 3, 1}, second[] = {0, 3, 1, 2};
    const int64_t matrix[] = {trace_size(w, 0), trace_size(w, 1)};
    struct trace_symbol in, m, out;
    if (trace_permute(t, x, last, 4, &in, e) != 0 || trace_reshape(t, w, matrix, 2, &m, e) != 0 ||
        trace_linear(t, &in, &m, bias, &out, e) != 0)
        return -1;
    return trace_permute(t, &out, second, 4, y, e);
}

/* The parts become groups of channels. */
int trace_conv_parts(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                     const struct trace_symbol *bias, const struct trace_windows *win, int groups,
                     struct trace_symbol *y, struct err *e)
{
    const int64_t n = view_each(&x->view, 0), c = trace_size(x, 1);
    const int64_t planes[] = {t->images, n * c, trace_size(x, 2), trace_size(x, 3)};
    struct trace_symbol in, weights, biases, out;
    if (trace_expect(t, w, TRACE_CONSTANT, "its weights", e) != 0)
        return -1;
    const bool shaped = w->view.dims == 4 && c <= BUILD_CHANNELS && n <= BUILD_CHANNELS &&
                        trace_size(w, 0) <= BUILD_CHANNELS && groups >= 1 && groups <= c;
    if (!shaped || n * c > BUILD_CHANNELS || n * trace_size(w, 0) > BUILD_CHANNELS)
        return trace_refuse(t, e, "expected windows of images of at most %d channels, found others",
                            BUILD_CHANNELS);
    const bool cells = trace_size(w, 2) == 1 && trace_size(w, 3) == 1 && win->stride[0] == 1 &&
                       win->stride[1] == 1 && !win->before[0] && !win->before[1] &&
                       !win->after[0] && !win->after[1];
    if (cells && groups == 1)
        return mix_channels(t, x, w, bias, y, e);
    if (trace_reshape(t, x, planes, 4, &in, e) != 0 || n_times(t, w, n, &weights, e) != 0 ||
        (bias && n_times(t, bias, n, &biases, e) != 0) ||
        trace_conv(t, &in, &weights, bias ? &biases : NULL, win, groups * (int)n, &out, e) != 0)
        return -1;
    const int64_t parts[] = {t->images * n, trace_size(w, 0), trace_size(&out, 2),
                             trace_size(&out, 3)};
    out.uses = 1;
    return trace_reshape(t, &out, parts, 4, y, e);
}

/* --- windows as columns --- */

/* Windows along axis i of `cells`; 0 where there are none. */
static int64_t windows_of(const struct trace_windows *win, int i, int64_t cells)
{
    if (cells < 1 || cells > BUILD_ELEMENTS || win->k[i] < 1 || win->stride[i] < 1 ||
        win->dilation[i] < 1)
        return 0;
    const int64_t span = (int64_t)(win->k[i] - 1) * win->dilation[i] + 1;
    const int64_t room = cells + win->before[i] + win->after[i] - span;
    return room < 0 ? 0 : room / win->stride[i] + 1;
}

int trace_unfold(struct trace *t, const struct trace_symbol *x, const struct trace_windows *win,
                 struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in;
    struct trace_view v = {.offset = 0};
    const int64_t before[] = {0, 0, win->before[0], win->before[1]},
                  after[] = {0, 0, win->after[0], win->after[1]};
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    const int64_t h = x->view.dims == 4 ? windows_of(win, 0, trace_size(x, 2)) : 0,
                  w = x->view.dims == 4 ? windows_of(win, 1, trace_size(x, 3)) : 0;
    if (h < 1 || w < 1)
        return trace_refuse(t, e, "expected windows that fit into an image, found others");
    if (trace_pad(t, x, before, after, &in, e) != 0 || trace_planes(t, &in, &in, e) != 0)
        return -1;
    const struct graph_value *of = &t->b->graph->value[in.value];
    if ((int64_t)of->c * win->k[0] * win->k[1] > BUILD_ELEMENTS / (h * w))
        return trace_refuse(t, e, "expected at most %d elements of an image, found more",
                            BUILD_ELEMENTS);
    const bool room = view_axis(&v) && view_factor(&v, t->images, TRACE_EACH_IMAGE) &&
                      view_axis(&v) && view_factor(&v, of->c, (int64_t)of->h * of->w) &&
                      view_factor(&v, win->k[0], (int64_t)win->dilation[0] * of->w) &&
                      view_factor(&v, win->k[1], win->dilation[1]) && view_axis(&v) &&
                      view_factor(&v, h, (int64_t)win->stride[0] * of->w) &&
                      view_factor(&v, w, win->stride[1]);
    if (!room)
        return trace_refuse(t, e, "expected fewer axes, found more");
    *y = trace_viewed(&in, &v);
    return 0;
}

/* A transposed convolution of each channel's windows, whose weights are 1 at one cell each. */
int trace_fold(struct trace *t, const struct trace_symbol *x, const int64_t size[2],
               const struct trace_windows *win, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s, w;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    const int64_t k = (int64_t)win->k[0] * win->k[1], in = x->view.dims == 3 ? trace_size(x, 1) : 0;
    const int64_t h = windows_of(win, 0, size[0]), across = windows_of(win, 1, size[1]);
    if (h < 1 || across < 1 || in < 1 || k > BUILD_CHANNELS || in > BUILD_ELEMENTS / k ||
        in % k != 0 || trace_size(x, 2) / across != h || trace_size(x, 2) % across != 0)
        return trace_refuse(t, e, "expected windows of an image of that size, found others");
    const int64_t planes[] = {trace_size(x, 0), in, h, across},
                  shape[] = {in, 1, win->k[0], win->k[1]};
    double *one = mem_zero((size_t)(in * k), sizeof *one);
    for (int64_t i = 0; i < in; i++)
        one[i * k + i % k] = 1;
    int r = trace_known_numbers(t, shape, 4, one, &w, e);
    free(one);
    int more[2];
    for (int i = 0; i < 2; i++) {
        const int64_t span = (int64_t)(win->k[i] - 1) * win->dilation[i] + 1;
        more[i] = (int)((size[i] + win->before[i] + win->after[i] - span) % win->stride[i]);
    }
    if (r == 0)
        r = trace_reshape(t, x, planes, 4, &s, e);
    return r == 0 ? trace_conv_back(t, &s, &w, NULL, win, more, (int)(in / k), y, e) : -1;
}
