/* Arithmetic on shapes, and on the few real numbers that exporters compute from them: done while
 * the graph is read. A number of images that is open is TRACE_IMAGES. */
#include "model/onnx.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double real_at(const struct known *k, int i)
{
    return k->real ? k->r[i] : (double)k->i[i];
}

struct known *onnx_known(const struct onnx_reader *r, const struct ckpt_tensor *t)
{
    unsigned char raw[KNOWN * sizeof(int64_t)];
    float real;
    struct err e;
    const int width = ckpt_type_bytes(t->type);
    const bool whole = t->type >= CKPT_I64 && t->type <= CKPT_BOOL;
    if (t->count > KNOWN || t->ndim > KNOWN_DIMS ||
        (!whole && (t->count != 1 || t->type > CKPT_BF16)))
        return NULL;
    if ((whole ? ckpt_read_raw(r->t->b->ckpt, t, raw, &e)
               : ckpt_read(r->t->b->ckpt, t, &real, &e)) != 0)
        return NULL;
    struct known *k = mem_zero(1, sizeof *k);
    k->real = !whole;
    k->dims = t->ndim;
    k->n = (int)t->count;
    for (int d = 0; d < t->ndim; d++)
        k->shape[d] = (int)t->shape[d];
    k->r[0] = whole ? 0 : real;
    for (int i = 0; i < k->n && whole; i++) {
        uint64_t v = 0;
        for (int b = width - 1; b >= 0; b--)
            v = v << 8 | raw[i * width + b];
        /* The sign of what is narrower. */
        const bool is_signed = t->type <= CKPT_I8;
        if (is_signed && width < 8 && v >> (8 * width - 1))
            v |= UINT64_MAX << 8 * width;
        k->i[i] = (int64_t)v;
    }
    return k;
}

/* An input, which is known. */
static const struct known *arg(const struct onnx_reader *r, size_t i)
{
    return r->in[i].name->known;
}

/* --- one number of two --- */

static bool whole_of(const char *op, int64_t a, int64_t b, int64_t *y)
{
    if (strcmp(op, "Add") == 0)
        return !__builtin_add_overflow(a, b, y);
    if (strcmp(op, "Sub") == 0)
        return !__builtin_sub_overflow(a, b, y);
    if (strcmp(op, "Mul") == 0)
        return !__builtin_mul_overflow(a, b, y);
    if (strcmp(op, "Div") == 0 || strcmp(op, "Mod") == 0) {
        if (b == 0 || (a == INT64_MIN && b == -1))
            return false;
        *y = *op == 'D' ? a / b : a % b + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0);
        return true;
    }
    *y = strcmp(op, "Min") == 0              ? (a < b ? a : b)
         : strcmp(op, "Max") == 0            ? (a > b ? a : b)
         : strcmp(op, "Equal") == 0          ? a == b
         : strcmp(op, "Less") == 0           ? a < b
         : strcmp(op, "Greater") == 0        ? a > b
         : strcmp(op, "LessOrEqual") == 0    ? a <= b
         : strcmp(op, "GreaterOrEqual") == 0 ? a >= b
         : strcmp(op, "And") == 0            ? a && b
                                             : a || b;
    return strcmp(op, "Pow") != 0;
}

static double real_of(const char *op, double a, double b)
{
    return strcmp(op, "Add") == 0   ? a + b
           : strcmp(op, "Sub") == 0 ? a - b
           : strcmp(op, "Mul") == 0 ? a * b
           : strcmp(op, "Div") == 0 ? a / b
           : strcmp(op, "Pow") == 0 ? pow(a, b)
           : strcmp(op, "Min") == 0 ? fmin(a, b)
           : strcmp(op, "Max") == 0 ? fmax(a, b)
                                    : NAN;
}

/* --- arrays --- */

/* Both shapes broadcast; false where they do not fit. */
static bool shape_of_two(const struct known *a, const struct known *b, struct known *y)
{
    y->dims = a->dims > b->dims ? a->dims : b->dims;
    y->n = 1;
    for (int d = 0; d < y->dims; d++) {
        const int from_a = d - (y->dims - a->dims), from_b = d - (y->dims - b->dims);
        const int na = from_a < 0 ? 1 : a->shape[from_a], nb = from_b < 0 ? 1 : b->shape[from_b];
        if (na != nb && na != 1 && nb != 1)
            return false;
        y->shape[d] = na == 1 ? nb : na;
        y->n *= y->shape[d];
        if (y->n > KNOWN)
            return false;
    }
    return true;
}

