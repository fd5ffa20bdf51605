/* Constants that a program computes of constants: masks and places of windows. They are computed
 * while the program is read. */
#include "model/trace_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that are made, and one more for every byte of the file; numbers that are read for that
 * and products in them, and 4 more for every byte. */
enum { MADE = 1 << 22, READ = 1 << 26 };

static const char name_of_computed[] = "a computed tensor", name_of_truths[] = "computed truths";

/* A tensor of the build, which frees it, with its numbers. */
struct computed {
    struct ckpt_tensor tensor; /* first: the build's list is of tensors */
    int ops;                   /* of the graph when it was made */
    bool repeated;             /* for each image */
    float number[];
};

bool trace_is_known(const struct trace_symbol *x)
{
    return x && x->kind == TRACE_CONSTANT;
}

bool trace_is_truth(const struct trace_symbol *x)
{
    return trace_is_known(x) && (x->tensor->type == CKPT_BOOL || x->tensor->name == name_of_truths);
}

/* Without a repetition for any number of images: nothing depends on it. */
static struct trace_symbol of_one(const struct trace_symbol *x)
{
    struct trace_symbol y = *x;
    struct trace_view v = {.offset = x->view.offset};
    for (int d = 0; d < x->view.dims; d++) {
        const struct trace_factor *f = view_factors(&x->view, d);
        bool room = view_axis(&v);
        for (int i = 0; i < x->view.count[d] && room; i++)
            room = (f[i].n == TRACE_IMAGES && f[i].stride == 0) ||
                   view_factor(&v, f[i].n, f[i].stride);
        if (!room)
            return *x;
    }
    y.view = v;
    return y;
}

/* Whether an axis repeats a constant for any number of images. */
static bool is_repeated(const struct trace_symbol *x, int dim)
{
    const struct trace_factor *f = view_factors(&x->view, dim);
    bool is = false;
    for (int i = 0; i < x->view.count[dim]; i++)
        is = is || f[i].n == TRACE_IMAGES;
    return is;
}

static bool any_repeated(const struct trace_symbol *x)
{
    bool is = false;
    for (int d = 0; d < x->view.dims; d++)
        is = is || is_repeated(x, d);
    return is;
}

/* Where an axis of a constant counts images, among how many cells of each: those that run slower
 * and those that run faster. false: it does not, or more than once. */
static bool among_cells(const struct trace_symbol *x, int dim, int64_t *slower, int64_t *faster)
{
    const struct trace_factor *f = view_factors(&x->view, dim);
    int found = 0;
    *slower = *faster = 1;
    for (int i = 0; i < x->view.count[dim]; i++)
        if (f[i].n == TRACE_IMAGES && f[i].stride == 0)
            found++;
        else
            *(found ? faster : slower) *= f[i].n;
    return found == 1;
}

/* The factors of axis `dim` of y, again for each image as axis `as` of x has them. */
static bool repeat_axis(struct trace_view *v, const struct trace_symbol *y, int dim,
                        const struct trace_symbol *x, int as)
{
    int64_t slower, faster, before, behind;
    if (as < 0 || !is_repeated(x, as))
        return view_copy(v, &y->view, dim);
    if (!among_cells(x, as, &slower, &faster))
        return false;
    if (is_repeated(y, dim))
        return among_cells(y, dim, &before, &behind) && before == slower && behind == faster &&
               view_copy(v, &y->view, dim);
    const int64_t stride = y->view.count[dim] ? view_factors(&y->view, dim)->stride : 0;
    return y->view.count[dim] <= 1 && view_size(&y->view, dim) == slower * faster &&
           view_factor(v, slower, stride * faster) && view_factor(v, TRACE_IMAGES, 0) &&
           view_factor(v, faster, stride);
}

/* y, which was made for one image, again for each along the axes where x is, both counted from
 * their last: what goes over such an axis is to be refused, as images do not mix. */
static int repeat_as(const struct trace *t, struct trace_symbol *y, const struct trace_symbol *x,
                     struct err *e)
{
    const int front = y->view.dims - x->view.dims;
    struct trace_view v = {.offset = y->view.offset};
    if (!any_repeated(x))
        return 0;
    for (int d = 0; d < y->view.dims; d++)
        if (!view_axis(&v) || !repeat_axis(&v, y, d, x, d - front))
            return trace_refuse(t, e,
                                "expected constants of each image along the same axes, found "
                                "others");
    ((struct computed *)y->tensor)->repeated = true;
    *y = trace_viewed(y, &v);
    return 0;
}

int trace_work(struct trace *t, int64_t n, struct err *e)
{
    const int64_t most = READ + 4 * (int64_t)ckpt_stored(t->b->ckpt);
    if (n <= READ)
        t->read += n;
    return n > READ || t->read > most
               ? trace_refuse(t, e, "expected at most %lld numbers read for constants, found more",
                              (long long)most)
               : 0;
}

static int64_t most_numbers(const struct trace *t)
{
    return MADE + (int64_t)ckpt_stored(t->b->ckpt);
}

