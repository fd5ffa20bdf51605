/* The network on an NVIDIA GPU: convolutions by cuDNN, the rest by kernels.cu.
 *
 * Batches alternate between two hands, each with a stream and activations of its own,
 * so that copies of one run while the other computes. Weights are shared.
 *
 * What 10,000 images through ResNet-34 cost in f16, by count: multiply-accumulates and bytes of
 * activations, at 60 % of an H200's 989 TFLOP/s (dense f16) and 80 % of its 4.8 TB/s; the
 * larger of the two times is expected. Not measured.
 *
 *   layer                     number   TFLOP      GB  ms, arithmetic  ms, memory  ms, all
 *   conv1 (3 channels as 8)       1    0.035    1.47       0.06          0.38       0.38
 *   layer1 conv1                  3    0.755    2.62       1.27          0.68       3.82
 *   layer1 conv2                  3    0.755    3.93       1.27          1.02       3.82
 *   layer2 conv1, stride 2        1    0.377    1.97       0.64          0.51       0.64
 *   layer2 downsample             1    0.042    1.97       0.07          0.51       0.51
 *   layer2 conv1                  3    0.755    1.31       1.27          0.34       3.82
 *   layer2 conv2                  4    0.755    1.97       1.27          0.51       5.09
 *   layer3 conv1, stride 2        1    0.377    0.98       0.64          0.26       0.64
 *   layer3 downsample             1    0.042    0.98       0.07          0.26       0.26
 *   layer3 conv1                  5    0.755    0.66       1.27          0.17       6.36
 *   layer3 conv2                  6    0.755    0.98       1.27          0.26       7.63
 *   layer4 conv1, stride 2        1    0.377    0.49       0.64          0.13       0.64
 *   layer4 downsample             1    0.042    0.49       0.07          0.13       0.13
 *   layer4 conv1                  2    0.755    0.33       1.27          0.09       2.54
 *   layer4 conv2                  3    0.755    0.49       1.27          0.13       3.82
 *   all convolutions             36   23.19    51.1                                40.1
 *   pixels in, normalised               0        0.19                    0.05       0.05
 *   pooling, linear layer               0.001    0.16                    0.04       0.04
 *   class maps, in f32                  0.016    0.23   0.61 (40 % of 67 TFLOP/s)   0.61
 *
 * 41 ms in all, where 60 is the bound. Copies over PCIe (31 MB of pixels, 4 MB of logits,
 * 64 MB of class maps) run beside them: 2 ms at 50 GB/s. */
#include "engine/cuda/device.h"
#include "engine/cuda/dnn.h"
#include "engine/cuda/kernels.h"
#include "engine/plan.h"
#include "engine/plugin.h"
#include "graph/rules.h"

#include "base/mem.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 512,
    HANDS = 2,
    ACTIVATIONS = 1 << 30, /* bytes of a hand's activations: batches of large images are */
    RESULTS = 64 << 20,    /* smaller, as are those with large results */
    LITTLE = 256 << 20     /* free bytes, with which cuDNN's failures are put down to memory */
};

/* What an operation, forwards or backwards, has on the device. */
struct step {
    struct dnn_conv *dnn; /* of a convolution, else NULL */
    bool shared;          /* with a step before */
    void *w, *b;          /* of a scale in f32; NULL for a maximum */
};

struct hand {
    struct cuda *cuda;
    bool taken;
    cudaStream_t stream;
    void **act;   /* [acts.count] */
    float **grad; /* [grads.count] */
    void *workspace;
    uint8_t *pixels;                                 /* (batch, 3, cells) */
    float *pooled;                                   /* (batch, c) of the last stage */
    float *logits, *features, *maps, *seeds, *grads; /* as in struct work_batch */
    struct dnn_call **step, **back;
    cudaEvent_t *event; /* [events], where steps are timed */
};

struct cuda {
    struct work work;
    struct device device;
    struct dnn *dnn;
    struct plan plan;
    enum kernel_type type;
    struct step *step, *back; /* [plan.steps], [plan.backs] */
    float *table;             /* (3, 256) normalised pixels */
    float *linear, *bias;     /* (classes, c), (classes) */
    float *turned;            /* linear as (c, classes), for gradients */
    size_t workspace;         /* bytes */
    struct hand hand[HANDS];
    bool short_of; /* whether memory was what failed, until */
    bool ready;    /* all is open */
    /* cuDNN's handle runs on one stream at a time. */
    pthread_mutex_t queueing;
    struct engine_step *timed;
    int events;      /* one more than timed steps */
    char where[300]; /* the device, for messages */
    char about[512];
};

static size_t element(const struct cuda *c)
{
    return c->type == KERNEL_F32 ? sizeof(float) : 2;
}

static const struct graph_value *last_of(const struct cuda *c)
{
    return &c->work.graph->value[c->plan.last];
}

static int check(struct hand *h, cudaError_t s, const char *call, struct err *e)
{
    if (!h->cuda->ready && s == cudaErrorMemoryAllocation)
        h->cuda->short_of = true;
    return device_check(&h->cuda->device, s, call, e);
}

/* --- queueing a batch --- */

