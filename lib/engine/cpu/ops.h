/* Operations on values, as conv.h lays them out, that are no convolutions. Channels that
 * pad become 0 where they are 0 in what is read. */
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

/* The largest in windows of k by k at every `stride`. Padding never wins, a NaN does. */
struct max {
    struct layout layout; /* of x, and of y but for its number of cells */
    int h, w, oh, ow;
    int k; /* at most CONV_LARGEST */
    int stride, pad;
};

/* The calls of one kind of processor; but for scale() of `plain`, all give the same bits. */
struct ops_kernels {
    void (*scale)(const struct scale *s, const struct conv_call *k);
    void (*max)(const struct max *m, const void *x, void *y, int microbatches);
    /* dx += dy at the first cell, in row order, that holds a window's largest x; dx and dy
     * are f32. */
    void (*max_back)(const struct max *m, const void *x, const float *dy, float *dx,
                     int microbatches);
    /* Of a microbatch, over its cells: sums (n, pitch), then sums of squares. */
    void (*sums)(const struct layout *l, const void *x, double *sums);
};

#endif
