/* What changed images are made of. Images are value 0 of a network: (c, h, w), normalised. */
#ifndef HP_FILL_H
#define HP_FILL_H

#include "faith/metrics.h"

#include <stdbool.h>

enum { FILL_CHANNELS = 4 };

struct fill_shape {
    int c, h, w;
};

/* What takes the place of an image's pixels, out (c, h, w), for FAITH_GREY, FAITH_MEAN and
 * FAITH_BLUR: a Gaussian with a standard deviation of an eighth of the longer side, so that
 * objects lose their shape. */
void fill_make(enum faith_fill fill, const float *image, struct fill_shape s, float *out);

/* out = the image, in which each pixel that is changed[h][w] has become the weighted mean of its
 * neighbours: 1/6 beside, above and below it, 1/12 at its corners, less where the image ends. The
 * changed pixels depend on one another; the system is solved until the digits of a float stand. At
 * least one pixel is not changed, and there are at most FILL_CHANNELS channels. Memory and time
 * grow like the number of pixels. (Rong et al. 2022, noisy linear imputation, without the noise.)
 */
void fill_linear(const float *image, struct fill_shape s, const bool *changed, float *out);

#endif
