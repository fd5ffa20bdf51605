/* Random networks, random images, and a run that keeps all
 * results, for comparing backends. */
#ifndef HP_RANDOM_NET_H
#define HP_RANDOM_NET_H

#include "base/mem.h"
#include "engine/engine.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 1;

static inline uint32_t random_bits(void)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(random_state >> 32);
}

static inline int random_int(int min, int max)
{
    return min + (int)(random_bits() % (uint32_t)(max - min + 1));
}

/* About normal, mean 0. */
static inline float random_real(double deviation)
{
    double s = 0;
    for (int i = 0; i < 4; i++)
        s += random_bits() / 4294967296.0 - 0.5;
    return (float)(s * 1.732 * deviation);
}

static inline float *random_reals(size_t n, double deviation)
{
    float *p = mem_alloc(n, sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = random_real(deviation);
    return p;
}

static inline void random_pixels(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)random_bits();
}

static inline int net_add_value(struct net *n, int c, int h, int w)
{
    n->value = mem_grow(n->value, (size_t)n->values + 1, sizeof *n->value);
    n->value[n->values] = (struct net_value){.c = c, .h = h, .w = w};
    return n->values++;
}

static inline struct net_op *net_add_op(struct net *n, enum net_kind kind, int in, int out)
{
    n->op = mem_grow(n->op, (size_t)n->ops + 1, sizeof *n->op);
    n->op[n->ops] = (struct net_op){.kind = kind, .in = in, .out = out, .res = -1, .k = 1};
    return &n->op[n->ops++];
}

static inline int net_add_conv(struct net *n, int in, int oc, int k, int stride, int res, bool relu)
{
    struct net_value x = n->value[in];
    int pad = k / 2;
    int out =
        net_add_value(n, oc, (x.h + 2 * pad - k) / stride + 1, (x.w + 2 * pad - k) / stride + 1);
    struct net_op *op = net_add_op(n, NET_CONV, in, out);
    op->res = res;
    op->k = k;
    op->stride = stride;
    op->pad = pad;
    op->relu = relu;
    op->w = random_reals((size_t)oc * (size_t)x.c * (size_t)(k * k),
                         sqrt(2.0 / (x.c * k * k)) * (res >= 0 ? 0.5 : 1));
    op->b = random_reals((size_t)oc, 0.1);
    return out;
}

static inline int net_add_scale(struct net *n, int in, int res, bool relu)
{
    struct net_value x = n->value[in];
    int out = net_add_value(n, x.c, x.h, x.w);
    struct net_op *op = net_add_op(n, NET_SCALE, in, out);
    op->res = res;
    op->relu = relu;
    op->w = random_reals((size_t)x.c, res >= 0 ? 0.5 : 1);
    op->b = random_reals((size_t)x.c, 0.2);
    return out;
}

static inline int net_add_max(struct net *n, int in, int k, int stride, int pad)
{
    struct net_value x = n->value[in];
    int out =
        net_add_value(n, x.c, (x.h + 2 * pad - k) / stride + 1, (x.w + 2 * pad - k) / stride + 1);
    struct net_op *op = net_add_op(n, NET_MAX, in, out);
    op->k = k;
    op->stride = stride;
    op->pad = pad;
    return out;
}

static inline struct net *net_empty(void)
{
    struct net *n = mem_zero(1, sizeof *n);
    for (int c = 0; c < 3; c++) {
        n->mean[c] = 0.5F + 0.01F * (float)c;
        n->std[c] = 0.25F + 0.02F * (float)c;
    }
    return n;
}

/* Pooling and the linear layer behind value x. */
static inline void net_add_head(struct net *n, int x, int classes)
{
    int c = n->value[x].c;
    int pooled = net_add_value(n, c, 1, 1);
    net_add_op(n, NET_POOL, x, pooled);
    int out = net_add_value(n, classes, 1, 1);
    struct net_op *op = net_add_op(n, NET_LINEAR, pooled, out);
    op->w = random_reals((size_t)classes * (size_t)c, 0.3);
    op->b = random_reals((size_t)classes, 0.1);
    n->classes = classes;
}