static int count_made(struct trace *t, int64_t n, struct err *e)
{
    const int64_t most = most_numbers(t);
    if (n <= READ)
        t->made += n;
    return n > READ || t->made > most
               ? trace_refuse(t, e,
                              "expected constants in keeping with the file, found more than "
                              "%lld numbers made of it",
                              (long long)most)
               : 0;
}

/* A tensor of that shape, whose numbers are set by the caller; NULL on errors. */
static float *make(struct trace *t, const int64_t *size, int dims, struct trace_symbol *y,
                   struct err *e)
{
    int64_t n = 1;
    if (dims > TRACE_DIMS) {
        trace_record(t, e, "expected at most %d axes, found %d", TRACE_DIMS, dims);
        return NULL;
    }
    for (int d = 0; d < dims; d++)
        if (size[d] < 1 || __builtin_mul_overflow(n, size[d], &n))
            n = INT64_MAX;
    if (count_made(t, n, e) != 0)
        return NULL;
    struct computed *c = mem_alloc(1, sizeof *c + (size_t)n * sizeof(float));
    *c = (struct computed){.tensor = {.name = name_of_computed,
                                      .type = CKPT_F32,
                                      .ndim = dims,
                                      .count = n,
                                      .elements = n,
                                      .p = (const unsigned char *)c->number},
                           .ops = t->b->graph->ops};
    int64_t stride = 1;
    for (int d = dims - 1; d >= 0; stride *= size[d--]) {
        c->tensor.shape[d] = size[d];
        c->tensor.stride[d] = stride;
    }
    struct build *b = t->b;
    b->view = mem_extend(b->view, b->views, b->views + 1, sizeof(void *));
    b->view[b->views++] = &c->tensor;
    *y = trace_constant(&c->tensor);
    return c->number;
}

static int shape_of(const struct trace_symbol *x, int64_t *size)
{
    for (int d = 0; d < x->view.dims; d++)
        size[d] = trace_size(x, d);
    return x->view.dims;
}

float *trace_known_all(struct trace *t, const struct trace_symbol *x, struct err *e)
{
    const struct ckpt_tensor *v;
    if (trace_expect(t, x, TRACE_CONSTANT, "a constant", e) != 0 ||
        trace_work(t, trace_count(x), e) != 0 || trace_tensor(t, x, &v, e) != 0)
        return NULL;
    const size_t n = (size_t)trace_count(x);
    if (n > (size_t)most_numbers(t)) {
        trace_record(t, e, "expected constants in keeping with the file, found %zu numbers", n);
        return NULL;
    }
    float *out = mem_alloc(n, sizeof *out);
    if (v->type < CKPT_I64 || v->type > CKPT_BOOL) {
        if (ckpt_read(t->b->ckpt, v, out, e) == 0)
            return out;
        free(out);
        return NULL;
    }
    const int width = ckpt_type_bytes(v->type);
    unsigned char *raw = mem_alloc(n, (size_t)width);
    const int r = ckpt_read_raw(t->b->ckpt, v, raw, e);
    for (size_t i = 0; i < n && r == 0; i++) {
        uint64_t bits = 0;
        for (int b = width - 1; b >= 0; b--)
            bits = bits << 8 | raw[i * (size_t)width + (size_t)b];
        if (v->type <= CKPT_I8 && width < 8 && bits >> (8 * width - 1))
            bits |= UINT64_MAX << 8 * width;
        out[i] = (float)(int64_t)bits;
    }
    free(raw);
    if (r == 0)
        return out;
    free(out);
    return NULL;
}

/* No NaN, and infinite numbers as far ones. */
static bool settle_number(float *x)
{
    if (isnan(*x))
        return false;
    *x = *x > CKPT_FAR ? CKPT_FAR : *x < -CKPT_FAR ? -CKPT_FAR : *x;
    return true;
}

static int settled(const struct trace *t, float *x, int64_t n, struct err *e)
{
    for (int64_t i = 0; i < n; i++)
        if (!settle_number(&x[i]))
            return trace_refuse(t, e, "expected constants that are numbers, found NaN");
    return 0;
}

int trace_known_full(struct trace *t, const int64_t *size, int dims, double value,
                     struct trace_symbol *y, struct err *e)
{
    int64_t one[TRACE_DIMS];
    for (int d = 0; d < dims && d < TRACE_DIMS; d++)
        one[d] = size[d] == TRACE_IMAGES ? 1 : size[d];
    float *to = make(t, one, dims, y, e);
    if (!to)
        return -1;
    struct computed *c = (struct computed *)y->tensor;
    for (int64_t i = 0; i < c->tensor.count; i++)
        to[i] = (float)value;
    for (int d = 0; d < dims; d++)
        c->repeated = c->repeated || size[d] == TRACE_IMAGES;
    return settled(t, to, c->tensor.count, e) != 0 ||
                   (c->repeated && trace_expand(t, y, size, dims, y, e) != 0)
               ? -1
               : 0;
}

