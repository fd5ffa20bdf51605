/* Networks of torch.export: each node of ATen is a function of model/trace.h. An operation that is
 * not known is refused by its name. torch/_export/serde/schema.py says what the JSON holds. */
#include "model/aten.h"

#include "base/mem.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- arguments --- */

static const json_t *argument(const struct program *p, const char *name)
{
    const json_t *inputs = json_object_get(p->node, "inputs"), *in;
    size_t i;
    json_array_foreach((json_t *)inputs, i, in)
    {
        const char *s = json_string_value(json_object_get(in, "name"));
        if (s && strcmp(s, name) == 0) {
            const json_t *arg = json_object_get(in, "arg");
            return json_object_get(arg, "as_none") ? NULL : arg;
        }
    }
    return NULL;
}

static struct trace_symbol *input(const struct program *p, const char *name)
{
    struct aten_name *n = aten_named(p, argument(p, name));
    return n ? &n->symbol : NULL;
}

/* The tensor that most operations are of. */
static struct trace_symbol *self(const struct program *p)
{
    return input(p, argument(p, "self") ? "self" : "input");
}

/* A whole number that is there, or what a name of sizes stands for. */
static bool number_of(const struct program *p, const json_t *x, int64_t *out)
{
    static const char *const wraps[] = {"as_sym_int", "as_int"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *inside = json_object_get(x, wraps[i]);
        x = inside ? inside : x;
    }
    const struct aten_name *n = aten_find(p, json_string_value(json_object_get(x, "as_name")));
    const bool known = n && n->symbol.kind == TRACE_NUMBERS;
    *out = known ? n->symbol.number[0] : json_integer_value(x);
    return known || json_is_integer(x);
}

/* `usual` where it is not given. */
static bool whole(const struct program *p, const char *name, int64_t usual, int64_t *out)
{
    const json_t *arg = argument(p, name);
    *out = usual;
    return !arg || number_of(p, arg, out);
}

static bool truth(const struct program *p, const char *name)
{
    return json_is_true(json_object_get(argument(p, name), "as_bool"));
}

static const char *word(const struct program *p, const char *name)
{
    return json_string_value(json_object_get(argument(p, name), "as_string"));
}

/* A number, `usual` where it is not given; infinite ones are words. */
static double real(const struct program *p, const char *name, double usual)
{
    const json_t *arg = argument(p, name), *x = json_object_get(arg, "as_float");
    if (!x)
        x = json_object_get(arg, "as_int");
    const char *text = json_string_value(x);
    if (text)
        return strcmp(text, "Infinity") == 0    ? INFINITY
               : strcmp(text, "-Infinity") == 0 ? -INFINITY
                                                : NAN;
    return !arg ? usual : json_is_number(x) ? json_number_value(x) : NAN;
}

/* Whole numbers, at most `room`; -1 where there are none. */
static int numbers(const struct program *p, const char *name, int64_t *out, int room)
{
    const json_t *arg = argument(p, name), *list = json_object_get(arg, "as_ints");
    list = list ? list : json_object_get(arg, "as_sym_ints");
    if (!list && number_of(p, arg, out))
        return 1;
    const size_t n = json_array_size(list);
    if (!json_is_array(list) || n > (size_t)room)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!number_of(p, json_array_get(list, i), &out[i]))
            return -1;
    return (int)n;
}

/* Two numbers, or one for both; `usual` where they are not given. */
static bool two(const struct program *p, const char *name, int usual, int out[2])
{
    int64_t given[2] = {usual, usual};
    const int n = argument(p, name) ? numbers(p, name, given, 2) : 2;
    for (int i = 0; i < 2 && n > 0; i++) {
        const int64_t x = given[n == 1 ? 0 : i];
        if (x < 0 || x > INT_MAX / 4)
            return false;
        out[i] = (int)x;
    }
    return n > 0;
}

/* --- results --- */

/* The type of a tensor's numbers, as the program says. */
static json_int_t type_of(const struct program *p, const char *name)
{
    const json_t *value = json_object_get(json_object_get(p->graph, "tensor_values"), name);
    return json_integer_value(json_object_get(value, "dtype"));
}

/* A constant as the type has it that the program says: whole numbers in its range, or truths.
 * Activations are real numbers, or truths that a comparison made. */
static int as_said(struct program *p, const char *name, struct trace_symbol *y, struct err *e)
{
    static const double most[] = {0, 255, 127, 32767, 2147483647, 0x1p63};
    const json_int_t type = type_of(p, name);
    if (y->kind == TRACE_VALUE && type != 0) {
        if (type == ATEN_TRUTH ? !y->mask : !aten_real(type))
            return trace_refuse(&p->trace, e, "expected real numbers throughout, found others");
        y->mask = type == ATEN_TRUTH;
    }
    if (!trace_is_known(y) || trace_is_truth(y))
        return 0;
    if (type == ATEN_TRUTH && !trace_known_truths(&p->trace, y))
        return trace_known_number(&p->trace, TRACE_DIFFERENT, y, 0, y, e);
    return type < 1 || type > ATEN_LONG
               ? 0
               : trace_known_whole(&p->trace, y, type == ATEN_BYTE ? 0 : -most[type] - 1,
                                   most[type], y, e);
}

/* The i-th result of the node is what `made` is. */
static int bind(struct program *p, size_t i, const struct trace_symbol *made, struct err *e)
{
    struct aten_name *n = aten_result(p, i);
    struct trace_symbol y = *made;
    if (!n)
        return trace_refuse(&p->trace, e, "expected a result with a name, found none");
    if (as_said(p, n->name, &y, e) != 0)
        return -1;
    trace_bind(&n->symbol, &y);
    return 0;
}

static int finish(struct program *p, int r, const struct trace_symbol *made, struct err *e)
{
    return r == 0 ? bind(p, 0, made, e) : -1;
}

/* A constant whose numbers PyTorch has copied where its result's could not show them, so that a
 * later change of either does not show in the other. */
static int bind_own(struct program *p, bool copied, const struct trace_symbol *made, struct err *e)
{
    struct trace_symbol y;
    if (!copied || !trace_is_computed(made) || !aten_result(p, 0))
        return bind(p, 0, made, e);
    aten_result(p, 0)->storage = p->storages++;
    return finish(p, trace_known_copy(&p->trace, made, &y, e), &y, e);
}

/* As of a change of shape. */
static int finish_shape(struct program *p, int r, const struct trace_symbol *made, struct err *e)
{
    return r == 0 ? bind_own(p, !trace_is_strided(made), made, e) : -1;
}

/* --- layers --- */

/* `beside`: windows stand side by side unless a stride is given. */
static int windows(const struct program *p, struct trace_windows *w, bool beside, struct err *e)
{
    int pad[2];
    int64_t given[2];
    beside = beside && (!argument(p, "stride") || numbers(p, "stride", given, 2) == 0);
    if (!two(p, "kernel_size", 1, w->k) || (!beside && !two(p, "stride", 1, w->stride)) ||
        !two(p, "padding", 0, pad) || !two(p, "dilation", 1, w->dilation))
        return trace_refuse(&p->trace, e,
                            "expected windows with whole strides and padding, found others");
    for (int i = 0; i < 2; i++) {
        w->before[i] = w->after[i] = pad[i];
        w->stride[i] = beside ? w->k[i] : w->stride[i];
    }
    return 0;
}

static int convolution_1d(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p), *w = input(p, "weight");
    struct trace_windows win = trace_windows(1, 1);
    struct trace_symbol y;
    int64_t groups, stride[2] = {1}, pad[2] = {0}, gap[2] = {1};
    if (!x || !w || x->view.dims != 3 || w->view.dims != 3 || word(p, "padding") ||
        !whole(p, "groups", 1, &groups) || groups < 1 || groups > BUILD_CHANNELS ||
        (argument(p, "stride") && numbers(p, "stride", stride, 1) != 1) ||
        (argument(p, "padding") && numbers(p, "padding", pad, 1) != 1) ||
        (argument(p, "dilation") && numbers(p, "dilation", gap, 1) != 1) || stride[0] < 1 ||
        stride[0] > INT_MAX / 4 || pad[0] < 0 || pad[0] > INT_MAX / 4 || gap[0] < 1 ||
        gap[0] > INT_MAX / 4)
        return trace_refuse(&p->trace, e,
                            "expected windows along one axis with whole strides, found others");
    win.stride[1] = (int)stride[0];
    win.before[1] = win.after[1] = (int)pad[0];
    win.dilation[1] = (int)gap[0];
    return finish(p, trace_conv_row(&p->trace, x, w, input(p, "bias"), &win, (int)groups, &y, e),
                  &y, e);
}

static int transposed(struct program *p, struct err *e)
{
    struct trace_windows win = trace_windows(1, 1);
    struct trace_symbol y;
    int64_t groups;
    int more[2];
    if (windows(p, &win, false, e) != 0)
        return -1;
    if (!whole(p, "groups", 1, &groups) || groups < 1 || groups > BUILD_CHANNELS ||
        !two(p, "output_padding", 0, more))
        return trace_refuse(&p->trace, e, "expected a number of groups, found another");
    return finish(p,
                  trace_conv_back(&p->trace, self(p), input(p, "weight"), input(p, "bias"), &win,
                                  more, (int)groups, &y, e),
                  &y, e);
}

static int unfold(struct program *p, struct err *e)
{
    struct trace_windows win = trace_windows(1, 1);
    struct trace_symbol y;
    return windows(p, &win, true, e) != 0
               ? -1
               : finish(p, trace_unfold(&p->trace, self(p), &win, &y, e), &y, e);
}

static int fold(struct program *p, struct err *e)
{
    struct trace_windows win = trace_windows(1, 1);
    struct trace_symbol y;
    int64_t size[2];
    if (windows(p, &win, true, e) != 0)
        return -1;
    if (numbers(p, "output_size", size, 2) != 2)
        return trace_refuse(&p->trace, e, "expected a height and a width, found others");
    return finish(p, trace_fold(&p->trace, self(p), size, &win, &y, e), &y, e);
}

static int convolution(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p), *w = input(p, "weight");
    const char *how = word(p, "padding");
    struct trace_windows win = trace_windows(1, 1);
    struct trace_symbol y;
    int64_t groups;
    if (truth(p, "transposed"))
        return transposed(p, e);
    if (x && w && x->view.dims == 3 && w->view.dims == 3)
        return convolution_1d(p, e);
    if (!whole(p, "groups", 1, &groups) || groups < 1 || groups > BUILD_CHANNELS)
        return trace_refuse(&p->trace, e, "expected a number of groups, found another");
    if (!how && windows(p, &win, false, e) != 0)
        return -1;
    if (how && strcmp(how, "same") != 0 && strcmp(how, "valid") != 0)
        return trace_refuse(&p->trace, e, "expected padding 'same' or 'valid', found another");
    if (how && (!two(p, "stride", 1, win.stride) || !two(p, "dilation", 1, win.dilation)))
        return trace_refuse(&p->trace, e, "expected whole strides, found others");
    for (int i = 0; i < 2 && how && strcmp(how, "same") == 0 && w && w->view.dims == 4; i++) {
        const int64_t span = (trace_size(w, 2 + i) - 1) * win.dilation[i];
        win.before[i] = (int)(span / 2);
        win.after[i] = (int)(span - span / 2);
    }
    return finish(p, trace_conv(&p->trace, x, w, input(p, "bias"), &win, (int)groups, &y, e), &y,
                  e);
}

