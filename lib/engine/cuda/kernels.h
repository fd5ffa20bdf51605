/* Everything on the device but what cuDNN computes. Activations are NHWC in a type T
 * (f32, f16 or bf16) with their channels padded to `pad`, which makes 16 bytes or a multiple;
 * whatever is padded is 0.
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

/* y (n, cells, pad) = table[c][pixel] of pixels (n, c, cells), table (c, 256). */
cudaError_t kernel_input(enum kernel_type t, const uint8_t *pixels, const float *table, int n,
                         int cells, int pad, int c, void *y, cudaStream_t stream);

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

/* Cells that windows along an axis take of `in`, for `out` cells of the result: from
 * o * stride - before on, k of them that lie gap + 1 apart (struct graph_axis). */
struct kernel_axis {
    int in, out, k, stride, before, gap;
};

/* What a mean is over: windows, whose cells outside the image count as 0 or not at all; or the
 * areas of a grid of `out` along either axis, as even as can be. */
enum kernel_areas { KERNEL_WHOLE, KERNEL_INNER, KERNEL_GRID };

struct kernel_window {
    struct kernel_axis y, x;
    enum kernel_areas areas; /* of means */
};

/* y (n, oh, ow, c) = the largest in each window of x (n, h, w, c); padding never wins. */
cudaError_t kernel_max(enum kernel_type t, const void *x, int n, int c, struct kernel_window v,
                       void *y, cudaStream_t stream);

/* dx (n, h, w, c) from dy (n, oh, ow, c): a window's gradient goes to the first cell,
 * in row order, that holds its largest value. Both f32. Here and below `add` keeps what dx is and
 * adds to it. */
cudaError_t kernel_max_back(enum kernel_type t, const void *x, const float *dy, int n, int c,
                            struct kernel_window v, bool add, float *dx, cudaStream_t stream);

/* y (n, oh, ow, c) = the mean over each window or area of x (n, h, w, c), and back. */
cudaError_t kernel_means(enum kernel_type t, const void *x, int n, int c, struct kernel_window v,
                         void *y, cudaStream_t stream);
cudaError_t kernel_means_back(const float *dy, int n, int c, struct kernel_window v, bool add,
                              float *dx, cudaStream_t stream);

/* A resize, see struct graph_shares. `list` holds of how many rows of the h each of the oh is made,
 * the same of columns, the first row of each row, the first column of each column, and then, as
 * floats, the weights of all rows and of all columns. */
struct kernel_resize {
    int h, w, oh, ow;
    const int *list;
};

/* y (n, oh, ow, c) of x (n, h, w, c). */
cudaError_t kernel_resize(enum kernel_type t, const void *x, int n, int c, struct kernel_resize r,
                          bool add, void *y, cudaStream_t stream);

/* Channels of a convolution in groups: each `makes` channels of the result, of which there are
 * `to`, are made of the next `reads` of what is read. */
struct kernel_groups {
    int from_pad, to, to_pad, makes, reads;
};

/* y (n, oh, ow, to_pad) = conv(x, w) + b [+ res] [then ReLU] for x (n, h, w, from_pad),
 * w (taps, reads, to_pad), b (to_pad), both f32. */
cudaError_t kernel_conv(enum kernel_type t, const void *x, const float *w, const float *b,
                        const void *res, bool relu, int n, struct kernel_groups g,
                        struct kernel_window v, void *y, cudaStream_t stream);

/* dx (n, h, w, to_pad) from dy (n, oh, ow, from_pad): here channels of dx are made of those of
 * dy, by w (taps, reads, to_pad). */
cudaError_t kernel_conv_back(const float *dy, const float *w, int n, struct kernel_groups g,
                             struct kernel_window v, bool add, float *dx, cudaStream_t stream);

/* A function of graph/graph.h, by its number there, element by element; of (cells, pad) the first
 * c channels. And dx from dy. */
cudaError_t kernel_function(enum kernel_type t, int function, float p, float q, const void *x,
                            size_t cells, int pad, int c, void *y, cudaStream_t stream);
cudaError_t kernel_function_back(enum kernel_type t, int function, float p, float q, const void *x,
                                 const float *dy, size_t cells, int pad, int c, bool add, float *dx,
                                 cudaStream_t stream);

/* The shape of an operand of a pair (n, h, w, pad), c of its channels in use; sides of 1 are
 * read again for each cell or channel of the result. */
struct kernel_operand {
    int h, w, c, pad;
};

/* y = a + b [then ReLU], or a * b. */
cudaError_t kernel_pair(enum kernel_type t, bool multiply, bool relu, const void *a,
                        struct kernel_operand of_a, const void *b, struct kernel_operand of_b,
                        int n, struct kernel_operand of_y, void *y, cudaStream_t stream);

/* dx from dy, of an operand; `other`: what it was multiplied with, NULL in a sum. */
cudaError_t kernel_pair_back(enum kernel_type t, const void *other, struct kernel_operand of_other,
                             const float *dy, struct kernel_operand of_y, int n,
                             struct kernel_operand of_x, bool add, float *dx, cudaStream_t stream);

/* For n images and groups, y (cells, pad) with `out` channels of a group in use = the product of
 * x (cells, xpad), `in` channels of a group in use, and m (in, mpad), `out` in use. */
struct kernel_matmul {
    int n, cells, in, out, groups, xpad, mpad, pad;
};

cudaError_t kernel_matmul(enum kernel_type t, const void *x, const void *m, struct kernel_matmul k,
                          void *y, cudaStream_t stream);