static struct kernel_window window(const struct graph *n, const struct graph_op *op)
{
    const struct graph_value *x = &n->value[op->in[0]], *y = &n->value[op->out];
    return (struct kernel_window){x->h, x->w, y->h, y->w, op->k, op->stride, op->pad};
}

/* Marks the end of what was queued so far as a step's. */
static int mark(struct hand *h, int *event, struct err *e)
{
    if (!h->event)
        return 0;
    return check(h, cudaEventRecord(h->event[(*event)++], h->stream), "cudaEventRecord", e);
}

static int to_host(struct hand *h, void *to, const void *from, size_t n, struct err *e)
{
    return check(h, cudaMemcpyAsync(to, from, n, cudaMemcpyDeviceToHost, h->stream),
                 "cudaMemcpyAsync to the host", e);
}

static int to_device(struct hand *h, void *to, const void *from, size_t n, struct err *e)
{
    return check(h, cudaMemcpyAsync(to, from, n, cudaMemcpyHostToDevice, h->stream),
                 "cudaMemcpyAsync to the device", e);
}

static int queue_input(struct hand *h, const struct work_batch *b, struct err *e)
{
    const struct cuda *c = h->cuda;
    int cells = plan_cells(&c->plan, 0), batch = c->work.batch;
    if (to_device(h, h->pixels, b->b.pixels, (size_t)batch * 3 * (size_t)cells, e) != 0)
        return -1;
    return check(h,
                 kernel_input(c->type, h->pixels, c->table, batch, cells, c->plan.pad[0],
                              h->act[c->plan.act[0]], h->stream),
                 "kernel_input", e);
}

/* y = w x + b [+ res] [then ReLU], of values with the shape of `value`. */
static int queue_scale(struct hand *h, enum kernel_type t, const struct step *s, int value,
                       const void *x, const void *res, bool relu, void *y, struct err *e)
{
    const struct cuda *c = h->cuda;
    size_t cells = (size_t)c->work.batch * (size_t)plan_cells(&c->plan, value);
    return check(h,
                 kernel_scale(t, x, s->w, s->b, res, relu, cells, c->plan.pad[value], y, h->stream),
                 "kernel_scale", e);
}

static int queue_step(struct hand *h, int i, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct graph_op *op = c->plan.step[i].op;
    if (op->kind == GRAPH_CONV)
        return dnn_run(h->step[i], e);
    if (op->kind == GRAPH_NORM)
        return queue_scale(h, c->type, &c->step[i], op->out, h->act[c->plan.act[op->in[0]]],
                           graph_addend(op) >= 0 ? h->act[c->plan.act[graph_addend(op)]] : NULL,
                           op->act == GRAPH_RELU, h->act[c->plan.act[op->out]], e);
    return check(h,
                 kernel_max(c->type, h->act[c->plan.act[op->in[0]]], c->work.batch,
                            c->plan.pad[op->in[0]], window(c->work.graph, op),
                            h->act[c->plan.act[op->out]], h->stream),
                 "kernel_max", e);
}

/* Global pooling, linear layer and class maps, in f32. */
static int queue_head(struct hand *h, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct graph_value *last = last_of(c);
    int batch = c->work.batch, classes = graph_classes(c->work.graph),
        pad = c->plan.pad[c->plan.last];
    int cells = plan_cells(&c->plan, c->plan.last);
    const void *x = h->act[c->plan.act[c->plan.last]];
    if (check(h, kernel_mean(c->type, x, batch, cells, pad, last->c, h->pooled, h->stream),
              "kernel_mean", e) != 0)
        return -1;
    if (check(h,
              kernel_product(KERNEL_F32, h->pooled, last->c, c->linear, c->bias, 1, batch, classes,
                             last->c, 1, h->logits, h->stream),
              "kernel_product", e) != 0)
        return -1;
    if (!h->maps)
        return 0;
    return check(h,
                 kernel_product(c->type, x, pad, c->linear, NULL, 1 / (float)cells, batch * cells,
                                classes, last->c, cells, h->maps, h->stream),
                 "kernel_product", e);
}

static int queue_results(struct hand *h, const struct work_batch *b, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct engine_opts *o = &c->work.opts;
    size_t n = (size_t)b->b.n, classes = (size_t)graph_classes(c->work.graph);
    if (to_host(h, b->logits, h->logits, n * classes * sizeof(float), e) != 0)
        return -1;
    if (b->class_maps) {
        size_t each = classes * (size_t)plan_cells(&c->plan, c->plan.last);
        if (to_host(h, b->class_maps, h->maps, n * each * sizeof(float), e) != 0)
            return -1;
    }
    if (!b->features)
        return 0;
    const struct graph_value *v = &c->work.graph->value[o->features];
    size_t each = graph_size(c->work.graph, o->features);
    if (check(h,
              kernel_nchw(c->type, h->act[c->plan.act[o->features]], b->b.n,
                          plan_cells(&c->plan, o->features), c->plan.pad[o->features], v->c,
                          h->features, each, h->stream),
              "kernel_nchw", e) != 0)
        return -1;
    return to_host(h, b->features, h->features, n * each * sizeof(float), e);
}

