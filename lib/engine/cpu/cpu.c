/* Own convolution kernels, one thread per core, each with a batch of its own. A batch
 * is several groups of images. The first operations, whose values are large and weights
 * small, are run for a group at a time, so that values stay in a cache; those after, for
 * all groups at once, so that weights are read less often. */
#include "engine/work.h"

#include "base/mem.h"
#include "engine/cpu/cells.h"
#include "engine/cpu/conv.h"
#include "engine/cpu/isa.h"
#include "engine/cpu/layout.h"
#include "engine/plan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH = 64,
    IMAGES = 8,             /* in a group, fewer where they are large */
    TILE_IMAGES = 16,       /* the same for tiles, which have as many rows */
    VALUE_BYTES = 16 << 20, /* most of a value of a group */
    WIDE_BYTES = 64 << 20,  /* most of a value of a batch */
    KEPT_BYTES = 96 << 20   /* most of what a batch keeps for gradients */
};

/* Work that is no step of the plan, timed like one. */
enum { TIME_PIXELS, TIME_HEAD, TIME_TAPS, TIME_GRADS, TIMES };

/* An operation, forwards or backwards. */
struct step {
    const struct graph_op *op; /* NULL where there is nothing to compute */
    union {
        struct conv conv;
        struct scale scale;
        struct max max;
    };
};

struct cpu {
    struct work work;
    struct plan plan;
    const struct conv_kernels *kernels, *tiles; /* tiles: for bf16, or NULL */
    bool half;
    int images, groups;
    int narrow; /* steps that are run for a group at a time */
    int gap;    /* elements between cells */
    struct layout_table table;
    struct step *step; /* [plan.steps] */
    struct step *back; /* [plan.backs] from dy to dx */
    struct conv fc, maps;
    size_t scratch;            /* bytes */
    struct engine_step *times; /* [TIMES + plan.steps + plan.backs], where they are kept */
    pthread_mutex_t lock;      /* of their seconds */
    char about[160];
};

/* What a thread owns. */
struct hand {
    struct cpu *cpu;
    void **act;   /* [acts.count] f32 or bf16 */
    float **grad; /* [grads.count] */
    void *scratch;
    float *pooled;   /* (groups, 1, n, pitch) of the last stage, or its gradient */
    float *logits;   /* (groups, 1, n, pitch) */
    float *wide;     /* a group's last stage as f32, where values are bf16 */
    float *maps;     /* (cells, n, pitch) of a group */
    float *one;      /* a group's gradients in NCHW */
    double *sums;    /* of a group, see struct cells_kernels */
    double *seconds; /* as cpu.times, or NULL */
};

/* --- values --- */

static struct layout layout_of(const struct cpu *c, int value, bool half)
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

/* Elements of a group. */
static size_t group_size(const struct cpu *c, int value)
{
    const struct layout l = layout_of(c, value, false);
    return (size_t)(l.cells * l.cell);
}

static size_t element_size(const struct cpu *c)
{
    return c->half ? sizeof(uint16_t) : sizeof(float);
}

/* A value of a group; a narrow value holds one group at a time. */
static void *act_of(const struct hand *h, int value, int group)
{
    const struct cpu *c = h->cpu;
    size_t at = c->plan.wide[value] ? (size_t)group * group_size(c, value) : 0;
    return (char *)h->act[c->plan.act[value]] + at * element_size(c);
}

/* --- time --- */

/* Of the thread, so that what else runs does not count. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Steps whose time is kept. */
static size_t timed_steps(const struct cpu *c)
{
    return TIMES + (size_t)c->plan.steps + (size_t)c->plan.backs;
}

static double start(const struct hand *h)
{
    return h->seconds ? now() : 0;
}

static void stop(const struct hand *h, int step, double since)
{
    if (h->seconds)
        h->seconds[step] += now() - since;
}

/* --- threads --- */

/* Large enough for any of the values that share it, zeroed: what pads is read. */
static void *buffer(const struct cpu *c, const struct plan_pool *p, int i, size_t size,
                    const int *of)
{
    size_t most = 0;
    for (int v = 0; v < c->work.graph->values; v++)
        if (of[v] == i && group_size(c, v) > most)
            most = group_size(c, v);
    size_t n = most * (size_t)(p->wide[i] ? c->groups : 1);
    return memset(mem_large(n, size), 0, n * size);
}

