/* Convolutions by oneDNN and, where they win, by Winograd; one thread per core,
 * each with a batch of its own, activations as [H][W][N][C]. */
#include "engine/work.h"

#include "base/mem.h"
#include "engine/cpu/layout.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/wino.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 16,              /* measured: 8 and 32 are no faster */
    BUFFER_BYTES = 16 << 20, /* of activations: batches of large images are smaller, */
    GRADS_BYTES = 64 << 20   /* as are those of many gradients */
};

/* A convolution of the network. */
struct step {
    const struct net_op *op;
    struct onednn_conv *conv; /* one of these two */
    struct wino *wino;
    bool copy; /* the value added is copied to where the output goes first */
};

/* One convolution backwards, on buffers of gradients. */
struct back_step {
    const struct net_op *op;
    struct onednn_conv *conv; /* NULL: the input's gradient is not asked for */
    int dy, dx;
    int sum;     /* dx is added to this buffer, or -1 */
    int res_sum; /* dy is added to this buffer, or -1 */
};

struct pool {
    size_t *elements; /* [count] room of each buffer */
    bool *taken;
    int count;
};

struct cpu {
    struct work work;
    struct onednn *onednn;
    bool bf16;
    struct layout_table table;
    const struct net_op *fc;
    int last;
    struct step *step; /* [steps] */
    int steps;
    struct back_step *back; /* [backs] */
    int backs;
    struct pool acts, grads;
    int *act, *grad; /* [values] buffers, -1 for none */
    size_t scratch;  /* bytes */
    char about[128];
};

/* What a thread owns. */
struct hand {
    const struct cpu *cpu;
    void **act;   /* [acts.count] f32 or bf16 */
    float **grad; /* [grads.count] */
    void *scratch;
    float *pooled;             /* (batch, c) of the last stage, or its gradient */
    float *wide;               /* a kept value as f32, where values are bf16 */
    float *maps;               /* (cells, batch, classes) */
    struct onednn_call **step; /* [steps], NULL for Winograd */
    struct onednn_call **back; /* [backs] */
};

static int cells_of(const struct net_value *v)
{
    return v->h * v->w;
}

static size_t value_size(const struct net_value *v)
{
    return (size_t)v->c * (size_t)v->h * (size_t)v->w;
}

static size_t batch_size(const struct cpu *c, int value)
{
    return (size_t)c->work.batch * value_size(&c->work.net->value[value]);
}

/* --- buffers --- */

static int pool_take(struct pool *p, size_t elements)
{
    int i = 0;
    while (i < p->count && p->taken[i])
        i++;
    if (i == p->count) {
        p->elements = mem_grow(p->elements, (size_t)i + 1, sizeof *p->elements);
        p->taken = mem_grow(p->taken, (size_t)i + 1, sizeof *p->taken);
        p->elements[i] = 0;
        p->count++;
    }
    p->taken[i] = true;
    if (elements > p->elements[i])
        p->elements[i] = elements;
    return i;
}

static void pool_free(struct pool *p)
{
    free(p->elements);
    free(p->taken);
}

/* The operation after which a value is needed no more. The value asked for is kept
 * to the end, and so are those whose ReLU the gradients pass. */
static void last_uses(const struct cpu *c, int *use)
{
    const struct net *n = c->work.net;
    const struct engine_opts *o = &c->work.opts;
    bool *depends = mem_zero((size_t)n->values, sizeof *depends);
    if (o->gradients > 0)
        work_depends(n, o->features, depends);
    for (int i = 0; i < n->ops; i++) {
        use[n->op[i].in] = i;
        if (n->op[i].res >= 0)
            use[n->op[i].res] = i;
    }
    for (int i = 0; i < n->ops; i++)
        if (n->op[i].relu && depends[n->op[i].out])
            use[n->op[i].out] = INT_MAX;
    if (o->features >= 0)
        use[o->features] = INT_MAX;
    free(depends);
}

