/* Operations of ONNX as calls of model/trace.h.
 * https://onnx.ai/onnx/operators says what each is in each version. */
#include "model/onnx.h"

#include "base/mem.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLANE = 2, WINDOW_PADS = 4, PART_MAX = 1024, WHOLE = 7 };

/* Inputs that may be missing, as trace.h takes them. */
static const struct trace_symbol *maybe(const struct onnx_reader *r, size_t i)
{
    const struct onnx_name *x = onnx_in(r, i);
    return x ? &x->s : NULL;
}

static int bind(struct onnx_reader *r, int result, const struct trace_symbol *y)
{
    if (result == 0)
        onnx_bind(r, 0, y);
    return result;
}

/* A single number: known, or a tensor of one element. */
static bool number(const struct onnx_reader *r, size_t i, double *out)
{
    const struct onnx_name *x = onnx_in(r, i);
    struct err e;
    if (!x)
        return false;
    if (x->known && onnx_counts_images(r, x->known))
        return false;
    if (x->known && x->known->n == 1) {
        *out = x->known->real ? x->known->r[0] : (double)x->known->i[0];
        return true;
    }
    return x->s.kind == TRACE_CONSTANT && trace_count(&x->s) == 1 &&
           trace_number(r->t, &x->s, out, &e) == 0;
}

/* The same; `usual` where the input is missing. */
static int number_or(const struct onnx_reader *r, size_t i, double usual, double *out,
                     struct err *e)
{
    *out = usual;
    return !onnx_in(r, i) || number(r, i, out)
               ? 0
               : trace_refuse(r->t, e, "expected a number as input %zu, found something else", i);
}

/* --- windows --- */

/* Two numbers of an attribute. */
static int pair(const struct onnx_reader *r, const char *name, int usual, int out[PLANE],
                struct err *e)
{
    const struct onnx_attribute *a = onnx_at(r, name, ONNX_INTS);
    out[0] = out[1] = usual;
    for (size_t i = 0; a && i < PLANE; i++) {
        if (a->n != PLANE || a->ints[i] < 1 || a->ints[i] > INT_MAX / 4)
            return trace_refuse(r->t, e, "expected two positive numbers as %s, found others", name);
        out[i] = (int)a->ints[i];
    }
    return 0;
}

/* Padding that keeps the size but for the stride: SAME_UPPER has the odd cell behind. */
static int same_padding(const struct onnx_reader *r, const struct trace_symbol *x, bool upper,
                        struct trace_windows *win, struct err *e)
{
    for (int i = 0; i < PLANE; i++) {
        const int64_t size = trace_size(x, i + 2);
        const int64_t span = (int64_t)(win->k[i] - 1) * win->dilation[i] + 1;
        if (size < 1 || size > INT_MAX / 4 || span > INT_MAX / 4)
            return trace_refuse(r->t, e, "expected windows of an image, found something else");
        const int64_t out = (size + win->stride[i] - 1) / win->stride[i];
        const int64_t lack = (out - 1) * win->stride[i] + span - size, all = lack > 0 ? lack : 0;
        win->before[i] = (int)(upper ? all / 2 : all - all / 2);
        win->after[i] = (int)(all - win->before[i]);
    }
    return 0;
}

static int padding(const struct onnx_reader *r, const struct trace_symbol *x,
                   struct trace_windows *win, struct err *e)
{
    const char *how = onnx_word(r, "auto_pad", "NOTSET");
    const struct onnx_attribute *a = onnx_at(r, "pads", ONNX_INTS);
    if (strcmp(how, "SAME_UPPER") == 0 || strcmp(how, "SAME_LOWER") == 0)
        return same_padding(r, x, strcmp(how, "SAME_UPPER") == 0, win, e);
    if (strcmp(how, "VALID") == 0)
        return 0;
    if (strcmp(how, "NOTSET") != 0)
        return trace_refuse(r->t, e,
                            "expected NOTSET, SAME_UPPER, SAME_LOWER or VALID as auto_pad, "
                            "found '%.80s'",
                            how);
    for (size_t i = 0; a && i < PLANE; i++) {
        if (a->n != WINDOW_PADS || a->ints[i] < 0 || a->ints[i + PLANE] < 0 ||
            a->ints[i] > INT_MAX / 4 || a->ints[i + PLANE] > INT_MAX / 4)
            return trace_refuse(r->t, e, "expected four numbers as pads, found others");
        win->before[i] = (int)a->ints[i];
        win->after[i] = (int)a->ints[i + PLANE];
    }
    return 0;
}

/* Windows whose sides win->k[] has. */
static int windows(const struct onnx_reader *r, const struct trace_symbol *x,
                   struct trace_windows *win, struct err *e)
{
    return pair(r, "strides", 1, win->stride, e) != 0 ||
                   pair(r, "dilations", 1, win->dilation, e) != 0
               ? -1
               : padding(r, x, win, e);
}

/* Windows along one axis, but for their size. */
static int row_windows(const struct onnx_reader *r, struct trace_windows *win, struct err *e)
{
    static const char *const names[] = {"strides", "dilations", "pads"};
    static const size_t count[] = {1, 1, 2};
    int *const to[] = {&win->stride[1], &win->dilation[1], &win->before[1]};
    *win = trace_windows(1, 1);
    for (size_t i = 0; i < 3; i++) {
        const struct onnx_attribute *a = onnx_at(r, names[i], ONNX_INTS);
        for (size_t k = 0; a && k < count[i]; k++)
            if (a->n != count[i] || a->ints[k] < 0 || a->ints[k] > INT_MAX / 4)
                return trace_refuse(r->t, e, "expected positive numbers as %s, found others",
                                    names[i]);
        if (a)
            *to[i] = (int)a->ints[0];
        if (a && count[i] == 2)
            win->after[1] = (int)a->ints[1];
    }
    return strcmp(onnx_word(r, "auto_pad", "NOTSET"), "NOTSET") != 0
               ? trace_refuse(r->t, e, "expected given paddings, found others")
               : 0;
}

static int conv_row(struct onnx_reader *r, const struct trace_symbol *x,
                    const struct trace_symbol *w, int64_t groups, struct err *e)
{
    struct trace_windows win;
    struct trace_symbol y;
    if (row_windows(r, &win, e) != 0)
        return -1;
    const struct onnx_attribute *k = onnx_at(r, "kernel_shape", ONNX_INTS);
    if (groups < 1 || groups > BUILD_CHANNELS ||
        (k && (k->n != 1 || k->ints[0] != trace_size(w, 2))))
        return trace_refuse(r->t, e, "expected groups and the weights' kernel_shape, found others");
    return bind(r, trace_conv_row(r->t, x, w, maybe(r, 2), &win, (int)groups, &y, e), &y);
}

static int conv(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x, *w;
    struct trace_symbol y;
    struct trace_windows win = {.ceil = false};
    const int64_t groups = onnx_int(r, "group", 1);
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_symbol(r, 1, &w, e) != 0)
        return -1;
    if (x->s.view.dims == 3 && w->s.view.dims == 3)
        return conv_row(r, &x->s, &w->s, groups, e);
    if (x->s.view.dims != 4 || w->s.view.dims != 4)
        return trace_refuse(r->t, e, "expected images and windows of two axes, found others");
    if (groups < 1 || groups > BUILD_CHANNELS)
        return trace_refuse(r->t, e, "expected at least one group and at most %d, found %lld",
                            BUILD_CHANNELS, (long long)groups);
    for (int i = 0; i < PLANE; i++) {
        const int64_t k = trace_size(&w->s, i + 2);
        win.k[i] = k > 0 && k < INT_MAX / 4 ? (int)k : INT_MAX / 4;
    }
    const struct onnx_attribute *k = onnx_at(r, "kernel_shape", ONNX_INTS);
    if (k && (k->n != PLANE || k->ints[0] != win.k[0] || k->ints[1] != win.k[1]))
        return trace_refuse(r->t, e,
                            "expected the weights' %d by %d as kernel_shape, found another",
                            win.k[0], win.k[1]);
    if (windows(r, &x->s, &win, e) != 0)
        return -1;
    return bind(r, trace_conv(r->t, &x->s, &w->s, maybe(r, 2), &win, (int)groups, &y, e), &y);
}

