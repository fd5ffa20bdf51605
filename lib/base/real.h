/* Numbers as they are in tensors. */
#ifndef HP_REAL_H
#define HP_REAL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether all n values are finite. */
static inline bool real_finite(const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return false;
    return true;
}

#endif
