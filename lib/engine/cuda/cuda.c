/* The backend `cuda`, see cuda.h. */
#include "engine/cuda/cuda.h"

#include "base/mem.h"
#include "engine/plugin.h"
#include "graph/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Free bytes with which cuDNN's failures are put down to memory. */
enum { LITTLE = 256 << 20 };

/* --- threads --- */

static int make(void *self, int i, void **worker, struct err *e)
{
    struct cuda *c = self;
    (void)e;
    *worker = &c->worker[i];
    return 0;
}

/* Workers are the backend's own. */
static void discard(void *worker)
{
    (void)worker;
}

static int enter(void *worker, struct err *e)
{
    const struct worker *w = worker;
    return device_enter(&w->cuda->device, e);
}

static void *alloc(void *self, size_t bytes, struct err *e)
{
    struct cuda *c = self;
    if (device_enter(&c->device, e) != 0)
        return NULL;
    return device_alloc_host(&c->device, bytes, &c->short_of, e);
}

static void release(void *self, void *p)
{
    (void)self;
    if (p)
        cudaFreeHost(p);
}

/* --- preparing for a size of batches --- */

static void unprepare(struct cuda *c)
{
    for (int i = 0; i < CUDA_WORKERS; i++)
        cuda_worker_close(&c->worker[i]);
    cuda_forget(c);
    dnn_close(c->dnn);
    c->dnn = NULL;
}

/* Once through everything with one black image: what the device loads when it is first
 * used is loaded now, and a lack of memory shows while batches can still be halved. */
static int rehearse(struct cuda *c, struct err *e)
{
    const struct engine_opts *o = &c->work.opts;
    size_t batch = (size_t)c->work.batch, in = cuda_input_bytes(c);
    size_t seeds = (size_t)o->vectors * (size_t)graph_classes(c->work.graph) * sizeof(float);
    size_t bytes = batch * (in > seeds ? in : seeds) + work_returned(c->work.graph, o);
    char *all = device_alloc_host(&c->device, bytes, &c->short_of, e);
    if (!all)
        return -1;
    /* What comes back is not looked at, so all of it goes to the same place. */
    float *out = (float *)(void *)all;
    struct engine_batch b = {.n = 1, .logits = out, .seeds = out};
    b.results = mem_zero((size_t)o->want_count + 1, sizeof *b.results);
    for (int i = 0; i < o->want_count; i++)
        b.results[i].values = out;
    if (o->images)
        b.images = out;
    else
        b.pixels = (uint8_t *)all;
    int r = cuda_forward(&c->worker[0], &b, e);
    if (r == 0 && o->vectors > 0)
        r = cuda_backward(&c->worker[0], &b, e);
    free(b.results);
    cudaFreeHost(all);
    return r;
}

static int prepare(struct cuda *c, struct err *e)
{
    /* In f32 kernels of our own compute everything. */
    if (c->type != KERNEL_F32 && dnn_open(&c->dnn, NULL, c->where, e) != 0)
        return -1;
    if (cuda_plan(c, e) != 0 || cuda_upload(c, e) != 0)
        return -1;
    for (int i = 0; i < c->work.threads; i++)
        if (cuda_worker_open(&c->worker[i], c, e) != 0)
            return -1;
    return rehearse(c, e);
}