/* For one image. */
static int copy_of_one(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                       struct err *e)
{
    int64_t size[TRACE_DIMS] = {0};
    const struct trace_symbol one = of_one(x);
    const int dims = shape_of(&one, size);
    const bool truth = trace_is_truth(x);
    float *from = trace_known_all(t, &one, e), *to = from ? make(t, size, dims, y, e) : NULL;
    if (to) {
        memcpy(to, from, (size_t)trace_count(y) * sizeof *to);
        if (truth)
            ((struct computed *)y->tensor)->tensor.name = name_of_truths;
    }
    free(from);
    return to ? 0 : -1;
}

int trace_known_copy(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                     struct err *e)
{
    struct trace_symbol made;
    if (copy_of_one(t, x, &made, e) != 0 || repeat_as(t, &made, x, e) != 0)
        return -1;
    *y = made;
    return 0;
}

bool trace_is_computed(const struct trace_symbol *x)
{
    return trace_is_known(x) &&
           (x->tensor->name == name_of_computed || x->tensor->name == name_of_truths);
}

int trace_known_set(struct trace *t, const struct trace_symbol *given,
                    const struct trace_symbol *by, double value, struct err *e)
{
    if (!trace_is_computed(given))
        return trace_refuse(t, e, "expected a tensor that the program made, found another");
    const struct trace_symbol one = of_one(given), *x = &one;
    const struct trace_symbol other = by ? of_one(by) : one, *to = by ? &other : NULL;
    struct computed *c = (struct computed *)x->tensor;
    const int64_t n = trace_count(x);
    if (c->repeated && !any_repeated(given))
        return trace_refuse(t, e, "expected all images to go one way, found a change of some");
    if (c->ops != t->b->graph->ops)
        return trace_refuse(t, e,
                            "expected constants that are done before they are used, found "
                            "one that is changed later");
    float *from = NULL;
    if (n > c->tensor.count)
        return trace_refuse(t, e, "expected each number to be set once, found a repetition");
    if ((to && trace_count(to) != n) || trace_work(t, n, e) != 0 ||
        (to && !(from = trace_known_all(t, to, e))))
        return to && trace_count(to) != n
                   ? trace_refuse(t, e, "expected as many numbers as are set, found others")
                   : -1;
    int *place = mem_alloc((size_t)n, sizeof *place);
    view_places(&x->view, 0, place);
    for (int64_t i = 0; i < n; i++)
        c->number[place[i]] = from ? from[i] : (float)value;
    const int r = settled(t, c->number, c->tensor.count, e);
    free(place);
    free(from);
    return r;
}

/* --- element by element --- */

/* The shape of both, of which sizes of 1 are repeated; -1 where they do not fit. */
static int shape_of_both(const struct trace_symbol *a, const struct trace_symbol *b, int64_t *size)
{
    const int dims = a->view.dims > b->view.dims ? a->view.dims : b->view.dims;
    for (int d = 0; d < dims; d++) {
        const int da = d - (dims - a->view.dims), db = d - (dims - b->view.dims);
        const int64_t n = da < 0 ? 1 : trace_size(a, da), m = db < 0 ? 1 : trace_size(b, db);
        if (n != m && n != 1 && m != 1)
            return -1;
        size[d] = n == 1 ? m : n;
    }
    return dims;
}

/* x as if it had that shape, in C order. */
static float *read_as(struct trace *t, const struct trace_symbol *x, const int64_t *size, int dims,
                      struct err *e)
{
    struct trace_symbol wide;
    return trace_expand(t, x, size, dims, &wide, e) == 0 ? trace_known_all(t, &wide, e) : NULL;
}

static float of_two(enum trace_pairing how, float a, float b)
{
    switch (how) {
    case TRACE_SUM:
        return a + b;
    case TRACE_DIFFERENCE:
        return a - b;
    case TRACE_PRODUCT:
        return a * b;
    case TRACE_QUOTIENT:
        return a / b;
    case TRACE_EQUAL:
        return a == b;
    case TRACE_DIFFERENT:
        return a != b;
    case TRACE_LESS:
        return a < b;
    case TRACE_AT_MOST:
        return a <= b;
    case TRACE_MORE:
        return a > b;
    case TRACE_AT_LEAST:
        return a >= b;
    case TRACE_BOTH:
        return a != 0 && b != 0;
    case TRACE_EITHER:
        return a != 0 || b != 0;
    }
    return NAN;
}

struct trace_symbol trace_known_mask(struct trace *t, const struct trace_symbol *x)
{
    struct trace_symbol y = *x;
    if (!trace_is_known(x) || trace_is_computed(x) || x->tensor->type > CKPT_BF16)
        return y;
    struct ckpt_tensor far = *x->tensor;
    far.far = true;
    y.tensor = trace_keep(t, &far);
    return y;
}