/* Everything forwards, on the hand's stream. */
static int queue_forward(struct hand *h, const struct work_batch *b, struct err *e)
{
    struct cuda *c = h->cuda;
    int event = 0;
    pthread_mutex_lock(&c->queueing);
    int r = dnn_use(c->dnn, h->stream, e);
    if (r == 0)
        r = mark(h, &event, e);
    if (r == 0)
        r = queue_input(h, b, e);
    if (r == 0)
        r = mark(h, &event, e);
    for (int i = 0; r == 0 && i < c->plan.steps; i++) {
        r = queue_step(h, i, e);
        if (r == 0)
            r = mark(h, &event, e);
    }
    if (r == 0)
        r = queue_head(h, e);
    if (r == 0)
        r = mark(h, &event, e);
    if (r == 0)
        r = queue_results(h, b, e);
    if (r == 0)
        r = mark(h, &event, e);
    pthread_mutex_unlock(&c->queueing);
    return r;
}

/* The gradient at the last stage: the linear layer turned round, times the seed,
 * divided by the number of cells, the same in all of them. */
static int queue_seed(struct hand *h, int vector, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct graph_value *last = last_of(c);
    int classes = graph_classes(c->work.graph), cells = plan_cells(&c->plan, c->plan.last);
    int batch = c->work.batch;
    if (check(h,
              kernel_product(KERNEL_F32, h->seeds + (size_t)vector * (size_t)classes,
                             c->work.opts.gradients * classes, c->turned, NULL, 1 / (float)cells,
                             batch, last->c, classes, 1, h->pooled, h->stream),
              "kernel_product", e) != 0)
        return -1;
    return check(h,
                 kernel_spread(h->pooled, batch, cells, c->plan.pad[c->plan.last], last->c,
                               h->grad[c->plan.grad[c->plan.last]], h->stream),
                 "kernel_spread", e);
}

static int queue_add(struct hand *h, int from, int to, int value, struct err *e)
{
    size_t n = (size_t)h->cuda->work.batch * plan_size(&h->cuda->plan, value);
    if (to < 0)
        return 0;
    return check(h, kernel_add(h->grad[from], h->grad[to], n, h->stream), "kernel_add", e);
}

/* dx from dy, where it is asked for. */
static int queue_dx(struct hand *h, int i, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct plan_back *s = &c->plan.back[i];
    const struct graph_op *op = s->op;
    if (s->dx < 0)
        return 0;
    if (op->kind == GRAPH_CONV)
        return dnn_run(h->back[i], e);
    if (op->kind == GRAPH_NORM)
        return queue_scale(h, KERNEL_F32, &c->back[i], op->in[0], h->grad[s->dy], NULL, false,
                           h->grad[s->dx], e);
    return check(h,
                 kernel_max_back(c->type, h->act[c->plan.act[op->in[0]]], h->grad[s->dy],
                                 c->work.batch, c->plan.pad[op->in[0]], window(c->work.graph, op),
                                 h->grad[s->dx], h->stream),
                 "kernel_max_back", e);
}

static int queue_back(struct hand *h, int i, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct plan_back *s = &c->plan.back[i];
    const struct graph_op *op = s->op;
    size_t size = (size_t)c->work.batch * plan_size(&c->plan, op->out);
    if (op->act == GRAPH_RELU &&
        check(h,
              kernel_mask(c->type, h->act[c->plan.act[op->out]], h->grad[s->dy], size, h->stream),
              "kernel_mask", e) != 0)
        return -1;
    if (queue_dx(h, i, e) != 0)
        return -1;
    if (queue_add(h, s->dx, s->sum, op->in[0], e) != 0)
        return -1;
    return queue_add(h, s->dy, s->res_sum, op->out, e);
}

static int queue_gradients(struct hand *h, const struct work_batch *b, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct engine_opts *o = &c->work.opts;
    size_t vectors = (size_t)o->gradients, each = graph_size(c->work.graph, o->features);
    size_t seeds = (size_t)c->work.batch * vectors * (size_t)graph_classes(c->work.graph);
    if (to_device(h, h->seeds, b->b.seeds, seeds * sizeof(float), e) != 0)
        return -1;
    for (int v = 0; v < o->gradients; v++) {
        if (queue_seed(h, v, e) != 0)
            return -1;
        for (int i = 0; i < c->plan.backs; i++)
            if (queue_back(h, i, e) != 0)
                return -1;
        if (check(h,
                  kernel_nchw(KERNEL_F32, h->grad[c->plan.grad[o->features]], b->b.n,
                              plan_cells(&c->plan, o->features), c->plan.pad[o->features],
                              c->work.graph->value[o->features].c, h->grads + (size_t)v * each,
                              vectors * each, h->stream),
                  "kernel_nchw", e) != 0)
            return -1;
    }
    return to_host(h, b->grads, h->grads, (size_t)b->b.n * vectors * each * sizeof(float), e);
}

/* --- running --- */

static int finish(struct hand *h, struct err *e)
{
    return check(h, cudaStreamSynchronize(h->stream), "cudaStreamSynchronize", e);
}

static int keep_times(struct hand *h, int images, struct err *e)
{
    struct cuda *c = h->cuda;
    for (int i = 0; h->event && images > 0 && i + 1 < c->events; i++) {
        float ms = 0;
        if (check(h, cudaEventElapsedTime(&ms, h->event[i], h->event[i + 1]),
                  "cudaEventElapsedTime", e) != 0)
            return -1;
        c->timed[i].seconds += (double)ms / 1e3;
    }
    return 0;
}

