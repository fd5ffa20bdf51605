/* Single operations, and the tensors behind them. */
#include "model/build.h"

#include "base/mem.h"
#include "base/prog.h"

#include <stdlib.h>

enum {
    KERNEL = 15, /* side of a convolution's window */
    POOL_KERNEL = 3,
    POOL_STRIDE = 2
};

int build_too_large(const struct ckpt *c, int h, int w, struct err *e)
{
    return err_set(e,
                   "%s: images of %d by %d pixels are too large for this network: give the size "
                   "that it was trained on, such as %s",
                   ckpt_name(c), h, w, prog_option("--resize 32x32", "RESIZE=32x32"));
}

int build_check_size(const struct build *b, int value, struct err *e)
{
    const struct graph_value *image = &b->graph->value[0];
    return graph_size(b->graph, value) > BUILD_ELEMENTS
               ? build_too_large(b->ckpt, image->h, image->w, e)
               : 0;
}

/* What is assumed in the place of ReLU, as an operation of its own. */
static struct graph_op function_of(enum assume_act act)
{
    static const struct graph_op functions[] = {
        [ASSUME_ACT_RELU6] = {.function = GRAPH_CLIP, .p = 0, .q = 6},
        [ASSUME_ACT_LEAKY_HUNDREDTH] = {.function = GRAPH_LEAKY_RELU, .p = .01F},
        [ASSUME_ACT_LEAKY_TENTH] = {.function = GRAPH_LEAKY_RELU, .p = .1F},
        [ASSUME_ACT_LEAKY_FIFTH] = {.function = GRAPH_LEAKY_RELU, .p = .2F},
        [ASSUME_ACT_SILU] = {.function = GRAPH_SILU},
        [ASSUME_ACT_GELU] = {.function = GRAPH_GELU},
        [ASSUME_ACT_ELU] = {.function = GRAPH_ELU, .p = 1},
        [ASSUME_ACT_MISH] = {.function = GRAPH_MISH},
    };
    struct graph_op op = functions[act];
    op.kind = GRAPH_FUNCTION;
    op.ins = 1;
    return op;
}

/* Appends an operation, which takes over its key, with the origin of its numbers. */
static int append(struct build *b, const struct graph_op *op, const struct origin *from,
                  struct err *e)
{
    int out = graph_add(b->graph, op, e);
    if (out < 0) {
        free((void *)op->key);
        free((void *)op->pick);
        free((void *)op->w);
        return -1;
    }
    b->origin = mem_grow(b->origin, (size_t)b->graph->ops, sizeof *b->origin);
    b->origin[b->graph->ops - 1] = *from;
    return out;
}

int build_add(struct build *b, const struct graph_op *op, const struct origin *from, struct err *e)
{
    const struct origin none = {.w = NULL};
    struct graph_op bare = *op;
    if (op->act != GRAPH_RELU || b->assume.act <= ASSUME_ACT_RELU)
        return append(b, op, from, e);
    bare.act = GRAPH_NONE;
    struct graph_op function = function_of(b->assume.act);
    function.in[0] = append(b, &bare, from, e);
    return function.in[0] < 0 ? -1 : append(b, &function, &none, e);
}

int build_join(const struct build *b, const struct graph_op *op)
{
    for (int i = 0; i < b->graph->ops; i++) {
        const struct graph_op *x = &b->graph->op[i];
        if (x->kind == op->kind && x->ins == op->ins && x->in[0] == op->in[0] &&
            x->in[1] == op->in[1])
            return x->out;
    }
    return -1;
}

int build_name(struct build *b, int value, const struct want *w)
{
    if (value < 0) {
        free(w->name);
        free(w->key);
        return -1;
    }
    b->graph->value[value].name = w->name;
    b->graph->value[value].key = w->key;
    return value;
}

static void finish_with(struct graph_op *op, const struct want *w)
{
    op->act = w->act;
    if (w->addend >= 0)
        op->in[op->ins++] = w->addend;
}

int build_norm(struct build *b, const struct place *p, const struct norm *norm, int in,
               const struct want *w, struct err *e)
{
    struct graph_op op = {.kind = GRAPH_NORM,
                          .in = {in},
                          .ins = 1,
                          .y = graph_windows(1, 1, 0),
                          .x = graph_windows(1, 1, 0),
                          .key = build_op_key(b, p->stage, p->block, p->norm)};
    const struct origin from = {.norm = *norm, .eps = w->eps};
    finish_with(&op, w);
    return build_name(b, build_add(b, &op, &from, e), w);
}

/* Whether images have three channels or one, the first convolution tells. */
static void settle_channels(struct build *b, const char *key, int in)
{
    const struct ckpt_tensor *t = in == 0 ? build_find(b, key) : NULL;
    if (t && t->ndim == 4 && t->shape[1] == 1)
        b->graph->value[0].c = 1;
}