/* Windows of three axes: along the first, then those of a plane. */
static int pool_deep(struct onnx_reader *r, const struct trace_symbol *x, bool max,
                     const struct trace_windows *how, struct err *e)
{
    enum { DEEP = 3, NAMES = 4 };
    static const char *const names[NAMES] = {"kernel_shape", "strides", "dilations", "pads"};
    struct trace_windows deep = trace_windows(1, 1), win = deep;
    struct trace_symbol y;
    deep.ceil = win.ceil = how->ceil;
    deep.inner = win.inner = how->inner;
    for (int i = 0; i < NAMES; i++) {
        const struct onnx_attribute *a = onnx_at(r, names[i], ONNX_INTS);
        const size_t n = i == 3 ? 2 * (size_t)DEEP : (size_t)DEEP;
        for (size_t d = 0; a && a->n == n && d < n; d++) {
            struct trace_windows *w = d % DEEP == 0 ? &deep : &win;
            int *const to[NAMES] = {w->k, w->stride, w->dilation, d < DEEP ? w->before : w->after};
            if (a->ints[d] < (i == 3 ? 0 : 1) || a->ints[d] > INT_MAX / 4)
                return trace_refuse(r->t, e, "expected positive numbers as %s, found others",
                                    names[i]);
            to[i][d % DEEP == 0 ? 0 : d % DEEP - 1] = (int)a->ints[d];
        }
        if (a ? a->n != n : i == 0)
            return trace_refuse(r->t, e, "expected numbers of three axes as %s, found others",
                                names[i]);
    }
    if (strcmp(onnx_word(r, "auto_pad", "NOTSET"), "NOTSET") != 0)
        return trace_refuse(r->t, e, "expected given paddings of three axes, found others");
    return bind(
        r, trace_pool_deep(r->t, max ? GRAPH_MAX_POOL : GRAPH_MEAN_POOL, x, &deep, &win, &y, e),
        &y);
}

/* Windows along one axis. */
static int pool_row(struct onnx_reader *r, const struct trace_symbol *x, bool max,
                    const struct trace_windows *how, struct err *e)
{
    const struct onnx_attribute *k = onnx_at(r, "kernel_shape", ONNX_INTS);
    struct trace_windows win;
    struct trace_symbol y;
    if (row_windows(r, &win, e) != 0)
        return -1;
    if (!k || k->n != 1 || k->ints[0] < 1 || k->ints[0] > INT_MAX / 4)
        return trace_refuse(r->t, e, "expected one positive number as kernel_shape, found others");
    win.k[1] = (int)k->ints[0];
    win.ceil = how->ceil;
    win.inner = how->inner;
    return bind(r, trace_pool_row(r->t, max ? GRAPH_MAX_POOL : GRAPH_MEAN_POOL, x, &win, &y, e),
                &y);
}

static int pool(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    const bool max = strcmp(r->node->op, "MaxPool") == 0;
    struct trace_windows win = {.ceil = false};
    bool outer, turned;
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_flag(r, "ceil_mode", false, &win.ceil, e) != 0 ||
        onnx_flag(r, "count_include_pad", false, &outer, e) != 0 ||
        onnx_flag(r, "storage_order", false, &turned, e) != 0)
        return -1;
    win.inner = !max && !outer;
    if (x->s.view.dims == 5)
        return pool_deep(r, &x->s, max, &win, e);
    if (x->s.view.dims == 3)
        return pool_row(r, &x->s, max, &win, e);
    if (pair(r, "kernel_shape", 0, win.k, e) != 0)
        return -1;
    if (win.k[0] == 0 || x->s.view.dims != 4)
        return trace_refuse(r->t, e, "expected images and windows of two axes, found others");
    if (windows(r, &x->s, &win, e) != 0)
        return -1;
    return bind(r, trace_pool(r->t, max ? GRAPH_MAX_POOL : GRAPH_MEAN_POOL, &x->s, &win, &y, e),
                &y);
}

static int global_pool(struct onnx_reader *r, struct err *e)
{
    static const int64_t plane[] = {2, 3};
    struct onnx_name *x;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    const int dims = x->s.view.dims;
    if (dims != 4 && dims != 3)
        return trace_refuse(r->t, e, "expected images, found something else");
    return bind(
        r,
        trace_reduce(r->t,
                     strcmp(r->node->op, "GlobalMaxPool") == 0 ? GRAPH_MAX_POOL : GRAPH_MEAN_POOL,
                     &x->s, plane, dims - PLANE, true, &y, e),
        &y);
}

static int reduce(struct onnx_reader *r, struct err *e)
{
    int64_t axes[KNOWN];
    int n;
    struct onnx_name *x;
    struct trace_symbol y;
    bool keep, noop;
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_list(r, "axes", 1, axes, &n, e) != 0 ||
        onnx_flag(r, "keepdims", true, &keep, e) != 0 ||
        onnx_flag(r, "noop_with_empty_axes", false, &noop, e) != 0)
        return -1;
    if (n == 0 && noop)
        return bind(r, 0, &x->s);
    if (n < 1)
        return trace_refuse(r->t, e, "expected axes of an image, found the mean of all images");
    const char *op = r->node->op;
    if (strcmp(op, "ReduceL2") == 0)
        return bind(r, trace_length(r->t, &x->s, axes, n, keep, &y, e), &y);
    if (strcmp(op, "ReduceLogSumExp") == 0)
        return bind(r, trace_log_sum(r->t, &x->s, axes, n, keep, &y, e), &y);
    if (strcmp(op, "ReduceMin") == 0)
        return bind(r, trace_least(r->t, &x->s, axes, n, keep, &y, e), &y);
    if (trace_reduce(r->t, strcmp(op, "ReduceMax") == 0 ? GRAPH_MAX_POOL : GRAPH_MEAN_POOL, &x->s,
                     axes, n, keep, &y, e) != 0)
        return -1;
    int64_t count = 1;
    for (int i = 0; i < n && strcmp(op, "ReduceSum") == 0; i++)
        count *= trace_size(&x->s, trace_axis(&x->s, axes[i]));
    return bind(r, count == 1 ? 0 : trace_scale(r->t, &y, (double)count, 0, &y, e), &y);
}

/* By groups, or of each channel alone. */
static int group_norm(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    const bool alone = *r->node->op == 'I';
    if (x->s.view.dims < 2 ||
        (!alone && (!maybe(r, 1) || trace_count(maybe(r, 1)) != trace_size(&x->s, 1))))
        return trace_refuse(r->t, e, "expected weights for each channel, found others");
    return bind(
        r,
        trace_group_norm(r->t, &x->s, alone ? trace_size(&x->s, 1) : onnx_int(r, "num_groups", 0),
                         maybe(r, 1), maybe(r, 2), (double)onnx_float(r, "epsilon", 1e-5F), &y, e),
        &y);
}

static int local_norm(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0
               ? -1
               : bind(r,
                      trace_local_norm(r->t, &x->s, onnx_int(r, "size", 0),
                                       (double)onnx_float(r, "alpha", 1e-4F),
                                       (double)onnx_float(r, "beta", .75F),
                                       (double)onnx_float(r, "bias", 1), &y, e),
                      &y);
}

static int einsum(struct onnx_reader *r, struct err *e)
{
    struct trace_symbol y;
    return bind(
        r, trace_einsum(r->t, onnx_word(r, "equation", ""), maybe(r, 0), maybe(r, 1), &y, e), &y);
}

static int power(struct onnx_reader *r, struct err *e)
{
    static const struct {
        const char *op;
        double exponent;
    } fixed[] = {{"Reciprocal", -1}, {"Sqrt", .5}};
    struct onnx_name *x, *by;
    struct trace_symbol y;
    double exponent = NAN, base;
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(fixed[i].op, r->node->op) == 0)
            exponent = fixed[i].exponent;
    if (isnan(exponent) && !number(r, 1, &exponent)) {
        if (onnx_symbol(r, 1, &by, e) != 0 || (number(r, 0, &base) && by->s.kind == TRACE_VALUE
                                                   ? trace_raise(r->t, base, &by->s, &y, e)
                                                   : trace_powers(r->t, &x->s, &by->s, &y, e)) != 0)
            return -1;
    } else if (trace_power(r->t, &x->s, exponent, &y, e) != 0) {
        return -1;
    }
    /* A power has the type of what is raised. */
    return bind(r,
                trace_is_known(&y) && onnx_type_of(x) == WHOLE
                    ? trace_known_whole(r->t, &y, -0x1p63, 0x1p63, &y, e)
                    : 0,
                &y);
}

