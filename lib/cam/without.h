/* Where passes without a channel begin. A convolution is linear in each channel of its input, so
 * that those that read the layer are computed once for an image: a pass takes from them what its
 * channel added, and runs what lies behind them. */
#ifndef HP_WITHOUT_H
#define HP_WITHOUT_H

#include "base/err.h"
#include "graph/graph.h"

#include <stddef.h>

struct without;

/* Passes of `graph` from `value` on; an error where the logits are not made of it alone. Caller
 * closes. */
int without_open(struct without **w, const struct graph *graph, int value, struct err *e)
    ERR_CHECKED;
void without_close(struct without *w);

/* What runs the passes, for an engine with opts.images; elements of its value 0. */
const struct graph *without_graph(const struct without *w);
size_t without_size(const struct without *w);

/* Keeps the layer acts[channels][cells] of an image, which stays where it is. */
void without_image(struct without *w, const float *acts);

/* A pass in which `value` stands for all cells of a channel, or in which no channel is changed
 * where it is -1: to[without_size()]. */
void without_channel(const struct without *w, int channel, float value, float *to);

#endif