/* dx of x (input 0) or m (1) from dy; `other`: what it was multiplied with. */
cudaError_t kernel_matmul_back(enum kernel_type t, int input, const void *other, const float *dy,
                               struct kernel_matmul k, bool add, float *dx, cudaStream_t stream);

/* y (cells, pad) = the ac channels of a (cells, apad), then the bc of b (cells, bpad). */
cudaError_t kernel_concat(enum kernel_type t, const void *a, int ac, int apad, const void *b,
                          int bc, int bpad, size_t cells, int pad, void *y, cudaStream_t stream);

/* dx (cells, pad) = c channels of dy (cells, from_pad) from `from` on. */
cudaError_t kernel_slice(const float *dy, int from, int from_pad, size_t cells, int c, int pad,
                         bool add, float *dx, cudaStream_t stream);

/* y (cells, pad): channel k is channel pick[k] of x (cells, from_pad), for k < c; 0 for -1. With
 * images for cells and elements for channels any elements are gathered. */
cudaError_t kernel_pick(enum kernel_type t, const void *x, int from_pad, const int *pick,
                        size_t cells, int c, int pad, void *y, cudaStream_t stream);

/* dx (cells, pad) from dy (cells, from_pad): channel k < c is the sum of channels place[i] for i
 * from first[k] to before first[k + 1]. */
cudaError_t kernel_pick_back(const float *dy, int from_pad, const int *first, const int *place,
                             size_t cells, int c, int pad, bool add, float *dx,
                             cudaStream_t stream);

/* y (n, to_pad) = x (n, cells, pad) in the order (c, cells), and back. */
cudaError_t kernel_flatten(enum kernel_type t, const void *x, int n, int cells, int c, int pad,
                           int to_pad, void *y, cudaStream_t stream);
cudaError_t kernel_flatten_back(const float *dy, int n, int cells, int c, int pad, int from_pad,
                                bool add, float *dx, cudaStream_t stream);

/* y (cells, pad) = softmax over the c channels of each cell of x, and dx from its result. */
cudaError_t kernel_softmax(enum kernel_type t, const void *x, size_t cells, int c, int pad, void *y,
                           cudaStream_t stream);
cudaError_t kernel_softmax_back(enum kernel_type t, const void *y, const float *dy, size_t cells,
                                int c, int pad, bool add, float *dx, cudaStream_t stream);

/* y = x + w for images of `each` elements, w (each) f32. */
cudaError_t kernel_offset(enum kernel_type t, const void *x, const float *w, int n, size_t each,
                          void *y, cudaStream_t stream);

/* y (cells, pad) = w[c] (x - mean) / sqrt(variance + eps) + b[c] over the c channels of each cell,
 * w and b (pad) f32; and dx from dy. */
cudaError_t kernel_layer_norm(enum kernel_type t, const void *x, const float *w, const float *b,
                              float eps, size_t cells, int c, int pad, void *y,
                              cudaStream_t stream);
cudaError_t kernel_layer_norm_back(enum kernel_type t, const void *x, const float *w, float eps,
                                   const float *dy, size_t cells, int c, int pad, bool add,
                                   float *dx, cudaStream_t stream);

/* Attention (graph/graph.h) in n images of so many cells: x (cells, x_pad) holds queries, keys and
 * values, y (cells, y_pad), of heads of d channels each. */
struct kernel_attention {
    int n, cells, heads, d, x_pad, y_pad;
    float scale;
    const float *bias; /* (heads, cells, cells), or NULL */
};

cudaError_t kernel_attention(enum kernel_type t, const void *x, struct kernel_attention a, void *y,
                             cudaStream_t stream);

/* dx from dy; room (n, heads, cells, 2). */
cudaError_t kernel_attention_back(enum kernel_type t, const void *x, const float *dy,
                                  struct kernel_attention a, float *room, bool add, float *dx,
                                  cudaStream_t stream);

/* y (n, c) f32 = mean over the cells of x (n, cells, pad). */
cudaError_t kernel_mean(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        float *y, cudaStream_t stream);

/* y (n, c, 2) = the sum over the cells of x (n, cells, pad), and that of its squares. */
cudaError_t kernel_sums(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        double *y, cudaStream_t stream);

/* y = scale * a b' + bias for a (m, k) of rows `lda` apart, b (n, k), bias (n) or NULL.
 * The m rows of a are images of `cells` each: y is (m / cells, n, cells). */
cudaError_t kernel_product(enum kernel_type t, const void *a, int lda, const float *b,
                           const float *bias, float scale, int m, int n, int k, int cells, float *y,
                           cudaStream_t stream);

/* y (n, c, cells) f32, images `apart` elements apart, of x (n, cells, pad). */
cudaError_t kernel_nchw(enum kernel_type t, const void *x, int n, int cells, int pad, int c,
                        float *y, size_t apart, cudaStream_t stream);

/* y (n, cells, pad) = g (n, c), of rows `apart`, in every cell. */
cudaError_t kernel_spread(const float *g, int apart, int n, int cells, int pad, int c, float *y,
                          cudaStream_t stream);

/* g[i] = x[i] > 0 ? g[i] : 0: the gradient before a ReLU whose result is x. */
cudaError_t kernel_mask(enum kernel_type t, const void *x, float *g, size_t n, cudaStream_t stream);

/* y[i] += x[i] */
cudaError_t kernel_add(const float *x, float *y, size_t n, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
