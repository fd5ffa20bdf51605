/* How a share is spread over many images, and whether it differs between two sets
 * of them. Values are counted in steps of 0.0001, so that memory does not grow
 * with the images and their order does not matter. */
#ifndef HP_SPREAD_H
#define HP_SPREAD_H

#include <stdint.h>

enum { SPREAD_STEPS = 10000 };

struct spread {
    int64_t n;
    int64_t at[SPREAD_STEPS + 1]; /* values that round to i / SPREAD_STEPS */
};

/* A value within [0, 1]; what lies outside counts as the nearer end. NaN is left
 * out. */
void spread_add(struct spread *s, double value);

/* The middle value, or the mean of the two middle ones; NaN where n is 0. */
double spread_median(const struct spread *s);

struct spread_test {
    double larger; /* probability that a value of `b` is larger than one of `a`,
                      equals counting half: Vargha and Delaney's A, A critique and
                      improvement of the CL common language effect size, 2000 */
    double p;      /* two-sided p of the rank test of Mann and Whitney, On a test of
                      whether one of two random variables is stochastically larger
                      than the other, 1947: normal approximation, corrected for
                      ties and for continuity */
};

/* NaN in both where either is empty; p = 1 where all values are equal. */
struct spread_test spread_compare(const struct spread *a, const struct spread *b);

#endif
