/* The specification: direct convolution in NCHW, f32 values, sums in double. */
#include "engine/work.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 4 };

struct ref {
    struct work work;
    bool *depends; /* [values] on the value whose gradients are asked for */
    char about[80];
};

/* What a thread owns: all values of each image of a batch, their gradients for one
 * image, and a plane of sums. */
struct hand {
    const struct ref *ref;
    float **value[BATCH], **grad;
    double *sum;
};

static size_t plane_size(const struct net_value *v)
{
    return (size_t)v->h * (size_t)v->w;
}

static size_t value_size(const struct net_value *v)
{
    return (size_t)v->c * plane_size(v);
}

/* --- forward --- */

struct range {
    int begin, end;
};

/* The cells of an output's row, or column, of `out` whose window has its k-th cell among the
 * input's `in`, not in the padding. */
static struct range inside(const struct net_op *op, int k, int in, int out)
{
    int first = op->pad - k, behind = first + in; /* cell c reads at c * stride - first */
    struct range r = {first > 0 ? (first + op->stride - 1) / op->stride : 0,
                      behind > 0 ? (behind + op->stride - 1) / op->stride : 0};
    r.end = r.end < out ? r.end : out;
    return r;
}

static void conv(const struct net *n, const struct net_op *op, const float *x, const float *res,
                 float *y, double *sum)
{
    const struct net_value *from = &n->value[op->in], *to = &n->value[op->out];
    size_t in = plane_size(from), out = plane_size(to);
    const float *w = op->w;
    for (int o = 0; o < to->c; o++) {
        for (size_t p = 0; p < out; p++)
            sum[p] = op->b[o] + (res ? (double)res[(size_t)o * out + p] : 0.0);
        for (int i = 0; i < from->c; i++)
            for (int ky = 0; ky < op->k; ky++)
                for (int kx = 0; kx < op->k; kx++, w++) {
                    const struct range oy = inside(op, ky, from->h, to->h);
                    const struct range ox = inside(op, kx, from->w, to->w);
                    for (int r = oy.begin; r < oy.end; r++) {
                        int iy = r * op->stride + ky - op->pad, ix = kx - op->pad;
                        const float *row = x + (size_t)i * in + (size_t)iy * (size_t)from->w;
                        double *to_row = sum + (size_t)r * (size_t)to->w;
                        for (int c = ox.begin; c < ox.end; c++)
                            to_row[c] += (double)*w * row[c * op->stride + ix];
                    }
                }
        for (size_t p = 0; p < out; p++)
            y[(size_t)o * out + p] = (float)(op->relu && sum[p] < 0 ? 0 : sum[p]);
    }
}

static void scale(const struct net *n, const struct net_op *op, const float *x, const float *res,
                  float *y)
{
    const struct net_value *to = &n->value[op->out];
    size_t cells = plane_size(to);
    for (size_t p = 0; p < value_size(to); p++) {
        double sum = (double)op->w[p / cells] * x[p] + op->b[p / cells] + (res ? res[p] : 0);
        y[p] = (float)(op->relu && sum < 0 ? 0 : sum);
    }
}

/* The first cell, in row order, of the largest value in window (oy, ox) of a plane. A NaN
 * is larger than any number. */
static size_t largest(const struct net_value *from, const struct net_op *op, const float *x, int oy,
                      int ox)
{
    bool found = false;
    size_t at = 0;
    for (int ky = 0; ky < op->k; ky++)
        for (int kx = 0; kx < op->k; kx++) {
            int iy = oy * op->stride + ky - op->pad, ix = ox * op->stride + kx - op->pad;
            if (iy < 0 || iy >= from->h || ix < 0 || ix >= from->w)
                continue;
            size_t p = (size_t)iy * (size_t)from->w + (size_t)ix;
            if (!found || x[p] > x[at] || (isnan(x[p]) && !isnan(x[at])))
                at = p;
            found = true;
        }
    return at;
}

static void max(const struct net *n, const struct net_op *op, const float *x, float *y)
{
    const struct net_value *from = &n->value[op->in], *to = &n->value[op->out];
    for (int c = 0; c < to->c; c++, x += plane_size(from))
        for (int oy = 0; oy < to->h; oy++)
            for (int ox = 0; ox < to->w; ox++)
                *y++ = x[largest(from, op, x, oy, ox)];
}

