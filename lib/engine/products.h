/* Dot products of many vectors with many others, by the kernels of the CPU backend. */
#ifndef HP_ENGINE_PRODUCTS_H
#define HP_ENGINE_PRODUCTS_H

#include "base/err.h"

#include <stdint.h>

enum { PRODUCTS_BLOCK = 2048 }; /* vectors of a block at most */

struct products;

/* For vectors of `length` elements; `threads` 0: one per core. Caller closes. */
int products_open(struct products **p, int length, int threads, struct err *e) ERR_CHECKED;
void products_close(struct products *p);

/* The block that others are multiplied with: rows (n, length), 1 <= n <= PRODUCTS_BLOCK. */
void products_set(struct products *p, const float *rows, int n);

/* Calls `take` once for each of the vectors x (count, length) with its products with the whole
 * block, products[n], in any order and from several threads at once. The products of two vectors
 * do not depend on the number of threads nor on what else is in the block. */
void products_run(struct products *p, const float *x, int64_t count,
                  void (*take)(void *ctx, int64_t i, const float *products), void *ctx);

#endif
