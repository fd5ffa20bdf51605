/* A sum whose error does not grow with the number of terms (Neumaier 1974), so that the
 * nine digits written do not depend on the order of the rows. */
#ifndef HP_SUM_H
#define HP_SUM_H

#include <math.h>

struct sum {
    double s, rest;
};

static inline void sum_add(struct sum *a, double x)
{
    double t = a->s + x;
    a->rest += fabs(a->s) >= fabs(x) ? a->s - t + x : x - t + a->s;
    a->s = t;
}

static inline double sum_value(const struct sum *a)
{
    return a->s + a->rest;
}

#endif
