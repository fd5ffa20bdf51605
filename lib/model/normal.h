/* Normalisation of pixels: (x - mean) / std of each channel, x scaled to [0,1]. Of networks of one
 * channel all three numbers are the same. */
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

/* Those that are compared for networks of so many channels, 3 or 1, and how many. */
const struct normal *normal_all(int channels, int *n);

/* What is usual for a network, by its family and the size of its images, and for images of a data
 * set (data_kind). Where the former have no habit: the figures of the data set. Where that has
 * none, either: CIFAR-100's or, for networks of one channel, one half. */
const struct normal *normal_usual(const struct model *m, const char *kind);

/* The constants in use, and where they come from. */
struct normal_use {
    const char *name; /* "cifar10", ... where they are usual, "given" or "stored" */
    int channels;     /* of the network: 3 or 1 */
    float mean[3], std[3];
    char from[256];
    bool usual;      /* no option and no checkpoint tells all of them */
    bool guess_mean; /* neither an option nor the checkpoint nor the kind of images tells it */
    bool guess_std;
    char conflict[600]; /* a sentence, where sources contradict each other, or "" */
};

/* Those that options give ("R,G,B" or one number for all channels, checked by normal_check; or
 * NULL), or else those that the checkpoint holds, or else what is usual for the network and images
 * of that kind. Three numbers for a network of one channel are an error. */
int normal_choose(struct normal_use *u, const struct model *m, struct ckpt *c, const char *kind,
                  const char *mean, const char *std, struct err *e) ERR_CHECKED;

/* "0.4914,0.4822,0.4465", or the one number of a network of one channel, by a format for a double
 * such as "%.6g"; returns buf. */
enum { NORMAL_TEXT = 80 };
const char *normal_text(char buf[NORMAL_TEXT], const char *format, const float v[3], int channels);

/* Whether two pairs of mean and deviation are the same. */
bool normal_same(const float mean[3], const float std[3], const float other_mean[3],
                 const float other_std[3]);

/* Adds the rows mean, std and constants_from. */
void normal_put(struct run *r, const struct normal_use *u);

/* Whether --mean and --std, or NULL, are "R,G,B" or one number each, and both for pixels of one
 * range. */
int normal_check(const char *mean, const char *std, struct err *e) ERR_CHECKED;

#endif
