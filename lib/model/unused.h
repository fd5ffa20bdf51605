/* Tensors that take no part in a network though their names are those of layers: parts that
 * training never ran, and other names of the same storage. */
#ifndef HP_UNUSED_H
#define HP_UNUSED_H

#include "ckpt/ckpt.h"

#include <stdbool.h>

struct unused;

/* Reads the running statistics of all norms. Caller frees. */
struct unused *unused_find(struct ckpt *c) __attribute__((warn_unused_result));
void unused_free(struct unused *u);

/* Whether a tensor lies in a container whose batch norms all have the statistics of their
 * making, mean 0 and variance 1, while norms elsewhere have others. */
bool unused_idle(const struct unused *u, const struct ckpt_tensor *t);

/* The first tensor, by number, that shows the same elements of the same storage as tensor `i`:
 * `i` itself where there is no other. */
int unused_first(const struct unused *u, int i);

#endif
