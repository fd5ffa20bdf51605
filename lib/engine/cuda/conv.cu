/* Convolutions. Backwards an element of dx is made of elements of dy as one of y is made of those
 * of x, by other weights and from other cells: each kernel computes both. */
#include "engine/cuda/kernels.cuh"

namespace
{

/* A convolution forwards, or backwards, where y is dx and `res` what it was. */
template <class T> struct convolution {
    const T *x;
    const float *w, *b; /* b: NULL backwards */
    const T *res;       /* or NULL */
    bool relu;
    struct kernel_groups g;
    struct kernel_window v;
    T *y;
};

template <bool BACK> __host__ __device__ inline int made(struct kernel_axis a)
{
    return BACK ? a.in : a.out;
}

template <bool BACK> __host__ __device__ inline int read(struct kernel_axis a)
{
    return BACK ? a.out : a.in;
}

/* What is read for tap k by the element that begins at `from`, which is from_of() of it; -1 for
 * nothing. */
template <bool BACK> __device__ inline int from_of(struct kernel_axis a, int i)
{
    return BACK ? i + a.before : i * a.stride - a.before;
}

template <bool BACK> __device__ inline int read_at(struct kernel_axis a, int from, int k)
{
    int i = BACK ? from - k * (a.gap + 1) : from + k * (a.gap + 1);
    if (BACK && a.stride > 1) {
        if (i < 0 || i % a.stride != 0)
            return -1;
        i /= a.stride;
    }
    return i < read<BACK>(a) ? i : -1;
}

/* What is made of a sum. A NaN stays one. */
template <int N, class T>
__device__ inline void finish(const convolution<T> &c, size_t at, int channel, float (&sum)[N])
{
    float more[N];
    if (c.b) {
        load<N>(c.b + channel, more);
        UNROLL for (int j = 0; j < N; j++) sum[j] += more[j];
    }
    if (c.res) {
        load<N>(c.res + at, more);
        UNROLL for (int j = 0; j < N; j++) sum[j] += more[j];
    }
    UNROLL for (int j = 0; j < N; j++)
    {
        if (c.relu && sum[j] < 0.0f)
            sum[j] = 0.0f;
        if (channel + j >= c.g.to)
            sum[j] = 0.0f;
    }
    store<N>(c.y + at, sum);
}

/* --- as products of matrices: cells by inputs of a window, and inputs by channels --- */

/* A block makes CELLS by CHANNELS elements of one group, a thread 8 by 8 of them, in steps of
 * DEPTH inputs; what the next step needs is on its way meanwhile. Inputs are in the order of taps,
 * `width` channels each. */
const int SIZE = 256, DEPTH = 8, QUAD = 4, PER = 2 * QUAD;

/* The place of one of the inputs that a thread reads. */
struct input {
    int ky, kx, c;
};

__device__ inline void settle(struct input *i, int width, int across)
{
    while (i->c >= width) {
        i->c -= width;
        if (++i->kx == across) {
            i->kx = 0;
            i->ky++;
        }
    }
}

template <class T, bool BACK, int CELLS, int CHANNELS>
__global__ void __launch_bounds__(SIZE, 2)
    product(convolution<T> c, unsigned cells, int width, int makes, unsigned tiles)
{
    const int ROWS = CELLS / (SIZE / 2), ACROSS = CHANNELS / 64;
    __shared__ __align__(16) float as[2][DEPTH][CELLS + QUAD], bs[2][DEPTH][CHANNELS];
    const struct kernel_axis ay = c.v.y, ax = c.v.x;
    const int t = (int)threadIdx.x, warp = t / 32, lane = t % 32;
    const int group = (int)blockIdx.y, column = (int)(blockIdx.x % tiles) * CHANNELS;
    const unsigned cell = blockIdx.x / tiles * CELLS;

    /* This thread reads the same four inputs of every step for ROWS cells. */
    unsigned image[ROWS]; /* in QUADs, which are as many as fit the device */
    int y[ROWS], x[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++)
    {
        const unsigned i = cell + (unsigned)(t / 2 + r * (SIZE / 2));
        const struct place p = place_of(i < cells ? i : 0, made<BACK>(ay), made<BACK>(ax), 1);
        y[r] = from_of<BACK>(ay, p.y);
        x[r] = from_of<BACK>(ax, p.x);
        image[r] = (unsigned)p.image * (unsigned)(read<BACK>(ay) * read<BACK>(ax)) *
                       (unsigned)(c.g.from_pad / QUAD) +
                   (unsigned)(group * c.g.reads / QUAD);
    }
    struct input a = {0, 0, t % 2 * QUAD};
    settle(&a, width, ax.k);

    /* And of the weights one input for four channels. */
    const int of_b = t / (CHANNELS / QUAD), column_b = t % (CHANNELS / QUAD) * QUAD;
    const bool there = of_b < DEPTH && column + column_b < makes;
    const int taps = ay.k * ax.k, depth = taps * width;
    int tap_b = of_b / width, c_b = of_b % width;

    float read_a[ROWS][QUAD] = {}, read_b[QUAD] = {}, sum[PER][PER] = {};
    const int tr = (warp / ACROSS * 4 + lane / 8) * QUAD,
              tc = (warp % ACROSS * 8 + lane % 8) * QUAD;
    for (int k = 0, now = 0;; k += DEPTH, now ^= 1) {
        const bool more = k < depth;
        if (more) {
            UNROLL for (int r = 0; r < ROWS; r++)
            {
                UNROLL for (int j = 0; j < QUAD; j++) read_a[r][j] = 0.0f;
                const int iy = read_at<BACK>(ay, y[r], a.ky), ix = read_at<BACK>(ax, x[r], a.kx);
                if (a.ky < ay.k && iy >= 0 && ix >= 0)
                    load<QUAD>(c.x +
                                   (size_t)(image[r] + (unsigned)(iy * read<BACK>(ax) + ix) *
                                                           (unsigned)(c.g.from_pad / QUAD)) *
                                       QUAD +
                                   a.c,
                               read_a[r]);
            }
            UNROLL for (int j = 0; j < QUAD; j++) read_b[j] = 0.0f;
            if (there && tap_b < taps && c_b < c.g.reads)
                load<QUAD>(c.w + (size_t)(tap_b * c.g.reads + c_b) * (unsigned)c.g.to_pad +
                               group * makes + column + column_b,
                           read_b);
            a.c += DEPTH;
            settle(&a, width, ax.k);
            for (c_b += DEPTH; c_b >= width; c_b -= width)
                tap_b++;
        }
        if (k > 0) {
            UNROLL for (int d = 0; d < DEPTH; d++)
            {
                float l[PER], r[PER];
                load<QUAD>(&as[now ^ 1][d][tr], *(float(*)[QUAD])l);
                load<QUAD>(&as[now ^ 1][d][tr + CELLS / 2], *(float(*)[QUAD])(l + QUAD));
                load<QUAD>(&bs[now ^ 1][d][tc], *(float(*)[QUAD])r);
                load<QUAD>(&bs[now ^ 1][d][tc + CHANNELS / 2], *(float(*)[QUAD])(r + QUAD));
                UNROLL for (int i = 0; i < PER; i++)
                {
                    UNROLL for (int j = 0; j < PER; j++) sum[i][j] += l[i] * r[j];
                }
            }
        }
        if (!more)
            break;
        UNROLL for (int r = 0; r < ROWS; r++)
        {
            UNROLL for (int j = 0; j < QUAD; j++)
                as[now][t % 2 * QUAD + j][t / 2 + r * (SIZE / 2)] = read_a[r][j];
        }
        if (of_b < DEPTH)
            store<QUAD>(&bs[now][of_b][column_b], read_b);
        __syncthreads();
    }
    UNROLL for (int i = 0; i < PER; i++)
    {
        const unsigned row = cell + (unsigned)(tr + i % QUAD + i / QUAD * (CELLS / 2));
        UNROLL for (int j = 0; j < 2; j++)
        {
            const int channel = column + tc + j * (CHANNELS / 2);
            if (row < cells && channel < makes)
                finish<QUAD>(c, (size_t)row * (unsigned)c.g.to_pad + group * makes + channel,
                             group * makes + channel, *(float(*)[QUAD])(sum[i] + j * QUAD));
        }
    }
}

/* --- groups of one channel: a thread makes some channels of some cells of a row --- */

const int CELLS_EACH = 4;

/* The sums of a thread's cells, as far as they are in the row. */
template <bool BACK, int N, class T>
__device__ inline void finish_cells(const convolution<T> &c, const struct place &p, int channel,
                                    float (&sum)[CELLS_EACH][N])
{
    const int width = made<BACK>(c.v.x), x = p.x * CELLS_EACH;
    const size_t row = p.image * (unsigned)made<BACK>(c.v.y) + (unsigned)p.y;
    UNROLL for (int e = 0; e < CELLS_EACH; e++)
    {
        if (x + e < width)
            finish<N>(c,
                      (row * (unsigned)width + (unsigned)(x + e)) * (unsigned)c.g.to_pad +
                          (unsigned)channel,
                      channel, sum[e]);
    }
}

template <class T, bool BACK> __global__ void channels(unsigned count, convolution<T> c, int across)
{
    const int N = side_by_side<T>::COUNT;
    const struct kernel_axis ay = c.v.y, ax = c.v.x;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        const struct place p = place_of(i, made<BACK>(ay), across, c.g.to_pad / N);
        const int channel = p.c * N, x = p.x * CELLS_EACH, y = from_of<BACK>(ay, p.y);
        const T *image =
            c.x + p.image * (unsigned)(read<BACK>(ay) * read<BACK>(ax)) * (unsigned)c.g.from_pad +
            channel;
        float sum[CELLS_EACH][N] = {};
        for (int ky = 0; ky < ay.k; ky++) {
            const int iy = read_at<BACK>(ay, y, ky);
            if (iy < 0)
                continue;
            for (int kx = 0; kx < ax.k; kx++) {
                float w[N], v[N];
                load<N>(c.w + (size_t)(ky * ax.k + kx) * (unsigned)c.g.to_pad + channel, w);
                UNROLL for (int e = 0; e < CELLS_EACH; e++)
                {
                    const int ix = read_at<BACK>(ax, from_of<BACK>(ax, x + e), kx);
                    if (ix >= 0) {
                        load<N>(image + (size_t)(iy * read<BACK>(ax) + ix) * (unsigned)c.g.from_pad,
                                v);
                        UNROLL for (int j = 0; j < N; j++) sum[e][j] += v[j] * w[j];
                    }
                }
            }
        }
        finish_cells<BACK>(c, p, channel, sum);
    }
}