int trace_known_two(struct trace *t, enum trace_pairing how, const struct trace_symbol *given,
                    const struct trace_symbol *other, struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    if (trace_expect(t, given, TRACE_CONSTANT, "a constant", e) != 0 ||
        trace_expect(t, other, TRACE_CONSTANT, "a constant", e) != 0)
        return -1;
    const bool compares = how >= TRACE_EQUAL;
    const struct trace_symbol x[] = {compares ? trace_known_mask(t, given) : *given,
                                     compares ? trace_known_mask(t, other) : *other};
    const struct trace_symbol one = of_one(&x[0]), two = of_one(&x[1]), *a = &one, *b = &two;
    const int dims = shape_of_both(a, b, size);
    if (dims < 0)
        return trace_refuse(t, e, "expected sizes that are equal or 1, found others");
    struct trace_symbol made;
    float *to = make(t, size, dims, &made, e), *p = to ? read_as(t, a, size, dims, e) : NULL;
    float *q = p ? read_as(t, b, size, dims, e) : NULL;
    for (int64_t i = 0; q && i < trace_count(&made); i++)
        to[i] = of_two(how, p[i], q[i]);
    if (q && compares)
        ((struct computed *)made.tensor)->tensor.name = name_of_truths;
    const int r = q ? settled(t, to, trace_count(&made), e) : -1;
    free(p);
    free(q);
    if (r != 0 || repeat_as(t, &made, given, e) != 0 || repeat_as(t, &made, other, e) != 0)
        return -1;
    *y = made;
    return 0;
}

int trace_known_scaled(struct trace *t, const struct trace_symbol *x,
                       const struct trace_symbol *zero, const struct trace_symbol *scale,
                       struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    if (trace_known_copy(t, x, y, e) != 0)
        return -1;
    const int dims = shape_of(y, size);
    float *to = ((struct computed *)y->tensor)->number, *p = read_as(t, scale, size, dims, e);
    float *q = p && zero ? read_as(t, zero, size, dims, e) : NULL;
    const bool good = p && (q || !zero);
    for (int64_t i = 0; good && i < trace_count(y); i++)
        to[i] = (to[i] - (q ? q[i] : 0)) * p[i];
    ((struct computed *)y->tensor)->tensor.name = name_of_computed;
    free(p);
    free(q);
    return good ? settled(t, to, trace_count(y), e) : -1;
}

int trace_known_number(struct trace *t, enum trace_pairing how, const struct trace_symbol *a,
                       double number, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol b;
    return trace_known_full(t, NULL, 0, number, &b, e) == 0 ? trace_known_two(t, how, a, &b, y, e)
                                                            : -1;
}

int trace_known_function(struct trace *t, const struct trace_symbol *x,
                         double (*f)(double x, double p, double q), double p, double q,
                         struct trace_symbol *y, struct err *e)
{
    struct trace_symbol made;
    if (trace_known_copy(t, x, &made, e) != 0)
        return -1;
    struct computed *c = (struct computed *)made.tensor;
    c->tensor.name = name_of_computed;
    for (int64_t i = 0; i < c->tensor.count; i++)
        c->number[i] = (float)f(c->number[i], p, q);
    *y = made;
    return settled(t, c->number, c->tensor.count, e);
}

int trace_known_where(struct trace *t, const struct trace_symbol *given,
                      const struct trace_symbol *if_true, const struct trace_symbol *if_false,
                      struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    struct trace_symbol both;
    if (trace_expect(t, given, TRACE_CONSTANT, "a mask", e) != 0 ||
        trace_expect(t, if_true, TRACE_CONSTANT, "a constant", e) != 0 ||
        trace_expect(t, if_false, TRACE_CONSTANT, "a constant", e) != 0)
        return -1;
    const struct trace_symbol a = trace_known_mask(t, if_true), b = trace_known_mask(t, if_false);
    const struct trace_symbol one[] = {of_one(given), of_one(&a), of_one(&b)};
    const struct trace_symbol *mask = &one[0], *yes = &one[1], *no = &one[2];
    /* Only for the shape of all three. */
    if (trace_known_two(t, TRACE_DIFFERENT, yes, no, &both, e) != 0)
        return -1;
    const int dims = shape_of_both(mask, &both, size);
    if (dims < 0)
        return trace_refuse(t, e, "expected sizes that are equal or 1, found others");
    struct trace_symbol made;
    float *to = make(t, size, dims, &made, e), *m = to ? read_as(t, mask, size, dims, e) : NULL;
    float *p = m ? read_as(t, yes, size, dims, e) : NULL;
    float *q = p ? read_as(t, no, size, dims, e) : NULL;
    for (int64_t i = 0; q && i < trace_count(&made); i++)
        to[i] = m[i] != 0 ? p[i] : q[i];
    free(m);
    free(p);
    free(q);
    const struct trace_symbol *const all[] = {given, if_true, if_false};
    int r = q ? 0 : -1;
    for (int i = 0; i < 3 && r == 0; i++)
        r = repeat_as(t, &made, all[i], e);
    *y = made;
    return r;
}

