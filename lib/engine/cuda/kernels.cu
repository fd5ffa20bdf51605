#include "engine/cuda/kernels.cuh"

#include "graph/graph.h"

namespace
{

/* --- elementwise --- */

template <class T>
__global__ void input(const uint8_t *__restrict__ pixels, const float *__restrict__ table,
                      size_t count, int cells, int pad, int c, T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        size_t image = i / (unsigned)cells, cell = i % (unsigned)cells;
        const uint8_t *p = pixels + image * (unsigned)c * (unsigned)cells + cell;
        T *out = y + i * (unsigned)pad;
        for (int k = 0; k < pad; k++)
            out[k] = from_float<T>(k < c ? table[k * 256 + p[(size_t)k * (unsigned)cells]] : 0.0f);
    }
}

template <class T>
__global__ void images(const float *__restrict__ x, size_t count, int cells, int pad, int c,
                       T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        size_t image = i / (unsigned)cells, cell = i % (unsigned)cells;
        const float *p = x + image * (unsigned)c * (unsigned)cells + cell;
        T *out = y + i * (unsigned)pad;
        for (int k = 0; k < pad; k++)
            out[k] = from_float<T>(k < c ? p[(size_t)k * (unsigned)cells] : 0.0f);
    }
}

template <class T>
__global__ void pack(const float *__restrict__ w, int oc, int ic, int taps, size_t count, int ipad,
                     T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        int c = (int)(i % (unsigned)ipad);
        size_t at = i / (unsigned)ipad;
        int tap = (int)(at % (unsigned)taps), o = (int)(at / (unsigned)taps);
        y[i] = from_float<T>(
            o < oc && c < ic ? w[((size_t)o * (unsigned)ic + (unsigned)c) * (unsigned)taps + tap]
                             : 0.0f);
    }
}

/* A NaN stays one. */
template <class T>
__global__ void scale(unsigned count, const T *x, const float *__restrict__ w,
                      const float *__restrict__ b, const T *res, bool relu, int pad, T *y)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        const unsigned c = i % (unsigned)(pad / N) * N;
        const size_t at = (size_t)i * N;
        float v[N], by[N], more[N] = {}, also[N] = {};
        load<N>(x + at, v);
        load<N>(w + c, by);
        if (b)
            load<N>(b + c, more);
        if (res)
            load<N>(res + at, also);
        UNROLL for (int j = 0; j < N; j++)
        {
            v[j] = by[j] * v[j] + more[j] + also[j];
            v[j] = relu && v[j] < 0.0f ? 0.0f : v[j];
        }
        store<N>(y + at, v);
    }
}

template <class T>
__global__ void offset(unsigned count, const T *x, const float *__restrict__ w, unsigned each, T *y)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        float v[N], more[N];
        load<N>(x + (size_t)i * N, v);
        load<N>(w + (size_t)(i % each) * N, more);
        UNROLL for (int j = 0; j < N; j++) v[j] += more[j];
        store<N>(y + (size_t)i * N, v);
    }
}

__global__ void spread(const float *__restrict__ g, int apart, size_t count, int cells, int pad,
                       int c, float *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        int k = (int)(i % (unsigned)pad);
        size_t image = i / (unsigned)pad / (unsigned)cells;
        y[i] = k < c ? g[image * (unsigned)apart + k] : 0.0f;
    }
}

template <class T>
__global__ void mask(unsigned count, const T *__restrict__ x, float *__restrict__ g)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        float v[N], d[N];
        load<N>(x + (size_t)i * N, v);
        load<N>(g + (size_t)i * N, d);
        UNROLL for (int j = 0; j < N; j++) d[j] = v[j] > 0.0f ? d[j] : 0.0f;
        store<N>(g + (size_t)i * N, d);
    }
}

__global__ void add(unsigned count, const float *__restrict__ x, float *__restrict__ y)
{
    const int N = side_by_side<float>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        float v[N], more[N];
        load<N>(y + (size_t)i * N, v);
        load<N>(x + (size_t)i * N, more);
        UNROLL for (int j = 0; j < N; j++) v[j] += more[j];
        store<N>(y + (size_t)i * N, v);
    }
}

/* --- windows --- */

/* The first cells of the largest values in window (oy, ox) of N channels of x, whose cells lie `c`
 * apart; -1 in a window of padding alone. A NaN is the largest. */
template <int N, class T>
__device__ inline void largest(const T *x, int c, struct kernel_window v, int oy, int ox,
                               float (&best)[N], int (&at)[N])
{
    UNROLL for (int j = 0; j < N; j++)
    {
        at[j] = -1;
        best[j] = 0.0f;
    }
    for (int ky = 0; ky < v.y.k; ky++)
        for (int kx = 0; kx < v.x.k; kx++) {
            int iy = window_first(v.y, oy) + ky * (v.y.gap + 1);
            int ix = window_first(v.x, ox) + kx * (v.x.gap + 1);
            if (iy < 0 || iy >= v.y.in || ix < 0 || ix >= v.x.in)
                continue;
            float f[N];
            load<N>(x + (size_t)(iy * v.x.in + ix) * (unsigned)c, f);
            UNROLL for (int j = 0; j < N; j++) if (at[j] < 0 || f[j] > best[j] ||
                                                   (f[j] != f[j] && best[j] == best[j]))
            {
                best[j] = f[j];
                at[j] = iy * v.x.in + ix;
            }
        }
}

/* Elements of a value of (n, h, w, c) that stand before N channels of a place. */
template <int N> __device__ inline size_t before(struct place p, int cells, int c)
{
    return p.image * (unsigned)cells * (unsigned)c + (unsigned)p.c * N;
}

template <class T>
__global__ void max_forward(unsigned count, const T *__restrict__ x, int c, struct kernel_window v,
                            T *__restrict__ y)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        struct place p = place_of(i, v.y.out, v.x.out, c / N);
        float best[N];
        int at[N];
        largest<N>(x + before<N>(p, v.y.in * v.x.in, c), c, v, p.y, p.x, best, at);
        store<N>(y + (size_t)i * N, best);
    }
}

template <class T>
__global__ void max_backward(unsigned count, const T *__restrict__ x, const float *__restrict__ dy,
                             int c, struct kernel_window v, bool add, float *__restrict__ dx)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        struct place p = place_of(i, v.y.in, v.x.in, c / N);
        const T *plane = x + before<N>(p, v.y.in * v.x.in, c);
        const float *grads = dy + before<N>(p, v.y.out * v.x.out, c);
        float sum[N] = {}, best[N], g[N];
        int at[N];
        if (add)
            load<N>(dx + (size_t)i * N, sum);
        for (int oy = window_least(v.y, p.y); oy < v.y.out && window_first(v.y, oy) <= p.y; oy++)
            for (int ox = window_least(v.x, p.x); ox < v.x.out && window_first(v.x, ox) <= p.x;
                 ox++) {
                largest<N>(plane, c, v, oy, ox, best, at);
                load<N>(grads + (size_t)(oy * v.x.out + ox) * (unsigned)c, g);
                UNROLL for (int j = 0; j < N; j++) sum[j] +=
                    at[j] == p.y * v.x.in + p.x ? g[j] : 0.0f;
            }
        store<N>(dx + (size_t)i * N, sum);
    }
}