/* Where element `i` of a broadcast array lies in one of those it is made of. */
static int place(const struct known *y, int i, const struct known *x)
{
    int at = 0, step = 1;
    for (int d = y->dims - 1, k = x->dims - 1; k >= 0; d--, k--) {
        at += x->shape[k] == 1 ? 0 : i % y->shape[d] * step;
        step *= x->shape[k];
        i /= y->shape[d];
    }
    return at;
}

/* Whether what two numbers make depends on how many images there are, and no longer shows it. That
 * there is one image, which is what squeezing asks for, is taken for false. */
static bool tells(const struct onnx_reader *r, int64_t a, int64_t b, int64_t made)
{
    const bool first = trace_counts_images(r->t, a), second = trace_counts_images(r->t, b);
    return first != second && (first ? b : a) > 1 && !trace_counts_images(r->t, made);
}

static bool whole_power(const struct onnx_reader *r, int64_t a, double b, int64_t *y)
{
    const double v = trunc(pow((double)a, b));
    const bool good = fabs(v) <= 0x1p53 && !trace_counts_images(r->t, a);
    *y = good ? (int64_t)v : 0;
    return good;
}

static bool pairwise(const struct onnx_reader *r, struct known *y)
{
    const struct known *a = arg(r, 0), *b = arg(r, 1);
    const char *op = r->node->op;
    bool good = shape_of_two(a, b, y);
    const bool power = strcmp(op, "Pow") == 0; /* whose type is that of what is raised */
    y->real = a->real || (b->real && !power);
    for (int i = 0; i < y->n && good; i++) {
        const int p = place(y, i, a), q = place(y, i, b);
        if (power && !y->real)
            good = whole_power(r, a->i[p], b->real ? b->r[q] : (double)b->i[q], &y->i[i]);
        else if (y->real)
            good = isfinite(y->r[i] = real_of(op, real_at(a, p), real_at(b, q)));
        else
            good = whole_of(op, a->i[p], b->i[q], &y->i[i]);
        if (!y->real && good)
            y->tells = y->tells || tells(r, a->i[p], b->i[q], y->i[i]);
    }
    return good;
}

/* The remainder has the sign of the divisor; with fmod, that of the dividend. */
static bool modulo(const struct onnx_reader *r, struct known *y)
{
    return onnx_int(r, "fmod", 0) == 0 && pairwise(r, y);
}

/* Between two numbers: inputs or, in older sets of operations, attributes. */
static bool clip(const struct onnx_reader *r, struct known *y)
{
    static const char *const words[] = {"", "min", "max"};
    *y = *arg(r, 0);
    for (size_t k = 1; k <= 2; k++) {
        const struct onnx_attribute *a = onnx_at(r, words[k], ONNX_FLOAT);
        const struct known *at = k < r->node->ins && r->in[k].name ? arg(r, k) : NULL;
        if (at && (at->n != 1 || at->real != y->real || a))
            return false;
        for (int i = 0; i < y->n && (at || a); i++) {
            const double v = at ? at->r[0] : (double)a->f;
            if (at && !y->real)
                y->i[i] = (k == 1) == (y->i[i] < at->i[0]) ? at->i[0] : y->i[i];
            else if (!y->real)
                return false;
            else
                y->r[i] = k == 1 ? fmax(y->r[i], v) : fmin(y->r[i], v);
        }
    }
    return true;
}

static bool single(const struct onnx_reader *r, struct known *y)
{
    const struct known *x = arg(r, 0);
    const char *op = r->node->op;
    *y = *x;
    for (int i = 0; i < x->n; i++) {
        const double v = real_at(x, i);
        if (strcmp(op, "Neg") == 0) {
            y->i[i] = x->i[i] == INT64_MIN ? 0 : -x->i[i];
            y->r[i] = -v;
            continue;
        }
        if (strcmp(op, "Not") == 0) {
            y->i[i] = !x->i[i];
            continue;
        }
        y->real = true;
        y->r[i] = strcmp(op, "Sqrt") == 0    ? sqrt(v)
                  : strcmp(op, "Floor") == 0 ? floor(v)
                  : strcmp(op, "Ceil") == 0  ? ceil(v)
                                             : 1 / v;
        if (!isfinite(y->r[i]))
            return false;
    }
    return true;
}

