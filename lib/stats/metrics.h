/* Metrics of a set of labelled images that need no matrix: accuracy, confidence, calibration,
 * loss. */
#ifndef HP_METRICS_H
#define HP_METRICS_H

#include "stats/calibration.h"
#include "stats/prediction.h"
#include "stats/sum.h"

#include <stddef.h>
#include <stdint.h>

/* What is counted. All zero: no image yet. */
struct metrics {
    int64_t images, correct;
    /* Of the images whose rows told it: */
    int64_t with_conf, with_rank, with_loss, with_entropy;
    int64_t top5, errors_conf_90, errors_conf_70, correct_conf_50;
    struct sum conf[2], loss, entropy; /* conf[1]: of correct predictions */
    struct calibration calibration;
};

/* One labelled image. */
void metrics_add(struct metrics *m, const struct prediction *a);

/* Images of which nothing is known but whether they are correct. */
void metrics_count(struct metrics *m, int64_t images, int64_t correct);

/* Images by true and by predicted class: truth[] and pred[], all zero at first, have an entry for
 * each class. */
void metrics_add_by_class(struct metrics *truth, struct metrics *pred,
                          const struct prediction *image, size_t n);

/* Shares are fractions of 1; NaN is what has no images, or what not all rows told. */
struct metrics_values {
    int64_t images, correct, errors;
    double accuracy, error_rate;
    double accuracy_low, accuracy_high; /* 95 % interval: share_interval */
    double top5_accuracy;               /* share with rank_true <= 5 */
    double mean_conf, mean_conf_correct, mean_conf_wrong;
    double over_confidence;     /* mean_conf - accuracy */
    double over_low, over_high; /* the same with the ends of the accuracy's interval */
    double errors_conf_90;      /* count: above .9 (stats/band.h) */
    double errors_conf_70;      /* count: above .7 */
    double correct_conf_50;     /* count: up to .5 */
    double ece, mce;            /* see calibration_error */
    double nll;                 /* mean loss */
    double mean_entropy;
};

void metrics_compute(const struct metrics *m, struct metrics_values *v);

#endif
