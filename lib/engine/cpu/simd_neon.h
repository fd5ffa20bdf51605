/* Vectors of NEON, as every 64-bit ARM has it. */
#ifndef HP_CPU_SIMD_NEON_H
#define HP_CPU_SIMD_NEON_H

#include <stdint.h>

#ifdef __aarch64__

#include <arm_neon.h>

#define TARGET
#define INLINE_V static inline __attribute__((always_inline))

#define LANES 4

typedef float32x4_t vec;

INLINE_V vec v_load(const float *p)
{
    return vld1q_f32(p);
}

INLINE_V void v_store(float *p, vec x)
{
    vst1q_f32(p, x);
}

/* There is no store past the caches that is worth its order. */
INLINE_V void v_stream(float *p, vec x)
{
    vst1q_f32(p, x);
}

INLINE_V void v_stream_end(void)
{
}

INLINE_V vec v_load_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

/* Rounds to nearest, ties to even; NaN stays one. */
INLINE_V void v_store_bf16(uint16_t *p, vec x)
{
    uint32x4_t u = vreinterpretq_u32_f32(x);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(u, 16), vdupq_n_u32(1));
    uint32x4_t r = vaddq_u32(vaddq_u32(u, vdupq_n_u32(0x7fff)), odd);
    r = vbslq_u32(vceqq_f32(x, x), r, vdupq_n_u32(0x7fc00000));
    vst1_u16(p, vshrn_n_u32(r, 16));
}

INLINE_V vec v_all(float f)
{
    return vdupq_n_f32(f);
}

INLINE_V vec v_add(vec x, vec y)
{
    return vaddq_f32(x, y);
}

INLINE_V vec v_sub(vec x, vec y)
{
    return vsubq_f32(x, y);
}

INLINE_V vec v_mul(vec x, vec y)
{
    return vmulq_f32(x, y);
}

INLINE_V vec v_div(vec x, vec y)
{
    return vdivq_f32(x, y);
}

INLINE_V vec v_sqrt(vec x)
{
    return vsqrtq_f32(x);
}

/* Of NaN and a number these two return their second argument, as x86's do and ARM's do not. */
INLINE_V vec v_min(vec x, vec y)
{
    return vbslq_f32(vcltq_f32(x, y), x, y);
}

INLINE_V vec v_max(vec x, vec y)
{
    return vbslq_f32(vcgtq_f32(x, y), x, y);
}

/* 2 to the power of whole numbers from -126 to 127. */
INLINE_V vec v_power2(vec n)
{
    int32x4_t i = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(i, 23));
}

/* What remains of x where the mask is set, else 0. */
INLINE_V vec v_masked(uint32x4_t mask, vec x)
{
    return vreinterpretq_f32_u32(vandq_u32(mask, vreinterpretq_u32_f32(x)));
}

/* The first n, and 0. */
INLINE_V vec v_first(vec x, int n)
{
    return v_masked(vcltq_s32((int32x4_t){0, 1, 2, 3}, vdupq_n_s32(n)), x);
}

INLINE_V vec v_fma(vec x, vec y, vec z)
{
    return vfmaq_f32(z, x, y);
}

/* NaN stays one, and -0 too. */
INLINE_V vec v_relu(vec x)
{
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), vcltzq_f32(x)));
}

INLINE_V vec v_where_positive(vec mask, vec x)
{
    return v_masked(vcgtzq_f32(mask), x);
}

INLINE_V vec v_where_equal(vec a, vec b, vec x)
{
    return v_masked(vceqq_f32(a, b), x);
}

/* a where x is larger than y, a NaN being the largest, else b. */
INLINE_V vec v_if_larger(vec x, vec y, vec a, vec b)
{
    uint32x4_t nan = vbicq_u32(vceqq_f32(y, y), vceqq_f32(x, x));
    return vbslq_f32(vorrq_u32(vcgtq_f32(x, y), nan), a, b);
}

/* The square of a float is exact as a double, so it does not matter how it is added. */
INLINE_V void v_sum_up(vec x, double *sum, double *square)
{
    float64x2_t a = vcvt_f64_f32(vget_low_f32(x)), b = vcvt_high_f64_f32(x);
    vst1q_f64(sum, vaddq_f64(vld1q_f64(sum), a));
    vst1q_f64(sum + 2, vaddq_f64(vld1q_f64(sum + 2), b));
    vst1q_f64(square, vfmaq_f64(vld1q_f64(square), a, a));
    vst1q_f64(square + 2, vfmaq_f64(vld1q_f64(square + 2), b, b));
}

#endif

#endif
