/* Symbols of exported programs, and values laid out as operations need them. */
#include "model/trace_parts.h"

#include "base/mem.h"
#include "graph/rules.h"
#include "graph/windows.h"
#include "base/prog.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Elements of all values of one image, what a forward pass keeps in memory, and of all lists of
 * gathers and picks; operations; modules that get names. */
enum { ELEMENTS = 1 << 28, LISTED = 1 << 23, OPERATIONS = 1 << 15, LAYERS = 1 << 13 };

/* What takes minutes for one image: multiply-accumulates, and cells that pools look at. */
static const int64_t PRODUCTS = INT64_C(1) << 42, POOLED = INT64_C(1) << 33;

int trace_sizes(struct build *b, int channels, int64_t h, int64_t w, struct err *e)
{
    struct graph_value *v = &b->graph->value[0];
    v->c = channels;
    const char *name = ckpt_name(b->ckpt);
    b->model->any_size = h < 0 && w < 0;
    if (v->h == 0 && b->opts->side > 0) {
        h = h < 0 ? b->opts->side : h;
        w = w < 0 ? b->opts->side : w;
    }
    if (v->h == 0 && (h < 1 || w < 1))
        return err_set(e,
                       "%s: expected a size of images, which the program leaves open: give it, "
                       "such as %s",
                       name, prog_option("--resize 32x32", "RESIZE=32x32"));
    if (v->h == 0) {
        if (h > BUILD_ELEMENTS || w > BUILD_ELEMENTS || h > BUILD_ELEMENTS / w / v->c)
            return err_set(e, "%s: expected at most %d elements of an image, found %lldx%lld", name,
                           BUILD_ELEMENTS, (long long)h, (long long)w);
        v->h = (int)h;
        v->w = (int)w;
    }
    if ((h >= 0 && h != v->h) || (w >= 0 && w != v->w))
        return err_set(e,
                       "%s: expected images of %lldx%lld, for which the program was exported, "
                       "found %dx%d",
                       name, (long long)h, (long long)w, v->h, v->w);
    return 0;
}

void trace_open(struct trace *t, struct build *b, int64_t images)
{
    *t = (struct trace){.b = b, .images = images, .node = "without a name", .op = "?"};
    t->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    t->constants = constants_list(b->ckpt, t->constant);
}

void trace_close(struct trace *t)
{
    for (size_t i = 0; i < t->layers; i++)
        free(t->layer[i].path);
    free(t->layer);
    if (t->by_path)
        g_hash_table_destroy(t->by_path);
    free(t->scores);
}

void trace_record(const struct trace *t, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    /* ONNX's exporters take apart what torch.export keeps whole, such as uneven adaptive pooling.
     */
    const bool onnx = ckpt_format(t->b->ckpt) == CKPT_ONNX;
    err_record(e, "%s: node %.*s (%.*s): %s%s" CKPT_WAY_ON, ckpt_name(t->b->ckpt), TRACE_NAME,
               t->node, TRACE_NAME, t->op, text,
               onnx ? "; torch.export (.pt2) may write it with other operations" : "");
    e->unread = onnx;
    free(text);
}

/* --- symbols --- */

struct trace_symbol trace_value(int value, const struct trace_view *view)
{
    return (struct trace_symbol){.kind = TRACE_VALUE, .value = value, .view = *view, .scale = 1};
}

struct trace_symbol trace_viewed(const struct trace_symbol *x, const struct trace_view *view)
{
    struct trace_symbol y = *x;
    y.view = *view;
    y.shared = x->shared || x->uses > 1;
    return y;
}

struct trace_symbol trace_alias(const struct trace_symbol *x)
{
    return trace_viewed(x, &x->view);
}