static int batch_norm(struct program *p, struct err *e)
{
    const struct trace_symbol *const norm[NORM_TENSORS] = {
        input(p, "weight"), input(p, "bias"), input(p, "running_mean"), input(p, "running_var")};
    struct trace_symbol y;
    if (trace_is_known(self(p))) {
        const struct trace_symbol *const own[NORM_TENSORS] = {norm[NORM_WEIGHT], norm[NORM_BIAS]};
        return finish(p,
                      trace_known_norm(&p->trace, self(p), truth(p, "training") ? own : norm,
                                       real(p, "eps", 1e-5), &y, e),
                      &y, e);
    }
    if (truth(p, "training"))
        return trace_refuse(&p->trace, e,
                            "expected a norm that is done with training, found one in training: "
                            "export model.eval()");
    return finish(p, trace_batch_norm(&p->trace, self(p), norm, real(p, "eps", 1e-5), &y, e), &y,
                  e);
}

static int layer_norm(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t shape[TRACE_DIMS];
    const int n = numbers(p, "normalized_shape", shape, TRACE_DIMS);
    bool last = x && x->kind == TRACE_VALUE && n >= 1 && n <= x->view.dims;
    for (int d = 0; last && d < n; d++)
        last = shape[d] == trace_size(x, x->view.dims - n + d);
    if (!last)
        return trace_refuse(&p->trace, e, "expected a norm over the last axes, found another");
    return finish(p,
                  trace_layer_norm_of(&p->trace, x, n, input(p, "weight"), input(p, "bias"),
                                      real(p, "eps", 1e-5), &y, e),
                  &y, e);
}

static int group_norm(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t groups;
    if (!whole(p, argument(p, "group") ? "group" : "num_groups", 1, &groups))
        return trace_refuse(&p->trace, e, "expected a number of groups, found another");
    return finish(p,
                  trace_group_norm(&p->trace, self(p), groups, input(p, "weight"), input(p, "bias"),
                                   real(p, "eps", 1e-5), &y, e),
                  &y, e);
}

/* Of each channel alone, unless running statistics were kept. */
static int instance_norm(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    if (!truth(p, "use_input_stats"))
        return batch_norm(p, e);
    return finish(p,
                  trace_group_norm(&p->trace, x, x && x->view.dims > 1 ? trace_size(x, 1) : 0,
                                   input(p, "weight"), input(p, "bias"), real(p, "eps", 1e-5), &y,
                                   e),
                  &y, e);
}

static int linear(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return finish(p, trace_linear(&p->trace, self(p), input(p, "weight"), input(p, "bias"), &y, e),
                  &y, e);
}

/* beta self + alpha mat1 mat2 */
static int addmm(struct program *p, struct err *e)
{
    struct trace_symbol product, y;
    if (real(p, "alpha", 1) != 1 || real(p, "beta", 1) != 1)
        return trace_refuse(&p->trace, e, "expected a plain sum, found one with factors");
    if (trace_matmul(&p->trace, input(p, "mat1"), input(p, "mat2"), &product, e) != 0)
        return -1;
    product.uses = 1;
    return finish(p, trace_add(&p->trace, &product, self(p), 1, &y, e), &y, e);
}

static int matmul(struct program *p, struct err *e)
{
    static const char *const names[] = {"other", "mat2", "vec", "tensor"};
    struct trace_symbol y;
    size_t i = 0;
    while (i + 1 < sizeof names / sizeof *names && !argument(p, names[i]))
        i++;
    return finish(p, trace_matmul(&p->trace, self(p), input(p, names[i]), &y, e), &y, e);
}

/* What hides later keys from each query. */
static int look_back(struct program *p, const struct trace_symbol *q, const struct trace_symbol *k,
                     struct trace_symbol *y, struct err *e)
{
    if (!q || !k || q->view.dims < 2 || k->view.dims < 2)
        return trace_refuse(&p->trace, e, "expected queries and keys, found something else");
    const int64_t size[] = {trace_size(q, q->view.dims - 2), trace_size(k, k->view.dims - 2)};
    if (size[0] > BUILD_ELEMENTS / size[1])
        return trace_refuse(&p->trace, e, "expected fewer tokens, found more");
    double *mask = mem_zero((size_t)(size[0] * size[1]), sizeof *mask);
    for (int64_t i = 0; i < size[0]; i++)
        for (int64_t j = i + 1; j < size[1]; j++)
            mask[i * size[1] + j] = -INFINITY;
    const int r = trace_known_numbers(&p->trace, size, 2, mask, y, e);
    free(mask);
    return r;
}

static int attention(struct program *p, struct err *e)
{
    const struct trace_symbol *q = input(p, "query"), *mask = input(p, "attn_mask");
    struct trace_symbol causal, y;
    if ((argument(p, "attn_mask") && !mask) || (mask && truth(p, "is_causal")) ||
        truth(p, "enable_gqa") || real(p, "dropout_p", 0) != 0)
        return trace_refuse(&p->trace, e,
                            "expected attention with one mask and without dropout, found another");
    if (truth(p, "is_causal")) {
        if (look_back(p, q, input(p, "key"), &causal, e) != 0)
            return -1;
        mask = &causal;
    }
    const double d = q && q->view.dims > 0 ? (double)trace_size(q, q->view.dims - 1) : 1;
    return finish(p,
                  trace_attention(&p->trace, q, input(p, "key"), input(p, "value"), mask,
                                  real(p, "scale", 1 / sqrt(d)), &y, e),
                  &y, e);
}

/* Sums of windows, the padding among them, over a divisor of its own. */
static int pool_sums(struct program *p, const struct trace_windows *of, struct err *e)
{
    struct trace_windows win = *of;
    struct trace_symbol in, y;
    int64_t divisor;
    const int64_t before[] = {0, 0, win.before[0], win.before[1]};
    const struct trace_symbol *x = self(p);
    if (!whole(p, "divisor_override", 0, &divisor) || divisor == 0 || win.ceil)
        return trace_refuse(&p->trace, e,
                            "expected a divisor other than 0 and whole windows, found others");
    if (!x || x->view.dims != 4)
        return trace_refuse(&p->trace, e, "expected images, found something else");
    win.before[0] = win.before[1] = win.after[0] = win.after[1] = 0;
    if (trace_pad(&p->trace, x, before, before, &in, e) != 0 ||
        trace_pool(&p->trace, GRAPH_MEAN_POOL, &in, &win, &y, e) != 0)
        return -1;
    y.uses = 1;
    const double cells = (double)win.k[0] * win.k[1];
    return finish(p, trace_scale(&p->trace, &y, cells / (double)divisor, 0, &y, e), &y, e);
}

