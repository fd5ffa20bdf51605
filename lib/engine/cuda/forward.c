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

int cuda_use(struct worker *w, struct err *e)
{
    return w->cuda->dnn ? dnn_use(w->cuda->dnn, w->stream, e) : 0;
}

/* --- queueing a batch --- */

/* What sums are wanted of a value, before another takes its place: elements of type t, `pad` for a
 * cell. */
static int queue_sums(struct worker *w, int value, enum kernel_type t, const void *x, int pad,
                      struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct engine_opts *o = &c->work.opts;
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_SUMS && o->wants[i].value == value &&
            cuda_check(w,
                       kernel_sums(t, x, c->work.batch, plan_cells(&c->plan, value), pad,
                                   c->work.graph->value[value].c, (double *)(void *)w->result[i],
                                   w->stream),
                       "kernel_sums", e) != 0)
            return -1;
    return 0;
}

static int queue_act_sums(struct worker *w, int value, struct err *e)
{
    const struct cuda *c = w->cuda;
    return cuda_is_stored(c, value)
               ? queue_sums(w, value, c->type, w->act[c->plan.act[value]], c->plan.pad[value], e)
               : 0;
}

static int queue_input(struct worker *w, const struct engine_batch *b, struct err *e)
{
    const struct cuda *c = w->cuda;
    int cells = plan_cells(&c->plan, 0), batch = c->work.batch, pad = c->plan.pad[0];
    int channels = c->work.graph->value[0].c;
    const void *from = b->images ? (const void *)b->images : b->pixels;
    void *x = w->act[c->plan.act[0]];
    if (cuda_to_device(w, w->input, from, (size_t)batch * cuda_input_bytes(c), e) != 0)
        return -1;
    if (b->images)
        return cuda_check(
            w, kernel_images(c->type, w->input, batch, cells, pad, channels, x, w->stream),
            "kernel_images", e);
    return cuda_check(
        w, kernel_input(c->type, w->input, c->table, batch, cells, pad, channels, x, w->stream),
        "kernel_input", e);
}

/* (batch, classes) from a linear layer's input: rows of type t, `apart` elements apart. */
static int queue_logits(struct worker *w, enum kernel_type t, const void *x, int apart,
                        const struct graph_op *op, struct err *e)
{
    const struct cuda *c = w->cuda;
    return cuda_check(w,
                      kernel_product(t, x, apart, c->linear, c->bias, 1, c->work.batch,
                                     op->channels, c->work.graph->value[op->in[0]].c, 1, w->logits,
                                     w->stream),
                      "kernel_product", e);
}

static int queue_step(struct worker *w, int i, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct graph_op *op = c->plan.step[i].op;
    const int *act = c->plan.act;
    const char *name = NULL;
    if (w->step[i])
        return dnn_run(w->step[i], e);
    if (cuda_is_last(c, op))
        return queue_logits(w, c->type, w->act[act[op->in[0]]], c->plan.pad[op->in[0]], op, e);
    struct cuda_call call = {
        .cuda = c, .op = op, .step = &c->step[i], .out = w->act[act[op->out]], .stream = w->stream};
    for (int k = 0; k < op->ins; k++)
        call.in[k] = w->act[act[op->in[k]]];
    cudaError_t s = cuda_op_forward(&call, &name);
    return cuda_check(w, s, name, e);
}

static int queue_class_maps(struct worker *w, float *maps, struct err *e)
{
    const struct cuda *c = w->cuda;
    int last = graph_closed(c->work.graph).value, cells = plan_cells(&c->plan, last);
    return cuda_check(w,
                      kernel_product(c->type, w->act[c->plan.act[last]], c->plan.pad[last],
                                     c->linear, NULL, 1 / (float)cells, c->work.batch * cells,
                                     graph_classes(c->work.graph), c->work.graph->value[last].c,
                                     cells, maps, w->stream),
                      "kernel_product", e);
}

/* The average and the linear layer of the closed form, in f32. */
static int queue_end(struct worker *w, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct graph_value *last = cuda_last(c);
    int at = c->plan.end.value;
    if (cuda_check(w,
                   kernel_mean(c->type, w->act[c->plan.act[at]], c->work.batch,
                               plan_cells(&c->plan, at), c->plan.pad[at], last->c, w->pooled,
                               w->stream),
                   "kernel_mean", e) != 0)
        return -1;
    return queue_logits(w, KERNEL_F32, w->pooled, last->c, c->plan.end.linear, e);
}

/* A value of so many images as NCHW. */
static int queue_nchw(struct worker *w, int value, int images, float *to, struct err *e)
{
    const struct cuda *c = w->cuda;
    return cuda_check(w,
                      kernel_nchw(c->type, w->act[c->plan.act[value]], images,
                                  plan_cells(&c->plan, value), c->plan.pad[value],
                                  c->work.graph->value[value].c, to,
                                  graph_size(c->work.graph, value), w->stream),
                      "kernel_nchw", e);
}

/* Logits and class maps, in f32. */
static int queue_head(struct worker *w, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct engine_opts *o = &c->work.opts;
    const struct graph *g = c->work.graph;
    const int classes = graph_classes(g);
    int r = 0;
    if (c->plan.end.value >= 0)
        r = queue_end(w, e);
    else if (!cuda_is_last(c, &g->op[g->ops - 1]))
        r = queue_nchw(w, graph_logits(g), c->work.batch, w->logits, e);
    for (int i = 0; i < o->want_count && r == 0; i++)
        if (o->wants[i].what == ENGINE_CLASS_MAPS)
            r = queue_class_maps(w, w->result[i], e);
    if (r == 0 && c->plan.end.value >= 0)
        r = queue_sums(w, c->plan.end.average->out, KERNEL_F32, w->pooled, cuda_last(c)->c, e);
    return r == 0 ? queue_sums(w, graph_logits(g), KERNEL_F32, w->logits, classes, e) : r;
}

/* Where a result that is no gradient lies once it is computed; an activation in a buffer of the
 * plan has yet to become NCHW. */
static const float *queue_result(struct worker *w, int want, int images, struct err *e)
{
    const struct cuda *c = w->cuda;
    const struct engine_want *asked = &c->work.opts.wants[want];
    if (asked->what != ENGINE_ACTIVATION)
        return w->result[want];
    if (!cuda_is_stored(c, asked->value))
        return asked->value == graph_logits(c->work.graph) ? w->logits : w->pooled;
    return queue_nchw(w, asked->value, images, w->result[want], e) == 0 ? w->result[want] : NULL;
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
    if (cuda_use(w, e) != 0 || cuda_mark(w, &event, e) != 0)
        return -1;
    if (queue_input(w, b, e) != 0 || queue_act_sums(w, 0, e) != 0 || cuda_mark(w, &event, e) != 0)
        return -1;
    for (int i = 0; i < c->plan.steps; i++)
        if (queue_step(w, i, e) != 0 || queue_act_sums(w, c->plan.step[i].op->out, e) != 0 ||
            cuda_mark(w, &event, e) != 0)
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