/* Comparisons and what is made of truths. */
static int compare(struct onnx_reader *r, struct err *e)
{
    static const struct {
        const char *op;
        enum trace_pairing how;
    } all[] = {{"And", TRACE_BOTH},     {"Equal", TRACE_EQUAL},
               {"Greater", TRACE_MORE}, {"GreaterOrEqual", TRACE_AT_LEAST},
               {"Less", TRACE_LESS},    {"LessOrEqual", TRACE_AT_MOST},
               {"Or", TRACE_EITHER}};
    struct onnx_name *a, *b;
    struct trace_symbol y;
    size_t i = 0;
    while (strcmp(all[i].op, r->node->op) != 0)
        i++;
    return onnx_symbol(r, 0, &a, e) != 0 || onnx_symbol(r, 1, &b, e) != 0
               ? -1
               : bind(r, trace_compare(r->t, all[i].how, &a->s, &b->s, &y, e), &y);
}

static int where(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x[3];
    struct trace_symbol y;
    for (size_t i = 0; i < 3; i++)
        if (onnx_symbol(r, i, &x[i], e) != 0)
            return -1;
    return bind(r, trace_where(r->t, &x[0]->s, &x[1]->s, &x[2]->s, &y, e), &y);
}

static int not(struct onnx_reader * r, struct err *e)
{
    struct trace_symbol y;
    const struct trace_symbol *x = maybe(r, 0);
    return x && x->kind == TRACE_VALUE && !x->mask
               ? trace_refuse(r->t, e, "expected truths, found activations")
               : bind(r, trace_compare_number(r->t, TRACE_EQUAL, x, 0, &y, e), &y);
}

static int gather_parts(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x, *index;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_symbol(r, 1, &index, e) != 0)
        return -1;
    return onnx_int(r, "batch_dims", 0) != 0
               ? trace_refuse(r->t, e, "expected indices of whole tables, found others")
               : bind(r, trace_gather(r->t, &x->s, &index->s, &y, e), &y);
}

/* A copy of the first tensor, in which some parts are others. */
static int scatter(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x[3];
    struct trace_symbol y;
    if (strcmp(onnx_word(r, "reduction", "none"), "none") != 0)
        return trace_refuse(r->t, e, "expected numbers that are set, found a sum");
    for (size_t i = 0; i < 3; i++)
        if (onnx_symbol(r, i, &x[i], e) != 0)
            return -1;
    return bind(r, trace_known_scatter(r->t, &x[0]->s, &x[1]->s, &x[2]->s, &y, e), &y);
}

/* --- norms and layers --- */

static int batch_norm(struct onnx_reader *r, struct err *e)
{
    /* In ONNX's order */
    static const int part[] = {NORM_WEIGHT, NORM_BIAS, NORM_MEAN, NORM_VAR};
    struct onnx_name *x, *t;
    struct trace_symbol y;
    const struct trace_symbol *norm[NORM_TENSORS];
    /* Before opset 14, more than one result says that it is in training. */
    bool training = r->node->opset < 14 && r->node->outs > 1 && *r->node->out[1], spatial;
    if (onnx_symbol(r, 0, &x, e) != 0 ||
        onnx_flag(r, "training_mode", training, &training, e) != 0 ||
        onnx_flag(r, "spatial", true, &spatial, e) != 0)
        return -1;
    if (!spatial)
        return trace_refuse(r->t, e, "expected a norm of each channel, found one of each element");
    for (size_t i = 0; i < NORM_TENSORS; i++) {
        if (onnx_symbol(r, i + 1, &t, e) != 0)
            return -1;
        norm[part[i]] = &t->s;
    }
    if (trace_is_known(&x->s)) {
        const struct trace_symbol *const own[NORM_TENSORS] = {norm[NORM_WEIGHT], norm[NORM_BIAS]};
        return bind(r,
                    trace_known_norm(r->t, &x->s, training ? own : norm,
                                     (double)onnx_float(r, "epsilon", 1e-5F), &y, e),
                    &y);
    }
    if (training)
        return trace_refuse(r->t, e,
                            "expected a norm that is done with training, found one in "
                            "training: export model.eval()");
    return bind(
        r, trace_batch_norm(r->t, &x->s, norm, (double)onnx_float(r, "epsilon", 1e-5F), &y, e), &y);
}

static int layer_norm(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x, *w;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_symbol(r, 1, &w, e) != 0)
        return -1;
    const int64_t axis = onnx_int(r, "axis", -1);
    const int dims = x->s.view.dims, first = trace_axis(&x->s, axis);
    if (first < 0)
        return trace_refuse(
            r->t, e, "expected a norm over one of %d axes and all behind it, found axis %lld", dims,
            (long long)axis);
    return bind(r,
                trace_layer_norm_of(r->t, &x->s, dims - first, &w->s, maybe(r, 2),
                                    (double)onnx_float(r, "epsilon", 1e-5F), &y, e),
                &y);
}

static int gemm(struct onnx_reader *r, struct err *e)
{
    static const int64_t turned[] = {1, 0};
    struct onnx_name *x, *w;
    struct trace_symbol m, y;
    const double alpha = (double)onnx_float(r, "alpha", 1);
    const double beta = (double)onnx_float(r, "beta", 1);
    bool first, second;
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_symbol(r, 1, &w, e) != 0 ||
        onnx_flag(r, "transA", false, &first, e) != 0 ||
        onnx_flag(r, "transB", false, &second, e) != 0)
        return -1;
    if (first || x->s.view.dims != 2 || w->s.kind != TRACE_CONSTANT || w->s.view.dims != 2)
        return trace_refuse(r->t, e,
                            "expected numbers of each image and a matrix of weights, found "
                            "something else");
    m = w->s;
    if (!second && trace_permute(r->t, &w->s, turned, PLANE, &m, e) != 0)
        return -1;
    const struct trace_symbol *bias = maybe(r, 2);
    const bool plain = alpha == 1 && (!bias || bias->view.dims == 1);
    if (bias && beta != 1)
        return trace_refuse(r->t, e, "expected a beta of 1, found %g", beta);
    if (trace_linear(r->t, &x->s, &m, plain ? bias : NULL, &y, e) != 0 ||
        (alpha != 1 && trace_scale(r->t, &y, alpha, 0, &y, e) != 0) ||
        (!plain && bias && trace_add(r->t, &y, bias, 1, &y, e) != 0))
        return -1;
    return bind(r, 0, &y);
}

static int matmul(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *a, *b;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &a, e) != 0 || onnx_symbol(r, 1, &b, e) != 0)
        return -1;
    return bind(r, trace_matmul(r->t, &a->s, &b->s, &y, e), &y);
}

/* Of opset 23: without earlier keys and softcap, of heads as an axis of their own. */
static int attention(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *q, *k, *v;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &q, e) != 0 || onnx_symbol(r, 1, &k, e) != 0 ||
        onnx_symbol(r, 2, &v, e) != 0)
        return -1;
    if (r->node->ins > 4 || q->s.view.dims != 4 || onnx_int(r, "is_causal", 0) != 0 ||
        onnx_float(r, "softcap", 0) != 0)
        return trace_refuse(r->t, e,
                            "expected attention of (images, heads, tokens, numbers) to "
                            "all tokens, found another");
    const double usual = 1 / sqrt((double)trace_size(&q->s, 3));
    return bind(r,
                trace_attention(r->t, &q->s, &k->s, &v->s, maybe(r, 3),
                                (double)onnx_float(r, "scale", (float)usual), &y, e),
                &y);
}

/* Before opset 13 it goes over all axes from one on; then over one, the last where none is
 * given. */
static int softmax(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    const bool flat = r->node->opset < 13;
    const int axis = trace_axis(&x->s, onnx_int(r, "axis", flat ? 1 : -1));
    if (axis < 0)
        return trace_refuse(r->t, e, "expected one of %d axes, found another", x->s.view.dims);
    for (int d = axis + 1; flat && d < x->s.view.dims; d++)
        if (trace_size(&x->s, d) != 1)
            return trace_refuse(r->t, e, "expected a softmax over one axis, found several");
    return bind(r, trace_softmax(r->t, &x->s, axis, strcmp(r->node->op, "LogSoftmax") == 0, &y, e),
                &y);
}

/* --- functions --- */

static int apply(struct onnx_reader *r, enum graph_function f, double p, double q, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0 ? -1
                                         : bind(r, trace_function(r->t, &x->s, f, p, q, &y, e), &y);
}

