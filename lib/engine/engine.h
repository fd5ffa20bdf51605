/* Running a network over images. A backend receives the whole graph and a list of what is
 * wanted, and keeps layout, fusion, batching and precision to itself; what leaves it is NCHW
 * float32. */
#ifndef HP_ENGINE_H
#define HP_ENGINE_H

#include "base/err.h"
#include "graph/graph.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Arithmetic of a network: the constant and its word. */
#define ENGINE_PRECISIONS(X) X(F32, f32) X(BF16, bf16) X(F16, f16)

enum engine_precision {
#define ENGINE_PRECISION_ID(id, word) ENGINE_##id,
    ENGINE_PRECISIONS(ENGINE_PRECISION_ID)
#undef ENGINE_PRECISION_ID
};

/* The words, for OPT_CHOICE. */
#define ENGINE_PRECISION_WORD(id, word) "|" #word
#define ENGINE_PRECISION_WORDS (&("" ENGINE_PRECISIONS(ENGINE_PRECISION_WORD))[1])
static inline const char *engine_precision_word(enum engine_precision p)
{
#define ENGINE_PRECISION_NAME(id, word) #word,
    static const char *const words[] = {ENGINE_PRECISIONS(ENGINE_PRECISION_NAME)};
#undef ENGINE_PRECISION_NAME
    return words[p];
}

/* What may be wanted of a value. A result has for each image: */
enum engine_what {
    ENGINE_ACTIVATION, /* (c, h, w): the value itself */
    ENGINE_GRADIENT,   /* (vectors, c, h, w): of each score with respect to the value */
    ENGINE_SUMS,       /* (c, 2) in double: over a channel's cells, the sum of the value and of its
                          square */
    ENGINE_CLASS_MAPS  /* (classes, h, w), of the last stage alone (graph_closed):
                          sum over k of w[class][k] * A_k / (h w), so that its sum over space plus
                          the bias is the logit (Zhou et al. 2016) */
};

struct engine_want {
    int value;
    enum engine_what what;
};

struct engine_kept;

struct engine_opts {
    const char *device; /* "auto", "cpu", "ref", "cuda", "cuda:N" */
    enum engine_precision precision;
    int threads;                     /* 0: one per core this process may use */
    int64_t few;                     /* images of a run, so that all threads have some of them; 0
                                        or less: many, or not known */
    struct engine_kept *kept;        /* weights of engines before, or NULL; outlives the engine */
    const struct engine_want *wants; /* [want_count]; outlive the engine */
    int want_count;
    int vectors;                    /* score vectors per image that gradients are taken of; 0 where
                                       none are wanted */
    bool images;                    /* the input is value 0 itself instead of bytes */
    bool exact;                     /* direct convolutions only: no Winograd */
    bool timed;                     /* keep the time of every step for engine_steps() */
    void (*note)(const char *text); /* what a user may want to know with -v: a line
                                       without its end, from any thread; may be NULL */
};

/* Where the time went: a step of a backend's plan, in order of computation. Counts are per image
 * and, of a step backwards, per score vector. */
struct engine_step {
    char name[64];  /* "layer1.0 conv2 winograd 4x4" */
    double seconds; /* of the images so far: of all threads together, or of the device */
    int64_t macs;   /* multiply-accumulates of the direct form, 0 for other work */
    int64_t done;   /* multiply-accumulates as computed */
    int64_t bytes;  /* read and written, weights left out */
};

/* A result, of all images of a batch: double for ENGINE_SUMS, else float. */
union engine_result {
    float *values;
    double *sums;
};

/* Planes of an image, whatever channels value 0 of the graph has: 3 or 1. */
enum { ENGINE_COLOURS = 3 };