static int cuda_forward(void *hand, struct work_batch *b, struct err *e)
{
    struct hand *h = hand;
    if (queue_forward(h, b, e) != 0 || finish(h, e) != 0)
        return -1;
    return keep_times(h, b->b.n, e);
}

static int cuda_backward(void *hand, struct work_batch *b, struct err *e)
{
    struct hand *h = hand;
    struct cuda *c = h->cuda;
    pthread_mutex_lock(&c->queueing);
    int r = dnn_use(c->dnn, h->stream, e);
    if (r == 0)
        r = queue_gradients(h, b, e);
    pthread_mutex_unlock(&c->queueing);
    return r == 0 ? finish(h, e) : -1;
}

static int cuda_enter(void *self, void **hand, struct err *e)
{
    struct cuda *c = self;
    if (device_enter(&c->device, e) != 0)
        return -1;
    pthread_mutex_lock(&c->queueing);
    int i = 0;
    while (i + 1 < c->work.threads && c->hand[i].taken)
        i++;
    c->hand[i].taken = true;
    pthread_mutex_unlock(&c->queueing);
    *hand = &c->hand[i];
    return 0;
}

static void cuda_leave(void *hand)
{
    struct hand *h = hand;
    pthread_mutex_lock(&h->cuda->queueing);
    h->taken = false;
    pthread_mutex_unlock(&h->cuda->queueing);
}

static void *cuda_alloc(void *self, size_t bytes, struct err *e)
{
    struct cuda *c = self;
    if (device_enter(&c->device, e) != 0)
        return NULL;
    return device_alloc_host(&c->device, bytes, &c->short_of, e);
}

static void cuda_release(void *self, void *p)
{
    (void)self;
    if (p)
        cudaFreeHost(p);
}

/* --- opening a hand --- */

static int room(struct cuda *c, void *where, size_t bytes, struct err *e)
{
    void *p = device_alloc(&c->device, bytes, &c->short_of, e);
    if (!p)
        return -1;
    memcpy(where, &p, sizeof p);
    return 0;
}

/* Device memory of a hand beside its buffers, in elements of an image. */
static int results_open(struct hand *h, struct err *e)
{
    struct cuda *c = h->cuda;
    const struct engine_opts *o = &c->work.opts;
    const struct graph *n = c->work.graph;
    size_t batch = (size_t)c->work.batch, classes = (size_t)graph_classes(n);
    size_t cells = (size_t)plan_cells(&c->plan, c->plan.last);
    if (room(c, &h->pixels, batch * 3 * (size_t)plan_cells(&c->plan, 0), e) != 0 ||
        room(c, &h->pooled, batch * (size_t)last_of(c)->c * sizeof(float), e) != 0 ||
        room(c, &h->logits, batch * classes * sizeof(float), e) != 0 ||
        room(c, &h->workspace, c->workspace, e) != 0)
        return -1;
    if (o->class_maps && room(c, &h->maps, batch * classes * cells * sizeof(float), e) != 0)
        return -1;
    if (o->features < 0)
        return 0;
    size_t each = batch * graph_size(c->work.graph, o->features) * sizeof(float);
    size_t vectors = (size_t)o->gradients;
    if (room(c, &h->features, each, e) != 0)
        return -1;
    return vectors > 0 && (room(c, &h->seeds, batch * vectors * classes * sizeof(float), e) != 0 ||
                           room(c, &h->grads, vectors * each, e) != 0)
               ? -1
               : 0;
}

static int bind_all(struct hand *h, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct plan *p = &c->plan;
    for (int i = 0; i < p->steps; i++) {
        const struct graph_op *op = p->step[i].op;
        const struct dnn_memory m = {h->act[p->act[op->in[0]]],
                                     c->step[i].w,
                                     c->step[i].b,
                                     graph_addend(op) >= 0 ? h->act[p->act[graph_addend(op)]]
                                                           : NULL,
                                     h->act[p->act[op->out]],
                                     h->workspace};
        if (c->step[i].dnn && dnn_bind(&h->step[i], c->step[i].dnn, &m, e) != 0)
            return -1;
    }
    for (int i = 0; i < p->backs; i++) {
        const struct plan_back *s = &p->back[i];
        if (!c->back[i].dnn)
            continue;
        const struct dnn_memory m = {h->grad[s->dx], c->back[i].w,   NULL,
                                     NULL,           h->grad[s->dy], h->workspace};
        if (dnn_bind(&h->back[i], c->back[i].dnn, &m, e) != 0)
            return -1;
    }
    return 0;
}

