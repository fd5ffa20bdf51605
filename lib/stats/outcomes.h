/* Labelled images in the order of their confidence: bins of equal width and of equal mass, and
 * risk against coverage, of the images themselves and of resamples of them. */
#ifndef HP_OUTCOMES_H
#define HP_OUTCOMES_H

#include "stats/calibration.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outcome {
    double conf;
    uint32_t image; /* its number among the images */
    bool correct;
};

/* By rising confidence. */
void outcomes_sort(struct outcome *o, size_t n);

/* The kinds of bins: equal width, and as many images in each as equal confidences, which stay
 * together, allow (stats/quantile.h). */
enum { BINS_WIDTH, BINS_MASS, BINS_KINDS };

struct outcome_bins {
    struct calibration calibration;
    double from[CALIBRATION_BINS], to[CALIBRATION_BINS]; /* edges; of equal mass the smallest and
                                                            the largest confidence */
};

/* Of sorted outcomes, n >= 1. */
void outcomes_bins(const struct outcome *o, size_t n, struct outcome_bins bins[BINS_KINDS]);

/* The ece of both kinds of bins in a resample: image i comes times[i] times, n in all. */
void outcomes_ece(const struct outcome *o, size_t n, const uint32_t *times, double ece[BINS_KINDS]);

/* Area under the curve of risk, the share of errors, against coverage, the share of images, when
 * predictions are accepted by falling confidence: the mean risk over the n coverages. Images of
 * equal confidence come in any order; the area is its expectation. Geifman, Uziel and El-Yaniv,
 * Bias-reduced uncertainty estimation for deep neural classifiers, ICLR 2019. `times` as above, or
 * NULL: each once; `harmonic` from outcomes_harmonic for n. */
double outcomes_area(const struct outcome *o, size_t n, const uint32_t *times,
                     const double *harmonic);

/* The sums 1 + 1/2 + ... + 1/k for k from 0 to n. Caller frees. */
double *outcomes_harmonic(size_t n);

/* The same if all errors came last. */
double outcomes_best_area(int64_t images, int64_t errors);

/* A point of that curve: the images whose confidence is at least `threshold`. */
struct outcome_risk {
    double threshold;
    int64_t images, errors;
};

/* The points at which the most confident 1, 2, ... 100 percent are accepted, with all images of the
 * same confidence; each once. Returns how many. */
enum { RISK_POINTS = 100 };
int outcomes_risk(const struct outcome *o, size_t n, struct outcome_risk point[RISK_POINTS]);

#endif
