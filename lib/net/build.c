/* From keys and shapes to operations; then the numbers. */
#include "net/family.h"
#include "net/net.h"
#include "net/stored.h"

#include "base/mem.h"
#include "base/prog.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHANNELS = 1 << 16, /* of a value, and classes */
    ELEMENTS = 1 << 22, /* of a value of one image */
    KERNEL = 15,        /* side of a convolution's window */
    POOL_KERNEL = 3,
    POOL_STRIDE = 2
};

/* The tensors of a batch norm. */
enum { NORM_WEIGHT, NORM_BIAS, NORM_MEAN, NORM_VAR, NORM_TENSORS };

struct norm {
    const struct ckpt_tensor *t[NORM_TENSORS]; /* all NULL where there is none */
};

/* Where the numbers of an operation come from. */
struct source {
    const struct ckpt_tensor *w, *b; /* of a convolution or linear layer; b may be NULL */
    struct norm norm;                /* folded into it, or the operation itself */
    int pad_from, pad_before;        /* of a shortcut that pads: channels of its input, else 0, and
                                        zeros before them */
};

struct build {
    struct net *net;
    struct ckpt *ckpt;
    const struct net_opts *opts;
    struct found found;
    struct net_assume assume; /* with what is usual filled in */
    bool *used;               /* [ckpt_count] */
    struct source *source;    /* [net->ops] */
    int64_t numbers;
    bool normed, padded; /* whether there are batch norms, and shortcuts without keys */
    bool convolved;      /* whether shortcuts have keys */
};

/* --- keys --- */

static const struct ckpt_tensor *find(struct build *b, const char *key)
{
    const struct ckpt_tensor *t = ckpt_find(b->ckpt, key);
    if (t)
        b->used[t - ckpt_at(b->ckpt, 0)] = true;
    return t;
}

/* An error about a network that is not computed: the message, and the way on. */
static int refuse(const struct build *b, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct build *b, struct err *e, const char *fmt, ...)
{
    char why[768];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return err_set(e, "%s: %s" CKPT_WAY_ON, ckpt_name(b->ckpt), why);
}

/* For a message about the missing "conv1.weight": ", found 'conv1.0.weight'", or "". */
static const char *inside_of(const struct ckpt *c, const char *key, char text[FAMILY_KEY])
{
    char prefix[FAMILY_KEY];
    int first;
    snprintf(prefix, sizeof prefix, "%.*s", (int)(strrchr(key, '.') + 1 - key), key);
    *text = '\0';
    for (int i = 0, n = ckpt_behind(c, prefix, &first); i < n && !*text; i++) {
        const char *name = ckpt_by_name(c, first + i)->name;
        if (strchr(name + strlen(prefix), '.'))
            snprintf(text, FAMILY_KEY, ", found '%.300s'", name);
    }
    return text;
}

/* What is made of other tensors when a network runs, by the tensors it is made of: more
 * about a missing key, or "". */
static const char *computed_from(const struct ckpt *c, const char *key, char text[FAMILY_KEY])
{
    static const struct {
        const char *end, *what;
    } kinds[] = {
        {"_g", "weight normalisation: torch.nn.utils.remove_weight_norm(module)"},
        {"_u", "spectral normalisation: torch.nn.utils.remove_spectral_norm(module)"},
        {"_orig", "a pruned tensor without its mask: torch.nn.utils.prune.remove(module, NAME)"},
    };
    char part[FAMILY_KEY];
    const char *dot = strrchr(key, '.');
    int first;
    *text = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !*text; i++) {
        snprintf(part, sizeof part, "%s%s", key, kinds[i].end);
        if (ckpt_find(c, part))
            snprintf(text, FAMILY_KEY, ", found '%.200s', %s before saving makes it plain", part,
                     kinds[i].what);
    }
    snprintf(part, sizeof part, "%.*s.parametrizations%s.", (int)(dot - key), key, dot);
    if (!*text && ckpt_behind(c, part, &first) > 0)
        snprintf(text, FAMILY_KEY,
                 ", found '%.200s', a parametrization: "
                 "torch.nn.utils.parametrize.remove_parametrizations(module, NAME) before saving "
                 "makes it plain",
                 ckpt_by_name(c, first)->name);
    return text;
}

static int missing(const struct build *b, const char *key, const char *want, struct err *e)
{
    char text[FAMILY_KEY];
    if (!*computed_from(b->ckpt, key, text))
        inside_of(b->ckpt, key, text);
    return refuse(b, e, "missing key '%s': expected shape %s%s", key, want, text);
}

/* Why a convolution's weights do not fit: what they are instead, or "". */
static const char *misfit(const struct build *b, const struct ckpt_tensor *t, int ndim,
                          const int64_t *shape)
{
    if (ndim != 4 || t->ndim != 4 || shape[1] < 1 || t->shape[1] < 1)
        return "";
    /* The stem comes first. */
    if (b->net->ops == 0 && shape[1] == 3)
        return t->shape[1] == 1
                   ? ": a network for grey images; images here have three channels"
                   : ": a network for images of other channels; images here have three";
    bool grouped = t->shape[1] < shape[1] && shape[1] % t->shape[1] == 0;
    return grouped ? ": convolutions in groups are not computed" : "";
}