/* The channels of the input that one of the result's is made of: all, or those of a group where
 * the shape tells that there are several. */
static int64_t inputs_of(const struct build *b, const char *key, int in, const struct want *w)
{
    const struct ckpt_tensor *t = w->grouped ? build_find(b, key) : NULL;
    const int64_t c = b->graph->value[in].c;
    if (!t || t->ndim != 4 || t->shape[1] < 1 || c % t->shape[1] != 0)
        return c;
    return t->shape[0] % (c / t->shape[1]) == 0 ? t->shape[1] : c;
}

/* The convolution of a place. */
static const struct ckpt_tensor *take_conv(struct build *b, const struct place *p, int in,
                                           const struct want *w, const struct ckpt_tensor **bias,
                                           struct norm *norm, struct err *e)
{
    char key[FAMILY_KEY];
    family_key(key, &b->found, p->stage, p->block, p->conv, "weight");
    settle_channels(b, key, in);
    const int64_t shape[] = {w->width, inputs_of(b, key, in, w), w->k, w->k};
    const struct ckpt_tensor *t = build_take(b, key, 4, shape, e);
    if (!t)
        return NULL;
    if (t->shape[2] != t->shape[3] || t->shape[2] % 2 == 0 || t->shape[2] > KERNEL) {
        build_refuse(b, e,
                     "key '%s': expected a square window with an odd side of at most %d, found "
                     "%lld by %lld",
                     key, KERNEL, (long long)t->shape[2], (long long)t->shape[3]);
        return NULL;
    }
    *bias = NULL;
    if (build_find(b, family_key(key, &b->found, p->stage, p->block, p->conv, "bias")) &&
        !(*bias = build_take(b, key, 1, t->shape, e)))
        return NULL;
    if (build_take_norm(b, p, t->shape[0], !*bias && p->norm, norm, e) != 0)
        return NULL;
    b->model->parameters += t->count + (*bias ? (*bias)->count : 0);
    return t;
}

/* TensorFlow's padding of windows with a stride, for images of whole strides. */
static void pad_same(struct build *b, struct graph_axis *axis)
{
    const int cells = axis->k > axis->stride ? axis->k - axis->stride : 0;
    if (axis->stride == 1 || axis->k == 1 || b->assume.padding != ASSUME_PADDING_SAME)
        return;
    b->shifted = true;
    axis->before = cells / 2;
    axis->after = cells - axis->before;
}

/* Dropout, where training had it in that place behind a convolution. */
static int add_dropout(struct build *b, int in, const struct want *w, enum model_dropped place,
                       struct err *e)
{
    const struct model_dropout *d = &b->opts->dropout;
    const struct graph_op op = {
        .kind = GRAPH_FUNCTION, .in = {in}, .ins = 1, .function = GRAPH_DROPOUT, .p = d->rate};
    const struct origin none = {.w = NULL};
    return in < 0 || !w->dropped || d->place != place ? in : build_add(b, &op, &none, e);
}

int build_conv(struct build *b, const struct place *p, int in, const struct want *w, struct err *e)
{
    const struct ckpt_tensor *bias;
    struct norm norm;
    const struct ckpt_tensor *t = take_conv(b, p, in, w, &bias, &norm, e);
    if (!t)
        return build_name(b, -1, w);
    struct graph_op op = graph_conv(in, (int)t->shape[0], (int)t->shape[2], w->stride);
    struct origin from = {.w = t, .b = bias, .eps = w->eps};
    bool apart = b->opts->unfolded && norm_is_there(&norm);
    op.groups = b->graph->value[in].c / (int)t->shape[1];
    op.y = graph_windows(op.y.k, w->stride, w->valid ? 0 : op.y.k / 2 + w->grow);
    pad_same(b, &op.y);
    op.x = op.y;
    op.key = build_op_key(b, p->stage, p->block, p->conv);
    if (!apart) {
        from.norm = norm;
        finish_with(&op, w);
    }
    int out = add_dropout(b, build_add(b, &op, &from, e), w, MODEL_DROPPED_NORM, e);
    if (out < 0 || !apart)
        out = build_name(b, out, w);
    else
        out = build_norm(b, p, &norm, out, w, e);
    out = add_dropout(b, out, w, MODEL_DROPPED_CONV, e);
    return out < 0 || build_check_size(b, out, e) != 0 ? -1 : out;
}

int build_max_pool(struct build *b, int in, struct err *e)
{
    const enum assume_pool how = b->assume.pool;
    struct graph_op op = {.kind = GRAPH_MAX_POOL,
                          .in = {in},
                          .ins = 1,
                          .y = how == ASSUME_POOL_SMALL
                                   ? graph_windows(POOL_STRIDE, POOL_STRIDE, 0)
                                   : graph_windows(POOL_KERNEL,
                                                   how == ASSUME_POOL_DENSE ? 1 : POOL_STRIDE,
                                                   POOL_KERNEL / 2)};
    if (how == ASSUME_POOL_MAX)
        pad_same(b, &op.y);
    op.x = op.y;
    const struct origin none = {.w = NULL};
    return build_add(b, &op, &none, e);
}