static void pool(const struct net_value *from, const float *x, float *y)
{
    size_t cells = plane_size(from);
    for (int c = 0; c < from->c; c++) {
        double sum = 0;
        for (size_t p = 0; p < cells; p++)
            sum += x[(size_t)c * cells + p];
        y[c] = (float)(sum / (double)cells);
    }
}

static void linear(const struct net *n, const struct net_op *op, const float *x, float *y)
{
    int in = n->value[op->in].c, out = n->value[op->out].c;
    for (int o = 0; o < out; o++) {
        double sum = op->b[o];
        for (int i = 0; i < in; i++)
            sum += (double)op->w[(size_t)o * (size_t)in + (size_t)i] * x[i];
        y[o] = (float)sum;
    }
}

static const struct net_op *head(const struct net *n)
{
    return &n->op[n->ops - 1];
}

static void class_maps(const struct net *n, const float *x, float *maps)
{
    const struct net_value *last = &n->value[net_last(n)];
    size_t cells = plane_size(last);
    for (int k = 0; k < n->classes; k++) {
        const float *w = head(n)->w + (size_t)k * (size_t)last->c;
        for (size_t p = 0; p < cells; p++) {
            double sum = 0;
            for (int c = 0; c < last->c; c++)
                sum += (double)w[c] * x[(size_t)c * cells + p];
            maps[(size_t)k * cells + p] = (float)(sum / (double)cells);
        }
    }
}

static void run_op(struct hand *h, const struct net_op *op, float **v)
{
    const struct net *n = h->ref->work.net;
    const float *x = v[op->in], *res = op->res >= 0 ? v[op->res] : NULL;
    float *y = v[op->out];
    switch (op->kind) {
    case NET_CONV:
        conv(n, op, x, res, y, h->sum);
        break;
    case NET_SCALE:
        scale(n, op, x, res, y);
        break;
    case NET_MAX:
        max(n, op, x, y);
        break;
    case NET_POOL:
        pool(&n->value[op->in], x, y);
        break;
    case NET_LINEAR:
        linear(n, op, x, y);
        break;
    }
}

/* Sum and sum of squares of each channel of the values tapped. */
static void tap(const struct work *w, float **v, double *sums)
{
    for (int i = 0; i < w->opts.tap_count; i++) {
        const struct net_value *from = &w->net->value[w->opts.taps[i]];
        const float *x = v[w->opts.taps[i]];
        for (int c = 0; c < from->c; c++, sums += 2) {
            sums[0] = sums[1] = 0;
            for (size_t p = 0; p < plane_size(from); p++, x++) {
                sums[0] += *x;
                sums[1] += (double)*x * *x;
            }
        }
    }
}

static int ref_forward(void *hand, struct work_batch *b, struct err *e)
{
    (void)e;
    struct hand *h = hand;
    const struct work *w = &h->ref->work;
    const struct net *n = w->net;
    size_t cells = plane_size(&n->value[0]);
    for (int i = 0; i < b->b.n; i++) {
        float **v = h->value[i];
        const uint8_t *pixels = b->b.pixels + (size_t)i * 3 * cells;
        for (int c = 0; c < 3; c++)
            for (size_t p = 0; p < cells; p++)
                v[0][(size_t)c * cells + p] =
                    (float)((pixels[(size_t)c * cells + p] / 255.0 - n->mean[c]) / n->std[c]);
        for (int j = 0; j < n->ops; j++)
            run_op(h, &n->op[j], v);
        memcpy(b->logits + (size_t)i * (size_t)n->classes, v[head(n)->out],
               (size_t)n->classes * sizeof(float));
        if (b->features) {
            size_t size = value_size(&n->value[w->opts.features]);
            memcpy(b->features + (size_t)i * size, v[w->opts.features], size * sizeof(float));
        }
        if (b->class_maps) {
            size_t each = (size_t)n->classes * plane_size(&n->value[net_last(n)]);
            class_maps(n, v[net_last(n)], b->class_maps + (size_t)i * each);
        }
        if (b->sums)
            tap(w, v, b->sums + (size_t)i * work_tapped(n, &w->opts) * 2);
    }
    return 0;
}

