/* Convolutions of 3 by 3 with stride 1 by Winograd's minimal filtering, f32, on
 * AVX-512 (Lavin and Gray 2016): a quarter of the multiplications. */
#ifndef HP_ENGINE_CPU_WINO_H
#define HP_ENGINE_CPU_WINO_H

#include "net/net.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether this processor and this operation are among those served. */
bool wino_fits(const struct net *n, const struct net_op *op);

/* A convolution with its transformed weights. Shared by threads. */
struct wino;

struct wino *wino_new(const struct net *n, const struct net_op *op, int batch);
void wino_free(struct wino *w);
size_t wino_scratch(const struct wino *w); /* bytes */

/* y = conv(x) + bias [+ res] [then ReLU], values as (cells, batch, c); y may be
 * res. `scratch` lies on a 64-byte boundary. */
void wino_run(const struct wino *w, const float *x, const float *res, float *y, void *scratch);

#endif
