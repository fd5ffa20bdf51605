/* Normalisation of pixels: (x - mean) / std of each colour, x scaled to [0,1]. */
#ifndef HP_NORMAL_H
#define HP_NORMAL_H

#include <stdbool.h>

/* Constants by the name they go by. */
struct normal {
    const char *name;
    float mean[3], std[3];
};

/* All of them, and how many. */
const struct normal *normal_all(int *n);

/* What is usual for networks of a family (struct net) with a stem of that side, and for
 * images of a data set (data_kind). Where the former have no habit: CIFAR-10's figures for
 * its images, CIFAR-100's for all others. */
const struct normal *normal_usual(const char *family, int stem, const char *kind);

/* "R,G,B"; `positive`: none may be 0 or less. False where it is something else. */
bool normal_parse(const char *text, bool positive, float v[3]);

#endif