static int hand_open(struct hand *h, struct cuda *c, struct err *e)
{
    const struct plan *p = &c->plan;
    size_t batch = (size_t)c->work.batch;
    h->cuda = c;
    h->act = mem_zero((size_t)p->acts.count, sizeof(void *));
    h->grad = mem_zero((size_t)p->grads.count + 1, sizeof(float *));
    h->step = mem_zero((size_t)p->steps, sizeof(struct dnn_call *));
    h->back = mem_zero((size_t)p->backs + 1, sizeof(struct dnn_call *));
    if (check(h, cudaStreamCreateWithFlags(&h->stream, cudaStreamNonBlocking),
              "cudaStreamCreateWithFlags", e) != 0)
        return -1;
    for (int i = 0; i < p->acts.count; i++)
        if (room(c, &h->act[i], batch * p->acts.elements[i] * element(c), e) != 0)
            return -1;
    for (int i = 0; i < p->grads.count; i++)
        if (room(c, &h->grad[i], batch * p->grads.elements[i] * sizeof(float), e) != 0)
            return -1;
    if (results_open(h, e) != 0 || bind_all(h, e) != 0)
        return -1;
    if (!c->work.opts.timed)
        return 0;
    h->event = mem_zero((size_t)c->events, sizeof(cudaEvent_t));
    for (int i = 0; i < c->events; i++)
        if (check(h, cudaEventCreate(&h->event[i]), "cudaEventCreate", e) != 0)
            return -1;
    return 0;
}

static void hand_close(struct hand *h)
{
    const struct cuda *c = h->cuda;
    if (!c)
        return;
    for (int i = 0; i < c->plan.steps; i++)
        dnn_call_free(h->step[i]);
    for (int i = 0; i < c->plan.backs; i++)
        dnn_call_free(h->back[i]);
    for (int i = 0; i < c->plan.acts.count; i++)
        cudaFree(h->act[i]);
    for (int i = 0; i < c->plan.grads.count; i++)
        cudaFree(h->grad[i]);
    void *const own[] = {h->workspace, h->pixels,   h->pooled, h->logits,
                         h->maps,      h->features, h->seeds,  h->grads};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        cudaFree(own[i]);
    for (int i = 0; h->event && i < c->events; i++)
        if (h->event[i])
            cudaEventDestroy(h->event[i]);
    if (h->stream)
        cudaStreamDestroy(h->stream);
    free(h->act);
    free(h->grad);
    free(h->step);
    free(h->back);
    free(h->event);
    *h = (struct hand){0};
}

/* --- weights and plans --- */

static struct dnn_shape shape(const struct cuda *c, const struct graph_op *op)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    return (struct dnn_shape){c->work.batch,
                              c->plan.pad[op->in[0]],
                              x->h,
                              x->w,
                              c->plan.pad[op->out],
                              y->h,
                              y->w,
                              op->k,
                              op->stride,
                              op->pad};
}

/* Whether one plan serves both. */
static bool alike(const struct cuda *c, const struct graph_op *a, const struct graph_op *b)
{
    struct dnn_shape s = shape(c, a), t = shape(c, b);
    return memcmp(&s, &t, sizeof s) == 0 && a->act == b->act && a->ins == b->ins;
}

static int plan_forward(struct cuda *c, int at, struct err *e)
{
    const struct plan *p = &c->plan;
    const struct graph_op *op = p->step[at].op;
    struct step *v = &c->step[at];
    if (op->kind != GRAPH_CONV)
        return 0;
    for (int i = 0; i < at; i++)
        if (p->step[i].op->kind == GRAPH_CONV && alike(c, op, p->step[i].op)) {
            v->dnn = c->step[i].dnn;
            v->shared = true;
            return 0;
        }
    struct dnn_shape s = shape(c, op);
    return dnn_forward(&v->dnn, c->dnn, &s, c->type, graph_addend(op) >= 0, op->act == GRAPH_RELU,
                       c->type == KERNEL_F32 ? DNN_NO_CORES : DNN_CORES, e);
}

static int plan_backward(struct cuda *c, int at, struct err *e)
{
    const struct plan *p = &c->plan;
    const struct graph_op *op = p->back[at].op;
    struct step *v = &c->back[at];
    if (op->kind != GRAPH_CONV || p->back[at].dx < 0)
        return 0;
    for (int i = 0; i < at; i++)
        if (c->back[i].dnn && alike(c, op, p->back[i].op)) {
            v->dnn = c->back[i].dnn;
            v->shared = true;
            return 0;
        }
    struct dnn_shape s = shape(c, op);
    /* Gradients are f32 in any precision: f16 would lose the small ones. */
    return dnn_backward(&v->dnn, c->dnn, &s, c->type == KERNEL_F32 ? DNN_NO_CORES : DNN_ANY, e);
}

static void want_workspace(struct cuda *c, const struct dnn_conv *v)
{
    if (v && dnn_workspace(v) > c->workspace)
        c->workspace = dnn_workspace(v);
}

static int plan_all(struct cuda *c, struct err *e)
{
    for (int i = 0; i < c->plan.steps; i++) {
        if (plan_forward(c, i, e) != 0)
            return -1;
        want_workspace(c, c->step[i].dnn);
    }
    for (int i = 0; i < c->plan.backs; i++) {
        if (plan_backward(c, i, e) != 0)
            return -1;
        want_workspace(c, c->back[i].dnn);
    }
    return 0;
}