static int relu(struct onnx_reader *r, struct err *e)
{
    return apply(r, GRAPH_CLIP, 0, INFINITY, e);
}

/* Bounds are attributes up to opset 10, then inputs. */
static int clip(struct onnx_reader *r, struct err *e)
{
    const struct onnx_attribute *low = onnx_at(r, "min", ONNX_FLOAT);
    const struct onnx_attribute *high = onnx_at(r, "max", ONNX_FLOAT);
    double p, q;
    if ((low || high) && r->node->ins > 1)
        return trace_refuse(r->t, e, "expected bounds as attributes or as inputs, found both");
    if (number_or(r, 1, low ? (double)low->f : -INFINITY, &p, e) != 0 ||
        number_or(r, 2, high ? (double)high->f : INFINITY, &q, e) != 0)
        return -1;
    /* The ends of f32 are how "none" was written. */
    return apply(r, GRAPH_CLIP, p <= -3.4e38 ? -INFINITY : p, q >= 3.4e38 ? INFINITY : q, e);
}

/* The largest or smallest of all inputs. */
static int bound(struct onnx_reader *r, struct err *e)
{
    const bool max = strcmp(r->node->op, "Max") == 0;
    struct onnx_name *first, *other;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &first, e) != 0)
        return -1;
    y = first->s;
    for (size_t i = 1; i < r->node->ins; i++)
        if (onnx_symbol(r, i, &other, e) != 0 ||
            trace_larger(r->t, &y, &other->s, !max, &y, e) != 0)
            return -1;
    return bind(r, 0, &y);
}

static int absolute(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0 ? -1 : bind(r, trace_absolute(r->t, &x->s, &y, e), &y);
}

static int sign_of(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0 ? -1 : bind(r, trace_sign(r->t, &x->s, &y, e), &y);
}

static int softsign(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0 ? -1 : bind(r, trace_softsign(r->t, &x->s, &y, e), &y);
}

static int shrink(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0
               ? -1
               : bind(r,
                      trace_shrink(r->t, &x->s, (double)onnx_float(r, "lambd", .5F),
                                   (double)onnx_float(r, "bias", 0), &y, e),
                      &y);
}

/* x above alpha, else 0 */
static int threshold(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0
               ? -1
               : bind(r, trace_threshold(r->t, &x->s, (double)onnx_float(r, "alpha", 1), 0, &y, e),
                      &y);
}

/* x sigmoid(alpha x) */
static int swish(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol s, y;
    const double alpha = (double)onnx_float(r, "alpha", 1);
    if (alpha == 1)
        return apply(r, GRAPH_SILU, 0, 0, e);
    return onnx_symbol(r, 0, &x, e) != 0 || trace_scale(r->t, &x->s, alpha, 0, &s, e) != 0 ||
                   trace_function(r->t, &s, GRAPH_SIGMOID, 0, 0, &s, e) != 0
               ? -1
               : bind(r, trace_multiply(r->t, &x->s, &s, &y, e), &y);
}

static int logarithm(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0 ? -1 : bind(r, trace_logarithm(r->t, &x->s, &y, e), &y);
}

static int leaky(struct onnx_reader *r, struct err *e)
{
    return apply(r, GRAPH_LEAKY_RELU, (double)onnx_float(r, "alpha", .01F), 0, e);
}

static int elu(struct onnx_reader *r, struct err *e)
{
    return apply(r, GRAPH_ELU, (double)onnx_float(r, "alpha", 1), 0, e);
}

/* alpha (exp(x / alpha) - 1) below 0 */
static int celu(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    const double alpha = (double)onnx_float(r, "alpha", 1);
    return onnx_symbol(r, 0, &x, e) != 0
               ? -1
               : bind(r, trace_elu(r->t, &x->s, alpha, 1, 1 / alpha, &y, e), &y);
}

static int selu(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0
               ? -1
               : bind(r,
                      trace_elu(r->t, &x->s, (double)onnx_float(r, "alpha", 1.67326319F),
                                (double)onnx_float(r, "gamma", 1.05070102F), 1, &y, e),
                      &y);
}

static int hard_sigmoid(struct onnx_reader *r, struct err *e)
{
    return apply(r, GRAPH_HARD_SIGMOID, (double)onnx_float(r, "alpha", .2F),
                 (double)onnx_float(r, "beta", .5F), e);
}

static int gelu(struct onnx_reader *r, struct err *e)
{
    const char *how = onnx_word(r, "approximate", "none");
    if (strcmp(how, "tanh") != 0 && strcmp(how, "none") != 0)
        return trace_refuse(r->t, e, "expected a GELU of 'none' or 'tanh', found another");
    return apply(r, strcmp(how, "tanh") == 0 ? GRAPH_GELU_TANH : GRAPH_GELU, 0, 0, e);
}

/* Functions without numbers of their own. */
static int function(struct onnx_reader *r, struct err *e)
{
    static const struct {
        const char *op;
        enum graph_function f;
    } plain[] = {{"Sigmoid", GRAPH_SIGMOID},
                 {"Tanh", GRAPH_TANH},
                 {"Softplus", GRAPH_SOFTPLUS},
                 {"HardSwish", GRAPH_HARD_SWISH},
                 {"Mish", GRAPH_MISH}};
    size_t i = 0;
    while (strcmp(plain[i].op, r->node->op) != 0)
        i++;
    return apply(r, plain[i].f, 0, 0, e);
}

/* The slopes are given for (c, h, w), with sizes of 1. */
static int prelu(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x, *w;
    struct trace_symbol slope, y;
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_symbol(r, 1, &w, e) != 0)
        return -1;
    const int64_t count = trace_count(&w->s);
    return trace_reshape(r->t, &w->s, &count, 1, &slope, e) != 0
               ? -1
               : bind(r, trace_prelu(r->t, &x->s, &slope, &y, e), &y);
}

/* --- sums and products --- */

/* Add, Sub, Mul, Div of activations and one number. */
static int with_number(struct onnx_reader *r, const struct trace_symbol *x, double v, bool first,
                       struct err *e)
{
    struct trace_symbol y;
    const char *op = r->node->op;
    double factor = 1, offset = 0;
    if (strcmp(op, "Add") == 0)
        offset = v;
    else if (strcmp(op, "Mul") == 0)
        factor = v;
    else if (strcmp(op, "Div") == 0 && !first)
        factor = 1 / v;
    else if (strcmp(op, "Sub") == 0) {
        factor = first ? -1 : 1;
        offset = first ? v : -v;
    } else {
        return trace_refuse(r->t, e, "expected activations over a number, found the reverse");
    }
    if (!isfinite(factor) || !isfinite(offset))
        return trace_refuse(r->t, e, "expected a finite number, found another");
    return bind(r, trace_scale(r->t, x, factor, offset, &y, e), &y);
}

static int arithmetic(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *a, *b;
    struct trace_symbol y;
    double v;
    for (size_t i = 0; i < 2; i++)
        if (onnx_in(r, i) && onnx_in(r, i)->s.kind == TRACE_VALUE && number(r, 1 - i, &v))
            return with_number(r, &onnx_in(r, i)->s, v, i == 1, e);
    if (onnx_symbol(r, 0, &a, e) != 0 || onnx_symbol(r, 1, &b, e) != 0)
        return -1;
    const char *op = r->node->op;
    if (strcmp(op, "Div") == 0 && onnx_type_of(a) == WHOLE && onnx_type_of(b) == WHOLE)
        return trace_divide(r->t, &a->s, &b->s, &y, e) != 0
                   ? -1
                   : bind(r, trace_known_whole(r->t, &y, -0x1p63, 0x1p63, &y, e), &y);
    return bind(r,
                strcmp(op, "Mul") == 0 ? trace_multiply(r->t, &a->s, &b->s, &y, e)
                : strcmp(op, "Div") == 0
                    ? trace_divide(r->t, &a->s, &b->s, &y, e)
                    : trace_add(r->t, &a->s, &b->s, *op == 'S' ? -1 : 1, &y, e),
                &y);
}

static int sum(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *a, *b;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &a, e) != 0)
        return -1;
    y = a->s;
    for (size_t i = 1; i < r->node->ins; i++)
        if (onnx_symbol(r, i, &b, e) != 0 || trace_add(r->t, &y, &b->s, 1, &y, e) != 0)
            return -1;
    return bind(r, 0, &y);
}

static int negate(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0 ? -1 : bind(r, trace_scale(r->t, &x->s, -1, 0, &y, e), &y);
}

