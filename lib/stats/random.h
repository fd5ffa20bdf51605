/* Numbers as by chance that are the same in every run: splitmix64 (Steele, Lea and Flood, Fast
 * splittable pseudorandom number generators, 2014). */
#ifndef HP_RANDOM_H
#define HP_RANDOM_H

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

#endif
