/* Plans of convolutions, and weights on the device. */
#include "engine/cuda/cuda.h"

#include "base/mem.h"
#include "graph/rules.h"

#include <stdlib.h>
#include <string.h>

/* --- plans --- */

static struct dnn_shape shape(const struct cuda *c, const struct graph_op *op)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    return (struct dnn_shape){
        c->work.batch, c->plan.pad[op->in[0]], x->h,        x->w, c->plan.pad[op->out], y->h, y->w,
        op->y.k,       op->y.stride,           op->y.before};
}

/* Whether one plan serves both. */
static bool alike(const struct cuda *c, const struct graph_op *a, const struct graph_op *b)
{
    struct dnn_shape s = shape(c, a), t = shape(c, b);
    return memcmp(&s, &t, sizeof s) == 0 && a->act == b->act && a->ins == b->ins;
}

static int plan_forward(struct cuda *c, int at, struct err *e)
{
    const struct plan *p = &c->plan;
    const struct graph_op *op = p->step[at].op;
    struct step *v = &c->step[at];
    if (op->kind != GRAPH_CONV)
        return 0;
    for (int i = 0; i < at; i++)
        if (p->step[i].op->kind == GRAPH_CONV && alike(c, op, p->step[i].op)) {
            v->dnn = c->step[i].dnn;
            v->shared = true;
            return 0;
        }
    struct dnn_shape s = shape(c, op);
    return dnn_forward(&v->dnn, c->dnn, &s, c->type, graph_addend(op) >= 0, op->act == GRAPH_RELU,
                       c->type == KERNEL_F32 ? DNN_NO_CORES : DNN_CORES, e);
}

static int plan_backward(struct cuda *c, int at, struct err *e)
{
    const struct plan *p = &c->plan;
    const struct graph_op *op = p->back[at].op;
    struct step *v = &c->back[at];
    if (op->kind != GRAPH_CONV || p->back[at].same)
        return 0;
    for (int i = 0; i < at; i++)
        if (c->back[i].dnn && alike(c, op, p->back[i].op)) {
            v->dnn = c->back[i].dnn;
            v->shared = true;
            return 0;
        }
    struct dnn_shape s = shape(c, op);
    /* Gradients are f32 in any precision: f16 would lose the small ones. */
    return dnn_backward(&v->dnn, c->dnn, &s, c->type == KERNEL_F32 ? DNN_NO_CORES : DNN_ANY, e);
}

static void want_workspace(struct cuda *c, const struct dnn_conv *v)
{
    if (v && dnn_workspace(v) > c->workspace)
        c->workspace = dnn_workspace(v);
}

int cuda_plan(struct cuda *c, struct err *e)
{
    for (int i = 0; i < c->plan.steps; i++) {
        if (plan_forward(c, i, e) != 0)
            return -1;
        want_workspace(c, c->step[i].dnn);
    }
    for (int i = 0; i < c->plan.backs; i++) {
        if (plan_backward(c, i, e) != 0)
            return -1;
        want_workspace(c, c->back[i].dnn);
    }
    return 0;
}

/* --- weights --- */

/* Weights of one convolution as the device wants them; `staged` is room for them on it. */
static int pack(struct cuda *c, const struct graph_op *op, enum kernel_type t, float *staged,
                void **to, struct err *e)
{
    int ic = c->work.graph->value[op->in[0]].c, oc = c->work.graph->value[op->out].c,
        taps = op->y.k * op->y.k;
    int ipad = c->plan.pad[op->in[0]], opad = c->plan.pad[op->out];
    size_t n = (size_t)oc * (size_t)ic * (size_t)taps, size = t == KERNEL_F32 ? sizeof(float) : 2;
    if (cuda_room(c, to, (size_t)opad * (size_t)ipad * (size_t)taps * size, e) != 0 ||
        device_upload(&c->device, staged, op->w, n * sizeof(float), e) != 0)
        return -1;
    return device_check(&c->device, kernel_pack(t, staged, oc, ic, taps, opad, ipad, *to, NULL),
                        "kernel_pack", e);
}

/* A number for each channel of a result. */
static int pack_channels(struct cuda *c, const struct graph_op *op, const float *from,
                         enum kernel_type t, float *staged, void **to, struct err *e)
{
    int oc = c->work.graph->value[op->out].c, opad = c->plan.pad[op->out];
    size_t size = t == KERNEL_F32 ? sizeof(float) : 2;
    if (cuda_room(c, to, (size_t)opad * size, e) != 0 ||
        device_upload(&c->device, staged, from, (size_t)oc * sizeof(float), e) != 0)
        return -1;
    return device_check(&c->device, kernel_pack(t, staged, oc, 1, 1, opad, 1, *to, NULL),
                        "kernel_pack", e);
}