/* --- others --- */

int trace_known_numbers(struct trace *t, const int64_t *size, int dims, const double *number,
                        struct trace_symbol *y, struct err *e)
{
    float *to = make(t, size, dims, y, e);
    for (int64_t i = 0; to && i < trace_count(y); i++)
        to[i] = (float)number[i];
    return to ? settled(t, to, trace_count(y), e) : -1;
}

int trace_known_range(struct trace *t, double from, double step, int64_t n, struct trace_symbol *y,
                      struct err *e)
{
    float *to = make(t, &n, 1, y, e);
    for (int64_t i = 0; to && i < n; i++)
        to[i] = (float)(from + step * (double)i);
    return to ? settled(t, to, n, e) : -1;
}

int trace_known_concat(struct trace *t, const struct trace_symbol *const *x, int n, int64_t dim,
                       struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS], outer = 1, inner = 1, at = 0;
    const int d = trace_axis(x[0], dim), dims = shape_of(x[0], size);
    if (d < 0)
        return trace_refuse(t, e, "expected an axis of constants to be joined, found another");
    for (int k = 0; k < dims; k++)
        if (k != d)
            *(k < d ? &outer : &inner) *= size[k];
    for (int i = 1; i < n; i++) {
        bool fits = x[i]->view.dims == dims;
        for (int k = 0; k < dims && fits; k++)
            fits = k == d || trace_size(x[i], k) == size[k];
        if (!fits || __builtin_add_overflow(size[d], trace_size(x[i], d), &size[d]))
            return trace_refuse(t, e,
                                "expected parts that differ along axis %d alone, found others", d);
    }
    struct trace_symbol made;
    float *to = make(t, size, dims, &made, e);
    int r = to ? 0 : -1;
    for (int i = 0; i < n && r == 0; i++) {
        const size_t each = (size_t)(trace_size(x[i], d) * inner);
        float *from = trace_known_all(t, x[i], e);
        r = from ? 0 : -1;
        for (int64_t o = 0; o < outer && from; o++)
            memcpy(to + o * size[d] * inner + at, from + (size_t)o * each, each * sizeof *to);
        at += (int64_t)each;
        free(from);
    }
    *y = made;
    return r == 0 ? settled(t, to, trace_count(&made), e) : -1;
}

int trace_known_mean(struct trace *t, const struct trace_symbol *given, unsigned gone,
                     struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS], order[TRACE_DIMS], each = 1;
    const struct trace_symbol one = of_one(given), *x = &one;
    for (int d = 0; d < given->view.dims; d++)
        if (gone >> d & 1U && is_repeated(given, d))
            return trace_refuse(t, e, "expected axes of one image, found axis %d", d);
    const int dims = shape_of(x, size);
    struct trace_symbol turned, made;
    int n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int d = 0; d < dims; d++)
            if ((gone >> d & 1U) == (unsigned)pass)
                order[n++] = d;
    for (int d = 0; d < dims; d++)
        if (gone >> d & 1U) {
            each *= size[d];
            size[d] = 1;
        }
    if (trace_permute(t, x, order, dims, &turned, e) != 0)
        return -1;
    float *to = make(t, size, dims, &made, e), *from = to ? trace_known_all(t, &turned, e) : NULL;
    for (int64_t i = 0; from && i < trace_count(&made); i++) {
        double sum = 0;
        for (int64_t k = 0; k < each; k++)
            sum += from[i * each + k];
        to[i] = (float)(sum / (double)each);
    }
    free(from);
    if (!from || settled(t, to, trace_count(&made), e) != 0 || repeat_as(t, &made, given, e) != 0)
        return -1;
    *y = made;
    return 0;
}

int trace_known_softmax(struct trace *t, const struct trace_symbol *given, int dim,
                        struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    const struct trace_symbol one = of_one(given);
    const int last = one.view.dims - 1;
    struct trace_symbol turned, made;
    if (is_repeated(given, dim))
        return trace_refuse(t, e, "expected axes of one image, found axis %d", dim);
    if (trace_swap(t, &one, dim, last, &turned, e) != 0)
        return -1;
    const int dims = shape_of(&turned, size);
    const int64_t n = size[last];
    float *to = make(t, size, dims, &made, e), *from = to ? trace_known_all(t, &turned, e) : NULL;
    for (int64_t i = 0; from && i < trace_count(&made); i += n) {
        float most = from[i];
        double sum = 0;
        for (int64_t k = 1; k < n; k++)
            most = fmaxf(most, from[i + k]);
        for (int64_t k = 0; k < n; k++)
            sum += exp((double)from[i + k] - (double)most);
        for (int64_t k = 0; k < n; k++)
            to[i + k] = (float)(exp((double)from[i + k] - (double)most) / sum);
    }
    free(from);
    return !from || settled(t, to, trace_count(&made), e) != 0 ||
                   trace_swap(t, &made, dim, last, y, e) != 0
               ? -1
               : repeat_as(t, y, given, e);
}

