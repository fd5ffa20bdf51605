/* From scores back to the values that gradients are wanted of. */
#include "engine/cpu/kinds.h"

#include <string.h>

/* --- a value's gradient once it is whole --- */

/* Whether it goes on through a ReLU, which stops it where the value is 0. */
static bool is_masked(const struct cpu *c, int value)
{
    const struct graph *g = c->work.graph;
    for (int i = 0; i < g->ops && c->plan.passed[value]; i++)
        if (g->op[i].out == value)
            return g->op[i].act == GRAPH_RELU;
    return false;
}

static bool is_wanted(const struct cpu *c, int value)
{
    const struct engine_opts *o = &c->work.opts;
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_GRADIENT && o->wants[i].value == value)
            return true;
    return false;
}

static void mask(const struct worker *w, int value, int microbatches)
{
    const struct cpu *c = w->cpu;
    const struct layout l = cpu_layout(c, value, cpu_half(c, value));
    for (int m = 0; m < microbatches; m++)
        layout_mask(&l, cpu_act(w, value, m), cpu_grad(w, value, m));
}

/* To result `want`, of one vector. */
static void put_gradient(const struct worker *w, const struct engine_batch *b, int want, int vector,
                         int microbatches)
{
    const struct cpu *c = w->cpu;
    int value = c->work.opts.wants[want].value;
    const struct layout l = cpu_layout(c, value, false);
    size_t size = graph_size(c->work.graph, value), vectors = (size_t)c->work.opts.vectors;
    float *to = b->results[want].values + (size_t)vector * size;
    for (int m = 0; m < microbatches; m++) {
        int images = cpu_images(c, b, m);
        layout_nchw(&l, cpu_grad(w, value, m), images, w->one);
        for (int i = 0; i < images; i++, to += vectors * size)
            memcpy(to, w->one + (size_t)i * size, size * sizeof *to);
    }
}

/* What is wanted of it, then what the ReLU stops. */
static void finish(const struct worker *w, const struct engine_batch *b, int value, int vector,
                   int microbatches)
{
    const struct engine_opts *o = &w->cpu->work.opts;
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_GRADIENT && o->wants[i].value == value)
            put_gradient(w, b, i, vector, microbatches);
    if (is_masked(w->cpu, value))
        mask(w, value, microbatches);
}

/* --- computing --- */

/* The gradient at the last stage: W transposed times the seed, divided by the
 * number of cells, the same in all of them. */
static void seed_last(struct worker *w, const struct engine_batch *b, int vector, int microbatches)
{
    const struct cpu *c = w->cpu;
    const struct graph_closed *end = &c->plan.end;
    const struct layout l = cpu_layout(c, end->value, false);
    size_t channels = (size_t)l.c, classes = (size_t)graph_classes(c->work.graph);
    memset(w->pooled, 0, (size_t)microbatches * (size_t)c->fc.icell * sizeof(float));
    for (int i = 0; i < b->n; i++) {
        size_t at = (size_t)i * (size_t)c->work.opts.vectors + (size_t)vector;
        const float *seed = b->seeds + at * classes;
        float *g = w->pooled + i / c->images * c->fc.icell + i % c->images * l.pitch;
        for (size_t k = 0; k < classes; k++) {
            float s = seed[k] / (float)l.cells;
            const float *row = end->linear->w + k * channels;
            for (size_t j = 0; s != 0 && j < channels; j++)
                g[j] += s * row[j];
        }
    }
    for (int m = 0; m < microbatches; m++)
        layout_spread(&l, w->pooled + m * c->fc.icell, cpu_grad(w, end->value, m));
    finish(w, b, end->value, vector, microbatches);
}

/* The gradient of the logits: the seed. */
static void seed_logits(struct worker *w, const struct engine_batch *b, int vector,
                        int microbatches)
{
    const struct cpu *c = w->cpu;
    const int value = graph_logits(c->work.graph);
    const struct layout l = cpu_layout(c, value, false);
    const size_t classes = (size_t)graph_classes(c->work.graph);
    memset(cpu_grad(w, value, 0), 0,
           (size_t)microbatches * cpu_microbatch_size(c, value) * sizeof(float));
    for (int i = 0; i < b->n; i++) {
        size_t at = (size_t)i * (size_t)c->work.opts.vectors + (size_t)vector;
        memcpy(cpu_grad(w, value, i / c->images) + i % c->images * l.pitch, b->seeds + at * classes,
               classes * sizeof(float));
    }
    finish(w, b, value, vector, microbatches);
}

