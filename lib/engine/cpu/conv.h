/* Convolutions as the kernels see them: a shape, a form of computing it and packed
 * weights. Values lie as (microbatches, h, w, n, pitch): n images innermost but for their
 * channels, whose number is padded to a multiple of CONV_PITCH, and a gap behind each
 * cell where the cells of a tile would share a few sets of a cache without one. Channels that
 * pad are 0 where a kernel has written. */
#ifndef HP_CPU_CONV_H
#define HP_CPU_CONV_H

#include "graph/graph.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONV_PITCH = 16,
    CONV_GAP = 16,        /* elements: a cache line of f32 */
    CONV_TILE_PITCH = 32, /* for CONV_TILES */
    CONV_TILE_GAP = 32,   /* a cache line of bf16 */
    CONV_SPAN = 64,       /* output channels computed together */
    CONV_LARGEST = 1024,  /* taps: a vision transformer's patch of 32 by 32 */
    CONV_GATHERED = 4     /* most channels of inputs that are put side by side */
};

enum conv_form {
    CONV_DIRECT,
    CONV_WINO,         /* Winograd's minimal filtering, see winograd.inc, F(m x n, 3 x 3) */
    CONV_WINO_STRIDE2, /* even and odd inputs filtered apart: F(m, 2) for the two outer taps
                          beside the middle tap's m products */
    CONV_TILES,        /* direct, by kernels for matrix tiles */
    CONV_FORMS
};

enum { CONV_SIZES = 4, CONV_SLOTS = 9 };

/* A size of tiles, of one dimension. */
struct conv_size {
    int out;    /* outputs */
    int in;     /* inputs they depend on */
    int points; /* products; with stride 2 `out` more, of the middle tap */
};

/* How the outputs of one dimension are cut into tiles, larger ones first. */
struct conv_cut {
    int stride;
    int largest;           /* the size that decides how many weights there are */
    int tiles[CONV_SIZES]; /* of each size */
    int count;             /* of all */
};

struct engine_kept;

/* What is asked for. */
struct conv_spec {
    int ih, iw, ic, oh, ow, oc;
    int ip, op;         /* channels as stored, those that pad included */
    int ipitch, opitch; /* elements from one image to the next, where they are more: of a value
                           part of whose channels the convolution has; 0 for ip and op */
    int igap, ogap;     /* elements between cells */
    struct graph_axis y, x;
    bool back; /* the gradient: (ih, iw, ic) are those of the convolution's output,
                  (oh, ow, oc) of its input */
    bool relu;
    bool bf16;                /* input, output and addend are bf16, and the weights rounded to it */
    bool exact;               /* CONV_DIRECT only */
    bool tiles;               /* CONV_TILES; bf16, not back, pitches are multiples of 32 */
    int n;                    /* images in a microbatch */
    int microbatches;         /* most in a call */
    const float *w;           /* (oc, ic, y.k, x.k), for the gradient (ic, oc, y.k, x.k) */
    const float *b;           /* (oc), or NULL */
    float scale;              /* of the weights */
    struct engine_kept *kept; /* that lends the room for packed weights, or NULL */
};

struct conv {
    struct conv_spec spec;
    enum conv_form form;
    const struct conv_kernels *kernels;
    ptrdiff_t icell, ocell;                  /* elements from one cell to the next */
    struct conv_cut down, across;            /* tiles, of a Winograd form */
    size_t row[CONV_SLOTS * CONV_SLOTS + 1]; /* where the rows of inputs and of sums begin that are
                                                multiplied by the same weights; and all */
    bool gathers;   /* CONV_DIRECT: the inputs of an output are put side by side first */
    int chunk;      /* tiles, or such outputs, on their way at a time */
    size_t in_step; /* elements from one such output's inputs to the next's */
    size_t scratch; /* bytes that a call needs, on a 64-byte boundary */
    float *u;       /* packed weights, see conv_at() */
    bool packed;    /* they are there when it is opened */
    float *bias;    /* (op) */
    float *zero;    /* (ip) */
};

/* One call, of the first `microbatches` microbatches. */
struct conv_call {
    const void *x;
    const void *add;  /* added before ReLU, or NULL; may be y */
    const void *mask; /* y is 0 where this is not positive, or NULL; as y in shape */
    bool mask_bf16;   /* the mask is bf16 */
    bool clip;        /* what follows ReLU is clipped between these */
    float least, most;
    const struct each *then; /* CONV_DIRECT: a function of what has been made, or NULL */
    void *y;
    int microbatches;
    /* Direct forms, of one microbatch: the rows of y to be made, all where y1 is 0. y, what is
     * added and the mask begin with row y0, x with row x0. */
    int y0, y1, x0;
};

