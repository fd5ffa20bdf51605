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

/* Refuses masks that are infinite along a whole row of an axis: PyTorch makes NaN of its softmax,
 * or 0 in scaled_dot_product_attention(); here, where infinite numbers are far ones, such a row
 * would have weights. */
static int leaves_some(struct trace *t, const struct trace_symbol *mask, int dim, struct err *e)
{
    static const float gone = -CKPT_FAR / 16;
    struct trace_symbol rows;
    if (trace_swap(t, mask, dim, -1, &rows, e) != 0)
        return -1;
    float *all = trace_known_all(t, &rows, e);
    const int64_t n = trace_size(&rows, rows.view.dims - 1),
                  count = all && n > 0 ? trace_count(&rows) / n : 0;
    int r = all ? 0 : -1;
    for (int64_t i = 0; i < count && r == 0; i++) {
        int64_t k = 0;
        while (k < n && all[i * n + k] <= gone)
            k++;
        if (k == n)
            r = trace_refuse(t, e,
                             "expected a mask that leaves something of each row, found one that "
                             "leaves nothing of row %lld",
                             (long long)i);
    }
    free(all);
    return r;
}

/* The same of constants that were added to activations at last. */
static int leaves_some_of(struct trace *t, const struct trace_symbol *x, int dim, struct err *e)
{
    struct trace_view v = {.offset = x->view.offset};
    if (x->value == 0 || t->b->graph->op[x->value - 1].kind != GRAPH_OFFSET ||
        view_has_images(&x->view, dim))
        return 0;
    const struct origin from = t->b->origin[x->value - 1];
    bool room = true;
    for (int d = 0; d < x->view.dims; d++) {
        const struct trace_factor *f = view_factors(&x->view, d);
        room = room && view_axis(&v);
        for (int i = 0; i < x->view.count[d]; i++)
            room =
                room && (f[i].stride == TRACE_EACH_IMAGE || view_factor(&v, f[i].n, f[i].stride));
    }
    if (!room)
        return trace_refuse(t, e, "expected fewer axes, found more");
    for (int i = 0; i < BUILD_PIECES && from.piece[i].tensor; i++) {
        const struct trace_symbol piece = trace_constant(from.piece[i].tensor);
        struct trace_symbol mask;
        if (trace_count(&piece) != (int64_t)graph_size(t->b->graph, x->value))
            continue;
        if (trace_known_copy(t, &piece, &mask, e) != 0)
            return -1;
        mask.view = v;
        if (leaves_some(t, &mask, dim, e) != 0)
            return -1;
    }
    return 0;
}

