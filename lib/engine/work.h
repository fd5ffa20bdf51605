/* What backends share: threads that take batches from the caller's stream, and
 * results that go back to it in order. */
#ifndef HP_ENGINE_WORK_H
#define HP_ENGINE_WORK_H

#include "engine/engine.h"

/* A batch with its results as a backend fills them in. */
struct work_batch {
    struct engine_batch b; /* pixels behind the last image are 0 */
    float *logits;         /* (batch, classes) */
    float *features;       /* (batch, c, h, w), or NULL */
    float *class_maps;     /* (batch, classes, h, w), or NULL */
    float *grads;          /* (batch, gradients, c, h, w), or NULL */
    double *sums;          /* (batch, work_tapped(), 2), or NULL */
};

/* A backend's part. `enter` and `leave` are called in each thread at its start and
 * end and make and free what the thread owns (`hand`). */
struct work {
    const struct graph *graph;
    struct engine_opts opts;
    int batch, threads;
    void *self;
    int (*enter)(void *self, void **hand, struct err *e);
    void (*leave)(void *hand);
    int (*forward)(void *hand, struct work_batch *b, struct err *e);
    int (*backward)(void *hand, struct work_batch *b, struct err *e);
    /* Where batches lie, for a device that copies from memory of its own kind; NULL for
     * ordinary memory. `alloc` zeroes, or returns NULL and says why. */
    void *(*alloc)(void *self, size_t bytes, struct err *e);
    void (*release)(void *self, void *p);
};

/* Number of processors this process may use, at least 1. */
int work_cores(void);

/* What a batch returns is bounded in bytes: of one with several images, of one image (or
 * the network is refused), and roughly of all that threads and their batches hold. */
enum { WORK_BATCH_BYTES = 16 << 20, WORK_IMAGE_BYTES = 64 << 20, WORK_ALL_BYTES = 512 << 20 };

/* Bytes that a batch returns for each image, all arrays of struct work_batch together. */
size_t work_returned(const struct graph *graph, const struct engine_opts *o);

/* -1 and a message where that is more than WORK_IMAGE_BYTES. */
int work_check(const struct graph *graph, const struct engine_opts *o, struct err *e);

/* As many threads as are asked for, or as there are cores, fewer where results of one
 * image are large; at least 1. */
int work_threads(const struct graph *graph, const struct engine_opts *o);

/* Runs the stream to its end. Memory is bounded by the number of threads. Batches
 * before one that fails are still written. */
int work_run(const struct work *w, const struct engine_calls *c, struct err *e);

/* Channels of all taps. */
size_t work_tapped(const struct graph *graph, const struct engine_opts *o);

/* Which values depend on value `from` (itself included): depends[values]. */
void work_depends(const struct graph *graph, int from, bool *depends);

#endif
