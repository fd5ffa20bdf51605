#include "engine/cpu/wino.h"

#ifdef __x86_64__

#include "base/mem.h"
#include "engine/cpu/onednn.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define AVX512 __attribute__((target("avx512f")))
/* At -O2 a loop over registers must be told to unroll. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 36")
#endif
#define INLINE static inline __attribute__((always_inline)) AVX512

enum {
    LANES = 16,
    BLOCK = 64, /* output channels computed together: 4 registers */
    ROWS = 6,   /* tiles computed together: 24 registers of sums */
    SIDE = 6,   /* largest tile of input */
    POINTS = SIDE * SIDE,
    CHUNK = 96,             /* most tiles on their way at a time */
    CHUNK_BYTES = 800 << 10 /* of transformed input, so that it stays in the L2 cache */
};

/* F(m x m, 3 x 3): a tile of m x m outputs from (m + 2) x (m + 2) inputs. All tiles
 * of a batch are numbered with the image innermost. */
struct wino {
    int m, side, points;
    int h, w, batch, ic, oc;
    int down, across; /* tiles */
    int chunk;        /* tiles transformed at a time */
    size_t in_step;   /* floats from one point's transformed input to the next */
    size_t sum_step;  /* the same for sums */
    bool relu;
    float *u;    /* (oc / BLOCK, points, ic, BLOCK): the transformed weights */
    float *bias; /* (oc) */
    float *zero; /* (ic) */
};

typedef __m512 vec;

/* --- transforms ---
 * With the points 0, 1, -1, 2, -2 and infinity for m = 4, and 0, 1, -1 and infinity
 * for m = 2; `s` and `t` are the strides of output and input. */

INLINE vec times(float a, vec x)
{
    return _mm512_mul_ps(_mm512_set1_ps(a), x);
}

INLINE vec plus(float a, vec x, vec y) /* a x + y */
{
    return _mm512_fmadd_ps(_mm512_set1_ps(a), x, y);
}

INLINE void input4(vec *o, int s, const vec *d, int t)
{
    vec d0 = d[0], d1 = d[t], d2 = d[2 * t], d3 = d[3 * t], d4 = d[4 * t], d5 = d[5 * t];
    vec a = plus(-4, d2, d4), b = plus(-4, d1, d3);
    vec c = _mm512_sub_ps(d4, d2), e = times(2, _mm512_sub_ps(d3, d1));
    o[0] = plus(4, d0, plus(-5, d2, d4));
    o[s] = _mm512_add_ps(a, b);
    o[2 * s] = _mm512_sub_ps(a, b);
    o[3 * s] = _mm512_add_ps(c, e);
    o[4 * s] = _mm512_sub_ps(c, e);
    o[5 * s] = plus(4, d1, plus(-5, d3, d5));
}

INLINE void output4(vec *o, int s, const vec *m, int t)
{
    vec a = _mm512_add_ps(m[t], m[2 * t]), b = _mm512_sub_ps(m[t], m[2 * t]);
    vec c = _mm512_add_ps(m[3 * t], m[4 * t]), d = _mm512_sub_ps(m[3 * t], m[4 * t]);
    o[0] = _mm512_add_ps(m[0], _mm512_add_ps(a, c));
    o[s] = plus(2, d, b);
    o[2 * s] = plus(4, c, a);
    o[3 * s] = _mm512_add_ps(plus(8, d, b), m[5 * t]);
}

INLINE void input2(vec *o, int s, const vec *d, int t)
{
    o[0] = _mm512_sub_ps(d[0], d[2 * t]);
    o[s] = _mm512_add_ps(d[t], d[2 * t]);
    o[2 * s] = _mm512_sub_ps(d[2 * t], d[t]);
    o[3 * s] = _mm512_sub_ps(d[t], d[3 * t]);
}

INLINE void output2(vec *o, int s, const vec *m, int t)
{
    o[0] = _mm512_add_ps(m[0], _mm512_add_ps(m[t], m[2 * t]));
    o[s] = _mm512_sub_ps(_mm512_sub_ps(m[t], m[2 * t]), m[3 * t]);
}

/* --- weights --- */

/* o = a x + b y + c z in all lanes. */
INLINE void combine(const double *f, const double *x, const double *y, const double *z, double *o)
{
    for (int l = 0; l < LANES; l++)
        o[l] = f[0] * x[l] + f[1] * y[l] + f[2] * z[l];
}

