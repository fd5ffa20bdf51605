/* Maps of one layer of a network from what an engine returns: the activations and, where the
 * method needs them, the gradients. Those of the last stage are known in closed form, from the
 * linear layer (cam/closed.h); others come from a pass backward. */
#ifndef HP_LAYER_H
#define HP_LAYER_H

#include "base/err.h"
#include "cam/cam.h"
#include "cam/method.h"
#include "engine/engine.h"
#include "graph/graph.h"

#include <stdbool.h>

struct layer;

struct layer_opts {
    const char *name; /* as graph_layer(), or NULL for the last stage */
    enum cam_score score;
    const struct method *method;
    bool probabilities; /* needed by the caller, whatever the score */
};

/* The network outlives the layer. An error where there is no such layer. */
int layer_open(struct layer **l, const struct graph *g, const struct layer_opts *o, struct err *e)
    ERR_CHECKED;
void layer_close(struct layer *l);

/* Whether maps come in closed form, and whether they need gradients. */
bool layer_closed(const struct layer *l);
bool layer_gradients(const struct layer *l);

int layer_value(const struct layer *l);
const struct graph_value *layer_about(const struct layer *l);

/* What an engine has to give for up to `planes` maps of an image in one pass: appends to a list
 * with room for two more. The score vectors that the engine has to take, 0 for none. */
int layer_want(struct layer *l, int planes, struct engine_want *list, int *count);

/* Of image `i` of a batch, what goes backward for its maps: fills its part of b->seeds, where
 * an aim without a class (-1) leaves zeros. The logits are finite. Thread-safe. */
void layer_seed(const struct layer *l, struct engine_batch *b, int i, const struct aim *aim,
                int planes);

/* Its maps raw[planes][cells], NaN for an aim without a class; bias[planes], the biases' part of
 * the scores as closed_maps(), at the last stage; else left as they are. Returns 1 - p of each
 * class, valid until the next call, or NULL where neither the score nor the caller needs them. Not
 * thread-safe. */
const double *layer_maps(struct layer *l, const struct engine_batch *b, int i,
                         const struct aim *aim, int planes, float *raw, double *bias);

#endif
