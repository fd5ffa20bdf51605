/* Vectors of AVX2 with FMA. */
#ifndef HP_CPU_SIMD_AVX2_H
#define HP_CPU_SIMD_AVX2_H

#ifdef __x86_64__

#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx2,fma")))
#define INLINE_V static inline __attribute__((always_inline)) TARGET

#define LANES 8

typedef __m256 vec;

INLINE_V vec v_load(const float *p)
{
    return _mm256_load_ps(p);
}

INLINE_V void v_store(float *p, vec x)
{
    _mm256_store_ps(p, x);
}

/* Past the caches: what is not read soon. */
INLINE_V void v_stream(float *p, vec x)
{
    _mm256_stream_ps(p, x);
}

INLINE_V void v_stream_end(void)
{
    _mm_sfence();
}

INLINE_V vec v_load_bf16(const uint16_t *p)
{
    __m256i u = _mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(u, 16));
}

/* Rounds to nearest, ties to even; NaN stays one. */
INLINE_V void v_store_bf16(uint16_t *p, vec x)
{
    __m256i u = _mm256_castps_si256(x);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i r = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd);
    vec nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
    vec fixed = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
    r = _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(r), fixed, nan));
    r = _mm256_srli_epi32(r, 16);
    r = _mm256_permute4x64_epi64(_mm256_packus_epi32(r, r), 0x08);
    _mm_store_si128((__m128i *)p, _mm256_castsi256_si128(r));
}

INLINE_V vec v_all(float f)
{
    return _mm256_set1_ps(f);
}

INLINE_V vec v_add(vec x, vec y)
{
    return _mm256_add_ps(x, y);
}

INLINE_V vec v_sub(vec x, vec y)
{
    return _mm256_sub_ps(x, y);
}

INLINE_V vec v_mul(vec x, vec y)
{
    return _mm256_mul_ps(x, y);
}

INLINE_V vec v_div(vec x, vec y)
{
    return _mm256_div_ps(x, y);
}

INLINE_V vec v_sqrt(vec x)
{
    return _mm256_sqrt_ps(x);
}

/* Of NaN and a number these two return their second argument. */
INLINE_V vec v_min(vec x, vec y)
{
    return _mm256_min_ps(x, y);
}

INLINE_V vec v_max(vec x, vec y)
{
    return _mm256_max_ps(x, y);
}

/* 2 to the power of whole numbers from -126 to 127. */
INLINE_V vec v_power2(vec n)
{
    __m256i i = _mm256_add_epi32(_mm256_cvttps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(i, 23));
}

/* The first n, and 0. */
INLINE_V vec v_first(vec x, int n)
{
    __m256i i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), i)));
}

/* Element i of each group of g. */
INLINE_V vec v_member(vec x, int g, int i)
{
    const __m256i at = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i first = _mm256_and_si256(at, _mm256_set1_epi32(-g));
    return _mm256_permutevar8x32_ps(x, _mm256_add_epi32(first, _mm256_set1_epi32(i)));
}

INLINE_V vec v_fma(vec x, vec y, vec z)
{
    return _mm256_fmadd_ps(x, y, z);
}

/* Of NaN and a number the instruction returns its second argument. */
INLINE_V vec v_relu(vec x)
{
    return _mm256_max_ps(_mm256_setzero_ps(), x);
}

INLINE_V vec v_where_positive(vec mask, vec x)
{
    return _mm256_and_ps(_mm256_cmp_ps(mask, _mm256_setzero_ps(), _CMP_GT_OQ), x);
}

INLINE_V vec v_where_equal(vec a, vec b, vec x)
{
    return _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ), x);
}

/* a where x is larger than y, a NaN being the largest, else b. */
INLINE_V vec v_if_larger(vec x, vec y, vec a, vec b)
{
    vec nan = _mm256_and_ps(_mm256_cmp_ps(y, y, _CMP_ORD_Q), _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_blendv_ps(b, a, _mm256_or_ps(_mm256_cmp_ps(x, y, _CMP_GT_OQ), nan));
}

/* The square of a float is exact as a double, so it does not matter how it is added. */
INLINE_V void v_sum_up(vec x, double *sum, double *square)
{
    __m256d a = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
    __m256d b = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
    _mm256_store_pd(sum, _mm256_add_pd(_mm256_load_pd(sum), a));
    _mm256_store_pd(sum + 4, _mm256_add_pd(_mm256_load_pd(sum + 4), b));
    _mm256_store_pd(square, _mm256_fmadd_pd(a, a, _mm256_load_pd(square)));
    _mm256_store_pd(square + 4, _mm256_fmadd_pd(b, b, _mm256_load_pd(square + 4)));
}

#endif

#endif
