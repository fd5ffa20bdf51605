/* Channel weights of methods that take the second derivative of the score at a layer before the
 * last stage (METHOD_SECOND). The derivative J A of the logits along the activations comes from
 * passes backward of the logits of single classes, and those of all images fill the engine's
 * batches together; then the scores of all maps go backward, with what cam/seed.h makes of J A. All
 * begin at the layer, not at the image. */
#ifndef HP_SECOND_H
#define HP_SECOND_H

#include "base/err.h"
#include "cam/passes.h"

#include <stdint.h>

struct second;

/* Opens an engine of its own. An error where what lies behind the layer cannot be run from it.
 * Caller closes. */
int second_open(struct second **s, const struct passes_opts *o, struct err *e) ERR_CHECKED;
void second_close(struct second *s);

/* How many vectors went backward so far. */
int64_t second_passes(const struct second *s);

/* Calls `take` with the weights weight[planes][channels] of each image, in order; NaN for an aim
 * without a class. Not at the same time from several threads. */
int second_run(struct second *s, const struct passes_batch *b,
               int (*take)(void *ctx, int i, const float *weight, struct err *e), void *ctx,
               struct err *e) ERR_CHECKED;

#endif