enum { FLOAT = 1, WHOLE = 7, TRUTH = 9 };

int64_t onnx_type_of(const struct onnx_name *x)
{
    const bool real = x->known                      ? x->known->real
                      : x->s.kind == TRACE_CONSTANT ? x->s.tensor->type <= CKPT_BF16
                                                    : x->s.kind != TRACE_NOTHING;
    return x->type ? x->type : trace_is_truth(&x->s) ? TRUTH : real ? FLOAT : WHOLE;
}

/* 0 where the result itself tells. */
static int64_t type_made(const struct onnx_reader *r)
{
    static const char *const truths[] = {"And",  "Equal",       "Greater", "GreaterOrEqual",
                                         "Less", "LessOrEqual", "Not",     "Or"};
    const char *op = r->node->op;
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++)
        if (strcmp(truths[i], op) == 0)
            return TRUTH;
    if (strcmp(op, "Shape") == 0 || strcmp(op, "Size") == 0)
        return WHOLE;
    if (strcmp(op, "DequantizeLinear") == 0)
        return FLOAT;
    if (strcmp(op, "Constant") == 0 || strcmp(op, "ConstantOfShape") == 0 || strcmp(op, "If") == 0)
        return 0;
    if (strcmp(op, "Cast") == 0) {
        const int64_t to = onnx_int(r, "to", 0);
        return onnx_is_real((uint64_t)to) ? FLOAT : to == TRUTH ? TRUTH : WHOLE;
    }
    const struct onnx_name *x =
        onnx_in(r, strcmp(op, "CastLike") == 0 || strcmp(op, "Where") == 0 ? 1 : 0);
    return x ? onnx_type_of(x) : 0;
}

void onnx_note_types(const struct onnx_reader *r)
{
    const int64_t type = type_made(r);
    for (size_t i = 0; i < r->node->outs; i++)
        if (onnx_out(r, i))
            onnx_out(r, i)->type = type;
}

bool onnx_range(int64_t type, double *least, double *most)
{
    static const struct {
        double least, most;
    } of[] = {[2] = {0, 255},
              [3] = {-128, 127},
              [4] = {0, 65535},
              [5] = {-32768, 32767},
              [6] = {-0x1p63, 0x1p63},
              [7] = {-0x1p63, 0x1p63},
              [9] = {-INFINITY, INFINITY},
              [12] = {0, 0x1p32 - 1},
              [13] = {0, 0x1p64}};
    if (type < 0 || (size_t)type >= sizeof of / sizeof *of || of[type].most == 0)
        return false;
    *least = of[type].least;
    *most = of[type].most;
    return true;
}

static bool cast(const struct onnx_reader *r, struct known *y)
{
    double least = 0, most = 0;
    const struct known *x = arg(r, 0);
    const bool like = strcmp(r->node->op, "CastLike") == 0;
    const int64_t to = like ? onnx_type_of(r->in[1].name) : onnx_int(r, "to", 0);
    *y = *x;
    y->real = onnx_is_real((uint64_t)to);
    bool good = y->real || onnx_range(to, &least, &most);
    for (int i = 0; i < x->n && good; i++) {
        const double v = real_at(x, i);
        if (y->real) {
            y->r[i] = v;
        } else if (to == TRUTH) {
            y->i[i] = v != 0;
        } else {
            good = trunc(v) >= least && trunc(v) <= most && (!x->real || fabs(v) < 0x1p62);
            y->i[i] = good && x->real ? (int64_t)v : x->i[i];
        }
    }
    return good;
}

static void copy_element(struct known *y, int i, const struct known *x, int from)
{
    y->i[i] = x->i[from];
    y->r[i] = x->r[from];
}

static bool where(const struct onnx_reader *r, struct known *y)
{
    const struct known *c = arg(r, 0), *a = arg(r, 1), *b = arg(r, 2);
    struct known both = {.n = 0};
    if (!shape_of_two(a, b, &both) || !shape_of_two(c, &both, y) || a->real != b->real)
        return false;
    y->real = a->real;
    for (int i = 0; i < y->n; i++) {
        const struct known *x = c->i[place(y, i, c)] ? a : b;
        copy_element(y, i, x, place(y, i, x));
    }
    return true;
}

static bool axis_in(const struct known *x, int64_t axis, int *d)
{
    *d = (int)(axis < 0 ? axis + x->dims : axis);
    return axis >= -x->dims && axis < x->dims;
}

