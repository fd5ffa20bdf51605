/* Inside the backend `cuda`: the network on an NVIDIA GPU, convolutions by cuDNN, the rest by
 * kernels.cu. Batches alternate between two workers, each with a stream and activations of its own,
 * so that copies of one run while the other computes. Weights are shared. */
#ifndef HP_CUDA_CUDA_H
#define HP_CUDA_CUDA_H

#include "engine/cuda/device.h"
#include "engine/cuda/dnn.h"
#include "engine/cuda/kernels.h"
#include "engine/plan.h"
#include "engine/work.h"

#include <pthread.h>

enum { CUDA_WORKERS = 2 };

/* What an operation, forwards or backwards, has on the device. */
struct step {
    struct dnn_conv *dnn; /* of a convolution, else NULL */
    bool shared;          /* with a step before */
    void *w, *b;          /* of a scale in f32; NULL for a maximum */
};

struct worker {
    struct cuda *cuda;
    cudaStream_t stream;
    void **act;   /* [acts.count] */
    float **grad; /* [grads.count] */
    void *workspace;
    void *input;    /* (batch, 3, cells) bytes, or floats of value 0 */
    float *pooled;  /* (batch, c) of the last stage, or its gradient */
    float *logits;  /* (batch, classes) */
    float *seeds;   /* as in struct engine_batch */
    float **result; /* [want_count] of a batch, NULL for what lies elsewhere */
    struct dnn_call **step, **back;
    cudaEvent_t *event; /* [events], where steps are timed */
};

struct cuda {
    struct work work;
    struct device device;
    struct dnn *dnn;
    struct plan plan;
    enum kernel_type type;
    struct step *step; /* [plan.steps] */
    struct step *back; /* [plan.backs] */
    float *table;      /* (3, 256) normalised pixels */
    float *linear;     /* (classes, c) */
    float *bias;       /* (classes) */
    float *turned;     /* linear as (c, classes), for gradients */
    size_t workspace;  /* bytes */
    struct worker worker[CUDA_WORKERS];
    bool short_of; /* memory was what failed; until `ready` */
    bool ready;    /* all is open */
    /* cuDNN's handle runs on one stream at a time. */
    pthread_mutex_t queueing;
    struct engine_step *timed;
    int events;      /* one more than timed steps */
    char where[300]; /* the device, for messages */
    char about[512];
};

/* Bytes of an element of an activation. */
static inline size_t cuda_element(const struct cuda *c)
{
    return c->type == KERNEL_F32 ? sizeof(float) : 2;
}

/* The last stage. */
static inline const struct graph_value *cuda_last(const struct cuda *c)
{
    return &c->work.graph->value[c->plan.end.value];
}

/* Bytes of the input of an image. */
static inline size_t cuda_input_bytes(const struct cuda *c)
{
    return graph_size(c->work.graph, 0) * (c->work.opts.images ? sizeof(float) : 1);
}

/* Windows of a maximum. */
static inline struct kernel_window cuda_window(const struct graph *g, const struct graph_op *op)
{
    const struct graph_value *x = &g->value[op->in[0]], *y = &g->value[op->out];
    return (struct kernel_window){x->h, x->w, y->h, y->w, op->y.k, op->y.stride, op->y.before};
}

/* --- memory.c --- */

/* As device_check(), and notes a lack of memory while all is opened. */
int cuda_check(struct worker *w, cudaError_t s, const char *call, struct err *e) ERR_CHECKED;

/* `bytes` of device memory into the pointer at `where`. */
int cuda_room(struct cuda *c, void *where, size_t bytes, struct err *e) ERR_CHECKED;

/* Bytes of the device that are free; all of them where it does not say. */
size_t cuda_available(const struct cuda *c);

/* Images of a batch: as large as bounds and free memory allow, and a power of two. */
int cuda_first_batch(const struct cuda *c);

int cuda_worker_open(struct worker *w, struct cuda *c, struct err *e) ERR_CHECKED;
void cuda_worker_close(struct worker *w);

/* --- prepare.c: plans of convolutions, and numbers on the device --- */

int cuda_plan(struct cuda *c, struct err *e) ERR_CHECKED;
int cuda_upload(struct cuda *c, struct err *e) ERR_CHECKED;
void cuda_forget(struct cuda *c);

/* --- forward.c, backward.c --- */

/* Copies on the worker's stream. */
int cuda_to_host(struct worker *w, void *to, const void *from, size_t n, struct err *e) ERR_CHECKED;
int cuda_to_device(struct worker *w, void *to, const void *from, size_t n, struct err *e)
    ERR_CHECKED;

/* y = w x + b [+ res] [then ReLU], of values with the shape of `value`. */
int cuda_queue_scale(struct worker *w, enum kernel_type t, const struct step *s, int value,
                     const void *x, const void *res, bool relu, void *y, struct err *e) ERR_CHECKED;

/* Waits for what is queued. */
int cuda_finish(struct worker *w, struct err *e) ERR_CHECKED;

int cuda_forward(void *worker, struct engine_batch *b, struct err *e) ERR_CHECKED;
int cuda_backward(void *worker, struct engine_batch *b, struct err *e) ERR_CHECKED;

/* --- times.c --- */

/* Makes the table of steps, in the order in which cuda_forward() marks their ends. */
void cuda_open_times(struct cuda *c);

/* Marks the end of what was queued so far as a step's. */
int cuda_mark(struct worker *w, int *event, struct err *e) ERR_CHECKED;

/* Adds what a batch of so many images took, once it is finished. */
int cuda_keep_times(struct worker *w, int images, struct err *e) ERR_CHECKED;

#endif
