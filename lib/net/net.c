#include "net/net.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STAGES = 64,
    BLOCKS = 4096,      /* in a stage */
    CHANNELS = 1 << 16, /* of a value, and classes */
    ELEMENTS = 1 << 26, /* of a value of one image */
    KEY = 128
};

static const double BN_EPS = 1e-5;

struct build {
    struct net *net;
    const struct ckpt *ckpt;
    bool *used; /* [ckpt_count] */
    int blocks[STAGES], stages;
};

/* --- keys --- */

static void shape_text(char *buf, size_t n, int ndim, const int64_t *shape)
{
    size_t at = (size_t)snprintf(buf, n, "(");
    for (int i = 0; i < ndim && at < n; i++) {
        if (shape[i] < 0)
            at += (size_t)snprintf(buf + at, n - at, "%s*", i ? ", " : "");
        else
            at += (size_t)snprintf(buf + at, n - at, "%s%lld", i ? ", " : "", (long long)shape[i]);
    }
    if (at < n)
        snprintf(buf + at, n - at, ndim == 1 ? ",)" : ")");
}

/* The tensor of that name and shape (-1: any length). */
static const struct ckpt_tensor *take(struct build *b, const char *key, int ndim,
                                      const int64_t *shape, struct err *e)
{
    char want[KEY], found[KEY];
    shape_text(want, sizeof want, ndim, shape);
    for (int i = 0; i < ckpt_count(b->ckpt); i++) {
        const struct ckpt_tensor *t = ckpt_at(b->ckpt, i);
        if (strcmp(t->name, key) != 0)
            continue;
        b->used[i] = true;
        bool fits = t->ndim == ndim;
        for (int d = 0; fits && d < ndim; d++)
            fits = t->shape[d] > 0 && t->shape[d] <= CHANNELS &&
                   (shape[d] < 0 || t->shape[d] == shape[d]);
        if (!fits) {
            shape_text(found, sizeof found, t->ndim, t->shape);
            err_record(e, "%s: key '%s': expected shape %s, found %s", ckpt_name(b->ckpt), key,
                       want, found);
            return NULL;
        }
        return t;
    }
    err_record(e, "%s: missing key '%s': expected shape %s", ckpt_name(b->ckpt), key, want);
    return NULL;
}

/* "layer<s>.<i>." at the start of a key: whether it is one; counts from 1 and 0. */
static bool key_block(const char *key, int *stage, int *block)
{
    if (strncmp(key, "layer", 5) != 0)
        return false;
    char *end;
    long s = strtol(key + 5, &end, 10);
    if (s < 1 || s > STAGES || key[5] < '0' || key[5] > '9' || *end != '.')
        return false;
    const char *p = end + 1;
    long i = strtol(p, &end, 10);
    if (i < 0 || i >= BLOCKS || *p < '0' || *p > '9' || *end != '.')
        return false;
    *stage = (int)s;
    *block = (int)i;
    return true;
}

/* --- operations --- */

/* `name`: NULL, or memory that the network takes over. */
static int add_value(struct net *n, int c, int h, int w, const char *name)
{
    n->value = mem_grow(n->value, (size_t)n->values + 1, sizeof *n->value);
    n->value[n->values] = (struct net_value){.c = c, .h = h, .w = w, .name = name};
    return n->values++;
}

static struct net_op *add_op(struct net *n)
{
    n->op = mem_grow(n->op, (size_t)n->ops + 1, sizeof *n->op);
    struct net_op *op = &n->op[n->ops++];
    *op = (struct net_op){.res = -1, .k = 1, .stride = 1};
    return op;
}

