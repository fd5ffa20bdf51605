/* Matrix products of activations, and the attention that they make. */
#include "model/trace_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* (..., tokens, d): what stands in front of the last two axes are images and heads. */
struct tokens {
    int64_t heads, n, d;
};

static struct tokens tokens_of(const struct trace_symbol *x)
{
    const int dims = x->view.dims;
    struct tokens k = {.heads = 1, .n = trace_size(x, dims - 2), .d = trace_size(x, dims - 1)};
    for (int d = 0; d < dims - 2; d++)
        k.heads *= view_each(&x->view, d);
    return k;
}

/* Channels of a value that are a head's, by heads, if they are whole and the tokens are the
 * value's cells in order. */
static bool channels_of(const struct trace *t, const struct trace_symbol *x, const struct tokens *k,
                        int *list)
{
    const struct graph_value *v = &t->b->graph->value[x->value];
    const int64_t cells = (int64_t)v->h * v->w, count = k->heads * k->d;
    const int dims = x->view.dims;
    const struct trace_factor *f = view_factors(&x->view, dims - 2);
    if (k->n != cells || (cells > 1 && (x->view.count[dims - 2] != 1 || f->stride != 1)))
        return false;
    struct trace_view heads = {.offset = x->view.offset};
    for (int d = 0; d < dims; d++)
        if (d != dims - 2 && (!view_axis(&heads) || !view_copy(&heads, &x->view, d)))
            return false;
    if (!view_axis(&heads))
        return false;
    int *place = mem_alloc((size_t)count, sizeof *place);
    view_places(&heads, heads.dims - 1, place);
    bool good = true;
    for (int64_t i = 0; i < count; i++) {
        good = good && place[i] % cells == 0;
        list[i] = place[i] / (int)cells;
    }
    free(place);
    return good;
}

/* All three as channels of one value: that value, or a pick of its channels; -2 where they are
 * not. */
static int packed(struct trace *t, const struct trace_symbol *const x[3], const struct tokens *k,
                  struct err *e)
{
    const struct origin none = {.w = NULL};
    const int64_t each = k->heads * k->d;
    int *list = mem_alloc((size_t)(3 * each), sizeof *list);
    bool good = true, same = t->b->graph->value[x[0]->value].c == 3 * each;
    for (int i = 0; i < 3 && good; i++)
        good = x[i]->value == x[0]->value && channels_of(t, x[i], k, list + i * each);
    for (int64_t i = 0; i < 3 * each && good; i++)
        same = same && list[i] == i;
    if (!good || same) {
        free(list);
        return good ? x[0]->value : -2;
    }
    const struct graph_op op = {.kind = GRAPH_PICK,
                                .in = {x[0]->value},
                                .ins = 1,
                                .channels = (int)(3 * each),
                                .pick = list};
    return trace_append(t, &op, &none, e);
}

/* (heads, d) as channels, tokens as cells. */
static int apart(struct trace *t, const struct trace_symbol *x, int h, int w, int *value,
                 struct err *e)
{
    struct trace_view v = {.offset = x->view.offset};
    const int dims = x->view.dims;
    struct trace_symbol s = *x, out;
    bool room = view_axis(&v);
    room = room && view_axis(&v);
    for (int d = 0; d < dims && room; d++) {
        const struct trace_factor *f = view_factors(&x->view, d);
        for (int i = 0; i < x->view.count[d] && room && d != dims - 2; i++)
            if (f[i].stride != TRACE_EACH_IMAGE)
                room = view_factor(&v, f[i].n, f[i].stride);
    }
    room = room && view_axis(&v) && view_copy(&v, &x->view, dims - 2);
    if (!room)
        return trace_refuse(t, e, "expected fewer axes, found more");
    s.view = v;
    s.scale = 1;
    if (trace_settle_at(t, &s, 1, h, w, &out, e) != 0)
        return -1;
    *value = out.value;
    return 0;
}