/* (images, c, h, w), or without what is left out by 0. */
static struct trace_view plain(int64_t images, int64_t c, int64_t h, int64_t w)
{
    struct trace_view v = {.dims = 4, .count = {images != 1, c != 1, h != 1, w != 1}};
    const struct trace_factor all[] = {{images, TRACE_EACH_IMAGE}, {c, h * w}, {h, w}, {w, 1}};
    for (int i = 0, at = 0; i < 4; i++)
        if (v.count[i])
            v.factor[at++] = all[i];
    return v;
}

/* B, G, R of R, G, B. */
static int reverse_colours(struct trace *t, struct err *e)
{
    enum { COLOURS = 3 };
    const struct origin none = {.w = NULL};
    struct graph_op op = {.kind = GRAPH_PICK, .in = {0}, .ins = 1, .channels = COLOURS};
    int *pick = mem_alloc(COLOURS, sizeof *pick);
    for (int i = 0; i < COLOURS; i++)
        pick[i] = COLOURS - 1 - i;
    op.pick = pick;
    return trace_append(t, &op, &none, e);
}

int trace_image(struct trace *t, bool last, struct trace_symbol *y, struct err *e)
{
    const struct graph_value v = t->b->graph->value[0];
    const struct trace_view view = plain(t->images, v.c, v.h, v.w);
    struct trace_view turned = {.offset = 0};
    static const int order[] = {0, 2, 3, 1};
    bool room = true;
    for (int i = 0; i < 4; i++)
        room = room && view_axis(&turned) && view_copy(&turned, &view, order[i]);
    if (build_check_colours(t->b, e) != 0)
        return -1;
    const int value = t->b->assume.bgr ? reverse_colours(t, e) : 0;
    *y = trace_value(value, last && room ? &turned : &view);
    return value < 0 ? -1 : 0;
}

struct trace_symbol trace_constant(const struct ckpt_tensor *tensor)
{
    struct trace_symbol s = {.kind = TRACE_CONSTANT, .tensor = tensor};
    s.view.dims = tensor->ndim;
    for (int d = 0, at = 0; d < tensor->ndim; d++) {
        s.view.count[d] = tensor->shape[d] != 1;
        if (tensor->shape[d] != 1)
            s.view.factor[at++] = (struct trace_factor){tensor->shape[d], tensor->stride[d]};
    }
    return s;
}

struct trace_symbol trace_scalar(int64_t number)
{
    return (struct trace_symbol){.kind = TRACE_NUMBERS, .number = {number}};
}

struct trace_symbol trace_numbers(const int64_t *number, int n)
{
    struct trace_symbol s = {.kind = TRACE_NUMBERS, .view = {.dims = 1, .count = {n != 1}}};
    s.view.factor[0] = (struct trace_factor){n, 1};
    for (int i = 0; i < n && i < TRACE_INTS; i++)
        s.number[i] = number[i];
    return s;
}

void trace_bind(struct trace_symbol *to, const struct trace_symbol *made)
{
    const int uses = to->uses;
    const uint64_t of = to->of | made->of;
    *to = *made;
    to->uses = uses;
    to->of = of;
}

/* Whether a value shows pixels: behind no layer that adds up several. */
static bool is_pixels(const struct graph *g, int value)
{
    while (value > 0) {
        const struct graph_op *op = &g->op[value - 1];
        if (op->kind == GRAPH_CONV || op->kind == GRAPH_LINEAR || op->kind == GRAPH_MATMUL ||
            op->kind == GRAPH_ATTENTION || op->kind == GRAPH_LAYER_NORM)
            return false;
        value = op->in[0];
    }
    return true;
}

void trace_made_of(const struct trace *t, const struct trace_symbol *x, struct trace_made_of *of)
{
    of->constants |= x->of;
    for (int i = 0; i < t->constants && x->kind == TRACE_CONSTANT; i++)
        of->constants |= x->tensor == t->constant[i] ? UINT64_C(1) << i : 0;
    of->pixels = of->pixels ||
                 (t->constants > 0 && x->kind == TRACE_VALUE && is_pixels(t->b->graph, x->value));
}

