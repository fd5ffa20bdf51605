/* f16, bf16 and TF32 in integers, rounding to nearest, ties to even. */
#ifndef STANDIN_FLOATS_H
#define STANDIN_FLOATS_H

#include <cstdint>
#include <cstring>

static inline uint32_t float_bits(float v)
{
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static inline float bits_float(uint32_t u)
{
    float v;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* Drops the lowest `n` bits of a finite float. */
static inline uint32_t round_bits(uint32_t u, int n)
{
    return (u + (((uint32_t)1 << (n - 1)) - 1) + ((u >> n) & 1)) >> n << n;
}

static inline bool is_special(uint32_t u)
{
    return (u & 0x7f800000) == 0x7f800000;
}

static inline float bf16_to_float(uint16_t v)
{
    return bits_float((uint32_t)v << 16);
}

static inline uint16_t bf16_from_float(float v)
{
    uint32_t u = float_bits(v);
    if (is_special(u))
        return (uint16_t)((u >> 16) | ((u & 0xffff) && !(u >> 16 & 0x7f) ? 1 : 0));
    return (uint16_t)(round_bits(u, 16) >> 16);
}

static inline float tf32_round(float v)
{
    uint32_t u = float_bits(v);
    return is_special(u) ? v : bits_float(round_bits(u, 13));
}

static inline float f16_to_float(uint16_t v)
{
    uint32_t sign = (uint32_t)(v & 0x8000) << 16, e = v >> 10 & 0x1f, m = v & 0x3ff;
    if (e == 31)
        return bits_float(sign | 0x7f800000 | m << 13);
    if (e == 0) {
        float f = (float)m / 16777216.0f; /* 2^-24 */
        return sign ? -f : f;
    }
    return bits_float(sign | (e + 112) << 23 | m << 13);
}

static inline uint16_t f16_from_float(float v)
{
    uint32_t u = float_bits(v), sign = u >> 16 & 0x8000;
    if (is_special(u))
        return (uint16_t)(sign | 0x7c00 | (u & 0x7fffff ? 0x200 : 0));
    u &= 0x7fffffff;
    if (u < 0x38800000) {               /* subnormal: steps of 2^-24 */
        float f = bits_float(u) + 0.5f; /* whose last bit is 2^-24 */
        return (uint16_t)(sign | (float_bits(f) - 0x3f000000));
    }
    u = round_bits(u, 13);
    return (uint16_t)(u >= 0x47800000 ? sign | 0x7c00 : sign | (u - 0x38000000) >> 13);
}

#endif
