/* Everything on the device but the convolutions. Activations are NHWC in a type T
 * (f32, f16 or bf16) with their channels padded to `pad`; whatever is padded is 0.
 * What leaves the device is f32. All launch on `stream` and return at once; sums are
 * in f32, in a fixed order. */
#ifndef HP_CUDA_KERNELS_H
#define HP_CUDA_KERNELS_H

#include <cuda_runtime.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kernel_type { KERNEL_F32, KERNEL_F16, KERNEL_BF16 };

/* y (n, cells, pad) = table[c][pixel] of pixels (n, 3, cells), table (3, 256). */
cudaError_t kernel_input(enum kernel_type t, const uint8_t *pixels, const float *table, int n,
                         int cells, int pad, void *y, cudaStream_t stream);

/* y (n, cells, pad) = images (n, c, cells), f32. */
cudaError_t kernel_images(enum kernel_type t, const float *images, int n, int cells, int pad, int c,
                          void *y, cudaStream_t stream);

/* y (opad, taps, ipad) of w (oc, ic, taps). */
cudaError_t kernel_pack(enum kernel_type t, const float *w, int oc, int ic, int taps, int opad,
                        int ipad, void *y, cudaStream_t stream);

/* y = w x + b [+ res] [then ReLU] for x, res and y (cells, pad), w and b (pad), f32. b and
 * res may be NULL; y may be x or res. */
cudaError_t kernel_scale(enum kernel_type t, const void *x, const float *w, const float *b,
                         const void *res, bool relu, size_t cells, int pad, void *y,
                         cudaStream_t stream);

/* A window of k by k at every `stride`, over an image h by w. */
struct kernel_window {
    int h, w, oh, ow, k, stride, pad;
};

/* y (n, oh, ow, c) = the largest in each window of x (n, h, w, c); padding never wins. */
cudaError_t kernel_max(enum kernel_type t, const void *x, int n, int c, struct kernel_window v,
                       void *y, cudaStream_t stream);

/* dx (n, h, w, c) from dy (n, oh, ow, c): a window's gradient goes to the first cell,
 * in row order, that holds its largest value. Both f32. */
cudaError_t kernel_max_back(enum kernel_type t, const void *x, const float *dy, int n, int c,
                            struct kernel_window v, float *dx, cudaStream_t stream);

/* y (n, c) f32 = mean over the cells of x (n, cells, pad). */
cudaError_t kernel_mean(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        float *y, cudaStream_t stream);

/* y = scale * a b' + bias for a (m, k) of rows `lda` apart, b (n, k), bias (n) or NULL.
 * The m rows of a are images of `cells` each: y is (m / cells, n, cells). */
cudaError_t kernel_product(enum kernel_type t, const void *a, int lda, const float *b,
                           const float *bias, float scale, int m, int n, int k, int cells, float *y,
                           cudaStream_t stream);

/* y (n, c, cells) f32, images `apart` elements apart, of x (n, cells, pad). */
cudaError_t kernel_nchw(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        float *y, size_t apart, cudaStream_t stream);

/* y (n, cells, pad) = g (n, c) in every cell. */
cudaError_t kernel_spread(const float *g, int n, int cells, int pad, int c, float *y,
                          cudaStream_t stream);

/* g[i] = x[i] > 0 ? g[i] : 0: the gradient before a ReLU whose result is x. */
cudaError_t kernel_mask(enum kernel_type t, const void *x, float *g, size_t n, cudaStream_t stream);

/* y[i] += x[i] */
cudaError_t kernel_add(const float *x, float *y, size_t n, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