/* Weights of one convolution as the device wants them; `staged` is room for them on it. */
static int pack(struct cuda *c, const struct graph_op *op, enum kernel_type t, float *staged,
                void **to, struct err *e)
{
    int ic = c->work.graph->value[op->in[0]].c, oc = c->work.graph->value[op->out].c,
        taps = op->k * op->k;
    int ipad = c->plan.pad[op->in[0]], opad = c->plan.pad[op->out];
    size_t n = (size_t)oc * (size_t)ic * (size_t)taps, size = t == KERNEL_F32 ? sizeof(float) : 2;
    if (room(c, to, (size_t)opad * (size_t)ipad * (size_t)taps * size, e) != 0 ||
        device_upload(&c->device, staged, op->w, n * sizeof(float), e) != 0)
        return -1;
    return device_check(&c->device, kernel_pack(t, staged, oc, ic, taps, opad, ipad, *to, NULL),
                        "kernel_pack", e);
}

/* A number for each channel of a result. */
static int pack_channels(struct cuda *c, const struct graph_op *op, const float *from,
                         enum kernel_type t, float *staged, void **to, struct err *e)
{
    int oc = c->work.graph->value[op->out].c, opad = c->plan.pad[op->out];
    size_t size = t == KERNEL_F32 ? sizeof(float) : 2;
    if (room(c, to, (size_t)opad * size, e) != 0 ||
        device_upload(&c->device, staged, from, (size_t)oc * sizeof(float), e) != 0)
        return -1;
    return device_check(&c->device, kernel_pack(t, staged, oc, 1, 1, opad, 1, *to, NULL),
                        "kernel_pack", e);
}

static int pack_step(struct cuda *c, struct step *s, const struct graph_op *op, float *staged,
                     struct err *e)
{
    bool conv = op->kind == GRAPH_CONV;
    if (op->kind == GRAPH_MAX_POOL)
        return 0;
    int r = conv ? pack(c, op, c->type, staged, &s->w, e)
                 : pack_channels(c, op, op->w, KERNEL_F32, staged, &s->w, e);
    if (r != 0)
        return -1;
    return pack_channels(c, op, op->b, conv ? c->type : KERNEL_F32, staged, &s->b, e);
}

static int pack_back(struct cuda *c, struct step *s, const struct graph_op *op, float *staged,
                     struct err *e)
{
    if (op->kind == GRAPH_CONV)
        return pack(c, op, KERNEL_F32, staged, &s->w, e);
    return op->kind == GRAPH_NORM ? pack_channels(c, op, op->w, KERNEL_F32, staged, &s->w, e) : 0;
}

static int pack_steps(struct cuda *c, float *staged, struct err *e)
{
    const struct plan *p = &c->plan;
    for (int i = 0; i < p->steps; i++)
        if (pack_step(c, &c->step[i], p->step[i].op, staged, e) != 0)
            return -1;
    for (int i = 0; i < p->backs; i++)
        if (p->back[i].dx >= 0 && pack_back(c, &c->back[i], p->back[i].op, staged, e) != 0)
            return -1;
    return 0;
}

static int upload(struct cuda *c, float **to, const float *from, size_t n, struct err *e)
{
    if (room(c, to, n * sizeof(float), e) != 0)
        return -1;
    return device_upload(&c->device, *to, from, n * sizeof(float), e);
}

static int upload_linear(struct cuda *c, struct err *e)
{
    const struct graph_op *op = c->plan.linear;
    size_t classes = (size_t)graph_classes(c->work.graph), channels = (size_t)last_of(c)->c;
    if (upload(c, &c->linear, op->w, classes * channels, e) != 0 ||
        upload(c, &c->bias, op->b, classes, e) != 0)
        return -1;
    if (c->work.opts.gradients == 0)
        return 0;
    float *turned = mem_alloc(classes * channels, sizeof *turned);
    for (size_t k = 0; k < classes; k++)
        for (size_t j = 0; j < channels; j++)
            turned[j * classes + k] = op->w[k * channels + j];
    int r = upload(c, &c->turned, turned, classes * channels, e);
    free(turned);
    return r;
}

/* Each value that a pixel can have, normalised as `ref` does. */
static int upload_table(struct cuda *c, struct err *e)
{
    float table[3 * 256];
    for (int k = 0; k < 3; k++)
        for (int v = 0; v < 256; v++)
            table[k * 256 + v] =
                (float)((v / 255.0 - c->work.graph->mean[k]) / c->work.graph->std[k]);
    return upload(c, &c->table, table, 3 * 256, e);
}

static int upload_all(struct cuda *c, struct err *e)
{
    const struct graph *n = c->work.graph;
    size_t most = 0;
    for (int i = 0; i < c->plan.steps; i++) {
        const struct graph_op *op = c->plan.step[i].op;
        size_t size = (size_t)graph_op_weights(n, op);
        most = size > most ? size : most;
    }
    float *staged;
    if (room(c, &staged, most * sizeof(float), e) != 0)
        return -1;
    int r = pack_steps(c, staged, e);
    if (r == 0)
        r = upload_table(c, e);
    if (r == 0)
        r = upload_linear(c, e);
    /* The hands' streams do not wait for the one that packed. */
    if (r == 0)
        r = device_check(&c->device, cudaDeviceSynchronize(), "cudaDeviceSynchronize", e);
    cudaFree(staged);
    return r;
}

/* --- batches --- */

static size_t pool_bytes(const struct plan_pool *p, size_t size)
{
    size_t sum = 0;
    for (int i = 0; i < p->count; i++)
        sum += p->elements[i] * size;
    return sum;
}