static void plan_forward(struct cpu *c)
{
    const struct net *n = c->work.net;
    int *use = mem_alloc((size_t)n->values, sizeof *use);
    last_uses(c, use);
    c->act[0] = pool_take(&c->acts, batch_size(c, 0));
    for (int i = 0; i < n->ops; i++) {
        const struct net_op *op = &n->op[i];
        if (op->kind != NET_CONV)
            continue;
        bool dies = op->res >= 0 && use[op->res] == i;
        c->act[op->out] = dies ? c->act[op->res] : pool_take(&c->acts, batch_size(c, op->out));
        c->step = mem_grow(c->step, (size_t)c->steps + 1, sizeof *c->step);
        c->step[c->steps++] = (struct step){.op = op, .copy = op->res >= 0 && !dies};
        if (use[op->in] == i)
            c->acts.taken[c->act[op->in]] = false;
    }
    free(use);
}

/* Gradients of the values between the last stage and the one asked for. A value
 * that two operations read sums what comes from both. */
static void plan_backward(struct cpu *c)
{
    const struct net *n = c->work.net;
    int from = c->work.opts.features;
    bool *depends = mem_alloc((size_t)n->values, sizeof *depends);
    work_depends(n, from, depends);
    c->grad[c->last] = pool_take(&c->grads, batch_size(c, c->last));
    for (int i = n->ops - 1; i >= 0; i--) {
        const struct net_op *op = &n->op[i];
        if (op->kind != NET_CONV || op->out == from || c->grad[op->out] < 0)
            continue;
        struct back_step s = {.op = op, .dy = c->grad[op->out], .dx = -1, .sum = -1, .res_sum = -1};
        bool passed = false; /* whether dy's buffer goes to the value added */
        if (depends[op->in]) {
            s.dx = pool_take(&c->grads, batch_size(c, op->in));
            s.sum = c->grad[op->in];
            if (s.sum >= 0)
                c->grads.taken[s.dx] = false;
            else
                c->grad[op->in] = s.dx;
        }
        if (op->res >= 0 && depends[op->res]) {
            s.res_sum = c->grad[op->res];
            passed = s.res_sum < 0;
            if (passed)
                c->grad[op->res] = s.dy;
        }
        if (!passed)
            c->grads.taken[s.dy] = false;
        c->back = mem_grow(c->back, (size_t)c->backs + 1, sizeof *c->back);
        c->back[c->backs++] = s;
    }
    free(depends);
}

/* --- threads --- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int hand_bind(struct hand *h, struct err *e)
{
    const struct cpu *c = h->cpu;
    for (int i = 0; i < c->steps; i++) {
        const struct step *s = &c->step[i];
        if (s->conv && onednn_bind(&h->step[i], c->onednn, s->conv, h->act[c->act[s->op->in]],
                                   h->act[c->act[s->op->out]], h->scratch, e) != 0)
            return -1;
    }
    for (int i = 0; i < c->backs; i++) {
        const struct back_step *s = &c->back[i];
        if (s->conv && onednn_bind(&h->back[i], c->onednn, s->conv, h->grad[s->dy], h->grad[s->dx],
                                   h->scratch, e) != 0)
            return -1;
    }
    return 0;
}

static void cpu_leave(void *hand)
{
    struct hand *h = hand;
    const struct cpu *c = h->cpu;
    for (int i = 0; i < c->steps; i++)
        onednn_call_free(h->step[i]);
    for (int i = 0; i < c->backs; i++)
        onednn_call_free(h->back[i]);
    for (int i = 0; i < c->acts.count; i++)
        free(h->act[i]);
    for (int i = 0; i < c->grads.count; i++)
        free(h->grad[i]);
    free(h->step);
    free(h->back);
    free(h->act);
    free(h->grad);
    free(h->scratch);
    free(h->pooled);
    free(h->wide);
    free(h->maps);
    free(h);
}

static int cpu_enter(void *self, void **hand, struct err *e)
{
    const struct cpu *c = self;
    const struct engine_opts *o = &c->work.opts;
    onednn_thread();
    struct hand *h = mem_zero(1, sizeof *h);
    h->cpu = c;
    h->act = mem_zero((size_t)c->acts.count, sizeof *h->act);
    for (int i = 0; i < c->acts.count; i++)
        h->act[i] = mem_aligned(c->acts.elements[i], c->bf16 ? sizeof(uint16_t) : sizeof(float));
    h->grad = mem_zero((size_t)c->grads.count + 1, sizeof *h->grad);
    for (int i = 0; i < c->grads.count; i++)
        h->grad[i] = mem_aligned(c->grads.elements[i], sizeof(float));
    h->scratch = mem_aligned(c->scratch + 1, 1);
    const struct net_value *last = &c->work.net->value[c->last];
    size_t batch = (size_t)c->work.batch;
    h->pooled = mem_aligned(batch * (size_t)last->c, sizeof(float));
    if (c->bf16)
        h->wide = mem_aligned(
            larger(batch_size(c, c->last), o->features >= 0 ? batch_size(c, o->features) : 0),
            sizeof(float));
    if (o->class_maps)
        h->maps = mem_aligned(batch * (size_t)cells_of(last) * (size_t)c->work.net->classes,
                              sizeof(float));
    h->step = mem_zero((size_t)c->steps, sizeof(struct onednn_call *));
    h->back = mem_zero((size_t)c->backs + 1, sizeof(struct onednn_call *));
    if (hand_bind(h, e) != 0) {
        cpu_leave(h);
        return -1;
    }
    *hand = h;
    return 0;
}

/* --- computing --- */

