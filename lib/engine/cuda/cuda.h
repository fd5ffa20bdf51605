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
    struct dnn_conv *dnn; /* where cuDNN computes it, else NULL */
    bool shared;          /* with a step before */
    void *w, *b;          /* as cuDNN wants them, or cuda_numbers() and biases in f32; or NULL */
};

struct worker {
    struct cuda *cuda;
    cudaStream_t stream;
    void **act;   /* [acts.count] */
    float **grad; /* [grads.count] */
    void *workspace;
    void *input;    /* (batch, 3, cells) bytes, or floats of value 0 */
    float *pooled;  /* (batch, c) of the last stage, or its gradient, under the closed form */
    float *logits;  /* (batch, classes) */
    float *seeds;   /* as in struct engine_batch */
    float **result; /* [want_count] of a batch, NULL for what lies elsewhere */
    struct dnn_call **step, **back;
    cudaEvent_t *event; /* [events], where steps are timed */
};

struct cuda {
    struct work work;
    struct device device;
    struct dnn *dnn; /* NULL in f32 */
    struct plan plan;
    enum kernel_type type;
    struct step *step; /* [plan.steps] */
    struct step *back; /* [plan.backs] */
    void *table;       /* (channels, 256) normalised pixels, f32 as what follows */
    void *linear;      /* (classes, c) of a linear layer that makes the logits */
    void *bias;        /* (classes) */
    void *turned;      /* linear as (c, classes), for gradients under the closed form */
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

/* Whether an operation is a linear layer that makes the logits: in f32 in any precision. */
static inline bool cuda_is_last(const struct cuda *c, const struct graph_op *op)
{
    return op->kind == GRAPH_LINEAR && op->act == GRAPH_NONE &&
           op->out == graph_logits(c->work.graph);
}

/* Whether a value lies in a buffer of the plan, not in `pooled` or `logits`. */
static inline bool cuda_is_stored(const struct cuda *c, int value)
{
    return value != graph_logits(c->work.graph) &&
           (c->plan.end.value < 0 || value != c->plan.end.average->out);
}

/* The last stage, under the closed form. */
static inline const struct graph_value *cuda_last(const struct cuda *c)
{
    return &c->work.graph->value[c->plan.end.value];
}

/* Bytes of the input of an image. */
static inline size_t cuda_input_bytes(const struct cuda *c)
{
    return graph_size(c->work.graph, 0) * (c->work.opts.images ? sizeof(float) : 1);
}

/* Groups and windows of convolutions, which linear layers are too: of images of one cell. */
static inline int cuda_groups(const struct graph_op *op)
{
    return op->kind == GRAPH_CONV ? op->groups : 1;
}

static inline struct graph_axis cuda_axis(const struct graph_op *op, const struct graph_axis *a)
{
    return op->kind == GRAPH_LINEAR ? graph_windows(1, 1, 0) : *a;
}

/* --- ops.c: what kernels.cu computes of an operation --- */

/* An operation of a batch, on the device. */
struct cuda_call {
    const struct cuda *cuda;
    const struct graph_op *op;
    const struct step *step;
    const void *in[GRAPH_INPUTS]; /* values, or NULL */
    void *out;
    /* Backwards: the gradient of in[input] from that of the value. It may lie where that does for
     * norms, functions and products of equal shapes; with `add` it is added to. */
    const float *dy;
    float *dx;
    int input;
    bool add;
    float *room; /* cuda_room_back() bytes */
    cudaStream_t stream;
};

/* Whether there are kernels for a kind. */
bool cuda_has(enum graph_kind k);

/* Bytes of room that a step backwards needs for a batch. */
size_t cuda_room_back(const struct cuda *c, const struct graph_op *op);

/* What the kernels for an operation read of its weights or lists, forwards or backwards; NULL where
 * it has none. Caller frees. */
void *cuda_numbers(const struct cuda *c, const struct graph_op *op, bool back, size_t *bytes);

/* A number for each channel of the result, with zeros where it is padded. Caller frees. */
float *cuda_channels(const struct cuda *c, const struct graph_op *op, const float *from);

/* Queues it; *name is the kernel's, for messages. */
cudaError_t cuda_op_forward(const struct cuda_call *c, const char **name);
cudaError_t cuda_op_backward(const struct cuda_call *c, const char **name);

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

/* What cuDNN computes from now on is queued on the worker's stream. */
int cuda_use(struct worker *w, struct err *e) ERR_CHECKED;

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