/* G g G^T, in double, of the 3 by 3 kernels of one input channel and LANES output
 * channels; g: the first kernel, `each` from one to the next; u: their place at the
 * first point, `step` from one to the next. */
AVX512 static void transform_weights(int m, const float *g, size_t each, float *u, size_t step)
{
    static const double g4[6][3] = {{1.0 / 4, 0, 0},
                                    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                    {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                    {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                    {0, 0, 1}};
    static const double g2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    const double(*f)[3] = m == 4 ? g4 : g2;
    double k[9][LANES], half[3][LANES], o[LANES];
    for (size_t l = 0; l < LANES; l++)
        for (size_t i = 0; i < 9; i++)
            k[i][l] = g[l * each + i];
    for (int i = 0; i < m + 2; i++) {
        for (int b = 0; b < 3; b++)
            combine(f[i], k[b], k[3 + b], k[6 + b], half[b]);
        for (int j = 0; j < m + 2; j++, u += step) {
            combine(f[j], half[0], half[1], half[2], o);
            for (int l = 0; l < LANES; l++)
                u[l] = (float)o[l];
        }
    }
}

/* Where the weights of a block of output channels begin, and how wide it is. */
static size_t block_at(const struct wino *w, int k)
{
    return (size_t)k * (size_t)w->ic * (size_t)w->points;
}

static int block_width(const struct wino *w, int k)
{
    return w->oc - k < BLOCK ? w->oc - k : BLOCK;
}

static void pack_weights(struct wino *w, const float *from)
{
    size_t ic = (size_t)w->ic;
    for (int k0 = 0; k0 < w->oc; k0 += BLOCK) {
        float *u = w->u + block_at(w, k0);
        size_t width = (size_t)block_width(w, k0);
        for (size_t k = 0; k < width; k += LANES)
            for (size_t c = 0; c < ic; c++)
                transform_weights(w->m, from + (((size_t)k0 + k) * ic + c) * 9, ic * 9,
                                  u + c * width + k, ic * width);
    }
}

/* Few tiles would not pay for reading the larger weights of m = 4. */
static int tile_side(const struct net_value *x)
{
    return x->h <= 4 && x->w <= 4 ? 2 : 4;
}

/* Whether the multiplications saved pay for the transforms: those of a direct
 * convolution, without the ones by the border's zeros, against those of all tiles,
 * parts of which may lie outside. */
static bool pays(const struct net_value *x)
{
    int m = tile_side(x), tiles = (x->h + m - 1) / m * ((x->w + m - 1) / m);
    double direct = (3.0 * x->h - 2) * (3.0 * x->w - 2);
    return 1.4 * tiles * (m + 2) * (m + 2) < direct;
}

bool wino_fits(const struct net *n, const struct net_op *op)
{
    const struct net_value *x = &n->value[op->in], *y = &n->value[op->out];
    return op->kind == NET_CONV && op->k == 3 && op->stride == 1 && op->pad == 1 &&
           x->c % LANES == 0 && y->c % LANES == 0 && pays(x) && onednn_has_avx512();
}

struct wino *wino_new(const struct net *n, const struct net_op *op, int batch)
{
    const struct net_value *x = &n->value[op->in], *y = &n->value[op->out];
    struct wino *w = mem_zero(1, sizeof *w);
    w->h = x->h;
    w->w = x->w;
    w->ic = x->c;
    w->oc = y->c;
    w->batch = batch;
    w->relu = op->relu;
    w->m = tile_side(x);
    w->side = w->m + 2;
    w->points = w->side * w->side;
    w->down = (w->h + w->m - 1) / w->m;
    w->across = (w->w + w->m - 1) / w->m;

    int tiles = w->down * w->across * batch;
    int most = CHUNK_BYTES / (w->points * w->ic * (int)sizeof(float));
    most = most > CHUNK ? CHUNK : most < ROWS ? ROWS : most / ROWS * ROWS;
    int chunks = (tiles + most - 1) / most;
    w->chunk = ((tiles + chunks - 1) / chunks + ROWS - 1) / ROWS * ROWS;
    /* One cache line more than a power of two, so that points do not share a set. */
    w->in_step = (size_t)w->chunk * (size_t)w->ic + LANES;
    w->sum_step = (size_t)w->chunk * BLOCK + LANES;

    w->u = mem_aligned((size_t)w->points * (size_t)w->ic * (size_t)w->oc, sizeof *w->u);
    w->bias = mem_aligned((size_t)w->oc, sizeof *w->bias);
    w->zero = mem_aligned((size_t)w->ic, sizeof *w->zero);
    memcpy(w->bias, op->b, (size_t)w->oc * sizeof *w->bias);
    pack_weights(w, op->w);
    return w;
}

void wino_free(struct wino *w)
{
    if (!w)
        return;
    free(w->u);
    free(w->bias);
    free(w->zero);
    free(w);
}

size_t wino_scratch(const struct wino *w)
{
    return (w->in_step + w->sum_step) * (size_t)w->points * sizeof(float);
}

/* --- computing --- */

/* Offset of a pixel of an image, or -1 where it lies outside. */
static ptrdiff_t pixel(const struct wino *w, int y, int x, int image, int channels)
{
    if (y < 0 || y >= w->h || x < 0 || x >= w->w)
        return -1;
    return (((ptrdiff_t)y * w->w + x) * w->batch + image) * channels;
}

/* B^T d B of one tile; v: its place at the first point. */
INLINE void input_tile(const struct wino *w, int side, const float *x, int tile, float *v)
{
    const float *from[POINTS];
    int image = tile % w->batch, at = tile / w->batch, m = side - 2;
    int y0 = at / w->across * m - 1, x0 = at % w->across * m - 1;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            ptrdiff_t p = pixel(w, y0 + i, x0 + j, image, w->ic);
            from[i * side + j] = p < 0 ? w->zero : x + p;
        }
    for (int c = 0; c < w->ic; c += LANES) {
        vec d[POINTS], e[POINTS];
        UNROLL for (int q = 0; q < side * side; q++) d[q] = _mm512_load_ps(from[q] + c);
        if (side == 6) {
            UNROLL for (int j = 0; j < 6; j++) input4(e + j, 6, d + j, 6);
            UNROLL for (int i = 0; i < 6; i++) input4(d + i * 6, 1, e + i * 6, 1);
        } else {
            UNROLL for (int j = 0; j < 4; j++) input2(e + j, 4, d + j, 4);
            UNROLL for (int i = 0; i < 4; i++) input2(d + i * 4, 1, e + i * 4, 1);
        }
        UNROLL for (int q = 0; q < side * side; q++)
            _mm512_store_ps(v + (size_t)q * w->in_step + c, d[q]);
    }
}

/* A^T s A of one tile for up to BLOCK channels from k0; s: its sums at the first
 * point. */
INLINE void output_tile(const struct wino *w, int side, const float *s, int tile, int k0, int width,
                        const float *res, float *y)
{
    ptrdiff_t to[16];
    int image = tile % w->batch, at = tile / w->batch, m = side - 2;
    int y0 = at / w->across * m, x0 = at % w->across * m;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++)
            to[i * m + j] = pixel(w, y0 + i, x0 + j, image, w->oc);
    vec least = _mm512_set1_ps(w->relu ? 0.0F : -__builtin_inff());
    for (int k = 0; k < width; k += LANES) {
        vec d[POINTS], e[POINTS], o[16];
        vec bias = _mm512_load_ps(w->bias + k0 + k);
        UNROLL for (int q = 0; q < side * side; q++) d[q] =
            _mm512_load_ps(s + (size_t)q * w->sum_step + k);
        if (side == 6) {
            UNROLL for (int j = 0; j < 6; j++) output4(e + j, 6, d + j, 6);
            UNROLL for (int i = 0; i < 4; i++) output4(o + i * 4, 1, e + i * 6, 1);
        } else {
            UNROLL for (int j = 0; j < 4; j++) output2(e + j, 4, d + j, 4);
            UNROLL for (int i = 0; i < 2; i++) output2(o + i * 2, 1, e + i * 4, 1);
        }
        UNROLL for (int i = 0; i < m * m; i++)
        {
            if (to[i] < 0)
                continue;
            vec r = _mm512_add_ps(o[i], bias);
            if (res)
                r = _mm512_add_ps(r, _mm512_load_ps(res + to[i] + k0 + k));
            _mm512_store_ps(y + to[i] + k0 + k, _mm512_max_ps(r, least));
        }
    }
}

