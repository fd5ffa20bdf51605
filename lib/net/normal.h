/* Normalisation of pixels: (x - mean) / std of each colour, x scaled to [0,1]. */
#ifndef HP_NORMAL_H
#define HP_NORMAL_H

#include <stdbool.h>

/* What is usual for the images of a data set (data_kind): CIFAR-10's own figures,
 * for all others those of CIFAR-100. */
void normal_default(const char *kind, float mean[3], float std[3]);

/* "R,G,B"; `positive`: none may be 0 or less. False where it is something else. */
bool normal_parse(const char *text, bool positive, float v[3]);

#endif
