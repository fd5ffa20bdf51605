/* What a network becomes before a device is known: steps, and which of a few buffers
 * holds which value. Sizes are of one image. */
#ifndef HP_ENGINE_PLAN_H
#define HP_ENGINE_PLAN_H

#include "engine/backend.h"

/* Buffers that values share, one after another. */
struct plan_pool {
    size_t *elements; /* [count] room of each, for an image */
    bool *wide;       /* [count] holds wide values */
    bool *taken;
    int count;
};

/* Operations that are computed a part of each at a time, in turns. What they read and make has
 * buffers of its own until the last is done; what only one of them reads, it may write over. */
struct plan_group {
    int first, last;
};

/* How a backend keeps values. */
struct plan_layout {
    int multiple;  /* channel counts are padded to a multiple of this */
    bool in_place; /* a convolution may lie where what is added to it lies; what is computed element
                      by element may always lie where what it reads lies */
    unsigned adds; /* kinds (1U << GRAPH_CONV) whose step backwards adds to what is there */
    int wide_from; /* the operations from this one on are run for a batch at once, those before
                      for a part of it: values that the former read or write, and
                      those kept to the end, are wide */
    const struct plan_group *group; /* [ops] of the graph; or NULL: each is alone */
};

struct plan_step {
    const struct graph_op *op;
    char name[64]; /* "layer1.0 conv2" */
};

/* What an operation passes back to one of its inputs, on buffers of gradients. Those of an
 * operation follow one another. */
struct plan_back {
    const struct graph_op *op;
    int input;  /* op->in[input]; an addend is one */
    int dy, dx; /* dx may be dy */
    int sum;    /* -1; or dx is added to this buffer, by the step itself where it is dx */
    bool same;  /* dx equals dy: where it is dy's buffer, nothing is computed, else it is copied */
    bool whole; /* nothing is added to the input's gradient after this */
};

struct plan {
    const struct graph *graph;
    struct plan_layout layout;
    int *pad;   /* [values] channels as stored */
    bool *wide; /* [values] */
    int *use;   /* [values] the last operation that reads it; INT_MAX: kept to the end */
    bool *full; /* [values] f32 in any precision: what averages and linear layers make, and what is
                   made of nothing else */
    /* The closed form, whose two operations are no steps but the backend's own; value -1 and NULL
     * where the graph ends otherwise, or gradients behind the last stage are wanted: then the last
     * step makes the logits. */
    struct graph_closed end;
    int from;               /* what the backward pass begins at: the last stage, or the logits */
    struct plan_step *step; /* [steps] in order */
    int steps;
    struct plan_back *back; /* [backs] */
    int backs;
    struct plan_pool acts, grads;
    int *act, *grad; /* [values] buffers, -1 for none */
    bool *passed;    /* [values] whether a gradient goes on from a value through what made it */
};

/* Of any graph. Caller closes. */
void plan_open(struct plan *p, const struct graph *g, const struct engine_opts *o,
               const struct plan_layout *l);
void plan_close(struct plan *p);

/* Whether a value has the shape of another. */
static inline bool plan_alike(const struct graph *g, int a, int b)
{
    const struct graph_value *v = &g->value[a], *w = &g->value[b];
    return v->c == w->c && v->h == w->h && v->w == w->w;
}

static inline int plan_cells(const struct plan *p, int value)
{
    return p->graph->value[value].h * p->graph->value[value].w;
}

/* Elements of a value as stored, gaps left out. */
static inline size_t plan_size(const struct plan *p, int value)
{
    return (size_t)p->pad[value] * (size_t)plan_cells(p, value);
}

#endif
