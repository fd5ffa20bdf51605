/* From a checkpoint to a network: a graph with its numbers, and what the checkpoint was found
 * to be: in any of the families of model/family.c. */
#ifndef HP_MODEL_H
#define HP_MODEL_H

#include "base/err.h"
#include "ckpt/ckpt.h"
#include "graph/graph.h"
#include "model/assume.h"

#include <stdbool.h>
#include <stdint.h>

/* A batch norm that was not folded: what the checkpoint says of its input. */
struct model_norm {
    const char *key; /* "layer1.0.bn1" */
    int value;       /* its input */
    double eps;
    float *mean, *var; /* [channels of the value] */
};

struct model {
    struct graph *graph;
    struct model_norm *norm; /* [norms] of one that is not folded */
    int norms;
    /* What the checkpoint was found to be: */
    const char *family;       /* "torchvision" */
    const char *known_by;     /* the keys it is known by */
    bool program;             /* says itself what it computes: torch.export, ONNX */
    bool any_size;            /* of a program: that of its images is open */
    uint64_t applied;         /* bit i: a program applies constants_list()[i] to its pixels */
    bool statistics;          /* there are batch norms that recorded their input, folded or not */
    char *state;              /* path of the state dict in the checkpoint, or "" */
    char prefix[ASSUME_TEXT]; /* of its keys, or "" */
    bool bottleneck;          /* else basic blocks */
    const char *design;       /* "DenseNet" where it is no residual network, else NULL */
    int stages;
    int blocks[ASSUME_STAGES]; /* of each stage */
    int side;                  /* of the images that such a network is usually trained on: 224 as
                                  for ImageNet, or 32 as for CIFAR; the checkpoint does not tell */
    int others[ASSUME_STAGES]; /* strides of the stages in another repository with the same keys;
                                  0 where there is none */
    int64_t parameters;        /* of the tensors in use, statistics left out */
    struct assume assumed;     /* with what is usual filled in; zero where there is no choice */
    /* Of a network that no family names, which was read by structure (model/structure.h): */
    char *structure; /* what stands where, by its keys; else NULL */
    char *misfit;    /* "m.pth: ...": why it is of no family */
    int chain;       /* convolutions of a plain net, or 0 */
    int readings;    /* how many readings there are */
    int heads;       /* and how many linear layers they end with */
    bool led;        /* as in struct structure_reading */
    bool stacked;    /* several linear layers end it, as a projection does */
};

/* Dropout in training, in blocks: in front of their last convolution or, behind the one before,
 * in front of its norm. It changes what norms record, and nothing else. */
enum model_dropped { MODEL_DROPPED_NONE, MODEL_DROPPED_CONV, MODEL_DROPPED_NORM };

struct model_dropout {
    enum model_dropped place;
    float rate;
};

struct model_opts {
    int h, w;                     /* of the images; 0: those of the program, see model_sized */
    float mean[3], std[3];        /* of pixels scaled to [0,1]; may be set in the graph later; of a
                                     network of one channel, the first */
    const struct assume *assume;  /* NULL: all as usual */
    int side;                     /* of the images of a program that leaves their size open, where
                                     h is 0; 0: such a program is refused */
    struct model_dropout dropout; /* runs as in training */
    bool unfolded;                /* keep batch norms as operations of their own */
    bool unproved;                /* build what is read by structure alone, too: either nothing is
                                     computed with it, or images prove it (fit/prove.h) */
    bool again; /* what there is to say of the file was said when it was opened before */
    void (*note)(const char *text); /* what a user may want to know; may be NULL */
};

/* Depth, widths and classes come from the shapes. What does not fit is refused by the name of
 * the key and the shape expected, before any number is read. The model has its own weights: the
 * checkpoint may be closed. Caller closes. */
int model_open(struct model **m, struct ckpt *c, const struct model_opts *o, struct err *e)
    ERR_CHECKED;
void model_close(struct model *m);

/* Whether a checkpoint is a program, which may say how large its images are: 1, 0, or -1. */
int model_sized(struct ckpt *c, struct err *e) ERR_CHECKED;

/* Channels of the images as the network sees them: 3 or 1. */
static inline int model_channels(const struct model *m)
{
    return m->graph->value[0].c;
}

/* "names of torchvision: basic blocks 3-4-6-3, 100 classes", and of a program, which says itself
 * what it computes, "network of ONNX: 13 operations, 100 classes". Caller frees. */
#define MODEL_PROGRAM "network of "
char *model_describe(const struct model *m) __attribute__((warn_unused_result));

/* The linear layer that makes the logits: weights (classes, channels) and biases, which the caller
 * frees. -1 where something else makes them. */
struct model_head {
    int classes, channels;
    float *w, *b;
};
int model_head(struct model_head *h, const struct model *m) __attribute__((warn_unused_result));

#endif
