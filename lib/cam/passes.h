/* What methods that run passes of their own are given: those that change the image or the layer
 * (cam/masked.h), and those that need the second derivative of the score (cam/second.h). */
#ifndef HP_PASSES_H
#define HP_PASSES_H

#include "cam/cam.h"
#include "cam/method.h"
#include "engine/engine.h"
#include "graph/graph.h"

#include <stdint.h>

struct passes_opts {
    const struct graph *graph; /* outlives the passes */
    int value;                 /* the layer */
    struct method_how how;
    struct engine_opts engine; /* device, precision, threads, exact and note count */
};

/* The images of a batch: what a pass without changes made of them. */
struct passes_batch {
    int n;
    const uint8_t *pixels;    /* (n, 3, h, w), or NULL where there are images */
    const float *images;      /* (n, 3, h, w) of value 0, or NULL where there are pixels */
    const float *activations; /* (n, channels, cells) of the layer */
    const float *logits;      /* (n, classes), finite */
    const struct aim *aim;    /* (n, planes) */
    int planes;
};

/* The options of an engine that begins with value 0, as `o->engine` says. */
static inline struct engine_opts passes_engine(const struct passes_opts *o)
{
    return (struct engine_opts){.device = o->engine.device,
                                .precision = o->engine.precision,
                                .threads = o->engine.threads,
                                .exact = o->engine.exact,
                                .note = o->engine.note,
                                .images = true};
}

#endif