void trace_pass_on(const struct trace *t, const struct trace_made_of *of, struct trace_symbol *y)
{
    y->of |= of->constants;
    if (of->pixels)
        t->b->model->applied |= of->constants;
}

int64_t trace_size(const struct trace_symbol *x, int dim)
{
    return view_size(&x->view, dim);
}

bool trace_same_sizes(const struct trace_symbol *a, const struct trace_symbol *b)
{
    bool same = a->view.dims == b->view.dims;
    for (int d = 0; same && d < a->view.dims; d++)
        same = trace_size(a, d) == trace_size(b, d);
    return same;
}

int trace_axis(const struct trace_symbol *x, int64_t dim)
{
    const int64_t at = dim < 0 ? dim + x->view.dims : dim;
    return at >= 0 && at < x->view.dims ? (int)at : -1;
}

int64_t trace_count(const struct trace_symbol *x)
{
    int64_t n = 1;
    for (int d = 0; d < x->view.dims; d++)
        if (__builtin_mul_overflow(n, view_size(&x->view, d), &n))
            return INT64_MAX;
    return n;
}

bool trace_counts_images(const struct trace *t, int64_t number)
{
    enum { LARGE = TRACE_IMAGES / 256 }; /* half as many, and the like */
    return t->images == TRACE_IMAGES && (number >= LARGE || number <= -LARGE);
}

bool trace_loses_images(const struct trace *t, int64_t number, int64_t divisor)
{
    return divisor != 0 && divisor != -1 && trace_counts_images(t, number) &&
           !trace_counts_images(t, divisor) && !trace_counts_images(t, number / divisor);
}

int trace_number(const struct trace *t, const struct trace_symbol *x, double *out, struct err *e)
{
    if (x && x->kind == TRACE_NUMBERS && trace_count(x) == 1) {
        *out = (double)x->number[0];
        return trace_counts_images(t, x->number[0])
                   ? trace_refuse(t, e,
                                  "expected a number that is the same however many images "
                                  "there are, found one that counts them")
                   : 0;
    }
    if (!x || x->kind != TRACE_CONSTANT || trace_count(x) != 1)
        return trace_refuse(t, e, "expected one number that is known, found something else");
    struct ckpt_tensor one = *x->tensor;
    float number;
    one.offset += x->view.offset;
    one.ndim = 0;
    one.count = 1;
    if (ckpt_read(t->b->ckpt, &one, &number, e) != 0)
        return -1;
    *out = number;
    return 0;
}

static const char *kind_words(enum trace_kind kind)
{
    static const char *const words[] = {
        [TRACE_NOTHING] = "something else",         [TRACE_VALUE] = "activations",
        [TRACE_CONSTANT] = "a tensor of the file",  [TRACE_NUMBERS] = "numbers",
        [TRACE_SCORES] = "products of activations",
    };
    return words[kind];
}

int trace_expect(const struct trace *t, const struct trace_symbol *x, enum trace_kind kind,
                 const char *what, struct err *e)
{
    const enum trace_kind found = x ? x->kind : TRACE_NOTHING;
    if (found != kind)
        return trace_refuse(t, e, "expected %s as %s, found %s", kind_words(kind), what,
                            kind_words(found));
    return x->log ? trace_refuse(t, e, "expected nothing behind a log-softmax, found an operation")
                  : 0;
}

/* --- constants --- */

const struct ckpt_tensor *trace_keep(struct trace *t, const struct ckpt_tensor *tensor)
{
    struct build *b = t->b;
    struct ckpt_tensor *copy = mem_alloc(1, sizeof *copy);
    b->view = mem_extend(b->view, b->views, b->views + 1, sizeof(void *));
    b->view[b->views++] = copy;
    *copy = *tensor;
    return copy;
}