/* Queries, keys and values of values of their own, one behind another. */
static int packed_apart(struct trace *t, const struct trace_symbol *const x[3],
                        const struct tokens *k, struct err *e)
{
    const struct origin none = {.w = NULL};
    const struct graph_value *v = &t->b->graph->value[x[0]->value];
    const bool grid = (int64_t)v->h * v->w == k->n;
    const int h = grid ? v->h : (int)k->n, w = grid ? v->w : 1;
    int value = -1;
    for (int i = 0; i < 3; i++) {
        int part;
        if (apart(t, x[i], h, w, &part, e) != 0)
            return -1;
        const struct graph_op op = {.kind = GRAPH_CONCAT, .in = {value, part}, .ins = 2};
        value = i == 0 ? part : trace_append(t, &op, &none, e);
        if (value < 0)
            return -1;
    }
    return value;
}

/* The view of a result whose channels are (heads, d) and whose cells are the tokens. */
static bool view_of(const struct trace_symbol *x, const struct tokens *k, int64_t images,
                    struct trace_view *out)
{
    struct trace_view v = {.offset = 0};
    int64_t heads = k->heads;
    const int dims = x->view.dims;
    for (int d = 0; d < dims - 2; d++) {
        const struct trace_factor *f = view_factors(&x->view, d);
        if (!view_axis(&v))
            return false;
        for (int i = 0; i < x->view.count[d]; i++) {
            const bool each = f[i].stride == TRACE_EACH_IMAGE;
            heads /= each ? 1 : f[i].n;
            if (!(each ? view_factor(&v, images, TRACE_EACH_IMAGE)
                       : view_factor(&v, f[i].n, heads * k->d * k->n)))
                return false;
        }
    }
    const bool room =
        view_axis(&v) && view_factor(&v, k->n, 1) && view_axis(&v) && view_factor(&v, k->d, k->n);
    *out = v;
    return room;
}

/* Whether one operation makes attention of them, (..., tokens, d): as many queries as keys and
 * values, of one size. */
static bool fits(const struct trace_symbol *q, const struct trace_symbol *k,
                 const struct trace_symbol *v)
{
    const struct trace_symbol *const x[3] = {q, k, v};
    struct tokens of[3];
    for (int i = 0; i < 3; i++) {
        if (!x[i] || x[i]->kind != TRACE_VALUE || x[i]->view.dims < 3 ||
            view_has_images(&x[i]->view, x[i]->view.dims - 1) ||
            view_has_images(&x[i]->view, x[i]->view.dims - 2))
            return false;
        of[i] = tokens_of(x[i]);
        if (of[i].heads != of[0].heads || of[i].n != of[0].n || of[i].d != of[0].d)
            return false;
    }
    return true;
}

/* softmax(scale q k' + bias) v of what fits. */
static int attend(struct trace *t, const struct trace_symbol *q, const struct trace_symbol *k,
                  const struct trace_symbol *v, const struct ckpt_tensor *bias, double scale,
                  struct trace_symbol *y, struct err *e)
{
    const struct trace_symbol *const x[3] = {q, k, v};
    const struct origin from = {.w = bias};
    const struct tokens of = tokens_of(q);
    struct trace_view view;
    int64_t size;
    if (__builtin_mul_overflow(of.heads * of.d, of.n, &size) || size > BUILD_ELEMENTS)
        return trace_refuse(t, e, "expected at most %d elements, found more", BUILD_ELEMENTS);
    if (!view_of(v, &of, t->images, &view))
        return trace_refuse(t, e, "expected fewer axes, found more");
    int value = packed(t, x, &of, e);
    if (value == -2)
        value = packed_apart(t, x, &of, e);
    struct graph_op op = {.kind = GRAPH_ATTENTION,
                          .in = {value},
                          .ins = 1,
                          .groups = (int)of.heads,
                          .biased = bias != NULL,
                          .p = (float)(scale * q->scale * k->scale)};
    if (value < 0 || (value = trace_append(t, &op, &from, e)) < 0)
        return -1;
    *y = trace_value(value, &view);
    y->scale = v->scale;
    return 0;
}

