/* The first batch norm for any constants of the pixels, without the network: mean and
 * variance of what a convolution computes follow from the moments of the patches that it
 * sees, and those of normalised patches from those of the bytes. */
#ifndef HP_FIT_STEM_H
#define HP_FIT_STEM_H

#include "fit/measure.h"

#include <stdbool.h>

/* How pixels become the network's input. */
struct fit_pixels {
    float mean[3], std[3]; /* of R, G, B scaled to [0,1] */
    bool bgr;              /* the channels are in the order B, G, R */
};

/* Training crops images at random out of a frame of 4 pixels, in most scripts: of black
 * pixels, or of zeros put around what is normalised already. */
enum fit_frame { FIT_FRAME_NONE, FIT_FRAME_BLACK, FIT_FRAME_ZERO, FIT_FRAMES };

struct fit_stem;

/* From a network that was built unfolded, for a network whose first norm's input is the first
 * convolution's output; *s is NULL where that is not so, or where windows are very large. */
int fit_stem_new(struct fit_stem **s, const struct model *m, const struct fit_images *images,
                 struct err *e) ERR_CHECKED;
void fit_stem_free(struct fit_stem *s);

/* Mean over the channels of the first norm of the divergence (fit_figures), for the frame
 * under which it is least, which is set unless `frame` is NULL. `without`: a part that is left
 * out, or -1. */
double fit_stem_divergence(const struct fit_stem *s, const struct fit_pixels *p, int without,
                           enum fit_frame *frame);

/* Mean and standard deviation of the pixels, and the mean of the images' own deviations. */
void fit_stem_pixels(const struct fit_stem *s, float mean[3], float std[3], float each[3]);

/* Moves an image in its frame, by a number that `seed` settles, and mirrors it or not. What
 * comes in is `fill` of each colour. `to` and `from` do not overlap. */
void fit_frame_image(uint8_t *to, const uint8_t *from, int h, int w, const uint8_t fill[3],
                     unsigned seed);

#endif
