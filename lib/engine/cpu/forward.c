/* From images to logits and what is wanted beside them. */
#include "engine/cpu/cpu.h"

#include <string.h>

/* --- sums --- */

/* Those of a microbatch's value x, to result `want`. */
static void put_sums(struct worker *w, const struct engine_batch *b, int want,
                     const struct layout *l, const void *x, int microbatch)
{
    const struct cpu *c = w->cpu;
    size_t square = (size_t)l->n * (size_t)l->pitch;
    double *pair = b->results[want].sums + (size_t)(microbatch * c->images) * 2 * (size_t)l->c;
    c->kernels->ops->sums(l, x, w->sums);
    for (int n = 0; n < cpu_images(c, b, microbatch); n++)
        for (int k = 0; k < l->c; k++, pair += 2) {
            const double *from = w->sums + n * l->pitch + k;
            pair[0] = from[0];
            pair[1] = from[square];
        }
}

/* What sums are wanted of a microbatch's value x. */
static void sum(struct worker *w, const struct engine_batch *b, int value, const struct layout *l,
                const void *x, int microbatch)
{
    const struct engine_opts *o = &w->cpu->work.opts;
    double since = cpu_start(w);
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_SUMS && o->wants[i].value == value)
            put_sums(w, b, i, l, x, microbatch);
    cpu_stop(w, TIME_SUMS, since);
}

/* Of a value as it is computed, before another takes its place. */
static void sum_act(struct worker *w, const struct engine_batch *b, int value, int microbatch,
                    int microbatches)
{
    const struct layout l = cpu_layout(w->cpu, value, w->cpu->bf16);
    for (int m = microbatch; m < microbatch + microbatches; m++)
        sum(w, b, value, &l, cpu_act(w, value, m), m);
}

/* --- computing --- */

static void run_input(struct worker *w, const struct engine_batch *b, int microbatch)
{
    const struct cpu *c = w->cpu;
    const struct layout in = cpu_layout(c, 0, c->bf16);
    size_t first = (size_t)(microbatch * c->images) * graph_size(c->work.graph, 0);
    double since = cpu_start(w);
    if (b->images)
        layout_images(b->images + first, &in, cpu_act(w, 0, microbatch));
    else
        layout_pixels(&c->table, b->pixels + first, &in, cpu_act(w, 0, microbatch));
    cpu_stop(w, TIME_INPUT, since);
    sum_act(w, b, 0, microbatch, 1);
}

/* For `microbatches` microbatches from `microbatch` on. */
static void run_step(struct worker *w, const struct engine_batch *b, int i, int microbatch,
                     int microbatches)
{
    const struct cpu *c = w->cpu;
    const struct step *s = &c->step[i];
    const struct graph_op *op = s->op;
    const struct conv_call k = {
        .x = cpu_act(w, op->in[0], microbatch),
        .add = op->ins > 1 ? cpu_act(w, op->in[1], microbatch) : NULL,
        .y = cpu_act(w, op->out, microbatch),
        .microbatches = microbatches,
    };
    double since = cpu_start(w);
    if (op->kind == GRAPH_CONV)
        conv_run(&s->conv, &k, w->scratch);
    else if (op->kind == GRAPH_NORM)
        c->kernels->ops->scale(&s->scale, &k);
    else
        c->kernels->ops->max(&s->max, k.x, k.y, microbatches);
    cpu_stop(w, TIMES + i, since);
    sum_act(w, b, op->out, microbatch, microbatches);
}