int trace_tensor(struct trace *t, const struct trace_symbol *x, const struct ckpt_tensor **out,
                 struct err *e)
{
    const struct trace_symbol whole = trace_constant(x->tensor);
    struct ckpt_tensor v = *x->tensor;
    *out = x->tensor;
    if (view_same(&whole.view, &x->view))
        return 0;
    v.ndim = 0;
    v.count = trace_count(x);
    v.offset += x->view.offset;
    for (int d = 0; d < x->view.dims; d++) {
        const struct trace_factor *f = view_factors(&x->view, d);
        for (int i = 0; i < x->view.count[d]; i++, v.ndim++) {
            if (v.ndim == CKPT_DIMS)
                return trace_refuse(t, e, "expected a plainer view of '%.80s', found %d axes",
                                    v.name, v.ndim + 1);
            v.shape[v.ndim] = f[i].n;
            v.stride[v.ndim] = f[i].stride == TRACE_EACH_IMAGE ? 0 : f[i].stride;
        }
    }
    *out = trace_keep(t, &v);
    return 0;
}

int trace_vector(struct trace *t, const struct trace_symbol *x, int64_t n, const char *what,
                 const struct ckpt_tensor **out, struct err *e)
{
    if (trace_expect(t, x, TRACE_CONSTANT, what, e) != 0)
        return -1;
    return trace_count(x) == n ? trace_tensor(t, x, out, e)
                               : trace_refuse(t, e, "expected %lld numbers as %s, found %lld",
                                              (long long)n, what, (long long)trace_count(x));
}

char *trace_key(const struct ckpt_tensor *w)
{
    static const char *const ends[] = {".weight", ".running_var"};
    size_t n = strlen(w->name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t tail = strlen(ends[i]);
        if (n > tail && strcmp(w->name + n - tail, ends[i]) == 0)
            n -= tail;
    }
    return mem_printf("%.*s", (int)n, w->name);
}

/* --- operations --- */

/* Numbers in the list of a gather, pick or resize. */
static int64_t listed(const struct graph *g, const struct graph_op *op)
{
    return op->kind == GRAPH_GATHER   ? (int64_t)graph_size(g, op->out)
           : op->kind == GRAPH_PICK   ? op->channels
           : op->kind == GRAPH_RESIZE ? (int64_t)graph_share_count(op)
                                      : 0;
}

/* Cells of all windows of a pool: those in the padding are looked at, too. */
static int64_t pooled(const struct graph *g, const struct graph_op *op)
{
    int64_t n = (int64_t)graph_size(g, op->out);
    const bool pools = op->kind == GRAPH_MAX_POOL || op->kind == GRAPH_MEAN_POOL;
    return !pools ? 0
           : __builtin_mul_overflow(n, op->y.k, &n) || __builtin_mul_overflow(n, op->x.k, &n) ||
                   n > POOLED
               ? POOLED + 1
               : n;
}

/* Multiply-accumulates, of which more than PRODUCTS are as many as any. */
static int64_t products(const struct graph *g, const struct graph_op *op)
{
    if (graph_op_weights(g, op) > PRODUCTS / 64)
        return PRODUCTS + 1;
    const int64_t n = graph_op_macs(g, op);
    return n > PRODUCTS ? PRODUCTS + 1 : n;
}

