/* The backend `cpu`, see cpu.h. */
#include "engine/cpu/cpu.h"

#include "base/mem.h"
#include "engine/cpu/isa.h"

#include <stdio.h>
#include <stdlib.h>

static void cpu_close(void *self)
{
    struct cpu *c = self;
    work_close(&c->work);
    cpu_close_steps(c);
    plan_close(&c->plan);
    free(c->band);
    free(c->group);
    free(c->times);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static int cpu_supports(const struct graph *g, const struct engine_opts *o, struct err *e)
{
    for (int i = 0; i < g->ops; i++) {
        const struct graph_op *op = &g->op[i];
        const bool listed = op->kind == GRAPH_CONV || op->kind == GRAPH_MAX_POOL;
        if (listed && (int64_t)op->y.k * op->x.k > CONV_LARGEST)
            return err_set(e, "cpu: windows of %d by %d are too large: use ref", op->y.k, op->x.k);
    }
    if (o->precision != ENGINE_F16)
        return 0;
    err_record(e, "cpu: f16 is not computed here: use f32 or bf16");
    e->no_device = true;
    return -1;
}

static void describe(struct cpu *c)
{
    int filtered = 0, convs = 0;
    for (int i = 0; i < c->plan.steps; i++)
        if (c->step[i].op->kind == GRAPH_CONV) {
            convs++;
            filtered += c->step[i].slices > 0 && conv_is_winograd(c->step[i].slice[0].conv.form);
        }
    snprintf(c->about, sizeof c->about,
             "cpu: %s, %s, %d of %d convolutions by Winograd, %d thread%s, batches of %d",
             c->tiles ? c->tiles->name : c->kernels->name, c->bf16 ? "bf16" : "f32", filtered,
             convs, c->work.threads, c->work.threads == 1 ? "" : "s", c->work.batch);
}

static int enter(void *worker, struct err *e)
{
    (void)worker;
    (void)e;
    isa_thread();
    return 0;
}

static int cpu_open(void **self, const struct graph *graph, const struct engine_opts *o,
                    struct err *e)
{
    struct cpu *c = mem_zero(1, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    c->work = (struct work){
        .graph = graph,
        .opts = *o,
        .threads = work_threads(graph, o),
        .self = c,
        .make = cpu_make,
        .discard = cpu_discard,
        .enter = enter,
        .leave = cpu_add_times,
        .forward = cpu_forward,
        .backward = cpu_backward,
    };
    c->bf16 = o->precision == ENGINE_BF16;
    if (isa_kernels(&c->kernels, &c->tiles, e) != 0) {
        cpu_close(c);
        return -1;
    }
    if (!c->bf16)
        c->tiles = NULL;
    cpu_choose_batch(c);
    c->work.batch = c->images * c->microbatches;
    cpu_find_bands(c);
    const struct plan_layout layout = {.multiple = cpu_pitch(c, 1),
                                       .in_place = true,
                                       .adds = ~0U,
                                       .wide_from = c->narrow,
                                       .group = c->group};
    plan_open(&c->plan, graph, o, &layout);
    if (c->narrow > c->plan.steps)
        c->narrow = c->plan.steps;
    cpu_settle_bands(c);
    layout_table(&c->table, graph->mean, graph->std);
    cpu_open_steps(c);
    if (o->timed)
        cpu_open_times(c);
    describe(c);
    if (o->note && c->bf16 && !c->tiles)
        o->note("cpu: bf16 is computed by f32 arithmetic on this processor: hardly "
                "faster than --precision f32, and less exact");
    work_open(&c->work);
    *self = c;
    return 0;
}

/* --- the table --- */

static const char *cpu_about(const void *self)
{
    return ((const struct cpu *)self)->about;
}

static int cpu_batch_size(const void *self)
{
    return ((const struct cpu *)self)->work.batch;
}

static int cpu_run(void *self, const struct engine_calls *c, struct err *e)
{
    return work_run(&((struct cpu *)self)->work, c, e);
}

static int cpu_run_here(void *self, const struct engine_batch *b, struct err *e)
{
    return work_forward(&((struct cpu *)self)->work, b, e);
}

static int cpu_steps(const void *self, const struct engine_step **s)
{
    const struct cpu *c = self;
    *s = c->times;
    return c->times ? (int)cpu_timed_steps(c) : 0;
}

const struct engine_backend engine_cpu = {
    .name = "cpu",
    .supports = cpu_supports,
    .open = cpu_open,
    .close = cpu_close,
    .about = cpu_about,
    .batch_size = cpu_batch_size,
    .run = cpu_run,
    .forward = cpu_run_here,
    .steps = cpu_steps,
};