/* --- shapes --- */

/* Sizes of an input, of which none is missing. */
static int sizes(const struct onnx_reader *r, const char *name, size_t i, int64_t list[KNOWN],
                 int *n, struct err *e)
{
    if (onnx_list(r, name, i, list, n, e) != 0)
        return -1;
    return *n >= 0 && *n <= TRACE_DIMS
               ? 0
               : trace_refuse(r->t, e, "expected at most %d sizes, found others", TRACE_DIMS);
}

static int reshape(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    int64_t size[KNOWN];
    int n;
    bool zero;
    if (onnx_symbol(r, 0, &x, e) != 0 || sizes(r, "shape", 1, size, &n, e) != 0 ||
        onnx_flag(r, "allowzero", false, &zero, e) != 0)
        return -1;
    for (int d = 0; d < n && !zero; d++)
        if (size[d] == 0 && d < x->s.view.dims)
            size[d] = trace_size(&x->s, d);
    return bind(r, trace_reshape(r->t, &x->s, size, n, &y, e), &y);
}

/* The axes that a Resize is said for. */
static bool resized_axes(const struct onnx_reader *r, int place[4])
{
    const struct onnx_attribute *a = onnx_at(r, "axes", ONNX_INTS);
    for (int d = 0; d < 4; d++)
        place[d] = a ? -1 : d;
    for (size_t i = 0; a && i < a->n; i++) {
        const int64_t d = a->ints[i] < 0 ? a->ints[i] + 4 : a->ints[i];
        if (d < 0 || d >= 4)
            return false;
        place[d] = (int)i;
    }
    return true;
}

/* The i-th of a Resize's sizes, which are whole numbers, or factors; before set 9 an Upsample has
 * these as an attribute. */
static bool resized(const struct onnx_reader *r, const struct onnx_name *given, int i, bool *factor,
                    double *out)
{
    const struct onnx_attribute *scales = onnx_at(r, "scales", ONNX_FLOATS);
    const struct known *k = given ? given->known : NULL;
    struct trace_symbol one;
    struct err e;
    *factor = scales || r->node->ins < 4; /* sizes are the fourth input */
    if (scales) {
        *out = (size_t)i < scales->n ? (double)scales->floats[i] : 0;
        return true;
    }
    if (k && i < k->n) {
        *out = k->real ? k->r[i] : (double)k->i[i];
        return true;
    }
    return given && given->s.kind == TRACE_CONSTANT && given->s.view.dims == 1 &&
           i < trace_count(&given->s) && trace_select(r->t, &given->s, 0, i, &one, &e) == 0 &&
           trace_number(r->t, &one, out, &e) == 0;
}

/* Where the cells of an axis of `old` lie by the coordinates that are named; false for others. */
static bool sample(const char *where, double old, double wanted, bool factor,
                   struct trace_sampling *s)
{
    const double made = factor ? floor(old * wanted) : wanted, scale = factor ? wanted : made / old;
    if (!(made >= 1 && made <= BUILD_ELEMENTS && scale > 0))
        return false;
    *s = (struct trace_sampling){(int64_t)made, .5, 1 / scale, -.5, scale};
    if (strcmp(where, "asymmetric") == 0)
        s->shift = s->back = 0;
    else if (strcmp(where, "tf_half_pixel_for_nn") == 0)
        s->back = 0;
    else if (strcmp(where, "half_pixel_symmetric") == 0)
        s->back += old / 2 * (1 - made / (old * scale));
    else if (strcmp(where, "align_corners") == 0 ||
             (strcmp(where, "pytorch_half_pixel") == 0 && made == 1)) {
        s->step = made > 1 ? (old - 1) / (made - 1) : 0;
        s->shift = s->back = s->factor = 0;
    } else {
        return strcmp(where, "half_pixel") == 0 || strcmp(where, "pytorch_half_pixel") == 0;
    }
    return true;
}