int trace_append(struct trace *t, const struct graph_op *op, const struct origin *from,
                 struct err *e)
{
    struct err why;
    const int out = build_add(t->b, op, from, &why);
    if (out < 0)
        return trace_refuse(t, e, "%s", why.msg);
    const int64_t size = (int64_t)graph_size(t->b->graph, out);
    t->elements += size;
    const struct graph_op *made = &t->b->graph->op[t->b->graph->ops - 1];
    t->listed += listed(t->b->graph, made);
    t->products += products(t->b->graph, made);
    t->pooled += pooled(t->b->graph, made);
    /* Lists of a large network, such as Swin's, are in keeping with its file. */
    if (t->b->graph->ops > OPERATIONS ||
        t->listed > LISTED + (int64_t)(ckpt_stored(t->b->ckpt) / 4))
        return trace_refuse(t, e,
                            "expected at most %d operations and %d moved elements, found "
                            "more",
                            OPERATIONS, LISTED);
    if (size > BUILD_ELEMENTS || t->elements > ELEMENTS)
        return trace_refuse(t, e,
                            "expected at most %d elements of an image, and %d of all activations, "
                            "found more: export the model for smaller images",
                            BUILD_ELEMENTS, ELEMENTS);
    return t->products > PRODUCTS || t->pooled > POOLED
               ? trace_refuse(t, e,
                              "expected at most %lld multiply-accumulates of an image and %lld "
                              "cells of its windows of pools, found more",
                              (long long)PRODUCTS, (long long)POOLED)
               : out;
}

void trace_take_back(struct trace *t)
{
    struct graph *g = t->b->graph;
    struct graph_op *op = &g->op[--g->ops];
    t->listed -= listed(g, op);
    t->elements -= (int64_t)graph_size(g, op->out);
    t->products -= products(g, op);
    t->pooled -= pooled(g, op);
    free((void *)op->key);
    free((void *)op->pick);
    free((void *)op->w);
    g->values--;
    /* Modules that end with it do with nothing. */
    for (size_t i = 0; i < t->layers; i++)
        if (t->layer[i].value == g->values)
            t->layer[i].value = 0;
}

bool trace_sole(const struct trace_symbol *x)
{
    return !x->shared && x->uses == 1;
}

struct graph_op *trace_maker(const struct trace *t, const struct trace_symbol *x,
                             struct origin **from)
{
    struct graph_op *op = x->value > 0 ? &t->b->graph->op[x->value - 1] : NULL;
    if (!op || !trace_sole(x) || x->scale != 1 || op->act != GRAPH_NONE)
        return NULL;
    *from = &t->b->origin[x->value - 1];
    return op;
}

/* --- layouts --- */

int trace_channels(const struct trace *t, const struct trace_symbol *x)
{
    const struct trace_view *v = &x->view;
    const struct graph_value *of = &t->b->graph->value[x->value];
    const int64_t cells = (int64_t)of->h * of->w;
    int usual = v->dims - 1;
    if (v->dims == 4 && !view_has_images(v, 1))
        usual = 1;
    for (int i = 0; i <= v->dims; i++) {
        const int d = i == 0 ? usual : i - 1;
        const struct trace_factor *f = view_factors(v, d);
        if (d >= 0 && v->count[d] == 1 && f->n == of->c && f->stride == cells)
            return d;
    }
    return usual;
}

void trace_cells(const struct trace_view *v, int dim, int64_t *h, int64_t *w)
{
    int64_t n = 1, side[TRACE_DIMS];
    int sides = 0;
    for (int d = 0; d < v->dims; d++)
        if (d != dim) {
            side[sides++] = view_each(v, d);
            n *= view_each(v, d);
        }
    const bool image = v->dims == 4 && side[0] == 1;
    *h = image ? side[1] : n;
    *w = image ? side[2] : 1;
}

bool trace_ordered(const struct trace_view *v, int dim, struct trace_view *out)
{
    struct trace_view to = {.offset = 0};
    int64_t cells = 1;
    for (int d = 0; d < v->dims; d++)
        cells *= d == dim ? 1 : view_each(v, d);
    int64_t left = cells;
    for (int d = 0; d < v->dims; d++) {
        if (!view_axis(&to))
            return false;
        if (d == dim) {
            if (!view_factor(&to, view_size(v, d), cells))
                return false;
            continue;
        }
        const struct trace_factor *f = view_factors(v, d);
        for (int i = 0; i < v->count[d]; i++) {
            const bool images = f[i].stride == TRACE_EACH_IMAGE;
            left /= images ? 1 : f[i].n;
            if (!view_factor(&to, f[i].n, images ? TRACE_EACH_IMAGE : left))
                return false;
        }
    }
    *out = to;
    return true;
}