/* A batch of images and what the network makes of them. */
struct engine_batch {
    int n;
    uint8_t *pixels; /* (n, ENGINE_COLOURS, h, w) as `read` fills them, in R, G, B order; a graph
                        whose value 0 has one channel gets them grey (image/grey.h), and `seed` and
                        `write` see (n, 1, h, w); NULL with opts.images */
    float *images;   /* (n, c, h, w) of value 0; NULL without opts.images */
    void *tag;       /* room of tag_bytes * batch size for the caller, filled by `read`, seen
                        again by `seed` and `write` */
    float *logits;   /* (n, classes) */
    float *seeds;    /* (n, vectors, classes): d score / d logits; NULL without gradients */
    union engine_result *results; /* [want_count], in the order of opts.wants */
};

/* Which result is the one of `value`: appends to a list with room for it what is not there. */
int engine_add_want(struct engine_want *list, int *count, int value, enum engine_what what);

/* Elements per image of result `want`. */
size_t engine_result_size(const struct graph *g, const struct engine_opts *o, int want);

/* `read` and `write` are called in stream order, each by one thread at a time; `seed` by several
 * threads at once. The arrays of a batch are valid during a callback. One that fails ends the
 * run: what it says comes back from engine_run(). Batches before the one that fails are still
 * written. */
struct engine_calls {
    void *ctx;
    size_t tag_bytes; /* per image */
    /* Fills up to `max` images and tags: the count, 0 at the end, -1. */
    int (*read)(void *ctx, struct engine_batch *b, int max, struct err *e);
    /* Only with gradients: fills seeds, which are zero before. */
    int (*seed)(void *ctx, struct engine_batch *b, struct err *e);
    int (*write)(void *ctx, const struct engine_batch *b, struct err *e);
    /* Called once in a run that fails, from any thread: makes a `read` that waits for input
     * return, and does not wait itself. May be NULL where none waits for ever. */
    void (*cancel)(void *ctx);
};

struct engine;

/* Weights in the form in which the CPU multiplies them, kept from one engine to the next: for many
 * networks that have most numbers in common and are opened and closed one after the other, by one
 * thread. They are found by the numbers themselves. Holds up to 1 GiB, or what the open engine
 * needs. */
struct engine_kept *engine_keep(void) __attribute__((warn_unused_result));
void engine_keep_end(struct engine_kept *k);

/* Whether this is the spelling of a device, there or not. */
bool engine_is_device(const char *name);

/* What is compiled in, each into buf[n]: sets of kernels for the CPU, better ones first, and
 * devices, with what the CUDA backend was made with where one is installed. */
void engine_kernels(char *buf, size_t n);
void engine_devices(char *buf, size_t n);

/* Starts what takes long about a device (a GPU's context) while the caller reads its
 * files; engine_open() waits for it. A GPU that is named and not there is missed at once,
 * with e->no_device set. */
int engine_warm(const char *device, enum engine_precision p, struct err *e) ERR_CHECKED;

/* Chooses and opens a backend. The graph outlives it. What is wanted and no backend computes is
 * an error, what this one does not is one that names it; a device that is not there sets
 * e->no_device. "auto" falls back to the CPU's kernels, and from these to "ref". */
int engine_open(struct engine **g, const struct graph *graph, const struct engine_opts *o,
                struct err *e) ERR_CHECKED;
void engine_close(struct engine *g);

/* One line for -v: backend, its version, precision, threads. */
const char *engine_about(const struct engine *g);

/* Most images of a batch in a stream. */
int engine_batch_size(const struct engine *g);

/* Runs a stream of images to its end. Results do not depend on the number of threads. */
int engine_run(struct engine *g, const struct engine_calls *c, struct err *e) ERR_CHECKED;

/* Runs any number of images that are all there, for passes that depend on one another: the same
 * results as of a stream, bit by bit. All arrays are the caller's, tag is not used: pixels or
 * images and, with gradients, seeds go in, logits and results come out, of which each may be
 * NULL. Not at the same time as engine_run(), nor from several threads. */
int engine_forward(struct engine *g, const struct engine_batch *b, struct err *e) ERR_CHECKED;

/* The steps and their times; the count, 0 where opts.timed was not set or the
 * backend keeps none. */
int engine_steps(const struct engine *g, const struct engine_step **s);

#endif