/* Bytes of the device that are free; all of them where it does not say. */
static size_t available(const struct cuda *c)
{
    size_t left = 0, total = 0;
    if (cudaMemGetInfo(&left, &total) == cudaSuccess)
        return left;
    cudaGetLastError();
    return c->device.total;
}

/* As large as bounds and free memory allow, and a power of two. */
static int first_batch(const struct cuda *c)
{
    size_t activations =
        pool_bytes(&c->plan.acts, element(c)) + pool_bytes(&c->plan.grads, sizeof(float));
    size_t returned = work_returned(c->work.graph, &c->work.opts), room_for = available(c);
    int batch = BATCH;
    while (batch > 1) {
        size_t hand = (size_t)batch * (activations + returned) + DNN_WORKSPACE;
        if ((size_t)batch * activations <= ACTIVATIONS && (size_t)batch * returned <= RESULTS &&
            hand * (size_t)c->work.threads <= room_for / 10 * 9)
            break;
        batch /= 2;
    }
    return batch;
}

static void unprepare(struct cuda *c)
{
    for (int i = 0; i < HANDS; i++)
        hand_close(&c->hand[i]);
    for (int i = 0; i < c->plan.steps; i++) {
        if (!c->step[i].shared)
            dnn_conv_free(c->step[i].dnn);
        cudaFree(c->step[i].w);
        cudaFree(c->step[i].b);
        c->step[i] = (struct step){0};
    }
    for (int i = 0; i < c->plan.backs; i++) {
        if (!c->back[i].shared)
            dnn_conv_free(c->back[i].dnn);
        cudaFree(c->back[i].w);
        c->back[i] = (struct step){0};
    }
    cudaFree(c->table);
    cudaFree(c->linear);
    cudaFree(c->bias);
    cudaFree(c->turned);
    c->table = c->linear = c->bias = c->turned = NULL;
    c->workspace = 0;
    dnn_close(c->dnn);
    c->dnn = NULL;
}

/* Once through everything with one black image: what the device loads when it is first
 * used is loaded now, and a lack of memory shows while batches can still be halved. */
static int rehearse(struct cuda *c, struct err *e)
{
    const struct engine_opts *o = &c->work.opts;
    size_t batch = (size_t)c->work.batch;
    size_t in = 3 * (size_t)plan_cells(&c->plan, 0);
    size_t seeds = (size_t)o->gradients * (size_t)graph_classes(c->work.graph) * sizeof(float);
    size_t bytes = batch * (in > seeds ? in : seeds) + work_returned(c->work.graph, &c->work.opts);
    char *all = device_alloc_host(&c->device, bytes, &c->short_of, e);
    if (!all)
        return -1;
    /* What comes back is not looked at, so all of it goes to the same place. */
    float *out = (float *)(void *)all;
    struct work_batch b = {.b = {.n = 1, .pixels = (uint8_t *)all, .seeds = out},
                           .logits = out,
                           .features = o->features >= 0 ? out : NULL,
                           .class_maps = o->class_maps ? out : NULL,
                           .grads = o->gradients > 0 ? out : NULL};
    int r = queue_forward(&c->hand[0], &b, e);
    if (r == 0)
        r = finish(&c->hand[0], e);
    if (r == 0 && o->gradients > 0)
        r = cuda_backward(&c->hand[0], &b, e);
    cudaFreeHost(all);
    return r;
}

static int prepare(struct cuda *c, struct err *e)
{
    if (dnn_open(&c->dnn, NULL, c->where, e) != 0 || plan_all(c, e) != 0 || upload_all(c, e) != 0)
        return -1;
    for (int i = 0; i < c->work.threads; i++)
        if (hand_open(&c->hand[i], c, e) != 0)
            return -1;
    return rehearse(c, e);
}

/* Halves the batch until it fits. */
static int prepare_some(struct cuda *c, struct err *e)
{
    for (c->work.batch = first_batch(c);; c->work.batch /= 2) {
        c->short_of = false;
        if (prepare(c, e) == 0)
            return 0;
        bool full = c->short_of || (c->dnn && dnn_short_of(c->dnn, available(c) < LITTLE));
        bool again = full && c->work.batch > 1;
        unprepare(c);
        if (!again) {
            /* Who left the choice to us gets another device. */
            e->no_device = full && strcmp(c->work.opts.device, "auto") == 0;
            return -1;
        }
        if (c->work.opts.note) {
            char text[96];
            snprintf(text, sizeof text, "cuda: out of memory with batches of %d images: trying %d",
                     c->work.batch, c->work.batch / 2);
            c->work.opts.note(text);
        }
    }
}

/* --- times --- */

static void time_step(struct cuda *c, const char *name, int64_t macs, int64_t bytes)
{
    struct engine_step *s = &c->timed[c->events++];
    snprintf(s->name, sizeof s->name, "%s", name);
    s->macs = s->done = macs;
    s->bytes = bytes;
}