/* Channels of the input in the order of a list of elements, if that is what it says. */
static bool channels_of(const struct graph_value *x, int64_t c, int64_t h, int64_t w,
                        const int *place)
{
    const int64_t cells = h * w;
    if (x->h != h || x->w != w)
        return false;
    for (int64_t i = 0; i < c; i++)
        for (int64_t p = 0; p < cells; p++)
            if (place[i * cells + p] != place[i * cells] + p || place[i * cells] % cells != 0)
                return false;
    return true;
}

static bool in_order(const int *place, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (place[i] != i)
            return false;
    return true;
}

int trace_move(struct trace *t, int value, int *place, const int64_t shape[3], struct err *e)
{
    const struct graph_value *x = &t->b->graph->value[value];
    const struct origin none = {.w = NULL};
    const int64_t c = shape[0], cells = shape[1] * shape[2];
    struct graph_op op = {.kind = GRAPH_GATHER, .in = {value}, .ins = 1, .channels = (int)c};
    op.y.k = (int)shape[1];
    op.x.k = (int)shape[2];
    if (cells == 1 && c == (int64_t)graph_size(t->b->graph, value) && in_order(place, c)) {
        free(place);
        op.kind = GRAPH_FLATTEN;
        return trace_append(t, &op, &none, e);
    }
    if (channels_of(x, c, shape[1], shape[2], place)) {
        op.kind = GRAPH_PICK;
        for (int64_t i = 0; i < c; i++)
            place[i] = place[i * cells] / (int)cells;
        place = mem_grow(place, (size_t)c, sizeof *place);
    }
    op.pick = place;
    return trace_append(t, &op, &none, e);
}

/* y = x * scale + offset, which are the same everywhere. */
static int scaled(struct trace *t, struct trace_symbol *y, double offset, struct err *e)
{
    const struct origin from = {.constant = true, .factor = y->scale, .offset = (float)offset};
    const struct graph_op op = {.kind = GRAPH_NORM, .in = {y->value}, .ins = 1};
    y->value = trace_append(t, &op, &from, e);
    y->scale = 1;
    y->shared = false;
    y->uses = 1;
    return y->value < 0 ? -1 : 0;
}

static int apply_scale(struct trace *t, struct trace_symbol *y, struct err *e)
{
    return y->scale == 1 ? 0 : scaled(t, y, 0, e);
}

/* Without images in the channels, and small enough to be moved. */
static int check_axes(const struct trace *t, const struct trace_symbol *x, int dim, struct err *e)
{
    int64_t n = 1;
    if (dim < 0)
        return trace_refuse(t, e, "expected at least one axis, found none");
    if (view_has_images(&x->view, dim))
        return trace_refuse(t, e,
                            "expected images that are computed one by one, found an operation over "
                            "several");
    for (int d = 0; d < x->view.dims; d++)
        if (__builtin_mul_overflow(n, view_each(&x->view, d), &n) || n > BUILD_ELEMENTS)
            return trace_refuse(t, e, "expected at most %d elements of an image, found more",
                                BUILD_ELEMENTS);
    return 0;
}

static int settle_shape(struct trace *t, const struct trace_symbol *x, int dim,
                        const int64_t shape[3], struct trace_symbol *y, struct err *e)
{
    const struct graph_value *v = &t->b->graph->value[x->value];
    struct trace_view want;
    if (!trace_ordered(&x->view, dim, &want))
        return trace_refuse(t, e, "expected fewer axes, found more");
    *y = *x;
    if (v->c != shape[0] || v->h != shape[1] || v->w != shape[2] || !view_same(&want, &x->view)) {
        int *place = mem_alloc((size_t)(shape[0] * shape[1] * shape[2]), sizeof *place);
        view_places(&x->view, dim, place);
        y->value = trace_move(t, x->value, place, shape, e);
        y->view = want;
        y->shared = false;
        y->uses = 1;
    }
    return y->value < 0 ? -1 : apply_scale(t, y, e);
}