/* --- groups of a few channels: a thread makes four of them in four cells of a row --- */
/* What a single group reads may be no multiple of four, but is padded to one. */

template <class T, bool BACK> __global__ void few(unsigned count, convolution<T> c, int across)
{
    const struct kernel_axis ay = c.v.y, ax = c.v.x;
    for (unsigned i = first_short(); i < count; i += step_short()) {
        const struct place p = place_of(i, made<BACK>(ay), across, c.g.to_pad / QUAD);
        const int channel = p.c * QUAD, x = p.x * CELLS_EACH, y = from_of<BACK>(ay, p.y);
        const T *image =
            c.x + p.image * (unsigned)(read<BACK>(ay) * read<BACK>(ax)) * (unsigned)c.g.from_pad +
            (channel < c.g.to ? channel / c.g.makes * c.g.reads : 0);
        float sum[CELLS_EACH][QUAD] = {};
        for (int ky = 0; ky < ay.k && channel < c.g.to; ky++) {
            const int iy = read_at<BACK>(ay, y, ky);
            if (iy < 0)
                continue;
            for (int kx = 0; kx < ax.k; kx++)
                for (int j = 0; j < c.g.reads; j += QUAD) {
                    const float *by =
                        c.w + (size_t)((ky * ax.k + kx) * c.g.reads + j) * (unsigned)c.g.to_pad +
                        channel;
                    float w[QUAD][QUAD], v[QUAD];
                    UNROLL for (int k = 0; k < QUAD; k++)
                    {
                        UNROLL for (int l = 0; l < QUAD; l++) w[k][l] = 0.0f;
                        if (j + k < c.g.reads)
                            load<QUAD>(by + (size_t)k * (unsigned)c.g.to_pad, w[k]);
                    }
                    UNROLL for (int e = 0; e < CELLS_EACH; e++)
                    {
                        const int ix = read_at<BACK>(ax, from_of<BACK>(ax, x + e), kx);
                        if (ix < 0)
                            continue;
                        load<QUAD>(
                            image + (size_t)(iy * read<BACK>(ax) + ix) * (unsigned)c.g.from_pad + j,
                            v);
                        UNROLL for (int k = 0; k < QUAD; k++)
                        {
                            UNROLL for (int l = 0; l < QUAD; l++) sum[e][l] += v[k] * w[k][l];
                        }
                    }
                }
        }
        finish_cells<BACK>(c, p, channel, sum);
    }
}

