/* bf16: the upper half of an f32. */
#ifndef HP_CPU_BF16_H
#define HP_CPU_BF16_H

#include <stdint.h>
#include <string.h>

/* Rounds to nearest, ties to even; NaN stays one. */
static inline uint16_t bf16_round(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return f != f ? 0x7fc0 : (uint16_t)((u + 0x7fffU + (u >> 16 & 1U)) >> 16);
}

static inline float bf16_widen(uint16_t h)
{
    uint32_t u = (uint32_t)h << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

#endif