/* w' = w * gamma / sqrt(var + eps), b' = beta - mean * gamma / sqrt(var + eps). */
static int fold(struct build *b, const struct ckpt_tensor *conv, const char *bn, float **weights,
                float **bias, struct err *e)
{
    static const char *const part[] = {"weight", "bias", "running_mean", "running_var"};
    const struct ckpt_tensor *t[4];
    int64_t oc = conv->shape[0], each = conv->count / oc;
    char key[KEY];
    for (int i = 0; i < 4; i++) {
        snprintf(key, sizeof key, "%s.%s", bn, part[i]);
        t[i] = take(b, key, 1, &oc, e);
        if (!t[i])
            return -1;
    }
    float *w = mem_alloc((size_t)conv->count, sizeof *w);
    float *bb = mem_alloc((size_t)oc, sizeof *bb);
    *weights = w;
    *bias = bb;
    bool finite = true;
    for (int64_t k = 0; k < oc; k++) {
        if (t[3]->data[k] < 0)
            return err_set(e, "%s: key '%s': value %lld is %.9g, a variance cannot be negative",
                           ckpt_name(b->ckpt), key, (long long)k, (double)t[3]->data[k]);
        double scale = t[0]->data[k] / sqrt(t[3]->data[k] + BN_EPS);
        bb[k] = (float)(t[1]->data[k] - t[2]->data[k] * scale);
        finite = finite && isfinite(bb[k]);
        for (int64_t j = k * each; j < (k + 1) * each; j++) {
            w[j] = (float)(conv->data[j] * scale);
            finite = finite && isfinite(w[j]);
        }
    }
    if (!finite)
        return err_set(e, "%s: weights too large: '%s.*' times '%s' leaves the range of f32",
                       ckpt_name(b->ckpt), bn, conv->name);
    return 0;
}

/* Convolution `conv` (its width taken from its shape) followed by the batch norm
 * `bn`; returns the value computed, or -1. */
static int add_conv(struct build *b, const char *conv, const char *bn, int in, int k, int stride,
                    int width, int res, char *name, struct err *e)
{
    struct net *n = b->net;
    struct net_value from = n->value[in];
    int64_t shape[4] = {width, from.c, k, k};
    const struct ckpt_tensor *t = take(b, conv, 4, shape, e);
    float *w = NULL, *bias = NULL;
    int pad = k / 2;
    int64_t oh = (from.h + 2 * pad - k) / stride + 1, ow = (from.w + 2 * pad - k) / stride + 1;
    if (!t || fold(b, t, bn, &w, &bias, e) != 0) {
        free(name);
        free(w);
        free(bias);
        return -1;
    }
    int out = add_value(n, (int)t->shape[0], (int)oh, (int)ow, name);
    struct net_op *op = add_op(n);
    op->kind = NET_CONV;
    op->in = in;
    op->out = out;
    op->res = res;
    op->k = k;
    op->stride = stride;
    op->pad = pad;
    op->relu = true;
    op->w = w;
    op->b = bias;
    if (t->shape[0] * oh * ow > ELEMENTS)
        return err_set(e, "%s: images of %d by %d pixels are too large for this network",
                       ckpt_name(b->ckpt), n->value[0].h, n->value[0].w);
    return out;
}

/* relu(x' + conv2(relu(conv1(x)))), where x' is x or its 1x1 convolution. */
static int add_block(struct build *b, int stage, int block, int in, struct err *e)
{
    char conv[KEY], bn[KEY], down[KEY];
    int stride = stage > 1 && block == 0 ? 2 : 1;
    const char *name = "layer%d.%d.%s";

    snprintf(conv, sizeof conv, name, stage, block, "conv1.weight");
    snprintf(bn, sizeof bn, name, stage, block, "bn1");
    int mid = add_conv(b, conv, bn, in, 3, stride, -1, -1, NULL, e);
    if (mid < 0)
        return -1;
    int width = b->net->value[mid].c, res = in;

    snprintf(down, sizeof down, name, stage, block, "downsample.0.weight");
    if (stride != 1 || width != b->net->value[in].c || ckpt_find(b->ckpt, down)) {
        snprintf(bn, sizeof bn, name, stage, block, "downsample.1");
        res = add_conv(b, down, bn, in, 1, stride, width, -1, NULL, e);
        if (res < 0)
            return -1;
        b->net->op[b->net->ops - 1].relu = false;
    }

    /* conv2 keeps the width: its input has it, and what it adds to has it. */
    snprintf(conv, sizeof conv, name, stage, block, "conv2.weight");
    snprintf(bn, sizeof bn, name, stage, block, "bn2");
    return add_conv(b, conv, bn, mid, 3, 1, width, res, mem_printf("layer%d.%d", stage, block), e);
}

