/* What the values of many images say of each map: means, and how far they would vary. */
#ifndef HP_FAITH_SUMMARY_H
#define HP_FAITH_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

/* The values of all images, NaN where there is none. Grows with the number of images. */
struct summary_table {
    int maps, metrics;
    size_t n;      /* images */
    double *value; /* (n, maps, metrics) */
};

void summary_add(struct summary_table *t, const double *value);
void summary_free(struct summary_table *t);

struct summary_row {
    int64_t images; /* that have a value */
    double mean, low, high;
    /* The mean over the images that have a value of the baseline, too, of the value less that. */
    double difference, difference_low, difference_high;
};

/* row (maps, metrics): means with 95 % intervals by `resamples` bootstrap samples of the images,
 * the same for all maps; NaN where no image has a value. `baseline`: the map that others are
 * compared with, or -1. */
void summary_make(const struct summary_table *t, int baseline, int64_t resamples, uint64_t seed,
                  struct summary_row *row);

#endif
