/* What each kind of operation is on the CPU: one row of a table, where a new kind is added. */
#ifndef HP_CPU_KINDS_H
#define HP_CPU_KINDS_H

#include "engine/cpu/cpu.h"

/* A step forwards. */
struct call {
    const void *x[GRAPH_INPUTS]; /* of the result's type, but for KIND_MIXES; or NULL */
    void *y;
    int microbatches;
    /* The rows of the result to be made; of one microbatch where they are not all. y begins with
     * the first, and so do x, but for one that windows go over: that begins with its row x0, and
     * those of one row. */
    int y0, y1, x0;
};

/* A step backwards, to one input. */
struct back_call {
    int input;
    const void *x[GRAPH_INPUTS], *y; /* the values, where the operation keeps them */
    const float *dy;
    float *dx;
    bool add;         /* to dx; else it is stored, or 0 before */
    const void *mask; /* with KIND_MASKS: dx is 0 where this is not positive; or NULL */
    bool mask_bf16;
    int microbatches;
};

enum {
    KIND_MIXES = 1,  /* takes inputs of either type */
    KIND_STORES = 2, /* backwards, dx need not be 0 where nothing is added to it, but for inputs
                        that an operation spreads */
    KIND_MASKS = 4,  /* backwards, applies the mask */
    KIND_ROWS = 8    /* forwards, makes some rows alone; convolutions do if they are direct */
};

struct kind {
    unsigned does;
    /* Makes the step of s->op, forwards or to an input; -1 for forwards. */
    void (*open)(struct cpu *c, struct packing *p, struct step *s, int input);
    void (*close)(struct step *s); /* NULL where there is nothing to free */
    void (*forward)(const struct worker *w, const struct step *s, const struct call *k);
    /* NULL where the gradient is always that of the result */
    void (*back)(const struct worker *w, const struct step *s, const struct back_call *k);
};

extern const struct kind kinds[GRAPH_KINDS];

/* The convolution that an operation of a kind with products is, groups left aside. */
struct conv_spec cpu_conv_spec(const struct cpu *c, const struct graph_op *op, bool back);

/* A convolution of each channel by itself. */
static inline bool cpu_is_depthwise(const struct cpu *c, const struct graph_op *op)
{
    return op->kind == GRAPH_CONV && op->groups > 1 &&
           op->groups == c->work.graph->value[op->in[0]].c &&
           op->groups == c->work.graph->value[op->out].c;
}

/* Channels of a group of a convolution with groups that ops.h's `depth` computes; 0 for others. */
static inline int cpu_group(const struct cpu *c, const struct graph_op *op, bool back)
{
    if (op->kind != GRAPH_CONV)
        return 0;
    if (cpu_is_depthwise(c, op))
        return 1;
    const int in = c->work.graph->value[op->in[0]].c, out = c->work.graph->value[op->out].c;
    const int group = in == out ? in / op->groups : 0;
    return !back && !cpu_half(c, op->out) && (group == 4 || group == 8) && op->groups > 1 &&
                   op->y.k == 3 && op->x.k == 3 && op->y.gap == 0 && op->x.gap == 0 &&
                   op->x.stride <= 2
               ? group
               : 0;
}

/* Whether `op` is a function that the convolution or linear layer `before` it can do, where both
 * write one buffer: a clip, or any behind products that are direct. */
static inline bool cpu_fuses(const struct cpu *c, const struct graph_op *before,
                             const struct graph_op *op)
{
    if (op->kind != GRAPH_FUNCTION || op->in[0] != before->out || before->act != GRAPH_NONE ||
        (before->kind != GRAPH_CONV && before->kind != GRAPH_LINEAR))
        return false;
    if (before->kind == GRAPH_CONV && op->function == GRAPH_CLIP)
        return true;
    const struct conv_spec s = cpu_conv_spec(c, before, false);
    return before->groups <= 1 && conv_choose(&s) == CONV_DIRECT;
}

/* Whether input k of an operation is turned into the other type before it is read. */
static inline bool cpu_casts(const struct cpu *c, const struct graph_op *op, int k)
{
    return !(kinds[op->kind].does & KIND_MIXES) && cpu_half(c, op->in[k]) != cpu_half(c, op->out);
}

/* --- steps.c: weights to be packed, by all cores --- */

/* Opens a convolution whose weights are to be packed. */
void packing_add(struct cpu *c, struct packing *p, struct conv *v, const struct conv_spec *s);

/* Keeps an array until all are packed. */
const float *packing_hold(struct packing *p, float *w);

#endif
