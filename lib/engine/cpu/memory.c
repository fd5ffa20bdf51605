/* How large batches are, and where their values lie. */
#include "engine/cpu/cpu.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,
    IMAGES = 8,             /* in a group, fewer where they are large */
    TILE_IMAGES = 16,       /* the same for tiles, which have as many rows */
    VALUE_BYTES = 16 << 20, /* most of a value of a group */
    WIDE_BYTES = 64 << 20,  /* most of a value of a batch */
    KEPT_BYTES = 96 << 20   /* most of what a batch keeps for gradients */
};

int cpu_pitch(const struct cpu *c, int channels)
{
    int multiple = c->tiles ? CONV_TILE_PITCH : CONV_PITCH;
    return (channels + multiple - 1) / multiple * multiple;
}

void cpu_choose_batch(struct cpu *c)
{
    const struct graph *n = c->work.graph;
    const struct engine_opts *o = &c->work.opts;
    size_t most = 0, kept = 0, returned = work_returned(n, o);
    bool *depends = mem_alloc((size_t)n->values, sizeof *depends);
    engine_mark_backward(n, o, depends);
    for (int i = 0; i < n->values; i++) {
        const struct graph_value *v = &n->value[i];
        size_t size = (size_t)v->h * (size_t)v->w * sizeof(float) *
                      (size_t)(cpu_pitch(c, v->c) + CONV_TILE_GAP);
        most = size > most ? size : most;
        kept += depends[i] ? size : 0;
    }
    c->images = c->tiles ? TILE_IMAGES : IMAGES;
    while (c->images > 1 && (most * (size_t)c->images > VALUE_BYTES ||
                             returned * (size_t)c->images > WORK_BATCH_BYTES))
        c->images /= 2;
    /* With many threads, smaller batches, so that all have some. */
    c->groups = BATCH / c->images / (c->work.threads > 16 ? 4 : c->work.threads > 8 ? 2 : 1);
    while (c->groups > 1 && (most * (size_t)(c->groups * c->images) > WIDE_BYTES ||
                             kept * (size_t)(c->groups * c->images) > KEPT_BYTES ||
                             returned * (size_t)(c->groups * c->images) > WORK_BATCH_BYTES))
        c->groups /= 2;
    free(depends);
}

struct layout cpu_layout(const struct cpu *c, int value, bool half)
{
    const struct graph_value *v = &c->work.graph->value[value];
    int pitch = c->plan.pad[value];
    return (struct layout){.cells = v->h * v->w,
                           .n = c->images,
                           .c = v->c,
                           .pitch = pitch,
                           .cell = (ptrdiff_t)c->images * pitch + c->gap,
                           .half = half};
}

size_t cpu_group_size(const struct cpu *c, int value)
{
    const struct layout l = cpu_layout(c, value, false);
    return (size_t)(l.cells * l.cell);
}

size_t cpu_element(const struct cpu *c)
{
    return c->half ? sizeof(uint16_t) : sizeof(float);
}

void *cpu_act(const struct hand *h, int value, int group)
{
    const struct cpu *c = h->cpu;
    size_t at = c->plan.wide[value] ? (size_t)group * cpu_group_size(c, value) : 0;
    return (char *)h->act[c->plan.act[value]] + at * cpu_element(c);
}

float *cpu_grad(const struct hand *h, int value, int group)
{
    const struct cpu *c = h->cpu;
    return h->grad[c->plan.grad[value]] + (size_t)group * cpu_group_size(c, value);
}

int cpu_images(const struct cpu *c, const struct engine_batch *b, int group)
{
    int left = b->n - group * c->images;
    return left < c->images ? left : c->images;
}

int cpu_groups(const struct cpu *c, int images)
{
    return (images + c->images - 1) / c->images;
}

/* --- threads --- */

/* Large enough for any of the values that share it, zeroed: what pads is read. */
static void *buffer(const struct cpu *c, const struct plan_pool *p, int i, size_t size,
                    const int *of)
{
    size_t most = 0;
    for (int v = 0; v < c->work.graph->values; v++)
        if (of[v] == i && cpu_group_size(c, v) > most)
            most = cpu_group_size(c, v);
    size_t n = most * (size_t)(p->wide[i] ? c->groups : 1);
    return memset(mem_large(n, size), 0, n * size);
}

void cpu_discard(void *hand)
{
    struct hand *h = hand;
    const struct plan *p = &h->cpu->plan;
    for (int i = 0; i < p->acts.count; i++)
        free(h->act[i]);
    for (int i = 0; i < p->grads.count; i++)
        free(h->grad[i]);
    free(h->act);
    free(h->grad);
    free(h->scratch);
    free(h->pooled);
    free(h->logits);
    free(h->wide);
    free(h->maps);
    free(h->one);
    free(h->sums);
    free(h->seconds);
    free(h);
}

/* Room that results pass through, a group's at a time. */
static void make_results(struct hand *h)
{
    const struct cpu *c = h->cpu;
    const struct engine_opts *o = &c->work.opts;
    int last = c->plan.end.value, channels = 0;
    size_t gradient = 0;
    for (int i = 0; i < o->want_count; i++) {
        const struct engine_want *w = &o->wants[i];
        size_t size = graph_size(c->work.graph, w->value);
        if (w->what == ENGINE_GRADIENT && size > gradient)
            gradient = size;
        if (w->what == ENGINE_SUMS && c->plan.pad[w->value] > channels)
            channels = c->plan.pad[w->value];
    }
    if (engine_wants(o, ENGINE_CLASS_MAPS)) {
        const struct layout l = cpu_layout(c, last, false);
        h->maps = mem_aligned((size_t)(l.cells * c->maps.ocell), sizeof(float));
        if (c->half)
            h->wide = mem_aligned(cpu_group_size(c, last), sizeof(float));
    }
    if (gradient > 0)
        h->one = mem_alloc((size_t)c->images * gradient, sizeof(float));
    h->sums = mem_aligned(2 * (size_t)c->images * (size_t)channels, sizeof *h->sums);
}

int cpu_make(void *self, int i, void **hand, struct err *e)
{
    (void)i;
    (void)e;
    struct cpu *c = self;
    const struct plan *p = &c->plan;
    struct hand *h = mem_zero(1, sizeof *h);
    h->cpu = c;
    h->act = mem_zero((size_t)p->acts.count, sizeof *h->act);
    for (int k = 0; k < p->acts.count; k++)
        h->act[k] = buffer(c, &p->acts, k, cpu_element(c), p->act);
    h->grad = mem_zero((size_t)p->grads.count + 1, sizeof *h->grad);
    for (int k = 0; k < p->grads.count; k++)
        h->grad[k] = buffer(c, &p->grads, k, sizeof(float), p->grad);
    h->scratch = mem_large(c->scratch + 1, 1);
    size_t groups = (size_t)c->groups;
    h->pooled = mem_aligned(groups * (size_t)c->fc.icell, sizeof(float));
    h->logits = mem_aligned(groups * (size_t)c->fc.ocell, sizeof(float));
    make_results(h);
    if (c->times)
        h->seconds = mem_zero(cpu_timed_steps(c), sizeof *h->seconds);
    *hand = h;
    return 0;
}