/* Whether the operation spreads this input over the result. */
static bool spreads(const struct cpu *c, const struct graph_op *op, int input)
{
    return (op->kind == GRAPH_ADD || op->kind == GRAPH_MULTIPLY) &&
           !plan_alike(c->work.graph, op->in[input], op->out);
}

/* dx from dy; `fused`: with the mask of the value. */
static void run_dx(struct worker *w, int i, int microbatches, bool fused)
{
    const struct cpu *c = w->cpu;
    const struct plan_back *p = &c->plan.back[i];
    const struct graph_op *op = p->op;
    const struct kind *kind = &kinds[op->kind];
    const int in = op->in[p->input];
    const bool masks = kind->does & KIND_MASKS;
    struct back_call k = {
        .input = p->input,
        .y = cpu_act(w, op->out, 0),
        .dy = w->grad[p->dy],
        .dx = w->grad[p->dx],
        .add = p->sum >= 0,
        .mask = fused && masks && is_masked(c, in) ? cpu_act(w, in, 0) : NULL,
        .mask_bf16 = cpu_half(c, in),
        .microbatches = microbatches,
    };
    for (int j = 0; j < op->ins; j++)
        k.x[j] = cpu_act(w, op->in[j], 0);
    if (!k.add && (!(kind->does & KIND_STORES) || spreads(c, op, p->input)))
        memset(k.dx, 0, (size_t)microbatches * cpu_microbatch_size(c, in) * sizeof(float));
    kind->back(w, &c->back[i], &k);
    if (fused && !masks && is_masked(c, in))
        mask(w, in, microbatches);
}

/* dy to the input as it is. */
static void run_same(const struct worker *w, const struct plan_back *p, int microbatches)
{
    const size_t size = (size_t)microbatches * cpu_microbatch_size(w->cpu, p->op->out);
    if (p->sum >= 0)
        layout_add(w->grad[p->dy], size, w->grad[p->sum]);
    else if (p->dx != p->dy)
        memcpy(w->grad[p->dx], w->grad[p->dy], size * sizeof(float));
}

static void run_back(struct worker *w, const struct engine_batch *b, int i, int vector,
                     int microbatches)
{
    const struct cpu *c = w->cpu;
    const struct plan_back *p = &c->plan.back[i];
    const int in = p->op->in[p->input];
    const bool wanted = is_wanted(c, in);
    double since = cpu_start(w);
    if (p->same)
        run_same(w, p, microbatches);
    else
        run_dx(w, i, microbatches, p->whole && !wanted);
    if (p->whole && (wanted || p->same))
        finish(w, b, in, vector, microbatches);
    cpu_stop(w, TIMES + c->plan.steps + i, since);
}

/* Of values that the logits do not depend on. */
static void put_zeros(const struct cpu *c, const struct engine_batch *b)
{
    const struct engine_opts *o = &c->work.opts;
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_GRADIENT && c->plan.grad[o->wants[i].value] < 0)
            memset(b->results[i].values, 0,
                   (size_t)b->n * engine_result_bytes(c->work.graph, o, i));
}

int cpu_backward(void *worker, struct engine_batch *b, struct err *e)
{
    (void)e;
    struct worker *w = worker;
    const struct cpu *c = w->cpu;
    int microbatches = cpu_microbatches(c, b->n);
    put_zeros(c, b);
    for (int j = 0; j < c->work.opts.vectors && c->plan.grad[c->plan.from] >= 0; j++) {
        double since = cpu_start(w);
        if (c->plan.end.value >= 0)
            seed_last(w, b, j, microbatches);
        else
            seed_logits(w, b, j, microbatches);
        cpu_stop(w, TIME_GRADS, since);
        for (int i = 0; i < c->plan.backs; i++)
            run_back(w, b, i, j, microbatches);
    }
    return 0;
}