/* --- products --- */

static struct trace_symbol add_scores(struct trace *t, const struct trace_scores *s,
                                      const struct trace_view *v)
{
    t->scores = mem_extend(t->scores, t->scores_n, t->scores_n + 1, sizeof *t->scores);
    t->scores[t->scores_n] = *s;
    return (struct trace_symbol){
        .kind = TRACE_SCORES, .value = (int)t->scores_n++, .scale = 1, .view = *v};
}

/* a or b with the axes in front of the last two repeated as often as the other has them. */
static int widen(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *other,
                 struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS];
    struct trace_symbol s;
    if (trace_lengthen(t, x, other->view.dims, &s, e) != 0)
        return -1;
    for (int d = 0; d < s.view.dims; d++) {
        const int from = d - (s.view.dims - other->view.dims);
        const int64_t n = from < 0 ? 1 : view_each(&other->view, from);
        size[d] = d < s.view.dims - 2 && view_each(&s.view, d) == 1 && n > 1 ? n : -1;
        if (size[d] > 0 && view_has_images(&s.view, d))
            return trace_refuse(t, e, "expected matrices of each image, found others");
    }
    return trace_expand(t, &s, size, s.view.dims, y, e);
}

/* The product of two activations: (..., n, k) and (..., k, d). */
static int product(struct trace *t, const struct trace_symbol *left,
                   const struct trace_symbol *right, struct trace_symbol *y, struct err *e)
{
    const struct origin none = {.w = NULL};
    struct trace_symbol a, b;
    struct trace_view view;
    int x, m;
    if (trace_expect(t, left, TRACE_VALUE, "its first input", e) != 0 ||
        trace_expect(t, right, TRACE_VALUE, "its second input", e) != 0 ||
        widen(t, left, right, &a, e) != 0 || widen(t, right, left, &b, e) != 0)
        return -1;
    const int dims = a.view.dims;
    for (int i = 0; i < 2 && dims >= 2; i++)
        if (view_has_images(i ? &b.view : &a.view, dims - 1) ||
            view_has_images(i ? &b.view : &a.view, dims - 2))
            return trace_refuse(t, e, "expected matrices of each image, found others");
    if (dims < 3)
        return trace_refuse(t, e, "expected matrices of each image, found others");
    const struct tokens of_a = tokens_of(&a), of_b = tokens_of(&b);
    const struct tokens made = {of_a.heads, of_a.n, of_b.d};
    if (of_a.heads != of_b.heads || of_a.d != of_b.n || of_a.heads > BUILD_ELEMENTS ||
        of_a.heads * of_a.n > BUILD_ELEMENTS / of_b.d ||
        of_a.heads * of_a.n > BUILD_ELEMENTS / of_a.d || of_b.n * of_b.d > BUILD_ELEMENTS)
        return trace_refuse(t, e,
                            "expected matrices that can be multiplied and at most %d elements of "
                            "each, found others",
                            BUILD_ELEMENTS);
    if (!view_of(&a, &made, t->images, &view))
        return trace_refuse(t, e, "expected fewer axes, found more");
    if (apart(t, &b, (int)of_b.n, 1, &m, e) != 0)
        return -1;
    const struct graph_value *v = &t->b->graph->value[a.value];
    const bool grid = (int64_t)v->h * v->w == of_a.n;
    if (apart(t, &a, grid ? v->h : (int)of_a.n, grid ? v->w : 1, &x, e) != 0)
        return -1;
    const struct graph_op op = {
        .kind = GRAPH_MATMUL, .in = {x, m}, .ins = 2, .groups = (int)of_a.heads};
    const int value = trace_append(t, &op, &none, e);
    if (value < 0)
        return -1;
    *y = trace_value(value, &view);
    y->scale = a.scale * b.scale;
    return 0;
}

