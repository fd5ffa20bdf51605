/* How large batches are, and where their values lie. */
#include "engine/cpu/kinds.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,
    LARGE_BATCH = 16,       /* where a microbatch is one image */
    IMAGES = 8,             /* in a microbatch, fewer where they are large */
    TILE_IMAGES = 16,       /* the same for tiles, which have as many rows */
    VALUE_BYTES = 16 << 20, /* most of a value of a microbatch */
    ROW_BYTES = 96 << 10,   /* most of a row of a microbatch that a depthwise convolution reads or
                               writes, so that the second cache holds the rows of a band */
    ROW_IMAGES = 2,         /* but no fewer images for that */
    WIDE_BYTES = 64 << 20,  /* most of a value of a batch */
    KEPT_BYTES = 96 << 20   /* most of what a batch keeps for gradients */
};

int cpu_pitch(const struct cpu *c, int channels)
{
    int multiple = c->tiles ? CONV_TILE_PITCH : CONV_PITCH;
    return (channels + multiple - 1) / multiple * multiple;
}

/* Elements of f32 between cells whose distance is a multiple of these lie in few sets of a cache.
 */
enum { SETS = 128 };

int cpu_gap(const struct cpu *c, int channels)
{
    if (c->tiles)
        return CONV_TILE_GAP;
    return c->images * cpu_pitch(c, channels) % SETS == 0 ? CONV_GAP : 0;
}

static size_t image_bytes(const struct cpu *c, int value)
{
    const struct graph_value *v = &c->work.graph->value[value];
    return (size_t)v->h * (size_t)v->w * sizeof(float) *
           (size_t)(cpu_pitch(c, v->c) + CONV_TILE_GAP);
}

/* Of the largest value that there is for all microbatches. */
static size_t wide_bytes(const struct cpu *c)
{
    const struct graph *g = c->work.graph;
    const struct engine_opts *o = &c->work.opts;
    size_t most = image_bytes(c, graph_logits(g));
    for (int i = 0; i < o->want_count; i++) {
        const size_t size = image_bytes(c, o->wants[i].value);
        most = size > most ? size : most;
    }
    for (int i = c->narrow; i < g->ops; i++)
        for (int k = -1; k < g->op[i].ins; k++) {
            const size_t size = image_bytes(c, k < 0 ? g->op[i].out : g->op[i].in[k]);
            most = size > most ? size : most;
        }
    return most;
}

/* Of an image, the longest that depthwise convolutions read or write. */
static size_t depth_row_bytes(const struct cpu *c)
{
    const struct graph *g = c->work.graph;
    size_t most = 0;
    for (int i = 0; i < g->ops; i++) {
        const struct graph_op *op = &g->op[i];
        for (int k = 0; k < 2 && cpu_is_depthwise(c, op); k++) {
            const int value = k ? op->out : op->in[0];
            const size_t row = image_bytes(c, value) / (size_t)g->value[value].h;
            most = row > most ? row : most;
        }
    }
    return most;
}

void cpu_choose_batch(struct cpu *c)
{
    const struct graph *n = c->work.graph;
    const struct engine_opts *o = &c->work.opts;
    size_t most = 0, kept = 0, returned = work_returned(n, o);
    bool *depends = mem_alloc((size_t)n->values, sizeof *depends);
    engine_mark_backward(n, o, depends);
    for (int i = 0; i < n->values; i++) {
        most = image_bytes(c, i) > most ? image_bytes(c, i) : most;
        kept += depends[i] ? image_bytes(c, i) : 0;
    }
    c->images = c->tiles ? TILE_IMAGES : IMAGES;
    while (c->images > 1 && (most * (size_t)c->images > VALUE_BYTES ||
                             returned * (size_t)c->images > WORK_BATCH_BYTES))
        c->images /= 2;
    const size_t row = c->bf16 ? 0 : depth_row_bytes(c);
    while (c->images > ROW_IMAGES && row * (size_t)c->images > ROW_BYTES)
        c->images /= 2;
    const int64_t share = o->few > 0 ? (o->few + c->work.threads - 1) / c->work.threads : BATCH;
    while (c->images > 1 && c->images > share)
        c->images /= 2;
    /* With many threads, smaller batches, so that all have some; and of large images. */
    c->microbatches =
        (c->images > 1 ? BATCH / c->images : LARGE_BATCH) / (c->work.threads > 16  ? 4
                                                             : c->work.threads > 8 ? 2
                                                                                   : 1);
    c->narrow = cpu_first_wide(c);
    most = wide_bytes(c);
    while (c->microbatches > 1 &&
           (c->images * c->microbatches > share ||
            most * (size_t)(c->microbatches * c->images) > WIDE_BYTES ||
            kept * (size_t)(c->microbatches * c->images) > KEPT_BYTES ||
            returned * (size_t)(c->microbatches * c->images) > WORK_BATCH_BYTES))
        c->microbatches /= 2;
    free(depends);
}

struct layout cpu_layout(const struct cpu *c, int value, bool bf16)
{
    const struct graph_value *v = &c->work.graph->value[value];
    int pitch = c->plan.pad[value];
    return (struct layout){.cells = v->h * v->w,
                           .n = c->images,
                           .c = v->c,
                           .pitch = pitch,
                           .cell = (ptrdiff_t)c->images * pitch + cpu_gap(c, v->c),
                           .bf16 = bf16};
}