static int pool(struct program *p, enum graph_kind kind, struct err *e)
{
    struct trace_windows win = trace_windows(1, 1);
    struct trace_symbol y;
    int64_t given[2];
    if (numbers(p, "kernel_size", given, 2) < 1)
        return trace_refuse(&p->trace, e, "expected the size of windows, found none");
    if (windows(p, &win, true, e) != 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (2 * (int64_t)win.before[i] > ((int64_t)win.k[i] - 1) * win.dilation[i] + 1)
            return trace_refuse(&p->trace, e,
                                "expected padding of at most half a window, found more");
    win.ceil = truth(p, "ceil_mode");
    win.inner = argument(p, "count_include_pad") && !truth(p, "count_include_pad");
    if (argument(p, "divisor_override"))
        return pool_sums(p, &win, e);
    return finish(p, trace_pool(&p->trace, kind, self(p), &win, &y, e), &y, e);
}

static int max_pool(struct program *p, struct err *e)
{
    return pool(p, GRAPH_MAX_POOL, e);
}

static int mean_pool(struct program *p, struct err *e)
{
    return pool(p, GRAPH_MEAN_POOL, e);
}

/* Along one axis. */
static int pool_row(struct program *p, enum graph_kind kind, struct err *e)
{
    static const char *const names[] = {"kernel_size", "stride", "padding", "dilation"};
    struct trace_windows win = trace_windows(1, 1);
    int *const to[] = {&win.k[1], &win.stride[1], &win.before[1], &win.dilation[1]};
    struct trace_symbol y;
    int64_t given[1];
    bool good = argument(p, names[0]) != NULL;
    for (int i = 0; i < 4 && good; i++) {
        const int n = argument(p, names[i]) ? numbers(p, names[i], given, 1) : 0;
        if (n == 0 && i == 1)
            win.stride[1] = win.k[1];
        good = n == 0 ? i > 0 : n == 1 && given[0] >= (i == 2 ? 0 : 1) && given[0] < INT_MAX / 4;
        if (good && n == 1)
            *to[i] = (int)given[0];
    }
    win.after[1] = win.before[1];
    if (!good || 2 * (int64_t)win.before[1] > ((int64_t)win.k[1] - 1) * win.dilation[1] + 1)
        return trace_refuse(&p->trace, e,
                            "expected windows along one axis with padding of at most their half, "
                            "found others");
    win.ceil = truth(p, "ceil_mode");
    win.inner = argument(p, "count_include_pad") && !truth(p, "count_include_pad");
    return finish(p, trace_pool_row(&p->trace, kind, self(p), &win, &y, e), &y, e);
}

static int mean_pool_row(struct program *p, struct err *e)
{
    return pool_row(p, GRAPH_MEAN_POOL, e);
}

static int max_pool_row(struct program *p, struct err *e)
{
    return pool_row(p, GRAPH_MAX_POOL, e);
}

/* Windows of three axes: those of one depth, and along it. */
static int pool_deep(struct program *p, enum graph_kind kind, struct err *e)
{
    enum { AXES = 3 };
    static const char *const names[] = {"kernel_size", "stride", "padding", "dilation"};
    struct trace_windows deep = trace_windows(1, 1), win = deep;
    struct trace_symbol y;
    int64_t given[4][AXES] = {{1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {1, 1, 1}};
    bool good = argument(p, names[0]) && !argument(p, "divisor_override");
    for (int i = 0; i < 4 && good; i++) {
        const int n = argument(p, names[i]) ? numbers(p, names[i], given[i], AXES) : AXES;
        const bool beside = i == 1 && (!argument(p, names[1]) || n == 0);
        for (int d = 0; d < AXES; d++) {
            int64_t *to = &given[i][d];
            *to = beside ? given[0][d] : n == 1 ? given[i][0] : *to;
            good = good && *to >= (i == 2 ? 0 : 1) && *to < INT_MAX / 4;
        }
        good = good && (beside || n == 1 || n == AXES);
    }
    for (int d = 0; d < AXES && good; d++) {
        struct trace_windows *w = d == 0 ? &deep : &win;
        const int at = d == 0 ? 0 : d - 1;
        w->k[at] = (int)given[0][d];
        w->stride[at] = (int)given[1][d];
        w->before[at] = w->after[at] = (int)given[2][d];
        w->dilation[at] = (int)given[3][d];
        good = 2 * given[2][d] <= (given[0][d] - 1) * given[3][d] + 1;
    }
    if (!good)
        return trace_refuse(&p->trace, e,
                            "expected windows of three axes with padding of at most their half and "
                            "without a divisor, found others");
    deep.ceil = win.ceil = truth(p, "ceil_mode");
    deep.inner = win.inner = argument(p, "count_include_pad") && !truth(p, "count_include_pad");
    return finish(p, trace_pool_deep(&p->trace, kind, self(p), &deep, &win, &y, e), &y, e);
}

static int mean_pool_deep(struct program *p, struct err *e)
{
    return pool_deep(p, GRAPH_MEAN_POOL, e);
}

static int max_pool_deep(struct program *p, struct err *e)
{
    return pool_deep(p, GRAPH_MAX_POOL, e);
}

static int grid_pool(struct program *p, enum graph_kind kind, struct err *e)
{
    struct trace_symbol y;
    int64_t given[2];
    int size[2];
    if (numbers(p, "output_size", given, 2) != 2 || !two(p, "output_size", 0, size))
        return trace_refuse(&p->trace, e, "expected two sizes, found something else");
    return finish(p, trace_grid_pool(&p->trace, kind, self(p), size[0], size[1], &y, e), &y, e);
}

static int grid_mean(struct program *p, struct err *e)
{
    return grid_pool(p, GRAPH_MEAN_POOL, e);
}

static int grid_max(struct program *p, struct err *e)
{
    return grid_pool(p, GRAPH_MAX_POOL, e);
}

static int reduce(struct program *p, enum graph_kind kind, struct err *e)
{
    struct trace_symbol y;
    int64_t dim[TRACE_DIMS];
    const int n = numbers(p, "dim", dim, TRACE_DIMS);
    if (n < 1)
        return trace_refuse(&p->trace, e, "expected the axes of a mean, found none");
    return finish(p, trace_reduce(&p->trace, kind, self(p), dim, n, truth(p, "keepdim"), &y, e), &y,
                  e);
}

static int mean(struct program *p, struct err *e)
{
    return reduce(p, GRAPH_MEAN_POOL, e);
}

/* The larger of two, or the smaller. */
static int larger(struct program *p, bool smaller, struct err *e)
{
    struct trace_symbol y;
    return finish(p, trace_larger(&p->trace, self(p), input(p, "other"), smaller, &y, e), &y, e);
}

/* Of max.dim the indices have no use. */
static int maximum(struct program *p, struct err *e)
{
    return argument(p, "other") ? larger(p, false, e) : reduce(p, GRAPH_MAX_POOL, e);
}

static int minimum(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim[TRACE_DIMS];
    if (argument(p, "other"))
        return larger(p, true, e);
    const int n = numbers(p, "dim", dim, TRACE_DIMS);
    if (n < 1)
        return trace_refuse(&p->trace, e, "expected the axes of a minimum, found none");
    return finish(p, trace_least(&p->trace, self(p), dim, n, truth(p, "keepdim"), &y, e), &y, e);
}

static int log_sum(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim[TRACE_DIMS];
    const int n = numbers(p, "dim", dim, TRACE_DIMS);
    if (n < 1)
        return trace_refuse(&p->trace, e, "expected the axes of a sum, found none");
    return finish(p, trace_log_sum(&p->trace, self(p), dim, n, truth(p, "keepdim"), &y, e), &y, e);
}

/* To one cell. */
static int mean_1d(struct program *p, struct err *e)
{
    static const int64_t last[] = {-1};
    struct trace_symbol y;
    int64_t size[1];
    return numbers(p, "output_size", size, 1) != 1 || size[0] != 1
               ? trace_refuse(&p->trace, e, "expected a mean over all cells, found others")
               : finish(p, trace_reduce(&p->trace, GRAPH_MEAN_POOL, self(p), last, 1, true, &y, e),
                        &y, e);
}

/* The mean of squares of what is left of x without its mean, times n / (n - correction). */
static int variance(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol mean, s, y;
    int64_t dim[TRACE_DIMS], n = 1;
    const int dims = numbers(p, "dim", dim, TRACE_DIMS);
    const double less = argument(p, "unbiased") ? truth(p, "unbiased") : real(p, "correction", 1);
    if (!x || dims < 1)
        return trace_refuse(&p->trace, e, "expected the axes of a variance, found none");
    if (trace_reduce(&p->trace, GRAPH_MEAN_POOL, x, dim, dims, true, &mean, e) != 0 ||
        trace_add(&p->trace, x, &mean, -1, &s, e) != 0 ||
        trace_power(&p->trace, &s, 2, &s, e) != 0 ||
        trace_reduce(&p->trace, GRAPH_MEAN_POOL, &s, dim, dims, truth(p, "keepdim"), &s, e) != 0)
        return -1;
    for (int i = 0; i < dims; i++)
        n *= trace_size(x, trace_axis(x, dim[i]));
    if (!((double)n > less))
        return trace_refuse(&p->trace, e, "expected a variance of more numbers, found %lld",
                            (long long)n);
    s.uses = 1;
    return finish(p, trace_scale(&p->trace, &s, (double)n / ((double)n - less), 0, &y, e), &y, e);
}

static int total(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol means, y;
    int64_t dim[TRACE_DIMS], n = 1;
    int dims = numbers(p, "dim", dim, TRACE_DIMS);
    /* Of a constant all may be meant. */
    for (int d = 0; trace_is_known(x) && !argument(p, "dim") && d < x->view.dims; d++)
        dim[dims = d] = d;
    dims += trace_is_known(x) && !argument(p, "dim");
    if (!x || dims < 1)
        return trace_refuse(&p->trace, e, "expected the axes of a sum, found none");
    if (trace_reduce(&p->trace, GRAPH_MEAN_POOL, x, dim, dims, truth(p, "keepdim"), &means, e) != 0)
        return -1;
    for (int i = 0; i < dims; i++)
        n *= trace_size(x, trace_axis(x, dim[i]));
    means.uses = 1;
    return finish(p, trace_scale(&p->trace, &means, (double)n, 0, &y, e), &y, e);
}

/* --- functions --- */

static int function(struct program *p, enum graph_function f, double a, double b, struct err *e)
{
    struct trace_symbol y;
    if (isnan(a) || isnan(b))
        return trace_refuse(&p->trace, e, "expected numbers, found something else");
    return finish(p, trace_function(&p->trace, self(p), f, a, b, &y, e), &y, e);
}

static int relu(struct program *p, struct err *e)
{
    return function(p, GRAPH_CLIP, 0, INFINITY, e);
}

static int relu6(struct program *p, struct err *e)
{
    return function(p, GRAPH_CLIP, 0, 6, e);
}

static int hardtanh(struct program *p, struct err *e)
{
    return function(p, GRAPH_CLIP, real(p, "min_val", -1), real(p, "max_val", 1), e);
}

/* Bounds are numbers, or tensors. */
static int clamp(struct program *p, struct err *e)
{
    static const char *const names[] = {"min", "max"};
    if (!self(p))
        return trace_refuse(&p->trace, e, "expected activations, found something else");
    if (input(p, names[0]) || input(p, names[1])) {
        struct trace_symbol y = trace_alias(self(p));
        for (int i = 0; i < 2; i++)
            if (argument(p, names[i]) &&
                trace_larger(&p->trace, &y, input(p, names[i]), i == 1, &y, e) != 0)
                return -1;
        return bind(p, 0, &y, e);
    }
    return function(p, GRAPH_CLIP, real(p, "min", -INFINITY), real(p, "max", INFINITY), e);
}

static int leaky_relu(struct program *p, struct err *e)
{
    return function(p, GRAPH_LEAKY_RELU, real(p, "negative_slope", .01), 0, e);
}

/* What does not depend on chance once training is done. */
static int some_leaky_relu(struct program *p, struct err *e)
{
    return truth(p, "training")
               ? trace_refuse(&p->trace, e,
                              "expected slopes that are fixed, found some that are drawn in "
                              "training: export model.eval()")
               : function(p, GRAPH_LEAKY_RELU,
                          (real(p, "lower", 1 / 8.) + real(p, "upper", 1 / 3.)) / 2, 0, e);
}

static double absolute_of(double x, double p, double q)
{
    (void)p;
    (void)q;
    return fabs(x);
}

static int absolute(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return finish(p,
                  trace_is_known(self(p))
                      ? trace_known_function(&p->trace, self(p), absolute_of, 0, 0, &y, e)
                      : trace_absolute(&p->trace, self(p), &y, e),
                  &y, e);
}

static int sign_of(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return finish(p, trace_sign(&p->trace, self(p), &y, e), &y, e);
}

static int threshold(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return finish(p,
                  trace_threshold(&p->trace, self(p), real(p, "threshold", NAN),
                                  real(p, "value", NAN), &y, e),
                  &y, e);
}

static int shrink(struct program *p, struct err *e)
{
    struct trace_symbol y;
    const double width = real(p, "lambd", .5);
    return finish(p, trace_shrink(&p->trace, self(p), width, *p->op == 's' ? width : 0, &y, e), &y,
                  e);
}

static int prelu(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return finish(p, trace_prelu(&p->trace, self(p), input(p, "weight"), &y, e), &y, e);
}

static int sigmoid(struct program *p, struct err *e)
{
    return function(p, GRAPH_SIGMOID, 0, 0, e);
}

static int hyperbolic(struct program *p, struct err *e)
{
    return function(p, GRAPH_TANH, 0, 0, e);
}

static int silu(struct program *p, struct err *e)
{
    return function(p, GRAPH_SILU, 0, 0, e);
}

static int hardsigmoid(struct program *p, struct err *e)
{
    return function(p, GRAPH_HARD_SIGMOID, 1 / 6., .5, e);
}

static int hardswish(struct program *p, struct err *e)
{
    return function(p, GRAPH_HARD_SWISH, 0, 0, e);
}

static int gelu(struct program *p, struct err *e)
{
    const char *how = word(p, "approximate");
    if (how && strcmp(how, "tanh") != 0 && strcmp(how, "none") != 0)
        return trace_refuse(&p->trace, e, "expected a GELU of 'none' or 'tanh', found another");
    return function(p, how && strcmp(how, "tanh") == 0 ? GRAPH_GELU_TANH : GRAPH_GELU, 0, 0, e);
}

static int some_elu(struct program *p, double alpha, double scale, double factor, struct err *e)
{
    struct trace_symbol y;
    return finish(p, trace_elu(&p->trace, self(p), alpha, scale, factor, &y, e), &y, e);
}

static int elu(struct program *p, struct err *e)
{
    return some_elu(p, real(p, "alpha", 1), real(p, "scale", 1), real(p, "input_scale", 1), e);
}

static int celu(struct program *p, struct err *e)
{
    const double alpha = real(p, "alpha", 1);
    return some_elu(p, alpha, 1, 1 / alpha, e);
}

/* Klambauer et al. 2017, in the digits of PyTorch. */
static int selu(struct program *p, struct err *e)
{
    return some_elu(p, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1, e);
}

/* Behind the usual threshold both forms are equal in float32. */
static int softplus(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return !(real(p, "threshold", 20) >= 20)
               ? trace_refuse(&p->trace, e, "expected a threshold of 20 or more, found another")
               : finish(p, trace_softplus(&p->trace, self(p), real(p, "beta", 1), &y, e), &y, e);
}

/* -softplus(-x) */
static int log_sigmoid(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return finish(p, trace_softplus(&p->trace, self(p), -1, &y, e), &y, e);
}

/* Half of an axis times the sigmoid of the other half. */
static int gated(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol half[2], gate, y;
    int64_t dim;
    const int d = x && whole(p, "dim", -1, &dim) ? trace_axis(x, dim) : -1;
    if (d < 0 || trace_size(x, d) % 2 != 0)
        return trace_refuse(&p->trace, e, "expected an axis of two halves, found another");
    const int64_t n = trace_size(x, d) / 2;
    for (int i = 0; i < 2; i++)
        if (trace_slice(&p->trace, x, d, i * n, (i + 1) * n, 1, &half[i], e) != 0)
            return -1;
    if (trace_function(&p->trace, &half[1], GRAPH_SIGMOID, 0, 0, &gate, e) != 0)
        return -1;
    return finish(p, trace_multiply(&p->trace, &half[0], &gate, &y, e), &y, e);
}

static int mish(struct program *p, struct err *e)
{
    return function(p, GRAPH_MISH, 0, 0, e);
}

static int some_softmax(struct program *p, bool log, struct err *e)
{
    struct trace_symbol y;
    int64_t dim;
    return whole(p, "dim", -1, &dim)
               ? finish(p, trace_softmax(&p->trace, self(p), dim, log, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected an axis, found something else");
}

static int softmax(struct program *p, struct err *e)
{
    return some_softmax(p, false, e);
}

static int log_softmax(struct program *p, struct err *e)
{
    return some_softmax(p, true, e);
}

/* --- sums and products --- */

/* x * factor + offset, of whole numbers or activations. */
static int with_number(struct program *p, const struct trace_symbol *x, double factor,
                       double offset, struct err *e)
{
    struct trace_symbol y;
    return isfinite(factor) && isfinite(offset)
               ? finish(p, trace_scale(&p->trace, x, factor, offset, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected a finite number, found another");
}

/* A second operand that is neither a tensor nor the name of a size. */
static bool is_number(const struct program *p, const char *name)
{
    return !input(p, name);
}

static int sum(struct program *p, double sign, struct err *e)
{
    struct trace_symbol y;
    const double alpha = sign * real(p, "alpha", 1);
    if (is_number(p, "other"))
        return with_number(p, self(p), 1, alpha * real(p, "other", NAN), e);
    return finish(p, trace_add(&p->trace, self(p), input(p, "other"), alpha, &y, e), &y, e);
}

static int add(struct program *p, struct err *e)
{
    return sum(p, 1, e);
}

/* Core ATen has activations subtracted from a number, too. */
static int subtract(struct program *p, struct err *e)
{
    if (is_number(p, "self"))
        return with_number(p, input(p, "other"), -real(p, "alpha", 1), real(p, "self", NAN), e);
    return sum(p, -1, e);
}

/* other - self */
static int subtract_from(struct program *p, struct err *e)
{
    if (!is_number(p, "other") || real(p, "alpha", 1) != 1)
        return trace_refuse(&p->trace, e, "expected a number less activations, found another");
    return with_number(p, self(p), -1, real(p, "other", NAN), e);
}

static int negate(struct program *p, struct err *e)
{
    return with_number(p, self(p), -1, 0, e);
}

static int multiply(struct program *p, struct err *e)
{
    struct trace_symbol y;
    if (is_number(p, "other"))
        return with_number(p, self(p), real(p, "other", NAN), 0, e);
    return finish(p, trace_multiply(&p->trace, self(p), input(p, "other"), &y, e), &y, e);
}

/* self + value tensor1 tensor2 */
static int add_product(struct program *p, struct err *e)
{
    struct trace_symbol product, y;
    if (trace_multiply(&p->trace, input(p, "tensor1"), input(p, "tensor2"), &product, e) != 0)
        return -1;
    product.uses = 1;
    return finish(p, trace_add(&p->trace, self(p), &product, real(p, "value", 1), &y, e), &y, e);
}

static double floor_of(double x, double p, double q)
{
    (void)p;
    (void)q;
    return floor(x);
}

static int divide(struct program *p, struct err *e)
{
    const char *round = word(p, "rounding_mode");
    const double number = is_number(p, "other") ? real(p, "other", NAN) : 1;
    struct trace_symbol y;
    if (round && !trace_is_known(self(p)))
        return trace_refuse(&p->trace, e, "expected a plain division, found one that rounds");
    if (round) {
        if ((is_number(p, "other")
                 ? trace_known_number(&p->trace, TRACE_QUOTIENT, self(p), number, &y, e)
                 : trace_divide(&p->trace, self(p), input(p, "other"), &y, e)) != 0)
            return -1;
        return finish(p,
                      trace_known_function(&p->trace, &y,
                                           strcmp(round, "floor") == 0 ? floor_of : trace_truncated,
                                           0, 0, &y, e),
                      &y, e);
    }
    if (is_number(p, "other"))
        return with_number(p, self(p), 1 / number, 0, e);
    return finish(p, trace_divide(&p->trace, self(p), input(p, "other"), &y, e), &y, e);
}

/* --- shapes --- */

static int view(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t size[TRACE_DIMS];
    const int n = numbers(p, argument(p, "size") ? "size" : "shape", size, TRACE_DIMS);
    return n < 0 ? trace_refuse(&p->trace, e,
                                "expected at most %d sizes that are known, found "
                                "others",
                                TRACE_DIMS)
                 : finish_shape(p, trace_reshape(&p->trace, self(p), size, n, &y, e), &y, e);
}

static int expand(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t size[TRACE_DIMS];
    const int n = numbers(p, "size", size, TRACE_DIMS);
    return n < 0 ? trace_refuse(&p->trace, e,
                                "expected at most %d sizes that are known, found "
                                "others",
                                TRACE_DIMS)
                 : finish(p, trace_expand(&p->trace, self(p), size, n, &y, e), &y, e);
}

/* The sizes of another tensor. */
static int like(struct program *p, bool expand_it, struct err *e)
{
    const struct trace_symbol *x = input(p, "other");
    struct trace_symbol y;
    int64_t size[TRACE_DIMS];
    if (!x || x->kind == TRACE_NOTHING || x->kind == TRACE_NUMBERS)
        return trace_refuse(&p->trace, e, "expected a tensor of the wanted shape, found none");
    for (int d = 0; d < x->view.dims; d++)
        size[d] = trace_size(x, d);
    return finish(p,
                  expand_it ? trace_expand(&p->trace, self(p), size, x->view.dims, &y, e)
                            : trace_reshape(&p->trace, self(p), size, x->view.dims, &y, e),
                  &y, e);
}

static int expand_as(struct program *p, struct err *e)
{
    return like(p, true, e);
}

static int view_as(struct program *p, struct err *e)
{
    return like(p, false, e);
}

static int flatten(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t first, last;
    return whole(p, "start_dim", 0, &first) && whole(p, "end_dim", -1, &last)
               ? finish_shape(p, trace_flatten(&p->trace, self(p), first, last, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected axes, found something else");
}

/* One axis becomes several. */
static int unflatten(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t dim, size[TRACE_DIMS], want[2 * TRACE_DIMS], known = 1;
    const int n = numbers(p, "sizes", size, TRACE_DIMS);
    const int at = x && whole(p, "dim", 0, &dim) ? trace_axis(x, dim) : -1;
    int to = 0, open = -1;
    if (n < 1 || at < 0)
        return trace_refuse(&p->trace, e, "expected an axis and sizes, found something else");
    for (int d = 0; d < x->view.dims; d++)
        for (int i = 0; i < (d == at ? n : 1); i++) {
            want[to] = d == at ? size[i] : trace_size(x, d);
            if (d == at && size[i] == -1)
                open = to;
            else if (d == at && (size[i] < 1 || __builtin_mul_overflow(known, size[i], &known)))
                return trace_refuse(&p->trace, e, "expected sizes of at least 1, found others");
            to++;
        }
    if (open >= 0)
        want[open] = trace_size(x, at) / known;
    return finish(p, trace_reshape(&p->trace, x, want, to, &y, e), &y, e);
}

static int permute(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t order[TRACE_DIMS];
    const int n = numbers(p, "dims", order, TRACE_DIMS);
    return n < 0 ? trace_refuse(&p->trace, e, "expected axes, found something else")
                 : finish(p, trace_permute(&p->trace, self(p), order, n, &y, e), &y, e);
}

static int transpose(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t a, b;
    const bool axes = argument(p, "axis0");
    return whole(p, axes ? "axis0" : "dim0", 0, &a) && whole(p, axes ? "axis1" : "dim1", 0, &b)
               ? finish(p, trace_swap(&p->trace, self(p), a, b, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected axes, found something else");
}

static int matrix_transpose(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return finish(p, trace_swap(&p->trace, self(p), 0, -1, &y, e), &y, e);
}

static int unsqueeze(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim;
    return whole(p, "dim", 0, &dim)
               ? finish(p, trace_unsqueeze(&p->trace, self(p), dim, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected an axis, found something else");
}

/* Without an axis, or several; those of one image alone where none are named. */
static int squeeze(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t dim[TRACE_DIMS];
    int n = argument(p, "dim") ? numbers(p, "dim", dim, TRACE_DIMS) : 0;
    if (!x || n < 0)
        return trace_refuse(&p->trace, e, "expected axes, found something else");
    if (!argument(p, "dim"))
        for (int d = 1; d < x->view.dims; d++)
            dim[n++] = d;
    y = trace_alias(x);
    for (int i = 0; i < n; i++) {
        if (trace_axis(x, dim[i]) < 0)
            return trace_refuse(&p->trace, e, "expected axes, found others");
        dim[i] = trace_axis(x, dim[i]);
    }
    /* From the last on, so that those before keep their numbers. */
    for (int d = x->view.dims - 1; d >= 0; d--)
        for (int i = 0; i < n; i++)
            if (dim[i] == d) {
                const struct trace_symbol s = y;
                if (trace_squeeze(&p->trace, &s, d, &y, e) != 0)
                    return -1;
                break;
            }
    return bind(p, 0, &y, e);
}

static int select_one(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim, i;
    return whole(p, "dim", 0, &dim) && whole(p, "index", 0, &i)
               ? finish(p, trace_select(&p->trace, self(p), dim, i, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected an axis and a place, found something else");
}

static int slice(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim, from, to, step;
    return whole(p, "dim", 0, &dim) && whole(p, "start", 0, &from) &&
                   whole(p, "end", INT64_MAX, &to) && whole(p, "step", 1, &step)
               ? finish(p, trace_slice(&p->trace, self(p), dim, from, to, step, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected an axis and its ends, found something else");
}

/* Parts along an axis, each[i] long or all of one length, for the results that have names. */
static int parts(struct program *p, int64_t dim, const int64_t *each, int64_t length, struct err *e)
{
    const struct trace_symbol *x = self(p);
    int64_t from = 0;
    for (size_t i = 0; i < aten_results(p); i++) {
        const int64_t n = each ? each[i] : length;
        struct trace_symbol y;
        if (n < 1 || n > INT_MAX || trace_slice(&p->trace, x, dim, from, from + n, 1, &y, e) != 0 ||
            bind(p, i, &y, e) != 0)
            return n < 1 || n > INT_MAX
                       ? trace_refuse(&p->trace, e, "expected parts of an axis, found others")
                       : -1;
        from += n;
    }
    return 0;
}

static int chunk(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    int64_t dim, chunks;
    const int d = x && whole(p, "dim", 0, &dim) ? trace_axis(x, dim) : -1;
    if (d < 0 || !whole(p, "chunks", 0, &chunks) || chunks < 1 || chunks > INT_MAX)
        return trace_refuse(&p->trace, e, "expected parts of an axis, found others");
    return parts(p, d, NULL, (trace_size(x, d) + chunks - 1) / chunks, e);
}

static int split(struct program *p, struct err *e)
{
    int64_t dim, each[ATEN_PARTS];
    const int n =
        numbers(p, argument(p, "split_sizes") ? "split_sizes" : "split_size", each, ATEN_PARTS);
    const bool list = json_object_get(argument(p, "split_sizes"), "as_ints") ||
                      json_object_get(argument(p, "split_size"), "as_ints");
    if (!self(p) || !whole(p, "dim", 0, &dim) || n < 1 || (list && (size_t)n < aten_results(p)))
        return trace_refuse(&p->trace, e, "expected parts of an axis, found others");
    return parts(p, dim, list ? each : NULL, each[0], e);
}

static int unbind(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim;
    if (!whole(p, "dim", 0, &dim))
        return trace_refuse(&p->trace, e, "expected an axis, found something else");
    for (size_t i = 0; i < aten_results(p); i++)
        if (trace_select(&p->trace, self(p), dim, (int64_t)i, &y, e) != 0 || bind(p, i, &y, e) != 0)
            return -1;
    return 0;
}

/* The i-th of a list of tensors, or NULL. */
static const struct trace_symbol *listed(const struct program *p, const char *name, size_t i)
{
    const json_t *arg = argument(p, name), *list = json_object_get(arg, "as_tensors");
    if (!list)
        list = json_object_get(arg, "as_optional_tensors");
    const json_t *item = json_array_get(list, i), *inside = json_object_get(item, "as_tensor");
    const struct aten_name *n =
        aten_find(p, json_string_value(json_object_get(inside ? inside : item, "name")));
    return n ? &n->symbol : NULL;
}

static int join(struct program *p,
                int (*by)(struct trace *t, const struct trace_symbol *const *x, int n, int64_t dim,
                          struct trace_symbol *y, struct err *e),
                struct err *e)
{
    const size_t n = json_array_size(json_object_get(argument(p, "tensors"), "as_tensors"));
    struct trace_symbol y;
    int64_t dim;
    if (!whole(p, "dim", 0, &dim) || n == 0 || n > INT_MAX)
        return trace_refuse(&p->trace, e, "expected activations to be joined, found none");
    const struct trace_symbol **all = mem_zero(n, sizeof(void *));
    for (size_t i = 0; i < n; i++)
        all[i] = listed(p, "tensors", i);
    const int r = by(&p->trace, all, (int)n, dim, &y, e);
    free(all);
    return finish(p, r, &y, e);
}

static int concat(struct program *p, struct err *e)
{
    return join(p, trace_concat, e);
}

static int stack(struct program *p, struct err *e)
{
    return join(p, trace_stack, e);
}

/* The i-th result: the i-th of rows of numbers along axis i, the same along all others. */
static int meshgrid(struct program *p, struct err *e)
{
    const size_t n = json_array_size(json_object_get(argument(p, "tensors"), "as_tensors"));
    const char *order = word(p, "indexing");
    const bool swapped = order && strcmp(order, "xy") == 0 && n > 1;
    int64_t all[TRACE_DIMS];
    struct trace_symbol y;
    if (n == 0 || n > TRACE_DIMS || aten_results(p) != n)
        return trace_refuse(&p->trace, e, "expected 1 to %d rows of numbers, found others",
                            TRACE_DIMS);
    for (size_t i = 0; i < n; i++) {
        const struct trace_symbol *x = listed(p, "tensors", i);
        if (!trace_is_known(x) || x->view.dims != 1)
            return trace_refuse(&p->trace, e, "expected rows of constants, found something else");
        all[swapped && i < 2 ? 1 - i : i] = trace_size(x, 0);
    }
    for (size_t i = 0; i < n; i++) {
        const size_t axis = swapped && i < 2 ? 1 - i : i;
        int64_t size[TRACE_DIMS];
        for (size_t d = 0; d < n; d++)
            size[d] = d == axis ? all[d] : 1;
        if (trace_reshape(&p->trace, listed(p, "tensors", i), size, (int)n, &y, e) != 0 ||
            trace_expand(&p->trace, &y, all, (int)n, &y, e) != 0 || bind(p, i, &y, e) != 0)
            return -1;
    }
    return 0;
}

static int channel_shuffle(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t groups;
    if (!whole(p, "groups", 1, &groups))
        return trace_refuse(&p->trace, e, "expected a number of groups, found another");
    return finish(p, trace_shuffle(&p->trace, self(p), groups, &y, e), &y, e);
}

static int pixels(struct program *p, bool back, struct err *e)
{
    struct trace_symbol y;
    int64_t r;
    if (!whole(p, back ? "downscale_factor" : "upscale_factor", 1, &r))
        return trace_refuse(&p->trace, e, "expected a factor, found something else");
    return finish(p, trace_unshuffle(&p->trace, self(p), r, back, &y, e), &y, e);
}

static int pixel_shuffle(struct program *p, struct err *e)
{
    return pixels(p, false, e);
}

static int pixel_unshuffle(struct program *p, struct err *e)
{
    return pixels(p, true, e);
}

static int roll(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t shift[TRACE_DIMS], dim[TRACE_DIMS];
    const int n = numbers(p, "shifts", shift, TRACE_DIMS);
    if (n < 1 || numbers(p, "dims", dim, TRACE_DIMS) != n)
        return trace_refuse(&p->trace, e, "expected axes and how far they go, found others");
    return finish(p, trace_roll(&p->trace, self(p), shift, dim, n, &y, e), &y, e);
}

static int flip(struct program *p, struct err *e)
{
    int64_t dim[TRACE_DIMS];
    const int n = numbers(p, "dims", dim, TRACE_DIMS);
    if (n < 0 || !self(p))
        return trace_refuse(&p->trace, e, "expected axes to be turned round, found others");
    struct trace_symbol y = trace_alias(self(p));
    for (int i = 0; i < n; i++)
        if (trace_flip(&p->trace, &y, dim[i], &y, e) != 0)
            return -1;
    return bind(p, 0, &y, e);
}

/* The i-th factor of a size, 0 where there is none: in a list or in arguments of their own. */
static double factor_of(const struct program *p, int i)
{
    const json_t *list = json_object_get(argument(p, "scale_factors"), "as_floats");
    return list ? json_number_value(json_array_get(list, (size_t)i))
                : real(p, i ? "scales_w" : "scales_h", 0);
}

/* As ATen's area_pixel_compute_scale() and compute_source_index() have it; `exact`: nearest cells
 * are those of the middles. */
static int resize(struct program *p, struct trace_resizing r, bool exact, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t size[2];
    const bool sized = numbers(p, "output_size", size, 2) == 2, aligned = truth(p, "align_corners");
    if (!x || x->view.dims != 4)
        return trace_refuse(&p->trace, e, "expected images, found something else");
    for (int i = 0; i < 2; i++) {
        struct trace_sampling *a = &r.axis[i];
        const double factor = factor_of(p, i), old = (double)trace_size(x, 2 + i);
        if (!sized && !(factor > 0 && factor * old <= BUILD_ELEMENTS))
            return trace_refuse(&p->trace, e, "expected a height and a width, found others");
        a->cells = sized ? size[i] : (int64_t)(old * factor);
        a->step = factor > 0 ? 1 / factor : old / (double)a->cells;
        if (aligned)
            a->step = a->cells > 1 ? (old - 1) / (double)(a->cells - 1) : 0;
        /* Antialiasing places cells by their middles, aligned corners or not. */
        const bool middle = r.smooth || (!aligned && (r.filter != TRACE_NEAREST || exact));
        a->shift = middle ? .5 : 0;
        a->back = middle && !exact ? -.5 : 0;
    }
    return finish(p, trace_resize(&p->trace, x, &r, &y, e), &y, e);
}

static int nearest(struct program *p, struct err *e)
{
    return resize(p, (struct trace_resizing){.filter = TRACE_NEAREST}, false, e);
}

static int nearest_middle(struct program *p, struct err *e)
{
    return resize(p, (struct trace_resizing){.filter = TRACE_NEAREST}, true, e);
}

static int bilinear(struct program *p, struct err *e)
{
    return resize(p, (struct trace_resizing){.filter = TRACE_LINEAR}, false, e);
}

static int bicubic(struct program *p, struct err *e)
{
    return resize(p, (struct trace_resizing){.filter = TRACE_CUBIC, .cubic = -.75}, false, e);
}

static int smooth_bilinear(struct program *p, struct err *e)
{
    return resize(p,
                  (struct trace_resizing){.filter = TRACE_LINEAR, .smooth = true, .inside = true},
                  false, e);
}

static int smooth_bicubic(struct program *p, struct err *e)
{
    return resize(p,
                  (struct trace_resizing){
                      .filter = TRACE_CUBIC, .cubic = -.5, .smooth = true, .inside = true},
                  false, e);
}

static int repeat(struct program *p, struct err *e)
{
    int64_t size[TRACE_DIMS];
    struct trace_symbol y;
    return finish(
        p, trace_repeat(&p->trace, self(p), size, numbers(p, "repeats", size, TRACE_DIMS), &y, e),
        &y, e);
}

/* As repeat, once along axes in front that the list leaves out. */
static int tile(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t size[TRACE_DIMS];
    int n = numbers(p, "dims", size, TRACE_DIMS);
    for (; x && n >= 0 && n < x->view.dims; n++) {
        memmove(size + 1, size, (size_t)n * sizeof *size);
        size[0] = 1;
    }
    return finish(p, trace_repeat(&p->trace, x, size, n, &y, e), &y, e);
}

/* Each of an axis several times, one behind the other. */
static int repeat_each(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t times, dim, size[TRACE_DIMS];
    const int d = x && argument(p, "dim") && whole(p, "dim", 0, &dim) ? trace_axis(x, dim) : -1;
    if (d < 0 || !whole(p, "repeats", 0, &times) || times < 1 || x->view.dims >= TRACE_DIMS)
        return trace_refuse(&p->trace, e, "expected an axis and a number of times, found others");
    for (int i = 0; i <= x->view.dims; i++)
        size[i] = i == d + 1 ? times : -1;
    if (trace_unsqueeze(&p->trace, x, d + 1, &y, e) != 0 ||
        trace_expand(&p->trace, &y, size, x->view.dims + 1, &y, e) != 0)
        return -1;
    return finish(p, trace_flatten(&p->trace, &y, d, d + 1, &y, e), &y, e);
}

/* Padding from the last axis on: left, right, top, bottom, ... */
static int pad_by(struct program *p, const char *list_name, enum trace_border border, double value,
                  struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t list[2 * TRACE_DIMS], before[TRACE_DIMS] = {0}, after[TRACE_DIMS] = {0};
    const int n = numbers(p, list_name, list, 2 * TRACE_DIMS), dims = x ? x->view.dims : 0;
    if (n < 0 || n % 2 != 0 || n / 2 > dims)
        return trace_refuse(&p->trace, e, "expected padding of axes, found something else");
    for (int i = 0; i < n / 2; i++) {
        before[dims - 1 - i] = list[2L * i];
        after[dims - 1 - i] = list[2L * i + 1];
    }
    return finish(p,
                  border == TRACE_ZEROS ? trace_pad_with(&p->trace, x, before, after, value, &y, e)
                                        : trace_pad_by(&p->trace, x, before, after, border, &y, e),
                  &y, e);
}

static int pad(struct program *p, struct err *e)
{
    static const char *const modes[] = {[TRACE_ZEROS] = "constant",
                                        [TRACE_MIRRORED] = "reflect",
                                        [TRACE_REPEATED] = "replicate",
                                        [TRACE_ROUND] = "circular"};
    const char *mode = word(p, "mode");
    int border = TRACE_ZEROS;
    while (mode && border <= TRACE_ROUND && strcmp(mode, modes[border]) != 0)
        border++;
    return border > TRACE_ROUND
               ? trace_refuse(&p->trace, e, "expected padding that is known, found '%.80s'", mode)
               : pad_by(p, "pad", (enum trace_border)border, real(p, "value", 0), e);
}

static int reflection(struct program *p, struct err *e)
{
    return pad_by(p, "padding", TRACE_MIRRORED, 0, e);
}

static int replication(struct program *p, struct err *e)
{
    return pad_by(p, "padding", TRACE_REPEATED, 0, e);
}

/* --- products by an equation, and powers --- */

static int einsum(struct program *p, struct err *e)
{
    const struct trace_symbol *a = listed(p, "tensors", 0), *b = listed(p, "tensors", 1);
    const char *equation = word(p, "equation");
    struct trace_symbol y;
    return finish(p, trace_einsum(&p->trace, equation ? equation : "", a, b, &y, e), &y, e);
}

static int to_power(struct program *p, double exponent, struct err *e)
{
    struct trace_symbol y;
    return finish(p, trace_power(&p->trace, self(p), exponent, &y, e), &y, e);
}

/* p to the power of x. */
static double raised(double x, double p, double q)
{
    (void)q;
    return pow(p, x);
}

/* Both may be tensors, and either a number. */
static int power(struct program *p, struct err *e)
{
    const struct trace_symbol *exponent = input(p, "exponent");
    const double base = real(p, "self", NAN);
    struct trace_symbol y;
    if (!exponent)
        return to_power(p, real(p, "exponent", NAN), e);
    return finish(p,
                  !is_number(p, "self") ? trace_powers(&p->trace, self(p), exponent, &y, e)
                  : trace_is_known(exponent)
                      ? trace_known_function(&p->trace, exponent, raised, base, 0, &y, e)
                      : trace_raise(&p->trace, base, exponent, &y, e),
                  &y, e);
}

static int square(struct program *p, struct err *e)
{
    return to_power(p, 2, e);
}

static int root(struct program *p, struct err *e)
{
    return to_power(p, .5, e);
}

static int inverse_root(struct program *p, struct err *e)
{
    return to_power(p, -.5, e);
}

static int reciprocal(struct program *p, struct err *e)
{
    return to_power(p, -1, e);
}

/* factor e^x - less: exp, exp2 and expm1. */
static int exponential(struct program *p, struct err *e)
{
    struct trace_symbol y;
    if (strncmp(p->op, "exp2", 4) == 0)
        return finish(p, trace_raise(&p->trace, 2, self(p), &y, e), &y, e);
    if (trace_exponential(&p->trace, self(p), &y, e) != 0)
        return -1;
    y.uses = 1;
    return finish(p, strncmp(p->op, "expm1", 5) == 0 ? trace_scale(&p->trace, &y, 1, -1, &y, e) : 0,
                  &y, e);
}

/* log, log2, log10 and log1p. */
static int logarithm(struct program *p, struct err *e)
{
    struct trace_symbol x, y;
    const double base = strncmp(p->op, "log2", 4) == 0    ? 2
                        : strncmp(p->op, "log10", 5) == 0 ? 10
                                                          : M_E;
    if (!self(p))
        return trace_refuse(&p->trace, e, "expected activations, found something else");
    x = *self(p);
    if ((strncmp(p->op, "log1p", 5) == 0 && trace_scale(&p->trace, &x, 1, 1, &x, e) != 0) ||
        trace_logarithm(&p->trace, &x, &y, e) != 0)
        return -1;
    y.uses = 1;
    return finish(p, base != M_E ? trace_scale(&p->trace, &y, 1 / log(base), 0, &y, e) : 0, &y, e);
}

static int error_function(struct program *p, struct err *e)
{
    return function(p, GRAPH_ERF, 0, 0, e);
}

/* The usual norm of vectors. */
static int length(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim[TRACE_DIMS];
    const int n = numbers(p, "dim", dim, TRACE_DIMS);
    if (n < 1 || real(p, argument(p, "p") ? "p" : "ord", 2) != 2)
        return trace_refuse(&p->trace, e, "expected the root of squares over axes, found another");
    return finish(p, trace_length(&p->trace, self(p), dim, n, truth(p, "keepdim"), &y, e), &y, e);
}

/* All axes of x but one, or all. */
static int axes_but(const struct trace_symbol *x, int64_t kept, int64_t dim[TRACE_DIMS])
{
    int n = 0;
    for (int d = 0; d < x->view.dims; d++)
        if (d != kept)
            dim[n++] = d;
    return n;
}

/* The same over all axes but one, or over all. */
static int length_but(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p) ? self(p) : input(p, "v");
    struct trace_symbol y;
    int64_t kept, dim[TRACE_DIMS];
    const bool known = x && whole(p, "dim", 0, &kept) && (kept == -1 || trace_axis(x, kept) >= 0);
    if (!known || real(p, "pow", 2) != 2)
        return trace_refuse(&p->trace, e, "expected the root of squares over axes, found another");
    const int n = axes_but(x, kept, dim);
    return finish(p, trace_length(&p->trace, x, dim, n, true, &y, e), &y, e);
}

/* g v / |v|, the length that of each part of axis `dim`, and it, too. */
static int weight_norm(struct program *p, struct err *e)
{
    const struct trace_symbol *v = input(p, "v"), *g = input(p, "g");
    struct trace_symbol length, y;
    int64_t kept, dim[TRACE_DIMS];
    if (!trace_is_known(v) || !trace_is_known(g) || !whole(p, "dim", 0, &kept) ||
        (kept != -1 && trace_axis(v, kept) < 0))
        return trace_refuse(&p->trace, e, "expected constants and an axis, found others");
    const int n = axes_but(v, kept, dim);
    if (trace_length(&p->trace, v, dim, n, true, &length, e) != 0 ||
        (aten_results(p) > 1 && bind(p, 1, &length, e) != 0) ||
        trace_divide(&p->trace, g, &length, &y, e) != 0)
        return -1;
    return finish(p, trace_multiply(&p->trace, v, &y, &y, e), &y, e);
}

/* --- constants of constants --- */

static int sums_so_far(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim;
    if (!trace_is_known(self(p)) || !whole(p, "dim", 0, &dim))
        return trace_refuse(&p->trace, e,
                            "expected a constant and an axis, found others: sums of activations "
                            "so far are not computed here");
    return finish(p, trace_known_sums(&p->trace, self(p), dim, &y, e), &y, e);
}

static double rest_of(double x, double p, double q)
{
    (void)q;
    return fmod(x, p);
}

static int rest(struct program *p, struct err *e)
{
    const double of = real(p, "other", NAN);
    struct trace_symbol y;
    return trace_is_known(self(p)) && isfinite(of) && of != 0
               ? finish(p, trace_known_function(&p->trace, self(p), rest_of, of, 0, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected a constant and a divisor, found others");
}

static int of_known(struct program *p, double (*f)(double x, double p, double q), struct err *e)
{
    struct trace_symbol y;
    return trace_is_known(self(p))
               ? finish(p, trace_known_function(&p->trace, self(p), f, 0, 0, &y, e), &y, e)
               : trace_refuse(&p->trace, e,
                              "expected a constant, found activations: of these it is not computed "
                              "here");
}

static int sine(struct program *p, struct err *e)
{
    return of_known(p, trace_sine, e);
}

static int cosine(struct program *p, struct err *e)
{
    return of_known(p, trace_cosine, e);
}

/* Parts of a table by their numbers. */
static int embedding(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return finish(
        p, trace_known_index(&p->trace, input(p, "weight"), 0, input(p, "indices"), &y, e), &y, e);
}

static bool is_choice(const struct trace_symbol *index)
{
    return index && trace_is_known(index) && !trace_is_truth(index) &&
           index->tensor->type != CKPT_U8;
}

/* x[:, :, rows[:, None], columns] of the two axes at the end, as padding and nearest cells are
 * taken apart; *done: it is that. */
static int indexed_twice(struct program *p, int n, bool *done, struct err *e)
{
    const struct trace_symbol *rows = listed(p, "indices", (size_t)n - 2);
    const struct trace_symbol *columns = listed(p, "indices", (size_t)n - 1), *x = self(p);
    struct trace_symbol line, y;
    *done = is_choice(rows) && is_choice(columns) && x && rows->view.dims == 2 &&
            trace_size(rows, 1) == 1 && columns->view.dims == 1;
    for (int i = 0; i < n - 2; i++)
        *done = *done && !listed(p, "indices", (size_t)i);
    if (!*done)
        return 0;
    if (trace_squeeze(&p->trace, rows, 1, &line, e) != 0 ||
        trace_take(&p->trace, x, n - 2, &line, &y, e) != 0)
        return -1;
    return finish(p, trace_take(&p->trace, &y, n - 1, columns, &y, e), &y, e);
}

/* x[:, index]. */
static int indexed(struct program *p, struct err *e)
{
    const json_t *arg = argument(p, "indices");
    size_t n = json_array_size(json_object_get(arg, "as_tensors"));
    n = n ? n : json_array_size(json_object_get(arg, "as_optional_tensors"));
    /* Axes that are left as they are, at the end, too */
    const json_t *list = json_object_get(arg, "as_optional_tensors");
    while (n > 1 && json_object_get(json_array_get(list, n - 1), "as_none"))
        n--;
    const struct trace_symbol *index = n ? listed(p, "indices", n - 1) : NULL;
    struct trace_symbol y;
    bool done = false;
    if (n > 1 && n <= TRACE_DIMS && indexed_twice(p, (int)n, &done, e) != 0)
        return -1;
    if (done)
        return 0;
    for (size_t i = 0; i + 1 < n; i++)
        index = listed(p, "indices", i) ? NULL : index;
    if (!index || n > TRACE_DIMS || (trace_is_known(index) && !is_choice(index)))
        return trace_refuse(&p->trace, e, "expected a choice along one axis, found another");
    return finish(p, trace_take(&p->trace, self(p), (int64_t)n - 1, index, &y, e), &y, e);
}

static int index_select(struct program *p, struct err *e)
{
    struct trace_symbol y;
    int64_t dim;
    return whole(p, "dim", 0, &dim)
               ? finish(p, trace_take(&p->trace, self(p), dim, input(p, "index"), &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected an axis, found something else");
}

static int full(struct program *p, double value, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t size[TRACE_DIMS];
    int n = argument(p, "size") ? numbers(p, "size", size, TRACE_DIMS) : -1;
    if (!argument(p, "size") && x)
        for (n = 0; n < x->view.dims; n++)
            size[n] = trace_size(x, n);
    if (n < 0 || isnan(value))
        return trace_refuse(&p->trace, e, "expected a shape and a number, found others");
    /* What there is of several for each image is no tensor of its own. */
    for (int d = 0; d < n; d++)
        if (size[d] > TRACE_IMAGES)
            return trace_known_full(&p->trace, NULL, 0, value, &y, e) != 0
                       ? -1
                       : finish(p, trace_expand(&p->trace, &y, size, n, &y, e), &y, e);
    return finish(p, trace_known_full(&p->trace, size, n, value, &y, e), &y, e);
}

static int zeros(struct program *p, struct err *e)
{
    return full(p, 0, e);
}

static int ones(struct program *p, struct err *e)
{
    return full(p, 1, e);
}

static int scalar(struct program *p, struct err *e)
{
    struct trace_symbol y;
    const double value = real(p, "s", NAN);
    return isnan(value) ? trace_refuse(&p->trace, e, "expected a number, found something else")
                        : finish(p, trace_known_full(&p->trace, NULL, 0, value, &y, e), &y, e);
}

static int filled(struct program *p, struct err *e)
{
    return full(p, real(p, "fill_value", NAN), e);
}

/* fill, which makes a tensor, and fill_ and zero_, which change a view of one. */
static int fill(struct program *p, struct err *e)
{
    const double value = strncmp(p->op, "zero", 4) == 0 ? 0 : real(p, "value", NAN);
    const struct trace_symbol *x = self(p);
    if (p->op[4] != '_')
        return full(p, value, e);
    if (isnan(value))
        return trace_refuse(&p->trace, e, "expected a number, found another value");
    if (trace_known_set(&p->trace, x, NULL, value, e) != 0)
        return -1;
    const struct trace_symbol y = trace_alias(x);
    return bind(p, 0, &y, e);
}

/* A view of a constant becomes what `from` is. */
static int set_part(struct program *p, const struct trace_symbol *part,
                    const struct trace_symbol *from, struct err *e)
{
    int64_t size[TRACE_DIMS];
    struct trace_symbol y;
    if (!trace_is_known(part) || !trace_is_known(from))
        return trace_refuse(&p->trace, e, "expected constants to be set, found something else");
    for (int d = 0; d < part->view.dims; d++)
        size[d] = trace_size(part, d);
    return trace_expand(&p->trace, from, size, part->view.dims, &y, e) != 0
               ? -1
               : trace_known_set(&p->trace, part, &y, 0, e);
}

/* Activations become others of their shape. */
static int replace(struct program *p, const struct trace_symbol *x, const struct trace_symbol *by,
                   struct err *e)
{
    if (!by || by->kind != TRACE_VALUE || !trace_same_sizes(by, x))
        return trace_refuse(&p->trace, e,
                            "expected activations to be set to others of their shape, found "
                            "something else");
    const struct trace_symbol y = trace_alias(by);
    return bind(p, 0, &y, e);
}

/* copy, which makes a tensor, and copy_, which changes a view of one. */
static int set(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    const bool in_place = p->op[4] == '_';
    struct trace_symbol y;
    if (x && x->kind == TRACE_VALUE)
        return replace(p, x, input(p, "src"), e);
    if (!trace_is_known(x))
        return trace_refuse(&p->trace, e, "expected constants to be set, found something else");
    if (in_place)
        y = trace_alias(x);
    else if (trace_known_copy(&p->trace, x, &y, e) != 0)
        return -1;
    return set_part(p, &y, input(p, "src"), e) != 0 ? -1 : bind(p, 0, &y, e);
}

/* A copy of a constant, of which a part is set. */
static int scatter(struct program *p, bool one, struct err *e)
{
    const struct trace_symbol *from = input(p, "src");
    struct trace_symbol y, part;
    int64_t dim, first, end, step;
    if (!trace_is_known(self(p)) || !whole(p, "dim", 0, &dim) ||
        !whole(p, one ? "index" : "start", 0, &first) || !whole(p, "end", INT64_MAX, &end) ||
        !whole(p, "step", 1, &step))
        return trace_refuse(&p->trace, e, "expected a part of a constant, found something else");
    if (trace_known_copy(&p->trace, self(p), &y, e) != 0 ||
        (one ? trace_select(&p->trace, &y, dim, first, &part, e)
             : trace_slice(&p->trace, &y, dim, first, end, step, &part, e)) != 0 ||
        set_part(p, &part, from, e) != 0)
        return -1;
    return bind(p, 0, &y, e);
}

static int select_scatter(struct program *p, struct err *e)
{
    return scatter(p, true, e);
}

static int slice_scatter(struct program *p, struct err *e)
{
    return scatter(p, false, e);
}

static int compare(struct program *p, enum trace_pairing how, struct err *e)
{
    const struct trace_symbol *other = input(p, "other"), *x = self(p);
    const double number = real(p, "other", NAN);
    struct trace_symbol y;
    int64_t one[TRACE_DIMS];
    /* No activation is infinite: what attention is taken apart to asks whether all of a row are. */
    if (how == TRACE_EQUAL && x && !other && !trace_is_known(x) && isinf(number)) {
        for (int d = 0; d < x->view.dims; d++)
            one[d] = 1;
        return trace_known_full(&p->trace, one, x->view.dims, 1, &y, e) != 0
                   ? -1
                   : finish(p, trace_known_number(&p->trace, TRACE_EQUAL, &y, 0, &y, e), &y, e);
    }
    return finish(p,
                  other ? trace_compare(&p->trace, how, self(p), other, &y, e)
                        : trace_compare_number(&p->trace, how, self(p), number, &y, e),
                  &y, e);
}

static int equal(struct program *p, struct err *e)
{
    return compare(p, TRACE_EQUAL, e);
}

static int different(struct program *p, struct err *e)
{
    return compare(p, TRACE_DIFFERENT, e);
}

static int less(struct program *p, struct err *e)
{
    return compare(p, TRACE_LESS, e);
}

static int at_most(struct program *p, struct err *e)
{
    return compare(p, TRACE_AT_MOST, e);
}

static int more(struct program *p, struct err *e)
{
    return compare(p, TRACE_MORE, e);
}

static int at_least(struct program *p, struct err *e)
{
    return compare(p, TRACE_AT_LEAST, e);
}

static bool are_truths(struct program *p, const struct trace_symbol *x)
{
    return x && (x->mask || trace_known_truths(&p->trace, x));
}

/* Operations on bits are computed of truths alone. */
static int of_truths(struct program *p, enum trace_pairing how, struct err *e)
{
    const bool logical = strncmp(p->op, "logical", 7) == 0;
    return logical || (are_truths(p, self(p)) && are_truths(p, input(p, "other")))
               ? compare(p, how, e)
               : trace_refuse(&p->trace, e, "expected truths, found something else");
}

static int both(struct program *p, struct err *e)
{
    return of_truths(p, TRACE_BOTH, e);
}

static int either(struct program *p, struct err *e)
{
    return of_truths(p, TRACE_EITHER, e);
}

static int none_of(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return trace_is_truth(self(p)) || (self(p) && self(p)->mask)
               ? finish(p, trace_compare_number(&p->trace, TRACE_EQUAL, self(p), 0, &y, e), &y, e)
               : trace_refuse(&p->trace, e, "expected truths, found something else");
}

static int range(struct program *p, struct err *e)
{
    static const char *const names[] = {"start", "end", "step"};
    struct trace_symbol y;
    double x[3] = {0, 0, 1};
    for (int i = 0; i < 3; i++) {
        int64_t number;
        x[i] = json_object_get(argument(p, names[i]), "as_float") ? real(p, names[i], NAN)
               : whole(p, names[i], (int64_t)x[i], &number)       ? (double)number
                                                                  : NAN;
    }
    const double n = ceil((x[1] - x[0]) / x[2]);
    if (!(n >= 1 && n <= BUILD_ELEMENTS) || !isfinite(x[0]) || !isfinite(x[2]))
        return trace_refuse(&p->trace, e,
                            "expected from 1 to %d numbers from one end to the other, found others",
                            BUILD_ELEMENTS);
    /* Of whole numbers both ends are cut to such before anything is counted on. */
    const json_int_t type = aten_result(p, 0) ? type_of(p, aten_result(p, 0)->name) : 0;
    const bool cut = type != 0 && !aten_real(type);
    return finish(p,
                  trace_known_range(&p->trace, cut ? trunc(x[0]) : x[0], cut ? trunc(x[2]) : x[2],
                                    (int64_t)n, &y, e),
                  &y, e);
}

/* One of both by a mask; all of one where the mask is one truth. */
static int choose(struct program *p, const struct trace_symbol *mask,
                  const struct trace_symbol *yes, const struct trace_symbol *no, struct err *e)
{
    struct trace_symbol y;
    double one;
    if (trace_is_known(mask) && trace_count(mask) == 1 && yes && no &&
        !(trace_is_known(yes) && trace_is_known(no))) {
        if (trace_number(&p->trace, mask, &one, e) != 0)
            return -1;
        const struct trace_symbol *chosen = one != 0 ? yes : no, *other = one != 0 ? no : yes;
        if (chosen->view.dims >= other->view.dims && chosen->view.dims >= mask->view.dims) {
            y = trace_alias(chosen);
            return bind(p, 0, &y, e);
        }
    }
    if ((yes && yes->kind == TRACE_SCORES) || (no && no->kind == TRACE_SCORES))
        return trace_refuse(&p->trace, e, "expected activations, found products");
    return finish(p, trace_where(&p->trace, mask, yes, no, &y, e), &y, e);
}

static int masked_fill(struct program *p, struct err *e)
{
    struct trace_symbol value;
    const struct trace_symbol *given = input(p, "value");
    if (!given && trace_known_full(&p->trace, NULL, 0, real(p, "value", NAN), &value, e) != 0)
        return -1;
    return choose(p, input(p, "mask"), given ? given : &value, self(p), e);
}

static int where(struct program *p, struct err *e)
{
    static const char *const names[] = {"self", "other"};
    const struct trace_symbol *of[2];
    struct trace_symbol one[2];
    for (int i = 0; i < 2; i++) {
        of[i] = input(p, names[i]);
        if (!of[i] && trace_known_full(&p->trace, NULL, 0, real(p, names[i], NAN), &one[i], e) != 0)
            return -1;
        of[i] = of[i] ? of[i] : &one[i];
    }
    return choose(p, input(p, "condition"), of[0], of[1], e);
}

/* Along axes of size 1, the same. */
static int any_of(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    struct trace_symbol y;
    int64_t dim;
    const int d = x && whole(p, "dim", 0, &dim) ? trace_axis(x, dim) : -1;
    if (d < 0 || !trace_is_truth(x) || trace_size(x, d) != 1)
        return trace_refuse(&p->trace, e, "expected one truth along an axis, found others");
    y = trace_alias(x);
    return finish(p, truth(p, "keepdim") ? 0 : trace_squeeze(&p->trace, x, d, &y, e), &y, e);
}

/* --- the rest --- */

/* The input under another name. */
static int same(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    if (!x || x->kind == TRACE_NOTHING)
        return trace_refuse(&p->trace, e, "expected activations, found something else");
    const struct trace_symbol y = trace_alias(x);
    return bind(p, 0, &y, e);
}

static int detach(struct program *p, struct err *e)
{
    if (same(p, e) != 0)
        return -1;
    p->trace.b->graph->detached |= self(p)->kind == TRACE_VALUE && self(p)->value > 0;
    return 0;
}

static int contiguous(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    return trace_is_computed(x) ? bind_own(p, !trace_is_dense(x), x, e) : same(p, e);
}

/* Pooled channels in the layout of memory that they have. */
static int strided(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    int64_t size[TRACE_DIMS], stride[TRACE_DIMS], from;
    const int n = numbers(p, "size", size, TRACE_DIMS);
    bool same_shape = x && n == x->view.dims && n > 1 &&
                      numbers(p, "stride", stride, TRACE_DIMS) == n && stride[1] == 1 &&
                      stride[0] == size[1] && whole(p, "storage_offset", 0, &from) && from == 0;
    for (int d = 0; d < n && same_shape; d++)
        same_shape = size[d] == trace_size(x, d) && (d < 2 || size[d] == 1);
    return same_shape ? same(p, e)
                      : trace_refuse(&p->trace, e,
                                     "expected strides of one number for each channel, found "
                                     "others");
}

/* Constants are copied, since a copy may be changed. */
static int copy(struct program *p, struct err *e)
{
    struct trace_symbol y;
    return trace_is_known(self(p)) ? finish(p, trace_known_copy(&p->trace, self(p), &y, e), &y, e)
                                   : same(p, e);
}

static int dropout(struct program *p, struct err *e)
{
    const double share = real(p, "p", .5);
    if (truth(p, "train"))
        return trace_refuse(&p->trace, e,
                            "expected no dropout, found one in training: export model.eval()");
    return share >= 0 && share <= 1
               ? same(p, e)
               : trace_refuse(&p->trace, e, "expected a probability from 0 to 1, found %g", share);
}

/* Types of real numbers are one here, float32; constants get those of whole numbers as results, see
 * as_said(). */
static int convert(struct program *p, struct err *e)
{
    const json_t *given = argument(p, "dtype");
    const json_int_t type = json_integer_value(json_object_get(given, "as_scalar_type"));
    struct trace_symbol y;
    if (given && type != ATEN_TRUTH && trace_is_truth(self(p)))
        return finish(p, trace_scale(&p->trace, self(p), 1, 0, &y, e), &y, e);
    if (given && type == ATEN_TRUTH && trace_is_known(self(p)) && !trace_is_truth(self(p)))
        return finish(p, trace_known_number(&p->trace, TRACE_DIFFERENT, self(p), 0, &y, e), &y, e);
    if (given && !trace_is_known(self(p))) {
        if (!aten_real(type))
            return trace_refuse(&p->trace, e, "expected real numbers throughout, found others");
        p->rounds = p->rounds || type == ATEN_FLOAT ? p->rounds : type;
    }
    const struct aten_name *x = aten_named(p, argument(p, "self"));
    if (x && aten_result(p, 0) && trace_is_computed(&x->symbol))
        return bind_own(p, type_of(p, x->name) != type_of(p, aten_result(p, 0)->name), &x->symbol,
                        e);
    return same(p, e);
}

static int size_of(struct program *p, struct err *e)
{
    const struct trace_symbol *x = self(p);
    int64_t dim;
    const int d = x && whole(p, "dim", 0, &dim) ? trace_axis(x, dim) : -1;
    if (d < 0)
        return trace_refuse(&p->trace, e, "expected an axis, found something else");
    const struct trace_symbol y = trace_scalar(trace_size(x, d));
    return bind(p, 0, &y, e);
}

/* Sizes times sizes and the like. */
static int count(struct program *p, struct err *e)
{
    const char op = p->op[0];
    int64_t a, b;
    struct trace_symbol y;
    if (!whole(p, "a", 0, &a) || !whole(p, "b", 0, &b))
        return trace_refuse(&p->trace, e, "expected sizes that are known, found others");
    const struct trace_symbol x = trace_scalar(a), z = trace_scalar(b);
    const int r = op == 'm'   ? trace_multiply(&p->trace, &x, &z, &y, e)
                  : op == 'f' ? trace_divide(&p->trace, &x, &z, &y, e)
                              : trace_add(&p->trace, &x, &z, op == 's' ? -1 : 1, &y, e);
    return finish(p, r, &y, e);
}

/* Names of ATen without the underscore of an operation in place. A view shows the numbers of its
 * input: what changes one of them in place changes the other. */
static const struct aten_maker makers[] = {
    {"__and__", both, false, false},
    {"__or__", either, false, false},
    {"_adaptive_avg_pool2d", grid_mean, false, false},
    {"_log_softmax", log_softmax, false, false},
    {"_native_batch_norm_legit", batch_norm, false, false},
    {"_native_batch_norm_legit_functional", batch_norm, false, false},
    {"_native_batch_norm_legit_no_training", batch_norm, false, false},
    {"_softmax", softmax, false, true},
    {"_to_copy", convert, false, false},
    {"_unsafe_view", view, true, true},
    {"_upsample_bicubic2d_aa", smooth_bicubic, false, false},
    {"_upsample_bilinear2d_aa", smooth_bilinear, false, false},
    {"_upsample_nearest_exact2d", nearest_middle, false, false},
    {"_weight_norm", weight_norm, false, false},
    {"_weight_norm_interface", weight_norm, false, false},
    {"abs", absolute, false, false},
    {"adaptive_avg_pool1d", mean_1d, false, false},
    {"adaptive_avg_pool2d", grid_mean, false, false},
    {"adaptive_max_pool2d", grid_max, false, false},
    {"add", add, false, true},
    {"addcmul", add_product, false, false},
    {"addmm", addmm, false, false},
    {"alias", same, true, true},
    {"alpha_dropout", dropout, true, false},
    {"amax", maximum, false, false},
    {"amin", minimum, false, false},
    {"any", any_of, false, false},
    {"arange", range, false, false},
    {"as_strided", strided, true, false},
    {"avg_pool1d", mean_pool_row, false, false},
    {"avg_pool2d", mean_pool, false, false},
    {"avg_pool3d", mean_pool_deep, false, false},
    {"batch_norm", batch_norm, false, false},
    {"bitwise_and", both, false, false},
    {"bitwise_not", none_of, false, false},
    {"bitwise_or", either, false, false},
    {"bmm", matmul, false, true},
    {"cat", concat, false, false},
    {"celu", celu, false, false},
    {"channel_shuffle", channel_shuffle, false, false},
    {"chunk", chunk, true, false},
    {"clamp", clamp, false, false},
    {"clamp_max", clamp, false, false},
    {"clamp_min", clamp, false, false},
    {"clone", copy, false, true},
    {"col2im", fold, false, false},
    {"constant_pad_nd", pad, false, false},
    {"contiguous", contiguous, true, true},
    {"conv1d", convolution_1d, false, false},
    {"conv2d", convolution, false, false},
    {"conv_transpose2d", transposed, false, false},
    {"convolution", convolution, false, false},
    {"copy", set, true, false},
    {"cos", cosine, false, false},
    {"cumsum", sums_so_far, false, false},
    {"detach", detach, true, true},
    {"div", divide, false, true},
    {"dot", matmul, false, false},
    {"dropout", dropout, true, true},
    {"einsum", einsum, false, true},
    {"elu", elu, false, false},
    {"embedding", embedding, false, false},
    {"eq", equal, false, true},
    {"erf", error_function, false, false},
    {"exp", exponential, false, false},
    {"exp2", exponential, false, false},
    {"expand", expand, true, true},
    {"expand_as", expand_as, true, false},
    {"expm1", exponential, false, false},
    {"feature_dropout", dropout, true, false},
    {"fill", fill, true, false},
    {"flatten", flatten, true, false},
    {"flip", flip, false, false},
    {"fmod", rest, false, false},
    {"full", filled, false, false},
    {"full_like", filled, false, true},
    {"ge", at_least, false, false},
    {"gelu", gelu, false, false},
    {"glu", gated, false, false},
    {"group_norm", group_norm, false, false},
    {"gt", more, false, false},
    {"hardshrink", shrink, false, false},
    {"hardsigmoid", hardsigmoid, false, false},
    {"hardswish", hardswish, false, false},
    {"hardtanh", hardtanh, false, false},
    {"im2col", unfold, false, false},
    {"index", indexed, false, false},
    {"index_select", index_select, false, false},
    {"instance_norm", instance_norm, false, false},
    {"layer_norm", layer_norm, false, false},
    {"le", at_most, false, false},
    {"leaky_relu", leaky_relu, false, false},
    {"lift_fresh_copy", same, false, false},
    {"linalg_vector_norm", length, false, false},
    {"linear", linear, false, false},
    {"log", logarithm, false, false},
    {"log10", logarithm, false, false},
    {"log1p", logarithm, false, false},
    {"log2", logarithm, false, false},
    {"log_sigmoid", log_sigmoid, false, false},
    {"log_sigmoid_forward", log_sigmoid, false, false},
    {"log_softmax", log_softmax, false, false},
    {"logical_and", both, false, false},
    {"logical_not", none_of, false, false},
    {"logical_or", either, false, false},
    {"logsumexp", log_sum, false, false},
    {"lt", less, false, false},
    {"masked_fill", masked_fill, false, false},
    {"matmul", matmul, false, true},
    {"max", maximum, false, false},
    {"max_pool1d", max_pool_row, false, false},
    {"max_pool2d", max_pool, false, false},
    {"max_pool2d_with_indices", max_pool, false, false},
    {"max_pool3d", max_pool_deep, false, false},
    {"max_pool3d_with_indices", max_pool_deep, false, false},
    {"maximum", maximum, false, false},
    {"mean", mean, false, false},
    {"meshgrid", meshgrid, true, false},
    {"min", minimum, false, false},
    {"minimum", minimum, false, false},
    {"mish", mish, false, false},
    {"mm", matmul, false, false},
    {"mul", multiply, false, true},
    {"mv", matmul, false, false},
    {"native_batch_norm", batch_norm, false, false},
    {"native_channel_shuffle", channel_shuffle, false, false},
    {"native_dropout", dropout, false, false},
    {"native_group_norm", group_norm, false, false},
    {"native_layer_norm", layer_norm, false, false},
    {"ne", different, false, false},
    {"neg", negate, false, false},
    {"new_empty", zeros, false, false},
    {"new_full", filled, false, false},
    {"new_ones", ones, false, false},
    {"new_zeros", zeros, false, false},
    {"norm", length, false, false},
    {"norm_except_dim", length_but, false, false},
    {"ones", ones, false, false},
    {"ones_like", ones, false, false},
    {"pad", pad, false, false},
    {"permute", permute, true, false},
    {"pixel_shuffle", pixel_shuffle, false, false},
    {"pixel_unshuffle", pixel_unshuffle, false, false},
    {"pow", power, false, false},
    {"prelu", prelu, false, false},
    {"reciprocal", reciprocal, false, false},
    {"reflection_pad2d", reflection, false, false},
    {"relu", relu, false, false},
    {"relu6", relu6, false, false},
    {"repeat", repeat, false, false},
    {"repeat_interleave", repeat_each, true, false},
    {"replication_pad2d", replication, false, false},
    {"reshape", view, true, true},
    {"reshape_as", view_as, true, false},
    {"roll", roll, false, false},
    {"rrelu", some_leaky_relu, false, false},
    {"rsqrt", inverse_root, false, false},
    {"rsub", subtract_from, false, false},
    {"scalar_tensor", scalar, false, false},
    {"scaled_dot_product_attention", attention, false, false},
    {"select", select_one, true, false},
    {"select_scatter", select_scatter, false, false},
    {"selu", selu, false, false},
    {"sgn", sign_of, false, false},
    {"sigmoid", sigmoid, false, false},
    {"sign", sign_of, false, false},
    {"silu", silu, false, false},
    {"sin", sine, false, false},
    {"slice", slice, true, false},
    {"slice_scatter", slice_scatter, false, false},
    {"softmax", softmax, false, true},
    {"softshrink", shrink, false, false},
    {"softplus", softplus, false, false},
    {"split", split, true, false},
    {"split_with_sizes", split, true, false},
    {"sqrt", root, false, false},
    {"square", square, false, false},
    {"squeeze", squeeze, true, true},
    {"stack", stack, false, false},
    {"sub", subtract, false, false},
    {"sum", total, false, false},
    {"sym_size", size_of, false, false},
    {"swapaxes", transpose, true, false},
    {"swapdims", transpose, true, false},
    {"t", matrix_transpose, true, false},
    {"tanh", hyperbolic, false, false},
    {"threshold", threshold, false, false},
    {"tile", tile, false, false},
    {"to", convert, true, true},
    {"transpose", transpose, true, false},
    {"type_as", same, false, false},
    {"unbind", unbind, true, false},
    {"unflatten", unflatten, true, false},
    {"unsqueeze", unsqueeze, true, true},
    {"upsample_bicubic2d", bicubic, false, false},
    {"upsample_bilinear2d", bilinear, false, false},
    {"upsample_nearest2d", nearest, false, false},
    {"var", variance, false, false},
    {"vdot", matmul, false, false},
    {"view", view, true, true},
    {"view_as", view_as, true, false},
    {"where", where, false, true},
    {"zero", fill, true, false},
    {"zeros", zeros, false, false},
    {"zeros_like", zeros, false, false},
};

/* Of Python's module `operator`, on sizes. */
static const struct aten_maker operators[] = {{"add", count, false, false},
                                              {"floordiv", count, false, false},
                                              {"mul", count, false, false},
                                              {"sub", count, false, false}};

const struct aten_maker *aten_maker(bool of_sizes, const char *name, size_t n)
{
    const struct aten_maker *list = of_sizes ? operators : makers;
    const size_t all =
        of_sizes ? sizeof operators / sizeof *operators : sizeof makers / sizeof *makers;
    for (size_t i = 0; i < all; i++)
        if (strlen(list[i].name) == n && memcmp(list[i].name, name, n) == 0)
            return &list[i];
    return NULL;
}
