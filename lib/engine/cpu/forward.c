/* From images to logits and what is wanted beside them. */
#include "engine/cpu/kinds.h"

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
    const struct layout l = cpu_layout(w->cpu, value, cpu_half(w->cpu, value));
    for (int m = microbatch; m < microbatch + microbatches; m++)
        sum(w, b, value, &l, cpu_act(w, value, m), m);
}

/* --- computing --- */

void cpu_run_input(struct worker *w, const struct engine_batch *b, int microbatch, int y0, int y1,
                   void *x)
{
    const struct cpu *c = w->cpu;
    const struct layout in = cpu_layout(c, 0, cpu_half(c, 0));
    const int row = c->work.graph->value[0].w;
    size_t first = (size_t)(microbatch * c->images) * graph_size(c->work.graph, 0);
    double since = cpu_start(w);
    if (b->images)
        layout_images(b->images + first, &in, y0 * row, (y1 - y0) * row, x);
    else
        layout_pixels(&c->table, b->pixels + first, &in, y0 * row, (y1 - y0) * row, x);
    cpu_stop(w, TIME_INPUT, since);
}

/* Input k as the operation reads it. */
static const void *input_of(const struct worker *w, const struct graph_op *op, int k,
                            int microbatch, int microbatches)
{
    const struct cpu *c = w->cpu;
    const int in = op->in[k];
    const void *x = cpu_act(w, in, microbatch);
    if (!cpu_casts(c, op, k))
        return x;
    const struct layout l = cpu_layout(c, in, cpu_half(c, in));
    for (int m = 0; m < microbatches; m++) {
        const size_t at = (size_t)m * cpu_microbatch_size(c, in);
        layout_cast(&l, cpu_act(w, in, microbatch + m),
                    (char *)w->cast[k] + at * (l.bf16 ? sizeof(float) : sizeof(uint16_t)));
    }
    return w->cast[k];
}

/* For `microbatches` microbatches from `microbatch` on. */
static void run_step(struct worker *w, const struct engine_batch *b, int i, int microbatch,
                     int microbatches)
{
    const struct step *s = &w->cpu->step[i];
    const struct graph_op *op = s->op;
    struct call k = {.y = cpu_act(w, op->out, microbatch),
                     .microbatches = microbatches,
                     .y1 = w->cpu->work.graph->value[op->out].h};
    double since = cpu_start(w);
    for (int j = 0; j < op->ins; j++)
        k.x[j] = input_of(w, op, j, microbatch, microbatches);
    kinds[op->kind].forward(w, s, &k);
    cpu_stop(w, TIMES + i, since);
    sum_act(w, b, op->out, microbatch, microbatches);
}

/* The input and the steps that are run for a microbatch at a time. */
static void run_narrow(struct worker *w, const struct engine_batch *b, int microbatch)
{
    const struct cpu *c = w->cpu;
    const struct band *band = c->band;
    if (c->bands == 0 || band->item[0].op >= 0) {
        cpu_run_input(w, b, microbatch, 0, c->work.graph->value[0].h, cpu_act(w, 0, microbatch));
        sum_act(w, b, 0, microbatch, 1);
    }
    for (int i = 0; i < c->narrow; i++)
        if (band < c->band + c->bands && band->first == i) {
            cpu_run_band(w, b, band, microbatch);
            i = band++->last;
        } else {
            run_step(w, b, i, microbatch, 1);
        }
}

/* The logits, where the last step has made them. */
static void put_logits(const struct worker *w, const struct engine_batch *b, int microbatches)
{
    const struct cpu *c = w->cpu;
    const int value = graph_logits(c->work.graph);
    const struct layout l = cpu_layout(c, value, cpu_half(c, value));
    for (int m = 0; m < microbatches; m++)
        layout_nchw(&l, cpu_act(w, value, m), cpu_images(c, b, m),
                    b->logits + (size_t)(m * c->images) * (size_t)l.c);
}

/* The average and the linear layer, in f32. */
static void run_head(struct worker *w, const struct engine_batch *b, int microbatches)
{
    const struct cpu *c = w->cpu;
    const struct graph_closed *end = &c->plan.end;
    size_t classes = (size_t)graph_classes(c->work.graph);
    const struct layout last = cpu_layout(c, end->value, cpu_half(c, end->value)),
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
    const int last = graph_closed(c->work.graph).value;
    const struct layout l = cpu_layout(c, last, cpu_half(c, last));
    const struct layout to = {.cells = l.cells,
                              .n = c->images,
                              .c = graph_classes(c->work.graph),
                              .pitch = c->maps.spec.op,
                              .cell = c->maps.ocell};
    size_t each = engine_result_size(c->work.graph, &c->work.opts, want);
    for (int m = 0; m < microbatches; m++) {
        const void *x = cpu_act(w, last, m);
        if (l.bf16)
            layout_cast(&l, x, w->wide);
        const struct conv_call call = {.x = l.bf16 ? w->wide : x, .y = w->maps, .microbatches = 1};
        conv_run(&c->maps, &call, w->scratch);
        layout_nchw(&to, w->maps, cpu_images(c, b, m),
                    b->results[want].values + (size_t)(m * c->images) * each);
    }
}

/* A microbatch's value as it is kept to the end, and its layout. */
static const void *kept(const struct worker *w, int value, int microbatch, struct layout *l)
{
    const struct cpu *c = w->cpu;
    const struct graph_closed *end = &c->plan.end;
    bool pooled = end->average && value == end->average->out,
         logits = end->linear && value == end->linear->out;
    *l = cpu_layout(c, value, cpu_half(c, value));
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
    for (int m = 0; m < microbatches; m++)
        run_narrow(w, b, m);
    for (int i = c->narrow; i < c->plan.steps; i++)
        run_step(w, b, i, 0, microbatches);
    double since = cpu_start(w);
    if (c->plan.end.value >= 0)
        run_head(w, b, microbatches);
    else
        put_logits(w, b, microbatches);
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_CLASS_MAPS)
            put_class_maps(w, b, i, microbatches);
        else if (o->wants[i].what == ENGINE_ACTIVATION)
            put_activation(w, b, i, microbatches);
    cpu_stop(w, TIME_HEAD, since);
    return 0;
}
