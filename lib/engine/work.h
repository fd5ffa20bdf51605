/* What backends share: threads that take batches from the caller's stream, and
 * results that go back to it in order. */
#ifndef HP_ENGINE_WORK_H
#define HP_ENGINE_WORK_H

#include "engine/backend.h"

/* A backend's part of the work, and the threads' state. Filled in by the backend, then
 * work_open(). Whatever is computed for a batch goes to its logits and results, of a batch's size;
 * pixels or images behind the last image are 0. */
struct work {
    const struct graph *graph;
    struct engine_opts opts;
    int batch, threads;
    void *self;
    /* What thread `i` computes with, made when it is needed first and kept until work_close(). In
     * that thread. */
    int (*make)(void *self, int i, void **worker, struct err *e);
    void (*discard)(void *worker);
    /* At the start and at the end of a run, in each thread; may be NULL. */
    int (*enter)(void *worker, struct err *e);
    void (*leave)(void *worker);
    int (*forward)(void *worker, struct engine_batch *b, struct err *e);
    int (*backward)(void *worker, struct engine_batch *b, struct err *e);
    /* Where batches lie, for a device that copies from memory of its own kind; NULL for
     * ordinary memory. `alloc` zeroes, or returns NULL and says why. */
    void *(*alloc)(void *self, size_t bytes, struct err *e);
    void (*release)(void *self, void *p);
    /* Of work.c: */
    void **worker; /* [threads] */
    struct slot *slot;
    int slots;
};

/* What a batch returns is bounded in bytes: of one with several images, of one image (or
 * the network is refused), and roughly of all that threads and their batches hold. */
enum { WORK_BATCH_BYTES = 16 << 20, WORK_IMAGE_BYTES = 64 << 20, WORK_ALL_BYTES = 512 << 20 };

/* Bytes that a batch returns for each image: logits, seeds and results. */
size_t work_returned(const struct graph *g, const struct engine_opts *o);

/* -1 and a message where that is more than WORK_IMAGE_BYTES. */
int work_check(const struct graph *g, const struct engine_opts *o, struct err *e) ERR_CHECKED;

/* As many threads as are asked for, or as there are cores, fewer where results of one
 * image are large; at least 1. */
int work_threads(const struct graph *g, const struct engine_opts *o);

/* Before the first run, and after the last. */
void work_open(struct work *w);
void work_close(struct work *w);

/* Runs the stream to its end. Memory is bounded by the number of threads. Batches
 * before one that fails are still written. */
int work_run(struct work *w, const struct engine_calls *c, struct err *e) ERR_CHECKED;

/* engine_forward(). */
int work_forward(struct work *w, const struct engine_batch *b, struct err *e) ERR_CHECKED;

#endif