int build_padding(struct build *b, int in, int stride, int width, struct err *e)
{
    int channels = b->graph->value[in].c;
    const enum assume_shortcut way = b->assume.shortcut;
    bool both =
        way == ASSUME_SHORT_PAD || way == ASSUME_SHORT_AVERAGE_PAD || way == ASSUME_SHORT_MAX_PAD;
    if (width < channels || (both && (width - channels) % 2 != 0))
        return build_refuse(b, e,
                            "expected a shortcut that pads %d channels%s, found %d channels to be "
                            "added to",
                            channels, both ? " with as many on both sides" : "", width);
    const struct graph_op op = graph_conv(in, width, 1, stride);
    const struct origin from = {.pad_from = channels,
                                .pad_before = both ? (width - channels) / 2 : 0};
    b->padded = true;
    b->numbers += (int64_t)width * channels;
    return build_add(b, &op, &from, e);
}

int build_average(struct build *b, int in, struct err *e)
{
    const struct graph_op op = {.kind = GRAPH_AVERAGE,
                                .in = {in},
                                .ins = 1,
                                .y = graph_windows(1, 1, 0),
                                .x = graph_windows(1, 1, 0)};
    const struct origin none = {.w = NULL};
    return build_add(b, &op, &none, e);
}

int build_largest(struct build *b, int in, struct err *e)
{
    const struct graph_value *v = &b->graph->value[in];
    const struct graph_op pool = {.kind = GRAPH_MAX_POOL,
                                  .in = {in},
                                  .ins = 1,
                                  .y = graph_windows(v->h, 1, 0),
                                  .x = graph_windows(v->w, 1, 0)};
    const struct origin none = {.w = NULL};
    const struct graph_op flat = {
        .kind = GRAPH_FLATTEN, .in = {build_add(b, &pool, &none, e)}, .ins = 1};
    return flat.in[0] < 0 ? -1 : build_add(b, &flat, &none, e);
}

int build_linear(struct build *b, int in, const char *part, enum graph_act act, struct err *e)
{
    const struct ckpt_tensor *w, *bias;
    if (build_take_linear(b, b->graph->value[in].c, part, &w, &bias, e) != 0)
        return -1;
    b->model->parameters += w->count + (bias ? bias->count : 0);
    const struct graph_op op = {.kind = GRAPH_LINEAR,
                                .in = {in},
                                .ins = 1,
                                .channels = (int)w->shape[0],
                                .y = graph_windows(1, 1, 0),
                                .x = graph_windows(1, 1, 0),
                                .act = act,
                                .key = build_op_key(b, 0, 0, part)};
    const struct origin from = {.w = w, .b = bias};
    return build_add(b, &op, &from, e);
}

/* A norm of one cell, which may be none. */
static int add_flat_norm(struct build *b, int in, const char *part, enum graph_act act,
                         struct err *e)
{
    struct norm norm;
    const struct place p = {0, 0, NULL, part};
    const struct want w = {.addend = -1, .act = act};
    if (in < 0 || !part)
        return in;
    if (build_take_norm(b, &p, b->graph->value[in].c, true, &norm, e) != 0)
        return -1;
    return build_norm(b, &p, &norm, in, &w, e);
}

/* Linear layers before the last. */
static int add_hidden(struct build *b, int in, struct err *e)
{
    const struct family_part *part = b->found.family->hidden;
    int x = in;
    for (int i = 0; i < FAMILY_HIDDEN && part[i].conv && x >= 0; i++) {
        x = build_linear(b, x, part[i].conv, part[i].norm ? GRAPH_NONE : GRAPH_RELU, e);
        x = add_flat_norm(b, x, part[i].norm, GRAPH_RELU, e);
    }
    return x;
}

int build_tail(struct build *b, int in, struct err *e)
{
    char part[FAMILY_KEY];
    int x = add_flat_norm(b, in, b->found.family->neck, GRAPH_NONE, e);
    if (x >= 0)
        x = add_hidden(b, x, e);
    int out = x < 0 ? -1 : build_linear(b, x, build_linear_part(b, part), GRAPH_NONE, e);
    if (out >= 0)
        b->graph->value[out].name = mem_dup("fc");
    return out;
}

int build_head(struct build *b, int in, struct err *e)
{
    int pooled = build_average(b, in, e);
    if (pooled < 0)
        return -1;
    b->graph->value[pooled].name = mem_dup("pool");
    return build_tail(b, pooled, e);
}