static void *act_of(const struct hand *h, int value)
{
    return h->act[h->cpu->act[value]];
}

/* A value as f32; valid until the next call. */
static const float *value_f32(struct hand *h, int value)
{
    const struct cpu *c = h->cpu;
    if (!c->bf16)
        return act_of(h, value);
    layout_widen(act_of(h, value), batch_size(c, value), h->wide);
    return h->wide;
}

static int run_step(struct hand *h, int i, struct err *e)
{
    const struct cpu *c = h->cpu;
    const struct step *s = &c->step[i];
    const struct net_op *op = s->op;
    if (s->copy)
        memcpy(act_of(h, op->out), act_of(h, op->res),
               batch_size(c, op->out) * (c->bf16 ? sizeof(uint16_t) : sizeof(float)));
    if (!s->wino)
        return onednn_run(h->step[i], e);
    wino_run(s->wino, act_of(h, op->in), op->res >= 0 ? act_of(h, op->res) : NULL,
             act_of(h, op->out), h->scratch);
    return 0;
}

/* Global pooling, linear layer and class maps, in f32. */
static int run_head(struct hand *h, struct work_batch *b, struct err *e)
{
    const struct cpu *c = h->cpu;
    const struct net *n = c->work.net;
    const struct net_value *last = &n->value[c->last];
    int batch = c->work.batch, cells = cells_of(last);
    const float *x = value_f32(h, c->last);
    layout_mean(x, batch, last->c, cells, h->pooled);
    if (onednn_gemm(batch, n->classes, last->c, 1.0F, h->pooled, c->fc->w, b->logits, e) != 0)
        return -1;
    for (int i = 0; i < batch; i++)
        layout_add(c->fc->b, (size_t)n->classes, b->logits + (size_t)i * (size_t)n->classes);
    if (b->class_maps) {
        if (onednn_gemm(batch * cells, n->classes, last->c, 1.0F / (float)cells, x, c->fc->w,
                        h->maps, e) != 0)
            return -1;
        layout_nchw(h->maps, batch, b->b.n, n->classes, cells, b->class_maps);
    }
    return 0;
}

static int cpu_forward(void *hand, struct work_batch *b, struct err *e)
{
    struct hand *h = hand;
    const struct cpu *c = h->cpu;
    const struct net *n = c->work.net;
    int batch = c->work.batch, features = c->work.opts.features;
    void *in = act_of(h, 0);
    layout_pixels(&c->table, b->b.pixels, batch, cells_of(&n->value[0]), c->bf16 ? NULL : in,
                  c->bf16 ? in : NULL);
    for (int i = 0; i < c->steps; i++)
        if (run_step(h, i, e) != 0)
            return -1;
    if (run_head(h, b, e) != 0)
        return -1;
    if (b->features) {
        const struct net_value *v = &n->value[features];
        layout_nchw(value_f32(h, features), batch, b->b.n, v->c, cells_of(v), b->features);
    }
    return 0;
}

/* The gradient at the last stage: W transposed times the seed, divided by the
 * number of cells, the same in all of them. */