static int pack_step(struct cuda *c, struct step *s, const struct graph_op *op, float *staged,
                     struct err *e)
{
    bool conv = op->kind == GRAPH_CONV;
    if (op->kind == GRAPH_MAX_POOL)
        return 0;
    int r = conv ? pack(c, op, c->type, staged, &s->w, e)
                 : pack_channels(c, op, op->w, KERNEL_F32, staged, &s->w, e);
    if (r != 0)
        return -1;
    return pack_channels(c, op, op->b, conv ? c->type : KERNEL_F32, staged, &s->b, e);
}

static int pack_back(struct cuda *c, struct step *s, const struct graph_op *op, float *staged,
                     struct err *e)
{
    if (op->kind == GRAPH_CONV)
        return pack(c, op, KERNEL_F32, staged, &s->w, e);
    return op->kind == GRAPH_NORM ? pack_channels(c, op, op->w, KERNEL_F32, staged, &s->w, e) : 0;
}

static int pack_steps(struct cuda *c, float *staged, struct err *e)
{
    const struct plan *p = &c->plan;
    for (int i = 0; i < p->steps; i++)
        if (pack_step(c, &c->step[i], p->step[i].op, staged, e) != 0)
            return -1;
    for (int i = 0; i < p->backs; i++)
        if (!p->back[i].same && pack_back(c, &c->back[i], p->back[i].op, staged, e) != 0)
            return -1;
    return 0;
}

static int upload(struct cuda *c, float **to, const float *from, size_t n, struct err *e)
{
    if (cuda_room(c, to, n * sizeof(float), e) != 0)
        return -1;
    return device_upload(&c->device, *to, from, n * sizeof(float), e);
}

static int upload_linear(struct cuda *c, struct err *e)
{
    const struct graph_op *op = c->plan.end.linear;
    size_t classes = (size_t)graph_classes(c->work.graph), channels = (size_t)cuda_last(c)->c;
    if (upload(c, &c->linear, op->w, classes * channels, e) != 0 ||
        upload(c, &c->bias, op->b, classes, e) != 0)
        return -1;
    if (c->work.opts.vectors == 0)
        return 0;
    float *turned = mem_alloc(classes * channels, sizeof *turned);
    for (size_t k = 0; k < classes; k++)
        for (size_t j = 0; j < channels; j++)
            turned[j * classes + k] = op->w[k * channels + j];
    int r = upload(c, &c->turned, turned, classes * channels, e);
    free(turned);
    return r;
}

/* Each value that a pixel can have, normalised as `ref` does. */
static int upload_table(struct cuda *c, struct err *e)
{
    float table[3 * 256];
    for (int k = 0; k < 3; k++)
        for (int v = 0; v < 256; v++)
            table[k * 256 + v] = graph_pixel(c->work.graph, k, (uint8_t)v);
    return upload(c, &c->table, table, 3 * 256, e);
}

int cuda_upload(struct cuda *c, struct err *e)
{
    const struct graph *n = c->work.graph;
    size_t most = 0;
    for (int i = 0; i < c->plan.steps; i++) {
        const struct graph_op *op = c->plan.step[i].op;
        size_t size = (size_t)graph_op_weights(n, op);
        most = size > most ? size : most;
    }
    float *staged;
    if (cuda_room(c, &staged, most * sizeof(float), e) != 0)
        return -1;
    int r = pack_steps(c, staged, e);
    if (r == 0)
        r = upload_table(c, e);
    if (r == 0)
        r = upload_linear(c, e);
    /* The workers' streams do not wait for the one that packed. */
    if (r == 0)
        r = device_check(&c->device, cudaDeviceSynchronize(), "cudaDeviceSynchronize", e);
    cudaFree(staged);
    return r;
}

/* --- all of it --- */

static void forget_steps(struct step *step, int count)
{
    for (int i = 0; i < count; i++) {
        if (!step[i].shared)
            dnn_conv_free(step[i].dnn);
        cudaFree(step[i].w);
        cudaFree(step[i].b);
        step[i] = (struct step){0};
    }
}

void cuda_forget(struct cuda *c)
{
    forget_steps(c->step, c->plan.steps);
    forget_steps(c->back, c->plan.backs);
    cudaFree(c->table);
    cudaFree(c->linear);
    cudaFree(c->bias);
    cudaFree(c->turned);
    c->table = c->linear = c->bias = c->turned = NULL;
    c->workspace = 0;
}