/* Basic blocks behind value x. `widths` ends with 0. */
static inline void net_add_blocks(struct net *n, int x, const int *widths, int blocks)
{
    for (int s = 0; widths[s]; s++)
        for (int i = 0; i < blocks; i++) {
            int stride = s && !i ? 2 : 1, res = x;
            int mid = net_add_conv(n, x, widths[s], 3, stride, -1, true);
            if (stride == 2)
                res = net_add_conv(n, x, widths[s], 1, 2, -1, false);
            x = net_add_conv(n, mid, widths[s], 3, 1, res, true);
        }
}

static inline struct net *net_random(int h, int w, const int *widths, int blocks, int classes)
{
    struct net *n = net_empty();
    int x = net_add_conv(n, net_add_value(n, 3, h, w), widths[0], 3, 1, -1, true);
    net_add_blocks(n, x, widths, blocks);
    net_add_head(n, n->values - 1, classes);
    return n;
}

/* The stem of networks for larger images: 7 by 7, stride 2, then the largest of 3 by 3. */
static inline struct net *net_large_stem(int h, int w, const int *widths, int blocks, int classes)
{
    struct net *n = net_empty();
    int x = net_add_conv(n, net_add_value(n, 3, h, w), widths[0], 7, 2, -1, true);
    net_add_blocks(n, net_add_max(n, x, 3, 2, 1), widths, blocks);
    net_add_head(n, n->values - 1, classes);
    return n;
}

/* Blocks of ReLUs before convolutions: what a block adds to has none, and is scaled before
 * each block and before pooling. `stem`: as above. */
static inline struct net *net_preact(int h, int w, const int *widths, int blocks, int classes,
                                     bool stem)
{
    struct net *n = net_empty();
    int x = net_add_value(n, 3, h, w);
    x = net_add_conv(n, x, widths[0], stem ? 7 : 3, stem ? 2 : 1, -1, false);
    if (stem)
        x = net_add_max(n, x, 3, 2, 1);
    for (int s = 0; widths[s]; s++)
        for (int i = 0; i < blocks; i++) {
            int stride = s && !i ? 2 : 1, in = net_add_scale(n, x, -1, true);
            int res = stride == 2 ? net_add_conv(n, in, widths[s], 1, 2, -1, false) : x;
            int mid = net_add_conv(n, in, widths[s], 3, stride, -1, true);
            x = net_add_conv(n, mid, widths[s], 3, 1, res, false);
        }
    net_add_head(n, net_add_scale(n, x, -1, true), classes);
    return n;
}

/* Basic blocks whose batch norms are not folded: the second one adds and has the ReLU. */
static inline struct net *net_unfolded(int h, int w, const int *widths, int blocks, int classes)
{
    struct net *n = net_empty();
    int x = net_add_conv(n, net_add_value(n, 3, h, w), widths[0], 3, 1, -1, false);
    x = net_add_scale(n, x, -1, true);
    for (int s = 0; widths[s]; s++)
        for (int i = 0; i < blocks; i++) {
            int stride = s && !i ? 2 : 1, res = x;
            int mid = net_add_conv(n, x, widths[s], 3, stride, -1, false);
            mid = net_add_scale(n, mid, -1, true);
            if (stride == 2)
                res = net_add_scale(n, net_add_conv(n, x, widths[s], 1, 2, -1, false), -1, false);
            x = net_add_scale(n, net_add_conv(n, mid, widths[s], 3, 1, -1, false), res, true);
        }
    net_add_head(n, x, classes);
    return n;
}

/* The last value of a random shape, scaled or windowed, with anything added that fits. */
static inline int net_add_other(struct net *n, int x)
{
    const struct net_value *v = &n->value[x];
    int k = random_int(2, 5), res = -1;
    if (v->h >= k && v->w >= k && random_int(0, 2) == 0)
        return net_add_max(n, x, k, random_int(1, 3), random_int(0, k / 2));
    for (int i = 0; i <= x && random_int(0, 3); i++)
        if (n->value[i].c == v->c && n->value[i].h == v->h && n->value[i].w == v->w)
            res = i;
    return net_add_scale(n, x, res, random_int(0, 1));
}

