/* Vectors of AVX-512. */
#ifndef HP_CPU_SIMD_AVX512_H
#define HP_CPU_SIMD_AVX512_H

#ifdef __x86_64__

#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define INLINE_V static inline __attribute__((always_inline)) TARGET

#define LANES 16

typedef __m512 vec;

INLINE_V vec v_load(const float *p)
{
    return _mm512_load_ps(p);
}

INLINE_V void v_store(float *p, vec x)
{
    _mm512_store_ps(p, x);
}

/* Past the caches: what is not read soon. */
INLINE_V void v_stream(float *p, vec x)
{
    _mm512_stream_ps(p, x);
}

INLINE_V void v_stream_end(void)
{
    _mm_sfence();
}

INLINE_V vec v_load_bf16(const uint16_t *p)
{
    __m512i u = _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(u, 16));
}

/* Rounds to nearest, ties to even; NaN stays one. */
INLINE_V void v_store_bf16(uint16_t *p, vec x)
{
    __m512i u = _mm512_castps_si512(x);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i r = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
    r = _mm512_mask_mov_epi32(r, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q),
                              _mm512_set1_epi32(0x7fc00000));
    _mm256_store_si256((__m256i *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16)));
}

INLINE_V vec v_all(float f)
{
    return _mm512_set1_ps(f);
}

INLINE_V vec v_add(vec x, vec y)
{
    return _mm512_add_ps(x, y);
}

INLINE_V vec v_sub(vec x, vec y)
{
    return _mm512_sub_ps(x, y);
}

INLINE_V vec v_mul(vec x, vec y)
{
    return _mm512_mul_ps(x, y);
}

INLINE_V vec v_div(vec x, vec y)
{
    return _mm512_div_ps(x, y);
}

INLINE_V vec v_sqrt(vec x)
{
    return _mm512_sqrt_ps(x);
}

/* Of NaN and a number these two return their second argument. */
INLINE_V vec v_min(vec x, vec y)
{
    return _mm512_min_ps(x, y);
}

INLINE_V vec v_max(vec x, vec y)
{
    return _mm512_max_ps(x, y);
}

/* 2 to the power of whole numbers from -126 to 127. */
INLINE_V vec v_power2(vec n)
{
    __m512i i = _mm512_add_epi32(_mm512_cvttps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(i, 23));
}

/* The first n, and 0. */
INLINE_V vec v_first(vec x, int n)
{
    return _mm512_maskz_mov_ps((__mmask16)((1U << n) - 1), x);
}

/* Element i of each group of g. */
INLINE_V vec v_member(vec x, int g, int i)
{
    const __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i first = _mm512_and_si512(at, _mm512_set1_epi32(-g));
    return _mm512_permutexvar_ps(_mm512_add_epi32(first, _mm512_set1_epi32(i)), x);
}

INLINE_V vec v_fma(vec x, vec y, vec z)
{
    return _mm512_fmadd_ps(x, y, z);
}

/* Of NaN and a number the instruction returns its second argument. */
INLINE_V vec v_relu(vec x)
{
    return _mm512_max_ps(_mm512_setzero_ps(), x);
}

INLINE_V vec v_where_positive(vec mask, vec x)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(mask, _mm512_setzero_ps(), _CMP_GT_OQ), x);
}

INLINE_V vec v_where_equal(vec a, vec b, vec x)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ), x);
}

/* a where x is larger than y, a NaN being the largest, else b. */
INLINE_V vec v_if_larger(vec x, vec y, vec a, vec b)
{
    __mmask16 nan =
        _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(y, y, _CMP_ORD_Q), x, x, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(b, _mm512_cmp_ps_mask(x, y, _CMP_GT_OQ) | nan, a);
}

/* The square of a float is exact as a double, so it does not matter how it is added. */
INLINE_V void v_sum_up(vec x, double *sum, double *square)
{
    __m512d a = _mm512_cvtps_pd(_mm512_castps512_ps256(x));
    __m512d b = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
    _mm512_store_pd(sum, _mm512_add_pd(_mm512_load_pd(sum), a));
    _mm512_store_pd(sum + 8, _mm512_add_pd(_mm512_load_pd(sum + 8), b));
    _mm512_store_pd(square, _mm512_fmadd_pd(a, a, _mm512_load_pd(square)));
    _mm512_store_pd(square + 8, _mm512_fmadd_pd(b, b, _mm512_load_pd(square + 8)));
}

#endif

#endif
