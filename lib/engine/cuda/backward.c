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

/* The gradient at the last stage: the linear layer turned round, times the seed,
 * divided by the number of cells, the same in all of them. */
static int queue_seed(struct worker *w, int vector, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct graph_value *last = cuda_last(c);
    int classes = graph_classes(c->work.graph), at = c->plan.end.value, batch = c->work.batch;
    int cells = plan_cells(&c->plan, at);
    if (cuda_check(w,
                   kernel_product(KERNEL_F32, w->seeds + (size_t)vector * (size_t)classes,
                                  c->work.opts.vectors * classes, c->turned, NULL, 1 / (float)cells,
                                  batch, last->c, classes, 1, w->pooled, w->stream),
                   "kernel_product", e) != 0)
        return -1;
    return cuda_check(w,
                      kernel_spread(w->pooled, batch, cells, c->plan.pad[at], last->c,
                                    w->grad[c->plan.grad[at]], w->stream),
                      "kernel_spread", e);
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
    const struct graph_op *op = s->op;
    int in = op->in[0];
    if (op->kind == GRAPH_CONV)
        return dnn_run(w->back[i], e);
    if (op->kind == GRAPH_NORM)
        return cuda_queue_scale(w, KERNEL_F32, &c->back[i], in, w->grad[s->dy], NULL, false,
                                w->grad[s->dx], e);
    return cuda_check(w,
                      kernel_max_back(c->type, w->act[c->plan.act[in]], w->grad[s->dy],
                                      c->work.batch, c->plan.pad[in],
                                      cuda_window(c->work.graph, op), w->grad[s->dx], w->stream),
                      "kernel_max_back", e);
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
    if (!s->same && queue_dx(w, i, e) != 0)
        return -1;
    if (s->sum >= 0 && queue_add(w, s->dx, s->sum, op->in[s->input], e) != 0)
        return -1;
    return s->whole ? put_gradient(w, b, op->in[s->input], vector, e) : 0;
}

static int queue_vector(struct worker *w, const struct engine_batch *b, int vector, struct err *e)
{
    const struct cuda *c = w->cuda;
    if (queue_seed(w, vector, e) != 0 || put_gradient(w, b, c->plan.end.value, vector, e) != 0)
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
    int vectors = c->plan.grad[c->plan.end.value] < 0 ? 0 : c->work.opts.vectors;
    size_t seeds = (size_t)c->work.batch * (size_t)c->work.opts.vectors *
                   (size_t)graph_classes(c->work.graph) * sizeof(float);
    if (dnn_use(c->dnn, w->stream, e) != 0 || cuda_to_device(w, w->seeds, b->seeds, seeds, e) != 0)
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
