/* Groups of about as many values each, from the smallest to the largest. Equal values stay
 * together, so that the order of the rows does not matter. */
#ifndef HP_QUANTILE_H
#define HP_QUANTILE_H

#include <stdint.h>

/* How many of `n` sorted values, n >= 1, lie up to the upper edge of group `i` of `groups`: the
 * values up to the quantile (i + 1) / groups, linear between values (type 7 of Hyndman and Fan,
 * Sample quantiles in statistical packages, 1996; numpy's and R's default). Values that equal the
 * last of them belong to the group as well. */
static inline int64_t quantile_end(int64_t n, int groups, int i)
{
    return (n - 1) / groups * (i + 1) + (n - 1) % groups * (i + 1) / groups + 1;
}

#endif