/* Operations in a row of any kernel and stride, most with a ReLU, that add any value of
 * their shape computed before: more than residual blocks do. `spare`: some are of no use. */
static inline struct net *net_mixed(int h, int w, int convs, int classes, bool spare)
{
    static const int sides[] = {1, 3, 3, 3, 5, 7}, widths[] = {8, 16, 16, 16, 20, 48};
    struct net *n = net_empty();
    int x = net_add_value(n, 3, h, w);
    for (int i = 0; i < convs; i++) {
        if (random_int(0, 3) == 0)
            x = net_add_other(n, x);
        int k = sides[random_int(0, 5)], oc = widths[random_int(0, 5)], res = -1;
        int stride = random_int(0, 4) ? 1 : random_int(2, 3);
        int in = spare && x && random_int(0, 3) == 0 ? x - 1 : x;
        const struct net_value *last = &n->value[x], *before = last - (x > 0);
        if (x > 1 && before->h == last->h && before->w == last->w && random_int(0, 3) == 0) {
            /* Beside the last, which is added: as the convolution beside a block. */
            x = net_add_conv(n, x - 1, last->c, k, 1, x, random_int(0, 3) != 0);
            continue;
        }
        int oh = (n->value[in].h - 1) / stride + 1, ow = (n->value[in].w - 1) / stride + 1;
        for (int v = 1; v <= x && random_int(0, 3); v++)
            if (n->value[v].c == oc && n->value[v].h == oh && n->value[v].w == ow)
                res = v;
        x = net_add_conv(n, in, oc, k, stride, res, random_int(0, 3) != 0);
    }
    if (random_int(0, 2) == 0)
        x = net_add_other(n, x);
    net_add_head(n, x, classes);
    return n;
}

static inline size_t net_size(const struct net *n, int value)
{
    return (size_t)n->value[value].c * (size_t)n->value[value].h * (size_t)n->value[value].w;
}

/* One run's input and results, of `images` images. */
struct run {
    const struct net *net;
    struct engine_opts opts;
    int images, next, written;
    int fail_read, fail_write, fail_seed;                     /* at this image; 0 for never */
    int (*seed)(void *, struct engine_batch *, struct err *); /* run_seed unless set */
    uint8_t *pixels;
    float *logits, *features, *maps, *grads;
    double *sums;
    size_t feature_size, map_size, tap_size;
};

static inline void run_close(struct run *r)
{
    free(r->pixels);
    free(r->logits);
    free(r->features);
    free(r->maps);
    free(r->grads);
    free(r->sums);
}

static inline int run_read(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct run *r = ctx;
    int n = r->images - r->next < max ? r->images - r->next : max;
    if (r->fail_read && r->next + n >= r->fail_read)
        return err_set(e, "read failed");
    size_t each = net_size(r->net, 0);
    memcpy(b->pixels, r->pixels + (size_t)r->next * each, (size_t)n * each);
    for (int i = 0; i < n; i++)
        ((int *)b->tag)[i] = r->next + i;
    r->next += n;
    return n;
}

/* Seeds that depend on the image and the vector alone. */
static inline int run_seed(void *ctx, struct engine_batch *b, struct err *e)
{
    struct run *r = ctx;
    for (int i = 0; i < b->n; i++)
        for (int j = 0; j < r->opts.gradients; j++) {
            int id = ((int *)b->tag)[i];
            size_t at =
                ((size_t)i * (size_t)r->opts.gradients + (size_t)j) * (size_t)r->net->classes;
            if (r->fail_seed && id == r->fail_seed)
                return err_set(e, "seed failed");
            b->seeds[at + (size_t)((id + j) % r->net->classes)] = 1;
            b->seeds[at + (size_t)((id + 3 * j + 1) % r->net->classes)] -= 0.5F;
        }
    return 0;
}

