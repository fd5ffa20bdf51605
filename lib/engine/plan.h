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

/* How a backend keeps values. */
struct plan_layout {
    int multiple;  /* channel counts are padded to a multiple of this */
    bool in_place; /* a convolution may lie where what is added to it lies; what is scaled may
                      always lie where what it reads or adds does */
    int wide_from; /* the operations from this one on are run for a batch at once, those before
                      for a part of it: values that the former read or write, and
                      those kept to the end, are wide */
};

struct plan_step {
    const struct graph_op *op;
    char name[64]; /* "layer1.0 conv2" */
};

/* An operation backwards, on buffers of gradients. */
struct plan_back {
    const struct graph_op *op;
    int dy;
    int dx;         /* -1: the input's gradient is not asked for; may be dy of GRAPH_NORM */
    int sum;        /* dx is added to this buffer, or -1; with in_place it is dx */
    int res_sum;    /* dy is added to this buffer, or -1 */
    bool in_whole;  /* nothing is added to the input's gradient after this */
    bool res_whole; /* nothing is added to that of the addend after this */
};

struct plan {
    const struct graph *graph;
    struct plan_layout layout;
    int *pad;   /* [values] channels as stored */
    bool *wide; /* [values] */
    struct graph_closed end;
    struct plan_step *step; /* [steps] all operations before the end, in order */
    int steps;
    struct plan_back *back; /* [backs] */
    int backs;
    struct plan_pool acts, grads;
    int *act, *grad; /* [values] buffers, -1 for none */
    bool *passed;    /* [values] whether a gradient goes on from a value through what made it */
};

/* Whether a plan can be made: of a graph that ends in the closed form (graph_closed) and has
 * nothing but convolutions, norms and maxima before it, for gradients of values up to the last
 * stage. 0, or -1 and a message that begins with the backend's name. */
int plan_check(const char *backend, const struct graph *g, const struct engine_opts *o,
               struct err *e) ERR_CHECKED;

/* For a graph that plan_check() found right. Caller closes. */
void plan_open(struct plan *p, const struct graph *g, const struct engine_opts *o,
               const struct plan_layout *l);
void plan_close(struct plan *p);

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
