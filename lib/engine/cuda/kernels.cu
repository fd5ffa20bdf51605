#include "engine/cuda/kernels.h"

#include "graph/graph.h"

#include <cmath>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace
{

const int THREADS = 256;

/* --- types --- */

__device__ inline float to_float(float v)
{
    return v;
}

__device__ inline float to_float(__half v)
{
    return __half2float(v);
}

__device__ inline float to_float(__nv_bfloat16 v)
{
    return __bfloat162float(v);
}

template <class T> __device__ inline T from_float(float v);

template <> __device__ inline float from_float(float v)
{
    return v;
}

template <> __device__ inline __half from_float(float v)
{
    return __float2half_rn(v);
}

template <> __device__ inline __nv_bfloat16 from_float(float v)
{
    return __float2bfloat16_rn(v);
}

/* --- launching --- */

/* Work is spread over a grid that strides through it, so that its size is bounded. */
__device__ inline size_t first()
{
    return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ inline size_t step()
{
    return (size_t)gridDim.x * blockDim.x;
}

template <class... P, class... A>
cudaError_t launch(dim3 grid, dim3 block, cudaStream_t stream, void (*kernel)(P...), A... args)
{
    cudaLaunchConfig_t c = {};
    c.gridDim = grid;
    c.blockDim = block;
    c.stream = stream;
    return cudaLaunchKernelEx(&c, kernel, args...);
}

/* A block for each of so many jobs, up to a bound. */
dim3 blocks_for(size_t jobs)
{
    const size_t most = 1 << 16;
    return dim3((unsigned)(jobs < most ? jobs : most));
}

/* One thread for each of `count` items, up to a bound. */
template <class... P, class... A>
cudaError_t launch_over(size_t count, cudaStream_t stream, void (*kernel)(P...), A... args)
{
    size_t blocks = (count + THREADS - 1) / THREADS;
    return blocks == 0 ? cudaSuccess
                       : launch(blocks_for(blocks), dim3(THREADS), stream, kernel, args...);
}

const int ROW = 32;

/* Of ROW threads, for cells. */
template <class... P, class... A>
cudaError_t launch_rows(size_t cells, cudaStream_t stream, void (*kernel)(P...), A... args)
{
    return launch(blocks_for(cells), dim3(ROW), stream, kernel, args...);
}

/* CALL with T as the type of that name. */
#define WITH_TYPE(type, CALL)                                                                      \
    do {                                                                                           \
        if ((type) == KERNEL_F16) {                                                                \
            using T = __half;                                                                      \
            return CALL;                                                                           \
        }                                                                                          \
        if ((type) == KERNEL_BF16) {                                                               \
            using T = __nv_bfloat16;                                                               \
            return CALL;                                                                           \
        }                                                                                          \
        using T = float;                                                                           \
        return CALL;                                                                               \
    } while (0)

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
__global__ void scale(const T *x, const float *__restrict__ w, const float *__restrict__ b,
                      const T *res, bool relu, size_t count, int pad, T *y)
{
    for (size_t i = first(); i < count; i += step()) {
        unsigned c = (unsigned)(i % (unsigned)pad);
        float v = w[c] * to_float(x[i]);
        if (b)
            v += b[c];
        if (res)
            v += to_float(res[i]);
        y[i] = from_float<T>(relu && v < 0.0f ? 0.0f : v);
    }
}

template <class T>
__global__ void offset(const T *x, const float *__restrict__ w, size_t count, size_t each, T *y)
{
    for (size_t i = first(); i < count; i += step())
        y[i] = from_float<T>(to_float(x[i]) + w[i % each]);
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
__global__ void mask(const T *__restrict__ x, float *__restrict__ g, size_t count)
{
    for (size_t i = first(); i < count; i += step())
        if (!(to_float(x[i]) > 0.0f))
            g[i] = 0.0f;
}

__global__ void add(const float *__restrict__ x, float *__restrict__ y, size_t count)
{
    for (size_t i = first(); i < count; i += step())
        y[i] += x[i];
}

/* --- windows --- */

/* The first cell that window o takes, in the image or before it. */
__device__ inline int window_first(struct kernel_axis a, int o)
{
    return o * a.stride - a.before;
}

/* The windows that hold cell i are among those from window_least() on whose first cell is not
 * behind it; window_holds() says which of its cells it is, or -1. */
__device__ inline int window_least(struct kernel_axis a, int i)
{
    int least = i + a.before - (a.k - 1) * (a.gap + 1);
    return least <= 0 ? 0 : (least + a.stride - 1) / a.stride;
}

__device__ inline int window_holds(struct kernel_axis a, int o, int i)
{
    int at = i - window_first(a, o);
    return at % (a.gap + 1) == 0 ? at / (a.gap + 1) : -1;
}

/* The first cell of the largest value in window (oy, ox) of channel plane x, whose
 * cells lie `c` apart; -1 for a window of padding alone. A NaN is the largest. */
template <class T>
__device__ inline int largest(const T *x, int c, struct kernel_window v, int oy, int ox,
                              float *value)
{
    int at = -1;
    float best = 0.0f;
    for (int ky = 0; ky < v.y.k; ky++)
        for (int kx = 0; kx < v.x.k; kx++) {
            int iy = window_first(v.y, oy) + ky * (v.y.gap + 1);
            int ix = window_first(v.x, ox) + kx * (v.x.gap + 1);
            if (iy < 0 || iy >= v.y.in || ix < 0 || ix >= v.x.in)
                continue;
            float f = to_float(x[(size_t)(iy * v.x.in + ix) * (unsigned)c]);
            if (at < 0 || f > best || (f != f && best == best)) {
                best = f;
                at = iy * v.x.in + ix;
            }
        }
    *value = best;
    return at;
}

/* Which cell and channel of which image element i of (n, y, x, c) is. */
struct place {
    int c, y, x;
    size_t image;
};

__device__ inline struct place place_of(size_t i, int h, int w, int c)
{
    struct place p;
    p.c = (int)(i % (unsigned)c);
    i /= (unsigned)c;
    p.x = (int)(i % (unsigned)w);
    i /= (unsigned)w;
    p.y = (int)(i % (unsigned)h);
    p.image = i / (unsigned)h;
    return p;
}

template <class T>
__global__ void max_forward(const T *__restrict__ x, size_t count, int c, struct kernel_window v,
                            T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        struct place p = place_of(i, v.y.out, v.x.out, c);
        float best;
        largest(x + p.image * (unsigned)(v.y.in * v.x.in) * (unsigned)c + p.c, c, v, p.y, p.x,
                &best);
        y[i] = from_float<T>(best);
    }
}

template <class T>
__global__ void max_backward(const T *__restrict__ x, const float *__restrict__ dy, size_t count,
                             int c, struct kernel_window v, bool add, float *__restrict__ dx)
{
    for (size_t i = first(); i < count; i += step()) {
        struct place p = place_of(i, v.y.in, v.x.in, c);
        const T *plane = x + p.image * (unsigned)(v.y.in * v.x.in) * (unsigned)c + p.c;
        const float *grads = dy + p.image * (unsigned)(v.y.out * v.x.out) * (unsigned)c + p.c;
        float sum = add ? dx[i] : 0.0f, value;
        for (int oy = window_least(v.y, p.y); oy < v.y.out && window_first(v.y, oy) <= p.y; oy++)
            for (int ox = window_least(v.x, p.x); ox < v.x.out && window_first(v.x, ox) <= p.x;
                 ox++)
                if (largest(plane, c, v, oy, ox, &value) == p.y * v.x.in + p.x)
                    sum += grads[(size_t)(oy * v.x.out + ox) * (unsigned)c];
        dx[i] = sum;
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
__global__ void means_forward(const T *__restrict__ x, size_t count, int c, struct kernel_window v,
                              T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        struct place p = place_of(i, v.y.out, v.x.out, c);
        const T *plane = x + p.image * (unsigned)(v.y.in * v.x.in) * (unsigned)c + p.c;
        struct span sy = span_of(v.y, v.areas, p.y), sx = span_of(v.x, v.areas, p.x);
        float sum = 0.0f;
        for (int iy = sy.begin; iy < sy.end; iy += sy.by)
            for (int ix = sx.begin; ix < sx.end; ix += sx.by)
                sum += to_float(plane[(size_t)(iy * v.x.in + ix) * (unsigned)c]);
        y[i] = from_float<T>(sum * share_of(sy, sx, v.areas));
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

__global__ void means_backward(const float *__restrict__ dy, size_t count, int c,
                               struct kernel_window v, bool add, float *__restrict__ dx)
{
    for (size_t i = first(); i < count; i += step()) {
        struct place p = place_of(i, v.y.in, v.x.in, c);
        const float *grads = dy + p.image * (unsigned)(v.y.out * v.x.out) * (unsigned)c + p.c;
        float sum = add ? dx[i] : 0.0f;
        for (int oy = area_least(v.y, v.areas, p.y); oy <= area_last(v.y, v.areas, p.y); oy++)
            for (int ox = area_least(v.x, v.areas, p.x); ox <= area_last(v.x, v.areas, p.x); ox++) {
                struct span sy = span_of(v.y, v.areas, oy), sx = span_of(v.x, v.areas, ox);
                if ((p.y - sy.begin) % sy.by == 0 && (p.x - sx.begin) % sx.by == 0)
                    sum += grads[(size_t)(oy * v.x.out + ox) * (unsigned)c] *
                           share_of(sy, sx, v.areas);
            }
        dx[i] = sum;
    }
}

/* --- convolutions in groups --- */

template <class T>
__global__ void conv_forward(const T *__restrict__ x, const float *__restrict__ w,
                             const float *__restrict__ b, const T *res, bool relu, size_t count,
                             struct kernel_groups g, struct kernel_window v, T *y)
{
    for (size_t i = first(); i < count; i += step()) {
        struct place p = place_of(i, v.y.out, v.x.out, g.to_pad);
        const T *image = x + p.image * (unsigned)(v.y.in * v.x.in) * (unsigned)g.from_pad +
                         (p.c < g.to ? p.c / g.makes * g.reads : 0);
        float sum = b[p.c];
        for (int ky = 0; ky < v.y.k && p.c < g.to; ky++)
            for (int kx = 0; kx < v.x.k; kx++) {
                int iy = window_first(v.y, p.y) + ky * (v.y.gap + 1);
                int ix = window_first(v.x, p.x) + kx * (v.x.gap + 1);
                if (iy < 0 || iy >= v.y.in || ix < 0 || ix >= v.x.in)
                    continue;
                const T *cell = image + (size_t)(iy * v.x.in + ix) * (unsigned)g.from_pad;
                const float *by =
                    w + (size_t)(ky * v.x.k + kx) * (unsigned)g.reads * (unsigned)g.to_pad + p.c;
                for (int j = 0; j < g.reads; j++)
                    sum += to_float(cell[j]) * by[(size_t)j * (unsigned)g.to_pad];
            }
        if (res)
            sum += to_float(res[i]);
        y[i] = from_float<T>(relu && sum < 0.0f ? 0.0f : sum);
    }
}

__global__ void conv_backward(const float *__restrict__ dy, const float *__restrict__ w,
                              size_t count, struct kernel_groups g, struct kernel_window v,
                              bool add, float *__restrict__ dx)
{
    for (size_t i = first(); i < count; i += step()) {
        struct place p = place_of(i, v.y.in, v.x.in, g.to_pad);
        const float *image = dy + p.image * (unsigned)(v.y.out * v.x.out) * (unsigned)g.from_pad +
                             (p.c < g.to ? p.c / g.makes * g.reads : 0);
        float sum = add ? dx[i] : 0.0f;
        int least = window_least(v.x, p.x);
        for (int oy = window_least(v.y, p.y);
             oy < v.y.out && window_first(v.y, oy) <= p.y && p.c < g.to; oy++)
            for (int ox = least; ox < v.x.out && window_first(v.x, ox) <= p.x; ox++) {
                int ky = window_holds(v.y, oy, p.y), kx = window_holds(v.x, ox, p.x);
                if (ky < 0 || kx < 0)
                    continue;
                const float *cell = image + (size_t)(oy * v.x.out + ox) * (unsigned)g.from_pad;
                const float *by =
                    w + (size_t)(ky * v.x.k + kx) * (unsigned)g.reads * (unsigned)g.to_pad + p.c;
                for (int j = 0; j < g.reads; j++)
                    sum += cell[j] * by[(size_t)j * (unsigned)g.to_pad];
            }
        dx[i] = sum;
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
    default:
        return 1.0f;
    }
}

template <class T>
__global__ void function_forward(int function, float p, float q, const T *x, size_t count, int pad,
                                 int c, T *y)
{
    for (size_t i = first(); i < count; i += step())
        y[i] = from_float<T>(
            (int)(i % (unsigned)pad) < c ? function_of(function, to_float(x[i]), p, q) : 0.0f);
}

template <class T>
__global__ void function_backward(int function, float p, float q, const T *__restrict__ x,
                                  const float *dy, size_t count, int pad, int c, bool add,
                                  float *dx)
{
    for (size_t i = first(); i < count; i += step()) {
        float v =
            (int)(i % (unsigned)pad) < c ? dy[i] * slope_of(function, to_float(x[i]), p, q) : 0.0f;
        dx[i] = add ? dx[i] + v : v;
    }
}

/* --- pairs --- */

/* Where an operand has what belongs to a cell and a channel of the result. */
__device__ inline size_t operand_at(struct kernel_operand of, size_t image, int y, int x, int c)
{
    size_t row = image * (unsigned)of.h + (of.h > 1 ? y : 0);
    return (row * (unsigned)of.w + (of.w > 1 ? x : 0)) * (unsigned)of.pad + (of.c > 1 ? c : 0);
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

/* --- attention: a block goes through all cells for PART cells of one head --- */

/* Threads of a block; cells of a part, and of those gone through at a time; columns of a head's
 * channels that a block makes. Thread t has row t / ACROSS and every ACROSS-th column. */
const int ATTEND = 256, PART = 32, COLUMNS = 64, ACROSS = ATTEND / PART;

/* PART rows of channels, `apart` elements apart, of which `rows` are there. */
template <class T> struct rows {
    const T *p;
    int apart, rows;
};

template <class T>
__device__ inline struct rows<T> rows_of(const T *p, int apart, int from, int all) {
    struct rows<T> r;
    r.p = p + (size_t)from * (unsigned)apart;
    r.apart = apart;
    r.rows = all - from < PART ? all - from : PART;
    return r;
}

template <class T>
__device__ inline float element(struct rows<T> r, int row, int column, int d)
{
    return row < r.rows && column < d ? to_float(r.p[(size_t)row * (unsigned)r.apart + column])
                                      : 0.0f;
}

/* out[j] = the thread's row of a times row t % ACROSS + j * ACROSS of b, d channels. */
template <class A, class B>
__device__ inline void tile_product(struct rows<A> a, struct rows<B> b, int d,
                                    float (*as)[PART + 1], float (*bs)[PART + 1], float *out)
{
    int t = (int)threadIdx.x, row = t / ACROSS, column = t % ACROSS;
    for (int j = 0; j < PART / ACROSS; j++)
        out[j] = 0.0f;
    for (int from = 0; from < d; from += PART) {
        for (int i = t; i < PART * PART; i += ATTEND) {
            as[i / PART][i % PART] = element(a, i / PART, from + i % PART, d);
            bs[i / PART][i % PART] = element(b, i / PART, from + i % PART, d);
        }
        __syncthreads();
        for (int k = 0; k < PART; k++)
            for (int j = 0; j < PART / ACROSS; j++)
                out[j] += as[row][k] * bs[column + j * ACROSS][k];
        __syncthreads();
    }
}

/* acc[j] += the thread's row of weight times column t % ACROSS + j * ACROSS of m, from column
 * `from` on. */
template <class T>
__device__ inline void tile_weighted(float (*weight)[PART + 1], struct rows<T> m, int from, int d,
                                     float (*ms)[COLUMNS + 1], float *acc)
{
    int t = (int)threadIdx.x, row = t / ACROSS, column = t % ACROSS;
    for (int i = t; i < PART * COLUMNS; i += ATTEND)
        ms[i / COLUMNS][i % COLUMNS] = element(m, i / COLUMNS, from + i % COLUMNS, d);
    __syncthreads();
    for (int k = 0; k < PART; k++)
        for (int j = 0; j < COLUMNS / ACROSS; j++)
            acc[j] += weight[row][k] * ms[k][column + j * ACROSS];
    __syncthreads();
}

/* Which part of which head of which image a job is. */
struct job {
    int part, from, head, which;
    size_t image;
};

__device__ inline struct job job_of(size_t i, struct kernel_attention a, int parts, int columns,
                                    int which)
{
    struct job j;
    j.part = (int)(i % (unsigned)parts) * PART;
    i /= (unsigned)parts;
    j.from = (int)(i % (unsigned)columns) * COLUMNS;
    i /= (unsigned)columns;
    j.which = (int)(i % (unsigned)which);
    i /= (unsigned)which;
    j.head = (int)(i % (unsigned)a.heads);
    j.image = i / (unsigned)a.heads;
    return j;
}

/* Goes on with a row's largest logit and with what is summed in its measure: the factor for the
 * sums so far; logits become weights. */
__device__ inline float attend_on(float *logit, int there, float (*weight)[PART + 1], float *most)
{
    int t = (int)threadIdx.x, row = t / ACROSS, column = t % ACROSS;
    for (int j = 0; j < PART / ACROSS; j++)
        weight[row][column + j * ACROSS] = logit[j];
    __syncthreads();
    float before = *most;
    for (int k = 0; k < there; k++)
        *most = fmaxf(*most, weight[row][k]);
    __syncthreads();
    for (int j = 0; j < PART / ACROSS; j++) {
        int k = column + j * ACROSS;
        weight[row][k] = logit[j] = k < there ? expf(logit[j] - *most) : 0.0f;
    }
    __syncthreads();
    return expf(before - *most);
}

/* What is written to the channels that pad a cell, by the block that has the last of the others. */
template <class T> __device__ inline void clear_pads(T *y, int pad, int used, int rows, bool last)
{
    for (int i = (int)threadIdx.x; last && i < rows * (pad - used); i += ATTEND)
        y[(size_t)(i / (pad - used)) * (unsigned)pad + used + i % (pad - used)] =
            from_float<T>(0.0f);
}

template <class T>
__global__ void __launch_bounds__(256)
    attention_forward(const T *__restrict__ x, struct kernel_attention a, size_t jobs, int parts,
                      int columns, T *__restrict__ y)
{
    __shared__ float as[PART][PART + 1], bs[PART][PART + 1], weight[PART][PART + 1],
        ms[PART][COLUMNS + 1];
    int t = (int)threadIdx.x, row = t / ACROSS, c = a.heads * a.d;
    for (size_t i = blockIdx.x; i < jobs; i += gridDim.x) {
        struct job job = job_of(i, a, parts, columns, 1);
        const T *q = x + job.image * (unsigned)a.cells * (unsigned)a.x_pad + job.head * a.d;
        struct rows<T> mine = rows_of(q, a.x_pad, job.part, a.cells);
        float acc[COLUMNS / ACROSS] = {}, most = -INFINITY, all = 0.0f;
        for (int from = 0; from < a.cells; from += PART) {
            struct rows<T> keys = rows_of(q + c, a.x_pad, from, a.cells);
            float logit[PART / ACROSS];
            tile_product(mine, keys, a.d, as, bs, logit);
            for (int j = 0; j < PART / ACROSS; j++)
                logit[j] *= a.scale;
            float factor = attend_on(logit, keys.rows, weight, &most);
            all *= factor;
            for (int k = 0; k < PART; k++)
                all += weight[row][k];
            for (int j = 0; j < COLUMNS / ACROSS; j++)
                acc[j] *= factor;
            tile_weighted(weight, rows_of(q + 2 * c, a.x_pad, from, a.cells), job.from, a.d, ms,
                          acc);
        }
        T *to = y + (job.image * (unsigned)a.cells + job.part) * (unsigned)a.y_pad;
        for (int j = 0; j < COLUMNS / ACROSS; j++) {
            int k = job.from + t % ACROSS + j * ACROSS;
            if (row < mine.rows && k < a.d)
                to[(size_t)row * (unsigned)a.y_pad + job.head * a.d + k] =
                    from_float<T>(acc[j] / all);
        }
        clear_pads(to, a.y_pad, c, mine.rows, job.head == a.heads - 1 && job.from + COLUMNS >= a.d);
    }
}

/* For each cell's query: the logarithm of the sum that its weights are divided by, and the mean
 * over its weights of the gradients that they get. */
template <class T>
__global__ void __launch_bounds__(256)
    attention_measure(const T *__restrict__ x, const float *__restrict__ dy,
                      struct kernel_attention a, size_t jobs, int parts, float *__restrict__ room)
{
    __shared__ float as[PART][PART + 1], bs[PART][PART + 1], weight[PART][PART + 1];
    int t = (int)threadIdx.x, row = t / ACROSS, c = a.heads * a.d;
    for (size_t i = blockIdx.x; i < jobs; i += gridDim.x) {
        struct job job = job_of(i, a, parts, 1, 1);
        const T *q = x + job.image * (unsigned)a.cells * (unsigned)a.x_pad + job.head * a.d;
        const float *g = dy + job.image * (unsigned)a.cells * (unsigned)a.y_pad + job.head * a.d;
        struct rows<T> mine = rows_of(q, a.x_pad, job.part, a.cells);
        struct rows<float> grads = rows_of(g, a.y_pad, job.part, a.cells);
        float most = -INFINITY, all = 0.0f, mean = 0.0f;
        for (int from = 0; from < a.cells; from += PART) {
            struct rows<T> keys = rows_of(q + c, a.x_pad, from, a.cells);
            float logit[PART / ACROSS], given[PART / ACROSS];
            tile_product(mine, keys, a.d, as, bs, logit);
            tile_product(grads, rows_of(q + 2 * c, a.x_pad, from, a.cells), a.d, as, bs, given);
            for (int j = 0; j < PART / ACROSS; j++)
                logit[j] *= a.scale;
            float factor = attend_on(logit, keys.rows, weight, &most);
            all *= factor;
            mean *= factor;
            for (int k = 0; k < PART; k++)
                all += weight[row][k];
            __syncthreads();
            for (int j = 0; j < PART / ACROSS; j++)
                weight[row][t % ACROSS + j * ACROSS] = logit[j] * given[j];
            __syncthreads();
            for (int k = 0; k < PART; k++)
                mean += weight[row][k];
            __syncthreads();
        }
        if (t % ACROSS == 0 && row < mine.rows) {
            size_t at = (job.image * (unsigned)a.heads + job.head) * (unsigned)a.cells;
            room[(at + job.part + row) * 2] = most + logf(all);
            room[(at + job.part + row) * 2 + 1] = mean / all;
        }
    }
}

/* Gradients of queries, which go through all keys, and of keys and values, which go through all
 * queries. With weights s and ds = scale s (da - mean): dq = ds k, dk = ds' q, dv = s' dy. */
template <class T>
__global__ void __launch_bounds__(256)
    attention_backward(const T *__restrict__ x, const float *__restrict__ dy,
                       struct kernel_attention a, const float *__restrict__ room, size_t jobs,
                       int parts, int columns, bool add, float *__restrict__ dx)
{
    __shared__ float as[PART][PART + 1], bs[PART][PART + 1], weight[PART][PART + 1],
        ms[PART][COLUMNS + 1];
    int t = (int)threadIdx.x, row = t / ACROSS, c = a.heads * a.d;
    for (size_t i = blockIdx.x; i < jobs; i += gridDim.x) {
        struct job job = job_of(i, a, parts, columns, 3);
        const bool queries = job.which == 0, values = job.which == 2;
        const T *q = x + job.image * (unsigned)a.cells * (unsigned)a.x_pad + job.head * a.d;
        const float *g = dy + job.image * (unsigned)a.cells * (unsigned)a.y_pad + job.head * a.d;
        const float *measure =
            room + (job.image * (unsigned)a.heads + job.head) * (unsigned)a.cells * 2;
        struct rows<T> mine = rows_of(queries ? q : q + c, a.x_pad, job.part, a.cells);
        float acc[COLUMNS / ACROSS] = {};
        for (int from = 0; from < a.cells; from += PART) {
            struct rows<T> others = rows_of(queries ? q + c : q, a.x_pad, from, a.cells);
            float s[PART / ACROSS], given[PART / ACROSS] = {};
            tile_product(mine, others, a.d, as, bs, s);
            if (queries)
                tile_product(rows_of(g, a.y_pad, job.part, a.cells),
                             rows_of(q + 2 * c, a.x_pad, from, a.cells), a.d, as, bs, given);
            else if (!values)
                tile_product(rows_of(q + 2 * c, a.x_pad, job.part, a.cells),
                             rows_of(g, a.y_pad, from, a.cells), a.d, as, bs, given);
            for (int j = 0; j < PART / ACROSS; j++) {
                int k = t % ACROSS + j * ACROSS, at = queries ? job.part + row : from + k;
                float w = 0.0f;
                if (row < mine.rows && k < others.rows) {
                    w = expf(a.scale * s[j] - measure[2 * at]);
                    if (!values)
                        w *= a.scale * (given[j] - measure[2 * at + 1]);
                }
                weight[row][k] = w;
            }
            __syncthreads();
            if (values)
                tile_weighted(weight, rows_of(g, a.y_pad, from, a.cells), job.from, a.d, ms, acc);
            else
                tile_weighted(weight, others, job.from, a.d, ms, acc);
        }
        float *to = dx + (job.image * (unsigned)a.cells + job.part) * (unsigned)a.x_pad;
        for (int j = 0; j < COLUMNS / ACROSS; j++) {
            int k = job.from + t % ACROSS + j * ACROSS;
            float *into = to + (size_t)row * (unsigned)a.x_pad + job.which * c + job.head * a.d + k;
            if (row < mine.rows && k < a.d)
                *into = add ? *into + acc[j] : acc[j];
        }
        clear_pads(to, a.x_pad, 3 * c, mine.rows,
                   values && job.head == a.heads - 1 && job.from + COLUMNS >= a.d);
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

size_t elements(int n, int h, int w, int c)
{
    return (size_t)n * (size_t)h * (size_t)w * (size_t)c;
}

unsigned blocks_of(int n, int each)
{
    return (unsigned)((n + each - 1) / each);
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
    size_t count = cells * (size_t)pad;
    WITH_TYPE(t, launch_over(count, stream, scale<T>, (const T *)x, w, b, (const T *)res, relu,
                             count, pad, (T *)y));
}

cudaError_t kernel_max(enum kernel_type t, const void *x, int n, int c, struct kernel_window v,
                       void *y, cudaStream_t stream)
{
    size_t count = elements(n, v.y.out, v.x.out, c);
    WITH_TYPE(t, launch_over(count, stream, max_forward<T>, (const T *)x, count, c, v, (T *)y));
}

cudaError_t kernel_max_back(enum kernel_type t, const void *x, const float *dy, int n, int c,
                            struct kernel_window v, bool add, float *dx, cudaStream_t stream)
{
    size_t count = elements(n, v.y.in, v.x.in, c);
    WITH_TYPE(t,
              launch_over(count, stream, max_backward<T>, (const T *)x, dy, count, c, v, add, dx));
}

cudaError_t kernel_means(enum kernel_type t, const void *x, int n, int c, struct kernel_window v,
                         void *y, cudaStream_t stream)
{
    size_t count = elements(n, v.y.out, v.x.out, c);
    WITH_TYPE(t, launch_over(count, stream, means_forward<T>, (const T *)x, count, c, v, (T *)y));
}

cudaError_t kernel_means_back(const float *dy, int n, int c, struct kernel_window v, bool add,
                              float *dx, cudaStream_t stream)
{
    size_t count = elements(n, v.y.in, v.x.in, c);
    return launch_over(count, stream, means_backward, dy, count, c, v, add, dx);
}

cudaError_t kernel_conv(enum kernel_type t, const void *x, const float *w, const float *b,
                        const void *res, bool relu, int n, struct kernel_groups g,
                        struct kernel_window v, void *y, cudaStream_t stream)
{
    size_t count = elements(n, v.y.out, v.x.out, g.to_pad);
    WITH_TYPE(t, launch_over(count, stream, conv_forward<T>, (const T *)x, w, b, (const T *)res,
                             relu, count, g, v, (T *)y));
}

cudaError_t kernel_conv_back(const float *dy, const float *w, int n, struct kernel_groups g,
                             struct kernel_window v, bool add, float *dx, cudaStream_t stream)
{
    size_t count = elements(n, v.y.in, v.x.in, g.to_pad);
    return launch_over(count, stream, conv_backward, dy, w, count, g, v, add, dx);
}

cudaError_t kernel_function(enum kernel_type t, int function, float p, float q, const void *x,
                            size_t cells, int pad, int c, void *y, cudaStream_t stream)
{
    size_t count = cells * (unsigned)pad;
    WITH_TYPE(t, launch_over(count, stream, function_forward<T>, function, p, q, (const T *)x,
                             count, pad, c, (T *)y));
}

cudaError_t kernel_function_back(enum kernel_type t, int function, float p, float q, const void *x,
                                 const float *dy, size_t cells, int pad, int c, bool add, float *dx,
                                 cudaStream_t stream)
{
    size_t count = cells * (unsigned)pad;
    WITH_TYPE(t, launch_over(count, stream, function_backward<T>, function, p, q, (const T *)x, dy,
                             count, pad, c, add, dx));
}

cudaError_t kernel_pair(enum kernel_type t, bool multiply, bool relu, const void *a,
                        struct kernel_operand of_a, const void *b, struct kernel_operand of_b,
                        int n, struct kernel_operand of_y, void *y, cudaStream_t stream)
{
    size_t count = elements(n, of_y.h, of_y.w, of_y.pad);
    WITH_TYPE(t, launch_over(count, stream, pair_forward<T>, multiply, relu, (const T *)a, of_a,
                             (const T *)b, of_b, count, of_y, (T *)y));
}

cudaError_t kernel_pair_back(enum kernel_type t, const void *other, struct kernel_operand of_other,
                             const float *dy, struct kernel_operand of_y, int n,
                             struct kernel_operand of_x, bool add, float *dx, cudaStream_t stream)
{
    size_t count = elements(n, of_x.h, of_x.w, of_x.pad);
    WITH_TYPE(t, launch_over(count, stream, pair_backward<T>, (const T *)other, of_other, dy, of_y,
                             count, of_x, add, dx));
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
    size_t count = (size_t)n * each;
    WITH_TYPE(t, launch_over(count, stream, offset<T>, (const T *)x, w, count, each, (T *)y));
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

cudaError_t kernel_attention(enum kernel_type t, const void *x, struct kernel_attention a, void *y,
                             cudaStream_t stream)
{
    int parts = (int)blocks_of(a.cells, PART), columns = (int)blocks_of(a.d, COLUMNS);
    size_t jobs = elements(a.n, a.heads, parts, columns);
    WITH_TYPE(t, launch(blocks_for(jobs), dim3(ATTEND), stream, attention_forward<T>, (const T *)x,
                        a, jobs, parts, columns, (T *)y));
}

static cudaError_t measure(enum kernel_type t, const void *x, const float *dy,
                           struct kernel_attention a, size_t jobs, int parts, float *room,
                           cudaStream_t stream)
{
    WITH_TYPE(t, launch(blocks_for(jobs), dim3(ATTEND), stream, attention_measure<T>, (const T *)x,
                        dy, a, jobs, parts, room));
}

cudaError_t kernel_attention_back(enum kernel_type t, const void *x, const float *dy,
                                  struct kernel_attention a, float *room, bool add, float *dx,
                                  cudaStream_t stream)
{
    int parts = (int)blocks_of(a.cells, PART), columns = (int)blocks_of(a.d, COLUMNS);
    size_t measured = elements(a.n, a.heads, parts, 1), jobs = 3 * measured * (unsigned)columns;
    cudaError_t s = measure(t, x, dy, a, measured, parts, room, stream);
    if (s != cudaSuccess)
        return s;
    WITH_TYPE(t, launch(blocks_for(jobs), dim3(ATTEND), stream, attention_backward<T>, (const T *)x,
                        dy, a, (const float *)room, jobs, parts, columns, add, dx));
}

cudaError_t kernel_mean(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        float *y, cudaStream_t stream)
{
    size_t count = (size_t)n * (size_t)c;
    WITH_TYPE(t, launch_over(count, stream, mean<T>, (const T *)x, count, cells, pad, c, y));
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
    WITH_TYPE(t, launch_over(n, stream, mask<T>, (const T *)x, g, n));
}

cudaError_t kernel_add(const float *x, float *y, size_t n, cudaStream_t stream)
{
    return launch_over(n, stream, add, x, y, n);
}
