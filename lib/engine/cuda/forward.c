/* From images to logits and what is wanted beside them, queued on a hand's stream. */
#include "engine/cuda/cuda.h"

/* --- copies, waiting --- */

int cuda_to_host(struct hand *h, void *to, const void *from, size_t n, struct err *e)
{
    return cuda_check(h, cudaMemcpyAsync(to, from, n, cudaMemcpyDeviceToHost, h->stream),
                      "cudaMemcpyAsync to the host", e);
}

int cuda_to_device(struct hand *h, void *to, const void *from, size_t n, struct err *e)
{
    return cuda_check(h, cudaMemcpyAsync(to, from, n, cudaMemcpyHostToDevice, h->stream),
                      "cudaMemcpyAsync to the device", e);
}

int cuda_finish(struct hand *h, struct err *e)
{
    return cuda_check(h, cudaStreamSynchronize(h->stream), "cudaStreamSynchronize", e);
}

/* --- queueing a batch --- */

static int queue_input(struct hand *h, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = h->cuda;
    int cells = plan_cells(&c->plan, 0), batch = c->work.batch, pad = c->plan.pad[0];
    const void *from = b->images ? (const void *)b->images : b->pixels;
    void *x = h->act[c->plan.act[0]];
    if (cuda_to_device(h, h->input, from, (size_t)batch * cuda_input_bytes(c), e) != 0)
        return -1;
    if (b->images)
        return cuda_check(h,
                          kernel_images(c->type, h->input, batch, cells, pad,
                                        c->work.graph->value[0].c, x, h->stream),
                          "kernel_images", e);
    return cuda_check(h, kernel_input(c->type, h->input, c->table, batch, cells, pad, x, h->stream),
                      "kernel_input", e);
}

int cuda_queue_scale(struct hand *h, enum kernel_type t, const struct step *s, int value,
                     const void *x, const void *res, bool relu, void *y, struct err *e)
{
    const struct cuda *c = h->cuda;
    size_t cells = (size_t)c->work.batch * (size_t)plan_cells(&c->plan, value);
    return cuda_check(
        h, kernel_scale(t, x, s->w, s->b, res, relu, cells, c->plan.pad[value], y, h->stream),
        "kernel_scale", e);
}

static int queue_step(struct hand *h, int i, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct graph_op *op = c->plan.step[i].op;
    const int *act = c->plan.act;
    if (op->kind == GRAPH_CONV)
        return dnn_run(h->step[i], e);
    if (op->kind == GRAPH_NORM)
        return cuda_queue_scale(h, c->type, &c->step[i], op->out, h->act[act[op->in[0]]],
                                op->ins > 1 ? h->act[act[op->in[1]]] : NULL, op->act == GRAPH_RELU,
                                h->act[act[op->out]], e);
    return cuda_check(h,
                      kernel_max(c->type, h->act[act[op->in[0]]], c->work.batch,
                                 c->plan.pad[op->in[0]], cuda_window(c->work.graph, op),
                                 h->act[act[op->out]], h->stream),
                      "kernel_max", e);
}

static int queue_class_maps(struct hand *h, float *maps, struct err *e)
{
    const struct cuda *c = h->cuda;
    int last = c->plan.end.value, cells = plan_cells(&c->plan, last);
    return cuda_check(h,
                      kernel_product(c->type, h->act[c->plan.act[last]], c->plan.pad[last],
                                     c->linear, NULL, 1 / (float)cells, c->work.batch * cells,
                                     graph_classes(c->work.graph), cuda_last(c)->c, cells, maps,
                                     h->stream),
                      "kernel_product", e);
}

/* The average, the linear layer and class maps, in f32. */
static int queue_head(struct hand *h, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct engine_opts *o = &c->work.opts;
    const struct graph_value *last = cuda_last(c);
    int batch = c->work.batch, classes = graph_classes(c->work.graph), at = c->plan.end.value;
    if (cuda_check(h,
                   kernel_mean(c->type, h->act[c->plan.act[at]], batch, plan_cells(&c->plan, at),
                               c->plan.pad[at], last->c, h->pooled, h->stream),
                   "kernel_mean", e) != 0)
        return -1;
    if (cuda_check(h,
                   kernel_product(KERNEL_F32, h->pooled, last->c, c->linear, c->bias, 1, batch,
                                  classes, last->c, 1, h->logits, h->stream),
                   "kernel_product", e) != 0)
        return -1;
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_CLASS_MAPS && queue_class_maps(h, h->result[i], e) != 0)
            return -1;
    return 0;
}

/* Where result `want`, an activation or class maps, lies once it is computed; an activation before
 * the end has yet to become NCHW. */
static const float *queue_result(struct hand *h, int want, int images, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct engine_want *w = &c->work.opts.wants[want];
    if (w->what == ENGINE_CLASS_MAPS)
        return h->result[want];
    if (w->value == c->plan.end.average->out)
        return h->pooled;
    if (w->value == c->plan.end.linear->out)
        return h->logits;
    int r = cuda_check(h,
                       kernel_nchw(c->type, h->act[c->plan.act[w->value]], images,
                                   plan_cells(&c->plan, w->value), c->plan.pad[w->value],
                                   c->work.graph->value[w->value].c, h->result[want],
                                   graph_size(c->work.graph, w->value), h->stream),
                       "kernel_nchw", e);
    return r == 0 ? h->result[want] : NULL;
}

static int queue_results(struct hand *h, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = h->cuda;
    const struct engine_opts *o = &c->work.opts;
    size_t n = (size_t)b->n, classes = (size_t)graph_classes(c->work.graph);
    if (cuda_to_host(h, b->logits, h->logits, n * classes * sizeof(float), e) != 0)
        return -1;
    for (int i = 0; i < o->want_count; i++) {
        if (o->wants[i].what == ENGINE_GRADIENT)
            continue;
        const float *from = queue_result(h, i, b->n, e);
        if (!from || cuda_to_host(h, b->results[i].values, from,
                                  n * engine_result_bytes(c->work.graph, o, i), e) != 0)
            return -1;
    }
    return 0;
}

/* Everything forwards, with a mark behind each step. */
static int queue_forward(struct hand *h, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = h->cuda;
    int event = 0;
    if (dnn_use(c->dnn, h->stream, e) != 0 || cuda_mark(h, &event, e) != 0)
        return -1;
    if (queue_input(h, b, e) != 0 || cuda_mark(h, &event, e) != 0)
        return -1;
    for (int i = 0; i < c->plan.steps; i++)
        if (queue_step(h, i, e) != 0 || cuda_mark(h, &event, e) != 0)
            return -1;
    if (queue_head(h, e) != 0 || cuda_mark(h, &event, e) != 0)
        return -1;
    return queue_results(h, b, e) != 0 || cuda_mark(h, &event, e) != 0 ? -1 : 0;
}

int cuda_forward(void *hand, struct engine_batch *b, struct err *e)
{
    struct hand *h = hand;
    struct cuda *c = h->cuda;
    pthread_mutex_lock(&c->queueing);
    int r = queue_forward(h, b, e);
    pthread_mutex_unlock(&c->queueing);
    if (r != 0 || cuda_finish(h, e) != 0)
        return -1;
    return cuda_keep_times(h, b->n, e);
}