static void cpu_leave(void *hand)
{
    struct hand *h = hand;
    struct cpu *c = h->cpu;
    if (h->seconds) {
        pthread_mutex_lock(&c->lock);
        for (size_t i = 0; i < timed_steps(c); i++)
            c->times[i].seconds += h->seconds[i];
        pthread_mutex_unlock(&c->lock);
    }
    for (int i = 0; i < c->plan.acts.count; i++)
        free(h->act[i]);
    for (int i = 0; i < c->plan.grads.count; i++)
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

static int cpu_enter(void *self, void **hand, struct err *e)
{
    (void)e;
    struct cpu *c = self;
    const struct plan *p = &c->plan;
    const struct engine_opts *o = &c->work.opts;
    isa_thread();
    struct hand *h = mem_zero(1, sizeof *h);
    h->cpu = c;
    h->act = mem_zero((size_t)p->acts.count, sizeof *h->act);
    for (int i = 0; i < p->acts.count; i++)
        h->act[i] = buffer(c, &p->acts, i, element_size(c), p->act);
    h->grad = mem_zero((size_t)p->grads.count + 1, sizeof *h->grad);
    for (int i = 0; i < p->grads.count; i++)
        h->grad[i] = buffer(c, &p->grads, i, sizeof(float), p->grad);
    h->scratch = mem_large(c->scratch + 1, 1);
    size_t groups = (size_t)c->groups;
    h->pooled = mem_aligned(groups * (size_t)c->fc.icell, sizeof(float));
    h->logits = mem_aligned(groups * (size_t)c->fc.ocell, sizeof(float));
    if (o->class_maps) {
        const struct layout l = layout_of(c, p->last, false);
        h->maps = mem_aligned((size_t)(l.cells * c->maps.ocell), sizeof(float));
        if (c->half)
            h->wide = mem_aligned(group_size(c, p->last), sizeof(float));
    }
    if (o->gradients > 0)
        h->one =
            mem_alloc((size_t)c->images * graph_size(c->work.graph, o->features), sizeof(float));
    size_t most = 0;
    for (int i = 0; i < o->tap_count; i++)
        if ((size_t)p->pad[o->taps[i]] > most)
            most = (size_t)p->pad[o->taps[i]];
    h->sums = mem_aligned(2 * (size_t)c->images * most, sizeof *h->sums);
    if (c->times)
        h->seconds = mem_zero(timed_steps(c), sizeof *h->seconds);
    *hand = h;
    return 0;
}

/* --- computing --- */

/* Images in a group of a batch. */
static int images_of(const struct cpu *c, const struct work_batch *b, int group)
{
    int left = b->b.n - group * c->images;
    return left < c->images ? left : c->images;
}

/* What is asked for of a group's value x, if anything is. */
static void tap(struct hand *h, struct work_batch *b, int value, const struct layout *l,
                const void *x, int group)
{
    const struct cpu *c = h->cpu;
    const struct engine_opts *o = &c->work.opts;
    double since = start(h), *to = b->sums;
    if (!to)
        return;
    size_t each = 2 * work_tapped(c->work.graph, o), square = (size_t)l->n * (size_t)l->pitch;
    to += (size_t)group * (size_t)c->images * each;
    for (int i = 0; i < o->tap_count; i++) {
        if (o->taps[i] == value) {
            c->kernels->cells->sums(l, x, h->sums);
            for (int n = 0; n < images_of(c, b, group); n++)
                for (int k = 0; k < l->c; k++) {
                    const double *from = h->sums + n * l->pitch + k;
                    double *pair = to + (size_t)n * each + 2 * (size_t)k;
                    pair[0] = from[0];
                    pair[1] = from[square];
                }
        }
        to += 2 * c->work.graph->value[o->taps[i]].c;
    }
    stop(h, TIME_TAPS, since);
}

/* Of a value that is kept as it is computed, before another takes its place. */
static void tap_act(struct hand *h, struct work_batch *b, int value, int group, int groups)
{
    const struct layout l = layout_of(h->cpu, value, h->cpu->half);
    for (int g = group; g < group + groups; g++)
        tap(h, b, value, &l, act_of(h, value, g), g);
}

/* For `groups` groups from `group` on. */
static void run_step(struct hand *h, struct work_batch *b, int i, int group, int groups)
{
    const struct cpu *c = h->cpu;
    const struct step *s = &c->step[i];
    const struct graph_op *op = s->op;
    const struct conv_call k = {
        .x = act_of(h, op->in[0], group),
        .add = graph_addend(op) >= 0 ? act_of(h, graph_addend(op), group) : NULL,
        .y = act_of(h, op->out, group),
        .groups = groups,
    };
    double since = start(h);
    if (op->kind == GRAPH_CONV)
        conv_run(&s->conv, &k, h->scratch);
    else if (op->kind == GRAPH_NORM)
        c->kernels->cells->scale(&s->scale, &k);
    else
        c->kernels->cells->max(&s->max, k.x, k.y, groups);
    stop(h, TIMES + i, since);
    tap_act(h, b, op->out, group, groups);
}

/* Global pooling, linear layer and class maps, in f32. */
static void run_head(struct hand *h, struct work_batch *b, int groups)
{
    const struct cpu *c = h->cpu;
    int last = c->plan.last, classes = graph_classes(c->work.graph);
    const struct layout l = layout_of(c, last, c->half);
    for (int g = 0; g < groups; g++)
        layout_mean(&l, act_of(h, last, g), h->pooled + g * c->fc.icell);
    const struct conv_call k = {.x = h->pooled, .y = h->logits, .groups = groups};
    conv_run(&c->fc, &k, h->scratch);
    for (int i = 0; i < b->b.n; i++) {
        ptrdiff_t at = i / c->images * c->fc.ocell + i % c->images * c->fc.spec.op;
        memcpy(b->logits + (size_t)i * (size_t)classes, h->logits + at,
               (size_t)classes * sizeof(float));
    }
    const struct layout pooled = layout_of(c, c->plan.linear->in[0], false),
                        logits = layout_of(c, c->plan.linear->out, false);
    for (int g = 0; g < groups; g++) {
        tap(h, b, c->plan.linear->in[0], &pooled, h->pooled + g * c->fc.icell, g);
        tap(h, b, c->plan.linear->out, &logits, h->logits + g * c->fc.ocell, g);
    }
    if (!b->class_maps)
        return;
    const struct layout to = {.cells = l.cells,
                              .n = c->images,
                              .c = classes,
                              .pitch = c->maps.spec.op,
                              .cell = c->maps.ocell};
    for (int g = 0; g < groups; g++) {
        const void *x = act_of(h, last, g);
        if (c->half)
            layout_widen(&l, x, h->wide);
        const struct conv_call m = {.x = c->half ? h->wide : x, .y = h->maps, .groups = 1};
        conv_run(&c->maps, &m, h->scratch);
        layout_nchw(&to, h->maps, images_of(c, b, g),
                    b->class_maps + (size_t)(g * c->images) * (size_t)classes * (size_t)l.cells);
    }
}

static int groups_of(const struct cpu *c, int images)
{
    return (images + c->images - 1) / c->images;
}

static int cpu_forward(void *hand, struct work_batch *b, struct err *e)
{
    (void)e;
    struct hand *h = hand;
    const struct cpu *c = h->cpu;
    const struct graph *n = c->work.graph;
    int groups = groups_of(c, b->b.n), features = c->work.opts.features;
    const struct layout in = layout_of(c, 0, c->half);
    for (int g = 0; g < groups; g++) {
        double since = start(h);
        const uint8_t *pixels = b->b.pixels + (size_t)g * (size_t)c->images * graph_size(n, 0);
        layout_pixels(&c->table, pixels, &in, act_of(h, 0, g));
        stop(h, TIME_PIXELS, since);
        tap_act(h, b, 0, g, 1);
        for (int i = 0; i < c->narrow; i++)
            run_step(h, b, i, g, 1);
    }
    for (int i = c->narrow; i < c->plan.steps; i++)
        run_step(h, b, i, 0, groups);
    double since = start(h);
    run_head(h, b, groups);
    if (b->features) {
        const struct layout l = layout_of(c, features, c->half);
        size_t each = graph_size(n, features);
        for (int g = 0; g < groups; g++)
            layout_nchw(&l, act_of(h, features, g), images_of(c, b, g),
                        b->features + (size_t)(g * c->images) * each);
    }
    stop(h, TIME_HEAD, since);
    return 0;
}

/* Whether the gradient of a value is also that of what its ReLU has cut off. */
static bool masked(const struct cpu *c, int value)
{
    const struct graph *n = c->work.graph;
    if (value == c->work.opts.features)
        return false;
    for (int i = 0; i < n->ops; i++)
        if (n->op[i].out == value)
            return n->op[i].act == GRAPH_RELU;
    return false;
}

static void mask(struct hand *h, int value, int groups)
{
    const struct cpu *c = h->cpu;
    const struct layout l = layout_of(c, value, c->half);
    if (!masked(c, value))
        return;
    for (int g = 0; g < groups; g++)
        layout_mask(&l, act_of(h, value, g),
                    h->grad[c->plan.grad[value]] + (size_t)g * group_size(c, value));
}

/* The gradient at the last stage: W transposed times the seed, divided by the
 * number of cells, the same in all of them. */
static void seed_last(struct hand *h, const struct work_batch *b, int vector, int groups)
{
    const struct cpu *c = h->cpu;
    const struct graph *n = c->work.graph;
    int last = c->plan.last;
    const struct layout l = layout_of(c, last, false);
    size_t channels = (size_t)l.c, classes = (size_t)graph_classes(n);
    memset(h->pooled, 0, (size_t)groups * (size_t)c->fc.icell * sizeof(float));
    for (int i = 0; i < b->b.n; i++) {
        size_t at = (size_t)i * (size_t)c->work.opts.gradients + (size_t)vector;
        const float *seed = b->b.seeds + at * classes;
        float *g = h->pooled + i / c->images * c->fc.icell + i % c->images * l.pitch;
        for (size_t k = 0; k < classes; k++) {
            float s = seed[k] / (float)l.cells;
            const float *w = c->plan.linear->w + k * channels;
            for (size_t j = 0; s != 0 && j < channels; j++)
                g[j] += s * w[j];
        }
    }
    for (int g = 0; g < groups; g++)
        layout_spread(&l, h->pooled + g * c->fc.icell,
                      h->grad[c->plan.grad[last]] + (size_t)g * group_size(c, last));
    mask(h, last, groups);
}

/* dx from dy, where it is asked for. */
static void run_dx(struct hand *h, int i, int groups)
{
    const struct cpu *c = h->cpu;
    const struct plan_back *p = &c->plan.back[i];
    const struct step *s = &c->back[i];
    if (!s->op)
        return;
    int in = s->op->in[0];
    const struct conv_call k = {
        .x = h->grad[p->dy],
        .add = p->sum >= 0 ? h->grad[p->sum] : NULL,
        .mask = p->in_whole && masked(c, in) ? act_of(h, in, 0) : NULL,
        .mask_half = c->half,
        .y = h->grad[p->dx],
        .groups = groups,
    };
    if (s->op->kind == GRAPH_CONV) {
        conv_run(&s->conv, &k, h->scratch);
    } else if (s->op->kind == GRAPH_NORM) {
        c->kernels->cells->scale(&s->scale, &k);
    } else {
        if (!k.add)
            memset(k.y, 0, (size_t)groups * group_size(c, in) * sizeof(float));
        c->kernels->cells->max_back(&s->max, act_of(h, in, 0), k.x, k.y, groups);
        if (k.mask)
            mask(h, in, groups);
    }
}

static void run_back(struct hand *h, int i, int groups)
{
    const struct cpu *c = h->cpu;
    const struct plan_back *p = &c->plan.back[i];
    const struct graph_op *op = p->op;
    double since = start(h);
    run_dx(h, i, groups);
    if (p->res_sum >= 0)
        layout_add(h->grad[p->dy], (size_t)groups * group_size(c, op->out), h->grad[p->res_sum]);
    if (graph_addend(op) >= 0 && p->res_whole && c->plan.grad[graph_addend(op)] >= 0)
        mask(h, graph_addend(op), groups);
    stop(h, TIMES + c->plan.steps + i, since);
}

static int cpu_backward(void *hand, struct work_batch *b, struct err *e)
{
    (void)e;
    struct hand *h = hand;
    const struct cpu *c = h->cpu;
    const struct engine_opts *o = &c->work.opts;
    const struct layout l = layout_of(c, o->features, false);
    size_t size = graph_size(c->work.graph, o->features);
    int groups = groups_of(c, b->b.n);
    for (int j = 0; j < o->gradients; j++) {
        double since = start(h);
        seed_last(h, b, j, groups);
        stop(h, TIME_GRADS, since);
        for (int i = 0; i < c->plan.backs; i++)
            run_back(h, i, groups);
        since = start(h);
        for (int i = 0; i < b->b.n; i++) {
            int g = i / c->images, k = i % c->images;
            if (k == 0)
                layout_nchw(
                    &l, h->grad[c->plan.grad[o->features]] + (size_t)g * group_size(c, o->features),
                    images_of(c, b, g), h->one);
            size_t at = (size_t)i * (size_t)o->gradients + (size_t)j;
            memcpy(b->grads + at * size, h->one + (size_t)k * size, size * sizeof(float));
        }
        stop(h, TIME_GRADS, since);
    }
    return 0;
}

/* --- opening --- */

static int pitch_of(const struct cpu *c, int channels)
{
    int multiple = c->tiles ? CONV_TILE_PITCH : CONV_PITCH;
    return (channels + multiple - 1) / multiple * multiple;
}

static struct conv_spec spec_of(const struct cpu *c, const struct graph_op *op, bool back)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    const struct graph_value *from = back ? y : x, *to = back ? x : y;
    return (struct conv_spec){
        .ih = from->h,
        .iw = from->w,
        .ic = from->c,
        .oh = to->h,
        .ow = to->w,
        .oc = to->c,
        .ip = pitch_of(c, from->c),
        .op = pitch_of(c, to->c),
        .gap = c->gap,
        .k = op->k,
        .stride = op->stride,
        .pad = op->pad,
        .back = back,
        .relu = !back && op->act == GRAPH_RELU,
        .half = !back && c->half,
        .exact = c->work.opts.exact,
        .tiles = !back && c->tiles,
        .n = c->images,
        .groups = c->groups,
        .w = op->w,
        .b = back ? NULL : op->b,
        .scale = 1,
    };
}