/* The tensor of that name and shape (-1: any length). */
static const struct ckpt_tensor *take(struct build *b, const char *key, int ndim,
                                      const int64_t *shape, struct err *e)
{
    char want[128], found[128];
    const struct ckpt_tensor *t = find(b, key);
    ckpt_shape(want, sizeof want, ndim, shape);
    if (!t) {
        missing(b, key, want, e);
        return NULL;
    }
    bool fits = t->ndim == ndim;
    for (int d = 0; fits && d < ndim; d++)
        fits =
            t->shape[d] > 0 && t->shape[d] <= CHANNELS && (shape[d] < 0 || t->shape[d] == shape[d]);
    if (!fits) {
        ckpt_shape(found, sizeof found, t->ndim, t->shape);
        refuse(b, e, "key '%s': expected shape %s, found %s%s", key, want, found,
               misfit(b, t, ndim, shape));
        return NULL;
    }
    b->numbers += t->count;
    return t;
}

/* --- values and operations --- */

/* `name` and `key`: NULL, or memory that the network takes over. */
static int add_value(struct net *n, int c, int h, int w, const char *name, const char *key)
{
    n->value = mem_grow(n->value, (size_t)n->values + 1, sizeof *n->value);
    n->value[n->values] = (struct net_value){.c = c, .h = h, .w = w, .name = name, .key = key};
    return n->values++;
}

static struct net_op *add_op(struct build *b, enum net_kind kind, int in, int out)
{
    struct net *n = b->net;
    n->op = mem_grow(n->op, (size_t)n->ops + 1, sizeof *n->op);
    b->source = mem_grow(b->source, (size_t)n->ops + 1, sizeof *b->source);
    b->source[n->ops] = (struct source){.w = NULL};
    struct net_op *op = &n->op[n->ops++];
    *op = (struct net_op){.kind = kind, .in = in, .out = out, .res = -1, .k = 1, .stride = 1};
    return op;
}

static const char *op_key(const struct build *b, int stage, int block, const char *part)
{
    char key[FAMILY_KEY];
    return mem_dup(family_key(key, &b->found, stage, block, part, ""));
}

/* A place in the network: its key's parts. */
struct place {
    int stage, block; /* stage 0: not in a block */
    const char *conv, *norm;
};

static bool has_norm(const struct norm *n)
{
    return n->t[NORM_VAR] != NULL;
}

/* The norm of a place. Without any of its keys the convolution's bias has to have taken
 * it in. */
static int take_norm(struct build *b, const struct place *p, int64_t channels, bool needed,
                     struct norm *n, struct err *e)
{
    static const char *const suffix[] = {"weight", "bias", "running_mean", "running_var"};
    char key[NORM_TENSORS][FAMILY_KEY], count[FAMILY_KEY];
    bool there[NORM_TENSORS] = {false}, any = needed;
    *n = (struct norm){.t = {NULL}};
    for (int i = 0; i < NORM_TENSORS && p->norm; i++) {
        family_key(key[i], &b->found, p->stage, p->block, p->norm, suffix[i]);
        there[i] = ckpt_find(b->ckpt, key[i]) != NULL;
        any = any || there[i];
    }
    if (!p->norm || !any)
        return 0;
    if (there[NORM_WEIGHT] && !there[NORM_MEAN] && !there[NORM_VAR])
        return refuse(b, e,
                      "key '%s': expected a batch norm with running statistics, found none: one "
                      "of track_running_stats=False, or a norm of another kind, takes them from "
                      "the images at hand, which is not computed",
                      key[NORM_WEIGHT]);
    /* Without weight and bias, of affine=False, they are 1 and 0. */
    bool affine = there[NORM_WEIGHT] || there[NORM_BIAS] || !there[NORM_MEAN];
    find(b, family_key(count, &b->found, p->stage, p->block, p->norm, "num_batches_tracked"));
    for (int i = affine ? 0 : NORM_MEAN; i < NORM_TENSORS; i++) {
        n->t[i] = take(b, key[i], 1, &channels, e);
        if (!n->t[i])
            return -1;
    }
    b->net->parameters += affine ? 2 * channels : 0;
    b->normed = true;
    return 0;
}

/* What a convolution is asked for beside its place. */
struct want {
    int k, stride, width; /* k and width: -1 where the shape tells */
    int res;              /* value added, or -1 */
    bool relu;
    char *name, *key; /* of the value; taken over */
};

int net_usual_side(const struct net *n)
{
    return n->stem > 3 ? 224 : 32;
}

static int too_large(const struct ckpt *c, int h, int w, struct err *e)
{
    return err_set(e,
                   "%s: images of %d by %d pixels are too large for this network: give the size "
                   "that it was trained on, such as %s",
                   ckpt_name(c), h, w, prog_option("--resize 32x32", "RESIZE=32x32"));
}

static int check_size(const struct build *b, int value, struct err *e)
{
    const struct net_value *v = &b->net->value[value];
    return (int64_t)v->c * v->h * v->w > ELEMENTS
               ? too_large(b->ckpt, b->net->value[0].h, b->net->value[0].w, e)
               : 0;
}