static inline int run_write(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct run *r = ctx;
    for (int i = 0; i < b->n; i++)
        if (((const int *)b->tag)[i] != r->written + i)
            return err_set(e, "out of order");
    size_t at = (size_t)r->written, n = (size_t)b->n, vectors = (size_t)r->opts.gradients;
    if (r->fail_write && r->written >= r->fail_write)
        return err_set(e, "write failed");
    size_t classes = (size_t)r->net->classes;
    memcpy(r->logits + at * classes, b->logits, n * classes * sizeof(float));
    if (b->features)
        memcpy(r->features + at * r->feature_size, b->features,
               n * r->feature_size * sizeof(float));
    if (b->class_maps)
        memcpy(r->maps + at * r->map_size, b->class_maps, n * r->map_size * sizeof(float));
    if (b->grads)
        memcpy(r->grads + at * vectors * r->feature_size, b->grads,
               n * vectors * r->feature_size * sizeof(float));
    if (b->sums)
        memcpy(r->sums + at * r->tap_size, b->sums, n * r->tap_size * sizeof(double));
    r->written += b->n;
    return 0;
}

/* Room and random pixels for a run. */
static inline struct run run_new(const struct net *n, int images, struct engine_opts o)
{
    struct run r = {.net = n, .opts = o, .images = images};
    size_t m = (size_t)images;
    r.pixels = mem_alloc(m * net_size(n, 0), 1);
    random_pixels(r.pixels, m * net_size(n, 0));
    r.logits = mem_zero(m * (size_t)n->classes, sizeof(float));
    const struct net_value *last = &n->value[net_last(n)];
    r.map_size = (size_t)n->classes * (size_t)last->h * (size_t)last->w;
    if (o.class_maps)
        r.maps = mem_zero(m * r.map_size, sizeof(float));
    if (o.features >= 0) {
        r.feature_size = net_size(n, o.features);
        r.features = mem_zero(m * r.feature_size, sizeof(float));
        if (o.gradients)
            r.grads = mem_zero(m * (size_t)o.gradients * r.feature_size, sizeof(float));
    }
    for (int i = 0; i < o.tap_count; i++)
        r.tap_size += 2 * (size_t)n->value[o.taps[i]].c;
    if (r.tap_size)
        r.sums = mem_zero(m * r.tap_size, sizeof(double));
    return r;
}

/* The same images and options as `r`, except for device, precision, threads. */
static inline struct run run_like(const struct run *r, const char *device,
                                  enum engine_precision precision, int threads)
{
    struct engine_opts o = r->opts;
    o.device = device;
    o.precision = precision;
    o.threads = threads;
    struct run s = run_new(r->net, r->images, o);
    memcpy(s.pixels, r->pixels, (size_t)r->images * net_size(r->net, 0));
    return s;
}

static inline int run_go(struct run *r, struct err *e)
{
    struct engine *g;
    if (engine_open(&g, r->net, &r->opts, e) != 0)
        return -1;
    const struct engine_calls calls = {.ctx = r,
                                       .tag_bytes = sizeof(int),
                                       .read = run_read,
                                       .seed = r->seed ? r->seed : run_seed,
                                       .write = run_write};
    int s = engine_run(g, &calls, e);
    engine_close(g);
    return s;
}

/* Largest |a - b| over the largest |b|; infinite where something is not finite. */
static inline double difference(const float *a, const float *b, size_t n)
{
    double worst = 0, most = 1e-30;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]), m = fabs((double)b[i]);
        if (!(d <= 1e30) || !(m <= 1e30))
            return INFINITY;
        worst = d > worst ? d : worst;
        most = m > most ? m : most;
    }
    return worst / most;
}

/* Root mean square of a - b over that of b: one ReLU that falls the other way, as
 * happens in bf16, hardly shows. */
static inline double difference_rms(const float *a, const float *b, size_t n)
{
    double sum = 0, all = 1e-30;
    for (size_t i = 0; i < n; i++) {
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        all += (double)b[i] * b[i];
    }
    return isfinite(sum) && isfinite(all) ? sqrt(sum / all) : INFINITY;
}

#endif