static void seed_last(struct hand *h, const struct work_batch *b, int vector)
{
    const struct cpu *c = h->cpu;
    const struct net *n = c->work.net;
    const struct net_value *last = &n->value[c->last];
    size_t channels = (size_t)last->c, classes = (size_t)n->classes;
    memset(h->pooled, 0, (size_t)c->work.batch * channels * sizeof(float));
    for (int i = 0; i < b->b.n; i++) {
        size_t at = (size_t)i * (size_t)c->work.opts.gradients + (size_t)vector;
        const float *seed = b->b.seeds + at * classes;
        float *g = h->pooled + (size_t)i * channels;
        for (size_t k = 0; k < classes; k++) {
            float s = seed[k] / (float)cells_of(last);
            const float *w = c->fc->w + k * channels;
            for (size_t j = 0; s != 0 && j < channels; j++)
                g[j] += s * w[j];
        }
    }
    layout_spread(h->pooled, c->work.batch, last->c, cells_of(last), h->grad[c->grad[c->last]]);
}

static int run_back(struct hand *h, int i, struct err *e)
{
    const struct cpu *c = h->cpu;
    const struct back_step *s = &c->back[i];
    const struct net_op *op = s->op;
    size_t size = batch_size(c, op->out);
    if (op->relu)
        layout_mask(c->bf16 ? NULL : act_of(h, op->out), c->bf16 ? act_of(h, op->out) : NULL, size,
                    h->grad[s->dy]);
    if (s->conv && onednn_run(h->back[i], e) != 0)
        return -1;
    if (s->sum >= 0)
        layout_add(h->grad[s->dx], batch_size(c, op->in), h->grad[s->sum]);
    if (s->res_sum >= 0)
        layout_add(h->grad[s->dy], size, h->grad[s->res_sum]);
    return 0;
}

static int cpu_backward(void *hand, struct work_batch *b, struct err *e)
{
    struct hand *h = hand;
    const struct cpu *c = h->cpu;
    const struct engine_opts *o = &c->work.opts;
    const struct net_value *v = &c->work.net->value[o->features];
    size_t size = value_size(v);
    float *one = mem_alloc(batch_size(c, o->features), sizeof *one);
    for (int j = 0; j < o->gradients; j++) {
        seed_last(h, b, j);
        for (int i = 0; i < c->backs; i++)
            if (run_back(h, i, e) != 0) {
                free(one);
                return -1;
            }
        layout_nchw(h->grad[c->grad[o->features]], c->work.batch, b->b.n, v->c, cells_of(v), one);
        for (int i = 0; i < b->b.n; i++) {
            size_t at = (size_t)i * (size_t)o->gradients + (size_t)j;
            memcpy(b->grads + at * size, one + (size_t)i * size, size * sizeof(float));
        }
    }
    free(one);
    return 0;
}

/* --- opening --- */

static int build_steps(struct cpu *c, struct err *e)
{
    const struct net *n = c->work.net;
    for (int i = 0; i < c->steps; i++) {
        struct step *s = &c->step[i];
        size_t scratch;
        if (!c->bf16 && c->work.opts.gradients == 0 && wino_fits(n, s->op)) {
            s->wino = wino_new(n, s->op, c->work.batch);
            s->copy = false;
            scratch = wino_scratch(s->wino);
        } else {
            if (onednn_forward(&s->conv, c->onednn, n, s->op, c->work.batch, c->bf16, e) != 0)
                return -1;
            scratch = onednn_scratch(s->conv);
        }
        if (scratch > c->scratch)
            c->scratch = scratch;
    }
    for (int i = 0; i < c->backs; i++) {
        struct back_step *s = &c->back[i];
        if (s->dx < 0)
            continue;
        if (onednn_backward(&s->conv, c->onednn, n, s->op, c->work.batch, e) != 0)
            return -1;
        if (onednn_scratch(s->conv) > c->scratch)
            c->scratch = onednn_scratch(s->conv);
    }
    return 0;
}

struct building {
    struct cpu *cpu;
    struct err *err;
    int result;
};

/* In a thread of its own, so that oneDNN plans for one thread without a change to
 * the caller's. */
