/* Random networks, random images, and a run that keeps all
 * results, for comparing backends. */
#ifndef HP_RANDOM_NET_H
#define HP_RANDOM_NET_H

#include "base/mem.h"
#include "engine/engine.h"
#include "graph/rules.h"

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

/* Appends an operation of the right shape, with random numbers: weights of that deviation. */
static inline int net_add(struct graph *n, const struct graph_op *op, double w, double b)
{
    struct err e = {0};
    int out = graph_add(n, op, &e);
    if (out < 0) {
        fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    struct graph_op *to = &n->op[n->ops - 1];
    if (graph_op_weights(n, to) > 0) {
        to->w = random_reals((size_t)graph_op_weights(n, to), w);
        to->b = random_reals((size_t)n->value[out].c, b);
    }
    return out;
}

/* `addend`: a value, or -1, as below. */
static inline struct graph_op net_finish(struct graph_op op, int addend, bool relu)
{
    op.act = relu ? GRAPH_RELU : GRAPH_NONE;
    if (addend >= 0)
        op.in[op.ins++] = addend;
    return op;
}

static inline int net_add_conv(struct graph *n, int in, int oc, int k, int stride, int addend,
                               bool relu)
{
    const struct graph_op op = net_finish(graph_conv(in, oc, k, stride), addend, relu);
    double deviation = sqrt(2.0 / (n->value[in].c * k * k)) * (addend >= 0 ? 0.5 : 1);
    return net_add(n, &op, deviation, 0.1);
}

static inline int net_add_scale(struct graph *n, int in, int addend, bool relu)
{
    const struct graph_op op =
        net_finish((struct graph_op){.kind = GRAPH_NORM, .in = {in}, .ins = 1}, addend, relu);
    return net_add(n, &op, addend >= 0 ? 0.5 : 1, 0.2);
}

static inline int net_add_max(struct graph *n, int in, int k, int stride, int pad)
{
    const struct graph_op op = {.kind = GRAPH_MAX_POOL,
                                .in = {in},
                                .ins = 1,
                                .y = graph_windows(k, stride, pad),
                                .x = graph_windows(k, stride, pad)};
    return net_add(n, &op, 0, 0);
}

static inline struct graph *net_empty(void)
{
    struct graph *n = graph_new();
    for (int c = 0; c < 3; c++) {
        n->mean[c] = 0.5F + 0.01F * (float)c;
        n->std[c] = 0.25F + 0.02F * (float)c;
    }
    return n;
}

/* An empty network with an image. */
static inline struct graph *net_of_image(int h, int w)
{
    struct graph *n = net_empty();
    graph_add_value(n, 3, h, w, NULL, NULL);
    return n;
}

/* Pooling and the linear layer behind value x. */
static inline void net_add_head(struct graph *n, int x, int classes)
{
    struct graph_op op = {.kind = GRAPH_AVERAGE, .in = {x}, .ins = 1};
    op.in[0] = net_add(n, &op, 0, 0);
    op.kind = GRAPH_LINEAR;
    op.channels = classes;
    net_add(n, &op, 0.3, 0.1);
}

/* Basic blocks behind value x. `widths` ends with 0. */
static inline void net_add_blocks(struct graph *n, int x, const int *widths, int blocks)
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

static inline struct graph *net_random(int h, int w, const int *widths, int blocks, int classes)
{
    struct graph *n = net_of_image(h, w);
    int x = net_add_conv(n, 0, widths[0], 3, 1, -1, true);
    net_add_blocks(n, x, widths, blocks);
    net_add_head(n, n->values - 1, classes);
    return n;
}

/* The stem of networks for larger images: 7 by 7, stride 2, then the largest of 3 by 3. */
static inline struct graph *net_large_stem(int h, int w, const int *widths, int blocks, int classes)
{
    struct graph *n = net_of_image(h, w);
    int x = net_add_conv(n, 0, widths[0], 7, 2, -1, true);
    net_add_blocks(n, net_add_max(n, x, 3, 2, 1), widths, blocks);
    net_add_head(n, n->values - 1, classes);
    return n;
}

/* Blocks of ReLUs before convolutions: what a block adds to has none, and is scaled before
 * each block and before pooling. `stem`: as above. */
static inline struct graph *net_preact(int h, int w, const int *widths, int blocks, int classes,
                                       bool stem)
{
    struct graph *n = net_of_image(h, w);
    int x = net_add_conv(n, 0, widths[0], stem ? 7 : 3, stem ? 2 : 1, -1, false);
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
static inline struct graph *net_unfolded(int h, int w, const int *widths, int blocks, int classes)
{
    struct graph *n = net_of_image(h, w);
    int x = net_add_conv(n, 0, widths[0], 3, 1, -1, false);
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
static inline int net_add_other(struct graph *n, int x)
{
    const struct graph_value *v = &n->value[x];
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
static inline struct graph *net_mixed(int h, int w, int convs, int classes, bool spare)
{
    static const int sides[] = {1, 3, 3, 3, 5, 7}, widths[] = {8, 16, 16, 16, 20, 48};
    struct graph *n = net_of_image(h, w);
    int x = 0;
    for (int i = 0; i < convs; i++) {
        if (random_int(0, 3) == 0)
            x = net_add_other(n, x);
        int k = sides[random_int(0, 5)], oc = widths[random_int(0, 5)], res = -1;
        int stride = random_int(0, 4) ? 1 : random_int(2, 3);
        int in = spare && x && random_int(0, 3) == 0 ? x - 1 : x;
        const struct graph_value *last = &n->value[x], *before = last - (x > 0);
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

/* One run's input and results, of `images` images. Besides what opts wants, an activation and, with
 * vectors, a gradient of value `value` and maps of all classes have names of their own. */
struct run {
    const struct graph *graph;
    struct engine_opts opts;
    struct engine_want *want; /* opts.wants */
    int value;                /* whose features and gradients are wanted, or -1 */
    int images, next, written;
    int fail_read, fail_write, fail_seed;                     /* at this image; 0 for never */
    int (*seed)(void *, struct engine_batch *, struct err *); /* run_seed unless set */
    uint8_t *pixels;
    float *logits;
    union engine_result *results;   /* [want_count] */
    float *features, *grads, *maps; /* of the results, or NULL */
    size_t feature_size, map_size;
};

static inline void run_close(struct run *r)
{
    for (int i = 0; i < r->opts.want_count; i++)
        free(r->results[i].values);
    free(r->results);
    free(r->want);
    free(r->pixels);
    free(r->logits);
}

static inline int run_read(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct run *r = ctx;
    int n = r->images - r->next < max ? r->images - r->next : max;
    if (r->fail_read && r->next + n >= r->fail_read)
        return err_set(e, "read failed");
    size_t each = graph_size(r->graph, 0);
    memcpy(b->pixels, r->pixels + (size_t)r->next * each, (size_t)n * each);
    for (int i = 0; i < n; i++)
        ((int *)b->tag)[i] = r->next + i;
    r->next += n;
    return n;
}

/* Seeds of an image, (vectors, classes), that depend on it and the vector alone. */
static inline void run_seed_image(const struct run *r, int id, float *seeds)
{
    int classes = graph_classes(r->graph);
    for (int j = 0; j < r->opts.vectors; j++, seeds += classes) {
        seeds[(id + j) % classes] = 1;
        seeds[(id + 3 * j + 1) % classes] -= 0.5F;
    }
}

static inline size_t run_seed_size(const struct run *r)
{
    return (size_t)r->opts.vectors * (size_t)graph_classes(r->graph);
}

static inline int run_seed(void *ctx, struct engine_batch *b, struct err *e)
{
    struct run *r = ctx;
    for (int i = 0; i < b->n; i++) {
        int id = ((int *)b->tag)[i];
        if (r->fail_seed && id == r->fail_seed)
            return err_set(e, "seed failed");
        run_seed_image(r, id, b->seeds + (size_t)i * run_seed_size(r));
    }
    return 0;
}

/* Bytes of result i for an image. */
static inline size_t run_bytes(const struct run *r, int i)
{
    return engine_result_size(r->graph, &r->opts, i) *
           (r->opts.wants[i].what == ENGINE_SUMS ? sizeof(double) : sizeof(float));
}

static inline int run_write(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct run *r = ctx;
    for (int i = 0; i < b->n; i++)
        if (((const int *)b->tag)[i] != r->written + i)
            return err_set(e, "out of order");
    size_t at = (size_t)r->written, n = (size_t)b->n;
    if (r->fail_write && r->written >= r->fail_write)
        return err_set(e, "write failed");
    size_t classes = (size_t)graph_classes(r->graph);
    memcpy(r->logits + at * classes, b->logits, n * classes * sizeof(float));
    for (int i = 0; i < r->opts.want_count; i++) {
        size_t each = run_bytes(r, i);
        memcpy((char *)r->results[i].values + at * each, b->results[i].values, n * each);
    }
    r->written += b->n;
    return 0;
}

/* Room and random pixels for a run; `o`: with wants of its own, copied. */
static inline struct run run_with(const struct graph *n, int images, struct engine_opts o)
{
    struct run r = {.graph = n, .opts = o, .value = -1, .images = images};
    size_t m = (size_t)images;
    r.want = mem_alloc((size_t)o.want_count + 1, sizeof *r.want);
    for (int i = 0; i < o.want_count; i++)
        r.want[i] = o.wants[i];
    r.opts.wants = r.want;
    r.pixels = mem_alloc(m * graph_size(n, 0), 1);
    random_pixels(r.pixels, m * graph_size(n, 0));
    r.logits = mem_zero(m * (size_t)graph_classes(n), sizeof(float));
    r.results = mem_zero((size_t)o.want_count + 1, sizeof *r.results);
    for (int i = 0; i < o.want_count; i++) {
        r.results[i].values = mem_zero(m * run_bytes(&r, i), 1);
        const struct engine_want *w = &o.wants[i];
        if (w->what == ENGINE_CLASS_MAPS) {
            r.maps = r.results[i].values;
            r.map_size = engine_result_size(n, &r.opts, i);
        } else if (w->what == ENGINE_ACTIVATION && (r.value < 0 || r.value == w->value)) {
            r.features = r.results[i].values;
            r.value = w->value;
            r.feature_size = graph_size(n, w->value);
        } else if (w->what == ENGINE_GRADIENT && r.value == w->value) {
            r.grads = r.results[i].values;
        }
    }
    return r;
}

/* The same that wants features of a value, or -1, as many gradients of it, and class maps. */
static inline struct run run_new(const struct graph *n, int images, struct engine_opts o, int value,
                                 int vectors, bool maps)
{
    struct engine_want want[3];
    o.wants = want;
    o.want_count = 0;
    o.vectors = vectors;
    if (value >= 0)
        engine_add_want(want, &o.want_count, value, ENGINE_ACTIVATION);
    if (vectors > 0)
        engine_add_want(want, &o.want_count, value, ENGINE_GRADIENT);
    if (maps)
        engine_add_want(want, &o.want_count, graph_closed(n).value, ENGINE_CLASS_MAPS);
    return run_with(n, images, o);
}

/* The same images and options as `r`, except for device, precision, threads. */
static inline struct run run_like(const struct run *r, const char *device,
                                  enum engine_precision precision, int threads)
{
    struct engine_opts o = r->opts;
    o.device = device;
    o.precision = precision;
    o.threads = threads;
    struct run s = run_with(r->graph, r->images, o);
    memcpy(s.pixels, r->pixels, (size_t)r->images * graph_size(r->graph, 0));
    return s;
}

static inline int run_go(struct run *r, struct err *e)
{
    struct engine *g;
    if (engine_open(&g, r->graph, &r->opts, e) != 0)
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
static inline double difference_beside(const float *a, const float *b, size_t n, double least)
{
    double worst = 0, most = least;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]), m = fabs((double)b[i]);
        if (!(d <= 1e30) || !(m <= 1e30))
            return INFINITY;
        worst = d > worst ? d : worst;
        most = m > most ? m : most;
    }
    return worst / most;
}

static inline double difference(const float *a, const float *b, size_t n)
{
    return difference_beside(a, b, n, 1e-30);
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
