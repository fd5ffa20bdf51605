/* What operations become: kernels and packed weights. */
#include "engine/cpu/cpu.h"

#include "base/mem.h"
#include "base/pool.h"

#include <stdatomic.h>
#include <stdlib.h>

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
        .ip = cpu_pitch(c, from->c),
        .op = cpu_pitch(c, to->c),
        .gap = c->gap,
        .k = op->y.k,
        .stride = op->y.stride,
        .pad = op->y.before,
        .back = back,
        .relu = !back && op->act == GRAPH_RELU,
        .bf16 = !back && c->bf16,
        .exact = c->work.opts.exact,
        .tiles = !back && c->tiles,
        .n = c->images,
        .microbatches = c->microbatches,
        .w = op->w,
        .b = back ? NULL : op->b,
        .scale = 1,
    };
}

/* The linear layer as a convolution of one by one, on one cell or on all. */
static struct conv_spec linear_spec(const struct cpu *c, bool maps)
{
    const struct graph_value *last = &c->work.graph->value[c->plan.end.value];
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
        .gap = c->gap,
        .k = 1,
        .stride = 1,
        .n = c->images,
        .microbatches = maps ? 1 : c->microbatches,
        .w = c->plan.end.linear->w,
        .b = maps ? NULL : c->plan.end.linear->b,
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

static void add_step(struct cpu *c, struct packing *p, struct step *s, const struct graph_op *op,
                     bool back)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    const struct layout l = cpu_layout(c, op->in[0], c->bf16 && !(back && op->kind == GRAPH_NORM));
    s->op = op;
    if (op->kind == GRAPH_CONV) {
        const struct conv_spec spec = spec_of(c, op, back);
        add_conv(c, p, &s->conv, &spec);
    } else if (op->kind == GRAPH_NORM) {
        scale_open(&s->scale, &l, op->w, back ? NULL : op->b, !back && op->act == GRAPH_RELU);
    } else {
        s->max = (struct max){l, x->h, x->w, y->h, y->w, op->y.k, op->y.stride, op->y.before};
    }
}

static void close_step(struct step *s)
{
    if (s->op && s->op->kind == GRAPH_CONV)
        conv_close(&s->conv);
    else if (s->op && s->op->kind == GRAPH_NORM)
        scale_close(&s->scale);
}

void cpu_open_steps(struct cpu *c)
{
    const struct plan *p = &c->plan;
    struct packing work = {0};
    c->step = mem_zero((size_t)p->steps + 1, sizeof *c->step);
    c->back = mem_zero((size_t)p->backs + 1, sizeof *c->back);
    for (int i = 0; i < p->steps; i++)
        add_step(c, &work, &c->step[i], p->step[i].op, false);
    for (int i = 0; i < p->backs; i++)
        if (!p->back[i].same)
            add_step(c, &work, &c->back[i], p->back[i].op, true);
    const struct conv_spec fc = linear_spec(c, false), maps = linear_spec(c, true);
    add_conv(c, &work, &c->fc, &fc);
    if (engine_wants(&c->work.opts, ENGINE_CLASS_MAPS))
        add_conv(c, &work, &c->maps, &maps);
    pool_parts(c->work.threads, pack_some, &work);
    free(work.conv);
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

/* The first convolution whose weights are larger than what it reads and writes. */
int cpu_first_wide(const struct cpu *c)
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
