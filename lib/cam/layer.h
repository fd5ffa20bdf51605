/* Maps of one layer of a network from what an engine returns: in closed form where the
 * method has one, which is at the last stage, else as the method makes them. */
#ifndef HP_LAYER_H
#define HP_LAYER_H

#include "base/err.h"
#include "cam/cam.h"
#include "cam/method.h"
#include "graph/graph.h"

#include <stdbool.h>

struct layer;

/* `name`: as net_layer, or NULL for the last stage. The network outlives the layer. */
int layer_open(struct layer **l, const struct graph *g, const char *name, enum cam_score score,
               const struct method *method, struct err *e) ERR_CHECKED;
void layer_close(struct layer *l);

/* Whether maps come in closed form, and whether they need gradients. */
bool layer_closed(const struct layer *l);
bool layer_gradients(const struct layer *l);

/* What an engine returns as `features`. */
int layer_value(const struct layer *l);
const struct graph_value *layer_about(const struct layer *l);

/* What goes backward for `planes` maps that need gradients: seeds[planes][classes],
 * zero on entry and left so for an aim without a class. Thread-safe. */
void layer_seed(const struct layer *l, const float *logits, const struct aim *aim, int planes,
                float *seeds);

/* raw[planes][cells] and bias[planes] as closed_maps; other maps, which tell
 * nothing of biases, leave the latter as they are. p and rest as for cam_seed; in closed
 * form every aim has a class. Not thread-safe. */
void layer_maps(struct layer *l, const struct aim *aim, int planes, const float *features,
                const float *grads, const double *p, const double *rest, float *raw, double *bias);

#endif