/* A batch norm of its own, with what comes behind it; the value computed, or -1. */
static int add_scale(struct build *b, const struct place *p, const struct norm *norm, int in,
                     const struct want *w)
{
    struct net *n = b->net;
    const struct net_value from = n->value[in];
    int out = add_value(n, from.c, from.h, from.w, w->name, w->key);
    struct net_op *op = add_op(b, NET_SCALE, in, out);
    op->key = op_key(b, p->stage, p->block, p->norm);
    op->res = w->res;
    op->relu = w->relu;
    b->source[n->ops - 1].norm = *norm;
    if (b->opts->unfolded) {
        n->norm = mem_grow(n->norm, (size_t)n->norms + 1, sizeof *n->norm);
        n->norm[n->norms++] = (struct net_norm){
            .key = op_key(b, p->stage, p->block, p->norm),
            .value = in,
            .eps = b->assume.eps,
            .mean = mem_alloc((size_t)from.c, sizeof(float)),
            .var = mem_alloc((size_t)from.c, sizeof(float)),
        };
    }
    return out;
}

/* A convolution and the norm behind it, in one operation or, unfolded, in two. */
static int add_conv(struct build *b, const struct place *p, int in, const struct want *w,
                    struct err *e)
{
    struct net *n = b->net;
    const struct net_value from = n->value[in];
    const int64_t shape[] = {w->width, from.c, w->k, w->k};
    char key[FAMILY_KEY];
    struct norm norm;
    const struct ckpt_tensor *t =
        take(b, family_key(key, &b->found, p->stage, p->block, p->conv, "weight"), 4, shape, e);
    if (!t)
        goto fail;
    if (t->shape[2] != t->shape[3] || t->shape[2] % 2 == 0 || t->shape[2] > KERNEL) {
        refuse(b, e,
               "key '%s': expected a square window with an odd side of at most %d, found %lld by "
               "%lld",
               key, KERNEL, (long long)t->shape[2], (long long)t->shape[3]);
        goto fail;
    }
    const struct ckpt_tensor *bias = NULL;
    if (ckpt_find(b->ckpt, family_key(key, &b->found, p->stage, p->block, p->conv, "bias")) &&
        !(bias = take(b, key, 1, t->shape, e)))
        goto fail;
    if (take_norm(b, p, t->shape[0], !bias && p->norm, &norm, e) != 0)
        goto fail;
    b->net->parameters += t->count + (bias ? bias->count : 0);

    int k = (int)t->shape[2], pad = k / 2;
    int64_t oh = (from.h + 2 * pad - k) / w->stride + 1,
            ow = (from.w + 2 * pad - k) / w->stride + 1;
    bool apart = b->opts->unfolded && has_norm(&norm);
    int out = add_value(n, (int)t->shape[0], (int)oh, (int)ow, apart ? NULL : w->name,
                        apart ? NULL : w->key);
    struct net_op *op = add_op(b, NET_CONV, in, out);
    op->key = op_key(b, p->stage, p->block, p->conv);
    op->res = apart ? -1 : w->res;
    op->k = k;
    op->stride = w->stride;
    op->pad = pad;
    op->relu = !apart && w->relu;
    b->source[n->ops - 1] = (struct source){.w = t, .b = bias};
    if (!apart)
        b->source[n->ops - 1].norm = norm;
    else
        out = add_scale(b, p, &norm, out, w);
    return check_size(b, out, e) != 0 ? -1 : out;
fail:
    free(w->name);
    free(w->key);
    return -1;
}

static void add_max(struct build *b, int *x)
{
    struct net *n = b->net;
    const struct net_value from = n->value[*x];
    int pad = POOL_KERNEL / 2, less = POOL_KERNEL - 2 * pad;
    int out = add_value(n, from.c, (from.h - less) / POOL_STRIDE + 1,
                        (from.w - less) / POOL_STRIDE + 1, NULL, NULL);
    struct net_op *op = add_op(b, NET_MAX, *x, out);
    op->k = POOL_KERNEL;
    op->stride = POOL_STRIDE;
    op->pad = pad;
    *x = out;
}

/* --- blocks --- */

static char *value_name(const struct build *b, int stage, int block, bool own)
{
    char key[FAMILY_KEY];
    struct found bare = b->found;
    bare.prefix[0] = '\0';
    family_key(key, &bare, stage, block, "", "");
    char *name = mem_printf("layer%d.%d", stage, block);
    if (!own)
        return name;
    bool same = strcmp(name, key) == 0;
    free(name);
    return same ? NULL : mem_dup(key);
}

static bool has_shortcut(const struct build *b, int stage, int block)
{
    const char *part = b->found.family->shortcut;
    char key[FAMILY_KEY];
    return part && ckpt_find(b->ckpt, family_key(key, &b->found, stage, block, part, "weight"));
}

/* Every second pixel, with channels of zeros on both sides or behind: a convolution whose
 * weights are zeros and ones. */