/* The linear layer as a convolution of one by one, on one cell or on all. */
static struct conv_spec linear_spec(const struct cpu *c, bool maps)
{
    const struct graph_value *last = &c->work.graph->value[c->plan.last];
    int h = maps ? last->h : 1, w = maps ? last->w : 1;
    return (struct conv_spec){
        .ih = h,
        .iw = w,
        .ic = last->c,
        .oh = h,
        .ow = w,
        .oc = graph_classes(c->work.graph),
        .ip = pitch_of(c, last->c),
        .op = pitch_of(c, graph_classes(c->work.graph)),
        .gap = c->gap,
        .k = 1,
        .stride = 1,
        .n = c->images,
        .groups = maps ? 1 : c->groups,
        .w = c->plan.linear->w,
        .b = maps ? NULL : c->plan.linear->b,
        .scale = maps ? 1.0F / (float)(last->h * last->w) : 1,
    };
}

/* Convolutions to be packed, by all cores. */
struct packing {
    const struct conv **conv; /* [count] */
    int count, spans;
    atomic_int next;
};

static void *pack_some(void *arg)
{
    struct packing *p = arg;
    int job;
    while ((job = atomic_fetch_add(&p->next, 1)) < p->spans) {
        int i = 0;
        /* The last ones are the largest. */
        for (job = p->spans - 1 - job; job >= conv_spans(p->conv[i]); i++)
            job -= conv_spans(p->conv[i]);
        conv_pack(p->conv[i], job);
    }
    return NULL;
}

