/* Indices as exporters write them for a view of all elements (as_strided): Range of the images
 * times a stride, plus constants, read by Gather of what is flattened. They are never made, only
 * followed: what they say has to be a reshaping. */
#include "model/onnx.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { INDICES = 1 << 16 };

/* offset + sum of stride[d] i[d] for the element i of an array. */
struct places {
    int dims;
    int64_t shape[TRACE_DIMS], stride[TRACE_DIMS], offset;
};

static int keep(struct onnx_reader *r, const struct places *p)
{
    struct onnx_name *out = onnx_out(r, 0);
    if (out && !out->places) {
        out->places = mem_alloc(1, sizeof *out->places);
        *out->places = *p;
    }
    return 1;
}

/* Whether the whole numbers of an array are such a sum. */
static bool from_numbers(const int64_t *v, int64_t n, struct places *p)
{
    int64_t at[TRACE_DIMS] = {0}, step = 1;
    p->offset = v[0];
    for (int d = p->dims - 1; d >= 0; d--) {
        if (p->shape[d] > 1 && __builtin_sub_overflow(v[step], v[0], &p->stride[d]))
            return false;
        step *= p->shape[d];
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t sum = p->offset;
        for (int d = 0; d < p->dims; d++) {
            int64_t part;
            if (__builtin_mul_overflow(at[d], p->stride[d], &part) ||
                __builtin_add_overflow(sum, part, &sum))
                return false;
        }
        if (sum != v[i])
            return false;
        for (int d = p->dims - 1; d >= 0 && ++at[d] == p->shape[d]; d--)
            at[d] = 0;
    }
    return true;
}

static bool from_tensor(const struct onnx_reader *r, const struct ckpt_tensor *t, struct places *p)
{
    struct err e;
    if (t->type != CKPT_I64 || t->count < 1 || t->count > INDICES || t->ndim > TRACE_DIMS)
        return false;
    const size_t n = (size_t)t->count;
    unsigned char *raw = mem_alloc(n, sizeof(int64_t));
    int64_t *v = mem_alloc(n, sizeof *v);
    bool good = ckpt_read_raw(r->t->b->ckpt, t, raw, &e) == 0;
    for (size_t i = 0; i < n && good; i++) {
        uint64_t bits = 0;
        for (size_t b = sizeof bits; b > 0; b--)
            bits = bits << 8 | raw[i * sizeof bits + b - 1];
        v[i] = (int64_t)bits;
    }
    p->dims = t->ndim;
    memcpy(p->shape, t->shape, (size_t)t->ndim * sizeof *t->shape);
    good = good && from_numbers(v, (int64_t)n, p);
    free(v);
    free(raw);
    return good;
}

static bool places_of(const struct onnx_reader *r, const struct onnx_name *x, struct places *p)
{
    *p = (struct places){.dims = 0};
    if (!x)
        return false;
    if (x->places) {
        *p = *x->places;
        return true;
    }
    if (!x->known)
        return x->s.kind == TRACE_CONSTANT && from_tensor(r, x->s.tensor, p);
    p->dims = x->known->dims;
    for (int d = 0; d < p->dims; d++)
        p->shape[d] = x->known->shape[d];
    return !x->known->real && x->known->n > 0 && from_numbers(x->known->i, x->known->n, p);
}

/* Both broadcast and added. */
static bool add(const struct places *a, const struct places *b, struct places *y)
{
    *y = (struct places){.dims = a->dims > b->dims ? a->dims : b->dims};
    if (__builtin_add_overflow(a->offset, b->offset, &y->offset))
        return false;
    for (int d = 0; d < y->dims; d++) {
        const int i = d - (y->dims - a->dims), k = d - (y->dims - b->dims);
        const int64_t na = i < 0 ? 1 : a->shape[i], nb = k < 0 ? 1 : b->shape[k];
        if ((na != nb && na != 1 && nb != 1) ||
            __builtin_add_overflow(na > 1 ? a->stride[i] : 0, nb > 1 ? b->stride[k] : 0,
                                   &y->stride[d]))
            return false;
        y->shape[d] = na == 1 ? nb : na;
    }
    return true;
}

