/* Normalisation of pixels: (x - mean) / std of each colour, x scaled to [0,1]. */
#ifndef HP_NORMAL_H
#define HP_NORMAL_H

#include "model/model.h"
#include "stream/run.h"

#include <stdbool.h>

/* Constants by the name they go by. */
struct normal {
    const char *name;
    float mean[3], std[3];
};

/* All of them, and how many. */
const struct normal *normal_all(int *n);

/* What is usual for networks of a family (struct model) for images of that side, and for
 * images of a data set (data_kind). Where the former have no habit: CIFAR-10's figures for
 * its images, CIFAR-100's for all others. */
const struct normal *normal_usual(const char *family, int side, const char *kind);

/* The constants in use, and where they come from. */
struct normal_use {
    const char *name; /* "cifar10", ... where they are usual, "given" or "stored" */
    float mean[3], std[3];
    char from[256];
    bool usual;         /* no option and no checkpoint tells all of them */
    bool guess;         /* neither options nor the checkpoint nor the kind of images tell them */
    char conflict[600]; /* a sentence, where sources contradict each other, or "" */
};

/* Those that options give ("R,G,B", checked by normal_check; or NULL), or else those that the
 * checkpoint holds, or else what is usual for the network and images of that kind. */
void normal_choose(struct normal_use *u, const struct model *m, struct ckpt *c, const char *kind,
                   const char *mean, const char *std);

/* Whether two pairs of mean and deviation are the same. */
bool normal_same(const float mean[3], const float std[3], const float other_mean[3],
                 const float other_std[3]);

/* Adds the rows mean, std and constants_from. */
void normal_put(struct run *r, const struct normal_use *u);

/* Whether --mean and --std, or NULL, are "R,G,B" each, and both for pixels of one range. */
int normal_check(const char *mean, const char *std, struct err *e) ERR_CHECKED;

#endif
