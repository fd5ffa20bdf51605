/* Vectors of four, as the compiler makes them for any processor. */
#ifndef HP_CPU_SIMD_PLAIN_H
#define HP_CPU_SIMD_PLAIN_H

#include "engine/cpu/bf16.h"

#include <math.h>

#define TARGET
#define INLINE_V static inline __attribute__((always_inline))

#define LANES 4

typedef float vec __attribute__((vector_size(16)));
typedef int32_t mask __attribute__((vector_size(16)));

INLINE_V vec v_load(const float *p)
{
    return *(const vec *)p;
}

INLINE_V void v_store(float *p, vec x)
{
    *(vec *)p = x;
}

/* Past the caches: what is not read soon. */
INLINE_V void v_stream(float *p, vec x)
{
    *(vec *)p = x;
}

INLINE_V void v_stream_end(void)
{
}

INLINE_V vec v_load_bf16(const uint16_t *p)
{
    return (vec){bf16_widen(p[0]), bf16_widen(p[1]), bf16_widen(p[2]), bf16_widen(p[3])};
}

INLINE_V void v_store_bf16(uint16_t *p, vec x)
{
    for (int i = 0; i < LANES; i++)
        p[i] = bf16_round(x[i]);
}

INLINE_V vec v_all(float f)
{
    return (vec){f, f, f, f};
}

INLINE_V vec v_add(vec x, vec y)
{
    return x + y;
}

INLINE_V vec v_sub(vec x, vec y)
{
    return x - y;
}

INLINE_V vec v_mul(vec x, vec y)
{
    return x * y;
}

INLINE_V vec v_div(vec x, vec y)
{
    return x / y;
}

INLINE_V vec v_sqrt(vec x)
{
    return (vec){sqrtf(x[0]), sqrtf(x[1]), sqrtf(x[2]), sqrtf(x[3])};
}

/* Of NaN and a number these two return their second argument. */
INLINE_V vec v_min(vec x, vec y)
{
    mask less = x < y;
    return (vec)(((mask)x & less) | ((mask)y & ~less));
}

INLINE_V vec v_max(vec x, vec y)
{
    mask larger = x > y;
    return (vec)(((mask)x & larger) | ((mask)y & ~larger));
}

/* 2 to the power of whole numbers from -126 to 127; of NaN anything. */
INLINE_V vec v_power2(vec n)
{
    mask i;
    for (int l = 0; l < LANES; l++)
        i[l] = n[l] == n[l] ? ((int32_t)n[l] + 127) << 23 : 0;
    return (vec)i;
}

/* The first n, and 0. */
INLINE_V vec v_first(vec x, int n)
{
    return (vec)((mask)x & ((mask){0, 1, 2, 3} < n));
}

INLINE_V vec v_fma(vec x, vec y, vec z)
{
    return x * y + z;
}

INLINE_V vec v_relu(vec x)
{
    return (vec)((mask)x & ~(x < 0));
}

INLINE_V vec v_where_positive(vec positive, vec x)
{
    return (vec)((mask)x & (positive > 0));
}

INLINE_V vec v_where_equal(vec a, vec b, vec x)
{
    return (vec)((mask)x & (a == b));
}

/* a where x is larger than y, a NaN being the largest, else b. */
INLINE_V vec v_if_larger(vec x, vec y, vec a, vec b)
{
    mask larger = (x > y) | ((x != x) & (y == y));
    return (vec)(((mask)a & larger) | ((mask)b & ~larger));
}

INLINE_V void v_sum_up(vec x, double *sum, double *square)
{
    for (int i = 0; i < LANES; i++) {
        sum[i] += (double)x[i];
        square[i] += (double)x[i] * (double)x[i];
    }
}

#endif
