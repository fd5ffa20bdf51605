/* From images to logits and what is wanted beside them. */
#include "engine/cpu/cpu.h"

#include <string.h>

/* --- sums --- */

/* Those of a group's value x, to result `want`. */
static void put_sums(struct hand *h, const struct engine_batch *b, int want, const struct layout *l,
                     const void *x, int group)
{
    const struct cpu *c = h->cpu;
    size_t square = (size_t)l->n * (size_t)l->pitch;
    double *pair = b->results[want].sums + (size_t)(group * c->images) * 2 * (size_t)l->c;
    c->kernels->cells->sums(l, x, h->sums);
    for (int n = 0; n < cpu_images(c, b, group); n++)
        for (int k = 0; k < l->c; k++, pair += 2) {
            const double *from = h->sums + n * l->pitch + k;
            pair[0] = from[0];
            pair[1] = from[square];
        }
}

/* What sums are wanted of a group's value x. */
static void sum(struct hand *h, const struct engine_batch *b, int value, const struct layout *l,
                const void *x, int group)
{
    const struct engine_opts *o = &h->cpu->work.opts;
    double since = cpu_start(h);
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_SUMS && o->wants[i].value == value)
            put_sums(h, b, i, l, x, group);
    cpu_stop(h, TIME_SUMS, since);
}

/* Of a value as it is computed, before another takes its place. */
static void sum_act(struct hand *h, const struct engine_batch *b, int value, int group, int groups)
{
    const struct layout l = cpu_layout(h->cpu, value, h->cpu->half);
    for (int g = group; g < group + groups; g++)
        sum(h, b, value, &l, cpu_act(h, value, g), g);
}

/* --- computing --- */

static void run_input(struct hand *h, const struct engine_batch *b, int group)
{
    const struct cpu *c = h->cpu;
    const struct layout in = cpu_layout(c, 0, c->half);
    size_t first = (size_t)(group * c->images) * graph_size(c->work.graph, 0);
    double since = cpu_start(h);
    if (b->images)
        layout_images(b->images + first, &in, cpu_act(h, 0, group));
    else
        layout_pixels(&c->table, b->pixels + first, &in, cpu_act(h, 0, group));
    cpu_stop(h, TIME_INPUT, since);
    sum_act(h, b, 0, group, 1);
}

/* For `groups` groups from `group` on. */
static void run_step(struct hand *h, const struct engine_batch *b, int i, int group, int groups)
{
    const struct cpu *c = h->cpu;
    const struct step *s = &c->step[i];
    const struct graph_op *op = s->op;
    const struct conv_call k = {
        .x = cpu_act(h, op->in[0], group),
        .add = op->ins > 1 ? cpu_act(h, op->in[1], group) : NULL,
        .y = cpu_act(h, op->out, group),
        .groups = groups,
    };
    double since = cpu_start(h);
    if (op->kind == GRAPH_CONV)
        conv_run(&s->conv, &k, h->scratch);
    else if (op->kind == GRAPH_NORM)
        c->kernels->cells->scale(&s->scale, &k);
    else
        c->kernels->cells->max(&s->max, k.x, k.y, groups);
    cpu_stop(h, TIMES + i, since);
    sum_act(h, b, op->out, group, groups);
}

/* The average and the linear layer, in f32. */
static void run_head(struct hand *h, const struct engine_batch *b, int groups)
{
    const struct cpu *c = h->cpu;
    const struct graph_closed *end = &c->plan.end;
    size_t classes = (size_t)graph_classes(c->work.graph);
    const struct layout last = cpu_layout(c, end->value, c->half),
                        pooled = cpu_layout(c, end->average->out, false),
                        logits = cpu_layout(c, end->linear->out, false);
    for (int g = 0; g < groups; g++)
        layout_mean(&last, cpu_act(h, end->value, g), h->pooled + g * c->fc.icell);
    const struct conv_call k = {.x = h->pooled, .y = h->logits, .groups = groups};
    conv_run(&c->fc, &k, h->scratch);
    for (int i = 0; i < b->n; i++) {
        ptrdiff_t at = i / c->images * c->fc.ocell + i % c->images * c->fc.spec.op;
        memcpy(b->logits + (size_t)i * classes, h->logits + at, classes * sizeof(float));
    }
    for (int g = 0; g < groups; g++) {
        sum(h, b, end->average->out, &pooled, h->pooled + g * c->fc.icell, g);
        sum(h, b, end->linear->out, &logits, h->logits + g * c->fc.ocell, g);
    }
}

/* --- results --- */

static void put_class_maps(struct hand *h, const struct engine_batch *b, int want, int groups)
{
    const struct cpu *c = h->cpu;
    int last = c->plan.end.value;
    const struct layout l = cpu_layout(c, last, c->half);
    const struct layout to = {.cells = l.cells,
                              .n = c->images,
                              .c = graph_classes(c->work.graph),
                              .pitch = c->maps.spec.op,
                              .cell = c->maps.ocell};
    size_t each = engine_result_size(c->work.graph, &c->work.opts, want);
    for (int g = 0; g < groups; g++) {
        const void *x = cpu_act(h, last, g);
        if (c->half)
            layout_widen(&l, x, h->wide);
        const struct conv_call m = {.x = c->half ? h->wide : x, .y = h->maps, .groups = 1};
        conv_run(&c->maps, &m, h->scratch);
        layout_nchw(&to, h->maps, cpu_images(c, b, g),
                    b->results[want].values + (size_t)(g * c->images) * each);
    }
}

/* A group's value as it is kept to the end, and its layout. */
static const void *kept(const struct hand *h, int value, int group, struct layout *l)
{
    const struct cpu *c = h->cpu;
    bool pooled = value == c->plan.end.average->out, logits = value == c->plan.end.linear->out;
    *l = cpu_layout(c, value, c->half && !pooled && !logits);
    return pooled   ? h->pooled + group * c->fc.icell
           : logits ? h->logits + group * c->fc.ocell
                    : cpu_act(h, value, group);
}

static void put_activation(const struct hand *h, const struct engine_batch *b, int want, int groups)
{
    const struct cpu *c = h->cpu;
    size_t each = engine_result_size(c->work.graph, &c->work.opts, want);
    struct layout l;
    for (int g = 0; g < groups; g++) {
        const void *x = kept(h, c->work.opts.wants[want].value, g, &l);
        layout_nchw(&l, x, cpu_images(c, b, g),
                    b->results[want].values + (size_t)(g * c->images) * each);
    }
}

int cpu_forward(void *hand, struct engine_batch *b, struct err *e)
{
    (void)e;
    struct hand *h = hand;
    const struct cpu *c = h->cpu;
    const struct engine_opts *o = &c->work.opts;
    int groups = cpu_groups(c, b->n);
    for (int g = 0; g < groups; g++) {
        run_input(h, b, g);
        for (int i = 0; i < c->narrow; i++)
            run_step(h, b, i, g, 1);
    }
    for (int i = c->narrow; i < c->plan.steps; i++)
        run_step(h, b, i, 0, groups);
    double since = cpu_start(h);
    run_head(h, b, groups);
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_CLASS_MAPS)
            put_class_maps(h, b, i, groups);
        else if (o->wants[i].what == ENGINE_ACTIVATION)
            put_activation(h, b, i, groups);
    cpu_stop(h, TIME_HEAD, since);
    return 0;
}