/* Halves the batch until it fits. */
static int prepare_some(struct cuda *c, struct err *e)
{
    for (c->work.batch = cuda_first_batch(c);; c->work.batch /= 2) {
        c->short_of = false;
        if (prepare(c, e) == 0)
            return 0;
        bool full = c->short_of || (c->dnn && dnn_short_of(c->dnn, cuda_available(c) < LITTLE));
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

/* --- opening --- */

static int cuda_supports(const struct graph *g, const struct engine_opts *o, struct err *e)
{
    (void)o;
    for (const struct graph_op *op = g->op; op < g->op + g->ops; op++)
        if (!cuda_has(op->kind))
            return err_set(e, "cuda: operation %s is not computed here: use the CPU",
                           graph_rules[op->kind].name);
    return 0;
}

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
    work_close(&c->work);
    unprepare(c);
    plan_close(&c->plan);
    pthread_mutex_destroy(&c->queueing);
    free(c->step);
    free(c->back);
    free(c->timed);
    free(c);
}

static void describe(struct cuda *c)
{
    char dnn[48] = "";
    if (c->dnn)
        snprintf(dnn, sizeof dnn, " cuDNN %s,", dnn_version(c->dnn));
    snprintf(c->about, sizeof c->about,
             "cuda: %s (device %d, compute capability %d.%d),%s %s, batches of %d in %d stream%s",
             c->device.name, c->device.ordinal, c->device.capability / 10,
             c->device.capability % 10, dnn, engine_precision_word(c->work.opts.precision),
             c->work.batch, c->work.threads, c->work.threads == 1 ? "" : "s");
}

/* On a device that is there, with a precision that it has. */
static int open_on_device(struct cuda *c, struct err *e)
{
    /* cuDNN overwrites. */
    const struct plan_layout l = {.multiple = c->type == KERNEL_F32 ? 4 : 8,
                                  .adds = ~(1U << GRAPH_CONV | 1U << GRAPH_LINEAR)};
    snprintf(c->where, sizeof c->where, "%s, device %d", c->device.name, c->device.ordinal);
    plan_open(&c->plan, c->work.graph, &c->work.opts, &l);
    c->step = mem_zero((size_t)c->plan.steps + 1, sizeof *c->step);
    c->back = mem_zero((size_t)c->plan.backs + 1, sizeof *c->back);
    if (c->work.opts.timed)
        cuda_open_times(c);
    return prepare_some(c, e);
}

static int cuda_open(void **self, const struct graph *g, const struct engine_opts *o, struct err *e)
{
    struct cuda *c = mem_zero(1, sizeof *c);
    pthread_mutex_init(&c->queueing, NULL);
    c->work = (struct work){
        .graph = g,
        .opts = *o,
        .threads = o->threads == 1 || o->timed ? 1 : CUDA_WORKERS,
        .self = c,
        .make = make,
        .discard = discard,
        .enter = enter,
        .forward = cuda_forward,
        .backward = cuda_backward,
        .alloc = alloc,
        .release = release,
    };
    if (device_open(&c->device, plugin_ordinal(o->device), e) != 0 || check_precision(c, e) != 0 ||
        open_on_device(c, e) != 0) {
        cuda_close(c);
        return -1;
    }
    c->ready = true;
    describe(c);
    work_open(&c->work);
    *self = c;
    return 0;
}

/* --- the table --- */

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

static int cuda_run_here(void *self, const struct engine_batch *b, struct err *e)
{
    return work_forward(&((struct cuda *)self)->work, b, e);
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

static void warm(int ordinal, enum engine_precision p)
{
    if (device_warm(ordinal) && p != ENGINE_F32)
        dnn_warm();
}

static const struct engine_backend backend = {
    .name = "cuda",
    .supports = cuda_supports,
    .open = cuda_open,
    .close = cuda_close,
    .about = cuda_about,
    .batch_size = cuda_batch_size,
    .run = cuda_run,
    .forward = cuda_run_here,
    .steps = cuda_steps,
};

static void built(char *buf, size_t n)
{
    int runtime = 0;
    const size_t dnn = cudnnGetVersion();
    cudaRuntimeGetVersion(&runtime);
    snprintf(buf, n, "CUDA %d.%d, cuDNN %zu.%zu.%zu", runtime / 1000, runtime / 10 % 100,
             dnn / 10000, dnn / 100 % 100, dnn % 100);
}

__attribute__((visibility("default"))) const struct plugin heatpipe_plugin = {
    .version = PLUGIN_VERSION,
    .backend = &backend,
    .built = built,
    .find = find,
    .warm = warm,
};
