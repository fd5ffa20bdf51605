/* How far a measure of images would vary among other samples of as many: the bootstrap of Efron,
 * Bootstrap methods: another look at the jackknife, 1979. */
#ifndef HP_BOOTSTRAP_H
#define HP_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

enum { BOOTSTRAP_MOST = 1000000 }; /* resamples */

/* Draws n of n images, 0 < n < 2^32, with replacement: times[i] is how often image i came. */
void bootstrap_draw(uint64_t *state, uint32_t n, uint32_t *times);

/* The 95 % interval of a measure from its values in `n` resamples, which are sorted: the estimate
 * less the quantiles of their deviations from their mean. A bias that the resamples add to that of
 * the estimate is so left out. NaN where n is 0. */
void bootstrap_interval(double *value, size_t n, double estimate, double *low, double *high);

/* The same of a mean, which its resamples do not bias: the quantiles of their values, within which
 * no value lies that a mean cannot have. */
void bootstrap_mean_interval(double *value, size_t n, double *low, double *high);

#endif
