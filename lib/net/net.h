/* A network as a flat list of operations, built once from a state dict's names
 * and shapes; batch norm is folded into the convolution before it. */
#ifndef HP_NET_H
#define HP_NET_H

#include "base/err.h"
#include "ckpt/ckpt.h"

#include <stdbool.h>
#include <stdint.h>

enum net_kind {
    NET_CONV,  /* y = conv(x) + bias [+ value res] [then ReLU] */
    NET_MAX,   /* maximum over k by k windows, as after a stem; padding never wins */
    NET_SCALE, /* y = w[c] x + b[c] [+ value res] [then ReLU]: a batch norm that no
                  convolution before it can take in */
    NET_POOL,  /* global average: (c,h,w) -> (c,1,1) */
    NET_LINEAR /* y = W x + bias */
};

/* Values are numbered in order of computation; value 0 is the normalised image. */
struct net_value {
    int c, h, w;
    const char *name; /* "conv1" (the stem), "layer1.0", ... where it is a block's output,
                         "pool", "fc"; NULL inside a block */
};

struct net_op {
    enum net_kind kind;
    int in, out; /* values */
    int res;     /* value added before ReLU, or -1 */
    int k, stride, pad;
    bool relu;
    const float *w; /* folded; conv (oc, ic, k, k), linear (oc, ic), scale (c) */
    const float *b; /* (oc), (c) */
};

struct net {
    int ops, values, classes;
    struct net_op *op;       /* in order of computation */
    struct net_value *value; /* [values] */
    float mean[3], std[3];   /* of pixels scaled to [0,1] */
};

struct net_opts {
    int h, w; /* of the images */
    float mean[3], std[3];
};

/* ResNet of basic blocks with a 3x3 stem of stride 1 and no pooling, for CIFAR;
 * depth, widths and classes from the shapes. What does not fit is refused by the
 * name of the key and the shape expected. The network keeps its own weights. */
int net_build(struct net **n, const struct ckpt *c, const struct net_opts *o, struct err *e);
void net_free(struct net *n);

/* The value that a layer's name stands for: "conv1", "layer3" (its last block),
 * "layer3.0". -1 and the list of names where there is none. */
int net_layer(const struct net *n, const char *name, struct err *e);

/* The last stage: input of the global pooling, whose maps have a closed form. */
int net_last(const struct net *n);

/* Multiply-adds per image. */
int64_t net_macs(const struct net *n);

#endif
