/* How well the confidences of labelled images are calibrated, with intervals, and what a
 * temperature would change. */
#ifndef HP_ASSESSMENT_H
#define HP_ASSESSMENT_H

#include "stats/metrics.h"
#include "stats/outcomes.h"
#include "stats/temperature.h"

#include <stdbool.h>
#include <stdint.h>

/* A value with its 95 % interval; NaN where not known. */
struct measured {
    double value, low, high;
};

/* The confidences of the images as they are, or after the temperature of the other folds. */
struct confidences {
    struct outcome *outcome; /* [n] sorted */
    struct outcome_bins bins[BINS_KINDS];
    struct calibration_error error[BINS_KINDS];
    /* Intervals by bootstrap (stats/bootstrap.h), made anew in each resample. The lower end of an
     * ece is lower by what chance gives a calibrated model, and at least 0. */
    struct measured ece[BINS_KINDS], nll;
    double mean_conf;
};

struct assessment {
    size_t n;
    struct metrics_values all;
    struct confidences now;
    struct measured area; /* outcomes_area */
    double best_area;     /* outcomes_best_area */
    /* What is not known without a temperature is NaN, and `after` all zero. */
    bool mended;
    struct measured temperature;
    struct confidences after;
    struct measured ece_change[BINS_KINDS], nll_change; /* after less now, in the same resamples */
};

/* Of n images, 0 < n < 2^32, which have a confidence. `t` NULL: no temperature was asked for. The
 * nll is that of t->loss, without it of the images' loss. Caller frees. */
struct assessment *assessment_new(const struct prediction *image, size_t n,
                                  const struct temperature *t, int64_t resamples, uint64_t seed);
void assessment_free(struct assessment *a);

#endif