/* --- backward --- */

/* dx += the transposed convolution of dy. */
static void conv_back(const struct net *n, const struct net_op *op, const float *dy, float *dx,
                      double *sum)
{
    const struct net_value *from = &n->value[op->in], *to = &n->value[op->out];
    size_t in = plane_size(from), out = plane_size(to), kernel = (size_t)op->k * (size_t)op->k;
    for (int i = 0; i < from->c; i++) {
        for (size_t p = 0; p < in; p++)
            sum[p] = dx[(size_t)i * in + p];
        for (int o = 0; o < to->c; o++) {
            const float *w = op->w + ((size_t)o * (size_t)from->c + (size_t)i) * kernel;
            for (int ky = 0; ky < op->k; ky++)
                for (int kx = 0; kx < op->k; kx++, w++) {
                    const struct range oy = inside(op, ky, from->h, to->h);
                    const struct range ox = inside(op, kx, from->w, to->w);
                    for (int r = oy.begin; r < oy.end; r++) {
                        int iy = r * op->stride + ky - op->pad, ix = kx - op->pad;
                        const float *row = dy + (size_t)o * out + (size_t)r * (size_t)to->w;
                        double *to_row = sum + (size_t)iy * (size_t)from->w;
                        for (int c = ox.begin; c < ox.end; c++)
                            to_row[c * op->stride + ix] += (double)*w * row[c];
                    }
                }
        }
        for (size_t p = 0; p < in; p++)
            dx[(size_t)i * in + p] = (float)sum[p];
    }
}

static void scale_back(const struct net *n, const struct net_op *op, const float *dy, float *dx)
{
    size_t cells = plane_size(&n->value[op->in]);
    for (size_t p = 0; p < value_size(&n->value[op->in]); p++)
        dx[p] += op->w[p / cells] * dy[p];
}

static void max_back(const struct net *n, const struct net_op *op, const float *x, const float *dy,
                     float *dx)
{
    const struct net_value *from = &n->value[op->in], *to = &n->value[op->out];
    for (int c = 0; c < to->c; c++, x += plane_size(from), dx += plane_size(from))
        for (int oy = 0; oy < to->h; oy++)
            for (int ox = 0; ox < to->w; ox++)
                dx[largest(from, op, x, oy, ox)] += *dy++;
}

static void pool_back(const struct net *n, const struct net_op *op, const float *dy, float *dx)
{
    size_t cells = plane_size(&n->value[op->in]);
    for (size_t p = 0; p < value_size(&n->value[op->in]); p++)
        dx[p] += (float)(dy[p / cells] / (double)cells);
}

static void linear_back(const struct net *n, const struct net_op *op, const float *dy, float *dx)
{
    int in = n->value[op->in].c, out = n->value[op->out].c;
    for (int i = 0; i < in; i++) {
        double sum = dx[i];
        for (int o = 0; o < out; o++)
            sum += (double)op->w[(size_t)o * (size_t)in + (size_t)i] * dy[o];
        dx[i] = (float)sum;
    }
}

/* Adds what an operation passes back. */
static void back_op(const struct hand *h, const struct net_op *op, float **v)
{
    const struct ref *r = h->ref;
    const struct net *n = r->work.net;
    float *dy = h->grad[op->out], *dx = h->grad[op->in];
    size_t size = value_size(&n->value[op->out]);
    for (size_t p = 0; op->relu && p < size; p++)
        dy[p] = v[op->out][p] > 0 ? dy[p] : 0;
    for (size_t p = 0; op->res >= 0 && r->depends[op->res] && p < size; p++)
        h->grad[op->res][p] += dy[p];
    if (!r->depends[op->in])
        return;
    switch (op->kind) {
    case NET_CONV:
        conv_back(n, op, dy, dx, h->sum);
        break;
    case NET_SCALE:
        scale_back(n, op, dy, dx);
        break;
    case NET_MAX:
        max_back(n, op, v[op->in], dy, dx);
        break;
    case NET_POOL:
        pool_back(n, op, dy, dx);
        break;
    case NET_LINEAR:
        linear_back(n, op, dy, dx);
        break;
    }
}

