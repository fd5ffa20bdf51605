/* Channel weights from forward passes of a network whose input, or whose layer, is changed channel
 * by channel. One pass tells the scores of all classes, so that all maps of an image share the
 * passes. Those that change the layer begin behind its convolutions (cam/without.h). Passes that
 * are known without being run are not run: of a channel that is the same in all cells, whose mask
 * leaves an image of zeros, for which one pass is enough; of channels that make the same mask; of a
 * channel that is the constant which stands for it. */
#ifndef HP_MASKED_H
#define HP_MASKED_H

#include "base/err.h"
#include "cam/passes.h"

#include <stdint.h>

struct masked;

/* Opens an engine of its own, for a method that has passes; with compat an epsilon of 1e-8 is added
 * to the range of each mask, and what cam/ablation.h says holds. An error where what lies behind
 * the layer cannot be run from it. Caller closes. */
int masked_open(struct masked **m, const struct passes_opts *o, struct err *e) ERR_CHECKED;
void masked_close(struct masked *m);

/* How many passes were run so far, of images and channels, and one without a change for each image
 * whose layer is changed. */
int64_t masked_passes(const struct masked *m);

/* Calls `take` with the weights weight[planes][channels] of each image, in order. Passes of all
 * images fill the engine's batches together. Weights are NaN where a score is and for an aim
 * without a class, and 0 for one that takes a class from itself. Not at the same time from several
 * threads. */
int masked_run(struct masked *m, const struct passes_batch *b,
               int (*take)(void *ctx, int i, const float *weight, struct err *e), void *ctx,
               struct err *e) ERR_CHECKED;

#endif
