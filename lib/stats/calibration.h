/* How far confidences are from the share of correct predictions, and how far they would be
 * by chance alone if they were right. */
#ifndef HP_CALIBRATION_H
#define HP_CALIBRATION_H

#include "stats/sum.h"

#include <stdbool.h>
#include <stdint.h>

/* Bins of confidence. Equal-width ones are (0, 1/15], (1/15, 2/15], ..., 0 in the first and 1 in
 * the last. */
enum { CALIBRATION_BINS = 15 };

int calibration_bin_of(double conf); /* of equal width */

struct calibration_bin {
    int64_t images, correct;
    struct sum conf;
    struct sum variance; /* of the number of correct predictions, were each as likely
                            correct as its confidence says: sum of conf * (1 - conf) */
};

/* All zero: no image yet. */
struct calibration {
    struct calibration_bin bin[CALIBRATION_BINS];
};

void calibration_add(struct calibration *c, double conf, bool correct);

/* The same in a bin of another rule. */
void calibration_add_to(struct calibration *c, int bin, double conf, bool correct);

/* Shares of 1; all NaN without images. */
struct calibration_error {
    double ece;             /* sum over bins of |accuracy - mean confidence| * share of the images:
                               Guo et al., On calibration of modern neural networks, ICML 2017,
                               equations 3 and 5 */
    double mce;             /* the largest such difference, equation 4 */
    double over;            /* the part of ece from bins whose confidence is above their accuracy */
    double under;           /* the part from bins whose confidence is below it */
    double chance;          /* the ece to expect on as many images if every confidence were right:
                               sqrt(2 variance / pi) of each bin, the mean of a half-normal */
    double p;               /* one-sided p of an ece as large, if they were */
    double over_p, under_p; /* of parts as large */
};

struct calibration_error calibration_error(const struct calibration *c);

struct calibration_far {
    double from; /* its confidences are above this */
    double to;   /* up to this */
    int64_t images;
    double conf, accuracy; /* of its images */
};

/* A bin with images; its edges are those of equal width. */
void calibration_far_of(const struct calibration *c, int bin, struct calibration_far *far);

/* Of the bins whose confidence is above their accuracy (`over`), or below: the one that is the
 * largest part of the error, and the one with the largest gap among those of at least `images`
 * images. Whether there is one. */
bool calibration_largest_part(const struct calibration *c, bool over, struct calibration_far *far);
bool calibration_largest_gap(const struct calibration *c, bool over, int64_t images,
                             struct calibration_far *far);

#endif