/* The products of all queries with all keys, to be made only as a part of attention. */
static int scores(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                  struct trace_symbol *y, struct err *e)
{
    struct trace_symbol k;
    struct trace_view v = {.offset = a->view.offset};
    if (trace_swap(t, b, -1, -2, &k, e) != 0)
        return -1;
    for (int d = 0; d < a->view.dims; d++)
        if (!view_axis(&v) ||
            !(d < a->view.dims - 1 ? view_copy(&v, &a->view, d)
                                   : view_factor(&v, trace_size(&k, k.view.dims - 2), 0)))
            return trace_refuse(t, e, "expected fewer axes, found more");
    const struct trace_scores s = {*a, k, NULL};
    *y = add_scores(t, &s, &v);
    return 0;
}

/* Whether the products stand as they were made: heads and queries in front, keys last, all of them.
 * Images and heads may have been joined. */
static bool scores_stand(const struct trace *t, const struct trace_symbol *x)
{
    const struct trace_scores *s = &t->scores[x->value];
    const struct trace_view *v = &x->view, *q = &s->q.view;
    const int keys = v->dims - 1, rows = keys - 1;
    if (rows < 0 || trace_size(x, keys) != trace_size(&s->k, s->k.view.dims - 2) ||
        v->offset != q->offset || v->count[rows] != q->count[q->dims - 2])
        return false;
    const struct trace_factor *f = view_factors(v, keys), *from = view_factors(q, q->dims - 1);
    for (int i = 0; i < v->count[keys]; i++)
        if (f[i].stride != 0)
            return false;
    const ptrdiff_t front = f - v->factor;
    for (ptrdiff_t i = 0; i < front; i++)
        if (from - q->factor != front || v->factor[i].n != q->factor[i].n ||
            v->factor[i].stride != q->factor[i].stride)
            return false;
    return true;
}

/* Products, what is added to them and their softmax, as operations of their own. */
int trace_make(struct trace *t, struct trace_symbol *x, struct err *e)
{
    if (x->kind != TRACE_SCORES)
        return 0;
    const struct trace_scores s = t->scores[x->value];
    struct trace_symbol keys, y;
    int64_t size[TRACE_DIMS], front = 1;
    bool images = false;
    if (trace_swap(t, &s.k, -1, -2, &keys, e) != 0 || product(t, &s.q, &keys, &y, e) != 0)
        return -1;
    y.uses = 1;
    for (int d = 0; d < y.view.dims - 2; d++) {
        front *= view_each(&y.view, d);
        images = images || view_has_images(&y.view, d);
    }
    if (s.bias) {
        const struct trace_symbol bias = trace_constant(s.bias);
        const int64_t all[] = {images ? t->images : 1, front, trace_size(&y, y.view.dims - 2),
                               trace_size(&y, y.view.dims - 1)};
        if (trace_reshape(t, &y, all, 4, &y, e) != 0 || trace_add(t, &y, &bias, 1, &y, e) != 0)
            return -1;
        y.uses = 1;
    }
    for (int d = 0; d < x->view.dims; d++)
        size[d] = trace_size(x, d);
    if (trace_reshape(t, &y, size, x->view.dims, &y, e) != 0 ||
        trace_scale(t, &y, (double)x->scale, 0, &y, e) != 0)
        return -1;
    y.uses = 1;
    if (x->soft && trace_softmax(t, &y, -1, false, &y, e) != 0)
        return -1;
    trace_bind(x, &y);
    return 0;
}

