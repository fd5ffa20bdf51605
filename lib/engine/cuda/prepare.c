/* Plans of convolutions, and weights on the device. */
#include "engine/cuda/cuda.h"

#include "base/mem.h"
#include "graph/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- plans --- */

/* Linear layers are convolutions of images of one cell. */
static struct dnn_shape shape(const struct cuda *c, const struct graph_op *op)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    return (struct dnn_shape){c->work.batch,
                              c->plan.pad[op->in[0]],
                              x->h,
                              x->w,
                              c->plan.pad[op->out],
                              y->h,
                              y->w,
                              cuda_groups(op),
                              cuda_axis(op, &op->y),
                              cuda_axis(op, &op->x)};
}

/* Whether cuDNN is asked for it: not in f32, where it has no tensor cores to offer, nor for groups
 * of one channel, for which it has fast engines on some devices alone, nor for groups that padding
 * would shift. */
static bool by_dnn(const struct cuda *c, const struct graph_op *op, bool back)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    if (c->type == KERNEL_F32 || (op->kind != GRAPH_CONV && op->kind != GRAPH_LINEAR) ||
        (!back && cuda_is_last(c, op)))
        return false;
    return cuda_groups(op) == 1 ||
           (x->c > op->groups && c->plan.pad[op->in[0]] == x->c && c->plan.pad[op->out] == y->c);
}

/* Whether one plan serves both. */
static bool alike(const struct cuda *c, const struct graph_op *a, const struct graph_op *b)
{
    struct dnn_shape s = shape(c, a), t = shape(c, b);
    return memcmp(&s, &t, sizeof s) == 0 && a->act == b->act && a->ins == b->ins;
}

/* Takes the plan of a step before, where it serves this one too. */
static bool share(const struct cuda *c, struct step *to, const struct graph_op *op,
                  const struct step *from, const struct graph_op *of)
{
    if (!from->dnn || !alike(c, op, of))
        return false;
    to->dnn = from->dnn;
    return to->shared = true;
}

/* A convolution that cuDNN has no engine for is computed all the same, slowly. */
static void say_none(const struct cuda *c, const char *name, bool back)
{
    char text[160];
    if (!c->work.opts.note)
        return;
    snprintf(text, sizeof text, "cuda: cuDNN %s has no engine for %s%s: a plain kernel computes it",
             dnn_version(c->dnn), name, back ? " backwards" : "");
    c->work.opts.note(text);
}

static int plan_forward(struct cuda *c, int at, struct err *e)
{
    const struct plan *p = &c->plan;
    const struct graph_op *op = p->step[at].op;
    struct step *v = &c->step[at];
    if (!by_dnn(c, op, false))
        return 0;
    for (int i = 0; i < at; i++)
        if (share(c, v, op, &c->step[i], p->step[i].op))
            return 0;
    struct dnn_shape s = shape(c, op);
    if (dnn_forward(&v->dnn, c->dnn, &s, c->type, graph_addend(op) >= 0, op->act == GRAPH_RELU,
                    e) != 0)
        return -1;
    if (!v->dnn)
        say_none(c, p->step[at].name, false);
    return 0;
}

static int plan_backward(struct cuda *c, int at, struct err *e)
{
    const struct plan *p = &c->plan;
    const struct graph_op *op = p->back[at].op;
    struct step *v = &c->back[at];
    if (p->back[at].same || !by_dnn(c, op, true))
        return 0;
    for (int i = 0; i < at; i++)
        if (share(c, v, op, &c->back[i], p->back[i].op))
            return 0;
    struct dnn_shape s = shape(c, op);
    /* Gradients are f32 in any precision: f16 would lose the small ones. */
    if (dnn_backward(&v->dnn, c->dnn, &s, e) != 0)
        return -1;
    if (!v->dnn)
        say_none(c, op->key ? op->key : "a convolution", true);
    return 0;
}

static void want_workspace(struct cuda *c, size_t bytes)
{
    c->workspace = bytes > c->workspace ? bytes : c->workspace;
}

int cuda_plan(struct cuda *c, struct err *e)
{
    for (int i = 0; i < c->plan.steps; i++) {
        if (plan_forward(c, i, e) != 0)
            return -1;
        if (c->step[i].dnn)
            want_workspace(c, dnn_workspace(c->step[i].dnn));
    }
    for (int i = 0; i < c->plan.backs; i++) {
        if (plan_backward(c, i, e) != 0)
            return -1;
        want_workspace(c, c->back[i].dnn ? dnn_workspace(c->back[i].dnn)
                                         : cuda_room_back(c, c->plan.back[i].op));
    }
    return 0;
}

/* --- weights --- */

