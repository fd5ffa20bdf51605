/* Operations on values, as conv.h lays them out, that are no products of matrices. Channels that
 * pad are 0 where a kernel has written a result; in gradients they may be anything finite. */
#ifndef HP_CPU_OPS_H
#define HP_CPU_OPS_H

#include "engine/cpu/conv.h"
#include "engine/cpu/layout.h"

/* y = w x + b [+ add] [then ReLU] [masked]. */
struct scale {
    struct layout layout; /* of x, y and what is added */
    bool relu;
    float *w, *b; /* (pitch) */
};

/* `w`, `b`: of layout.c channels, copied; b may be NULL for zeros. */
void scale_open(struct scale *s, const struct layout *l, const float *w, const float *b, bool relu);
void scale_close(struct scale *s);

/* A convolution of each channel alone: conv.h's but for groups of one channel. Or of each group of
 * 4 or 8 channels alone: in f32, forwards, of 3 by 3 without gaps and stride 1 or 2. */
struct depth {
    struct layout layout; /* of x, and of y and what is added but for its number of cells */
    int ih, iw, oh, ow;
    struct graph_axis y, x;
    bool back, relu;
    int group;    /* channels of a group: 1, 4 or 8 */
    float *w, *b; /* (taps, group, pitch), (pitch) */
};

/* `w` (channels, group, y.k, x.k) and `b`, which may be NULL, are copied. */
void depth_open(struct depth *d, const float *w, const float *b);
void depth_close(struct depth *d);

/* Over windows, and over areas. Padding never is the largest, a NaN is. */
struct pool {
    enum graph_kind kind; /* GRAPH_MAX_POOL, GRAPH_MEAN_POOL or GRAPH_GRID_POOL */
    struct layout layout; /* of x, and of y but for its number of cells */
    int h, w, oh, ow;
    struct graph_axis y, x; /* a maximum has at most CONV_LARGEST cells */
    bool inner;
    bool wide; /* a mean is f32 whatever x is */
    /* Forwards: rows of y to be made, with which y begins, all where y1 is 0; x begins with its row
     * x0. */
    int y0, y1, x0;
};

/* One of two values of which an element of the result is made: how far apart its elements are, 0
 * along a side of 1 where the result has more. */
struct operand {
    ptrdiff_t microbatch, row, cell, image;
    bool one; /* one channel for all */
    bool bf16;
};

struct pair {
    struct layout layout; /* of y */
    int h, w;
    struct operand in[2];
    bool multiply; /* else they are added */
    bool relu;
};

/* f(x), element by element. */
struct each {
    struct layout layout;
    enum graph_function function;
    float p, q;
};

/* Over the channels of each cell. */
struct layer_norm {
    struct layout layout;
    float eps;
    float *w, *b; /* (pitch) */
};

/* y = x + w, w (cells, pitch). */
struct offset {
    struct layout layout;
    float *w;
};

struct attention {
    struct layout in, out;
    int heads;
    float scale;
    const float *bias; /* (heads, cells, cells), the graph's, or NULL */
};

/* Bytes that a call needs, on a 64-byte boundary. */
size_t attention_scratch(const struct attention *a, bool back);

/* The calls of one kind of processor; but for `plain`, all give the same bits. Backwards, `x` and
 * `y` are the values, dy and dx are f32, and what comes from dy is added to dx; where there is
 * `add`, it is stored instead unless that is set. */
struct ops_kernels {
    void (*scale)(const struct scale *s, const struct conv_call *k);
    void (*depth)(const struct depth *d, const struct conv_call *k);
    void (*max)(const struct pool *p, const void *x, void *y, int microbatches);
    /* To the first cell, in row order, that holds a window's largest x. */
    void (*max_back)(const struct pool *p, const void *x, const float *dy, float *dx,
                     int microbatches);
    void (*mean)(const struct pool *p, const void *x, void *y, int microbatches);
    void (*mean_back)(const struct pool *p, const float *dy, float *dx, int microbatches);
    void (*pair)(const struct pair *p, const void *const x[2], void *y, int microbatches);
    /* dx is of in[input], which is stored only where it has the result's shape. */
    void (*pair_back)(const struct pair *p, int input, const void *const x[2], const float *dy,
                      float *dx, bool add, int microbatches);
    void (*each)(const struct each *e, const void *x, void *y, int microbatches);
    void (*each_back)(const struct each *e, const void *x, const float *dy, float *dx, bool add,
                      int microbatches);
    void (*softmax)(const struct layout *l, const void *x, void *y, int microbatches);
    void (*softmax_back)(const struct layout *l, const void *y, const float *dy, float *dx,
                         bool add, int microbatches);
    void (*layer_norm)(const struct layer_norm *l, const void *x, void *y, int microbatches);
    void (*layer_norm_back)(const struct layer_norm *l, const void *x, const float *dy, float *dx,
                            bool add, int microbatches);
    void (*offset)(const struct offset *o, const void *x, void *y, int microbatches);
    void (*attention)(const struct attention *a, const void *x, void *y, int microbatches,
                      void *scratch);
    void (*attention_back)(const struct attention *a, const void *x, const float *dy, float *dx,
                           int microbatches, void *scratch);
    /* Of a microbatch, over its cells: sums (n, pitch), then sums of squares. */
    void (*sums)(const struct layout *l, const void *x, double *sums);
};

#endif