static int add_padding(struct build *b, int in, int stride, int width, struct err *e)
{
    struct net *n = b->net;
    const struct net_value from = n->value[in];
    bool both = b->assume.shortcut == NET_SHORT_PAD;
    if (width < from.c || (both && (width - from.c) % 2 != 0))
        return refuse(b, e,
                      "expected a shortcut that pads %d channels%s, found %d channels to be added "
                      "to",
                      from.c, both ? " with as many on both sides" : "", width);
    int out = add_value(n, width, (from.h - 1) / stride + 1, (from.w - 1) / stride + 1, NULL, NULL);
    struct net_op *op = add_op(b, NET_CONV, in, out);
    op->stride = stride;
    b->source[n->ops - 1].pad_from = from.c;
    b->source[n->ops - 1].pad_before = both ? (width - from.c) / 2 : 0;
    b->padded = true;
    b->numbers += (int64_t)width * from.c;
    return out;
}

/* The shortcut of ResNet-D: its convolution stands where others have the norm. */
static bool averages(const struct build *b, int stage, int block)
{
    char key[FAMILY_KEY];
    const char *part = b->found.family->shortcut_norm;
    const struct ckpt_tensor *t =
        part ? ckpt_find(b->ckpt, family_key(key, &b->found, stage, block, part, "weight")) : NULL;
    return t && t->ndim == 4 && !has_shortcut(b, stage, block);
}

/* What is added to the block's last convolution: its input, or a convolution of that. */
static int add_shortcut(struct build *b, int stage, int block, int in, int stride, int width,
                        struct err *e)
{
    const struct family *f = b->found.family;
    bool present = has_shortcut(b, stage, block);
    bool change = stride != 1 || width != b->net->value[in].c;
    if (!present && !change)
        return in;
    if (!present && b->assume.shortcut != NET_SHORT_CONV)
        return add_padding(b, in, stride, width, e);
    if (averages(b, stage, block))
        return refuse(b, e,
                      "layer%d.%d: expected a shortcut of a convolution, found one with average "
                      "pooling before it, which is not computed",
                      stage, block);
    b->convolved = true;
    const struct place p = {stage, block, f->shortcut, f->shortcut_norm};
    const struct want w = {.k = -1, .stride = stride, .width = width, .res = -1};
    return add_conv(b, &p, in, &w, e);
}

static int stride_of(const struct build *b, int stage, int block)
{
    return block > 0 ? 1 : b->assume.strides[stage - 1];
}

/* Convolutions of a block, with the width of its output. */
static int parts_of(const struct build *b)
{
    return b->found.bottleneck ? 3 : 2;
}

/* The width of a block's output, before it is built: of the last convolution. */
static int block_width(struct build *b, int stage, int block, struct err *e)
{
    const struct family_part *part = b->found.family->part;
    char key[FAMILY_KEY];
    const int64_t any[] = {-1, -1, -1, -1};
    int64_t numbers = b->numbers;
    const struct ckpt_tensor *t =
        take(b, family_key(key, &b->found, stage, block, part[parts_of(b) - 1].conv, "weight"), 4,
             any, e);
    b->numbers = numbers; /* it is taken once more */
    return t ? (int)t->shape[0] : -1;
}

static int add_block(struct build *b, int stage, int block, int in, struct err *e)
{
    const struct family *f = b->found.family;
    const struct family_part *part = b->found.family->part;
    int parts = parts_of(b), stride = stride_of(b, stage, block), x = in, from = in;
    int at = b->found.bottleneck ? b->assume.stride_at : 1;

    if (f->pre_activation) {
        struct norm norm;
        const struct place p = {stage, block, NULL, part[0].norm};
        const struct want w = {.res = -1, .relu = true};
        if (take_norm(b, &p, b->net->value[in].c, true, &norm, e) != 0)
            return -1;
        x = add_scale(b, &p, &norm, in, &w);
        bool after = b->assume.preact == NET_PREACT_AFTER ||
                     (b->assume.preact == NET_PREACT_MIXED && has_shortcut(b, stage, block));
        from = after ? x : in;
    }
    int res = -1;
    for (int i = 0; i < parts; i++) {
        bool last = i == parts - 1;
        struct place p = {stage, block, part[i].conv, part[i].norm};
        struct want w = {
            .k = b->found.bottleneck && i != 1 ? 1 : 3,
            .stride = i + 1 == at ? stride : 1,
            .width = -1,
            .res = -1,
            .relu = !last || !f->pre_activation,
        };
        if (f->pre_activation)
            p.norm = last ? NULL : part[i + 1].norm;
        if (last) {
            int width = block_width(b, stage, block, e);
            res = width < 0 ? -1 : add_shortcut(b, stage, block, from, stride, width, e);
            if (res < 0)
                return -1;
            w.width = b->net->value[res].c;
            w.res = res;
            w.name = value_name(b, stage, block, false);
            w.key = value_name(b, stage, block, true);
        }
        x = add_conv(b, &p, x, &w, e);
        if (x < 0)
            return -1;
    }
    return x;
}