/* What is interpolated and how it rounds. */
static int resizing(const struct onnx_reader *r, bool early, struct trace_resizing *to,
                    struct err *e)
{
    static const char *const sides[] = {[TRACE_DOWN] = "floor",
                                        [TRACE_UP] = "ceil",
                                        [TRACE_HALF_DOWN] = "round_prefer_floor",
                                        [TRACE_HALF_UP] = "round_prefer_ceil"};
    static const char *const modes[] = {
        [TRACE_NEAREST] = "nearest", [TRACE_LINEAR] = "linear", [TRACE_CUBIC] = "cubic"};
    const char *mode = onnx_word(r, "mode", "nearest");
    const char *side = onnx_word(r, "nearest_mode", early ? "floor" : "round_prefer_floor");
    int filter = TRACE_NEAREST, round = TRACE_DOWN;
    bool smooth, inside;
    if (onnx_flag(r, "antialias", false, &smooth, e) != 0 ||
        onnx_flag(r, "exclude_outside", false, &inside, e) != 0)
        return -1;
    while (filter <= TRACE_CUBIC && strcmp(mode, modes[filter]) != 0)
        filter++;
    while (round <= TRACE_HALF_UP && strcmp(side, sides[round]) != 0)
        round++;
    if (filter > TRACE_CUBIC || round > TRACE_HALF_UP ||
        strcmp(onnx_word(r, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0)
        return trace_refuse(r->t, e,
                            "expected nearest cells or linear or cubic interpolation, found "
                            "'%.80s', which is not computed here",
                            mode);
    *to = (struct trace_resizing){.filter = (enum trace_filter)filter,
                                  .round = (enum trace_round)round,
                                  .cubic = onnx_float(r, "cubic_coeff_a", -.75F),
                                  .smooth = smooth,
                                  .inside = inside};
    return 0;
}

/* Sizes or factors are the last input; before opset 11, factors are the second. */
static int resize(struct onnx_reader *r, struct err *e)
{
    const bool early = r->node->ins < 3;
    const char *where =
        onnx_word(r, "coordinate_transformation_mode", early ? "asymmetric" : "half_pixel");
    struct onnx_name *x;
    struct trace_symbol y;
    struct trace_resizing how;
    int place[4];
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    if (x->s.view.dims != 4 || !resized_axes(r, place))
        return trace_refuse(r->t, e, "expected images, found something else");
    if (resizing(r, early, &how, e) != 0)
        return -1;
    for (int d = 0; d < 4; d++) {
        const double old = (double)trace_size(&x->s, d);
        double wanted = 1;
        bool factor = true;
        if (place[d] >= 0 && !resized(r, onnx_in(r, r->node->ins - 1), place[d], &factor, &wanted))
            return trace_refuse(r->t, e, "expected known sizes or factors, found others");
        if (d < PLANE && wanted != (factor ? 1 : old))
            return trace_refuse(r->t, e, "expected another height and width alone, found more");
        if (d >= PLANE && !sample(where, old, wanted, factor, &how.axis[d - PLANE]))
            return trace_refuse(r->t, e,
                                "expected cells placed by 'half_pixel', 'align_corners' or "
                                "'asymmetric', found '%.80s' from %g to %g: that is not computed "
                                "here",
                                where, old, factor ? old * wanted : wanted);
        /* Filters are as wide as the factor says, which is the step of other coordinates alone. */
        if (d >= PLANE && how.smooth &&
            (strcmp(where, "align_corners") == 0 || how.axis[d - PLANE].step == 0))
            return trace_refuse(r->t, e,
                                "expected antialiasing of cells that are placed by 'half_pixel' or "
                                "'asymmetric', found '%.80s'",
                                where);
    }
    return bind(r, trace_resize(r->t, &x->s, &how, &y, e), &y);
}

static int transpose(struct onnx_reader *r, struct err *e)
{
    const struct onnx_attribute *a = onnx_at(r, "perm", ONNX_INTS);
    struct onnx_name *x;
    struct trace_symbol y;
    int64_t order[TRACE_DIMS];
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    const int n = x->s.view.dims;
    if (a && a->n != (size_t)n)
        return trace_refuse(r->t, e, "expected an order of %d axes, found another", n);
    for (int d = 0; d < n; d++) {
        order[d] = a ? a->ints[d] : n - 1 - d;
        if (order[d] < 0)
            return trace_refuse(r->t, e, "expected axes from 0 on, found %lld",
                                (long long)order[d]);
    }
    return bind(r, trace_permute(r->t, &x->s, order, n, &y, e), &y);
}

/* To two axes: those before `axis`, and the rest. */
static int flatten(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    int64_t size[PLANE] = {1, 1};
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    const int dims = x->s.view.dims;
    const int64_t axis = onnx_int(r, "axis", 1), at = axis < 0 ? axis + dims : axis;
    if (at < 0 || at > dims)
        return trace_refuse(r->t, e, "expected an axis of %d, found %lld", dims, (long long)axis);
    for (int d = 0; d < dims; d++)
        if (__builtin_mul_overflow(size[d >= at], trace_size(&x->s, d), &size[d >= at]))
            return trace_refuse(r->t, e, "expected a size, found one out of range");
    return bind(r, trace_reshape(r->t, &x->s, size, PLANE, &y, e), &y);
}

static int compare_down(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* Axes of size 1 go, the last first. */
static int squeeze(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    int64_t axes[KNOWN];
    int n;
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_list(r, "axes", 1, axes, &n, e) != 0)
        return -1;
    struct trace_symbol y = x->s;
    if (n < 0)
        for (int d = (n = 0); d < y.view.dims; d++)
            if (trace_size(&y, d) == 1)
                axes[n++] = d;
    for (int i = 0; i < n; i++)
        if (axes[i] < 0)
            axes[i] += y.view.dims;
    qsort(axes, (size_t)n, sizeof *axes, compare_down);
    for (int i = 0; i < n; i++) {
        const int d = axes[i] < 0 ? -1 : trace_axis(&y, axes[i]);
        if (d < 0 || trace_size(&y, d) != 1)
            return trace_refuse(r->t, e, "expected axes of size 1, found others");
        if (trace_squeeze(r->t, &y, d, &y, e) != 0)
            return -1;
    }
    return bind(r, 0, &y);
}

static int unsqueeze(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    int64_t axes[KNOWN];
    int n;
    if (onnx_symbol(r, 0, &x, e) != 0 || sizes(r, "axes", 1, axes, &n, e) != 0)
        return -1;
    struct trace_symbol y = x->s;
    for (int i = 0; i < n; i++)
        if (axes[i] < 0)
            axes[i] += y.view.dims + n;
    qsort(axes, (size_t)n, sizeof *axes, compare_down);
    for (int i = n - 1; i >= 0; i--)
        if (axes[i] < 0 || (i < n - 1 && axes[i] == axes[i + 1]))
            return trace_refuse(r->t, e, "expected %d axes that are different, found others", n);
        else if (trace_unsqueeze(r->t, &y, axes[i], &y, e) != 0)
            return -1;
    return bind(r, 0, &y);
}

/* A size of 1 leaves the axis as it is. */
static int expand(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    int64_t size[KNOWN];
    int n;
    if (onnx_symbol(r, 0, &x, e) != 0 || sizes(r, "shape", 1, size, &n, e) != 0)
        return -1;
    const int dims = x->s.view.dims, more = dims > n ? dims - n : 0;
    if (n + more > TRACE_DIMS)
        return trace_refuse(r->t, e, "expected at most %d axes, found more", TRACE_DIMS);
    memmove(size + more, size, (size_t)n * sizeof *size);
    for (int d = 0; d < n + more; d++) {
        const int from = d - (n + more - dims);
        if ((d < more || size[d] == 1) && from >= 0)
            size[d] = trace_size(&x->s, from);
    }
    return bind(r, trace_expand(r->t, &x->s, size, n + more, &y, e), &y);
}

static int tile(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    int64_t times[KNOWN];
    int n;
    if (onnx_symbol(r, 0, &x, e) != 0 || sizes(r, "repeats", 1, times, &n, e) != 0)
        return -1;
    return bind(r, trace_repeat(r->t, &x->s, times, n, &y, e), &y);
}

/* Of an axis every step-th from `from` down to what is above `to`. */
static int slice_back(const struct onnx_reader *r, struct trace_symbol *y, int64_t axis,
                      int64_t from, int64_t to, int64_t step, struct err *e)
{
    const int at = trace_axis(y, axis);
    const int64_t size = at < 0 ? 0 : trace_size(y, at);
    from = from < 0 ? from + size : from;
    from = from > size - 1 ? size - 1 : from;
    to = to < 0 ? to + size : to;
    to = to < -1 ? -1 : to;
    if (at < 0 || step < -BUILD_ELEMENTS || from <= to)
        return trace_refuse(r->t, e, "expected a part of at least one element, found none");
    return trace_every(r->t, y, at, from, step, (from - to - 1) / -step + 1, y, e);
}

static int slice(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    int64_t from[KNOWN], to[KNOWN], axes[KNOWN], steps[KNOWN];
    int n, m, k, s;
    if (onnx_symbol(r, 0, &x, e) != 0 || sizes(r, "starts", 1, from, &n, e) != 0 ||
        sizes(r, "ends", 2, to, &m, e) != 0 || onnx_list(r, "axes", 3, axes, &k, e) != 0 ||
        onnx_list(r, "steps", 4, steps, &s, e) != 0)
        return -1;
    if (m != n || (k >= 0 && k != n) || (s >= 0 && s != n))
        return trace_refuse(r->t, e, "expected as many ends, axes and steps as starts");
    struct trace_symbol y = x->s;
    for (int i = 0; i < n; i++) {
        const int64_t axis = k < 0 ? i : axes[i], step = s < 0 ? 1 : steps[i];
        if ((step < 0 ? slice_back(r, &y, axis, from[i], to[i], step, e)
                      : trace_slice(r->t, &y, axis, from[i], to[i], step, &y, e)) != 0)
            return -1;
    }
    return bind(r, 0, &y);
}

/* Sizes of the parts: given, or as even as can be. */
static int part_sizes(const struct onnx_reader *r, int64_t all, int64_t list[KNOWN], int *n,
                      struct err *e)
{
    if (onnx_list(r, "split", 1, list, n, e) != 0)
        return -1;
    const int64_t parts = (int64_t)r->node->outs;
    if (onnx_int(r, "num_outputs", parts) != parts)
        return trace_refuse(r->t, e, "expected as many results as num_outputs says, found %lld",
                            (long long)parts);
    if (*n < 0 && parts <= KNOWN) {
        *n = (int)parts;
        for (int64_t i = 0, each = (all + parts - 1) / parts; i < parts; i++)
            list[i] = all - i * each < each ? all - i * each : each;
    }
    int64_t sum = 0;
    for (int i = 0; i < *n; i++)
        if (list[i] < 1 || list[i] > all || (sum += list[i]) > all)
            sum = INT64_MAX / 2;
    return *n == parts && sum == all
               ? 0
               : trace_refuse(r->t, e, "expected parts of an axis of %lld, found others",
                              (long long)all);
}

static int split(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    int64_t list[KNOWN];
    int n;
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    const int axis = trace_axis(&x->s, onnx_int(r, "axis", 0));
    if (axis < 0 || part_sizes(r, trace_size(&x->s, axis), list, &n, e) != 0)
        return axis < 0 ? trace_refuse(r->t, e, "expected an axis of the input, found another")
                        : -1;
    for (int64_t i = 0, from = 0; i < n; from += list[i], i++) {
        if (trace_slice(r->t, &x->s, axis, from, from + list[i], 1, &y, e) != 0)
            return -1;
        onnx_bind(r, (size_t)i, &y);
    }
    return 0;
}

static int join(struct onnx_reader *r, const struct trace_symbol *const *part, size_t n,
                int64_t axis, struct err *e)
{
    struct trace_symbol y;
    return bind(r, trace_concat(r->t, part, (int)n, axis, &y, e), &y);
}

static int concat(struct onnx_reader *r, struct err *e)
{
    const struct trace_symbol *part[PART_MAX];
    struct onnx_name *x;
    const size_t n = r->node->ins;
    if (n == 0 || n > PART_MAX)
        return trace_refuse(r->t, e, "expected up to %d inputs, found %zu", PART_MAX, n);
    for (size_t i = 0; i < n; i++) {
        if (onnx_symbol(r, i, &x, e) != 0)
            return -1;
        part[i] = &x->s;
    }
    return join(r, part, n, onnx_int(r, "axis", 0), e);
}

/* One of an axis, without the axis, or several. */
static int gather(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol part[KNOWN];
    const struct trace_symbol *list[KNOWN];
    const struct known *at = onnx_in(r, 1) ? onnx_in(r, 1)->known : NULL;
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    const int axis = trace_axis(&x->s, onnx_int(r, "axis", 0));
    if (axis >= 0 && maybe(r, 1) && maybe(r, 1)->kind == TRACE_CONSTANT &&
        (trace_is_known(&x->s) || !at || at->dims > 1))
        return bind(r, trace_take(r->t, &x->s, axis, maybe(r, 1), &part[0], e), &part[0]);
    if (axis < 0 || !at || at->real || at->dims > 1 || at->n < 1)
        return trace_refuse(r->t, e, "expected known indices of an axis, found something else");
    if (at->dims == 0)
        return bind(r, trace_select(r->t, &x->s, axis, at->i[0], &part[0], e), &part[0]);
    const int64_t size = trace_size(&x->s, axis);
    for (int i = 0; i < at->n; i++) {
        const int64_t from = at->i[i] < 0 ? at->i[i] + size : at->i[i];
        if (from < 0 || from >= size)
            return trace_refuse(r->t, e, "expected indices below %lld, found %lld", (long long)size,
                                (long long)at->i[i]);
        if (trace_slice(r->t, &x->s, axis, from, from + 1, 1, &part[i], e) != 0)
            return -1;
        list[i] = &part[i];
    }
    return at->n == 1 ? bind(r, 0, &part[0]) : join(r, list, (size_t)at->n, axis, e);
}

/* A float of 32 bits that is minus infinity, as padding before a maximum is. */
static bool is_lowest(const struct onnx_reader *r, size_t i)
{
    const struct onnx_name *x = onnx_in(r, i);
    unsigned char raw[4];
    struct err e;
    return x && x->s.kind == TRACE_CONSTANT && x->s.tensor->type == CKPT_F32 &&
           x->s.tensor->count == 1 && ckpt_read_raw(r->t->b->ckpt, x->s.tensor, raw, &e) == 0 &&
           memcmp(raw, "\0\0\x80\xff", sizeof raw) == 0;
}

/* At the ends of axes: of all, or of those that input 3 names. */
static int pad(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    int64_t list[KNOWN], axes[KNOWN], before[TRACE_DIMS] = {0}, after[TRACE_DIMS] = {0};
    int n, k;
    double value = -INFINITY;
    const char *mode = onnx_word(r, "mode", "constant");
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_list(r, "pads", 1, list, &n, e) != 0 ||
        onnx_list(r, "axes", 3, axes, &k, e) != 0 ||
        (!is_lowest(r, 2) && number_or(r, 2, (double)onnx_float(r, "value", 0), &value, e) != 0))
        return -1;
    const int dims = x->s.view.dims, named = k < 0 ? dims : k;
    if (n != 2 * named || named > TRACE_DIMS)
        return trace_refuse(r->t, e, "expected two numbers for each axis as pads, found others");
    for (int i = 0; i < named; i++) {
        const int axis = trace_axis(&x->s, k < 0 ? i : axes[i]);
        if (axis < 0)
            return trace_refuse(r->t, e, "expected an axis of the input, found another");
        before[axis] = list[i];
        after[axis] = list[i + named];
    }
    if (strcmp(mode, "constant") == 0)
        return bind(r, trace_pad_with(r->t, &x->s, before, after, value, &y, e), &y);
    static const char *const modes[] = {
        [TRACE_MIRRORED] = "reflect", [TRACE_REPEATED] = "edge", [TRACE_ROUND] = "wrap"};
    int border = TRACE_MIRRORED;
    while (border <= TRACE_ROUND && strcmp(mode, modes[border]) != 0)
        border++;
    return border > TRACE_ROUND
               ? trace_refuse(r->t, e, "expected padding that is known, found '%.80s'", mode)
               : bind(r, trace_pad_by(r->t, &x->s, before, after, (enum trace_border)border, &y, e),
                      &y);
}

/* The input under another name. */
static int same(struct onnx_reader *r, struct err *e)
{
    const struct onnx_name *x = onnx_in(r, 0);
    struct onnx_name *out = onnx_out(r, 0);
    if (!x || (x->s.kind == TRACE_NOTHING && !x->known))
        return trace_refuse(r->t, e, "expected an input that is made before, found none");
    const struct trace_symbol y = trace_alias(&x->s);
    onnx_bind(r, 0, &y);
    if (out && x->known && !out->known) {
        out->known = mem_alloc(1, sizeof *out->known);
        *out->known = *x->known;
    }
    return 0;
}

/* The results of the branch that is taken: its inputs are the condition, those of the first branch
 * and those of the other. */
static int branch(struct onnx_reader *r, struct err *e)
{
    const struct known *when = onnx_in(r, 0) ? onnx_in(r, 0)->known : NULL;
    const size_t n = r->node->outs;
    if (!when || when->n != 1 || when->tells)
        return onnx_open_branch(r, e);
    const size_t from = (when->real ? when->r[0] != 0 : when->i[0] != 0) ? 1 : 1 + n;
    for (size_t i = 0; i < n; i++) {
        const struct onnx_name *x = onnx_in(r, from + i);
        struct onnx_name *out = onnx_out(r, i);
        if (!x || x->form != FORM_NONE || (x->s.kind == TRACE_NOTHING && !x->known))
            return trace_refuse(r->t, e, "expected results of the branch, found others");
        const struct trace_symbol y = trace_alias(&x->s);
        onnx_bind(r, i, &y);
        if (out && x->known && !out->known) {
            out->known = mem_alloc(1, sizeof *out->known);
            *out->known = *x->known;
        }
    }
    return 0;
}

static int dropout(struct onnx_reader *r, struct err *e)
{
    double training = 0;
    number(r, 2, &training);
    return training != 0 ? trace_refuse(r->t, e,
                                        "expected no dropout, found one in training: export "
                                        "model.eval()")
                         : same(r, e);
}

/* A function of a constant. */
static int of_known(struct onnx_reader *r, double (*f)(double x, double p, double q), struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    if (onnx_symbol(r, 0, &x, e) != 0)
        return -1;
    return trace_is_known(&x->s) ? bind(r, trace_known_function(r->t, &x->s, f, 0, 0, &y, e), &y)
                                 : trace_refuse(r->t, e, "expected a constant, found activations");
}

static int exponential(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    return onnx_symbol(r, 0, &x, e) != 0 ? -1 : bind(r, trace_exponential(r->t, &x->s, &y, e), &y);
}

static int sine(struct onnx_reader *r, struct err *e)
{
    return of_known(r, trace_sine, e);
}

static int cosine(struct onnx_reader *r, struct err *e)
{
    return of_known(r, trace_cosine, e);
}

static int sums_so_far(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x;
    struct trace_symbol y;
    int64_t axis[KNOWN];
    int n;
    bool without, back;
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_list(r, "axis", 1, axis, &n, e) != 0 ||
        onnx_flag(r, "exclusive", false, &without, e) != 0 ||
        onnx_flag(r, "reverse", false, &back, e) != 0)
        return -1;
    if (!trace_is_known(&x->s) || n != 1 || without || back)
        return trace_refuse(r->t, e,
                            "expected sums of a constant along one axis, each with its own "
                            "number, found others");
    return bind(r, trace_known_sums(r->t, &x->s, axis[0], &y, e), &y);
}

