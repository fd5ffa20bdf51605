/* From scores back to the values that gradients are wanted of, queued on a worker's stream. */
#include "engine/cuda/cuda.h"

#include <string.h>

/* A value's gradient, once it is whole and before a ReLU stops some of it, to what is wanted, of
 * one vector. */
static int put_gradient(struct worker *w, const struct engine_batch *b, int value, int vector,
                        struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct engine_opts *o = &c->work.opts;
    size_t each = graph_size(c->work.graph, value);
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_GRADIENT && o->wants[i].value == value &&
            cuda_check(w,
                       kernel_nchw(KERNEL_F32, w->grad[c->plan.grad[value]], b->n,
                                   plan_cells(&c->plan, value), c->plan.pad[value],
                                   c->work.graph->value[value].c,
                                   w->result[i] + (size_t)vector * each, (size_t)o->vectors * each,
                                   w->stream),
                       "kernel_nchw", e) != 0)
            return -1;
    return 0;
}

/* The gradient that the pass begins with, in every cell: rows of c numbers `apart` elements apart
 * as that of the value `from`. */
static int queue_spread(struct worker *w, const float *g, int apart, struct err *e)
{
    const struct cuda *c = w->cuda;
    const int at = c->plan.from;
    return cuda_check(w,
                      kernel_spread(g, apart, c->work.batch, plan_cells(&c->plan, at),
                                    c->plan.pad[at], c->work.graph->value[at].c,
                                    w->grad[c->plan.grad[at]], w->stream),
                      "kernel_spread", e);
}

/* That of the logits is the seed; under the closed form that at the last stage is the linear layer
 * turned round, times the seed, divided by the number of cells. */
static int queue_seed(struct worker *w, int vector, struct err *e)
{
    const struct cuda *c = w->cuda;
    int classes = graph_classes(c->work.graph), apart = c->work.opts.vectors * classes;
    const float *seeds = w->seeds + (size_t)vector * (size_t)classes;
    if (c->plan.end.value < 0)
        return queue_spread(w, seeds, apart, e);
    int channels = cuda_last(c)->c, cells = plan_cells(&c->plan, c->plan.end.value);
    if (cuda_check(w,
                   kernel_product(KERNEL_F32, seeds, apart, c->turned, NULL, 1 / (float)cells,
                                  c->work.batch, channels, classes, 1, w->pooled, w->stream),
                   "kernel_product", e) != 0)
        return -1;
    return queue_spread(w, w->pooled, channels, e);
}

static int queue_add(struct worker *w, int from, int to, int value, struct err *e)
{
    size_t n = (size_t)w->cuda->work.batch * plan_size(&w->cuda->plan, value);
    return cuda_check(w, kernel_add(w->grad[from], w->grad[to], n, w->stream), "kernel_add", e);
}

/* dx from dy. */
static int queue_dx(struct worker *w, int i, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct plan_back *s = &c->plan.back[i];
    const int *act = c->plan.act;
    const char *name = NULL;
    if (w->back[i])
        return dnn_run(w->back[i], e);
    struct cuda_call call = {.cuda = c,
                             .op = s->op,
                             .step = &c->back[i],
                             .out = w->act[act[s->op->out]],
                             .dy = w->grad[s->dy],
                             .dx = w->grad[s->dx],
                             .input = s->input,
                             .add = s->sum == s->dx,
                             .room = w->workspace,
                             .stream = w->stream};
    for (int k = 0; k < s->op->ins; k++)
        call.in[k] = w->act[act[s->op->in[k]]];
    cudaError_t status = cuda_op_backward(&call, &name);
    return cuda_check(w, status, name, e);
}

static int queue_back(struct worker *w, const struct engine_batch *b, int i, int vector,
                      struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct plan_back *s = &c->plan.back[i];
    const struct graph_op *op = s->op;
    size_t size = (size_t)c->work.batch * plan_size(&c->plan, op->out);
    bool begins = i == 0 || s[-1].op != op;
    if (begins && op->act == GRAPH_RELU &&
        cuda_check(
            w, kernel_mask(c->type, w->act[c->plan.act[op->out]], w->grad[s->dy], size, w->stream),
            "kernel_mask", e) != 0)
        return -1;
    /* A gradient that is dy as it is becomes the input's with its buffer, or is added, or copied.
     */
    if ((!s->same || (s->dx != s->dy && s->sum < 0)) && queue_dx(w, i, e) != 0)
        return -1;
    if (s->sum >= 0 && s->sum != s->dx && queue_add(w, s->dx, s->sum, op->in[s->input], e) != 0)
        return -1;
    return s->whole ? put_gradient(w, b, op->in[s->input], vector, e) : 0;
}

static int queue_vector(struct worker *w, const struct engine_batch *b, int vector, struct err *e)
{
    const struct cuda *c = w->cuda;
    if (queue_seed(w, vector, e) != 0 || put_gradient(w, b, c->plan.from, vector, e) != 0)
        return -1;
    for (int i = 0; i < c->plan.backs; i++)
        if (queue_back(w, b, i, vector, e) != 0)
            return -1;
    return 0;
}

/* Gradients to the host; those of values that the logits do not depend on are 0. */
static int queue_gradients_out(struct worker *w, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct engine_opts *o = &c->work.opts;
    for (int i = 0; i < o->want_count; i++) {
        size_t bytes = (size_t)b->n * engine_result_bytes(c->work.graph, o, i);
        if (o->wants[i].what != ENGINE_GRADIENT)
            continue;
        if (c->plan.grad[o->wants[i].value] < 0)
            memset(b->results[i].values, 0, bytes);
        else if (cuda_to_host(w, b->results[i].values, w->result[i], bytes, e) != 0)
            return -1;
    }
    return 0;
}

static int queue_backward(struct worker *w, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = w->cuda;
    int vectors = c->plan.grad[c->plan.from] < 0 ? 0 : c->work.opts.vectors;
    size_t seeds = (size_t)c->work.batch * (size_t)c->work.opts.vectors *
                   (size_t)graph_classes(c->work.graph) * sizeof(float);
    if (cuda_use(w, e) != 0 || cuda_to_device(w, w->seeds, b->seeds, seeds, e) != 0)
        return -1;
    for (int v = 0; v < vectors; v++)
        if (queue_vector(w, b, v, e) != 0)
            return -1;
    return queue_gradients_out(w, b, e);
}

int cuda_backward(void *worker, struct engine_batch *b, struct err *e)
{
    struct worker *w = worker;
    struct cuda *c = w->cuda;
    pthread_mutex_lock(&c->queueing);
    int r = queue_backward(w, b, e);
    pthread_mutex_unlock(&c->queueing);
    return r == 0 ? cuda_finish(w, e) : -1;
}