/* Cells from begin to before end, `by` apart; `whole`: with those outside the image. */
struct span {
    int begin, end, by, whole;
};

__device__ inline struct span span_of(struct kernel_axis a, enum kernel_areas areas, int o)
{
    struct span s;
    if (areas == KERNEL_GRID) {
        s.begin = (int)((long long)o * a.in / a.out);
        s.end = (int)(((long long)(o + 1) * a.in + a.out - 1) / a.out);
        s.by = 1;
        s.whole = s.end - s.begin;
        return s;
    }
    s.by = a.gap + 1;
    s.begin = window_first(a, o);
    s.end = s.begin + (a.k - 1) * s.by + 1;
    if (s.begin < 0)
        s.begin += (s.by - 1 - s.begin) / s.by * s.by;
    if (s.end > a.in)
        s.end = a.in;
    s.whole = a.k;
    return s;
}

__device__ inline float share_of(struct span y, struct span x, enum kernel_areas areas)
{
    if (areas == KERNEL_WHOLE)
        return 1.0f / ((float)y.whole * (float)x.whole);
    int rows = (y.end - y.begin + y.by - 1) / y.by, columns = (x.end - x.begin + x.by - 1) / x.by;
    return 1.0f / ((float)rows * (float)columns);
}

template <class T>
__global__ void means_forward(unsigned count, const T *__restrict__ x, int c,
                              struct kernel_window v, T *__restrict__ y)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        struct place p = place_of(i, v.y.out, v.x.out, c / N);
        const T *plane = x + before<N>(p, v.y.in * v.x.in, c);
        struct span sy = span_of(v.y, v.areas, p.y), sx = span_of(v.x, v.areas, p.x);
        float sum[N] = {}, f[N], share = share_of(sy, sx, v.areas);
        for (int iy = sy.begin; iy < sy.end; iy += sy.by)
            for (int ix = sx.begin; ix < sx.end; ix += sx.by) {
                load<N>(plane + (size_t)(iy * v.x.in + ix) * (unsigned)c, f);
                UNROLL for (int j = 0; j < N; j++) sum[j] += f[j];
            }
        UNROLL for (int j = 0; j < N; j++) sum[j] *= share;
        store<N>(y + (size_t)i * N, sum);
    }
}

/* The first and the last window or area that may hold cell i. */
__device__ inline int area_least(struct kernel_axis a, enum kernel_areas areas, int i)
{
    return areas == KERNEL_GRID ? (int)((long long)i * a.out / a.in) : window_least(a, i);
}

__device__ inline int area_last(struct kernel_axis a, enum kernel_areas areas, int i)
{
    int last = areas == KERNEL_GRID ? (int)(((long long)(i + 1) * a.out + a.in - 1) / a.in) - 1
                                    : (i + a.before) / a.stride;
    return last < a.out ? last : a.out - 1;
}

__global__ void means_backward(unsigned count, const float *__restrict__ dy, int c,
                               struct kernel_window v, bool add, float *__restrict__ dx)
{
    const int N = side_by_side<float>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        struct place p = place_of(i, v.y.in, v.x.in, c / N);
        const float *grads = dy + before<N>(p, v.y.out * v.x.out, c);
        const int last_y = area_last(v.y, v.areas, p.y), last_x = area_last(v.x, v.areas, p.x);
        float sum[N] = {}, g[N];
        if (add)
            load<N>(dx + (size_t)i * N, sum);
        for (int oy = area_least(v.y, v.areas, p.y); oy <= last_y; oy++) {
            struct span sy = span_of(v.y, v.areas, oy);
            if ((p.y - sy.begin) % sy.by != 0)
                continue;
            for (int ox = area_least(v.x, v.areas, p.x); ox <= last_x; ox++) {
                struct span sx = span_of(v.x, v.areas, ox);
                if ((p.x - sx.begin) % sx.by != 0)
                    continue;
                const float share = share_of(sy, sx, v.areas);
                load<N>(grads + (size_t)(oy * v.x.out + ox) * (unsigned)c, g);
                UNROLL for (int j = 0; j < N; j++) sum[j] += g[j] * share;
            }
        }
        store<N>(dx + (size_t)i * N, sum);
    }
}

/* --- interpolation --- */

template <class T>
__global__ void resize(unsigned count, const T *__restrict__ x, int c, struct kernel_resize r,
                       bool add, T *__restrict__ y)
{
    const int N = side_by_side<T>::COUNT;
    const int rows = r.list[0], columns = r.list[1], *row = r.list + 2, *column = row + r.oh;
    const float *down = (const float *)(column + r.ow), *across = down + (size_t)r.oh * rows;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        struct place p = place_of(i, r.oh, r.ow, c / N);
        const T *plane = x + before<N>(p, r.h * r.w, c);
        const float *wy = down + (size_t)p.y * rows, *wx = across + (size_t)p.x * columns;
        float sum[N] = {}, f[N];
        if (add)
            load<N>(y + (size_t)i * N, sum);
        for (int j = 0; j < rows; j++)
            for (int k = 0; k < columns; k++) {
                const float share = wy[j] * wx[k];
                load<N>(plane + (size_t)((row[p.y] + j) * r.w + column[p.x] + k) * (unsigned)c, f);
                UNROLL for (int l = 0; l < N; l++) sum[l] += share * f[l];
            }
        store<N>(y + (size_t)i * N, sum);
    }
}

/* --- functions --- */

__device__ inline float sigmoid(float x)
{
    return x < 0.0f ? expf(x) / (1.0f + expf(x)) : 1.0f / (1.0f + expf(-x));
}

__device__ inline float softplus(float x)
{
    return x > 0.0f ? x + log1pf(expf(-x)) : log1pf(expf(x));
}

__device__ inline float clip(float x, float p, float q)
{
    return x < p ? p : x > q ? q : x;
}

/* The tanh in the approximation of GELU. */
__device__ inline float gelu_inner(float x)
{
    return tanhf(0.7978845608f * (x + 0.044715f * x * x * x));
}

#define EXP_MOST 88.0f
#define LOG_LEAST 1.1754943508e-38f /* 2^-126 */

__device__ inline float exponential(float x)
{
    return expf(x > EXP_MOST ? EXP_MOST : x);
}

__device__ inline float logarithm(float x)
{
    return logf(x < LOG_LEAST ? LOG_LEAST : x);
}