/* Activations are floats of 32 bits, whatever the file says. */
static int cast_to(struct onnx_reader *r, int64_t to, struct err *e)
{
    enum { TRUTH = 9 };
    const bool real = onnx_is_real((uint64_t)to);
    struct onnx_name *x = onnx_in(r, 0);
    struct trace_symbol y;
    double least, most;
    if (x && trace_is_known(&x->s) && to == TRUTH)
        return bind(r, trace_known_number(r->t, TRACE_DIFFERENT, &x->s, 0, &y, e), &y);
    if (x && (trace_is_truth(&x->s) || (x->s.mask && real)))
        return bind(r, trace_scale(r->t, &x->s, 1, 0, &y, e), &y);
    if (x && x->s.mask && to == TRUTH)
        return same(r, e);
    if (x && trace_is_known(&x->s) && !real)
        return onnx_range(to, &least, &most)
                   ? bind(r, trace_known_whole(r->t, &x->s, least, most, &y, e), &y)
                   : trace_refuse(r->t, e, "expected numbers, found another type");
    return real ? same(r, e)
                : trace_refuse(r->t, e, "expected floats, found activations made whole numbers");
}

static int cast(struct onnx_reader *r, struct err *e)
{
    return cast_to(r, onnx_int(r, "to", 0), e);
}

