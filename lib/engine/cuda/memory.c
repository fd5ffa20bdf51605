/* Memory of the device, and the workers that compute in it. */
#include "engine/cuda/cuda.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 512,
    ACTIVATIONS = 1 << 30, /* bytes of a worker's activations: batches of large images are */
    RESULTS = 64 << 20     /* smaller, as are those with large results */
};

int cuda_check(struct worker *w, cudaError_t s, const char *call, struct err *e)
{
    if (!w->cuda->ready && s == cudaErrorMemoryAllocation)
        w->cuda->short_of = true;
    return device_check(&w->cuda->device, s, call, e);
}

int cuda_room(struct cuda *c, void *where, size_t bytes, struct err *e)
{
    void *p = device_alloc(&c->device, bytes, &c->short_of, e);
    if (!p)
        return -1;
    memcpy(where, &p, sizeof p);
    return 0;
}

static size_t pool_bytes(const struct plan_pool *p, size_t size)
{
    size_t sum = 0;
    for (int i = 0; i < p->count; i++)
        sum += p->elements[i] * size;
    return sum;
}

size_t cuda_available(const struct cuda *c)
{
    size_t left = 0, total = 0;
    if (cudaMemGetInfo(&left, &total) == cudaSuccess)
        return left;
    cudaGetLastError();
    return c->device.total;
}

int cuda_first_batch(const struct cuda *c)
{
    size_t activations =
        pool_bytes(&c->plan.acts, cuda_element(c)) + pool_bytes(&c->plan.grads, sizeof(float));
    size_t returned = work_returned(c->work.graph, &c->work.opts), room_for = cuda_available(c);
    int batch = BATCH;
    while (batch > 1) {
        size_t worker = (size_t)batch * (activations + returned) + DNN_WORKSPACE;
        if ((size_t)batch * activations <= ACTIVATIONS && (size_t)batch * returned <= RESULTS &&
            worker * (size_t)c->work.threads <= room_for / 10 * 9)
            break;
        batch /= 2;
    }
    return batch;
}

/* --- workers --- */

/* Device memory of a worker beside its buffers. */
static int results_open(struct worker *w, struct err *e)
{
    struct cuda *c = w->cuda;
    const struct engine_opts *o = &c->work.opts;
    size_t batch = (size_t)c->work.batch, classes = (size_t)graph_classes(c->work.graph);
    w->result = mem_zero((size_t)o->want_count + 1, sizeof(float *));
    if (c->plan.end.value >= 0 &&
        cuda_room(c, &w->pooled, batch * (size_t)cuda_last(c)->c * sizeof(float), e) != 0)
        return -1;
    if (cuda_room(c, &w->input, batch * cuda_input_bytes(c), e) != 0 ||
        cuda_room(c, &w->logits, batch * classes * sizeof(float), e) != 0 ||
        cuda_room(c, &w->workspace, c->workspace, e) != 0)
        return -1;
    for (int i = 0; i < o->want_count; i++) {
        /* The others lie in `pooled` and `logits`. */
        bool own = o->wants[i].what != ENGINE_ACTIVATION || cuda_is_stored(c, o->wants[i].value);
        if (own &&
            cuda_room(c, &w->result[i], batch * engine_result_bytes(c->work.graph, o, i), e) != 0)
            return -1;
    }
    size_t seeds = batch * (size_t)o->vectors * classes * sizeof(float);
    return o->vectors > 0 && cuda_room(c, &w->seeds, seeds, e) != 0 ? -1 : 0;
}

static int bind_all(struct worker *w, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct plan *p = &c->plan;
    for (int i = 0; i < p->steps; i++) {
        const struct graph_op *op = p->step[i].op;
        const struct dnn_memory m = {w->act[p->act[op->in[0]]],
                                     c->step[i].w,
                                     c->step[i].b,
                                     graph_addend(op) >= 0 ? w->act[p->act[graph_addend(op)]]
                                                           : NULL,
                                     w->act[p->act[op->out]],
                                     w->workspace};
        if (c->step[i].dnn && dnn_bind(&w->step[i], c->step[i].dnn, &m, e) != 0)
            return -1;
    }
    for (int i = 0; i < p->backs; i++) {
        const struct plan_back *s = &p->back[i];
        const struct dnn_memory m = {w->grad[s->dx], c->back[i].w,   NULL,
                                     NULL,           w->grad[s->dy], w->workspace};
        if (c->back[i].dnn && dnn_bind(&w->back[i], c->back[i].dnn, &m, e) != 0)
            return -1;
    }
    return 0;
}

int cuda_worker_open(struct worker *w, struct cuda *c, struct err *e)
{
    const struct plan *p = &c->plan;
    size_t batch = (size_t)c->work.batch;
    w->cuda = c;
    w->act = mem_zero((size_t)p->acts.count, sizeof(void *));
    w->grad = mem_zero((size_t)p->grads.count + 1, sizeof(float *));
    w->step = mem_zero((size_t)p->steps, sizeof(struct dnn_call *));
    w->back = mem_zero((size_t)p->backs + 1, sizeof(struct dnn_call *));
    if (cuda_check(w, cudaStreamCreateWithFlags(&w->stream, cudaStreamNonBlocking),
                   "cudaStreamCreateWithFlags", e) != 0)
        return -1;
    for (int i = 0; i < p->acts.count; i++)
        if (cuda_room(c, &w->act[i], batch * p->acts.elements[i] * cuda_element(c), e) != 0)
            return -1;
    for (int i = 0; i < p->grads.count; i++)
        if (cuda_room(c, &w->grad[i], batch * p->grads.elements[i] * sizeof(float), e) != 0)
            return -1;
    if (results_open(w, e) != 0 || bind_all(w, e) != 0)
        return -1;
    if (!c->work.opts.timed)
        return 0;
    w->event = mem_zero((size_t)c->events, sizeof(cudaEvent_t));
    for (int i = 0; i < c->events; i++)
        if (cuda_check(w, cudaEventCreate(&w->event[i]), "cudaEventCreate", e) != 0)
            return -1;
    return 0;
}

void cuda_worker_close(struct worker *w)
{
    const struct cuda *c = w->cuda;
    if (!c)
        return;
    for (int i = 0; i < c->plan.steps; i++)
        dnn_call_free(w->step[i]);
    for (int i = 0; i < c->plan.backs; i++)
        dnn_call_free(w->back[i]);
    for (int i = 0; i < c->plan.acts.count; i++)
        cudaFree(w->act[i]);
    for (int i = 0; i < c->plan.grads.count; i++)
        cudaFree(w->grad[i]);
    void *const own[] = {w->workspace, w->input, w->pooled, w->logits, w->seeds};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        cudaFree(own[i]);
    for (int i = 0; w->result && i < c->work.opts.want_count; i++)
        cudaFree(w->result[i]);
    for (int i = 0; w->event && i < c->events; i++)
        if (w->event[i])
            cudaEventDestroy(w->event[i]);
    if (w->stream)
        cudaStreamDestroy(w->stream);
    free(w->act);
    free(w->grad);
    free(w->step);
    free(w->back);
    free(w->result);
    free(w->event);
    *w = (struct worker){0};
}
