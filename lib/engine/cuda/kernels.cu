#include "engine/cuda/kernels.h"

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

/* One thread for each of `count` items, up to a bound. */
template <class... P, class... A>
cudaError_t launch_over(size_t count, cudaStream_t stream, void (*kernel)(P...), A... args)
{
    const size_t most = 1 << 16;
    size_t blocks = (count + THREADS - 1) / THREADS;
    if (blocks == 0)
        return cudaSuccess;
    return launch(dim3((unsigned)(blocks < most ? blocks : most)), dim3(THREADS), stream, kernel,
                  args...);
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
                      size_t count, int cells, int pad, T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        size_t image = i / (unsigned)cells, cell = i % (unsigned)cells;
        const uint8_t *p = pixels + image * 3 * (unsigned)cells + cell;
        T *out = y + i * (unsigned)pad;
        for (int c = 0; c < pad; c++)
            out[c] = from_float<T>(c < 3 ? table[c * 256 + p[(size_t)c * (unsigned)cells]] : 0.0f);
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

__global__ void spread(const float *__restrict__ g, size_t count, int cells, int pad, int c,
                       float *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        int k = (int)(i % (unsigned)pad);
        size_t image = i / (unsigned)pad / (unsigned)cells;
        y[i] = k < c ? g[image * (unsigned)c + k] : 0.0f;
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

/* The first cell of the largest value in window (oy, ox) of channel plane x, whose
 * cells lie `c` apart; -1 for a window of padding alone. A NaN is the largest. */
template <class T>
__device__ inline int largest(const T *x, int c, struct kernel_window v, int oy, int ox,
                              float *value)
{
    int at = -1;
    float best = 0.0f;
    for (int ky = 0; ky < v.k; ky++)
        for (int kx = 0; kx < v.k; kx++) {
            int iy = oy * v.stride + ky - v.pad, ix = ox * v.stride + kx - v.pad;
            if (iy < 0 || iy >= v.h || ix < 0 || ix >= v.w)
                continue;
            float f = to_float(x[(size_t)(iy * v.w + ix) * (unsigned)c]);
            if (at < 0 || f > best || (f != f && best == best)) {
                best = f;
                at = iy * v.w + ix;
            }
        }
    *value = best;
    return at;
}

template <class T>
__global__ void max_forward(const T *__restrict__ x, size_t count, int c, struct kernel_window v,
                            T *__restrict__ y)
{
    for (size_t i = first(); i < count; i += step()) {
        int channel = (int)(i % (unsigned)c);
        size_t at = i / (unsigned)c;
        int ox = (int)(at % (unsigned)v.ow);
        at /= (unsigned)v.ow;
        int oy = (int)(at % (unsigned)v.oh);
        size_t image = at / (unsigned)v.oh;
        float best;
        largest(x + image * (unsigned)(v.h * v.w) * (unsigned)c + channel, c, v, oy, ox, &best);
        y[i] = from_float<T>(best);
    }
}

template <class T>
__global__ void max_backward(const T *__restrict__ x, const float *__restrict__ dy, size_t count,
                             int c, struct kernel_window v, float *__restrict__ dx)
{
    for (size_t i = first(); i < count; i += step()) {
        int channel = (int)(i % (unsigned)c);
        size_t at = i / (unsigned)c;
        int cell = (int)(at % (unsigned)(v.h * v.w)), iy = cell / v.w, ix = cell % v.w;
        size_t image = at / (unsigned)(v.h * v.w);
        const T *plane = x + image * (unsigned)(v.h * v.w) * (unsigned)c + channel;
        const float *grads = dy + image * (unsigned)(v.oh * v.ow) * (unsigned)c + channel;
        float sum = 0.0f, value;
        /* The windows that hold this cell: o * stride - pad <= i < o * stride - pad + k. */
        int y0 = iy + v.pad - v.k + 1, x0 = ix + v.pad - v.k + 1;
        for (int oy = y0 <= 0 ? 0 : (y0 + v.stride - 1) / v.stride;
             oy < v.oh && oy * v.stride - v.pad <= iy; oy++)
            for (int ox = x0 <= 0 ? 0 : (x0 + v.stride - 1) / v.stride;
                 ox < v.ow && ox * v.stride - v.pad <= ix; ox++)
                if (largest(plane, c, v, oy, ox, &value) == cell)
                    sum += grads[(size_t)(oy * v.ow + ox) * (unsigned)c];
        dx[i] = sum;
    }
}

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

unsigned blocks_of(int n, int each)
{
    return (unsigned)((n + each - 1) / each);
}

} // namespace

/* --- the calls --- */

cudaError_t kernel_input(enum kernel_type t, const uint8_t *pixels, const float *table, int n,
                         int cells, int pad, void *y, cudaStream_t stream)
{
    size_t count = (size_t)n * (size_t)cells;
    WITH_TYPE(t, launch_over(count, stream, input<T>, pixels, table, count, cells, pad, (T *)y));
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
    size_t count = (size_t)n * (size_t)v.oh * (size_t)v.ow * (size_t)c;
    WITH_TYPE(t, launch_over(count, stream, max_forward<T>, (const T *)x, count, c, v, (T *)y));
}

cudaError_t kernel_max_back(enum kernel_type t, const void *x, const float *dy, int n, int c,
                            struct kernel_window v, float *dx, cudaStream_t stream)
{
    size_t count = (size_t)n * (size_t)v.h * (size_t)v.w * (size_t)c;
    WITH_TYPE(t, launch_over(count, stream, max_backward<T>, (const T *)x, dy, count, c, v, dx));
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

cudaError_t kernel_spread(const float *g, int n, int cells, int pad, int c, float *y,
                          cudaStream_t stream)
{
    size_t count = (size_t)n * (size_t)cells * (size_t)pad;
    return launch_over(count, stream, spread, g, count, cells, pad, c, y);
}

cudaError_t kernel_mask(enum kernel_type t, const void *x, float *g, size_t n, cudaStream_t stream)
{
    WITH_TYPE(t, launch_over(n, stream, mask<T>, (const T *)x, g, n));
}

cudaError_t kernel_add(const float *x, float *y, size_t n, cudaStream_t stream)
{
    return launch_over(n, stream, add, x, y, n);
}