static int add_stem(struct build *b, struct err *e)
{
    const struct family *f = b->found.family;
    int parts = family_stem(f), x = 0;
    char key[FAMILY_KEY];
    const struct ckpt_tensor *t =
        ckpt_find(b->ckpt, family_key(key, &b->found, 0, 0, f->stem[0].conv, "weight"));
    b->net->stem = t && t->ndim == 4 ? (int)t->shape[2] : 3;
    /* What is usual: large windows, and several, are ImageNet's, with pooling behind them. */
    bool large = b->net->stem > 3 || parts > 1;
    if (b->assume.stem_stride == 0)
        b->assume.stem_stride = large ? 2 : 1;
    if (b->assume.pool == NET_POOL_USUAL)
        b->assume.pool = large ? NET_POOL_MAX : NET_POOL_NONE;
    for (int i = 0; i < parts && x >= 0; i++) {
        const struct place p = {0, 0, f->stem[i].conv, f->stem[i].norm};
        bool last = i == parts - 1;
        const struct want w = {.k = -1,
                               .stride = i == 0 ? b->assume.stem_stride : 1,
                               .width = -1,
                               .res = -1,
                               .relu = p.norm != NULL,
                               .name = last ? mem_dup("conv1") : NULL,
                               .key =
                                   last && strcmp(p.conv, "conv1") != 0 ? mem_dup(p.conv) : NULL};
        x = add_conv(b, &p, x, &w, e);
    }
    if (x >= 0 && b->assume.pool == NET_POOL_MAX)
        add_max(b, &x);
    return x;
}

static int add_last_norm(struct build *b, int in, struct err *e)
{
    const struct family *f = b->found.family;
    const struct place p = {0, 0, NULL, f->last_norm};
    struct norm norm;
    if (!f->last_norm)
        return in;
    if (take_norm(b, &p, b->net->value[in].c, true, &norm, e) != 0)
        return -1;
    const struct want w = {
        .res = -1, .relu = true, .name = mem_dup("last"), .key = mem_dup(f->last_norm)};
    return add_scale(b, &p, &norm, in, &w);
}

/* The linear layer's part: "fc" or, where that is a row of layers, the only one of them
 * with weights, "fc.1". */
static const char *linear_part(const struct build *b, char part[FAMILY_KEY])
{
    const char *base = b->found.family->linear;
    char key[FAMILY_KEY], inner[FAMILY_KEY];
    int found = 0;
    snprintf(part, FAMILY_KEY, "%s", base);
    if (ckpt_find(b->ckpt, family_key(key, &b->found, 0, 0, base, "weight")))
        return part;
    for (int i = 0; i < 10; i++) {
        snprintf(inner, sizeof inner, "%s.%d", base, i);
        if (!ckpt_find(b->ckpt, family_key(key, &b->found, 0, 0, inner, "weight")))
            continue;
        found++;
        snprintf(part, FAMILY_KEY, "%s", inner);
    }
    if (found != 1)
        snprintf(part, FAMILY_KEY, "%s", base);
    return part;
}

/* Weights (classes, c), or as a convolution of one by one, and biases. */
static int take_linear(struct build *b, int c, const char *part, const struct ckpt_tensor **w,
                       const struct ckpt_tensor **bias, struct err *e)
{
    char key[FAMILY_KEY];
    const int64_t shape[] = {-1, c, 1, 1};
    family_key(key, &b->found, 0, 0, part, "weight");
    const struct ckpt_tensor *t = ckpt_find(b->ckpt, key);
    *w = take(b, key, t && t->ndim == 4 ? 4 : 2, shape, e);
    if (!*w)
        return -1;
    *bias = take(b, family_key(key, &b->found, 0, 0, part, "bias"), 1, (*w)->shape, e);
    return *bias ? 0 : -1;
}

static int add_head(struct build *b, int in, struct err *e)
{
    struct net *n = b->net;
    const struct ckpt_tensor *w, *bias;
    int c = n->value[in].c;
    char part[FAMILY_KEY];
    if (take_linear(b, c, linear_part(b, part), &w, &bias, e) != 0)
        return -1;
    n->classes = (int)w->shape[0];
    n->parameters += w->count + bias->count;
    int pooled = add_value(n, c, 1, 1, mem_dup("pool"), NULL);
    add_op(b, NET_POOL, in, pooled);
    int out = add_value(n, n->classes, 1, 1, mem_dup("fc"), NULL);
    add_op(b, NET_LINEAR, pooled, out)->key = op_key(b, 0, 0, part);
    b->source[n->ops - 1] = (struct source){.w = w, .b = bias};
    return 0;
}

/* --- what is left over --- */

static void note(const struct build *b, const char *text)
{
    if (b->opts->note)
        b->opts->note(text);
}

/* Integers, buffers and other networks is ignored; a layer that has no place is a network
 * that is not known. */
