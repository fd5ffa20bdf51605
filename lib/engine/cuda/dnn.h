/* Convolutions by cuDNN's graph interface: an operation graph, the engine that its
 * heuristics put first among those that will do, and a plan. Tensors are NHWC. Tensor cores
 * multiply where an engine has them: f16 or bf16, or gradients in f32 as TF32. Sums are in f32. */
#ifndef HP_CUDA_DNN_H
#define HP_CUDA_DNN_H

#include "base/err.h"
#include "engine/cuda/kernels.h"
#include "graph/graph.h"

#include <cudnn.h>

#include <stdbool.h>
#include <stddef.h>

/* x (n, ih, iw, ic), w (oc, y.k, x.k, ic / groups), y (n, oh, ow, oc), of windows along the axes
 * y and x. Channel counts are multiples of 8. Nothing but ints, so
 * that shapes can be compared as memory. */
struct dnn_shape {
    int n, ic, ih, iw, oc, oh, ow, groups;
    struct graph_axis y, x;
};

/* Bytes that an engine may ask for: preferred, and at most. */
enum { DNN_WORKSPACE = 64 << 20, DNN_WORKSPACE_MOST = 256 << 20 };

struct dnn;

/* cuDNN on the calling thread's device or, with `described` (cuDNN's JSON of a device),
 * planning alone, without a device. `where` names it in messages and outlives it. After a
 * failure *d is still to be closed. */
int dnn_open(struct dnn **d, const char *described, const char *where, struct err *e) ERR_CHECKED;
void dnn_close(struct dnn *d);

/* cuDNN's version as "9.19.0". */
const char *dnn_version(const struct dnn *d);

/* Loads on the calling thread's device what the first plan needs. */
void dnn_warm(void);

/* Whether the last failure was for want of memory; `little`: there was not much left. */
bool dnn_short_of(const struct dnn *d, bool little);

struct dnn_conv;

/* y = conv(x, w) [+ res] + bias (oc) [then ReLU]; all of type t. *c is NULL where cuDNN has no
 * engine for it that will do. */
int dnn_forward(struct dnn_conv **c, struct dnn *d, const struct dnn_shape *s, enum kernel_type t,
                bool res, bool relu, struct err *e) ERR_CHECKED;

/* dx from dy, both f32: the transposed convolution; in the same way. */
int dnn_backward(struct dnn_conv **c, struct dnn *d, const struct dnn_shape *s, struct err *e)
    ERR_CHECKED;
void dnn_conv_free(struct dnn_conv *c);

/* Bytes. */
size_t dnn_workspace(const struct dnn_conv *c);

/* What the engine is, for tests and -v. */
struct dnn_engine {
    int64_t index;
    bool cores;    /* uses tensor cores */
    bool compiles; /* when it is run first */
    bool deterministic;
};
struct dnn_engine dnn_engine(const struct dnn_conv *c);

/* A convolution on given memory. For dnn_backward x is where dx goes, y is dy, and
 * bias and res are NULL. */
struct dnn_memory {
    void *x, *w, *bias, *res, *y, *workspace;
};
struct dnn_call;
int dnn_bind(struct dnn_call **call, const struct dnn_conv *c, const struct dnn_memory *m,
             struct err *e) ERR_CHECKED;
void dnn_call_free(struct dnn_call *call);

/* What dnn_run() runs from now on is queued on `stream`. One thread at a time. */
int dnn_use(struct dnn *d, cudaStream_t stream, struct err *e) ERR_CHECKED;
int dnn_run(const struct dnn_call *call, struct err *e) ERR_CHECKED;

#endif
