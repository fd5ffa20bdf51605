/* Maps of one layer of a network from what an engine returns: in closed form at the last
 * stage, by gradients at any other. */
#ifndef HP_LAYER_H
#define HP_LAYER_H

#include "base/err.h"
#include "cam/cam.h"
#include "cam/target.h"
#include "net/net.h"

#include <stdbool.h>

struct layer;

/* `name`: as net_layer, or NULL for the last stage. The network outlives the layer. */
int layer_open(struct layer **l, const struct net *n, const char *name, enum cam_score score,
               enum cam_method method, struct err *e);
void layer_close(struct layer *l);

/* Whether it is the last stage: the engine then has no gradients to take. */
bool layer_last(const struct layer *l);

/* What an engine returns as `features`. */
int layer_value(const struct layer *l);
const struct net_value *layer_about(const struct layer *l);

/* What goes backward for `planes` maps, not at the last stage: seeds[planes][classes],
 * zero on entry and left so for an aim without a class. Thread-safe. */
void layer_seed(const struct layer *l, const float *logits, const struct aim *aim, int planes,
                float *seeds);

/* raw[planes][cells] and bias[planes] as closed_maps; of gradients, which tell nothing of
 * biases, the latter are left as they are. p and rest as for cam_seed; at the last stage
 * every aim has a class. Not thread-safe. */
void layer_maps(struct layer *l, const struct aim *aim, int planes, const float *features,
                const float *grads, const double *p, const double *rest, float *raw, double *bias);

#endif
