/* Memory of the device, and the hands that compute in it. */
#include "engine/cuda/cuda.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 512,
    ACTIVATIONS = 1 << 30, /* bytes of a hand's activations: batches of large images are */
    RESULTS = 64 << 20     /* smaller, as are those with large results */
};

int cuda_check(struct hand *h, cudaError_t s, const char *call, struct err *e)
{
    if (!h->cuda->ready && s == cudaErrorMemoryAllocation)
        h->cuda->short_of = true;
    return device_check(&h->cuda->device, s, call, e);
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
        size_t hand = (size_t)batch * (activations + returned) + DNN_WORKSPACE;
        if ((size_t)batch * activations <= ACTIVATIONS && (size_t)batch * returned <= RESULTS &&
            hand * (size_t)c->work.threads <= room_for / 10 * 9)
            break;
        batch /= 2;
    }
    return batch;
}

/* --- hands --- */

/* Device memory of a hand beside its buffers. */
static int results_open(struct hand *h, struct err *e)
{
    struct cuda *c = h->cuda;
    const struct engine_opts *o = &c->work.opts;
    size_t batch = (size_t)c->work.batch, classes = (size_t)graph_classes(c->work.graph);
    h->result = mem_zero((size_t)o->want_count + 1, sizeof(float *));
    if (cuda_room(c, &h->input, batch * cuda_input_bytes(c), e) != 0 ||
        cuda_room(c, &h->pooled, batch * (size_t)cuda_last(c)->c * sizeof(float), e) != 0 ||
        cuda_room(c, &h->logits, batch * classes * sizeof(float), e) != 0 ||
        cuda_room(c, &h->workspace, c->workspace, e) != 0)
        return -1;
    for (int i = 0; i < o->want_count; i++) {
        /* The others lie in `pooled` and `logits`. */
        bool own = o->wants[i].what != ENGINE_ACTIVATION || o->wants[i].value <= c->plan.end.value;
        if (own &&
            cuda_room(c, &h->result[i], batch * engine_result_bytes(c->work.graph, o, i), e) != 0)
            return -1;
    }
    size_t seeds = batch * (size_t)o->vectors * classes * sizeof(float);
    return o->vectors > 0 && cuda_room(c, &h->seeds, seeds, e) != 0 ? -1 : 0;
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

int cuda_hand_open(struct hand *h, struct cuda *c, struct err *e)
{
    const struct plan *p = &c->plan;
    size_t batch = (size_t)c->work.batch;
    h->cuda = c;
    h->act = mem_zero((size_t)p->acts.count, sizeof(void *));
    h->grad = mem_zero((size_t)p->grads.count + 1, sizeof(float *));
    h->step = mem_zero((size_t)p->steps, sizeof(struct dnn_call *));
    h->back = mem_zero((size_t)p->backs + 1, sizeof(struct dnn_call *));
    if (cuda_check(h, cudaStreamCreateWithFlags(&h->stream, cudaStreamNonBlocking),
                   "cudaStreamCreateWithFlags", e) != 0)
        return -1;
    for (int i = 0; i < p->acts.count; i++)
        if (cuda_room(c, &h->act[i], batch * p->acts.elements[i] * cuda_element(c), e) != 0)
            return -1;
    for (int i = 0; i < p->grads.count; i++)
        if (cuda_room(c, &h->grad[i], batch * p->grads.elements[i] * sizeof(float), e) != 0)
            return -1;
    if (results_open(h, e) != 0 || bind_all(h, e) != 0)
        return -1;
    if (!c->work.opts.timed)
        return 0;
    h->event = mem_zero((size_t)c->events, sizeof(cudaEvent_t));
    for (int i = 0; i < c->events; i++)
        if (cuda_check(h, cudaEventCreate(&h->event[i]), "cudaEventCreate", e) != 0)
            return -1;
    return 0;
}

void cuda_hand_close(struct hand *h)
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
    void *const own[] = {h->workspace, h->input, h->pooled, h->logits, h->seeds};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        cudaFree(own[i]);
    for (int i = 0; h->result && i < c->work.opts.want_count; i++)
        cudaFree(h->result[i]);
    for (int i = 0; h->event && i < c->events; i++)
        if (h->event[i])
            cudaEventDestroy(h->event[i]);
    if (h->stream)
        cudaStreamDestroy(h->stream);
    free(h->act);
    free(h->grad);
    free(h->step);
    free(h->back);
    free(h->result);
    free(h->event);
    *h = (struct hand){0};
}
