/* Interpolation between cells, GRAPH_RESIZE; values lie as conv.h says. In plain C, so that all
 * processors give the same bits. */
#ifndef HP_CPU_RESIZE_H
#define HP_CPU_RESIZE_H

#include "engine/cpu/layout.h"
#include "graph/windows.h"

struct resize {
    struct layout in, out; /* of one type, backwards f32 */
    int w;                 /* columns of the input */
    struct graph_shares rows, columns;
};

/* Bytes that a call needs, on a boundary of floats. */
size_t resize_scratch(const struct resize *r);

void resize_forward(const struct resize *r, const void *x, void *y, int microbatches,
                    void *scratch);

/* Adds to dx. */
void resize_back(const struct resize *r, const float *dy, float *dx, int microbatches);

#endif
