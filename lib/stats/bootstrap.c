#include "stats/bootstrap.h"

#include "base/random.h"
#include "stats/sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void bootstrap_draw(uint64_t *state, uint32_t n, uint32_t *times)
{
    memset(times, 0, n * sizeof *times);
    for (uint32_t i = 0; i < n; i++)
        times[random_below(random_next(state), n)]++;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Linear between values. */
static double quantile(const double *value, size_t n, double share)
{
    double at = share * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below, next = i + 1 < n ? i + 1 : i;
    return value[i] + (at - below) * (value[next] - value[i]);
}

void bootstrap_interval(double *value, size_t n, double estimate, double *low, double *high)
{
    *low = *high = NAN;
    if (n == 0)
        return;
    struct sum all = {0};
    for (size_t i = 0; i < n; i++)
        sum_add(&all, value[i]);
    double mean = sum_value(&all) / (double)n;
    qsort(value, n, sizeof *value, by_value);
    *low = estimate - (quantile(value, n, 0.975) - mean);
    *high = estimate - (quantile(value, n, 0.025) - mean);
}

void bootstrap_mean_interval(double *value, size_t n, double *low, double *high)
{
    *low = *high = NAN;
    if (n == 0)
        return;
    qsort(value, n, sizeof *value, by_value);
    *low = quantile(value, n, 0.025);
    *high = quantile(value, n, 0.975);
}
