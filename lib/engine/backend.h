/* What a backend is, inside lib/engine: one table of functions. engine.c knows which there are. */
#ifndef HP_ENGINE_BACKEND_H
#define HP_ENGINE_BACKEND_H

#include "engine/engine.h"

struct engine_backend {
    const char *name;
    /* Whether it computes this graph under these options, as far as can be told without the
     * device: 0, or -1 and what it does not. Before open(). */
    int (*supports)(const struct graph *g, const struct engine_opts *o, struct err *e);
    int (*open)(void **self, const struct graph *g, const struct engine_opts *o, struct err *e);
    void (*close)(void *self);
    const char *(*about)(const void *self);
    int (*batch_size)(const void *self);
    int (*run)(void *self, const struct engine_calls *c, struct err *e);
    int (*forward)(void *self, const struct engine_batch *b, struct err *e);
    int (*steps)(const void *self, const struct engine_step **s); /* may be NULL */
};

extern const struct engine_backend engine_ref, engine_cpu;

/* Whether anything of that kind is wanted. */
bool engine_wants(const struct engine_opts *o, enum engine_what what);

/* Marks the values that gradients are wanted of and all that are made of them, marked[values]:
 * what a backward pass goes through. */
void engine_mark_backward(const struct graph *g, const struct engine_opts *o, bool *marked);

/* Bytes of a result for an image. */
size_t engine_result_bytes(const struct graph *g, const struct engine_opts *o, int want);

#endif