/* --- groups of any number of channels, one element after another --- */

template <class T, bool BACK> __global__ void plain(size_t count, convolution<T> c)
{
    const struct kernel_axis ay = c.v.y, ax = c.v.x;
    for (size_t i = first(); i < count; i += step()) {
        const struct place p = place_of(i, made<BACK>(ay), made<BACK>(ax), c.g.to_pad);
        const T *image =
            c.x + p.image * (unsigned)(read<BACK>(ay) * read<BACK>(ax)) * (unsigned)c.g.from_pad +
            (p.c < c.g.to ? p.c / c.g.makes * c.g.reads : 0);
        float sum[1] = {};
        for (int ky = 0; ky < ay.k && p.c < c.g.to; ky++)
            for (int kx = 0; kx < ax.k; kx++) {
                const int iy = read_at<BACK>(ay, from_of<BACK>(ay, p.y), ky);
                const int ix = read_at<BACK>(ax, from_of<BACK>(ax, p.x), kx);
                if (iy < 0 || ix < 0)
                    continue;
                const T *cell = image + (size_t)(iy * read<BACK>(ax) + ix) * (unsigned)c.g.from_pad;
                const float *by =
                    c.w + (size_t)(ky * ax.k + kx) * (unsigned)c.g.reads * (unsigned)c.g.to_pad +
                    p.c;
                for (int j = 0; j < c.g.reads; j++)
                    sum[0] += to_float(cell[j]) * by[(size_t)j * (unsigned)c.g.to_pad];
            }
        finish<1>(c, i, p.c, sum);
    }
}

