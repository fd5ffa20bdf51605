/* The part of oneDNN that the network needs, the same over its versions 2.6 and
 * 3.x. Values lie as [H][W][N][C]: to oneDNN a convolution is one of three
 * dimensions, the innermost of which, the batch, has a kernel of 1. */
#ifndef HP_ENGINE_CPU_ONEDNN_H
#define HP_ENGINE_CPU_ONEDNN_H

#include "base/err.h"
#include "net/net.h"

#include <stdbool.h>
#include <stddef.h>

/* Makes the calling thread run what it asks of oneDNN by itself, whatever the
 * environment says about OpenMP, and flush denormals to zero. */
void onednn_thread(void);

bool onednn_has_avx512(void);
bool onednn_has_bf16(void); /* in the processor, not emulated */
const char *onednn_version(void);

struct onednn;

int onednn_open(struct onednn **o, struct err *e);
void onednn_close(struct onednn *o);

/* A convolution with its packed weights, or its backward data. Shared by threads. */
struct onednn_conv;

/* y = conv(x) + bias [+ y] [then ReLU], as `op` says; `bf16`: values and weights
 * (the bias stays f32). */
int onednn_forward(struct onednn_conv **c, struct onednn *o, const struct net *n,
                   const struct net_op *op, int batch, bool bf16, struct err *e);

/* dx = transposed conv(dy), in f32. */
int onednn_backward(struct onednn_conv **c, struct onednn *o, const struct net *n,
                    const struct net_op *op, int batch, struct err *e);
void onednn_conv_free(struct onednn_conv *c);
size_t onednn_scratch(const struct onednn_conv *c); /* bytes */

/* A convolution bound to the memory of one thread: forward from `in` = x to
 * `out` = y, backward from `in` = dy to `out` = dx. */
struct onednn_call;

int onednn_bind(struct onednn_call **k, struct onednn *o, const struct onednn_conv *c, void *in,
                void *out, void *scratch, struct err *e);
void onednn_call_free(struct onednn_call *k);
int onednn_run(struct onednn_call *k, struct err *e);

/* c (m, n) = alpha * a (m, k) * b (n, k) transposed, row-major. */
int onednn_gemm(int m, int n, int k, float alpha, const float *a, const float *b, float *c,
                struct err *e);

#endif