/* A constant as it is added to products: (heads, queries, keys), images left out. */
static int spread(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *given,
                  struct trace_symbol *y, struct err *e)
{
    struct trace_symbol one, first;
    if (!trace_of_one(t, given, &one))
        return trace_refuse(t, e, "expected fewer axes, found more");
    const struct trace_symbol *c = &one;
    const int front = x->view.dims - c->view.dims;
    /* Windows of all images along one axis, of as many images as the program is for. */
    const int64_t windows = x->view.dims > 0 ? view_each(&x->view, 0) : 0;
    if (t->images > 1 && front == 0 && x->view.dims > 0 && view_has_images(&x->view, 0) &&
        trace_size(c, 0) == t->images * windows && trace_known_repeats(t, c, t->images)) {
        if (trace_slice(t, c, 0, 0, windows, 1, &first, e) != 0)
            return -1;
        c = &first;
    }
    struct trace_view v = {.offset = c->view.offset};
    int64_t size[3] = {1, 0, 0};
    if (front < 0 || x->view.dims < 3)
        return trace_refuse(t, e, "expected a mask of at most %d axes, found %d", x->view.dims,
                            c->view.dims);
    for (int d = 0; d < x->view.dims; d++) {
        const int64_t has = d < front ? 1 : trace_size(c, d - front);
        const int64_t n = view_each(&x->view, d);
        if (has != 1 && has != n)
            return trace_refuse(t, e,
                                "expected a mask that is the same for all images, found %lld "
                                "where 1 or %lld are of one",
                                (long long)has, (long long)n);
        if (!view_axis(&v) ||
            !(has == 1 ? view_factor(&v, n, 0) : view_copy(&v, &c->view, d - front)))
            return trace_refuse(t, e, "expected fewer axes, found more");
        if (d < x->view.dims - 2)
            size[0] *= n;
        else
            size[d - x->view.dims + 3] = n;
    }
    const struct trace_symbol wide = trace_viewed(c, &v);
    struct trace_symbol whole;
    return trace_known_copy(t, &wide, &whole, e) != 0 ? -1
                                                      : trace_reshape(t, &whole, size, 3, y, e);
}

bool trace_biased(const struct trace *t, const struct trace_symbol *x)
{
    return !x->soft && !(t->scores[x->value].bias && x->scale != 1);
}

int trace_factor(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *c,
                 struct trace_symbol *y, struct err *e)
{
    struct trace_scores s = t->scores[x->value];
    const int dims = c->view.dims;
    if (x->soft || s.bias || trace_count(c) == 1 || dims < 2 || dims > s.q.view.dims ||
        trace_size(c, dims - 1) != 1 || trace_size(c, dims - 2) != 1 || !scores_stand(t, x) ||
        x->view.dims != s.q.view.dims || trace_multiply(t, &s.q, c, &s.q, e) != 0)
        return -1;
    s.q.scale *= x->scale;
    *y = add_scores(t, &s, &x->view);
    return 0;
}

int trace_bias(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *c,
               struct trace_symbol *y, struct err *e)
{
    struct trace_scores s = t->scores[x->value];
    struct trace_symbol mine;
    if (x->soft)
        return trace_refuse(t, e, "expected a mask in front of the softmax, found one behind it");
    if (trace_expect(t, c, TRACE_CONSTANT, "a mask", e) != 0 || spread(t, x, c, &mine, e) != 0)
        return -1;
    if (s.bias) {
        const struct trace_symbol all = trace_constant(s.bias);
        const int64_t size[] = {trace_size(&mine, 0), trace_size(&mine, 1), trace_size(&mine, 2)};
        struct trace_symbol before;
        if (x->scale != 1)
            return trace_refuse(t, e,
                                "expected the last factor in front of masks, found it behind");
        if (trace_reshape(t, &all, size, 3, &before, e) != 0 ||
            trace_known_two(t, TRACE_SUM, &before, &mine, &mine, e) != 0)
            return -1;
    }
    s.bias = mine.tensor;
    s.q.scale *= x->scale;
    *y = add_scores(t, &s, &x->view);
    return 0;
}

/* A constant as activations, which each image has that `other` has. */
static int live_beside(struct trace *t, const struct trace_symbol *x,
                       const struct trace_symbol *other, struct trace_symbol *y, struct err *e)
{
    struct trace_view v = {.offset = 0};
    if (trace_live(t, x, x->view.dims - 1, other->value, y, e) != 0)
        return -1;
    for (int d = 0; d < y->view.dims; d++) {
        const bool images = d == 0 && y->view.dims == other->view.dims &&
                            view_each(&y->view, d) == view_each(&other->view, d) &&
                            view_has_images(&other->view, d);
        if (!view_axis(&v) || (images && !view_factor(&v, t->images, TRACE_EACH_IMAGE)) ||
            !view_copy(&v, &y->view, d))
            return trace_refuse(t, e, "expected fewer axes, found more");
    }
    v.offset = y->view.offset;
    y->view = v;
    return 0;
}

