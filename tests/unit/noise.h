/* Numbers for tests: from -1 to 1, the same in every run. */
#ifndef HP_NOISE_H
#define HP_NOISE_H

#include "base/mem.h"

#include <stdint.h>

static uint32_t state = 1;

static float noise(void)
{
    state = state * 1664525U + 1013904223U;
    return (float)(state >> 8) / (float)(1 << 23) - 1;
}

/* n of them; the caller frees. */
static float *noises(size_t n)
{
    float *v = mem_alloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = noise();
    return v;
}

#endif
