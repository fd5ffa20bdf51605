/* Maps of layers of a network from what an engine returns: the activations and, where the
 * method needs them, the gradients. Those of the last stage are known in closed form, from the
 * linear layer (cam/closed.h); others come from a pass backward, or from passes of their own
 * (cam/masked.h, cam/second.h). */
#ifndef HP_LAYER_H
#define HP_LAYER_H

#include "base/err.h"
#include "cam/cam.h"
#include "cam/method.h"
#include "engine/engine.h"
#include "graph/graph.h"
#include "stream/run.h"

#include <stdbool.h>
#include <stdint.h>

struct layer;

struct layer_opts {
    const char *names; /* as graph_layer(), separated by commas; NULL for the last stage */
    struct method_how how;
    bool probabilities; /* needed by the caller, whatever the score */
    bool twins;         /* the same of maps by another score, where they come in closed form */
    bool finished;      /* see layer_finished() */
    /* Device, precision, threads, exact and note of passes that the method makes of its own; NULL
     * where no such method is served. */
    const struct engine_opts *passes;
};

/* The network and the names outlive the layer. An error where there is no such layer, or where a
 * layer comes twice. */
int layer_open(struct layer **l, const struct graph *g, const struct layer_opts *o, struct err *e)
    ERR_CHECKED;
void layer_close(struct layer *l);

/* Whether a method has maps of a layer of this network: of value `value`. */
bool layer_serves(const struct graph *g, int value, const struct method *m);

/* Whether all maps come in closed form, whether any needs gradients, and whether any needs passes
 * of its own, which give gradients, too. */
bool layer_closed(const struct layer *l);
bool layer_gradients(const struct layer *l);
bool layer_makes_passes(const struct layer *l);

/* Whether all layers lie behind a ReLU, so that no activation is negative. */
bool layer_rectified(const struct layer *l);

/* Whether maps are finished as pytorch-grad-cam does: those of several layers, or where asked for.
 * Each is rectified, min-max normalised and resized to the image, and so is the mean of those of
 * several layers; they have no sign and no unit, and no maps of a margin are made. */
bool layer_finished(const struct layer *l);

/* The size of the maps. */
void layer_grid(const struct layer *l, int *h, int *w);

/* Adds what maps these are. */
void layer_about(const struct layer *l, struct run *r);

/* What an engine has to give for up to `planes` maps of an image in one pass: appends to a list
 * with room for layer_wants() more. The score vectors that the engine has to take, 0 for none. */
int layer_wants(const struct layer *l);
int layer_want(struct layer *l, int planes, struct engine_want *list, int *count);

/* Of image `i` of a batch, what goes backward for its maps: fills its part of b->seeds, where
 * an aim without a class (-1) leaves zeros. The logits are finite. Thread-safe. */
void layer_seed(const struct layer *l, struct engine_batch *b, int i, const struct aim *aim,
                int planes);

/* The maps of an image. */
struct layer_maps {
    float *raw; /* [planes] of layer_grid(), NaN for an aim without a class; may be changed */
    const double *bias; /* [planes] the biases' part of the scores as closed_maps(), NaN where that
                           is not known */
    const double *rest; /* [classes] 1 - p, or NULL where neither score nor caller needs them */
    const float *twins; /* [planes] as closed_twins(), or NULL */
};

/* Hands out the maps of a batch's images, in order, each as soon as it is there, valid during the
 * call of `take`: `planes` of each by id[n] and aim[n][planes], an aim without a class (-1) where
 * an image has fewer. Logits are finite. Not thread-safe. */
int layer_run(struct layer *l, const struct engine_batch *b, const int64_t *id,
              const struct aim *aim, int planes,
              int (*take)(void *ctx, int i, const struct layer_maps *m, struct err *e), void *ctx,
              struct err *e) ERR_CHECKED;

/* Passes that the method made of its own so far: forward ones, or vectors that went backward. */
int64_t layer_passes(const struct layer *l);

#endif