/* A set of kernels for one kind of processor. `avx512`, `avx2` and `neon` give the same bits;
 * `plain` does not fuse multiply and add, and tiles add in an order of their own. */
struct conv_kernels {
    const char *name;
    void (*pack)(const struct conv *c, int span);
    void (*run)(const struct conv *c, const struct conv_call *k, void *scratch);
    const struct ops_kernels *ops; /* NULL for tiles; see ops.h */
};

/* Those of other processors have no functions, as they are not compiled. The last three serve
 * CONV_TILES, all others the other forms. */
extern const struct conv_kernels conv_avx512, conv_avx2, conv_neon, conv_plain, conv_amx,
    conv_amx_plain, conv_bfmmla;

enum conv_form conv_choose(const struct conv_spec *s);

/* The sizes for a stride, in ascending order, and how a Winograd form cuts. */
const struct conv_size *conv_sizes(int stride);
void conv_cuts(const struct conv_spec *s, struct conv_cut *down, struct conv_cut *across);

/* Bytes of packed weights. */
size_t conv_weights(const struct conv_spec *s);

/* y = conv(x) + bias [+ add] [then ReLU] [clipped] [masked]. Unless c->packed, conv_pack() has to
 * have been called for every span, in any order and by any thread, before conv_run(). */
void conv_open(struct conv *c, const struct conv_spec *s, const struct conv_kernels *k);
void conv_close(struct conv *c);
int conv_spans(const struct conv *c);
void conv_pack(const struct conv *c, int span);
void conv_run(const struct conv *c, const struct conv_call *k, void *scratch);

/* Multiply-accumulates per image: as computed, and of the direct form. */
int64_t conv_done(const struct conv *c);
int64_t conv_macs(const struct conv_spec *s);

/* The index into a row or column of inputs that tap t takes for output o, or -1. `back`: of the
 * gradient. */
static inline int conv_meet(const struct graph_axis *a, bool back, int o, int t, int inputs)
{
    int tap = t * (a->gap + 1) - a->before;
    int i = back ? o - tap : o * a->stride + tap;
    if (back) {
        if (i < 0 || i % a->stride)
            return -1;
        i /= a->stride;
    }
    return i >= 0 && i < inputs ? i : -1;
}

static inline int conv_taps(const struct conv_spec *s)
{
    return s->y.k * s->x.k;
}

/* Padded channels of a span. */
static inline int conv_width(const struct conv *c, int span)
{
    int left = c->spec.op - span * CONV_SPAN;
    return left < CONV_SPAN ? left : CONV_SPAN;
}

/* The size of tile i and its first output. */
static inline int conv_tile(const struct conv_cut *cut, int i, int *first)
{
    const struct conv_size *sizes = conv_sizes(cut->stride);
    int z = cut->largest;
    for (*first = 0; i >= cut->tiles[z]; z--) {
        i -= cut->tiles[z];
        *first += cut->tiles[z] * sizes[z].out;
    }
    *first += i * sizes[z].out;
    return z;
}

static inline bool conv_is_winograd(enum conv_form f)
{
    return f == CONV_WINO || f == CONV_WINO_STRIDE2;
}

/* Weights of one dimension: a tile's products have their own but for those of the middle tap. */
static inline int conv_slots(const struct conv_cut *cut)
{
    return conv_sizes(cut->stride)[cut->largest].points + (cut->stride == 2);
}

/* Weights of a pair of channels. */
static inline int conv_points(const struct conv *c)
{
    return conv_is_winograd(c->form) ? conv_slots(&c->down) * conv_slots(&c->across)
           : c->gathers              ? 1
                                     : conv_taps(&c->spec);
}

/* Inputs of such a product. */
static inline int conv_inputs(const struct conv *c)
{
    return c->gathers ? conv_taps(&c->spec) * c->spec.ic : c->spec.ic;
}

/* Where a span's weights begin; they lie as (points, width / B, inputs, B), B the
 * channels that a kernel holds in registers. */
static inline size_t conv_at(const struct conv *c, int span)
{
    return (size_t)span * CONV_SPAN * (size_t)conv_inputs(c) * (size_t)conv_points(c);
}

#endif