static void add_conv(struct cpu *c, struct packing *p, struct conv *v, const struct conv_spec *s)
{
    conv_open(v, s, s->tiles ? c->tiles : c->kernels);
    if (v->scratch > c->scratch)
        c->scratch = v->scratch;
    p->conv = mem_grow(p->conv, (size_t)p->count + 1, sizeof(struct conv *));
    p->conv[p->count++] = v;
    p->spans += conv_spans(v);
}

static void pack_all(struct cpu *c, struct packing *p)
{
    int helpers = c->work.threads - 1;
    pthread_t *thread = mem_alloc((size_t)helpers + 1, sizeof *thread);
    int started = 0;
    while (started < helpers && pthread_create(&thread[started], NULL, pack_some, p) == 0)
        started++;
    pack_some(p);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    free(thread);
}

static void add_step(struct cpu *c, struct packing *p, struct step *s, const struct graph_op *op,
                     bool back)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    const struct layout l = layout_of(c, op->in[0], c->half && !(back && op->kind == GRAPH_NORM));
    s->op = op;
    if (op->kind == GRAPH_CONV) {
        const struct conv_spec spec = spec_of(c, op, back);
        add_conv(c, p, &s->conv, &spec);
    } else if (op->kind == GRAPH_NORM) {
        scale_open(&s->scale, &l, op->w, back ? NULL : op->b, !back && op->act == GRAPH_RELU);
    } else {
        s->max = (struct max){l, x->h, x->w, y->h, y->w, op->k, op->stride, op->pad};
    }
}