/* Weights of one convolution as cuDNN wants them; `staged` is room for them on the device. */
static int pack(struct cuda *c, const struct graph_op *op, enum kernel_type t, float *staged,
                void **to, struct err *e)
{
    const struct dnn_shape s = shape(c, op);
    int ic = c->work.graph->value[op->in[0]].c / s.groups, oc = c->work.graph->value[op->out].c,
        taps = s.y.k * s.x.k;
    int ipad = s.ic / s.groups, opad = s.oc;
    size_t n = (size_t)oc * (size_t)ic * (size_t)taps, size = t == KERNEL_F32 ? sizeof(float) : 2;
    if (cuda_room(c, to, (size_t)opad * (size_t)ipad * (size_t)taps * size, e) != 0 ||
        device_upload(&c->device, staged, op->w, n * sizeof(float), e) != 0)
        return -1;
    return device_check(&c->device, kernel_pack(t, staged, oc, ic, taps, opad, ipad, *to, NULL),
                        "kernel_pack", e);
}

static int upload(struct cuda *c, void **to, const void *from, size_t bytes, struct err *e)
{
    return cuda_room(c, to, bytes, e) == 0 ? device_upload(&c->device, *to, from, bytes, e) : -1;
}

/* A number for each channel of a result, in type t. */
static int pack_bias(struct cuda *c, const struct graph_op *op, float *staged, void **to,
                     struct err *e)
{
    int oc = c->work.graph->value[op->out].c, opad = c->plan.pad[op->out];
    if (cuda_room(c, to, (size_t)opad * cuda_element(c), e) != 0 ||
        device_upload(&c->device, staged, op->b, (size_t)oc * sizeof(float), e) != 0)
        return -1;
    return device_check(&c->device, kernel_pack(c->type, staged, oc, 1, 1, opad, 1, *to, NULL),
                        "kernel_pack", e);
}

/* What the kernels read of an operation. */
static int upload_numbers(struct cuda *c, struct step *s, const struct graph_op *op, bool back,
                          struct err *e)
{
    size_t bytes = 0;
    void *w = cuda_numbers(c, op, back, &bytes);
    int r = w ? upload(c, &s->w, w, bytes, e) : 0;
    free(w);
    if (r != 0 || back || !op->b)
        return r;
    w = cuda_channels(c, op, op->b);
    r = upload(c, &s->b, w, (size_t)c->plan.pad[op->out] * sizeof(float), e);
    free(w);
    return r;
}

static int pack_steps(struct cuda *c, float *staged, struct err *e)
{
    const struct plan *p = &c->plan;
    for (int i = 0; i < p->steps; i++) {
        const struct graph_op *op = p->step[i].op;
        struct step *s = &c->step[i];
        if (cuda_is_last(c, op))
            continue;
        int r =
            s->dnn ? pack(c, op, c->type, staged, &s->w, e) : upload_numbers(c, s, op, false, e);
        if (r != 0 || (s->dnn && pack_bias(c, op, staged, &s->b, e) != 0))
            return -1;
    }
    for (int i = 0; i < p->backs; i++) {
        const struct graph_op *op = p->back[i].op;
        struct step *s = &c->back[i];
        int r = p->back[i].same ? 0
                : s->dnn        ? pack(c, op, KERNEL_F32, staged, &s->w, e)
                                : upload_numbers(c, s, op, true, e);
        if (r != 0)
            return -1;
    }
    return 0;
}

static int upload_linear(struct cuda *c, struct err *e)
{
    const struct graph_op *op = &c->work.graph->op[c->work.graph->ops - 1];
    if (!cuda_is_last(c, op))
        return 0;
    size_t classes = (size_t)op->channels, channels = graph_size(c->work.graph, op->in[0]);
    size_t n = classes * channels;
    if (upload(c, &c->linear, op->w, n * sizeof(float), e) != 0 ||
        upload(c, &c->bias, op->b, classes * sizeof(float), e) != 0)
        return -1;
    if (c->work.opts.vectors == 0 || c->plan.end.value < 0)
        return 0;
    float *turned = mem_alloc(n, sizeof *turned);
    for (size_t k = 0; k < classes; k++)
        for (size_t j = 0; j < channels; j++)
            turned[j * classes + k] = op->w[k * channels + j];
    int r = upload(c, &c->turned, turned, n * sizeof(float), e);
    free(turned);
    return r;
}

/* Each value that a pixel can have, normalised as `ref` does. */
static int upload_table(struct cuda *c, struct err *e)
{
    const int channels = c->work.graph->value[0].c;
    if (c->work.opts.images)
        return 0;
    float *table = mem_alloc((size_t)channels * 256, sizeof *table);
    for (int k = 0; k < channels; k++)
        for (int v = 0; v < 256; v++)
            table[k * 256 + v] = graph_pixel(c->work.graph, k, (uint8_t)v);
    int r = upload(c, &c->table, table, (size_t)channels * 256 * sizeof *table, e);
    free(table);
    return r;
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
