/* How well a share is known that was counted on n images. */
#ifndef HP_SHARE_H
#define HP_SHARE_H

#include <stdint.h>

/* The 95 % interval of k of n, as fractions: Wilson, Probable inference, the law of
 * succession, and statistical inference, 1927. [0, 1] where n is 0. */
void share_interval(int64_t k, int64_t n, double *low, double *high);

/* Two-sided exact p of the sign test: how likely a split of a + b as uneven as this
 * one is where both sides are equally likely. 1 where both are 0. */
double share_sign_test(int64_t a, int64_t b);

#endif
