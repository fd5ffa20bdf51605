/* Constants of the pixels that a checkpoint holds: buffers of a first module that normalises
 * ("normalizer.new_mean"), or lists and tensors beside the state dict ("config.mean"). */
#ifndef HP_CONSTANTS_H
#define HP_CONSTANTS_H

#include "ckpt/ckpt.h"

#include <stdbool.h>

struct model;

enum { CONSTANTS_MOST = 64 };

struct constants {
    float mean[3], std[3]; /* of pixels scaled to [0,1] */
    bool bytes;            /* stored for 0 to 255: they were divided */
    bool inside;           /* `where` are tensors of a program, which applies them to its pixels
                              itself: mean and std leave pixels as it takes them */
    char where[160];       /* of the mean; buffers go first */
    char other[160];       /* where other constants are, or "" */
    char refused[160];     /* where a pair of three lies that are no constants of pixels, or "" */
};

/* Those of the checkpoint that a network was read from, for its 3 channels or 1; of one, all three
 * numbers are the same. False where there are none. Entries need a checkpoint that was opened with
 * its extras. */
bool constants_find(struct constants *s, struct ckpt *c, const struct model *m);

/* Whether a tensor is such a mean or deviation. */
bool constants_is(const struct ckpt *c, const struct ckpt_tensor *t);

/* The first of them in the order of the file; how many. */
int constants_list(const struct ckpt *c, const struct ckpt_tensor *list[CONSTANTS_MOST]);

/* Brings constants to pixels from 0 to 1: a mean or deviation above 2 can only be of pixels from
 * 0 to 255, and then both are divided by 255, which *bytes tells. NULL for one that is not given.
 * False where they are constants of no pixels: out of range, or one is of 0 to 255 and all of
 * the other at most 1. */
bool constants_scale(float mean[3], float std[3], bool *bytes);

#endif
