/* From images to logits and what is wanted beside them, queued on a worker's stream. */
#include "engine/cuda/cuda.h"

/* --- copies, waiting --- */

int cuda_to_host(struct worker *w, void *to, const void *from, size_t n, struct err *e)
{
    return cuda_check(w, cudaMemcpyAsync(to, from, n, cudaMemcpyDeviceToHost, w->stream),
                      "cudaMemcpyAsync to the host", e);
}

int cuda_to_device(struct worker *w, void *to, const void *from, size_t n, struct err *e)
{
    return cuda_check(w, cudaMemcpyAsync(to, from, n, cudaMemcpyHostToDevice, w->stream),
                      "cudaMemcpyAsync to the device", e);
}

int cuda_finish(struct worker *w, struct err *e)
{
    return cuda_check(w, cudaStreamSynchronize(w->stream), "cudaStreamSynchronize", e);
}

/* --- queueing a batch --- */

static int queue_input(struct worker *w, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = w->cuda;
    int cells = plan_cells(&c->plan, 0), batch = c->work.batch, pad = c->plan.pad[0];
    const void *from = b->images ? (const void *)b->images : b->pixels;
    void *x = w->act[c->plan.act[0]];
    if (cuda_to_device(w, w->input, from, (size_t)batch * cuda_input_bytes(c), e) != 0)
        return -1;
    if (b->images)
        return cuda_check(w,
                          kernel_images(c->type, w->input, batch, cells, pad,
                                        c->work.graph->value[0].c, x, w->stream),
                          "kernel_images", e);
    return cuda_check(w, kernel_input(c->type, w->input, c->table, batch, cells, pad, x, w->stream),
                      "kernel_input", e);
}

int cuda_queue_scale(struct worker *w, enum kernel_type t, const struct step *s, int value,
                     const void *x, const void *res, bool relu, void *y, struct err *e)
{
    const struct cuda *c = w->cuda;
    size_t cells = (size_t)c->work.batch * (size_t)plan_cells(&c->plan, value);
    return cuda_check(
        w, kernel_scale(t, x, s->w, s->b, res, relu, cells, c->plan.pad[value], y, w->stream),
        "kernel_scale", e);
}

static int queue_step(struct worker *w, int i, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct graph_op *op = c->plan.step[i].op;
    const int *act = c->plan.act;
    if (op->kind == GRAPH_CONV)
        return dnn_run(w->step[i], e);
    if (op->kind == GRAPH_NORM)
        return cuda_queue_scale(w, c->type, &c->step[i], op->out, w->act[act[op->in[0]]],
                                op->ins > 1 ? w->act[act[op->in[1]]] : NULL, op->act == GRAPH_RELU,
                                w->act[act[op->out]], e);
    return cuda_check(w,
                      kernel_max(c->type, w->act[act[op->in[0]]], c->work.batch,
                                 c->plan.pad[op->in[0]], cuda_window(c->work.graph, op),
                                 w->act[act[op->out]], w->stream),
                      "kernel_max", e);
}

static int queue_class_maps(struct worker *w, float *maps, struct err *e)
{
    const struct cuda *c = w->cuda;
    int last = c->plan.end.value, cells = plan_cells(&c->plan, last);
    return cuda_check(w,
                      kernel_product(c->type, w->act[c->plan.act[last]], c->plan.pad[last],
                                     c->linear, NULL, 1 / (float)cells, c->work.batch * cells,
                                     graph_classes(c->work.graph), cuda_last(c)->c, cells, maps,
                                     w->stream),
                      "kernel_product", e);
}

/* The average, the linear layer and class maps, in f32. */
static int queue_head(struct worker *w, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct engine_opts *o = &c->work.opts;
    const struct graph_value *last = cuda_last(c);
    int batch = c->work.batch, classes = graph_classes(c->work.graph), at = c->plan.end.value;
    if (cuda_check(w,
                   kernel_mean(c->type, w->act[c->plan.act[at]], batch, plan_cells(&c->plan, at),
                               c->plan.pad[at], last->c, w->pooled, w->stream),
                   "kernel_mean", e) != 0)
        return -1;
    if (cuda_check(w,
                   kernel_product(KERNEL_F32, w->pooled, last->c, c->linear, c->bias, 1, batch,
                                  classes, last->c, 1, w->logits, w->stream),
                   "kernel_product", e) != 0)
        return -1;
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_CLASS_MAPS && queue_class_maps(w, w->result[i], e) != 0)
            return -1;
    return 0;
}

/* Where result `want`, an activation or class maps, lies once it is computed; an activation before
 * the end has yet to become NCHW. */
static const float *queue_result(struct worker *w, int want, int images, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct engine_want *asked = &c->work.opts.wants[want];
    if (asked->what == ENGINE_CLASS_MAPS)
        return w->result[want];
    if (asked->value == c->plan.end.average->out)
        return w->pooled;
    if (asked->value == c->plan.end.linear->out)
        return w->logits;
    int r = cuda_check(w,
                       kernel_nchw(c->type, w->act[c->plan.act[asked->value]], images,
                                   plan_cells(&c->plan, asked->value), c->plan.pad[asked->value],
                                   c->work.graph->value[asked->value].c, w->result[want],
                                   graph_size(c->work.graph, asked->value), w->stream),
                       "kernel_nchw", e);
    return r == 0 ? w->result[want] : NULL;
}

static int queue_results(struct worker *w, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct engine_opts *o = &c->work.opts;
    size_t n = (size_t)b->n, classes = (size_t)graph_classes(c->work.graph);
    if (cuda_to_host(w, b->logits, w->logits, n * classes * sizeof(float), e) != 0)
        return -1;
    for (int i = 0; i < o->want_count; i++) {
        if (o->wants[i].what == ENGINE_GRADIENT)
            continue;
        const float *from = queue_result(w, i, b->n, e);
        if (!from || cuda_to_host(w, b->results[i].values, from,
                                  n * engine_result_bytes(c->work.graph, o, i), e) != 0)
            return -1;
    }
    return 0;
}

/* Everything forwards, with a mark behind each step. */
static int queue_forward(struct worker *w, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = w->cuda;
    int event = 0;
    if (dnn_use(c->dnn, w->stream, e) != 0 || cuda_mark(w, &event, e) != 0)
        return -1;
    if (queue_input(w, b, e) != 0 || cuda_mark(w, &event, e) != 0)
        return -1;
    for (int i = 0; i < c->plan.steps; i++)
        if (queue_step(w, i, e) != 0 || cuda_mark(w, &event, e) != 0)
            return -1;
    if (queue_head(w, e) != 0 || cuda_mark(w, &event, e) != 0)
        return -1;
    return queue_results(w, b, e) != 0 || cuda_mark(w, &event, e) != 0 ? -1 : 0;
}

int cuda_forward(void *worker, struct engine_batch *b, struct err *e)
{
    struct worker *w = worker;
    struct cuda *c = w->cuda;
    pthread_mutex_lock(&c->queueing);
    int r = queue_forward(w, b, e);
    pthread_mutex_unlock(&c->queueing);
    if (r != 0 || cuda_finish(w, e) != 0)
        return -1;
    return cuda_keep_times(w, b->n, e);
}
