/* Maps of a layer for some classes of each image (--cams), made in the forward pass that
 * predicts them. */
#ifndef CAMS_H
#define CAMS_H

#include "base/io.h"
#include "cam/cam.h"
#include "cam/method.h"
#include "engine/engine.h"
#include "stream/run.h"

struct cams;

/* Words of --target; an error where one can be none. */
int cams_new(struct cams **c, const char *targets, struct err *e);
void cams_free(struct cams *c);

/* Opens the tensor, (images, planes, h, w) at the layer's size, or at the image's with several.
 * `layers`: as those of layer_open(). The network outlives it. `passes`:
 * as those of layer_open(). */
int cams_open(struct cams *c, const char *path, const struct graph *g, const char *layers,
              const struct method_how *how, const struct engine_opts *passes, struct err *e);

/* What an engine has to give for them: appends to a list with room for cams_wants() more. The score
 * vectors that it has to take, 0 for none. */
int cams_wants(const struct cams *c);
int cams_want(struct cams *c, struct engine_want *list, int *count);

/* The callback `seed` of a batch whose tags are struct data_item. Thread-safe. */
void cams_seed(const struct cams *c, struct engine_batch *b);

/* Writes the maps of such a batch, unnormalised; NaN where an image has no such class. */
int cams_put(struct cams *c, const struct engine_batch *b, struct err *e);

/* Adds what maps these are. */
void cams_about(const struct cams *c, struct run *r);

/* Completes the tensor; the caller closes the output. NULL on failure. */
struct out *cams_end(struct cams *c, struct err *e);

#endif