static int check_rest(const struct build *b, struct err *e)
{
    size_t n = strlen(b->found.prefix);
    int ignored = 0;
    const char *first = NULL;
    for (int i = 0; i < ckpt_count(b->ckpt); i++) {
        const struct ckpt_tensor *t = ckpt_at(b->ckpt, i);
        if (b->used[i] || stored_is(b->ckpt, t))
            continue;
        bool other = strncmp(t->name, b->found.prefix, n) != 0 &&
                     (b->found.chosen || ckpt_is_average(t->name));
        if (!other && family_is_layer(&b->found, b->ckpt, t))
            return refuse(b, e,
                          "left-over key '%s': no part of a residual network of %s blocks as %s "
                          "names them",
                          t->name, b->found.bottleneck ? "bottleneck" : "basic",
                          b->found.family->name);
        first = first ? first : t->name;
        ignored++;
    }
    if (ignored > 0) {
        char *text =
            mem_printf("%s: %d of %d tensors ignored, '%s'%s", ckpt_name(b->ckpt), ignored,
                       ckpt_count(b->ckpt), first, ignored > 1 ? " the first of them" : "");
        note(b, text);
        free(text);
    }
    return 0;
}

/* --- numbers --- */

/* Weights and biases with the norm taken in: w' = w * gamma / sqrt(var + eps),
 * b' = beta + (b - mean) * gamma / sqrt(var + eps). Without a convolution w is 1. */
static int fold(struct build *b, const struct source *s, float *w, int64_t each, float *bias,
                int64_t channels, struct err *e)
{
    float *part[NORM_TENSORS];
    bool finite = true;
    int r = 0;
    for (int i = 0; i < NORM_TENSORS; i++) {
        part[i] = mem_alloc((size_t)channels, sizeof(float));
        for (int64_t k = 0; k < channels && !s->norm.t[i]; k++)
            part[i][k] = i == NORM_WEIGHT ? 1 : 0;
        if (r == 0 && s->norm.t[i])
            r = ckpt_read(b->ckpt, s->norm.t[i], part[i], e);
    }
    for (int64_t k = 0; k < channels && r == 0; k++) {
        if (part[NORM_VAR][k] < 0) {
            r = err_set(e, "%s: key '%s': value %lld is %.9g, a variance cannot be negative",
                        ckpt_name(b->ckpt), s->norm.t[NORM_VAR]->name, (long long)k,
                        (double)part[NORM_VAR][k]);
            break;
        }
        double scale = part[NORM_WEIGHT][k] / sqrt(part[NORM_VAR][k] + b->assume.eps);
        bias[k] = (float)(part[NORM_BIAS][k] + (bias[k] - (double)part[NORM_MEAN][k]) * scale);
        finite = finite && isfinite(bias[k]);
        for (int64_t j = k * each; j < (k + 1) * each; j++) {
            w[j] = (float)(w[j] * scale);
            finite = finite && isfinite(w[j]);
        }
    }
    for (int i = 0; i < NORM_TENSORS; i++)
        free(part[i]);
    if (r == 0 && !finite)
        return err_set(e, "%s: weights too large: '%s' with what it norms leaves the range of f32",
                       ckpt_name(b->ckpt),
                       s->norm.t[s->norm.t[NORM_WEIGHT] ? NORM_WEIGHT : NORM_VAR]->name);
    return r;
}

/* Images come in the order R, G, B: weights for another order are put in this one. */
static void swap_channels(float *w, int out, int in, int window)
{
    const size_t channel = (size_t)window, item = (size_t)in * channel;
    for (int k = 0; k < out; k++)
        for (size_t i = 0; i < channel; i++) {
            float *first = w + (size_t)k * item + i, *last = first + item - channel, t = *first;
            *first = *last;
            *last = t;
        }
}

static int load_op(struct build *b, int i, struct err *e)
{
    struct net_op *op = &b->net->op[i];
    const struct source *s = &b->source[i];
    const struct net_value *from = &b->net->value[op->in], *to = &b->net->value[op->out];
    if (op->kind == NET_MAX || op->kind == NET_POOL)
        return 0;
    int64_t each = op->kind == NET_SCALE ? 1 : (int64_t)from->c * op->k * op->k;
    float *w = mem_zero((size_t)(each * to->c), sizeof *w);
    float *bias = mem_zero((size_t)to->c, sizeof *bias);
    op->w = w;
    op->b = bias;
    if (s->pad_from > 0)
        for (int c = 0; c < from->c; c++)
            w[(int64_t)(c + s->pad_before) * from->c + c] = 1;
    if (op->kind == NET_SCALE)
        for (int c = 0; c < to->c; c++)
            w[c] = 1;
    if ((s->w && ckpt_read(b->ckpt, s->w, w, e) != 0) ||
        (s->b && ckpt_read(b->ckpt, s->b, bias, e) != 0))
        return -1;
    if (op->in == 0 && b->assume.bgr)
        swap_channels(w, to->c, from->c, op->k * op->k);
    return has_norm(&s->norm) ? fold(b, s, w, each, bias, to->c, e) : 0;
}

static int load_all(struct build *b, struct err *e)
{
    struct net *n = b->net;
    ckpt_pass(b->ckpt);
    /* Keys that share their numbers could make a network of any size. */
    if ((uint64_t)b->numbers * sizeof(float) > ckpt_limit(b->ckpt))
        return err_set(
            e,
            "%s: expected a network in keeping with the file, found one of %lld elements "
            "in %llu bytes",
            ckpt_name(b->ckpt), (long long)b->numbers, (unsigned long long)ckpt_stored(b->ckpt));
    for (int i = 0, norm = 0; i < n->ops; i++) {
        if (load_op(b, i, e) != 0)
            return -1;
        if (n->op[i].kind != NET_SCALE || norm == n->norms)
            continue;
        const struct norm *from = &b->source[i].norm;
        struct net_norm *to = &n->norm[norm++];
        if (ckpt_read(b->ckpt, from->t[NORM_MEAN], to->mean, e) != 0 ||
            ckpt_read(b->ckpt, from->t[NORM_VAR], to->var, e) != 0)
            return -1;
    }
    return 0;
}

