/* What operations become: kernels and packed weights. */
#include "engine/cpu/kinds.h"

#include "base/mem.h"
#include "base/pool.h"

#include <stdatomic.h>
#include <stdlib.h>

/* The linear layer of the closed form as a convolution of one by one, on one cell or on all. */
static struct conv_spec linear_spec(const struct cpu *c, bool maps)
{
    const struct graph_closed end = graph_closed(c->work.graph);
    const struct graph_value *last = &c->work.graph->value[end.value];
    int h = maps ? last->h : 1, w = maps ? last->w : 1;
    return (struct conv_spec){
        .ih = h,
        .iw = w,
        .ic = last->c,
        .oh = h,
        .ow = w,
        .oc = graph_classes(c->work.graph),
        .ip = cpu_pitch(c, last->c),
        .op = cpu_pitch(c, graph_classes(c->work.graph)),
        .igap = cpu_gap(c, last->c),
        .ogap = cpu_gap(c, graph_classes(c->work.graph)),
        .y = graph_windows(1, 1, 0),
        .x = graph_windows(1, 1, 0),
        .n = c->images,
        .microbatches = maps ? 1 : c->microbatches,
        .w = end.linear->w,
        .b = maps ? NULL : end.linear->b,
        .scale = maps ? 1.0F / (float)(last->h * last->w) : 1,
    };
}

/* Convolutions to be packed, by all cores. */
struct packing {
    const struct conv **conv; /* [count] */
    int count, spans;
    float **held; /* [holds] */
    int holds;
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

void packing_add(struct cpu *c, struct packing *p, struct conv *v, const struct conv_spec *s)
{
    struct conv_spec spec = *s;
    spec.kept = c->work.opts.kept;
    conv_open(v, &spec, s->tiles ? c->tiles : c->kernels);
    if (v->scratch > c->scratch)
        c->scratch = v->scratch;
    if (v->packed)
        return;
    p->conv = mem_grow(p->conv, (size_t)p->count + 1, sizeof(struct conv *));
    p->conv[p->count++] = v;
    p->spans += conv_spans(v);
}

const float *packing_hold(struct packing *p, float *w)
{
    p->held = mem_grow(p->held, (size_t)p->holds + 1, sizeof *p->held);
    p->held[p->holds++] = w;
    return w;
}

static void packing_close(struct packing *p)
{
    for (int i = 0; i < p->holds; i++)
        free(p->held[i]);
    free(p->held);
    free(p->conv);
}

/* What inputs take in the other type. */
static void want_cast(struct cpu *c, const struct graph_op *op)
{
    for (int k = 0; k < op->ins; k++) {
        const int in = op->in[k];
        const size_t bytes = cpu_microbatch_size(c, in) * (size_t)c->microbatches * sizeof(float);
        if (cpu_casts(c, op, k) && bytes > c->cast)
            c->cast = bytes;
    }
}

static void close_step(struct step *s)
{
    if (s->op && kinds[s->op->kind].close)
        kinds[s->op->kind].close(s);
}

/* Convolutions and linear layers do functions behind them, in place. */
static void fuse_functions(struct cpu *c)
{
    const struct plan *p = &c->plan;
    if (c->bf16 || engine_wants(&c->work.opts, ENGINE_SUMS))
        return;
    for (int i = 0; i + 1 < p->steps; i++) {
        const struct graph_op *a = p->step[i].op, *b = p->step[i + 1].op;
        if (cpu_fuses(c, a, b) && p->act[a->out] == p->act[b->out]) {
            if (b->function == GRAPH_CLIP)
                c->step[i].clip = b;
            else
                c->step[i].then = &c->step[i + 1].each;
            c->step[i + 1].done = true;
        }
    }
}

void cpu_open_steps(struct cpu *c)
{
    const struct plan *p = &c->plan;
    struct packing work = {0};
    c->step = mem_zero((size_t)p->steps + 1, sizeof *c->step);
    c->back = mem_zero((size_t)p->backs + 1, sizeof *c->back);
    for (int i = 0; i < p->steps; i++) {
        const struct graph_op *op = c->step[i].op = p->step[i].op;
        kinds[op->kind].open(c, &work, &c->step[i], -1);
        want_cast(c, op);
    }
    fuse_functions(c);
    for (int i = 0; i < p->backs; i++) {
        if (p->back[i].same)
            continue;
        c->back[i].op = p->back[i].op;
        kinds[p->back[i].op->kind].open(c, &work, &c->back[i], p->back[i].input);
    }
    if (p->end.value >= 0) {
        const struct conv_spec fc = linear_spec(c, false);
        packing_add(c, &work, &c->fc, &fc);
    }
    if (engine_wants(&c->work.opts, ENGINE_CLASS_MAPS)) {
        const struct conv_spec maps = linear_spec(c, true);
        packing_add(c, &work, &c->maps, &maps);
    }
    pool_parts(c->work.threads, pack_some, &work);
    packing_close(&work);
}

void cpu_close_steps(struct cpu *c)
{
    for (int i = 0; c->step && i < c->plan.steps; i++)
        close_step(&c->step[i]);
    for (int i = 0; c->back && i < c->plan.backs; i++)
        close_step(&c->back[i]);
    conv_close(&c->fc);
    conv_close(&c->maps);
    free(c->step);
    free(c->back);
}

enum {
    SMALL_WEIGHTS = 256 << 10, /* bytes that are quick to read again */
    LARGE_WEIGHTS = 1 << 20,   /* least that leave no room for values in a second cache */
    LARGE_VALUES = 2 << 20     /* of a microbatch, least that do not stay in one */
};

/* Whether reading the weights for each microbatch takes longer than keeping the values of all. The
 * small layers that squeeze and excite are no reason: what follows them is large again. */
static bool is_wide(size_t weights, size_t values)
{
    if (weights <= SMALL_WEIGHTS)
        return false;
    return weights > values ||
           (weights > LARGE_WEIGHTS && values > LARGE_VALUES && weights > values / 4);
}

/* The first product that is run for all microbatches at once. */
int cpu_first_wide(const struct cpu *c)
{
    const struct graph *n = c->work.graph;
    for (int i = 0; i < n->ops; i++) {
        const struct graph_op *op = &n->op[i];
        if ((op->kind != GRAPH_CONV && op->kind != GRAPH_LINEAR) || op->groups > 1)
            continue;
        const struct conv_spec s = cpu_conv_spec(c, op, false);
        size_t values = graph_size(n, op->in[0]) + graph_size(n, op->out);
        if (is_wide(conv_weights(&s), values * (size_t)c->images * sizeof(float)))
            return i;
    }
    return n->ops;
}