__device__ inline float power(float x, float p)
{
    return x <= 0.0f && p > 0.0f ? 0.0f : exponential(p * logarithm(x));
}

/* 0 for what graph_drops() of graph/dropout.h drops, else 1 / (1 - p). */
__device__ inline float kept(float x, float p)
{
    unsigned bits = __float_as_uint(x) * 0x9E3779B1U;
    bits ^= bits >> 15;
    bits *= 0x85EBCA77U;
    bits ^= bits >> 13;
    return (float)(bits >> 8) < p * 16777216.0f ? 0.0f : 1.0f / (1.0f - p);
}

/* As graph_function_rules[] has them. */
__device__ inline float function_of(int function, float x, float p, float q)
{
    switch (function) {
    case GRAPH_CLIP:
        return clip(x, p, q);
    case GRAPH_LEAKY_RELU:
        return x > 0.0f ? x : p * x;
    case GRAPH_SIGMOID:
        return sigmoid(x);
    case GRAPH_TANH:
        return tanhf(x);
    case GRAPH_SILU:
        return x * sigmoid(x);
    case GRAPH_HARD_SIGMOID:
        return clip(p * x + q, 0.0f, 1.0f);
    case GRAPH_HARD_SWISH:
        return x * clip(x / 6.0f + 0.5f, 0.0f, 1.0f);
    case GRAPH_GELU:
        return x * erfcf(-0.7071067812f * x) / 2.0f;
    case GRAPH_GELU_TANH:
        return x / 2.0f * (1.0f + gelu_inner(x));
    case GRAPH_ELU:
        return x > 0.0f ? x : p * expm1f(x);
    case GRAPH_SOFTPLUS:
        return softplus(x);
    case GRAPH_MISH:
        return x * tanhf(softplus(x));
    case GRAPH_ROOT:
        return x < 0.0f ? 0.0f : sqrtf(x);
    case GRAPH_INVERSE:
        return 1.0f / x;
    case GRAPH_EXP:
        return exponential(x);
    case GRAPH_LOG:
        return logarithm(x);
    case GRAPH_POWER:
        return power(x, p);
    case GRAPH_ERF:
        return erff(x);
    case GRAPH_DROPOUT:
        return x * kept(x, p);
    default:
        return x;
    }
}

__device__ inline float slope_of(int function, float x, float p, float q)
{
    float y, t;
    switch (function) {
    case GRAPH_CLIP: /* at its ends, see clip_slope() of graph/function.c */
        return q == INFINITY ? (x > p ? 1.0f : 0.0f) : (x >= p && x <= q ? 1.0f : 0.0f);
    case GRAPH_LEAKY_RELU:
        return x > 0.0f ? 1.0f : p;
    case GRAPH_SIGMOID:
        return sigmoid(x) * sigmoid(-x);
    case GRAPH_TANH:
        t = tanhf(x);
        return 1.0f - t * t;
    case GRAPH_SILU:
        return sigmoid(x) + x * sigmoid(x) * sigmoid(-x);
    case GRAPH_HARD_SIGMOID:
        y = p * x + q;
        return y > 0.0f && y < 1.0f ? p : 0.0f;
    case GRAPH_HARD_SWISH:
        return x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : x / 3.0f + 0.5f;
    case GRAPH_GELU:
        return erfcf(-0.7071067812f * x) / 2.0f + x * expf(-x * x / 2.0f) * 0.3989422804f;
    case GRAPH_GELU_TANH:
        t = gelu_inner(x);
        y = 0.7978845608f * (1.0f + 3.0f * 0.044715f * x * x);
        return (1.0f + t) / 2.0f + x / 2.0f * (1.0f - t * t) * y;
    case GRAPH_ELU:
        return x > 0.0f ? 1.0f : p * expf(x);
    case GRAPH_SOFTPLUS:
        return sigmoid(x);
    case GRAPH_MISH:
        t = tanhf(softplus(x));
        return t + x * (1.0f - t * t) * sigmoid(x);
    case GRAPH_ROOT:
        return x <= 0.0f ? 0.0f : 0.5f / sqrtf(x);
    case GRAPH_INVERSE:
        return -1.0f / (x * x);
    case GRAPH_EXP:
        return x > EXP_MOST ? 0.0f : expf(x);
    case GRAPH_LOG:
        return x < LOG_LEAST ? 0.0f : 1.0f / x;
    case GRAPH_POWER:
        return x <= 0.0f ? 0.0f : p * power(x, p - 1.0f);
    case GRAPH_ERF:
        return 1.1283791671f * expf(-x * x);
    case GRAPH_DROPOUT:
        return kept(x, p);
    default:
        return 1.0f;
    }
}

/* Of `c` channels in use, those before k. */
template <class T>
__global__ void function_forward(unsigned count, int function, float p, float q, const T *x,
                                 int pad, int c, T *y)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        const int k = (int)(i % (unsigned)(pad / N)) * N;
        float v[N];
        load<N>(x + (size_t)i * N, v);
        UNROLL for (int j = 0; j < N; j++) v[j] =
            k + j < c ? function_of(function, v[j], p, q) : 0.0f;
        store<N>(y + (size_t)i * N, v);
    }
}

template <class T>
__global__ void function_backward(unsigned count, int function, float p, float q,
                                  const T *__restrict__ x, const float *dy, int pad, int c,
                                  bool add, float *dx)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        const int k = (int)(i % (unsigned)(pad / N)) * N;
        float v[N], g[N], sum[N] = {};
        load<N>(x + (size_t)i * N, v);
        load<N>(dy + (size_t)i * N, g);
        if (add)
            load<N>(dx + (size_t)i * N, sum);
        UNROLL for (int j = 0; j < N; j++) sum[j] +=
            k + j < c ? g[j] * slope_of(function, v[j], p, q) : 0.0f;
        store<N>(dx + (size_t)i * N, sum);
    }
}

/* --- pairs --- */

/* Where an operand has what belongs to a cell and a channel of the result. */
__device__ inline size_t operand_at(struct kernel_operand of, size_t image, int y, int x, int c)
{
    size_t row = image * (unsigned)of.h + (of.h > 1 ? y : 0);
    return (row * (unsigned)of.w + (of.w > 1 ? x : 0)) * (unsigned)of.pad + (of.c > 1 ? c : 0);
}