/* --- all --- */

/* The inferred architecture, and by which keys. */
static char *describe(const struct build *b)
{
    const struct found *f = &b->found;
    const char *state = ckpt_state(b->ckpt);
    char blocks[80] = "";
    size_t at = 0;
    for (int s = 0; s < f->stages && at < sizeof blocks; s++)
        at += (size_t)snprintf(blocks + at, sizeof blocks - at, "%s%d", s ? "-" : "", f->blocks[s]);
    return mem_printf("%s%s%snames of %s%s%s%s: %s blocks %s, %d classes", *state ? "under '" : "",
                      state, *state ? "', " : "", f->family->name, *f->prefix ? " behind '" : "",
                      f->prefix, *f->prefix ? "'" : "", f->bottleneck ? "bottleneck" : "basic",
                      blocks, b->net->classes);
}

/* What keys and shapes do not show, as far as it has an effect, in words of --assume. */
static char *describe_assumptions(const struct build *b)
{
    static const char *const shortcut[] = {"", ",shortcut=conv", ",shortcut=pad",
                                           ",shortcut=pad-end"};
    static const char *const preact[] = {"", "before", "mixed", "after"};
    const struct net_assume *a = &b->net->assumed;
    char text[4 * NET_TEXT];
    size_t room = sizeof text,
           at = (size_t)snprintf(
               text, room, "channels=%s,stem-stride=%d,pool=%s,strides=", a->bgr ? "bgr" : "rgb",
               a->stem_stride, a->pool == NET_POOL_MAX ? "max" : "none");
    for (int s = 0; s < a->stages; s++)
        at += (size_t)snprintf(text + at, room - at, "%s%d", s ? ":" : "", a->strides[s]);
    if (a->stride_at)
        at += (size_t)snprintf(text + at, room - at, ",stride-at=conv%d", a->stride_at);
    if (b->padded || b->convolved)
        at += (size_t)snprintf(text + at, room - at, "%s",
                               shortcut[a->shortcut ? a->shortcut : NET_SHORT_CONV]);
    if (a->preact)
        at += (size_t)snprintf(text + at, room - at, ",preact-shortcut=%s", preact[a->preact]);
    if (b->normed)
        at += (size_t)snprintf(text + at, room - at, ",eps=%.9g", a->eps);
    if (*a->prefix)
        at += (size_t)snprintf(text + at, room - at, ",prefix=%s", a->prefix);
    if (*a->state)
        snprintf(text + at, room - at, ",state=%s", a->state);
    return mem_dup(text);
}

/* Whether the first stage has a stride: a shortcut between equal channels has no other
 * reason. */
static bool first_strides(const struct build *b)
{
    const struct family *f = b->found.family;
    char key[FAMILY_KEY];
    const struct ckpt_tensor *t =
        f->shortcut && !f->shortcut_always
            ? ckpt_find(b->ckpt, family_key(key, &b->found, 1, 0, f->shortcut, "weight"))
            : NULL;
    return t && t->ndim == 4 && t->shape[0] == t->shape[1];
}

/* What was assumed, without what the network leaves no choice of. */
static void keep_assumed(struct build *b)
{
    struct net_assume *a = &b->net->assumed;
    *a = b->assume;
    a->stages = b->found.stages;
    a->stride_at = b->found.bottleneck ? a->stride_at : 0;
    a->preact = b->found.family->pre_activation ? a->preact : NET_PREACT_USUAL;
    a->shortcut = b->padded ? a->shortcut : NET_SHORT_USUAL;
}

/* An assumption without an effect is a mistake about the network. */
static int check_effects(const struct build *b, struct err *e)
{
    const struct net_assume none = {0}, *a = b->opts->assume ? b->opts->assume : &none;
    const char *name = ckpt_name(b->ckpt);
    if (a->stride_at && !b->found.bottleneck)
        return err_set(e, "%s: --assume stride-at: expected bottleneck blocks, found basic ones",
                       name);
    if (a->preact && !b->found.family->pre_activation)
        return err_set(
            e,
            "%s: --assume preact-shortcut: expected blocks that begin with a norm, found "
            "others",
            name);
    if (a->shortcut > NET_SHORT_CONV && !b->padded)
        return err_set(e, "%s: --assume shortcut: expected a shortcut without keys, found none",
                       name);
    if (a->shortcut == NET_SHORT_CONV && !b->convolved)
        return err_set(e, "%s: --assume shortcut: expected keys of shortcuts, found none", name);
    if (a->eps > 0 && !b->normed)
        return err_set(e, "%s: --assume eps: expected batch norms, found none: they are folded",
                       name);
    return 0;
}