int trace_attention(struct trace *t, const struct trace_symbol *q, const struct trace_symbol *k,
                    const struct trace_symbol *v, const struct trace_symbol *mask, double scale,
                    struct trace_symbol *y, struct err *e)
{
    struct trace_symbol turned, products, masked, added, kept, gone, live;
    /* A query that was learnt: a pool by attention. */
    if (trace_is_known(q) && k && k->kind == TRACE_VALUE) {
        if (live_beside(t, q, k, &live, e) != 0)
            return -1;
        q = &live;
    }
    if (!mask && fits(q, k, v))
        return attend(t, q, k, v, NULL, scale, y, e);
    if (mask && trace_is_truth(mask)) {
        if (trace_known_full(t, NULL, 0, 0, &kept, e) != 0 ||
            trace_known_full(t, NULL, 0, -INFINITY, &gone, e) != 0 ||
            trace_known_where(t, mask, &kept, &gone, &added, e) != 0)
            return -1;
        mask = &added;
    }
    if (trace_expect(t, q, TRACE_VALUE, "queries", e) != 0 ||
        trace_expect(t, k, TRACE_VALUE, "keys", e) != 0)
        return -1;
    if (trace_swap(t, k, -1, -2, &turned, e) != 0 || trace_matmul(t, q, &turned, &products, e) != 0)
        return -1;
    if (mask && fits(q, k, v))
        return trace_bias(t, &products, mask, &masked, e) != 0
                   ? -1
                   : attend(t, q, k, v, t->scores[masked.value].bias, scale, y, e);
    products.uses = 1;
    return trace_scale(t, &products, scale, 0, &products, e) != 0 ||
                   (mask && trace_add(t, &products, mask, 1, &products, e) != 0) ||
                   trace_softmax(t, &products, -1, false, &products, e) != 0
               ? -1
               : trace_matmul(t, &products, v, y, e);
}

/* Whether all along the first axis is the same. */
static bool is_repeated(const struct trace_symbol *x)
{
    const struct trace_factor *f = view_factors(&x->view, 0);
    for (int i = 0; i < x->view.count[0]; i++)
        if (f[i].stride != 0)
            return false;
    return true;
}

int trace_matmul(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                 struct trace_symbol *y, struct err *e)
{
    struct trace_symbol w, one;
    /* One matrix for all images, which some programs repeat. */
    if (a && b && b->kind == TRACE_CONSTANT) {
        if (!trace_of_one(t, b, &one))
            return trace_refuse(t, e, "expected fewer axes, found more");
        while (one.view.dims > 2 && one.view.dims <= a->view.dims && is_repeated(&one))
            if (trace_select(t, &one, 0, 0, &one, e) != 0)
                return -1;
        b = &one;
    }
    if (b && b->kind == TRACE_CONSTANT)
        return trace_swap(t, b, -1, -2, &w, e) != 0 ? -1
               : trace_is_known(a)                  ? trace_known_linear(t, a, &w, NULL, y, e)
                                                    : trace_linear(t, a, &w, NULL, y, e);
    if (!a || !b)
        return trace_refuse(t, e, "expected two matrices, found one");
    struct trace_symbol left = *a, right = *b;
    if (trace_make(t, &right, e) != 0)
        return -1;
    if (a->kind == TRACE_SCORES) {
        const struct trace_scores s = t->scores[a->value];
        if (a->soft && a->scale == 1 && scores_stand(t, a) && fits(&s.q, &s.k, &right))
            return attend(t, &s.q, &s.k, &right, s.bias, 1, y, e);
        return trace_make(t, &left, e) != 0 ? -1 : product(t, &left, &right, y, e);
    }
    if (trace_expect(t, &right, TRACE_VALUE, "its second input", e) != 0)
        return -1;
    if (a->kind == TRACE_CONSTANT && live_beside(t, a, &right, &left, e) != 0)
        return -1;
    if (trace_expect(t, &left, TRACE_VALUE, "its first input", e) != 0)
        return -1;
    /* Of the same axes in front they may be queries and keys; then they are made later. */
    bool alike = left.view.dims >= 3 && left.view.dims == right.view.dims;
    for (int d = 0; d < left.view.dims - 2 && alike; d++)
        alike = trace_size(&left, d) == trace_size(&right, d);
    return alike ? scores(t, &left, &right, y, e) : product(t, &left, &right, y, e);
}