/* N channels at a time, which both operands have. */
template <class T>
__global__ void pair_channels(unsigned count, bool multiply, bool relu, const T *a,
                              struct kernel_operand of_a, const T *b, struct kernel_operand of_b,
                              struct kernel_operand of_y, T *y)
{
    const int N = side_by_side<T>::COUNT;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        struct place p = place_of(i, of_y.h, of_y.w, of_y.pad / N);
        float l[N], r[N];
        load<N>(a + operand_at(of_a, p.image, p.y, p.x, p.c * N), l);
        load<N>(b + operand_at(of_b, p.image, p.y, p.x, p.c * N), r);
        UNROLL for (int j = 0; j < N; j++)
        {
            l[j] = multiply ? l[j] * r[j] : l[j] + r[j];
            l[j] = p.c * N + j >= of_y.c || (relu && l[j] < 0.0f) ? 0.0f : l[j];
        }
        store<N>(y + (size_t)i * N, l);
    }
}

template <class T>
__global__ void pair_forward(bool multiply, bool relu, const T *a, struct kernel_operand of_a,
                             const T *b, struct kernel_operand of_b, size_t count,
                             struct kernel_operand of_y, T *y)
{
    for (size_t i = first(); i < count; i += step()) {
        struct place p = place_of(i, of_y.h, of_y.w, of_y.pad);
        float v = 0.0f;
        if (p.c < of_y.c) {
            float l = to_float(a[operand_at(of_a, p.image, p.y, p.x, p.c)]);
            float r = to_float(b[operand_at(of_b, p.image, p.y, p.x, p.c)]);
            v = multiply ? l * r : l + r;
        }
        y[i] = from_float<T>(relu && v < 0.0f ? 0.0f : v);
    }
}

/* An element of the operand sums over all of the result that it is in. */
template <class T>
__global__ void pair_backward(const T *__restrict__ other, struct kernel_operand of_other,
                              const float *dy, struct kernel_operand of_y, size_t count,
                              struct kernel_operand of_x, bool add, float *dx)
{
    int h = of_x.h > 1 ? 1 : of_y.h, w = of_x.w > 1 ? 1 : of_y.w, c = of_x.c > 1 ? 1 : of_y.c;
    for (size_t i = first(); i < count; i += step()) {
        struct place p = place_of(i, of_x.h, of_x.w, of_x.pad);
        float sum = 0.0f;
        for (int y = p.y; y < p.y + h && p.c < of_x.c; y++)
            for (int x = p.x; x < p.x + w; x++)
                for (int k = p.c; k < p.c + c; k++) {
                    float g = dy[operand_at(of_y, p.image, y, x, k)];
                    sum += other ? g * to_float(other[operand_at(of_other, p.image, y, x, k)]) : g;
                }
        dx[i] = add ? dx[i] + sum : sum;
    }
}

/* --- products --- */

template <class T>
__global__ void matmul_forward(const T *__restrict__ x, const T *__restrict__ m, size_t count,
                               struct kernel_matmul k, T *y)
{
    for (size_t i = first(); i < count; i += step()) {
        const int c = (int)(i % (unsigned)k.pad);
        const size_t cell = i / (unsigned)k.pad, image = cell / (unsigned)k.cells;
        float sum = 0.0f;
        if (c < k.groups * k.out) {
            const T *row = x + cell * (unsigned)k.xpad + (unsigned)(c / k.out * k.in);
            const T *column = m + image * (unsigned)k.in * (unsigned)k.mpad + (unsigned)c;
            for (int j = 0; j < k.in; j++)
                sum += to_float(row[j]) * to_float(column[(size_t)j * (unsigned)k.mpad]);
        }
        y[i] = from_float<T>(sum);
    }
}

template <class T>
__global__ void matmul_to_x(const T *__restrict__ m, const float *__restrict__ dy, size_t count,
                            struct kernel_matmul k, bool add, float *dx)
{
    for (size_t i = first(); i < count; i += step()) {
        const int c = (int)(i % (unsigned)k.xpad);
        const size_t cell = i / (unsigned)k.xpad, image = cell / (unsigned)k.cells;
        float sum = 0.0f;
        if (c < k.groups * k.in) {
            const size_t first = (unsigned)(c / k.in * k.out), j = (unsigned)(c % k.in);
            const T *row = m + (image * (unsigned)k.in + j) * (unsigned)k.mpad + first;
            const float *of = dy + cell * (unsigned)k.pad + first;
            for (int o = 0; o < k.out; o++)
                sum += to_float(row[o]) * of[o];
        }
        dx[i] = add ? dx[i] + sum : sum;
    }
}

template <class T>
__global__ void matmul_to_m(const T *__restrict__ x, const float *__restrict__ dy, size_t count,
                            struct kernel_matmul k, bool add, float *dm)
{
    for (size_t i = first(); i < count; i += step()) {
        const int c = (int)(i % (unsigned)k.mpad);
        const size_t row = i / (unsigned)k.mpad, image = row / (unsigned)k.in;
        float sum = 0.0f;
        if (c < k.groups * k.out) {
            const size_t from = image * (unsigned)k.cells;
            const T *column =
                x + from * (unsigned)k.xpad + (unsigned)(c / k.out * k.in) + row % (unsigned)k.in;
            const float *of = dy + from * (unsigned)k.pad + (unsigned)c;
            for (size_t p = 0; p < (unsigned)k.cells; p++)
                sum += to_float(column[p * (unsigned)k.xpad]) * of[p * (unsigned)k.pad];
        }
        dm[i] = add ? dm[i] + sum : sum;
    }
}

/* Where sums go over all cells of an image a block makes those of AT_ONCE channels, and each thread
 * adds every IN_TURN-th cell. */
const int AT_ONCE = 32, IN_TURN = THREADS / AT_ONCE;

/* The same of an operand of one cell. */
template <class T>
__global__ void __launch_bounds__(THREADS)
    pair_over_cells(const T *__restrict__ other, const float *__restrict__ dy, size_t jobs,
                    int cells, int c, int pad, bool add, float *dx)
{
    __shared__ float part[IN_TURN][AT_ONCE];
    const int column = (int)threadIdx.x % AT_ONCE, row = (int)threadIdx.x / AT_ONCE;
    const int parts = (pad + AT_ONCE - 1) / AT_ONCE;
    for (size_t i = blockIdx.x; i < jobs; i += gridDim.x) {
        const size_t image = i / (unsigned)parts;
        const int k = (int)(i % (unsigned)parts) * AT_ONCE + column;
        const size_t at = image * (unsigned)cells * (unsigned)pad + (unsigned)k;
        float sum = 0.0f;
        for (int j = row; j < cells && k < c; j += IN_TURN) {
            const size_t cell = at + (size_t)j * (unsigned)pad;
            sum += other ? dy[cell] * to_float(other[cell]) : dy[cell];
        }
        part[row][column] = sum;
        __syncthreads();
        if (row == 0 && k < pad) {
            float *to = dx + image * (unsigned)pad + (unsigned)k;
            for (int j = 1; j < IN_TURN; j++)
                sum += part[j][column];
            *to = add ? *to + sum : sum;
        }
        __syncthreads();
    }
}

/* --- moving channels --- */