/* Whether any stage has keys of a shortcut. */
static bool any_shortcut(const struct build *b)
{
    const struct family *f = b->found.family;
    char key[FAMILY_KEY];
    bool any = false;
    for (int s = 1; s <= b->found.stages; s++) {
        any = any || has_shortcut(b, s, 0);
        any = any ||
              (f->shortcut_norm &&
               ckpt_find(b->ckpt, family_key(key, &b->found, s, 0, f->shortcut_norm, "weight")));
    }
    return any;
}

/* What the family's repository does where nothing else was said. */
static int settle(struct build *b, struct err *e)
{
    struct net_assume *a = &b->assume;
    if (b->opts->assume)
        *a = *b->opts->assume;
    b->found.family = family_find(&b->found, b->ckpt, a->prefix, e);
    if (!b->found.family)
        return -1;
    if (b->found.stages == 0)
        b->found.stages = 1;
    if (a->eps == 0)
        a->eps = 1e-5;
    if (a->stride_at == 0)
        a->stride_at = b->found.family->stride_at > 0 ? b->found.family->stride_at : 2;
    if (a->stages > 0 && a->stages != b->found.stages)
        return err_set(e, "%s: expected strides of %d stages, found %d", ckpt_name(b->ckpt),
                       b->found.stages, a->stages);
    for (int s = 0; s < b->found.stages && a->stages == 0; s++)
        a->strides[s] = s > 0 || first_strides(b) ? 2 : 1;
    if (a->shortcut == NET_SHORT_USUAL)
        a->shortcut = any_shortcut(b) ? NET_SHORT_CONV : NET_SHORT_PAD;
    if (a->shortcut == NET_SHORT_CONV && !b->found.family->shortcut)
        return err_set(e, "%s: --assume shortcut: expected keys of shortcuts, found none",
                       ckpt_name(b->ckpt));
    if (a->preact == NET_PREACT_USUAL)
        a->preact = b->found.family->preact;
    return 0;
}

static int build_all(struct build *b, struct err *e)
{
    if (settle(b, e) != 0)
        return -1;
    int x = add_stem(b, e);
    /* A stage or block that a later one needs is missed by the name of its key. */
    for (int s = 1; x >= 0 && s <= b->found.stages; s++)
        for (int i = 0; x >= 0 && i < (b->found.blocks[s - 1] ? b->found.blocks[s - 1] : 1); i++)
            x = add_block(b, s, i, x, e);
    if (x >= 0)
        x = add_last_norm(b, x, e);
    if (x < 0 || add_head(b, x, e) != 0 || check_rest(b, e) != 0 || check_effects(b, e) != 0 ||
        load_all(b, e) != 0)
        return -1;
    keep_assumed(b);
    b->net->family = b->found.family->name;
    b->net->eps = b->assume.eps;
    b->net->known_by = b->found.family->about;
    b->net->about = describe(b);
    b->net->assumptions = describe_assumptions(b);
    char *text =
        mem_printf("%s: %s; assumed: %s", ckpt_name(b->ckpt), b->net->about, b->net->assumptions);
    note(b, text);
    free(text);
    return 0;
}

static struct build begin(struct ckpt *c, const struct net_opts *o)
{
    struct build b = {.ckpt = c, .opts = o};
    b.net = mem_zero(1, sizeof *b.net);
    b.used = mem_zero((size_t)ckpt_count(c) + 1, sizeof *b.used);
    return b;
}

int net_build(struct net **n, struct ckpt *c, const struct net_opts *o, struct err *e)
{
    *n = NULL;
    if (o->h < 1 || o->w < 1 || o->h > ELEMENTS / o->w / 3)
        return too_large(c, o->h, o->w, e);
    struct build b = begin(c, o);
    memcpy(b.net->mean, o->mean, sizeof b.net->mean);
    memcpy(b.net->std, o->std, sizeof b.net->std);
    add_value(b.net, 3, o->h, o->w, NULL, NULL);
    int r = build_all(&b, e);
    free(b.used);
    free(b.source);
    if (r != 0) {
        net_free(b.net);
        return -1;
    }
    *n = b.net;
    return 0;
}

int net_head(struct net_head *h, struct ckpt *c, const struct net_assume *a, struct err *e)
{
    const struct net_opts o = {.assume = a};
    struct build b = begin(c, &o);
    const struct ckpt_tensor *w, *bias;
    char part[FAMILY_KEY];
    *h = (struct net_head){.w = NULL};
    b.found.family = family_find(&b.found, c, a ? a->prefix : "", e);
    int r = b.found.family ? take_linear(&b, -1, linear_part(&b, part), &w, &bias, e) : -1;
    if (r == 0) {
        h->classes = (int)w->shape[0];
        h->channels = (int)w->shape[1];
        h->w = mem_alloc((size_t)w->count, sizeof *h->w);
        h->b = mem_alloc((size_t)bias->count, sizeof *h->b);
        r = ckpt_read(c, w, h->w, e) != 0 || ckpt_read(c, bias, h->b, e) != 0 ? -1 : 0;
    }
    if (r != 0) {
        free(h->w);
        free(h->b);
        *h = (struct net_head){.w = NULL};
    }
    free(b.used);
    free(b.source);
    net_free(b.net);
    return r;
}