static bool scale(struct places *p, int64_t factor)
{
    bool good = !__builtin_mul_overflow(p->offset, factor, &p->offset);
    for (int d = 0; d < p->dims; d++)
        good = good && !__builtin_mul_overflow(p->stride[d], factor, &p->stride[d]);
    return good;
}

static int unsqueeze(struct onnx_reader *r, const struct places *p, struct err *e)
{
    struct places y = {.offset = p->offset};
    int64_t axes[KNOWN];
    int n, from = 0;
    if (onnx_list(r, "axes", 1, axes, &n, e) != 0)
        return -1;
    y.dims = p->dims + (n > 0 ? n : 0);
    if (y.dims > TRACE_DIMS)
        return 0;
    for (int i = 0; i < n; i++) {
        const int64_t d = axes[i] < 0 ? axes[i] + y.dims : axes[i];
        if (d < 0 || d >= y.dims || y.shape[d] == 1)
            return 0;
        y.shape[d] = 1;
    }
    for (int d = 0; d < y.dims; d++)
        if (y.shape[d] != 1) {
            y.shape[d] = p->shape[from];
            y.stride[d] = p->stride[from++];
        }
    return keep(r, &y);
}

/* All elements in their order are a reshaping. */
static int gather(struct onnx_reader *r, const struct places *p, struct err *e)
{
    struct trace_symbol y;
    const struct onnx_name *x = onnx_in(r, 0);
    int64_t step = 1;
    bool whole = x->s.view.dims == 1 && onnx_int(r, "axis", 0) == 0 && p->offset == 0;
    for (int d = p->dims - 1; d >= 0 && whole; d--)
        whole = (p->shape[d] == 1 || p->stride[d] == step) &&
                !__builtin_mul_overflow(step, p->shape[d], &step);
    if (!whole || step != trace_count(&x->s))
        return trace_refuse(r->t, e, "expected all elements in their order, found others");
    if (trace_reshape(r->t, &x->s, p->shape, p->dims, &y, e) != 0)
        return -1;
    onnx_bind(r, 0, &y);
    return 1;
}

static int range(struct onnx_reader *r)
{
    const struct known *part[3];
    for (size_t i = 0; i < 3; i++) {
        part[i] = onnx_in(r, i) ? onnx_in(r, i)->known : NULL;
        if (!part[i] || part[i]->real || part[i]->n != 1)
            return 0;
    }
    const int64_t from = part[0]->i[0], to = part[1]->i[0], step = part[2]->i[0];
    if (from < 0 || to < from || step < 1 || (to - from - 1) / step < KNOWN)
        return 0;
    const struct places p = {
        .dims = 1, .shape = {(to - from - 1) / step + 1}, .stride = {step}, .offset = from};
    return keep(r, &p);
}

int onnx_index(struct onnx_reader *r, struct err *e)
{
    const char *op = r->node->op;
    const struct onnx_name *x = onnx_in(r, 0), *y = onnx_in(r, 1);
    struct places a, b, sum;
    if (strcmp(op, "Range") == 0)
        return range(r);
    if ((!x || !x->places) && (!y || !y->places))
        return 0;
    if (strcmp(op, "Gather") == 0 && x && x->s.kind == TRACE_VALUE)
        return gather(r, y->places, e);
    if (strcmp(op, "Unsqueeze") == 0 && x && x->places)
        return unsqueeze(r, x->places, e);
    if (!places_of(r, x, &a) || !places_of(r, y, &b))
        return 0;
    if (strcmp(op, "Add") == 0 && add(&a, &b, &sum))
        return keep(r, &sum);
    /* By one number. */
    const struct places *one = a.dims == 0 ? &a : &b;
    sum = one == &a ? b : a;
    if (strcmp(op, "Mul") == 0 && one->dims == 0 && scale(&sum, one->offset))
        return keep(r, &sum);
    return 0;
}
