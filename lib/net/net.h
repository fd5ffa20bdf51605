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
    const char *key;  /* the same under the checkpoint's names, "conv2_x.0", where they differ */
};

struct net_op {
    enum net_kind kind;
    int in, out; /* values */
    int res;     /* value added before ReLU, or -1 */
    int k, stride, pad;
    bool relu;
    const float *w;  /* folded; conv (oc, ic, k, k), linear (oc, ic), scale (c) */
    const float *b;  /* (oc), (c) */
    const char *key; /* of its weights without ".weight", or NULL */
};

/* A batch norm that was not folded: what the checkpoint says of its input. */
struct net_norm {
    const char *key; /* "layer1.0.bn1" */
    int value;       /* its input */
    double eps;
    float *mean, *var; /* [channels of the value] */
};

enum { NET_STAGES = 16, NET_TEXT = 96 };

/* Where the shortcuts of pre-activation blocks begin: before the block's first norm and
 * ReLU or after them, or after them where they have a convolution alone. */
enum net_preact { NET_PREACT_USUAL, NET_PREACT_BEFORE, NET_PREACT_MIXED, NET_PREACT_AFTER };

/* What a shortcut without keys does where shapes change: every second pixel, and zeros for
 * the further channels on both sides, or behind. */
enum net_shortcut { NET_SHORT_USUAL, NET_SHORT_CONV, NET_SHORT_PAD, NET_SHORT_PAD_END };

/* What a checkpoint's keys cannot show. Zero stands for what is usual in the family. */
struct net_assume {
    bool bgr; /* the order of the input's channels; constants stay in the order R, G, B */
    int stem_stride;
    enum { NET_POOL_USUAL, NET_POOL_NONE, NET_POOL_MAX } pool; /* behind the stem: 3x3, stride 2 */
    int stride_at; /* which convolution of a bottleneck has the stride, from 1 */
    enum net_shortcut shortcut;
    enum net_preact preact;
    double eps;              /* of batch norms */
    int strides[NET_STAGES]; /* of the stages */
    int stages;              /* how many of them are given */
    char prefix[NET_TEXT];   /* of the keys, "model." */
    char state[NET_TEXT];    /* path of the state dict, for ckpt_open() */
    unsigned given;          /* a bit for each key that was read, see net_assume_network() */
};

struct net {
    int ops, values, classes;
    struct net_op *op;       /* in order of computation */
    struct net_value *value; /* [values] */
    struct net_norm *norm;   /* [norms] of a network that is not folded */
    int norms;
    float mean[3], std[3];     /* of pixels scaled to [0,1]; may be set until an engine opens */
    int stem;                  /* side of its window */
    const char *family;        /* "torchvision" */
    const char *known_by;      /* the keys it is known by */
    const char *about;         /* "names of torchvision: basic blocks 3-4-6-3, 100 classes" */
    const char *assumptions;   /* what keys do not show, in words of --assume */
    struct net_assume assumed; /* the same, with what is usual filled in; zero where there is no
                                  choice */
    double eps;                /* of batch norms */
    int64_t parameters;        /* of the checkpoint's tensors in use, statistics left out */
};

/* Words of --assume for the help of a program. */
#define NET_ASSUME_HELP                                                                            \
    "What the keys of a checkpoint do not show, KEY=VALUE,...: channels=rgb|bgr, "                 \
    "stem-stride=1|2, pool=none|max, "                                                             \
    "strides=1:2:2:2 (of the stages), stride-at=conv1|conv2 (of a bottleneck), "                   \
    "shortcut=conv|pad|pad-end, preact-shortcut=before|mixed|after, eps=1e-5, prefix=KEYS, "       \
    "state=PATH. Default: the usual choice of code with these key names; -v and model-info show "  \
    "it."

/* Reads KEY=VALUE,... into a zeroed struct. */
int net_assume_parse(struct net_assume *a, const char *text, struct err *e);

/* The first key given that is about the network, as all but `state` are: where no network is
 * built it would have no effect, and net_build() refuses those that have none. NULL where
 * there is none. */
const char *net_assume_network(const struct net_assume *a);

struct net_opts {
    int h, w; /* of the images */
    float mean[3], std[3];
    const struct net_assume *assume; /* NULL: all as usual */
    bool unfolded;                   /* keep batch norms as operations of their own */
    void (*note)(const char *text);  /* what a user may want to know; may be NULL */
};

/* A residual network from the keys and shapes of a checkpoint, in any of the families of
 * lib/net/family.c; depth, widths and classes from the shapes. What does not fit is
 * refused by the name of the key and the shape expected, before any number is read. The
 * network has its own weights. */
int net_build(struct net **n, struct ckpt *c, const struct net_opts *o, struct err *e);

/* The side of the images that a network with a stem like this one is usually trained on:
 * 224 as for ImageNet, or 32 as for CIFAR. For advice: the checkpoint does not tell it. */
int net_usual_side(const struct net *n);
void net_free(struct net *n);

/* The linear layer alone: weights (classes, channels) and biases, which the caller
 * frees. */
struct net_head {
    int classes, channels;
    float *w, *b;
};
int net_head(struct net_head *h, struct ckpt *c, const struct net_assume *a, struct err *e);

/* The value that a layer's name stands for: "conv1", "layer3" (its last block),
 * "layer3.0", or the checkpoint's own name of it. -1 and the list of names where there is
 * none. */
int net_layer(const struct net *n, const char *name, struct err *e);

/* The last stage: input of the global pooling, whose maps have a closed form. */
int net_last(const struct net *n);

/* The deepest stage, or "conv1", before value `layer` whose grid has at least `side` cells
 * on either side, into name[room]; false where there is none. */
bool net_finer(const struct net *n, int layer, int side, char *name, size_t room);

/* Multiply-accumulates per image, of an operation and of all. */
int64_t net_op_macs(const struct net *n, const struct net_op *op);
int64_t net_macs(const struct net *n);

#endif
