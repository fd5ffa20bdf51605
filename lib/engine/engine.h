/* Running a network over a stream of images. A backend receives the whole list
 * of operations and keeps layout, fusion, batching and precision to itself; what
 * leaves it is NCHW float32. */
#ifndef HP_ENGINE_H
#define HP_ENGINE_H

#include "base/err.h"
#include "graph/graph.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum engine_precision { ENGINE_F32, ENGINE_BF16, ENGINE_F16 };

struct engine_opts {
    const char *device; /* "auto", "cpu", "ref", "cuda", "cuda:N" */
    enum engine_precision precision;
    int threads;     /* 0: one per core this process may use */
    int features;    /* value whose activations are wanted, or -1 */
    bool class_maps; /* whether the maps of all classes at the last stage are */
    int gradients;   /* score vectors per image, 0 for none; they are taken with
                        respect to value `features` */
    const int *taps; /* values of which sums are wanted, [tap_count]; not on
                        GPUs; outlive the engine */
    int tap_count;
    bool exact;                     /* direct convolutions only: no Winograd */
    bool timed;                     /* keep the time of every step for engine_steps() */
    void (*note)(const char *text); /* what a user may want to know with -v: a line
                        without its end, from any thread; may be NULL */
};

/* Where the time went: a step of a backend's plan, in order of computation. */
struct engine_step {
    char name[64];  /* "layer1.0 conv2 winograd 4x4" */
    double seconds; /* of the images so far: of all threads together, or of the device */
    int64_t macs;   /* multiply-accumulates per image of the direct form, 0 for other work; of
                       a step backwards, per image and score vector, as the next two */
    int64_t done;   /* multiply-accumulates per image as computed */
    int64_t bytes;  /* read and written per image, weights left out */
};

/* A batch on its way through the network; arrays are valid during a callback. */
struct engine_batch {
    int n;                   /* images in it, at most engine_batch_size() */
    uint8_t *pixels;         /* (n, 3, h, w), filled by `read` */
    void *tag;               /* room of tag_bytes * batch size for the caller, filled by
                                `read`, seen again by `seed` and `write` */
    const float *logits;     /* (n, classes) */
    const float *features;   /* (n, c, h, w) of the value asked for, or NULL */
    const float *class_maps; /* (n, classes, h, w) of the last stage, or NULL:
                                sum over k of w[class][k] * A_k / (h w), so that its sum
                                over space plus the bias is the logit (Zhou et al. 2016) */
    float *seeds;            /* (n, gradients, classes): d score / d logits, filled by
                                `seed`; zeroed before */
    const float *grads;      /* (n, gradients, c, h, w), or NULL */
    const double *sums;      /* (n, channels of all taps in turn, 2): over a channel's cells, the
                                sum of the value and of its square; or NULL */
};

/* `read` and `write` are called in stream order, each by one thread at a time;
 * `seed` by several threads at once. */
struct engine_calls {
    void *ctx;
    size_t tag_bytes; /* per image */
    /* Fills up to `max` images and tags: the count, 0 at the end, -1. */
    int (*read)(void *ctx, struct engine_batch *b, int max, struct err *e);
    /* Only with gradients. */
    int (*seed)(void *ctx, struct engine_batch *b, struct err *e);
    int (*write)(void *ctx, const struct engine_batch *b, struct err *e);
};

struct engine;

/* Whether this is the spelling of a device, there or not. */
bool engine_is_device(const char *name);

/* Starts what takes long about a device (a GPU's context) while the caller reads its
 * files; engine_open() waits for it. A GPU that is named and not there is missed at once,
 * with e->no_device set. */
int engine_warm(const char *device, struct err *e);

/* Chooses and opens a backend. `graph` must outlive it. A device that is not there
 * sets e->no_device; "auto" falls back to the CPU. */
int engine_open(struct engine **g, const struct graph *graph, const struct engine_opts *o,
                struct err *e);
void engine_close(struct engine *g);

/* One line for -v: backend, its version, precision, threads. */
const char *engine_about(const struct engine *g);
int engine_batch_size(const struct engine *g);

/* Runs the stream to its end. Results do not depend on the number of threads. */
int engine_run(struct engine *g, const struct engine_calls *c, struct err *e);

/* The steps and their times; the count, 0 where opts.timed was not set or the
 * backend keeps none. */
int engine_steps(const struct engine *g, const struct engine_step **s);

/* --- for backends --- */

struct engine_backend {
    const char *name;
    int (*open)(void **self, const struct graph *graph, const struct engine_opts *o, struct err *e);
    void (*close)(void *self);
    const char *(*about)(const void *self);
    int (*batch_size)(const void *self);
    int (*run)(void *self, const struct engine_calls *c, struct err *e);
    int (*steps)(const void *self, const struct engine_step **s); /* may be NULL */
};

extern const struct engine_backend engine_ref, engine_cpu;

#endif