/* --- which of them --- */

/* On the host the threads of a product take turns at every barrier: there it is for few cells. */
#ifdef __CUDACC__
const size_t PRODUCT_CELLS = SIZE_MAX;
#else
const size_t PRODUCT_CELLS = 2048;
#endif

template <class T, bool BACK, int CELLS, int CHANNELS>
cudaError_t launch_product(const convolution<T> &c, size_t cells, int groups, int makes,
                           cudaStream_t stream)
{
    const int width = groups == 1 ? c.g.from_pad : c.g.reads;
    const size_t tiles = blocks_of(makes, CHANNELS), blocks = (cells + CELLS - 1) / CELLS * tiles;
    if (cells > SHORT_MOST || blocks > 0x7fffffff)
        return cudaErrorInvalidValue;
    return launch(dim3((unsigned)blocks, (unsigned)groups), dim3(SIZE), stream,
                  product<T, BACK, CELLS, CHANNELS>, c, (unsigned)cells, width, makes,
                  (unsigned)tiles);
}

template <class T, bool BACK>
cudaError_t convolve(const convolution<T> &c, int n, cudaStream_t stream)
{
    const int h = made<BACK>(c.v.y), w = made<BACK>(c.v.x), across = (int)blocks_of(w, CELLS_EACH);
    const int groups = c.g.to / c.g.makes, makes = groups == 1 ? c.g.to_pad : c.g.makes;
    const size_t cells = elements(n, h, w, 1);
    const bool quads = groups == 1 || (c.g.makes % QUAD == 0 && c.g.reads % QUAD == 0);
    if (quads && makes >= 32 && groups < 65536 && cells <= PRODUCT_CELLS) {
        if (makes <= 64)
            return launch_product<T, BACK, 256, 64>(c, cells, groups, makes, stream);
        return launch_product<T, BACK, 128, 128>(c, cells, groups, makes, stream);
    }
    if (c.g.makes == 1 && c.g.reads == 1 && c.g.from_pad == c.g.to_pad)
        return launch_short(elements(n, h, across, c.g.to_pad / side_by_side<T>::COUNT), stream,
                            channels<T, BACK>, c, across);
    if (quads)
        return launch_short(elements(n, h, across, c.g.to_pad / QUAD), stream, few<T, BACK>, c,
                            across);
    const size_t count = cells * (unsigned)c.g.to_pad;
    return launch_over(count, stream, plain<T, BACK>, count, c);
}

} // namespace

cudaError_t kernel_conv(enum kernel_type t, const void *x, const float *w, const float *b,
                        const void *res, bool relu, int n, struct kernel_groups g,
                        struct kernel_window v, void *y, cudaStream_t stream)
{
    WITH_TYPE(
        t, (convolve<T, false>(
               convolution<T>{(const T *)x, w, b, (const T *)res, relu, g, v, (T *)y}, n, stream)));
}

cudaError_t kernel_conv_back(const float *dy, const float *w, int n, struct kernel_groups g,
                             struct kernel_window v, bool add, float *dx, cudaStream_t stream)
{
    const convolution<float> c = {dy, w, nullptr, add ? dx : nullptr, false, g, v, dx};
    return convolve<float, true>(c, n, stream);
}
