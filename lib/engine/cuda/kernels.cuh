/* What the kernels share: types, launching, windows. */
#ifndef HP_CUDA_KERNELS_CUH
#define HP_CUDA_KERNELS_CUH

#include "engine/cuda/kernels.h"

#include <cmath>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace
{

#ifdef __CUDACC__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

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

/* Elements that are read and written at once, by threads that each have some of a cell's channels:
 * 16 bytes, which `pad` is a multiple of. */
template <class T> struct side_by_side {
    static const int COUNT = 16 / sizeof(T);
};

template <class T, int N> struct alignas(sizeof(T) * N) chunk {
    T v[N];
};

template <int N, class T> __device__ inline void load(const T *p, float (&v)[N])
{
    const int each = N * sizeof(T) <= 16 ? N : 16 / sizeof(T);
    UNROLL for (int i = 0; i < N; i += each)
    {
        const chunk<T, each> c = *(const chunk<T, each> *)(p + i);
        UNROLL for (int j = 0; j < each; j++) v[i + j] = to_float(c.v[j]);
    }
}

template <int N, class T> __device__ inline void store(T *p, const float (&v)[N])
{
    const int each = N * sizeof(T) <= 16 ? N : 16 / sizeof(T);
    UNROLL for (int i = 0; i < N; i += each)
    {
        chunk<T, each> c;
        UNROLL for (int j = 0; j < each; j++) c.v[j] = from_float<T>(v[i + j]);
        *(chunk<T, each> *)(p + i) = c;
    }
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

__device__ inline unsigned first_short()
{
    return blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ inline unsigned step_short()
{
    return gridDim.x * blockDim.x;
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

const size_t BLOCKS_MOST = 1 << 16, SHORT_MOST = 0xffffffff - BLOCKS_MOST * THREADS;

/* A block for each of so many jobs, up to a bound. */
inline dim3 blocks_for(size_t jobs)
{
    return dim3((unsigned)(jobs < BLOCKS_MOST ? jobs : BLOCKS_MOST));
}

/* One thread for each of `count` items, up to a bound. */
template <class... P, class... A>
cudaError_t launch_over(size_t count, cudaStream_t stream, void (*kernel)(P...), A... args)
{
    size_t blocks = (count + THREADS - 1) / THREADS;
    return blocks == 0 ? cudaSuccess
                       : launch(blocks_for(blocks), dim3(THREADS), stream, kernel, args...);
}

/* The same with indices of 32 bits, which divide several times as fast. */
template <class... P, class... A>
cudaError_t launch_short(size_t count, cudaStream_t stream, void (*kernel)(unsigned, P...),
                         A... args)
{
    return count > SHORT_MOST ? cudaErrorInvalidValue
                              : launch_over(count, stream, kernel, (unsigned)count, args...);
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

/* --- places --- */

/* Which cell and channel of which image element i of (n, y, x, c) is. */
struct place {
    int c, y, x;
    size_t image;
};

template <class I> __device__ inline struct place place_of(I i, int h, int w, int c)
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

/* --- windows --- */

/* The first cell that window o takes, in the image or before it. */
__device__ inline int window_first(struct kernel_axis a, int o)
{
    return o * a.stride - a.before;
}

/* The windows that hold cell i are among those from window_least() on whose first cell is not
 * behind it. */
__device__ inline int window_least(struct kernel_axis a, int i)
{
    int least = i + a.before - (a.k - 1) * (a.gap + 1);
    return least <= 0 ? 0 : (least + a.stride - 1) / a.stride;
}

inline size_t elements(int n, int h, int w, int c)
{
    return (size_t)n * (size_t)h * (size_t)w * (size_t)c;
}

inline unsigned blocks_of(int n, int each)
{
    return (unsigned)((n + each - 1) / each);
}

} // namespace

#endif