/* The average and the linear layer, in f32. */
static void run_head(struct worker *w, const struct engine_batch *b, int microbatches)
{
    const struct cpu *c = w->cpu;
    const struct graph_closed *end = &c->plan.end;
    size_t classes = (size_t)graph_classes(c->work.graph);
    const struct layout last = cpu_layout(c, end->value, c->bf16),
                        pooled = cpu_layout(c, end->average->out, false),
                        logits = cpu_layout(c, end->linear->out, false);
    for (int m = 0; m < microbatches; m++)
        layout_mean(&last, cpu_act(w, end->value, m), w->pooled + m * c->fc.icell);
    const struct conv_call k = {.x = w->pooled, .y = w->logits, .microbatches = microbatches};
    conv_run(&c->fc, &k, w->scratch);
    for (int i = 0; i < b->n; i++) {
        ptrdiff_t at = i / c->images * c->fc.ocell + i % c->images * c->fc.spec.op;
        memcpy(b->logits + (size_t)i * classes, w->logits + at, classes * sizeof(float));
    }
    for (int m = 0; m < microbatches; m++) {
        sum(w, b, end->average->out, &pooled, w->pooled + m * c->fc.icell, m);
        sum(w, b, end->linear->out, &logits, w->logits + m * c->fc.ocell, m);
    }
}

/* --- results --- */

static void put_class_maps(struct worker *w, const struct engine_batch *b, int want,
                           int microbatches)
{
    const struct cpu *c = w->cpu;
    int last = c->plan.end.value;
    const struct layout l = cpu_layout(c, last, c->bf16);
    const struct layout to = {.cells = l.cells,
                              .n = c->images,
                              .c = graph_classes(c->work.graph),
                              .pitch = c->maps.spec.op,
                              .cell = c->maps.ocell};
    size_t each = engine_result_size(c->work.graph, &c->work.opts, want);
    for (int m = 0; m < microbatches; m++) {
        const void *x = cpu_act(w, last, m);
        if (c->bf16)
            layout_widen(&l, x, w->wide);
        const struct conv_call call = {.x = c->bf16 ? w->wide : x, .y = w->maps, .microbatches = 1};
        conv_run(&c->maps, &call, w->scratch);
        layout_nchw(&to, w->maps, cpu_images(c, b, m),
                    b->results[want].values + (size_t)(m * c->images) * each);
    }
}

/* A microbatch's value as it is kept to the end, and its layout. */
static const void *kept(const struct worker *w, int value, int microbatch, struct layout *l)
{
    const struct cpu *c = w->cpu;
    bool pooled = value == c->plan.end.average->out, logits = value == c->plan.end.linear->out;
    *l = cpu_layout(c, value, c->bf16 && !pooled && !logits);
    return pooled   ? w->pooled + microbatch * c->fc.icell
           : logits ? w->logits + microbatch * c->fc.ocell
                    : cpu_act(w, value, microbatch);
}

static void put_activation(const struct worker *w, const struct engine_batch *b, int want,
                           int microbatches)
{
    const struct cpu *c = w->cpu;
    size_t each = engine_result_size(c->work.graph, &c->work.opts, want);
    struct layout l;
    for (int m = 0; m < microbatches; m++) {
        const void *x = kept(w, c->work.opts.wants[want].value, m, &l);
        layout_nchw(&l, x, cpu_images(c, b, m),
                    b->results[want].values + (size_t)(m * c->images) * each);
    }
}

int cpu_forward(void *worker, struct engine_batch *b, struct err *e)
{
    (void)e;
    struct worker *w = worker;
    const struct cpu *c = w->cpu;
    const struct engine_opts *o = &c->work.opts;
    int microbatches = cpu_microbatches(c, b->n);
    for (int m = 0; m < microbatches; m++) {
        run_input(w, b, m);
        for (int i = 0; i < c->narrow; i++)
            run_step(w, b, i, m, 1);
    }
    for (int i = c->narrow; i < c->plan.steps; i++)
        run_step(w, b, i, 0, microbatches);
    double since = cpu_start(w);
    run_head(w, b, microbatches);
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_CLASS_MAPS)
            put_class_maps(w, b, i, microbatches);
        else if (o->wants[i].what == ENGINE_ACTIVATION)
            put_activation(w, b, i, microbatches);
    cpu_stop(w, TIME_HEAD, since);
    return 0;
}
