/* What a network becomes before a device is known: steps, and which of a few buffers
 * holds which value. Sizes are of one image. */
#ifndef HP_CUDA_PLAN_H
#define HP_CUDA_PLAN_H

#include "engine/engine.h"

/* Buffers that values share, one after another. */
struct plan_pool {
    size_t *elements; /* [count] room of each, for an image */
    bool *taken;
    int count;
};

struct plan_step {
    const struct net_op *op; /* NET_CONV or NET_MAX */
    char name[64];           /* "layer1.0 conv2" */
};

/* An operation backwards, on buffers of gradients. */
struct plan_back {
    const struct net_op *op;
    int dy;
    int dx;      /* -1: the input's gradient is not asked for */
    int sum;     /* dx is added to this buffer, or -1 */
    int res_sum; /* dy is added to this buffer, or -1 */
};

struct plan {
    const struct net *net;
    int *pad; /* [values] channels as stored */
    int last; /* the last stage, input of the pooling */
    const struct net_op *linear;
    struct plan_step *step; /* [steps] */
    int steps;
    struct plan_back *back; /* [backs] */
    int backs;
    struct plan_pool acts, grads;
    int *act, *grad; /* [values] buffers, -1 for none */
};

/* `multiple`: what channel counts are padded to a multiple of. -1 for a network that
 * does not end in global pooling and one linear layer. */
int plan_open(struct plan *p, const struct net *net, const struct engine_opts *o, int multiple,
              struct err *e);
void plan_close(struct plan *p);

static inline int plan_cells(const struct plan *p, int value)
{
    return p->net->value[value].h * p->net->value[value].w;
}

/* Elements of a value as stored. */
static inline size_t plan_size(const struct plan *p, int value)
{
    return (size_t)p->pad[value] * (size_t)plan_cells(p, value);
}

#endif
