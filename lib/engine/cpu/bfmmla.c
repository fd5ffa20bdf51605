/* bf16 by the products of 2 by 4 and 4 by 2 matrices of ARM. */
#include "engine/cpu/conv.h"
#include "engine/cpu/simd_neon.h"

#if defined(__aarch64__) &&                                                                        \
    (defined(__clang__) ? __clang_major__ >= 11 : defined(__GNUC__) && __GNUC__ >= 10)

#include "engine/cpu/spots.h"
#include "engine/cpu/unroll.inc"

#define MATRIX __attribute__((target("arch=armv8.2-a+bf16")))
#define INLINE_M static inline __attribute__((always_inline)) MATRIX

enum {
    IMAGES = 8,             /* computed together */
    CHANNELS = 8,           /* output channels, the same */
    DEPTH = 8,              /* input channels of a step: two products */
    STEP = CHANNELS * DEPTH /* weights of a step */
};

/* The inputs of DEPTH channels of two images, as the two products take them. */
struct two {
    bfloat16x8_t first, second;
};

INLINE_M struct two load_two(const uint16_t *a, const uint16_t *b)
{
    uint64x2_t x = vreinterpretq_u64_u16(vld1q_u16(a)), y = vreinterpretq_u64_u16(vld1q_u16(b));
    return (struct two){vreinterpretq_bf16_u64(vzip1q_u64(x, y)),
                        vreinterpretq_bf16_u64(vzip2q_u64(x, y))};
}

/* The sums of two images and two channels, s[i][j], as rows of images. */
INLINE_M vec row_of(float32x4_t left, float32x4_t right, int image)
{
    float64x2_t l = vreinterpretq_f64_f32(left), r = vreinterpretq_f64_f32(right);
    return vreinterpretq_f32_f64(image ? vzip2q_f64(l, r) : vzip1q_f64(l, r));
}

/* An output of `images` images from `image` on, for the CHANNELS channels from `channel` on. */
MATRIX static void output(const struct conv *c, const struct conv_call *k, const struct spot *o,
                          int image, int images, int channel)
{
    const struct conv_spec *s = &c->spec;
    const int taps = conv_taps(s), depth = s->ip / DEPTH;
    const uint16_t *w =
        (const uint16_t *)c->u + (size_t)(channel / CHANNELS) * (size_t)(taps * depth) * STEP;
    float32x4_t sum[IMAGES / 2][CHANNELS / 2];
    UNROLL for (int i = 0; i < IMAGES / 2; i++) UNROLL for (int j = 0; j < CHANNELS / 2; j++)
        sum[i][j] = vdupq_n_f32(0);
    for (int t = 0; t < taps; t++) {
        const struct input in = input_of(c, k, o, t / s->x.k, t % s->x.k);
        if (!in.step)
            continue;
        const uint16_t *u = w + (size_t)(t * depth) * STEP, *row[IMAGES];
        /* Images behind the last are computed from the last, and not stored. */
        for (int i = 0; i < IMAGES; i++)
            row[i] = in.x + (image + (i < images ? i : images - 1)) * in.step;
        for (int d = 0; d < depth; d++, u += STEP) {
            bfloat16x8_t b[2][CHANNELS / 2];
            UNROLL for (int j = 0; j < CHANNELS; j++) b[j / (CHANNELS / 2)][j % (CHANNELS / 2)] =
                vreinterpretq_bf16_u16(vld1q_u16(u + j * 8));
            UNROLL for (int i = 0; i < IMAGES / 2; i++)
            {
                const struct two a = load_two(row[2 * i] + d * DEPTH, row[2 * i + 1] + d * DEPTH);
                UNROLL for (int j = 0; j < CHANNELS / 2; j++) sum[i][j] =
                    vbfmmlaq_f32(vbfmmlaq_f32(sum[i][j], a.first, b[0][j]), a.second, b[1][j]);
            }
        }
    }
    UNROLL for (int i = 0; i < IMAGES; i++)
    {
        if (i >= images)
            break;
        const ptrdiff_t at = o->out + (ptrdiff_t)(image + i) * s->opitch + channel;
        UNROLL for (int j = 0; j < CHANNELS; j += LANES)
            finish(k, at + j,
                   v_add(row_of(sum[i / 2][j / 2], sum[i / 2][j / 2 + 1], i % 2),
                         v_load(c->bias + channel + j)),
                   s->relu, true);
    }
}

/* Rows of outputs share weights that fit a cache, whole maps those that do not. */
static void matrix_run(const struct conv *c, const struct conv_call *k, void *scratch)
{
    const struct conv_spec *s = &c->spec;
    const int spots = s->oh * s->ow * k->microbatches,
              rows = conv_weights(s) < (256 << 10) ? s->ow * k->microbatches : spots;
    (void)scratch;
    for (int t0 = 0; t0 < spots; t0 += rows)
        for (int channel = 0; channel < s->op; channel += CHANNELS)
            for (int t = t0; t < spots && t < t0 + rows; t++) {
                const struct spot o = spot_of(c, k, t);
                for (int i = 0; i < s->n; i += IMAGES)
                    output(c, k, &o, i, s->n - i < IMAGES ? s->n - i : IMAGES, channel);
            }
}

/* Weights as (channels / CHANNELS, taps, ip / DEPTH, 2, CHANNELS / 2, 2, 4). */
static void matrix_pack(const struct conv *c, int span)
{
    const struct conv_spec *s = &c->spec;
    const int taps = conv_taps(s), first = span * CONV_SPAN, end = first + conv_width(c, span);
    uint16_t *u = (uint16_t *)c->u + (size_t)first * (size_t)taps * (size_t)s->ip;
    for (int block = first; block < end; block += CHANNELS)
        for (int t = 0; t < taps; t++)
            for (int i = 0; i < s->ip; i += 4)
                for (int k = block; k < block + CHANNELS; k++)
                    for (int j = i; j < i + 4; j++)
                        *u++ = spot_weight(s, k, j, t);
}

const struct conv_kernels conv_bfmmla = {"bfmmla", matrix_pack, matrix_run, NULL};

#else

const struct conv_kernels conv_bfmmla = {"bfmmla", NULL, NULL, NULL};

#endif