/* s (rows, BLOCK) = v (rows, ic) * u (ic, regs * LANES). */
INLINE void multiply(int rows, int regs, int ic, const float *v, const float *u, float *s)
{
    vec sum[ROWS][BLOCK / LANES];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < regs; j++) sum[i][j] =
        _mm512_setzero_ps();
    for (int c = 0; c < ic; c++, u += regs * LANES) {
        vec b[BLOCK / LANES];
        UNROLL for (int j = 0; j < regs; j++) b[j] = _mm512_load_ps(u + j * LANES);
        UNROLL for (int i = 0; i < rows; i++)
        {
            vec a = _mm512_set1_ps(v[(size_t)i * (size_t)ic + (size_t)c]);
            UNROLL for (int j = 0; j < regs; j++) sum[i][j] = _mm512_fmadd_ps(a, b[j], sum[i][j]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < regs; j++)
        _mm512_store_ps(s + i * BLOCK + j * LANES, sum[i][j]);
}

INLINE void multiply_rows(int rows, int regs, int ic, const float *v, const float *u, float *s)
{
    switch (rows) {
    case 6:
        multiply(6, regs, ic, v, u, s);
        break;
    case 5:
        multiply(5, regs, ic, v, u, s);
        break;
    case 4:
        multiply(4, regs, ic, v, u, s);
        break;
    case 3:
        multiply(3, regs, ic, v, u, s);
        break;
    case 2:
        multiply(2, regs, ic, v, u, s);
        break;
    default:
        multiply(1, regs, ic, v, u, s);
        break;
    }
}

/* All tiles of a chunk at one point, for one block of output channels. */
AVX512 static void multiply_block(int tiles, int width, int ic, const float *v, const float *u,
                                  float *s)
{
    for (int t = 0; t < tiles; t += ROWS) {
        int rows = tiles - t < ROWS ? tiles - t : ROWS;
        const float *from = v + (size_t)t * (size_t)ic;
        float *to = s + (size_t)t * BLOCK;
        switch (width / LANES) {
        case 4:
            multiply_rows(rows, 4, ic, from, u, to);
            break;
        case 3:
            multiply_rows(rows, 3, ic, from, u, to);
            break;
        case 2:
            multiply_rows(rows, 2, ic, from, u, to);
            break;
        default:
            multiply_rows(rows, 1, ic, from, u, to);
            break;
        }
    }
}

INLINE void run(const struct wino *w, int side, const float *x, const float *res, float *y,
                float *v, float *s)
{
    int tiles = w->down * w->across * w->batch;
    for (int t0 = 0; t0 < tiles; t0 += w->chunk) {
        int n = tiles - t0 < w->chunk ? tiles - t0 : w->chunk;
        for (int t = 0; t < n; t++)
            input_tile(w, side, x, t0 + t, v + (size_t)t * (size_t)w->ic);
        for (int k = 0; k < w->oc; k += BLOCK) {
            int width = block_width(w, k);
            const float *u = w->u + block_at(w, k);
            for (int q = 0; q < side * side; q++)
                multiply_block(n, width, w->ic, v + (size_t)q * w->in_step,
                               u + (size_t)q * (size_t)(w->ic * width),
                               s + (size_t)q * w->sum_step);
            for (int t = 0; t < n; t++)
                output_tile(w, side, s + (size_t)t * BLOCK, t0 + t, k, width, res, y);
        }
    }
}

AVX512 static void run4(const struct wino *w, const float *x, const float *res, float *y, float *v,
                        float *s)
{
    run(w, 6, x, res, y, v, s);
}

AVX512 static void run2(const struct wino *w, const float *x, const float *res, float *y, float *v,
                        float *s)
{
    run(w, 4, x, res, y, v, s);
}

void wino_run(const struct wino *w, const float *x, const float *res, float *y, void *scratch)
{
    float *v = scratch, *s = v + w->in_step * (size_t)w->points;
    (w->m == 4 ? run4 : run2)(w, x, res, y, v, s);
}

#else

bool wino_fits(const struct net *n, const struct net_op *op)
{
    (void)n;
    (void)op;
    return false;
}

struct wino *wino_new(const struct net *n, const struct net_op *op, int batch)
{
    (void)n;
    (void)op;
    (void)batch;
    return NULL;
}

void wino_free(struct wino *w)
{
    (void)w;
}

size_t wino_scratch(const struct wino *w)
{
    (void)w;
    return 0;
}

void wino_run(const struct wino *w, const float *x, const float *res, float *y, void *scratch)
{
    (void)w;
    (void)x;
    (void)res;
    (void)y;
    (void)scratch;
}

#endif