template <class T>
__global__ void concat(const T *__restrict__ a, int ac, int apad, const T *__restrict__ b, int bc,
                       int bpad, size_t count, int pad, T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        int k = (int)(i % (unsigned)pad);
        size_t cell = i / (unsigned)pad;
        y[i] = k < ac        ? a[cell * (unsigned)apad + k]
               : k < ac + bc ? b[cell * (unsigned)bpad + (k - ac)]
                             : from_float<T>(0.0f);
    }
}

__global__ void slice(const float *__restrict__ dy, int from, int from_pad, size_t count, int c,
                      int pad, bool add, float *__restrict__ dx)
{
    for (size_t i = first(); i < count; i += step()) {
        int k = (int)(i % (unsigned)pad);
        float v = k < c ? dy[i / (unsigned)pad * (unsigned)from_pad + from + k] : 0.0f;
        dx[i] = add ? dx[i] + v : v;
    }
}

template <class T>
__global__ void pick_forward(const T *__restrict__ x, int from_pad, const int *__restrict__ pick,
                             size_t count, int c, int pad, T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        int k = (int)(i % (unsigned)pad);
        y[i] = k < c && pick[k] >= 0 ? x[i / (unsigned)pad * (unsigned)from_pad + pick[k]]
                                     : from_float<T>(0.0f);
    }
}

__global__ void pick_backward(const float *__restrict__ dy, int from_pad,
                              const int *__restrict__ start, const int *__restrict__ place,
                              size_t count, int c, int pad, bool add, float *__restrict__ dx)
{
    for (size_t i = first(); i < count; i += step()) {
        int k = (int)(i % (unsigned)pad);
        const float *cell = dy + i / (unsigned)pad * (unsigned)from_pad;
        float sum = add ? dx[i] : 0.0f;
        for (int j = k < c ? start[k] : 0; k < c && j < start[k + 1]; j++)
            sum += cell[place[j]];
        dx[i] = sum;
    }
}

template <class T>
__global__ void flatten_forward(const T *__restrict__ x, size_t count, int cells, int c, int pad,
                                int to_pad, T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        int k = (int)(i % (unsigned)to_pad);
        size_t image = i / (unsigned)to_pad;
        y[i] = k < c * cells ? x[(image * (unsigned)cells + k % cells) * (unsigned)pad + k / cells]
                             : from_float<T>(0.0f);
    }
}

__global__ void flatten_backward(const float *__restrict__ dy, size_t count, int cells, int c,
                                 int pad, int from_pad, bool add, float *__restrict__ dx)
{
    for (size_t i = first(); i < count; i += step()) {
        int k = (int)(i % (unsigned)pad);
        size_t at = i / (unsigned)pad;
        int cell = (int)(at % (unsigned)cells);
        float v = k < c ? dy[at / (unsigned)cells * (unsigned)from_pad + k * cells + cell] : 0.0f;
        dx[i] = add ? dx[i] + v : v;
    }
}

/* --- rows: a block sums over the channels of a cell --- */

/* What all threads of a block hold, summed or the largest of it, to all of them. */
__device__ inline float row_sum(float v, float *room)
{
    int t = (int)threadIdx.x;
    room[t] = v;
    __syncthreads();
    for (int half = ROW / 2; half > 0; half /= 2) {
        if (t < half)
            room[t] += room[t + half];
        __syncthreads();
    }
    v = room[0];
    __syncthreads();
    return v;
}

__device__ inline float row_max(float v, float *room)
{
    int t = (int)threadIdx.x;
    room[t] = v;
    __syncthreads();
    for (int half = ROW / 2; half > 0; half /= 2) {
        if (t < half)
            room[t] = room[t] < room[t + half] ? room[t + half] : room[t];
        __syncthreads();
    }
    v = room[0];
    __syncthreads();
    return v;
}

template <class T>
__global__ void softmax_forward(const T *__restrict__ x, size_t cells, int c, int pad,
                                T *__restrict__ y)
{
    __shared__ float room[ROW];
    for (size_t cell = blockIdx.x; cell < cells; cell += gridDim.x) {
        const T *from = x + cell * (unsigned)pad;
        T *to = y + cell * (unsigned)pad;
        float most = -INFINITY, sum = 0.0f;
        for (int k = (int)threadIdx.x; k < c; k += ROW)
            most = fmaxf(most, to_float(from[k]));
        most = row_max(most, room);
        for (int k = (int)threadIdx.x; k < c; k += ROW)
            sum += expf(to_float(from[k]) - most);
        sum = row_sum(sum, room);
        for (int k = (int)threadIdx.x; k < pad; k += ROW)
            to[k] = from_float<T>(k < c ? expf(to_float(from[k]) - most) / sum : 0.0f);
    }
}

template <class T>
__global__ void softmax_backward(const T *__restrict__ y, const float *__restrict__ dy,
                                 size_t cells, int c, int pad, bool add, float *__restrict__ dx)
{
    __shared__ float room[ROW];
    for (size_t cell = blockIdx.x; cell < cells; cell += gridDim.x) {
        const size_t at = cell * (unsigned)pad;
        float sum = 0.0f;
        for (int k = (int)threadIdx.x; k < c; k += ROW)
            sum += to_float(y[at + k]) * dy[at + k];
        sum = row_sum(sum, room);
        for (int k = (int)threadIdx.x; k < pad; k += ROW) {
            float v = k < c ? to_float(y[at + k]) * (dy[at + k] - sum) : 0.0f;
            dx[at + k] = add ? dx[at + k] + v : v;
        }
    }
}

/* What a layer norm takes off the channels of a cell, and the factor behind it. */
struct layer {
    float mean, scale;
};

template <class T>
__device__ inline struct layer layer_of(const T *x, int c, float eps, float *room)
{
    float sum = 0.0f;
    struct layer l;
    for (int k = (int)threadIdx.x; k < c; k += ROW)
        sum += to_float(x[k]);
    l.mean = row_sum(sum, room) / (float)c;
    sum = 0.0f;
    for (int k = (int)threadIdx.x; k < c; k += ROW)
        sum += (to_float(x[k]) - l.mean) * (to_float(x[k]) - l.mean);
    l.scale = 1.0f / sqrtf(row_sum(sum, room) / (float)c + eps);
    return l;
}

template <class T>
__global__ void layer_norm_forward(const T *__restrict__ x, const float *__restrict__ w,
                                   const float *__restrict__ b, float eps, size_t cells, int c,
                                   int pad, T *__restrict__ y)
{
    __shared__ float room[ROW];
    for (size_t cell = blockIdx.x; cell < cells; cell += gridDim.x) {
        const T *from = x + cell * (unsigned)pad;
        struct layer l = layer_of(from, c, eps, room);
        for (int k = (int)threadIdx.x; k < pad; k += ROW)
            y[cell * (unsigned)pad + k] =
                from_float<T>(k < c ? (to_float(from[k]) - l.mean) * l.scale * w[k] + b[k] : 0.0f);
    }
}