static void *build(void *arg)
{
    struct building *b = arg;
    onednn_thread();
    b->result = onednn_open(&b->cpu->onednn, b->err);
    if (b->result == 0)
        b->result = build_steps(b->cpu, b->err);
    return NULL;
}

static int batch_for(const struct net *n, const struct engine_opts *o)
{
    size_t most = 0, grads = 0;
    for (int i = 0; i < n->values; i++)
        if (value_size(&n->value[i]) > most)
            most = value_size(&n->value[i]);
    if (o->gradients > 0)
        grads = (size_t)o->gradients * value_size(&n->value[o->features]);
    int batch = BATCH;
    while (batch > 1 && (most * (size_t)batch * sizeof(float) > BUFFER_BYTES ||
                         grads * (size_t)batch * sizeof(float) > GRADS_BYTES))
        batch /= 2;
    return batch;
}

static void cpu_close(void *self)
{
    struct cpu *c = self;
    for (int i = 0; i < c->steps; i++) {
        onednn_conv_free(c->step[i].conv);
        wino_free(c->step[i].wino);
    }
    for (int i = 0; i < c->backs; i++)
        onednn_conv_free(c->back[i].conv);
    onednn_close(c->onednn);
    pool_free(&c->acts);
    pool_free(&c->grads);
    free(c->step);
    free(c->back);
    free(c->act);
    free(c->grad);
    free(c);
}

static int check_precision(enum engine_precision p, struct err *e)
{
    if (p == ENGINE_F32 || (p == ENGINE_BF16 && onednn_has_bf16()))
        return 0;
    err_record(e, p == ENGINE_F16
                      ? "cpu: f16 is not computed here: use f32 or bf16"
                      : "cpu: bf16 would be emulated slowly: this processor has no AVX512_BF16");
    e->no_device = true;
    return -1;
}

static int cpu_open(void **self, const struct net *net, const struct engine_opts *o, struct err *e)
{
    if (check_precision(o->precision, e) != 0)
        return -1;
    struct cpu *c = mem_zero(1, sizeof *c);
    c->work = (struct work){
        .net = net,
        .opts = *o,
        .batch = batch_for(net, o),
        .threads = o->threads > 0 ? o->threads : work_cores(),
        .self = c,
        .enter = cpu_enter,
        .leave = cpu_leave,
        .forward = cpu_forward,
        .backward = cpu_backward,
    };
    c->bf16 = o->precision == ENGINE_BF16;
    c->fc = &net->op[net->ops - 1];
    c->last = net_last(net);
    layout_table(&c->table, net->mean, net->std);
    c->act = mem_alloc((size_t)net->values, sizeof *c->act);
    c->grad = mem_alloc((size_t)net->values, sizeof *c->grad);
    for (int i = 0; i < net->values; i++)
        c->act[i] = c->grad[i] = -1;
    plan_forward(c);
    if (o->gradients > 0)
        plan_backward(c);

    struct building b = {.cpu = c, .err = e, .result = -1};
    pthread_t thread;
    if (pthread_create(&thread, NULL, build, &b) != 0)
        err_record(e, "cpu: cannot start a thread");
    else
        pthread_join(thread, NULL);
    if (b.result != 0) {
        cpu_close(c);
        return -1;
    }
    int wino = 0;
    for (int i = 0; i < c->steps; i++)
        wino += c->step[i].wino != NULL;
    snprintf(c->about, sizeof c->about,
             "cpu: %s, %s, %d of %d convolutions by Winograd, %d thread%s, batches of %d",
             onednn_version(), c->bf16 ? "bf16" : "f32", wino, c->steps, c->work.threads,
             c->work.threads == 1 ? "" : "s", c->work.batch);
    *self = c;
    return 0;
}

/* --- the table --- */

static const char *cpu_about(const void *self)
{
    return ((const struct cpu *)self)->about;
}

static int cpu_batch_size(const void *self)
{
    return ((const struct cpu *)self)->work.batch;
}

static int cpu_run(void *self, const struct engine_calls *c, struct err *e)
{
    return work_run(&((struct cpu *)self)->work, c, e);
}

const struct engine_backend engine_cpu = {
    "cpu", cpu_open, cpu_close, cpu_about, cpu_batch_size, cpu_run, NULL,
};