int trace_settle_at(struct trace *t, const struct trace_symbol *x, int dim, int h, int w,
                    struct trace_symbol *y, struct err *e)
{
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 || check_axes(t, x, dim, e) != 0)
        return -1;
    const int64_t shape[] = {view_size(&x->view, dim), h, w};
    return settle_shape(t, x, dim, shape, y, e);
}

int trace_settle(struct trace *t, const struct trace_symbol *x, int dim, enum trace_form form,
                 struct trace_symbol *y, struct err *e)
{
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 || check_axes(t, x, dim, e) != 0)
        return -1;
    const struct graph_value *v = &t->b->graph->value[x->value];
    const struct trace_factor *f = view_factors(&x->view, dim);
    const int64_t cells = (int64_t)v->h * v->w;
    const bool channels = v->c == 1 ? x->view.count[dim] == 0
                                    : x->view.count[dim] == 1 && f->n == v->c && f->stride == cells;
    if (form == TRACE_CHANNELS && channels && view_covers(&x->view, v->c * cells)) {
        *y = *x;
        return apply_scale(t, y, e);
    }
    int64_t shape[3] = {view_size(&x->view, dim)};
    trace_cells(&x->view, dim, &shape[1], &shape[2]);
    return settle_shape(t, x, dim, shape, y, e);
}

int trace_whole(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                struct err *e)
{
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    if (!view_covers(&x->view, (int64_t)graph_size(t->b->graph, x->value)))
        return trace_settle(t, x, trace_channels(t, x), TRACE_ORDER, y, e);
    *y = *x;
    return apply_scale(t, y, e);
}

static double line(double x, double factor, double offset)
{
    return x * factor + offset;
}

int trace_scale(struct trace *t, const struct trace_symbol *x, double factor, double offset,
                struct trace_symbol *y, struct err *e)
{
    if (trace_is_known(x))
        return trace_known_function(t, x, line, factor, offset, y, e);
    if ((!x || x->kind != TRACE_SCORES) &&
        (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 || !x))
        return -1;
    const struct trace_view view = x->view;
    struct trace_symbol s = trace_viewed(x, &view);
    s.scale = (float)(s.scale * factor);
    s.mask = false;
    if (offset == 0) {
        *y = s;
        return 0;
    }
    if (x->kind == TRACE_SCORES)
        return trace_refuse(t, e, "expected attention without a mask, found one");
    /* The factor has to wait for the offset. */
    const float scale = s.scale;
    s.scale = 1;
    if (trace_whole(t, &s, y, e) != 0)
        return -1;
    y->scale = scale;
    return scaled(t, y, offset, e);
}

/* --- results --- */

void trace_layer(struct trace *t, const char *path, size_t n, const struct trace_symbol *s)
{
    if (n == 0 || s->kind != TRACE_VALUE || s->value == 0)
        return;
    const struct graph_op *op = &t->b->graph->op[s->value - 1];
    struct trace_layer l = {.path = mem_printf("%.*s", (int)n, path),
                            .value = s->value,
                            .ins = op->ins,
                            .act = op->act,
                            .normed = norm_is_there(&t->b->origin[s->value - 1].norm)};
    gpointer at;
    if (g_hash_table_lookup_extended(t->by_path, l.path, NULL, &at)) {
        struct trace_layer *to = &t->layer[GPOINTER_TO_SIZE(at)];
        free(l.path);
        l.path = to->path;
        *to = l;
        return;
    }
    if (t->layers == LAYERS) {
        free(l.path);
        return;
    }
    t->layer = mem_extend(t->layer, t->layers, t->layers + 1, sizeof *t->layer);
    g_hash_table_insert(t->by_path, l.path, GSIZE_TO_POINTER(t->layers));
    t->layer[t->layers++] = l;
}