/* With x^ = (x - mean) scale and d = w dy: dx = scale (d - mean of d - x^ mean of d x^). */
template <class T>
__global__ void layer_norm_backward(const T *__restrict__ x, const float *__restrict__ w, float eps,
                                    const float *dy, size_t cells, int c, int pad, bool add,
                                    float *dx)
{
    __shared__ float room[ROW];
    for (size_t cell = blockIdx.x; cell < cells; cell += gridDim.x) {
        const size_t at = cell * (unsigned)pad;
        struct layer l = layer_of(x + at, c, eps, room);
        float sum = 0.0f, along = 0.0f;
        for (int k = (int)threadIdx.x; k < c; k += ROW) {
            sum += w[k] * dy[at + k];
            along += w[k] * dy[at + k] * (to_float(x[at + k]) - l.mean) * l.scale;
        }
        sum = row_sum(sum, room) / (float)c;
        along = row_sum(along, room) / (float)c;
        for (int k = (int)threadIdx.x; k < pad; k += ROW) {
            float v = 0.0f;
            if (k < c)
                v = l.scale *
                    (w[k] * dy[at + k] - sum - (to_float(x[at + k]) - l.mean) * l.scale * along);
            dx[at + k] = add ? dx[at + k] + v : v;
        }
    }
}

/* --- means of whole planes --- */

template <class T>
__global__ void mean(const T *__restrict__ x, size_t count, int cells, int pad, int c,
                     float *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        size_t image = i / (unsigned)c;
        const T *p = x + image * (unsigned)cells * (unsigned)pad + i % (unsigned)c;
        float sum = 0.0f;
        for (int j = 0; j < cells; j++)
            sum += to_float(p[(size_t)j * (unsigned)pad]);
        y[i] = sum / (float)cells;
    }
}

template <class T>
__global__ void __launch_bounds__(THREADS)
    sums(const T *__restrict__ x, size_t jobs, int cells, int pad, int c, double *__restrict__ y)
{
    __shared__ double part[IN_TURN][AT_ONCE], squares[IN_TURN][AT_ONCE];
    const int column = (int)threadIdx.x % AT_ONCE, row = (int)threadIdx.x / AT_ONCE;
    const int parts = (c + AT_ONCE - 1) / AT_ONCE;
    for (size_t i = blockIdx.x; i < jobs; i += gridDim.x) {
        const size_t image = i / (unsigned)parts;
        const int k = (int)(i % (unsigned)parts) * AT_ONCE + column;
        const T *from = x + image * (unsigned)cells * (unsigned)pad + k;
        double sum = 0, square = 0;
        for (int j = row; j < cells && k < c; j += IN_TURN) {
            const double v = (double)to_float(from[(size_t)j * (unsigned)pad]);
            sum += v;
            square += v * v;
        }
        part[row][column] = sum;
        squares[row][column] = square;
        __syncthreads();
        if (row == 0 && k < c) {
            for (int j = 1; j < IN_TURN; j++) {
                sum += part[j][column];
                square += squares[j][column];
            }
            double *to = y + (image * (unsigned)c + (unsigned)k) * 2;
            to[0] = sum;
            to[1] = square;
        }
        __syncthreads();
    }
}

/* --- transposing --- */

const int TILE = 32, TILE_ROWS = 8;

/* A block turns 32 cells by 32 channels of one image, whose number is blockIdx.z and
 * then every gridDim.z. */
template <class T>
__global__ void nchw(const T *__restrict__ x, int n, int cells, int pad, int c,
                     float *__restrict__ y, size_t apart)
{
    __shared__ float tile[TILE][TILE + 1];
    int cell = (int)blockIdx.x * TILE, channel = (int)blockIdx.y * TILE;
    int tx = (int)threadIdx.x, ty = (int)threadIdx.y;
    for (int image = (int)blockIdx.z; image < n; image += (int)gridDim.z) {
        const T *from = x + (size_t)image * (unsigned)cells * (unsigned)pad;
        float *to = y + (size_t)image * apart;
        for (int j = ty; j < TILE; j += TILE_ROWS)
            if (cell + j < cells && channel + tx < c)
                tile[j][tx] = to_float(from[(size_t)(cell + j) * (unsigned)pad + channel + tx]);
        __syncthreads();
        for (int j = ty; j < TILE; j += TILE_ROWS)
            if (channel + j < c && cell + tx < cells)
                to[(size_t)(channel + j) * (unsigned)cells + cell + tx] = tile[tx][j];
        __syncthreads();
    }
}

/* --- matrix product --- */

/* A block computes 64 by 64 of y, a thread 4 by 4 of them, in steps of 16 along k. */
const int SIDE = 64, DEPTH = 16, EACH = 4;

template <class T>
__global__ void __launch_bounds__(256)
    product(const T *__restrict__ a, int lda, const float *__restrict__ b,
            const float *__restrict__ bias, float scale, int m, int n, int k, int cells,
            float *__restrict__ y)
{
    __shared__ float as[DEPTH][SIDE + 1], bs[DEPTH][SIDE + 1];
    int row0 = (int)blockIdx.x * SIDE, col0 = (int)blockIdx.y * SIDE;
    int t = (int)threadIdx.x, tr = t / (SIDE / EACH), tc = t % (SIDE / EACH);
    float sum[EACH][EACH] = {};
    for (int k0 = 0; k0 < k; k0 += DEPTH) {
        for (int i = t; i < SIDE * DEPTH; i += 256) {
            int r = i / DEPTH, d = i % DEPTH;
            bool inside = k0 + d < k;
            as[d][r] = inside && row0 + r < m
                           ? to_float(a[(size_t)(row0 + r) * (unsigned)lda + k0 + d])
                           : 0.0f;
            bs[d][r] = inside && col0 + r < n ? b[(size_t)(col0 + r) * (unsigned)k + k0 + d] : 0.0f;
        }
        __syncthreads();
        for (int d = 0; d < DEPTH; d++)
            for (int i = 0; i < EACH; i++)
                for (int j = 0; j < EACH; j++)
                    sum[i][j] += as[d][tr * EACH + i] * bs[d][tc + j * (SIDE / EACH)];
        __syncthreads();
    }
    for (int i = 0; i < EACH; i++)
        for (int j = 0; j < EACH; j++) {
            int row = row0 + tr * EACH + i, col = col0 + tc + j * (SIDE / EACH);
            if (row >= m || col >= n)
                continue;
            size_t at = ((size_t)(row / cells) * (unsigned)n + (unsigned)col) * (unsigned)cells +
                        (unsigned)(row % cells);
            y[at] = scale * sum[i][j] + (bias ? bias[col] : 0.0f);
        }
}

} // namespace

