/* Small versions of images, by which those are found and compared that show the same. */
#ifndef HP_THUMB_H
#define HP_THUMB_H

#include <stdbool.h>
#include <stdint.h>

enum {
    THUMB_SIDE = 32,
    THUMB_SHIFT = 4, /* pixels of a thumbnail that another is moved by, at most */
    THUMB_AROUND = 3,
    THUMB_INNER = THUMB_SIDE - 2 * THUMB_AROUND,
    THUMB_PERIODS = 8,   /* of the finest wave */
    THUMB_SPECTRUM = 106 /* waves */
};

/* The detail of one channel: each value less the mean of the square of THUMB_AROUND pixels around
 * it, in units of 8 / 49, where the whole square is in the image. Light and dark halves, as of sky
 * and land, have no part in it: many images share those. */
struct thumb {
    int16_t detail[THUMB_INNER * THUMB_INNER];
};

/* What all spectra are computed with. */
struct thumb_waves {
    float weight[THUMB_SIDE]; /* of the window */
    float cosine[THUMB_PERIODS + 1][THUMB_SIDE], sine[THUMB_PERIODS + 1][THUMB_SIDE];
};
void thumb_waves(struct thumb_waves *w);

/* Of the luma of pixels (3, h, w) of any size; and spectrum[THUMB_SPECTRUM], the roots of the
 * amplitudes of its waves under a Hann window. Where things stand has no part in them, so moved
 * copies are near each other. */
void thumb_make(struct thumb *t, float *spectrum, const uint8_t *pixels, int h, int w,
                const struct thumb_waves *waves);

/* The three channels. */
void thumb_make_color(struct thumb t[3], const uint8_t *pixels, int h, int w);

/* How well one image fits another that is moved: */
struct thumb_fit {
    double correlation; /* of the details that both show, from -1 to 1; -1 where one of them has
                           none. Neither brightness nor contrast has a part in it */
    int dy, dx;         /* pixel (y, x) of the one is (y + dy, x + dx) of the other */
};

/* The best fit of all shifts; of several the one of the least shift. */
struct thumb_fit thumb_compare(const struct thumb *a, const struct thumb *b);

/* The correlation of all three channels under a shift. */
double thumb_correlate(const struct thumb a[3], const struct thumb b[3], int dy, int dx);

#endif
