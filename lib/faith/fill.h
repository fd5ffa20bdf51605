/* What changed images are made of. Images are value 0 of a network: (c, h, w), normalised. */
#ifndef HP_FILL_H
#define HP_FILL_H

#include "faith/metrics.h"

#include <stdbool.h>

struct fill_shape {
    int c, h, w;
};

/* What takes the place of an image's pixels, out (c, h, w), for FAITH_GREY, FAITH_MEAN and
 * FAITH_BLUR: a Gaussian with a standard deviation of an eighth of the longer side, so that
 * objects lose their shape. */
void fill_make(enum faith_fill fill, const float *image, struct fill_shape s, float *out);

#endif
