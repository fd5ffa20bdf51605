/* Inside the backend `cpu`: own convolution kernels, one thread per core, each with a batch of
 * its own. A batch is several microbatches of images. The first operations, whose values are large
 * and weights small, are run for a microbatch at a time, so that values stay in a cache; those
 * after, for all microbatches at once, so that weights are read less often. */
#ifndef HP_CPU_CPU_H
#define HP_CPU_CPU_H

#include "engine/cpu/ops.h"
#include "engine/cpu/conv.h"
#include "engine/cpu/layout.h"
#include "engine/cpu/matmul.h"
#include "engine/cpu/moves.h"
#include "engine/cpu/resize.h"
#include "engine/plan.h"
#include "engine/work.h"

#include <pthread.h>

/* Work that is no step of the plan, timed like one. */
enum { TIME_INPUT, TIME_HEAD, TIME_SUMS, TIME_GRADS, TIMES };

/* A convolution of some of the channels, from those on. */
struct slice {
    struct conv conv;
    ptrdiff_t in, out;
};

/* An operation, forwards or backwards, see kinds.h. */
struct step {
    const struct graph_op *op; /* NULL where there is nothing to compute */
    struct slice *slice;       /* [slices] of products; none where each channel is alone */
    int slices;
    const struct graph_op *clip; /* of a convolution in f32: the function that clips its result in
                                    place, which the convolution does; or NULL */
    const struct each *then;     /* the same of another function */
    bool done;                   /* of that function: there is nothing left to do */
    union {
        struct depth depth;
        struct scale scale;
        struct offset offset;
        struct pool pool;
        struct pair pair;
        struct each each;
        struct layout layout; /* of a softmax */
        struct layer_norm layer_norm;
        struct attention attention;
        struct join join[2];
        struct choice choice;
        struct matmul matmul;
        struct resize resize;
    };
};

/* A value of a band, and the operation that makes it. */
struct band_item {
    int op; /* -1 for the input */
    int value;
    int from[GRAPH_INPUTS]; /* the items that it reads, -1 for what lies outside */
    int slot;               /* the first item in the same buffer */
    int rows;               /* of a slot: most that are kept */
    bool whole;             /* of a slot: all are */
};

enum { BAND_ITEMS = 24 };

/* Operations that are run for some rows, then for the next, see bands.c. */
struct band {
    int first, last; /* operations */
    int rows;        /* of the last one's result at a time */
    int items;
    struct band_item item[BAND_ITEMS];
};

struct packing;

struct cpu {
    struct work work;
    struct plan plan;
    const struct conv_kernels *kernels;
    const struct conv_kernels *tiles; /* for bf16, or NULL */
    bool bf16;
    int images;        /* of a microbatch */
    int microbatches;  /* of a batch */
    int narrow;        /* steps that are run for a microbatch at a time */
    struct band *band; /* [bands] in order */
    int bands;
    struct plan_group *group; /* [graph->ops] the same for the plan */
    struct layout_table table;
    struct step *step;         /* [plan.steps] */
    struct step *back;         /* [plan.backs] from dy to dx */
    struct conv fc, maps;      /* where the plan has an end; where class maps are wanted */
    size_t scratch;            /* bytes */
    size_t cast;               /* bytes of an input of an operation in its other type */
    struct engine_step *times; /* [TIMES + plan.steps + plan.backs], where they are kept */
    pthread_mutex_t lock;      /* of their seconds */
    char about[160];
};

/* What a thread owns. */
struct worker {
    struct cpu *cpu;
    void **act;   /* [acts.count] f32 or bf16 */
    float **grad; /* [grads.count] */
    void *scratch;
    void *cast[GRAPH_INPUTS];
    float *pooled;   /* (microbatches, 1, n, pitch) of the last stage, or its gradient */
    float *logits;   /* (microbatches, 1, n, pitch) */
    float *wide;     /* a microbatch's last stage as f32, where values are bf16 */
    float *maps;     /* (cells, n, pitch) of a microbatch */
    float *one;      /* a microbatch's gradients in NCHW */
    double *sums;    /* of a microbatch, see struct ops_kernels */
    double *seconds; /* as cpu.times, or NULL */
};

/* --- memory.c --- */

/* Images of a microbatch, and microbatches of a batch: as many as bounded memory allows. */
void cpu_choose_batch(struct cpu *c);

/* Channels as stored. */
int cpu_pitch(const struct cpu *c, int channels);

/* Elements behind each cell of a value. */
int cpu_gap(const struct cpu *c, int channels);

struct layout cpu_layout(const struct cpu *c, int value, bool bf16);

/* Elements of a value of a microbatch. */
size_t cpu_microbatch_size(const struct cpu *c, int value);

/* Whether an activation is bf16, of which the plan leaves some out; bytes of an element of it. */
bool cpu_half(const struct cpu *c, int value);
size_t cpu_element(const struct cpu *c, int value);

/* A value of a microbatch, or its gradient; a narrow value holds one microbatch at a time. */
void *cpu_act(const struct worker *w, int value, int microbatch);
float *cpu_grad(const struct worker *w, int value, int microbatch);

/* Images in a microbatch of a batch, and microbatches of so many images. */
int cpu_images(const struct cpu *c, const struct engine_batch *b, int microbatch);
int cpu_microbatches(const struct cpu *c, int images);

/* struct work's functions. */
int cpu_make(void *self, int i, void **worker, struct err *e) ERR_CHECKED;
void cpu_discard(void *worker);

/* --- bands.c --- */

/* Which operations go together, before there is a plan, and where their values are, with it. */
void cpu_find_bands(struct cpu *c);
void cpu_settle_bands(struct cpu *c);

/* Rows of a value of a microbatch that are there at a time. */
int cpu_kept_rows(const struct cpu *c, int value);

/* All of a band for a microbatch. */
void cpu_run_band(struct worker *w, const struct engine_batch *batch, const struct band *b,
                  int microbatch);

/* --- steps.c --- */

/* What each operation becomes, with its weights packed; and the plan's boundary between steps for
 * a microbatch and for all microbatches. */
void cpu_open_steps(struct cpu *c);
void cpu_close_steps(struct cpu *c);
int cpu_first_wide(const struct cpu *c);

/* --- forward.c, backward.c --- */

/* Rows y0 to y1 of a microbatch's input to x. */
void cpu_run_input(struct worker *w, const struct engine_batch *b, int microbatch, int y0, int y1,
                   void *x);

int cpu_forward(void *worker, struct engine_batch *b, struct err *e) ERR_CHECKED;
int cpu_backward(void *worker, struct engine_batch *b, struct err *e) ERR_CHECKED;

/* --- times.c --- */

void cpu_open_times(struct cpu *c);
size_t cpu_timed_steps(const struct cpu *c);

/* The time of a thread, so that what else runs does not count; 0 where times are not kept. */
double cpu_start(const struct worker *w);
void cpu_stop(const struct worker *w, int step, double since);

/* At the end of a run: a thread's seconds to those of all. */
void cpu_add_times(void *worker);

#endif