bool trace_known_truths(struct trace *t, const struct trace_symbol *x)
{
    struct err e;
    if (!trace_is_known(x))
        return false;
    const struct trace_symbol one = of_one(x);
    float *all = trace_known_all(t, &one, &e);
    bool truths = all != NULL;
    for (int64_t i = 0; truths && i < trace_count(&one); i++)
        truths = all[i] == 0 || all[i] == 1;
    free(all);
    return truths;
}

double trace_truncated(double x, double p, double q)
{
    (void)p;
    (void)q;
    return trunc(x);
}

double trace_sine(double x, double p, double q)
{
    (void)p;
    (void)q;
    return sin(x);
}

double trace_cosine(double x, double p, double q)
{
    (void)p;
    (void)q;
    return cos(x);
}

int trace_known_whole(struct trace *t, const struct trace_symbol *x, double least, double most,
                      struct trace_symbol *y, struct err *e)
{
    const struct trace_symbol one = of_one(x);
    float *all = trace_known_all(t, &one, e);
    bool whole = true, fits = true;
    if (!all)
        return -1;
    for (int64_t i = 0; i < trace_count(&one); i++) {
        whole = whole && all[i] == truncf(all[i]);
        fits = fits && truncf(all[i]) >= least && truncf(all[i]) <= most;
    }
    free(all);
    if (!fits)
        return trace_refuse(t, e, "expected numbers from %g to %g, found others", least, most);
    if (!whole)
        return trace_known_function(t, x, trace_truncated, 0, 0, y, e);
    *y = trace_alias(x);
    return 0;
}

bool trace_known_repeats(struct trace *t, const struct trace_symbol *x, int64_t parts)
{
    struct err e;
    const bool fits = x->view.dims > 0 && trace_size(x, 0) % parts == 0;
    float *all = fits ? trace_known_all(t, x, &e) : NULL;
    const size_t n = all ? (size_t)trace_count(x) : 0, each = n / (size_t)parts;
    bool same = all != NULL;
    for (size_t i = each; i < n && same; i++)
        same = all[i] == all[i % each];
    free(all);
    return same;
}

int trace_known_index(struct trace *t, const struct trace_symbol *table, int64_t dim,
                      const struct trace_symbol *places, struct trace_symbol *y, struct err *e)
{
    int64_t size[2 * TRACE_DIMS] = {0}, all[2 * TRACE_DIMS] = {0}, outer = 1, inner = 1;
    if (trace_expect(t, table, TRACE_CONSTANT, "a table", e) != 0 ||
        trace_expect(t, places, TRACE_CONSTANT, "indices", e) != 0)
        return -1;
    const struct trace_symbol one = of_one(table), *x = &one, list_of_one = of_one(places),
                              *index = &list_of_one;
    const int at = trace_axis(x, dim);
    int dims = 0;
    if (at < 0)
        return trace_refuse(t, e, "expected an axis of the table, found another");
    if (is_repeated(table, at))
        return trace_refuse(t, e, "expected all images to go one way, found a choice of some");
    for (int d = 0; d < x->view.dims; d++) {
        for (int i = 0; d == at && i < index->view.dims; i++) {
            all[dims] = trace_size(places, i);
            size[dims++] = trace_size(index, i);
        }
        if (d != at) {
            all[dims] = trace_size(table, d);
            size[dims++] = trace_size(x, d);
            *(d < at ? &outer : &inner) *= trace_size(x, d);
        }
    }
    const int64_t has = trace_size(x, at), n = trace_count(index);
    struct trace_symbol made;
    float *to = make(t, size, dims, &made, e), *from = to ? trace_known_all(t, x, e) : NULL;
    float *list = from ? trace_known_all(t, index, e) : NULL;
    int r = list ? 0 : -1;
    for (int64_t o = 0; o < outer && r == 0; o++)
        for (int64_t i = 0; i < n && r == 0; i++) {
            const float of = list[i] < 0 ? list[i] + (float)has : list[i];
            if (!(of >= 0 && of < (float)has))
                r = trace_refuse(t, e, "expected indices below %lld, found %g", (long long)has,
                                 (double)list[i]);
            else
                memcpy(to + (o * n + i) * inner, from + (o * has + (int64_t)of) * inner,
                       (size_t)inner * sizeof *to);
        }
    free(from);
    free(list);
    return r == 0 && (any_repeated(table) || any_repeated(places))
               ? trace_expand(t, &made, all, dims, y, e)
               : (*y = made, r);
}

int trace_known_place(const struct trace *t, const struct trace_symbol *x, const float *index,
                      int k, int64_t *at, struct err *e)
{
    *at = 0;
    for (int d = 0; d < k; d++) {
        const float has = (float)trace_size(x, d), of = index[d] < 0 ? index[d] + has : index[d];
        if (!(of >= 0 && of < has))
            return trace_refuse(t, e, "expected indices below %g, found %g", (double)has,
                                (double)index[d]);
        *at = *at * trace_size(x, d) + (int64_t)of;
    }
    return 0;
}