static int add_head(struct build *b, int in, struct err *e)
{
    struct net *n = b->net;
    int c = n->value[in].c;
    const struct ckpt_tensor *w = take(b, "fc.weight", 2, (const int64_t[]){-1, c}, e);
    if (!w)
        return -1;
    const struct ckpt_tensor *bias = take(b, "fc.bias", 1, w->shape, e);
    if (!bias)
        return -1;
    n->classes = (int)w->shape[0];

    int pooled = add_value(n, c, 1, 1, mem_dup("pool"));
    struct net_op *op = add_op(n);
    op->kind = NET_POOL;
    op->in = in;
    op->out = pooled;

    int out = add_value(n, n->classes, 1, 1, mem_dup("fc"));
    op = add_op(n);
    op->kind = NET_LINEAR;
    op->in = pooled;
    op->out = out;
    float *copy = mem_alloc((size_t)w->count, sizeof *copy);
    memcpy(copy, w->data, (size_t)w->count * sizeof *copy);
    op->w = copy;
    copy = mem_alloc((size_t)bias->count, sizeof *copy);
    memcpy(copy, bias->data, (size_t)bias->count * sizeof *copy);
    op->b = copy;
    return 0;
}

static int build_all(struct build *b, struct err *e)
{
    for (int i = 0; i < ckpt_count(b->ckpt); i++) {
        int s, block;
        if (!key_block(ckpt_at(b->ckpt, i)->name, &s, &block))
            continue;
        if (s > b->stages)
            b->stages = s;
        if (block >= b->blocks[s - 1])
            b->blocks[s - 1] = block + 1;
    }
    int x = add_conv(b, "conv1.weight", "bn1", 0, 3, 1, -1, -1, mem_dup("conv1"), e);
    /* A stage or block that a later one needs is missed by the name of its key. */
    for (int s = 1; x >= 0 && s <= (b->stages ? b->stages : 1); s++)
        for (int i = 0; x >= 0 && i < (b->blocks[s - 1] ? b->blocks[s - 1] : 1); i++)
            x = add_block(b, s, i, x, e);
    if (x < 0 || add_head(b, x, e) != 0)
        return -1;

    for (int i = 0; i < ckpt_count(b->ckpt); i++) {
        if (!b->used[i])
            return err_set(e,
                           "%s: left-over key '%s': no part of a ResNet of basic blocks with "
                           "a 3x3 stem",
                           ckpt_name(b->ckpt), ckpt_at(b->ckpt, i)->name);
    }
    return 0;
}

int net_build(struct net **n, const struct ckpt *c, const struct net_opts *o, struct err *e)
{
    *n = NULL;
    if (o->h < 1 || o->w < 1 || o->h > ELEMENTS / o->w / 3)
        return err_set(e, "%s: images of %d by %d pixels do not fit this network", ckpt_name(c),
                       o->h, o->w);
    struct build b = {.ckpt = c};
    b.net = mem_zero(1, sizeof *b.net);
    b.used = mem_zero((size_t)ckpt_count(c) + 1, sizeof *b.used);
    memcpy(b.net->mean, o->mean, sizeof b.net->mean);
    memcpy(b.net->std, o->std, sizeof b.net->std);
    add_value(b.net, 3, o->h, o->w, NULL);
    int r = build_all(&b, e);
    free(b.used);
    if (r != 0) {
        net_free(b.net);
        return -1;
    }
    *n = b.net;
    return 0;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->ops; i++) {
        free((void *)n->op[i].w);
        free((void *)n->op[i].b);
    }
    for (int i = 0; i < n->values; i++)
        free((void *)n->value[i].name);
    free(n->op);
    free(n->value);
    free(n);
}

/* --- questions --- */

int net_last(const struct net *n)
{
    for (int i = 0; i < n->ops; i++)
        if (n->op[i].kind == NET_POOL)
            return n->op[i].in;
    return -1;
}

int net_layer(const struct net *n, const char *name, struct err *e)
{
    size_t len = strlen(name);
    int found = -1, last = net_last(n);
    char list[512] = "";
    size_t at = 0;
    for (int i = 1; i <= last; i++) {
        const char *v = n->value[i].name;
        if (!v)
            continue;
        if (strcmp(v, name) == 0)
            return i;
        const char *dot = strchr(v, '.');
        if (dot && (size_t)(dot - v) == len && strncmp(v, name, len) == 0)
            found = i;
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", v);
    }
    if (found < 0)
        return err_set(e, "layer '%s' is not one of %s%s", name, list,
                       at >= sizeof list ? ", ..." : "");
    return found;
}

int64_t net_macs(const struct net *n)
{
    int64_t sum = 0;
    for (int i = 0; i < n->ops; i++) {
        const struct net_op *op = &n->op[i];
        const struct net_value *x = &n->value[op->in], *y = &n->value[op->out];
        if (op->kind != NET_POOL)
            sum += (int64_t)y->c * y->h * y->w * x->c * op->k * op->k;
    }
    return sum;
}