/* softmax(scale q k' + bias) v of what fits. */
static int attend(struct trace *t, const struct trace_symbol *q, const struct trace_symbol *k,
                  const struct trace_symbol *v, const struct ckpt_tensor *bias, double scale,
                  struct trace_symbol *y, struct err *e)
{
    const struct trace_symbol *const x[3] = {q, k, v};
    const struct origin from = {.w = bias};
    const struct tokens of = tokens_of(q);
    const struct trace_symbol mask = bias ? trace_constant(bias) : *q;
    struct trace_view view;
    int64_t size;
    if (bias && leaves_some(t, &mask, mask.view.dims - 1, e) != 0)
        return -1;
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
    const struct trace_symbol mask = trace_known_mask(t, given);
    if (!trace_of_one(t, &mask, &one))
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

/* A vector as a row or as a column, an axis that the product loses again. */
static int vector_product(struct trace *t, const struct trace_symbol *a,
                          const struct trace_symbol *b, struct trace_symbol *y, struct err *e)
{
    const bool row = a->view.dims == 1, column = b->view.dims == 1;
    struct trace_symbol left = *a, right = *b, s;
    if ((row && trace_unsqueeze(t, a, 0, &left, e) != 0) ||
        (column && trace_unsqueeze(t, b, 1, &right, e) != 0) ||
        trace_matmul(t, &left, &right, &s, e) != 0 || trace_make(t, &s, e) != 0 ||
        (column && trace_squeeze(t, &s, -1, &s, e) != 0) ||
        (row && trace_squeeze(t, &s, column ? -1 : -2, &s, e) != 0))
        return -1;
    *y = s;
    return 0;
}

/* Activations times a constant that has a matrix for each of some axes, but not for each image. */
static int matrices(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                    struct trace_symbol *y, struct err *e)
{
    char eq[4 * TRACE_DIMS];
    struct trace_symbol w = *b;
    const int dims = a->view.dims, front = dims - b->view.dims;
    int n = 0;
    for (int d = 0; d < dims; d++)
        eq[n++] = (char)('a' + d);
    eq[n++] = ',';
    /* From the last on, so that those before keep their numbers. */
    for (int d = b->view.dims - 3; d >= 0; d--)
        if (trace_size(b, d) == 1 && trace_squeeze(t, &w, d, &w, e) != 0)
            return -1;
    for (int d = 0; d < b->view.dims - 2; d++)
        if (trace_size(b, d) != 1)
            eq[n++] = (char)('a' + front + d);
    eq[n++] = (char)('a' + dims - 1);
    memcpy(eq + n, "z->", 3);
    memcpy(eq + n + 3, eq, (size_t)dims - 1);
    memcpy(eq + n + 2 + dims, "z", 2);
    return trace_einsum(t, eq, a, &w, y, e);
}

int trace_matmul(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                 struct trace_symbol *y, struct err *e)
{
    struct trace_symbol w, one;
    if (a && b && a->kind != TRACE_NUMBERS && b->kind != TRACE_NUMBERS && a->view.dims > 0 &&
        b->view.dims > 0 && (a->view.dims == 1 || b->view.dims == 1))
        return vector_product(t, a, b, y, e);
    /* One matrix for all images, which some programs repeat. */
    if (a && b && b->kind == TRACE_CONSTANT) {
        if (!trace_of_one(t, b, &one))
            return trace_refuse(t, e, "expected fewer axes, found more");
        while (one.view.dims > 2 && one.view.dims <= a->view.dims && is_repeated(&one))
            if (trace_select(t, &one, 0, 0, &one, e) != 0)
                return -1;
        b = &one;
        if (a->kind == TRACE_VALUE && b->view.dims > 2 &&
            (b->view.dims < a->view.dims ||
             (b->view.dims == a->view.dims && trace_size(b, 0) == 1)))
            return matrices(t, a, b, y, e);
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

/* --- products by an equation --- */

/* The letters of an operand or of the result. */
struct letters {
    const char *at;
    int n;
};

static bool has(const struct letters *l, char c)
{
    return memchr(l->at, c, (size_t)l->n) != NULL;
}

/* Letters of `of` that other operands and the result have too, or have not. */
static int pick_letters(const struct letters *of, const struct letters *with, bool in_with,
                        const struct letters *result, bool in_result, char *to)
{
    int n = 0;
    for (int i = 0; i < of->n; i++)
        if (has(with, of->at[i]) == in_with && has(result, of->at[i]) == in_result)
            to[n++] = of->at[i];
    return n;
}

/* x with its axes in the order of some letters, which become as many axes as there are groups. */
static int arrange(struct trace *t, const struct trace_symbol *x, const struct letters *of,
                   const struct letters *group, int groups, struct trace_symbol *y, struct err *e)
{
    int64_t order[TRACE_DIMS], size[TRACE_DIMS];
    struct trace_symbol turned;
    int n = 0;
    for (int g = 0; g < groups; g++) {
        size[g] = 1;
        for (int i = 0; i < group[g].n; i++) {
            order[n] = (const char *)memchr(of->at, group[g].at[i], (size_t)of->n) - of->at;
            size[g] *= trace_size(x, (int)order[n++]);
        }
    }
    return trace_permute(t, x, order, n, &turned, e) != 0
               ? -1
               : trace_reshape(t, &turned, size, groups, y, e);
}

/* The size of the axis of a letter, in the operand that has it. */
static int64_t letter_size(const struct trace_symbol *const x[2], const struct letters part[3],
                           char c)
{
    const int i = has(&part[0], c) ? 0 : 1;
    const char *at = memchr(part[i].at, c, (size_t)part[i].n);
    return trace_size(x[i], (int)(at - part[i].at));
}

/* The axes of a product, those of group[], as the result has them. */
static int as_result(struct trace *t, const struct trace_symbol *product,
                     const struct trace_symbol *const x[2], const struct letters part[3],
                     const struct letters *group, int groups, struct trace_symbol *y, struct err *e)
{
    int64_t size[TRACE_DIMS], order[TRACE_DIMS];
    struct trace_symbol s;
    char made[TRACE_DIMS];
    int n = 0;
    for (int g = 0; g < groups; g++)
        for (int i = 0; i < group[g].n; i++) {
            made[n] = group[g].at[i];
            size[n] = letter_size(x, part, made[n]);
            n++;
        }
    for (int i = 0; i < part[2].n; i++)
        order[i] = (const char *)memchr(made, part[2].at[i], (size_t)n) - made;
    return trace_reshape(t, product, size, n, &s, e) != 0 ? -1
                                                          : trace_permute(t, &s, order, n, y, e);
}

/* Of activations and a constant: a convolution of one cell in as many groups as both share. */
static int with_weights(struct trace *t, const struct trace_symbol *const x[2],
                        const struct letters part[3], const struct letters *shared,
                        const struct letters *summed, const struct letters *left,
                        const struct letters *right, struct trace_symbol *y, struct err *e)
{
    const struct letters image = {left->at, 1}, cells = {left->at + 1, left->n - 1};
    const struct letters none = {"", 0};
    char both[2 * TRACE_DIMS];
    struct trace_symbol in, w, s;
    const struct trace_windows win = trace_windows(1, 1);
    int64_t groups = 1;
    for (int i = 0; i < shared->n; i++)
        groups *= letter_size(x, part, shared->at[i]);
    memcpy(both, shared->at, (size_t)shared->n);
    memcpy(both + shared->n, summed->at, (size_t)summed->n);
    const struct letters of_x[] = {image, {both, shared->n + summed->n}, cells, none};
    if (groups > BUILD_CHANNELS || arrange(t, x[0], &part[0], of_x, 4, &in, e) != 0)
        return groups > BUILD_CHANNELS
                   ? trace_refuse(t, e, "expected at most %d matrices, found more", BUILD_CHANNELS)
                   : -1;
    memcpy(both + shared->n, right->at, (size_t)right->n);
    const struct letters of_w[] = {{both, shared->n + right->n}, *summed, none, none};
    const struct letters made[] = {image, of_w[0], cells};
    if (arrange(t, x[1], &part[1], of_w, 4, &w, e) != 0 ||
        trace_conv(t, &in, &w, NULL, &win, (int)groups, &s, e) != 0)
        return -1;
    s.uses = 1;
    return as_result(t, &s, x, part, made, 3, y, e);
}

/* Reads "ab,bc->ac" into the letters of both operands and of the result. */
static bool read_equation(const char *eq, const struct trace_symbol *a,
                          const struct trace_symbol *b, struct letters part[3])
{
    const size_t first = strcspn(eq, ","), second = eq[first] ? strcspn(eq + first + 1, "-") : 0;
    const char *to = eq + first + 1 + second;
    if (!a || !b || !eq[first] || strncmp(to, "->", 2) != 0 || (int)first != a->view.dims ||
        (int)second != b->view.dims || strlen(to + 2) > TRACE_DIMS)
        return false;
    part[0] = (struct letters){eq, (int)first};
    part[1] = (struct letters){eq + first + 1, (int)second};
    part[2] = (struct letters){to + 2, (int)strlen(to + 2)};
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < part[p].n; i++) {
            const char c = part[p].at[i];
            const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!letter || memchr(part[p].at, c, (size_t)i) ||
                (p == 2 && !has(&part[0], c) && !has(&part[1], c)) ||
                (p < 2 && !has(&part[1 - p], c) && !has(&part[2], c)))
                return false;
        }
    for (int i = 0; i < part[0].n; i++) {
        const char *other = memchr(part[1].at, part[0].at[i], (size_t)part[1].n);
        if (other && trace_size(a, i) != trace_size(b, (int)(other - part[1].at)))
            return false;
    }
    return true;
}

int trace_einsum(struct trace *t, const char *equation, const struct trace_symbol *a,
                 const struct trace_symbol *b, struct trace_symbol *y, struct err *e)
{
    char eq[4 * TRACE_DIMS], letter[4][TRACE_DIMS];
    const struct trace_symbol *x[2] = {a, b};
    struct letters part[3];
    struct trace_symbol left, right, product;
    size_t n = 0;
    for (const char *p = equation; *p && n + 1 < sizeof eq; p++)
        if (*p != ' ')
            eq[n++] = *p;
    eq[n] = '\0';
    if (!read_equation(eq, a, b, part))
        return trace_refuse(t, e, "expected products of matrices such as bid,bjd->bij, found '%s'",
                            eq);
    /* The operand with the images comes first. */
    if (trace_is_known(a) && !trace_is_known(b)) {
        const struct letters first = part[0];
        part[0] = part[1];
        part[1] = first;
        x[0] = b;
        x[1] = a;
    }
    const struct letters shared = {
        letter[0], pick_letters(&part[0], &part[1], true, &part[2], true, letter[0])};
    const struct letters summed = {
        letter[1], pick_letters(&part[0], &part[1], true, &part[2], false, letter[1])};
    const struct letters rows = {
        letter[2], pick_letters(&part[0], &part[1], false, &part[2], true, letter[2])};
    const struct letters columns = {
        letter[3], pick_letters(&part[1], &part[0], false, &part[2], true, letter[3])};
    if (x[0]->kind == TRACE_VALUE && trace_is_known(x[1]) && rows.n > 0 &&
        rows.at[0] == part[0].at[0])
        return with_weights(t, x, part, &shared, &summed, &rows, &columns, y, e);
    /* Each shared letter stays an axis, so that images do. */
    struct letters of_a[TRACE_DIMS + 2], of_b[TRACE_DIMS + 2], made[TRACE_DIMS + 2];
    const int front = shared.n;
    for (int i = 0; i < front; i++)
        of_a[i] = of_b[i] = made[i] = (struct letters){shared.at + i, 1};
    of_a[front] = made[front] = rows;
    of_a[front + 1] = of_b[front] = summed;
    of_b[front + 1] = made[front + 1] = columns;
    if (front + 2 > TRACE_DIMS)
        return trace_refuse(t, e, "expected fewer axes, found '%s'", eq);
    if (arrange(t, x[0], &part[0], of_a, front + 2, &left, e) != 0 ||
        arrange(t, x[1], &part[1], of_b, front + 2, &right, e) != 0 ||
        trace_matmul(t, &left, &right, &product, e) != 0)
        return -1;
    /* Products of queries and keys stay what they are where nothing has to be moved. */
    bool same = rows.n == 1 && columns.n == 1 && part[2].n == front + 2;
    for (int i = 0; i < part[2].n && same; i++)
        same = part[2].at[i] == *made[i].at;
    if (same) {
        *y = product;
        return 0;
    }
    product.uses = 1;
    return trace_make(t, &product, e) != 0 ? -1
                                           : as_result(t, &product, x, part, made, front + 2, y, e);
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
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 || leaves_some_of(t, x, d, e) != 0 ||
        trace_settle(t, x, d, TRACE_CHANNELS, &in, e) != 0)
        return -1;
    const struct graph_op op = {.kind = GRAPH_SOFTMAX, .in = {in.value}, .ins = 1};
    const int value = trace_append(t, &op, &none, e);
    if (value < 0)
        return -1;
    *y = trace_value(value, &in.view);
    return 0;
}