static void time_steps(struct cuda *c)
{
    const struct graph *n = c->work.graph;
    const struct graph_value *last = last_of(c);
    c->timed = mem_zero((size_t)c->plan.steps + 4, sizeof *c->timed);
    int64_t size = (int64_t)element(c);
    int64_t pixels = 3 * (int64_t)plan_cells(&c->plan, 0);
    time_step(c, "copy in, normalise", 0, pixels + (int64_t)plan_size(&c->plan, 0) * size);
    for (int i = 0; i < c->plan.steps; i++) {
        const struct graph_op *op = c->plan.step[i].op;
        int64_t bytes =
            (int64_t)(plan_size(&c->plan, op->in[0]) + plan_size(&c->plan, op->out)) * size;
        if (graph_addend(op) >= 0)
            bytes += (int64_t)plan_size(&c->plan, graph_addend(op)) * size;
        time_step(c, c->plan.step[i].name, graph_op_macs(n, op), bytes);
    }
    int64_t head = (int64_t)graph_classes(n) * last->c;
    if (c->work.opts.class_maps)
        head += head * plan_cells(&c->plan, c->plan.last);
    time_step(c, "pooling, linear layer, maps", head,
              (int64_t)plan_size(&c->plan, c->plan.last) * size);
    time_step(c, "copy out", 0, (int64_t)work_returned(c->work.graph, &c->work.opts));
    c->events++;
}

/* --- the table --- */

static int check_precision(struct cuda *c, struct err *e)
{
    enum engine_precision p = c->work.opts.precision;
    c->type = p == ENGINE_F32 ? KERNEL_F32 : p == ENGINE_F16 ? KERNEL_F16 : KERNEL_BF16;
    if (p != ENGINE_BF16 || c->device.capability >= DEVICE_OLDEST_BF16)
        return 0;
    err_record(e, "cuda: %s has no bf16: use f16", c->device.name);
    e->no_device = true;
    return -1;
}

static void cuda_close(void *self)
{
    struct cuda *c = self;
    unprepare(c);
    plan_close(&c->plan);
    pthread_mutex_destroy(&c->queueing);
    free(c->step);
    free(c->back);
    free(c->timed);
    free(c);
}

static int plan_values(struct cuda *c, struct err *e)
{
    const struct plan_layout l = {.multiple = c->type == KERNEL_F32 ? 4 : 8};
    return plan_open(&c->plan, c->work.graph, &c->work.opts, &l, e);
}

static int cuda_open(void **self, const struct graph *graph, const struct engine_opts *o,
                     struct err *e)
{
    static const char *const precision[] = {"f32", "bf16", "f16"};
    if (o->tap_count > 0) {
        err_record(e, "cuda: sums of values are not computed here: use the CPU");
        e->no_device = true;
        return -1;
    }
    struct cuda *c = mem_zero(1, sizeof *c);
    pthread_mutex_init(&c->queueing, NULL);
    c->work = (struct work){
        .graph = graph,
        .opts = *o,
        .threads = o->threads == 1 || o->timed ? 1 : HANDS,
        .self = c,
        .enter = cuda_enter,
        .leave = cuda_leave,
        .forward = cuda_forward,
        .backward = cuda_backward,
        .alloc = cuda_alloc,
        .release = cuda_release,
    };
    if (device_open(&c->device, plugin_ordinal(o->device), e) != 0 || check_precision(c, e) != 0 ||
        plan_values(c, e) != 0) {
        cuda_close(c);
        return -1;
    }
    snprintf(c->where, sizeof c->where, "%s, device %d", c->device.name, c->device.ordinal);
    c->step = mem_zero((size_t)c->plan.steps, sizeof *c->step);
    c->back = mem_zero((size_t)c->plan.backs + 1, sizeof *c->back);
    if (o->timed)
        time_steps(c);
    if (prepare_some(c, e) != 0) {
        cuda_close(c);
        return -1;
    }
    c->ready = true;
    snprintf(c->about, sizeof c->about,
             "cuda: %s (device %d, compute capability %d.%d), cuDNN %s, %s, batches of %d in %d "
             "stream%s",
             c->device.name, c->device.ordinal, c->device.capability / 10,
             c->device.capability % 10, dnn_version(c->dnn), precision[o->precision], c->work.batch,
             c->work.threads, c->work.threads == 1 ? "" : "s");
    *self = c;
    return 0;
}

static const char *cuda_about(const void *self)
{
    return ((const struct cuda *)self)->about;
}

static int cuda_batch_size(const void *self)
{
    return ((const struct cuda *)self)->work.batch;
}

static int cuda_run(void *self, const struct engine_calls *c, struct err *e)
{
    return work_run(&((struct cuda *)self)->work, c, e);
}

static int cuda_steps(const void *self, const struct engine_step **s)
{
    const struct cuda *c = self;
    *s = c->timed;
    return c->timed ? c->events - 1 : 0;
}

static int find(int ordinal, struct err *e)
{
    struct device d;
    return device_find(&d, ordinal, e);
}

static void warm(int ordinal)
{
    if (device_warm(ordinal))
        dnn_warm();
}

static const struct engine_backend backend = {
    "cuda", cuda_open, cuda_close, cuda_about, cuda_batch_size, cuda_run, cuda_steps,
};

__attribute__((visibility("default"))) const struct plugin heatpipe_plugin = {
    HP_VERSION, PLUGIN_LAYOUT, &backend, find, warm,
};
