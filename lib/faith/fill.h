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

/* Whether there is memory for fill_linear(). */
bool fill_linear_fits(struct fill_shape s);

/* out = the image, in which each pixel that is changed[h][w] has become the weighted mean of its
 * neighbours: 1/6 beside, above and below it, 1/12 at its corners, less where the image ends. The
 * changed pixels depend on one another; the system is solved by Cholesky's method. At least one
 * pixel is not changed. (Rong et al. 2022, noisy linear imputation, without the noise.) */
void fill_linear(const float *image, struct fill_shape s, const bool *changed, float *out);

#endif