/* Whether the operation has taken in more since. */
static bool is_early(const struct trace *t, const struct trace_layer *l)
{
    const struct graph_op *op = &t->b->graph->op[l->value - 1];
    return op->ins != l->ins || op->act != l->act ||
           norm_is_there(&t->b->origin[l->value - 1].norm) != l->normed;
}

static bool is_short(const char *path)
{
    const char *dot = strchr(path, '.');
    return !dot || !strchr(dot + 1, '.');
}

/* A convolution into which an exporter folded the norm behind it stands in that norm's module: its
 * weights have the name of its own. */
static void name_by_weights(struct trace *t)
{
    struct graph *g = t->b->graph;
    for (int i = 0; i < g->ops; i++) {
        const struct ckpt_tensor *w = t->b->origin[i].w;
        const char *key = g->op[i].key;
        if (w && key && strcmp(key, w->name) != 0 && !g_hash_table_contains(t->by_path, key))
            graph_call(g, g->op[i].out, key,
                       g->op[i].act != GRAPH_NONE || graph_addend(&g->op[i]) >= 0);
    }
}

static void name_layers(struct trace *t)
{
    struct graph *g = t->b->graph;
    for (size_t i = 0; i < t->layers; i++) {
        struct graph_value *v = &g->value[t->layer[i].value];
        if (t->layer[i].value == 0 || !is_short(t->layer[i].path))
            continue;
        free((void *)v->name);
        v->name = mem_dup(t->layer[i].path);
        v->early = is_early(t, &t->layer[i]);
    }
    for (size_t i = 0; i < t->layers; i++)
        if (t->layer[i].value > 0)
            graph_call(g, t->layer[i].value, t->layer[i].path, is_early(t, &t->layer[i]));
    name_by_weights(t);
}

/* A softmax at the end, where only the result reads it. */
static void drop_softmax(struct trace *t, struct trace_symbol *x)
{
    const struct graph *g = t->b->graph;
    if (x->value == 0 || x->value != graph_logits(g) || !trace_sole(x) ||
        g->op[g->ops - 1].kind != GRAPH_SOFTMAX)
        return;
    x->value = g->op[g->ops - 1].in[0];
    trace_take_back(t);
}

int trace_result(struct trace *t, const struct trace_symbol *x, struct err *e)
{
    const struct graph *g = t->b->graph;
    struct trace_symbol s = *x;
    s.log = false;
    int dim = 0;
    while (dim < s.view.dims - 1 && view_each(&s.view, dim) == 1)
        dim++;
    if (trace_expect(t, &s, TRACE_VALUE, "the result", e) != 0)
        return -1;
    /* What was computed behind it is another result's. */
    while (g->ops > 0 && s.value > 0 && graph_logits(g) != s.value)
        trace_take_back(t);
    if (g->ops == 0)
        return trace_refuse(t, e,
                            "expected one result of the last operation, a number for each class, "
                            "found the image");
    if (view_each(&s.view, dim) > BUILD_CHANNELS)
        return trace_refuse(t, e, "expected at most %d classes, found another result",
                            BUILD_CHANNELS);
    if (trace_settle(t, &s, dim, TRACE_ORDER, &s, e) != 0)
        return -1;
    if (graph_cells(g, s.value) == 1)
        drop_softmax(t, &s);
    if (graph_cells(g, s.value) != 1 || g->ops == 0 || s.value != graph_logits(g))
        return trace_refuse(t, e,
                            "expected one result of the last operation, a number for each class, "
                            "found another");
    if (g->op[g->ops - 1].kind == GRAPH_FUNCTION && g->op[g->ops - 1].function == GRAPH_SIGMOID)
        build_say(t->b, "its results, which a sigmoid makes, count as logits: the confidences are "
                        "not its own; export it without the sigmoid");
    name_layers(t);
    return 0;
}