int trace_einsum(struct trace *t, const char *equation, const struct trace_symbol *a,
                 const struct trace_symbol *b, struct trace_symbol *y, struct err *e)
{
    char eq[4 * TRACE_DIMS];
    size_t n = 0;
    for (const char *p = equation; *p && n + 1 < sizeof eq; p++)
        if (*p != ' ')
            eq[n++] = *p;
    eq[n] = '\0';
    /* Three parts of k letters that are equal in front of the last two. */
    const size_t k = strcspn(eq, ",");
    const bool form = k >= 3 && n == 3 * k + 3 && memcmp(eq + 2 * k + 1, "->", 2) == 0 && a && b &&
                      a->view.dims == (int)k && b->view.dims == (int)k &&
                      memcmp(eq, eq + k + 1, k - 2) == 0 && memcmp(eq, eq + 2 * k + 3, k - 2) == 0;
    bool outer = false, inner = false;
    if (form) {
        const char *p = eq + k - 2, *q = p + k + 1, *r = q + k + 2;
        outer = p[1] == q[1] && p[0] == r[0] && q[0] == r[1] && p[0] != q[0];
        inner = p[1] == q[0] && p[0] == r[0] && q[1] == r[1] && p[0] != p[1];
    }
    struct trace_symbol turned;
    if (!outer && !inner)
        return trace_refuse(t, e, "expected products of matrices such as bid,bjd->bij, found '%s'",
                            eq);
    if (outer && trace_swap(t, b, -1, -2, &turned, e) != 0)
        return -1;
    return trace_matmul(t, a, outer ? &turned : b, y, e);
}

int trace_softmax(struct trace *t, const struct trace_symbol *x, int64_t dim, bool log,
                  struct trace_symbol *y, struct err *e)
{
    const struct origin none = {.w = NULL};
    struct trace_symbol in;
    const int d = x ? trace_axis(x, dim) : -1;
    if (d < 0)
        return trace_refuse(t, e, "expected an axis of activations, found %lld", (long long)dim);
    if (trace_is_known(x) && !log)
        return trace_known_softmax(t, x, d, y, e);
    if (x->kind == TRACE_SCORES) {
        struct trace_scores s = t->scores[x->value];
        if (log || x->soft || d != x->view.dims - 1 || !scores_stand(t, x) ||
            (s.bias && x->scale != 1)) {
            struct trace_symbol made = *x;
            return trace_make(t, &made, e) != 0 ? -1 : trace_softmax(t, &made, dim, log, y, e);
        }
        s.q.scale *= x->scale;
        *y = add_scores(t, &s, &x->view);
        y->soft = true;
        return 0;
    }
    if (log) {
        if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
            return -1;
        *y = trace_alias(x);
        y->log = true;
        return 0;
    }
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 ||
        trace_settle(t, x, d, TRACE_CHANNELS, &in, e) != 0)
        return -1;
    const struct graph_op op = {.kind = GRAPH_SOFTMAX, .in = {in.value}, .ins = 1};
    const int value = trace_append(t, &op, &none, e);
    if (value < 0)
        return -1;
    *y = trace_value(value, &in.view);
    return 0;
}