int trace_known_scatter(struct trace *t, const struct trace_symbol *x,
                        const struct trace_symbol *index, const struct trace_symbol *parts,
                        struct trace_symbol *y, struct err *e)
{
    struct trace_symbol made;
    if (trace_expect(t, x, TRACE_CONSTANT, "a table", e) != 0 ||
        trace_expect(t, index, TRACE_CONSTANT, "indices", e) != 0 ||
        trace_expect(t, parts, TRACE_CONSTANT, "parts", e) != 0 || copy_of_one(t, x, &made, e) != 0)
        return -1;
    const int last = index->view.dims - 1;
    const int64_t k = last < 0 ? 0 : trace_size(index, last);
    if (trace_count(&made) != trace_count(x))
        return trace_refuse(t, e, "expected a table for all images, found one for each");
    if (k < 1 || k > x->view.dims)
        return trace_refuse(t, e, "expected indices of the table's axes, found others");
    int64_t each = 1;
    for (int d = (int)k; d < x->view.dims; d++)
        each *= trace_size(x, d);
    const int64_t n = trace_count(index) / k;
    if (trace_count(parts) % each != 0 || trace_count(parts) / each != n)
        return trace_refuse(t, e, "expected a part for each index, found others");
    float *to = ((struct computed *)made.tensor)->number;
    float *list = trace_known_all(t, index, e), *from = list ? trace_known_all(t, parts, e) : NULL;
    int r = from ? 0 : -1;
    for (int64_t i = 0; i < n && r == 0; i++) {
        int64_t at = 0;
        r = trace_known_place(t, x, list + i * k, (int)k, &at, e);
        if (r == 0)
            memcpy(to + at * each, from + i * each, (size_t)each * sizeof *to);
    }
    free(list);
    free(from);
    *y = made;
    return r;
}

int trace_known_norm(struct trace *t, const struct trace_symbol *x,
                     const struct trace_symbol *const norm[NORM_TENSORS], double eps,
                     struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS], inner = 1;
    const int dims = shape_of(x, size);
    if (trace_expect(t, x, TRACE_CONSTANT, "a constant", e) != 0)
        return -1;
    if (dims < 2 || (size[0] != 1 && !norm[NORM_MEAN]))
        return trace_refuse(t, e, "expected weights by channels, found something else");
    for (int d = 2; d < dims; d++)
        inner *= size[d];
    struct trace_symbol made;
    float *to = make(t, size, dims, &made, e), *from = to ? trace_known_all(t, x, e) : NULL;
    float *of[NORM_TENSORS] = {NULL};
    bool good = from != NULL;
    for (int k = 0; k < NORM_TENSORS && good; k++)
        if (norm[k]) {
            good =
                trace_count(norm[k]) == size[1]
                    ? (of[k] = trace_known_all(t, norm[k], e)) != NULL
                    : trace_refuse(t, e, "expected a number for each channel, found others") == 0;
        }
    for (int64_t row = 0; good && row < size[0] * size[1]; row++) {
        const float *p = from + row * inner;
        const int64_t c = row % size[1];
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < inner; i++)
            mean += p[i] / (double)inner;
        for (int64_t i = 0; i < inner; i++)
            squares += (p[i] - mean) * (p[i] - mean) / (double)inner;
        mean = of[NORM_MEAN] ? of[NORM_MEAN][c] : mean;
        const double var = of[NORM_VAR] ? of[NORM_VAR][c] : squares;
        const double factor = (of[NORM_WEIGHT] ? of[NORM_WEIGHT][c] : 1) / sqrt(var + eps);
        for (int64_t i = 0; i < inner; i++)
            to[row * inner + i] =
                (float)((p[i] - mean) * factor + (of[NORM_BIAS] ? of[NORM_BIAS][c] : 0));
    }
    free(from);
    for (int k = 0; k < NORM_TENSORS; k++)
        free(of[k]);
    *y = made;
    return good ? settled(t, to, trace_count(&made), e) : -1;
}

int trace_known_gather(struct trace *t, const struct trace_symbol *x,
                       const struct trace_symbol *index, struct trace_symbol *y, struct err *e)
{
    int64_t size[2 * TRACE_DIMS], each = 1;
    if (trace_expect(t, x, TRACE_CONSTANT, "a table", e) != 0 ||
        trace_expect(t, index, TRACE_CONSTANT, "indices", e) != 0)
        return -1;
    const int last = index->view.dims - 1;
    const int64_t k = last < 0 ? 0 : trace_size(index, last);
    int dims = 0;
    if (k < 1 || k > x->view.dims)
        return trace_refuse(t, e, "expected indices of the table's axes, found others");
    for (int d = 0; d < last; d++)
        size[dims++] = trace_size(index, d);
    for (int d = (int)k; d < x->view.dims; d++) {
        size[dims++] = trace_size(x, d);
        each *= trace_size(x, d);
    }
    struct trace_symbol made;
    float *to = make(t, size, dims, &made, e), *from = to ? trace_known_all(t, x, e) : NULL;
    float *list = from ? trace_known_all(t, index, e) : NULL;
    int r = list ? 0 : -1;
    for (int64_t i = 0; r == 0 && i < trace_count(index) / k; i++) {
        int64_t at = 0;
        if ((r = trace_known_place(t, x, list + i * k, (int)k, &at, e)) == 0)
            memcpy(to + i * each, from + at * each, (size_t)each * sizeof *to);
    }
    free(from);
    free(list);
    *y = made;
    return r;
}