/* Elements below one of an axis. */
static int below(const struct known *x, int d)
{
    int n = 1;
    for (int k = d + 1; k < x->dims; k++)
        n *= x->shape[k];
    return n;
}

/* Of an axis those with these indices. */
static bool take(const struct known *x, int d, const int *index, int n, struct known *y)
{
    const int inner = below(x, d), each = x->shape[d] * inner, outer = each ? x->n / each : 0;
    *y = *x;
    y->shape[d] = n;
    y->n = outer * n * inner;
    if (y->n > KNOWN)
        return false;
    for (int i = 0; i < y->n; i++)
        copy_element(y, i, x, i / (n * inner) * each + index[i / inner % n] * inner + i % inner);
    return true;
}

static bool gather(const struct onnx_reader *r, struct known *y)
{
    const struct known *x = arg(r, 0), *at = arg(r, 1);
    int d, index[KNOWN];
    if (at->real || at->dims > 1 || !axis_in(x, onnx_int(r, "axis", 0), &d))
        return false;
    for (int i = 0; i < at->n; i++) {
        const int64_t k = at->i[i] < 0 ? at->i[i] + x->shape[d] : at->i[i];
        if (k < 0 || k >= x->shape[d])
            return false;
        index[i] = (int)k;
    }
    if (!take(x, d, index, at->n, y))
        return false;
    if (at->dims == 0) {
        memmove(&y->shape[d], &y->shape[d + 1], (size_t)(y->dims - d - 1) * sizeof *y->shape);
        y->dims--;
    }
    return true;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static bool slice_axis(struct known *x, int64_t axis, int64_t from, int64_t to, int64_t step)
{
    int d, index[KNOWN], n = 0;
    struct known y;
    if (!axis_in(x, axis, &d) || step == 0 || step > KNOWN || step < -KNOWN)
        return false;
    const int64_t size = x->shape[d];
    from = clamp(from < 0 ? from + size : from, step < 0 ? -1 : 0, step < 0 ? size - 1 : size);
    to = clamp(to < 0 ? to + size : to, step < 0 ? -1 : 0, step < 0 ? size - 1 : size);
    for (int64_t i = from; step > 0 ? i < to : i > to; i += step)
        index[n++] = (int)i;
    if (!take(x, d, index, n, &y))
        return false;
    *x = y;
    return true;
}

static bool slice(const struct onnx_reader *r, struct known *y)
{
    struct err e;
    int64_t from[KNOWN], to[KNOWN], axes[KNOWN], steps[KNOWN];
    int n, m, k, s;
    if (onnx_list(r, "starts", 1, from, &n, &e) != 0 || onnx_list(r, "ends", 2, to, &m, &e) != 0 ||
        onnx_list(r, "axes", 3, axes, &k, &e) != 0 || onnx_list(r, "steps", 4, steps, &s, &e) != 0)
        return false;
    *y = *arg(r, 0);
    bool good = n == m && n >= 0 && (k < 0 || k == n) && (s < 0 || s == n);
    for (int i = 0; i < n && good; i++)
        good = slice_axis(y, k < 0 ? i : axes[i], from[i], to[i], s < 0 ? 1 : steps[i]);
    return good;
}

static bool concat(const struct onnx_reader *r, struct known *y)
{
    int d;
    *y = *arg(r, 0);
    if (!axis_in(y, onnx_int(r, "axis", 0), &d) || d != 0)
        return false;
    for (size_t k = 1; k < r->node->ins; k++) {
        const struct known *x = onnx_in(r, k) ? arg(r, k) : NULL;
        if (!x || x->dims != y->dims || x->real != y->real || y->n + x->n > KNOWN ||
            memcmp(&x->shape[1], &y->shape[1], (size_t)(x->dims - 1) * sizeof *x->shape) != 0)
            return false;
        for (int i = 0; i < x->n; i++)
            copy_element(y, y->n++, x, i);
        y->shape[0] += x->shape[0];
    }
    return true;
}

static bool reshape(const struct onnx_reader *r, struct known *y)
{
    const struct known *x = arg(r, 0), *to = arg(r, 1);
    int64_t known = 1;
    int open = -1;
    if (to->real || to->dims != 1 || to->n > KNOWN_DIMS)
        return false;
    *y = *x;
    y->dims = to->n;
    for (int d = 0; d < to->n; d++) {
        const int64_t size = to->i[d] == 0 && d < x->dims ? x->shape[d] : to->i[d];
        if (size < -1 || size > KNOWN || (size == -1 && open >= 0))
            return false;
        open = size == -1 ? d : open;
        known *= size == -1 ? 1 : size;
        y->shape[d] = (int)size;
    }
    if (open >= 0) {
        if (known == 0 || x->n % known != 0)
            return false;
        y->shape[open] = (int)(x->n / known);
        known *= y->shape[open];
    }
    return known == x->n;
}

static bool transpose(const struct onnx_reader *r, struct known *y)
{
    const struct known *x = arg(r, 0);
    const struct onnx_attribute *a = onnx_at(r, "perm", ONNX_INTS);
    if (x->dims > 2 || (a && a->n != (size_t)x->dims))
        return false;
    const int64_t first = a && x->dims > 0 ? a->ints[0] : x->dims - 1;
    if (x->dims > 0 &&
        (first < 0 || first >= x->dims || (a && x->dims > 1 && a->ints[1] != 1 - first)))
        return false;
    *y = *x;
    if (first == 0 || x->dims < 2)
        return true;
    y->shape[0] = x->shape[1];
    y->shape[1] = x->shape[0];
    for (int i = 0; i < x->n; i++)
        copy_element(y, i, x, i % x->shape[0] * x->shape[1] + i / x->shape[0]);
    return true;
}

/* Axes of size 1 go, or come. */
static bool resize_axes(const struct onnx_reader *r, struct known *y)
{
    const struct known *x = arg(r, 0);
    const bool come = *r->node->op == 'U';
    int64_t axes[KNOWN];
    struct err e;
    int n;
    if (onnx_list(r, "axes", 1, axes, &n, &e) != 0)
        return false;
    *y = *x;
    const int dims = come ? x->dims + n : x->dims;
    bool named[KNOWN_DIMS] = {false};
    if (dims > KNOWN_DIMS || (come && n < 1))
        return false;
    for (int i = 0; i < n; i++) {
        const int64_t d = axes[i] < 0 ? axes[i] + dims : axes[i];
        if (d < 0 || d >= dims || named[d])
            return false;
        named[d] = true;
    }
    int from = 0, to = 0;
    for (int d = 0; d < dims; d++) {
        const bool here = n < 0 ? x->shape[d] == 1 : named[d];
        if (come)
            y->shape[d] = here ? 1 : x->shape[from++];
        else if (here && x->shape[d] != 1)
            return false;
        else if (!here)
            y->shape[to++] = x->shape[d];
    }
    y->dims = come ? dims : to;
    return true;
}

/* --- what shapes are made of --- */

static void one_axis(struct known *y, int n)
{
    *y = (struct known){.dims = 1, .n = n, .shape = {n}};
}

/* The shape of activations or of a tensor, from axis `start` to `end`. */
static bool shape_of(const struct onnx_reader *r, const struct onnx_name *x, struct known *y)
{
    const bool known = x->known != NULL;
    const int dims = known ? x->known->dims : x->s.view.dims;
    const int64_t start = onnx_int(r, "start", 0), end = onnx_int(r, "end", dims);
    const int64_t from = clamp(start < 0 ? start + dims : start, 0, dims);
    const int64_t to = clamp(end < 0 ? end + dims : end, 0, dims);
    if (!known && x->s.kind != TRACE_VALUE && x->s.kind != TRACE_CONSTANT)
        return false;
    one_axis(y, to > from ? (int)(to - from) : 0);
    for (int i = 0; i < y->n; i++)
        y->i[i] = known ? x->known->shape[from + i] : trace_size(&x->s, (int)from + i);
    if (strcmp(r->node->op, "Shape") == 0)
        return true;
    int64_t all = 1;
    for (int i = 0; i < y->n; i++)
        if (__builtin_mul_overflow(all, y->i[i], &all))
            return false;
    *y = (struct known){.n = 1, .i = {all}};
    return true;
}

static bool fill(const struct onnx_reader *r, struct known *y)
{
    const struct known *shape = arg(r, 0);
    /* The value's tensor stands under the name of the node's result. */
    const struct ckpt_tensor *t =
        onnx_at(r, "value", ONNX_TENSOR) ? ckpt_find(r->t->b->ckpt, r->node->out[0]) : NULL;
    struct known *value = t ? onnx_known(r, t) : NULL;
    *y = (struct known){.real = value ? value->real : true, .dims = shape->n, .n = 1};
    bool good = !shape->real && shape->n <= KNOWN_DIMS && (!t || (value && value->n == 1));
    for (int d = 0; d < shape->n && good; d++) {
        good = shape->i[d] >= 0 && shape->i[d] <= KNOWN && (y->n *= (int)shape->i[d]) <= KNOWN;
        y->shape[d] = (int)shape->i[d];
    }
    for (int i = 0; i < y->n && good && value; i++)
        copy_element(y, i, value, 0);
    free(value);
    return good;
}

static bool range(const struct onnx_reader *r, struct known *y)
{
    const struct known *from = arg(r, 0), *to = arg(r, 1), *step = arg(r, 2);
    if (from->real || to->real || step->real || from->n != 1 || to->n != 1 || step->n != 1 ||
        step->i[0] == 0)
        return false;
    one_axis(y, 0);
    for (int64_t v = from->i[0]; step->i[0] > 0 ? v < to->i[0] : v > to->i[0];) {
        if (y->n == KNOWN)
            return false;
        y->i[y->n++] = v;
        if (__builtin_add_overflow(v, step->i[0], &v))
            return false;
    }
    y->shape[0] = y->n;
    return true;
}

static bool expand(const struct onnx_reader *r, struct known *y)
{
    const struct known *x = arg(r, 0), *to = arg(r, 1);
    struct known shape = {.dims = to->n, .n = 1};
    if (to->real || to->dims != 1 || to->n > KNOWN_DIMS)
        return false;
    for (int d = 0; d < to->n; d++) {
        if (to->i[d] < 0 || to->i[d] > KNOWN)
            return false;
        shape.shape[d] = (int)to->i[d];
    }
    if (!shape_of_two(x, &shape, y))
        return false;
    y->real = x->real;
    for (int i = 0; i < y->n; i++)
        copy_element(y, i, x, place(y, i, x));
    return true;
}

static bool product(const struct onnx_reader *r, struct known *y)
{
    const struct known *x = arg(r, 0);
    int64_t all = 1;
    struct err e;
    bool keep;
    if (x->real || x->dims != 1 || onnx_flag(r, "keepdims", true, &keep, &e) != 0)
        return false;
    for (int i = 0; i < x->n; i++)
        if (__builtin_mul_overflow(all, x->i[i], &all))
            return false;
    *y = (struct known){.n = 1, .i = {all}};
    if (keep) {
        y->dims = 1;
        y->shape[0] = 1;
    }
    return true;
}

/* Constant: a tensor stands in the checkpoint under the result's name. */
static bool constant(const struct onnx_reader *r, struct known *y)
{
    const struct onnx_node *n = r->node;
    for (size_t i = 0; i < n->ats; i++) {
        const struct onnx_attribute *a = &n->at[i];
        if (a->type == ONNX_INT || a->type == ONNX_FLOAT) {
            *y = (struct known){
                .real = a->type == ONNX_FLOAT, .n = 1, .i = {a->i}, .r = {(double)a->f}};
            return true;
        }
        if ((a->type != ONNX_INTS && a->type != ONNX_FLOATS) || a->n > KNOWN)
            continue;
        one_axis(y, (int)a->n);
        y->real = a->type == ONNX_FLOATS;
        for (size_t k = 0; k < a->n; k++) {
            y->i[k] = y->real ? 0 : a->ints[k];
            y->r[k] = y->real ? (double)a->floats[k] : 0;
        }
        return true;
    }
    return false;
}

/* --- the table --- */

static const struct {
    const char *op;
    bool (*fold)(const struct onnx_reader *r, struct known *y);
    size_t ins;  /* at least */
    bool shapes; /* moves numbers, and makes none: of a tensor it makes a tensor */
} folds[] = {
    {"Add", pairwise, 2, false},
    {"And", pairwise, 2, false},
    {"Cast", cast, 1, false},
    {"CastLike", cast, 2, false}, /* to the type of the second */
    {"Ceil", single, 1, false},
    {"Clip", clip, 1, false},
    {"Concat", concat, 1, true},
    {"ConstantOfShape", fill, 1, true},
    {"Div", pairwise, 2, false},
    {"Equal", pairwise, 2, false},
    {"Expand", expand, 2, true},
    {"Floor", single, 1, false},
    {"Gather", gather, 2, true},
    {"Greater", pairwise, 2, false},
    {"GreaterOrEqual", pairwise, 2, false},
    {"Less", pairwise, 2, false},
    {"LessOrEqual", pairwise, 2, false},
    {"Max", pairwise, 2, false},
    {"Min", pairwise, 2, false},
    {"Mod", modulo, 2, false},
    {"Mul", pairwise, 2, false},
    {"Neg", single, 1, false},
    {"Not", single, 1, false},
    {"Or", pairwise, 2, false},
    {"Pow", pairwise, 2, false},
    {"Range", range, 3, false},
    {"Reciprocal", single, 1, false},
    {"ReduceProd", product, 1, false},
    {"Reshape", reshape, 2, true},
    {"Slice", slice, 1, true},
    {"Sqrt", single, 1, false},
    {"Squeeze", resize_axes, 1, true},
    {"Sub", pairwise, 2, false},
    {"Transpose", transpose, 1, true},
    {"Unsqueeze", resize_axes, 1, true},
    {"Where", where, 3, false},
};

static int keep(struct onnx_reader *r, const struct known *y)
{
    struct onnx_name *out = onnx_out(r, 0);
    if (out) {
        free(out->known);
        out->known = mem_alloc(1, sizeof *out->known);
        *out->known = *y;
    }
    return 1;
}

/* Whether all inputs are known, at least `n`. */
static bool all_known(const struct onnx_reader *r, size_t n)
{
    for (size_t i = 0; i < r->node->ins; i++)
        if (r->in[i].name ? !r->in[i].name->known : i < n)
            return false;
    return r->node->ins >= n;
}

/* Whether both are small and what they make is not. */
static bool becomes_large(const struct onnx_reader *r, size_t f)
{
    struct known y = {.n = 0};
    const struct known *a = arg(r, 0), *b = folds[f].fold == pairwise ? arg(r, 1) : NULL;
    return b && !shape_of_two(a, b, &y) && y.n > KNOWN;
}

bool onnx_counts_images(const struct onnx_reader *r, const struct known *k)
{
    bool counts = k->real && k->counts;
    /* The largest number is the end of a slice that has none. */
    for (int i = 0; i < k->n; i++)
        counts = counts || (!k->real && k->i[i] != INT64_MAX && trace_counts_images(r->t, k->i[i]));
    return counts;
}

/* Whether the result of a fold counts images as input i does. Of whole numbers that are moved,
 * those do that are moved. */
static bool counts_as(const struct onnx_reader *r, size_t f, size_t i, const struct known *y)
{
    const struct known *a = r->in[i].name ? arg(r, i) : NULL;
    const bool moved = folds[f].shapes && !y->real && (i == 0 || folds[f].fold == concat);
    return a && (a->counts || ((a->real || !moved) && onnx_counts_images(r, a)));
}

int onnx_fold(struct onnx_reader *r, struct err *e)
{
    const char *op = r->node->op;
    struct known y = {.n = 0};
    if (strcmp(op, "Constant") == 0)
        return constant(r, &y) ? keep(r, &y) : 0;
    if ((strcmp(op, "Shape") == 0 || strcmp(op, "Size") == 0) && onnx_in(r, 0))
        return shape_of(r, onnx_in(r, 0), &y)
                   ? keep(r, &y)
                   : trace_refuse(r->t, e, "expected activations of a known shape, found others");
    size_t f = 0;
    while (f < sizeof folds / sizeof *folds && strcmp(folds[f].op, op) != 0)
        f++;
    if (f == sizeof folds / sizeof *folds || !all_known(r, folds[f].ins) ||
        (folds[f].shapes && arg(r, 0)->real && r->in[0].name->s.kind == TRACE_CONSTANT))
        return 0;
    const bool good = folds[f].fold(r, &y);
    if (!good && (folds[f].shapes || becomes_large(r, f)))
        return 0; /* a tensor of many numbers */
    for (size_t i = 0; i < r->node->ins; i++) {
        y.counts = y.counts || counts_as(r, f, i, &y);
        y.tells = y.tells || (r->in[i].name && arg(r, i)->tells);
    }
    return good
               ? keep(r, &y)
               : trace_refuse(r->t, e,
                              "expected arithmetic on a shape of at most %d numbers, found numbers "
                              "out of range",
                              KNOWN);
}