static void close_step(struct step *s)
{
    if (s->op && s->op->kind == GRAPH_CONV)
        conv_close(&s->conv);
    else if (s->op && s->op->kind == GRAPH_NORM)
        scale_close(&s->scale);
}

static void build(struct cpu *c)
{
    const struct plan *p = &c->plan;
    struct packing work = {0};
    c->step = mem_zero((size_t)p->steps + 1, sizeof *c->step);
    c->back = mem_zero((size_t)p->backs + 1, sizeof *c->back);
    for (int i = 0; i < p->steps; i++)
        add_step(c, &work, &c->step[i], p->step[i].op, false);
    for (int i = 0; i < p->backs; i++)
        if (p->back[i].dx >= 0)
            add_step(c, &work, &c->back[i], p->back[i].op, true);
    const struct conv_spec fc = linear_spec(c, false), maps = linear_spec(c, true);
    add_conv(c, &work, &c->fc, &fc);
    if (c->work.opts.class_maps)
        add_conv(c, &work, &c->maps, &maps);
    pack_all(c, &work);
    free(work.conv);
}

/* Images of a group, and groups of a batch: as many as bounded memory allows. */
static void choose_batch(struct cpu *c)
{
    const struct graph *n = c->work.graph;
    const struct engine_opts *o = &c->work.opts;
    size_t most = 0, kept = 0, returned = work_returned(n, o);
    bool *depends = mem_zero((size_t)n->values, sizeof *depends);
    if (o->gradients > 0)
        work_depends(n, o->features, depends);
    for (int i = 0; i < n->values; i++) {
        const struct graph_value *v = &n->value[i];
        size_t size = (size_t)v->h * (size_t)v->w * sizeof(float) *
                      (size_t)(pitch_of(c, v->c) + CONV_TILE_GAP);
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

/* The first convolution whose weights are larger than what it reads and writes. */
static int first_wide(const struct cpu *c)
{
    const struct graph *n = c->work.graph;
    for (int i = 0; i < n->ops; i++) {
        if (n->op[i].kind != GRAPH_CONV)
            continue;
        const struct conv_spec s = spec_of(c, &n->op[i], false);
        size_t values = graph_size(n, n->op[i].in[0]) + graph_size(n, n->op[i].out);
        if (conv_weights(&s) > values * (size_t)c->images * sizeof(float))
            return i;
    }
    return n->ops;
}

static const char *form_name(const struct conv *c)
{
    static const char *const name[CONV_FORMS] = {
        [CONV_DIRECT] = "direct",      [CONV_WINO2] = "winograd 2x2",
        [CONV_WINO4] = "winograd 4x4", [CONV_WINO4_STRIDE2] = "winograd 4x4 stride 2",
        [CONV_TILES] = "tiles",
    };
    return name[c->form];
}

/* `size` is an element's. */
static void time_step(const struct cpu *c, struct engine_step *t, const char *name,
                      const struct step *s, size_t size)
{
    snprintf(t->name, sizeof t->name, "%s", name);
    if (!s->op)
        return;
    t->bytes =
        (int64_t)((plan_size(&c->plan, s->op->in[0]) + plan_size(&c->plan, s->op->out)) * size);
    if (s->op->kind != GRAPH_CONV)
        return;
    snprintf(t->name, sizeof t->name, "%s %s", name, form_name(&s->conv));
    t->macs = conv_macs(&s->conv.spec);
    t->done = conv_done(&s->conv);
}

static void time_steps(struct cpu *c)
{
    const struct plan *p = &c->plan;
    const struct graph_value *last = &c->work.graph->value[p->last];
    struct engine_step *t = c->times = mem_zero(timed_steps(c), sizeof *t);
    snprintf(t[TIME_PIXELS].name, sizeof t->name, "normalise");
    t[TIME_PIXELS].bytes = (int64_t)graph_size(c->work.graph, 0) * (int64_t)(1 + element_size(c));
    snprintf(t[TIME_HEAD].name, sizeof t->name, "pool, linear%s",
             c->work.opts.class_maps ? ", class maps" : "");
    t[TIME_HEAD].macs = t[TIME_HEAD].done = (int64_t)last->c * graph_classes(c->work.graph) *
                                            (c->work.opts.class_maps ? last->h * last->w + 1 : 1);
    t[TIME_HEAD].bytes = (int64_t)(graph_size(c->work.graph, p->last) * element_size(c));
    snprintf(t[TIME_TAPS].name, sizeof t->name, "sums");
    for (int i = 0; i < c->work.opts.tap_count; i++)
        t[TIME_TAPS].bytes += (int64_t)(plan_size(p, c->work.opts.taps[i]) * element_size(c));
    snprintf(t[TIME_GRADS].name, sizeof t->name, "gradients in and out");
    for (int i = 0; i < p->steps; i++)
        time_step(c, &t[TIMES + i], p->step[i].name, &c->step[i], element_size(c));
    for (int i = 0; i < p->backs; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.40s backwards",
                 p->step[p->back[i].op - c->work.graph->op].name);
        time_step(c, &t[TIMES + p->steps + i], name, &c->back[i], sizeof(float));
    }
}

static void cpu_close(void *self)
{
    struct cpu *c = self;
    for (int i = 0; c->step && i < c->plan.steps; i++)
        close_step(&c->step[i]);
    for (int i = 0; c->back && i < c->plan.backs; i++)
        close_step(&c->back[i]);
    conv_close(&c->fc);
    conv_close(&c->maps);
    plan_close(&c->plan);
    free(c->step);
    free(c->back);
    free(c->times);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static int check(const struct cpu *c, struct err *e)
{
    const struct graph *n = c->work.graph;
    for (int i = 0; i < n->ops; i++)
        if (n->op[i].k > CONV_LARGEST)
            return err_set(e, "cpu: kernels of %d by %d are too large", n->op[i].k, n->op[i].k);
    if (c->work.opts.precision != ENGINE_F16)
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
            filtered += conv_tile[c->step[i].conv.form].points > 0;
        }
    snprintf(c->about, sizeof c->about,
             "cpu: %s, %s, %d of %d convolutions by Winograd, %d thread%s, batches of %d",
             c->tiles ? c->tiles->name : c->kernels->name, c->half ? "bf16" : "f32", filtered,
             convs, c->work.threads, c->work.threads == 1 ? "" : "s", c->work.batch);
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
        .enter = cpu_enter,
        .leave = cpu_leave,
        .forward = cpu_forward,
        .backward = cpu_backward,
    };
    c->half = o->precision == ENGINE_BF16;
    if (check(c, e) != 0 || isa_kernels(&c->kernels, &c->tiles, e) != 0) {
        cpu_close(c);
        return -1;
    }
    if (!c->half)
        c->tiles = NULL;
    choose_batch(c);
    c->work.batch = c->images * c->groups;
    c->gap = c->tiles ? CONV_TILE_GAP : CONV_GAP;
    c->narrow = first_wide(c);
    const struct plan_layout layout = {
        .multiple = pitch_of(c, 1), .in_place = true, .wide_from = c->narrow};
    if (plan_open(&c->plan, graph, o, &layout, e) != 0) {
        cpu_close(c);
        return -1;
    }
    if (c->narrow > c->plan.steps)
        c->narrow = c->plan.steps;
    layout_table(&c->table, graph->mean, graph->std);
    build(c);
    if (o->timed)
        time_steps(c);
    describe(c);
    if (o->note && c->half && !c->tiles)
        o->note("cpu: bf16 is computed by f32 arithmetic on this processor: hardly "
                "faster than --precision f32, and less exact");
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

static int cpu_steps(const void *self, const struct engine_step **s)
{
    const struct cpu *c = self;
    *s = c->times;
    return c->times ? (int)timed_steps(c) : 0;
}

const struct engine_backend engine_cpu = {
    "cpu", cpu_open, cpu_close, cpu_about, cpu_batch_size, cpu_run, cpu_steps,
};
