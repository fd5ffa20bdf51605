/* The product of two values as matrices, GRAPH_MATMUL; values lie as conv.h says. In plain C, so
 * that all processors give the same bits. */
#ifndef HP_CPU_MATMUL_H
#define HP_CPU_MATMUL_H

#include "engine/cpu/layout.h"

/* Of each group y (out, cells of y) = m (out, in) x (in, cells of y). */
struct matmul {
    struct layout x, m, y; /* of one type, backwards f32 but for the values */
    int groups;
};

/* Bytes that a call needs, on a boundary of floats. */
size_t matmul_scratch(const struct matmul *k);

void matmul_forward(const struct matmul *k, const void *x, const void *m, void *y, int microbatches,
                    void *scratch);

/* Adds to the gradient of x (input 0) or m (1); `other` is the value that it was multiplied with.
 */
void matmul_back(const struct matmul *k, int input, const void *other, const float *dy, float *dx,
                 int microbatches, void *scratch);

#endif