static int cast_like(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *like;
    return onnx_symbol(r, 1, &like, e) != 0 ? -1 : cast_to(r, onnx_type_of(like), e);
}

/* A tensor of the checkpoint, which stands there under the result's name. */
static int constant(struct onnx_reader *r, struct err *e)
{
    const struct ckpt_tensor *t =
        onnx_at(r, "value", ONNX_TENSOR) ? ckpt_find(r->t->b->ckpt, r->node->out[0]) : NULL;
    struct onnx_name *out = onnx_out(r, 0);
    if (!t)
        return trace_refuse(r->t, e, "expected numbers as its value, found something else");
    const struct trace_symbol s = trace_constant(t);
    onnx_bind(r, 0, &s);
    if (out)
        out->known = onnx_known(r, t);
    return 0;
}

/* One number for all of x, or as many as an axis has: along that axis. */
static int along(const struct onnx_reader *r, const struct trace_symbol *v,
                 const struct trace_symbol *x, int axis, struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    const int64_t n = trace_is_known(v) ? trace_count(v) : 0;
    for (int d = 0; d < x->view.dims; d++)
        size[d] = n > 1 && d == axis ? n : 1;
    return n < 1 || v->view.dims > 1 || (n > 1 && (axis < 0 || trace_size(x, axis) != n))
               ? trace_refuse(r->t, e,
                              "expected a scale and a zero point for all weights or for each of an "
                              "axis, found others")
               : trace_reshape(r->t, v, size, x->view.dims, y, e);
}

/* Of weights alone: (x - zero point) scale. */
static int dequantise(struct onnx_reader *r, struct err *e)
{
    struct onnx_name *x, *by, *zero = NULL;
    struct trace_symbol scale, offset, y;
    const int64_t to = onnx_int(r, "output_dtype", 0);
    if (onnx_symbol(r, 0, &x, e) != 0 || onnx_symbol(r, 1, &by, e) != 0 ||
        (onnx_in(r, 2) && onnx_symbol(r, 2, &zero, e) != 0))
        return -1;
    if (!trace_is_known(&x->s) || onnx_type_of(x) != WHOLE || onnx_type_of(by) == WHOLE ||
        (zero && onnx_type_of(zero) != WHOLE) || onnx_int(r, "block_size", 0) != 0 ||
        (to != 0 && !onnx_is_real((uint64_t)to)))
        return trace_refuse(
            r->t, e,
            "expected whole numbers of the file as weights, by one scale or one for "
            "each of an axis, found others: take the model before quantisation");
    const int axis = trace_axis(&x->s, onnx_int(r, "axis", 1));
    if (along(r, &by->s, &x->s, axis, &scale, e) != 0 ||
        (zero && along(r, &zero->s, &x->s, axis, &offset, e) != 0))
        return -1;
    return bind(r, trace_known_scaled(r->t, &x->s, zero ? &offset : NULL, &scale, &y, e), &y);
}

/* A tensor of one number, of a shape that is known. */
static int constant_of_shape(struct onnx_reader *r, struct err *e)
{
    const struct ckpt_tensor *t =
        onnx_at(r, "value", ONNX_TENSOR) ? ckpt_find(r->t->b->ckpt, r->node->out[0]) : NULL;
    const struct known *shape = onnx_in(r, 0) ? onnx_in(r, 0)->known : NULL;
    struct known *value = t ? onnx_known(r, t) : NULL;
    struct trace_symbol y;
    const bool good = shape && !shape->real && shape->dims == 1 && (!t || (value && value->n == 1));
    const double number = !value ? 0 : value->real ? value->r[0] : (double)value->i[0];
    free(value);
    return good ? bind(r, trace_known_full(r->t, shape->i, shape->n, number, &y, e), &y)
                : trace_refuse(r->t, e, "expected a shape and a number, found others");
}

/* --- the table --- */

static const struct {
    const char *op;
    int (*make)(struct onnx_reader *r, struct err *e);
} makers[] = {
    {"Abs", absolute},
    {"Add", arithmetic},
    {"And", compare},
    {"Attention", attention},
    {"AveragePool", pool},
    {"BatchNormalization", batch_norm},
    {"Cast", cast},
    {"CastLike", cast_like},
    {"Celu", celu},
    {"Clip", clip},
    {"Concat", concat},
    {"Constant", constant},
    {"ConstantOfShape", constant_of_shape},
    {"Conv", conv},
    {"Cos", cosine},
    {"CumSum", sums_so_far},
    {"DequantizeLinear", dequantise},
    {"Div", arithmetic},
    {"Dropout", dropout},
    {"Einsum", einsum},
    {"Elu", elu},
    {"Equal", compare},
    {"Exp", exponential},
    {"Expand", expand},
    {"Flatten", flatten},
    {"Gather", gather},
    {"GatherND", gather_parts},
    {"Gelu", gelu},
    {"Gemm", gemm},
    {"GlobalAveragePool", global_pool},
    {"GlobalMaxPool", global_pool},
    {"Greater", compare},
    {"GreaterOrEqual", compare},
    {"GroupNormalization", group_norm},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", function},
    {"Identity", same},
    {"If", branch},
    {"InstanceNormalization", group_norm},
    {"LRN", local_norm},
    {"LayerNormalization", layer_norm},
    {"LeakyRelu", leaky},
    {"Less", compare},
    {"LessOrEqual", compare},
    {"Log", logarithm},
    {"LogSoftmax", softmax},
    {"MatMul", matmul},
    {"Max", bound},
    {"MaxPool", pool},
    {"Min", bound},
    {"Mish", function},
    {"Mul", arithmetic},
    {"Neg", negate},
    {"Not", not },
    {"Or", compare},
    {"PRelu", prelu},
    {"Pad", pad},
    {"Pow", power},
    {"Reciprocal", power},
    {"ReduceL2", reduce},
    {"ReduceLogSumExp", reduce},
    {"ReduceMax", reduce},
    {"ReduceMean", reduce},
    {"ReduceMin", reduce},
    {"ReduceSum", reduce},
    {"Relu", relu},
    {"Reshape", reshape},
    {"Resize", resize},
    {"ScatterND", scatter},
    {"Selu", selu},
    {"Shrink", shrink},
    {"Sigmoid", function},
    {"Sign", sign_of},
    {"Sin", sine},
    {"Slice", slice},
    {"Softmax", softmax},
    {"Softplus", function},
    {"Softsign", softsign},
    {"Split", split},
    {"Sqrt", power},
    {"Squeeze", squeeze},
    {"Sub", arithmetic},
    {"Sum", sum},
    {"Swish", swish},
    {"Tanh", function},
    {"ThresholdedRelu", threshold},
    {"Tile", tile},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
    {"Upsample", resize},
    {"Where", where},
};

/* What is to be done about an operation that is not computed. */
static const char *way_of(const char *op)
{
    static const char quantised[] = ": the model is quantised; take the one before that",
                      control[] = ": onnxsim takes loops out whose course is known";
    static const struct {
        const char *op, *way;
    } ways[] = {{"ConvInteger", quantised},
                {"DynamicQuantizeLinear", quantised},
                {"Loop", control},
                {"MatMulInteger", quantised},
                {"QLinearConv", quantised},
                {"QLinearMatMul", quantised},
                {"QuantizeLinear", quantised},
                {"Scan", control}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].op, op) == 0)
            return ways[i].way;
    return "";
}

int onnx_open_branch(const struct onnx_reader *r, struct err *e)
{
    return trace_refuse(r->t, e,
                        "expected a condition that is the same for all images, found one that is "
                        "not known");
}

int onnx_foreign(const struct onnx_reader *r, struct err *e)
{
    static const char onnxruntime[] = "com.microsoft";
    const char *domain = r->node->domain;
    return trace_refuse(
        r->t, e, "operations of '%.80s' are not computed here%s", domain,
        strncmp(domain, onnxruntime, sizeof onnxruntime - 1) == 0
            ? ": onnxruntime's optimizer makes them; take the model before that, or save it at "
              "ORT_ENABLE_BASIC"
            : "");
}

int onnx_run(struct onnx_reader *r, struct err *e)
{
    if (r->node->outs == 0)
        return trace_refuse(r->t, e, "expected a result with a name, found none");
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(makers[i].op, r->node->op) == 0)
            return makers[i].make(r, e);
    return trace_refuse(r->t, e, "this operation is not computed here%s", way_of(r->node->op));
}