static void back(const struct hand *h, float **v, const float *seed)
{
    const struct ref *r = h->ref;
    const struct net *n = r->work.net;
    for (int i = 0; i < n->values; i++)
        memset(h->grad[i], 0, value_size(&n->value[i]) * sizeof(float));
    memcpy(h->grad[head(n)->out], seed, (size_t)n->classes * sizeof(float));
    for (int j = n->ops - 1; j >= 0; j--) {
        const struct net_op *op = &n->op[j];
        if (r->depends[op->out] && op->out != r->work.opts.features)
            back_op(h, op, v);
    }
}

static int ref_backward(void *hand, struct work_batch *b, struct err *e)
{
    (void)e;
    struct hand *h = hand;
    const struct work *w = &h->ref->work;
    size_t classes = (size_t)w->net->classes, each = (size_t)w->opts.gradients;
    size_t size = value_size(&w->net->value[w->opts.features]);
    for (size_t i = 0; i < (size_t)b->b.n; i++)
        for (size_t j = i * each; j < (i + 1) * each; j++) {
            back(h, h->value[i], b->b.seeds + j * classes);
            memcpy(b->grads + j * size, h->grad[w->opts.features], size * sizeof(float));
        }
    return 0;
}

/* --- threads --- */

static float **values_alloc(const struct net *n)
{
    float **v = mem_alloc((size_t)n->values, sizeof *v);
    for (int i = 0; i < n->values; i++)
        v[i] = mem_zero(value_size(&n->value[i]), sizeof(float));
    return v;
}

static void values_free(const struct net *n, float **v)
{
    for (int i = 0; v && i < n->values; i++)
        free(v[i]);
    free(v);
}

static int ref_enter(void *self, void **hand, struct err *e)
{
    (void)e;
    const struct ref *r = self;
    const struct net *n = r->work.net;
    struct hand *h = mem_zero(1, sizeof *h);
    size_t most = 0;
    h->ref = r;
    for (int i = 0; i < r->work.batch; i++)
        h->value[i] = values_alloc(n);
    if (r->work.opts.gradients > 0)
        h->grad = values_alloc(n);
    for (int i = 0; i < n->values; i++)
        if (plane_size(&n->value[i]) > most)
            most = plane_size(&n->value[i]);
    h->sum = mem_alloc(most, sizeof *h->sum);
    *hand = h;
    return 0;
}

static void ref_leave(void *hand)
{
    struct hand *h = hand;
    for (int i = 0; i < h->ref->work.batch; i++)
        values_free(h->ref->work.net, h->value[i]);
    values_free(h->ref->work.net, h->grad);
    free(h->sum);
    free(h);
}

/* --- the table --- */

static int ref_open(void **self, const struct net *net, const struct engine_opts *o, struct err *e)
{
    if (o->precision != ENGINE_F32) {
        err_record(e, "ref: only f32 is computed here");
        e->no_device = true;
        return -1;
    }
    struct ref *r = mem_zero(1, sizeof *r);
    r->work = (struct work){
        .net = net,
        .opts = *o,
        .batch = BATCH,
        .threads = work_threads(net, o),
        .self = r,
        .enter = ref_enter,
        .leave = ref_leave,
        .forward = ref_forward,
        .backward = ref_backward,
    };
    while (r->work.batch > 1 && work_returned(net, o) * (size_t)r->work.batch > WORK_BATCH_BYTES)
        r->work.batch /= 2;
    if (o->gradients > 0) {
        r->depends = mem_alloc((size_t)net->values, sizeof *r->depends);
        work_depends(net, o->features, r->depends);
    }
    snprintf(r->about, sizeof r->about, "ref: plain C, f32, %d thread%s", r->work.threads,
             r->work.threads == 1 ? "" : "s");
    *self = r;
    return 0;
}

static void ref_close(void *self)
{
    struct ref *r = self;
    free(r->depends);
    free(r);
}

static const char *ref_about(const void *self)
{
    return ((const struct ref *)self)->about;
}

static int ref_batch_size(const void *self)
{
    return ((const struct ref *)self)->work.batch;
}

static int ref_run(void *self, const struct engine_calls *c, struct err *e)
{
    return work_run(&((struct ref *)self)->work, c, e);
}

const struct engine_backend engine_ref = {
    "ref", ref_open, ref_close, ref_about, ref_batch_size, ref_run, NULL,
};