/* --- the calls --- */

cudaError_t kernel_input(enum kernel_type t, const uint8_t *pixels, const float *table, int n,
                         int cells, int pad, int c, void *y, cudaStream_t stream)
{
    size_t count = (size_t)n * (size_t)cells;
    WITH_TYPE(t, launch_over(count, stream, input<T>, pixels, table, count, cells, pad, c, (T *)y));
}

cudaError_t kernel_images(enum kernel_type t, const float *x, int n, int cells, int pad, int c,
                          void *y, cudaStream_t stream)
{
    size_t count = (size_t)n * (size_t)cells;
    WITH_TYPE(t, launch_over(count, stream, images<T>, x, count, cells, pad, c, (T *)y));
}

cudaError_t kernel_pack(enum kernel_type t, const float *w, int oc, int ic, int taps, int opad,
                        int ipad, void *y, cudaStream_t stream)
{
    size_t count = (size_t)opad * (size_t)taps * (size_t)ipad;
    WITH_TYPE(t, launch_over(count, stream, pack<T>, w, oc, ic, taps, count, ipad, (T *)y));
}

cudaError_t kernel_scale(enum kernel_type t, const void *x, const float *w, const float *b,
                         const void *res, bool relu, size_t cells, int pad, void *y,
                         cudaStream_t stream)
{
    WITH_TYPE(t, launch_short(cells * (size_t)(pad / side_by_side<T>::COUNT), stream, scale<T>,
                              (const T *)x, w, b, (const T *)res, relu, pad, (T *)y));
}

cudaError_t kernel_max(enum kernel_type t, const void *x, int n, int c, struct kernel_window v,
                       void *y, cudaStream_t stream)
{
    WITH_TYPE(t, launch_short(elements(n, v.y.out, v.x.out, c / side_by_side<T>::COUNT), stream,
                              max_forward<T>, (const T *)x, c, v, (T *)y));
}

cudaError_t kernel_max_back(enum kernel_type t, const void *x, const float *dy, int n, int c,
                            struct kernel_window v, bool add, float *dx, cudaStream_t stream)
{
    WITH_TYPE(t, launch_short(elements(n, v.y.in, v.x.in, c / side_by_side<T>::COUNT), stream,
                              max_backward<T>, (const T *)x, dy, c, v, add, dx));
}

cudaError_t kernel_means(enum kernel_type t, const void *x, int n, int c, struct kernel_window v,
                         void *y, cudaStream_t stream)
{
    WITH_TYPE(t, launch_short(elements(n, v.y.out, v.x.out, c / side_by_side<T>::COUNT), stream,
                              means_forward<T>, (const T *)x, c, v, (T *)y));
}

cudaError_t kernel_means_back(const float *dy, int n, int c, struct kernel_window v, bool add,
                              float *dx, cudaStream_t stream)
{
    return launch_short(elements(n, v.y.in, v.x.in, c / side_by_side<float>::COUNT), stream,
                        means_backward, dy, c, v, add, dx);
}

cudaError_t kernel_resize(enum kernel_type t, const void *x, int n, int c, struct kernel_resize r,
                          bool add, void *y, cudaStream_t stream)
{
    WITH_TYPE(t, launch_short(elements(n, r.oh, r.ow, c / side_by_side<T>::COUNT), stream,
                              resize<T>, (const T *)x, c, r, add, (T *)y));
}

cudaError_t kernel_function(enum kernel_type t, int function, float p, float q, const void *x,
                            size_t cells, int pad, int c, void *y, cudaStream_t stream)
{
    WITH_TYPE(t, launch_short(cells * (unsigned)(pad / side_by_side<T>::COUNT), stream,
                              function_forward<T>, function, p, q, (const T *)x, pad, c, (T *)y));
}

cudaError_t kernel_function_back(enum kernel_type t, int function, float p, float q, const void *x,
                                 const float *dy, size_t cells, int pad, int c, bool add, float *dx,
                                 cudaStream_t stream)
{
    WITH_TYPE(t, launch_short(cells * (unsigned)(pad / side_by_side<T>::COUNT), stream,
                              function_backward<T>, function, p, q, (const T *)x, dy, pad, c, add,
                              dx));
}

static bool same_channels(struct kernel_operand a, struct kernel_operand b)
{
    return a.c == b.c && a.pad == b.pad;
}

cudaError_t kernel_pair(enum kernel_type t, bool multiply, bool relu, const void *a,
                        struct kernel_operand of_a, const void *b, struct kernel_operand of_b,
                        int n, struct kernel_operand of_y, void *y, cudaStream_t stream)
{
    size_t count = elements(n, of_y.h, of_y.w, of_y.pad);
    if (same_channels(of_a, of_y) && same_channels(of_b, of_y))
        WITH_TYPE(t,
                  launch_short(count / side_by_side<T>::COUNT, stream, pair_channels<T>, multiply,
                               relu, (const T *)a, of_a, (const T *)b, of_b, of_y, (T *)y));
    WITH_TYPE(t, launch_over(count, stream, pair_forward<T>, multiply, relu, (const T *)a, of_a,
                             (const T *)b, of_b, count, of_y, (T *)y));
}

cudaError_t kernel_pair_back(enum kernel_type t, const void *other, struct kernel_operand of_other,
                             const float *dy, struct kernel_operand of_y, int n,
                             struct kernel_operand of_x, bool add, float *dx, cudaStream_t stream)
{
    size_t count = elements(n, of_x.h, of_x.w, of_x.pad);
    const int cells = of_y.h * of_y.w, parts = (int)blocks_of(of_x.pad, AT_ONCE);
    const bool whole =
        !other || (of_other.h == of_y.h && of_other.w == of_y.w && same_channels(of_other, of_y));
    if (of_x.h == 1 && of_x.w == 1 && cells > 1 && whole && same_channels(of_x, of_y)) {
        const size_t jobs = (size_t)n * (unsigned)parts;
        WITH_TYPE(t, launch(blocks_for(jobs), dim3(THREADS), stream, pair_over_cells<T>,
                            (const T *)other, dy, jobs, cells, of_x.c, of_x.pad, add, dx));
    }
    WITH_TYPE(t, launch_over(count, stream, pair_backward<T>, (const T *)other, of_other, dy, of_y,
                             count, of_x, add, dx));
}

cudaError_t kernel_matmul(enum kernel_type t, const void *x, const void *m, struct kernel_matmul k,
                          void *y, cudaStream_t stream)
{
    const size_t count = elements(k.n, 1, k.cells, k.pad);
    WITH_TYPE(t, launch_over(count, stream, matmul_forward<T>, (const T *)x, (const T *)m, count, k,
                             (T *)y));
}

