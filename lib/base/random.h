/* Numbers as by chance that are the same in every run: splitmix64 (Steele, Lea and Flood, Fast
 * splittable pseudorandom number generators, 2014). */
#ifndef HP_RANDOM_H
#define HP_RANDOM_H

#include <math.h>
#include <stdint.h>

/* The next 64 bits of a generator that begins with any state. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A whole number below n, from the upper half of 64 bits. */
static inline uint32_t random_below(uint64_t bits, uint32_t n)
{
    return (uint32_t)((bits >> 32) * n >> 32);
}

/* A number above 0 and below 1. */
static inline double random_unit(uint64_t *state)
{
    return ((double)(random_next(state) >> 11) + .5) / 9007199254740992.0;
}

/* Two numbers of the standard normal distribution: Box and Muller, A note on the generation of
 * random normal deviates, 1958. */
static inline void random_normal(uint64_t *state, double pair[2])
{
    const double radius = sqrt(-2 * log(random_unit(state)));
    const double angle = 2 * 3.14159265358979323846 * random_unit(state);

    pair[0] = radius * cos(angle);
    pair[1] = radius * sin(angle);
}

#endif
