/* FullGrad (Srinivas and Fleuret 2019): the gradient of a score times the image, and the gradients
 * at all biases times these, the biases of batch norms that are folded into convolutions included.
 * Together they add up to the score of a network that is piecewise linear; a map has their
 * magnitudes. */
#ifndef HP_FULLGRAD_H
#define HP_FULLGRAD_H

#include "engine/engine.h"
#include "graph/graph.h"

struct fullgrad;

/* The network outlives it. */
struct fullgrad *fullgrad_new(const struct graph *g);
void fullgrad_free(struct fullgrad *f);

/* What an engine has to give: appends to a list with room for fullgrad_wants() more. */
int fullgrad_wants(const struct fullgrad *f);
void fullgrad_want(struct fullgrad *f, struct engine_want *list, int *count);

/* map (h, w) of the image's size, of score `k` of `vectors` of image `i` of a batch. As in
 * pytorch-grad-cam each channel's magnitudes are min-max normalised, with `epsilon` as
 * cam_normalise(), and resized to the image; the map is their sum. */
void fullgrad_map(struct fullgrad *f, const struct engine_batch *b, int i, int vectors, int k,
                  float epsilon, float *map);

#endif