cudaError_t kernel_matmul_back(enum kernel_type t, int input, const void *other, const float *dy,
                               struct kernel_matmul k, bool add, float *dx, cudaStream_t stream)
{
    const size_t of_x = elements(k.n, 1, k.cells, k.xpad), of_m = elements(k.n, 1, k.in, k.mpad);
    if (input == 0)
        WITH_TYPE(
            t, launch_over(of_x, stream, matmul_to_x<T>, (const T *)other, dy, of_x, k, add, dx));
    WITH_TYPE(t, launch_over(of_m, stream, matmul_to_m<T>, (const T *)other, dy, of_m, k, add, dx));
}

cudaError_t kernel_concat(enum kernel_type t, const void *a, int ac, int apad, const void *b,
                          int bc, int bpad, size_t cells, int pad, void *y, cudaStream_t stream)
{
    size_t count = cells * (unsigned)pad;
    WITH_TYPE(t, launch_over(count, stream, concat<T>, (const T *)a, ac, apad, (const T *)b, bc,
                             bpad, count, pad, (T *)y));
}

cudaError_t kernel_slice(const float *dy, int from, int from_pad, size_t cells, int c, int pad,
                         bool add, float *dx, cudaStream_t stream)
{
    size_t count = cells * (unsigned)pad;
    return launch_over(count, stream, slice, dy, from, from_pad, count, c, pad, add, dx);
}

cudaError_t kernel_pick(enum kernel_type t, const void *x, int from_pad, const int *pick,
                        size_t cells, int c, int pad, void *y, cudaStream_t stream)
{
    size_t count = cells * (unsigned)pad;
    WITH_TYPE(t, launch_over(count, stream, pick_forward<T>, (const T *)x, from_pad, pick, count, c,
                             pad, (T *)y));
}

cudaError_t kernel_pick_back(const float *dy, int from_pad, const int *start, const int *place,
                             size_t cells, int c, int pad, bool add, float *dx, cudaStream_t stream)
{
    size_t count = cells * (unsigned)pad;
    return launch_over(count, stream, pick_backward, dy, from_pad, start, place, count, c, pad, add,
                       dx);
}

cudaError_t kernel_flatten(enum kernel_type t, const void *x, int n, int cells, int c, int pad,
                           int to_pad, void *y, cudaStream_t stream)
{
    size_t count = (size_t)n * (unsigned)to_pad;
    WITH_TYPE(t, launch_over(count, stream, flatten_forward<T>, (const T *)x, count, cells, c, pad,
                             to_pad, (T *)y));
}

cudaError_t kernel_flatten_back(const float *dy, int n, int cells, int c, int pad, int from_pad,
                                bool add, float *dx, cudaStream_t stream)
{
    size_t count = elements(n, cells, 1, pad);
    return launch_over(count, stream, flatten_backward, dy, count, cells, c, pad, from_pad, add,
                       dx);
}

cudaError_t kernel_softmax(enum kernel_type t, const void *x, size_t cells, int c, int pad, void *y,
                           cudaStream_t stream)
{
    WITH_TYPE(t,
              launch_rows(cells, stream, softmax_forward<T>, (const T *)x, cells, c, pad, (T *)y));
}

cudaError_t kernel_softmax_back(enum kernel_type t, const void *y, const float *dy, size_t cells,
                                int c, int pad, bool add, float *dx, cudaStream_t stream)
{
    WITH_TYPE(t, launch_rows(cells, stream, softmax_backward<T>, (const T *)y, dy, cells, c, pad,
                             add, dx));
}

cudaError_t kernel_offset(enum kernel_type t, const void *x, const float *w, int n, size_t each,
                          void *y, cudaStream_t stream)
{
    WITH_TYPE(t, launch_short((size_t)n * (each / side_by_side<T>::COUNT), stream, offset<T>,
                              (const T *)x, w, (unsigned)(each / side_by_side<T>::COUNT), (T *)y));
}

cudaError_t kernel_layer_norm(enum kernel_type t, const void *x, const float *w, const float *b,
                              float eps, size_t cells, int c, int pad, void *y, cudaStream_t stream)
{
    WITH_TYPE(t, launch_rows(cells, stream, layer_norm_forward<T>, (const T *)x, w, b, eps, cells,
                             c, pad, (T *)y));
}

cudaError_t kernel_layer_norm_back(enum kernel_type t, const void *x, const float *w, float eps,
                                   const float *dy, size_t cells, int c, int pad, bool add,
                                   float *dx, cudaStream_t stream)
{
    WITH_TYPE(t, launch_rows(cells, stream, layer_norm_backward<T>, (const T *)x, w, eps, dy, cells,
                             c, pad, add, dx));
}

cudaError_t kernel_mean(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        float *y, cudaStream_t stream)
{
    size_t count = (size_t)n * (size_t)c;
    WITH_TYPE(t, launch_over(count, stream, mean<T>, (const T *)x, count, cells, pad, c, y));
}

cudaError_t kernel_sums(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        double *y, cudaStream_t stream)
{
    const size_t jobs = (size_t)n * blocks_of(c, AT_ONCE);
    WITH_TYPE(t, launch(blocks_for(jobs), dim3(THREADS), stream, sums<T>, (const T *)x, jobs, cells,
                        pad, c, y));
}

cudaError_t kernel_product(enum kernel_type t, const void *a, int lda, const float *b,
                           const float *bias, float scale, int m, int n, int k, int cells, float *y,
                           cudaStream_t stream)
{
    dim3 grid(blocks_of(m, SIDE), blocks_of(n, SIDE));
    WITH_TYPE(t, launch(grid, dim3(256), stream, product<T>, (const T *)a, lda, b, bias, scale, m,
                        n, k, cells, y));
}

cudaError_t kernel_nchw(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        float *y, size_t apart, cudaStream_t stream)
{
    const int most = 65535; /* of a grid's z */
    dim3 grid(blocks_of(cells, TILE), blocks_of(c, TILE), (unsigned)(n < most ? n : most));
    WITH_TYPE(t, launch(grid, dim3(TILE, TILE_ROWS), stream, nchw<T>, (const T *)x, n, cells, pad,
                        c, y, apart));
}

cudaError_t kernel_spread(const float *g, int apart, int n, int cells, int pad, int c, float *y,
                          cudaStream_t stream)
{
    size_t count = (size_t)n * (size_t)cells * (size_t)pad;
    return launch_over(count, stream, spread, g, apart, count, cells, pad, c, y);
}

cudaError_t kernel_mask(enum kernel_type t, const void *x, float *g, size_t n, cudaStream_t stream)
{
    WITH_TYPE(t, launch_short(n / side_by_side<T>::COUNT, stream, mask<T>, (const T *)x, g));
}

cudaError_t kernel_add(const float *x, float *y, size_t n, cudaStream_t stream)
{
    return launch_short(n / side_by_side<float>::COUNT, stream, add, x, y);
}