int trace_known_linear(struct trace *t, const struct trace_symbol *given,
                       const struct trace_symbol *w, const struct trace_symbol *bias,
                       struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS], all[TRACE_DIMS];
    struct trace_symbol one;
    if (!trace_of_one(t, given, &one))
        return trace_refuse(t, e, "expected fewer axes, found more");
    const struct trace_symbol *x = &one;
    const int dims = shape_of(x, size), last = dims - 1;
    for (int d = 0; d < dims; d++)
        all[d] = d < last && size[d] != trace_size(given, d) ? trace_size(given, d) : -1;
    if (trace_expect(t, w, TRACE_CONSTANT, "its weights", e) != 0 ||
        (bias && trace_expect(t, bias, TRACE_CONSTANT, "its biases", e) != 0))
        return -1;
    if (dims < 1 || w->view.dims != 2 || trace_size(w, 1) != size[last] ||
        (bias && trace_count(bias) != trace_size(w, 0)))
        return trace_refuse(t, e, "expected weights for what they are applied to, found others");
    const int64_t in = size[last], out = size[last] = trace_size(w, 0);
    struct trace_symbol made;
    float *to = make(t, size, dims, &made, e), *p = NULL, *q = NULL, *b = NULL;
    const bool good =
        to &&
        trace_work(t, trace_count(&made) > READ / in ? READ + 1 : trace_count(&made) * in, e) ==
            0 &&
        (p = trace_known_all(t, x, e)) && (q = trace_known_all(t, w, e)) &&
        (!bias || (b = trace_known_all(t, bias, e)));
    for (int64_t i = 0; good && i < trace_count(&made); i++) {
        double sum = b ? b[i % out] : 0;
        for (int64_t k = 0; k < in; k++)
            sum += (double)p[i / out * in + k] * q[i % out * in + k];
        to[i] = (float)sum;
    }
    free(p);
    free(q);
    free(b);
    if (!good || settled(t, to, trace_count(&made), e) != 0)
        return -1;
    return trace_expand(t, &made, all, dims, y, e);
}

int trace_known_conv(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                     const struct trace_symbol *bias, const struct trace_windows *win,
                     struct trace_symbol *y, struct err *e)
{
    static const int64_t last[] = {0, 2, 3, 1}, back[] = {0, 3, 1, 2};
    struct trace_symbol turned, flat;
    bool plain = x->view.dims == 4 && trace_is_known(w) && w->view.dims == 4;
    for (int i = 0; i < 2 && plain; i++)
        plain = trace_size(w, 2 + i) == 1 && win->stride[i] == 1 && win->before[i] == 0 &&
                win->after[i] == 0;
    if (!plain)
        return trace_refuse(t, e,
                            "expected a constant to be convolved by windows of one cell, found "
                            "others");
    const int64_t size[] = {trace_size(w, 0), trace_size(w, 1)};
    return trace_permute(t, x, last, 4, &turned, e) != 0 ||
                   trace_reshape(t, w, size, 2, &flat, e) != 0 ||
                   trace_known_linear(t, &turned, &flat, bias, &turned, e) != 0
               ? -1
               : trace_permute(t, &turned, back, 4, y, e);
}

int trace_known_sums(struct trace *t, const struct trace_symbol *x, int64_t dim,
                     struct trace_symbol *y, struct err *e)
{
    const int d = x ? trace_axis(x, dim) : -1;
    struct trace_symbol made;
    int64_t inner = 1;
    if (d < 0 || !trace_is_known(x))
        return trace_refuse(t, e, "expected an axis of a constant, found none");
    if (is_repeated(x, d))
        return trace_refuse(t, e, "expected sums of one image, found those of several");
    if (copy_of_one(t, x, &made, e) != 0)
        return -1;
    struct computed *c = (struct computed *)made.tensor;
    c->tensor.name = name_of_computed;
    for (int k = d + 1; k < made.view.dims; k++)
        inner *= trace_size(&made, k);
    const int64_t n = trace_size(&made, d);
    for (int64_t i = inner; i < c->tensor.count; i++)
        if (i / inner % n > 0)
            c->number[i] += c->number[i - inner];
    if (settled(t, c->number, c->tensor.count, e) != 0 || repeat_as(t, &made, x, e) != 0)
        return -1;
    *y = made;
    return 0;
}