size_t cpu_microbatch_size(const struct cpu *c, int value)
{
    const struct layout l = cpu_layout(c, value, false);
    return (size_t)(l.cells * l.cell);
}

bool cpu_half(const struct cpu *c, int value)
{
    return c->bf16 && !(c->plan.full && c->plan.full[value]);
}

size_t cpu_element(const struct cpu *c, int value)
{
    return cpu_half(c, value) ? sizeof(uint16_t) : sizeof(float);
}

void *cpu_act(const struct worker *w, int value, int microbatch)
{
    const struct cpu *c = w->cpu;
    size_t at = c->plan.wide[value] ? (size_t)microbatch * cpu_microbatch_size(c, value) : 0;
    return (char *)w->act[c->plan.act[value]] + at * cpu_element(c, value);
}

float *cpu_grad(const struct worker *w, int value, int microbatch)
{
    const struct cpu *c = w->cpu;
    return w->grad[c->plan.grad[value]] + (size_t)microbatch * cpu_microbatch_size(c, value);
}

int cpu_images(const struct cpu *c, const struct engine_batch *b, int microbatch)
{
    int left = b->n - microbatch * c->images;
    return left < c->images ? left : c->images;
}

int cpu_microbatches(const struct cpu *c, int images)
{
    return (images + c->images - 1) / c->images;
}

/* --- threads --- */

/* Large enough for any of the values that share it, zeroed: what pads is read. */
static void *buffer(const struct cpu *c, const struct plan_pool *p, int i, bool gradients)
{
    const int *of = gradients ? c->plan.grad : c->plan.act;
    size_t most = 0;
    for (int v = 0; v < c->work.graph->values; v++) {
        const size_t row = cpu_microbatch_size(c, v) / (size_t)c->work.graph->value[v].h;
        const size_t bytes = gradients ? cpu_microbatch_size(c, v) * sizeof(float)
                                       : row * (size_t)cpu_kept_rows(c, v) * cpu_element(c, v);
        if (of[v] == i && bytes > most)
            most = bytes;
    }
    size_t n = most * (size_t)(p->wide[i] ? c->microbatches : 1);
    return memset(mem_large(n, 1), 0, n);
}

void cpu_discard(void *worker)
{
    struct worker *w = worker;
    const struct plan *p = &w->cpu->plan;
    for (int i = 0; i < p->acts.count; i++)
        free(w->act[i]);
    for (int i = 0; i < p->grads.count; i++)
        free(w->grad[i]);
    free(w->act);
    free(w->grad);
    free(w->scratch);
    for (int i = 0; i < GRAPH_INPUTS; i++)
        free(w->cast[i]);
    free(w->pooled);
    free(w->logits);
    free(w->wide);
    free(w->maps);
    free(w->one);
    free(w->sums);
    free(w->seconds);
    free(w);
}

/* Room that results pass through, a microbatch's at a time. */
static void make_results(struct worker *w)
{
    const struct cpu *c = w->cpu;
    const struct engine_opts *o = &c->work.opts;
    int last = graph_closed(c->work.graph).value, channels = 0;
    size_t gradient = 0;
    for (int i = 0; i < o->want_count; i++) {
        const struct engine_want *want = &o->wants[i];
        size_t size = graph_size(c->work.graph, want->value);
        if (want->what == ENGINE_GRADIENT && size > gradient)
            gradient = size;
        if (want->what == ENGINE_SUMS && c->plan.pad[want->value] > channels)
            channels = c->plan.pad[want->value];
    }
    if (engine_wants(o, ENGINE_CLASS_MAPS)) {
        const struct layout l = cpu_layout(c, last, false);
        w->maps = mem_aligned((size_t)(l.cells * c->maps.ocell), sizeof(float));
        if (cpu_half(c, last))
            w->wide = mem_aligned(cpu_microbatch_size(c, last), sizeof(float));
    }
    if (gradient > 0)
        w->one = mem_alloc((size_t)c->images * gradient, sizeof(float));
    w->sums = mem_aligned(2 * (size_t)c->images * (size_t)channels, sizeof *w->sums);
}

int cpu_make(void *self, int i, void **worker, struct err *e)
{
    (void)i;
    (void)e;
    struct cpu *c = self;
    const struct plan *p = &c->plan;
    struct worker *w = mem_zero(1, sizeof *w);
    w->cpu = c;
    w->act = mem_zero((size_t)p->acts.count, sizeof *w->act);
    for (int k = 0; k < p->acts.count; k++)
        w->act[k] = buffer(c, &p->acts, k, false);
    w->grad = mem_zero((size_t)p->grads.count + 1, sizeof *w->grad);
    for (int k = 0; k < p->grads.count; k++)
        w->grad[k] = buffer(c, &p->grads, k, true);
    w->scratch = mem_large(c->scratch + 1, 1);
    for (int k = 0; c->cast > 0 && k < GRAPH_INPUTS; k++)
        w->cast[k] = mem_large(c->cast, 1);
    size_t microbatches = (size_t)c->microbatches;
    if (p->end.value >= 0) {
        w->pooled = mem_aligned(microbatches * (size_t)c->fc.icell, sizeof(float));
        w->logits = mem_aligned(microbatches * (size_t)c->fc.ocell, sizeof(float));
    }
    make_results(w);
    if (c->times)
        w->seconds = mem_zero(cpu_timed_steps(c), sizeof *w->seconds);
    *worker = w;
    return 0;
}
