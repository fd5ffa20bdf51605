#include "stats/share.h"

#include <math.h>

static const double normal_95 = 1.959963984540054;

void share_interval(int64_t k, int64_t n, double *low, double *high)
{
    *low = 0;
    *high = 1;
    if (n == 0)
        return;
    double m = (double)n, share = (double)k / m, z2 = normal_95 * normal_95;
    double middle = (share + z2 / (2 * m)) / (1 + z2 / m);
    double half = normal_95 / (1 + z2 / m) * sqrt(share * (1 - share) / m + z2 / (4 * m * m));
    /* The ends are exact at none and all; rounding would put them just beside. */
    if (k > 0)
        *low = middle - half;
    if (k < n)
        *high = middle + half;
}

/* Sums the probabilities from the smaller side down to 0, each from the one before:
 * they fall, so that the sum ends early. */
double share_sign_test(int64_t a, int64_t b)
{
    double n = (double)a + (double)b, k = (double)(a < b ? a : b);
    double p = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2));
    double sum = 0;
    for (; k >= 0 && p > 1e-18; k--) {
        sum += p;
        p *= k / (n - k + 1);
    }
    return fmin(2 * sum, 1);
}
