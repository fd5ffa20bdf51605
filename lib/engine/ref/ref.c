/* The specification: runs the rules of the graph one after another. */
#include "engine/work.h"
#include "graph/rules.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 4 };

struct ref {
    struct work work;
    bool *depends; /* [values] on the value whose gradients are asked for */
    char about[80];
};

/* What a thread owns: all values of each image of a batch, their gradients for one image, and
 * room for sums. */
struct hand {
    const struct ref *ref;
    struct graph_image image[BATCH];
    float **grad;
    double *plane;
};

/* --- computing --- */

static void class_maps(const struct graph *g, const float *x, float *maps)
{
    const struct graph_closed end = graph_closed(g);
    size_t cells = graph_cells(g, end.value), channels = (size_t)g->value[end.value].c;
    for (size_t k = 0; k < (size_t)graph_classes(g); k++) {
        const float *w = end.linear->w + k * channels;
        for (size_t p = 0; p < cells; p++) {
            double sum = 0;
            for (size_t c = 0; c < channels; c++)
                sum += (double)w[c] * x[c * cells + p];
            maps[k * cells + p] = (float)(sum / (double)cells);
        }
    }
}

/* Sum and sum of squares of each channel of the values tapped. */
static void tap(const struct work *w, float **v, double *sums)
{
    for (int i = 0; i < w->opts.tap_count; i++) {
        int value = w->opts.taps[i];
        const float *x = v[value];
        for (int c = 0; c < w->graph->value[value].c; c++, sums += 2) {
            sums[0] = sums[1] = 0;
            for (size_t p = 0; p < graph_cells(w->graph, value); p++, x++) {
                sums[0] += *x;
                sums[1] += (double)*x * *x;
            }
        }
    }
}

static void normalise(const struct graph *g, const uint8_t *pixels, float *x)
{
    size_t cells = graph_cells(g, 0);
    for (int c = 0; c < 3; c++)
        for (size_t p = 0; p < cells; p++)
            *x++ = (float)((*pixels++ / 255.0 - g->mean[c]) / g->std[c]);
}

static int ref_forward(void *hand, struct work_batch *b, struct err *e)
{
    (void)e;
    struct hand *h = hand;
    const struct work *w = &h->ref->work;
    const struct graph *g = w->graph;
    size_t classes = (size_t)graph_classes(g);
    for (size_t i = 0; i < (size_t)b->b.n; i++) {
        float **v = h->image[i].value;
        normalise(g, b->b.pixels + i * graph_size(g, 0), v[0]);
        for (int j = 0; j < g->ops; j++)
            graph_forward(g, &g->op[j], &h->image[i]);
        memcpy(b->logits + i * classes, v[graph_logits(g)], classes * sizeof(float));
        if (b->features) {
            size_t size = graph_size(g, w->opts.features);
            memcpy(b->features + i * size, v[w->opts.features], size * sizeof(float));
        }
        if (b->class_maps) {
            int last = graph_closed(g).value;
            class_maps(g, v[last], b->class_maps + i * classes * graph_cells(g, last));
        }
        if (b->sums)
            tap(w, v, b->sums + i * work_tapped(g, &w->opts) * 2);
    }
    return 0;
}

static void back(const struct hand *h, struct graph_image *image, const float *seed)
{
    const struct graph *g = h->ref->work.graph;
    const bool *depends = h->ref->depends;
    image->grad = h->grad;
    for (int i = 0; i < g->values; i++)
        memset(h->grad[i], 0, graph_size(g, i) * sizeof(float));
    memcpy(h->grad[graph_logits(g)], seed, (size_t)graph_classes(g) * sizeof(float));
    for (int j = g->ops - 1; j >= 0; j--) {
        const struct graph_op *op = &g->op[j];
        if (depends[op->out] && op->out != h->ref->work.opts.features)
            graph_backward(g, op, image, depends);
    }
}

static int ref_backward(void *hand, struct work_batch *b, struct err *e)
{
    (void)e;
    struct hand *h = hand;
    const struct work *w = &h->ref->work;
    size_t classes = (size_t)graph_classes(w->graph), each = (size_t)w->opts.gradients;
    size_t size = graph_size(w->graph, w->opts.features);
    for (size_t i = 0; i < (size_t)b->b.n; i++)
        for (size_t j = i * each; j < (i + 1) * each; j++) {
            back(h, &h->image[i], b->b.seeds + j * classes);
            memcpy(b->grads + j * size, h->grad[w->opts.features], size * sizeof(float));
        }
    return 0;
}

/* --- threads --- */

static float **values_alloc(const struct graph *g)
{
    float **v = mem_alloc((size_t)g->values, sizeof *v);
    for (int i = 0; i < g->values; i++)
        v[i] = mem_zero(graph_size(g, i), sizeof(float));
    return v;
}

static void values_free(const struct graph *g, float **v)
{
    for (int i = 0; v && i < g->values; i++)
        free(v[i]);
    free(v);
}

static int ref_enter(void *self, void **hand, struct err *e)
{
    (void)e;
    const struct ref *r = self;
    const struct graph *g = r->work.graph;
    struct hand *h = mem_zero(1, sizeof *h);
    h->ref = r;
    h->plane = mem_alloc(graph_plane(g), sizeof *h->plane);
    for (int i = 0; i < r->work.batch; i++)
        h->image[i] = (struct graph_image){.value = values_alloc(g), .plane = h->plane};
    if (r->work.opts.gradients > 0)
        h->grad = values_alloc(g);
    *hand = h;
    return 0;
}

static void ref_leave(void *hand)
{
    struct hand *h = hand;
    for (int i = 0; i < h->ref->work.batch; i++)
        values_free(h->ref->work.graph, h->image[i].value);
    values_free(h->ref->work.graph, h->grad);
    free(h->plane);
    free(h);
}

/* --- the table --- */

static int ref_open(void **self, const struct graph *graph, const struct engine_opts *o,
                    struct err *e)
{
    if (o->precision != ENGINE_F32) {
        err_record(e, "ref: only f32 is computed here");
        e->no_device = true;
        return -1;
    }
    struct ref *r = mem_zero(1, sizeof *r);
    r->work = (struct work){
        .graph = graph,
        .opts = *o,
        .batch = BATCH,
        .threads = work_threads(graph, o),
        .self = r,
        .enter = ref_enter,
        .leave = ref_leave,
        .forward = ref_forward,
        .backward = ref_backward,
    };
    while (r->work.batch > 1 && work_returned(graph, o) * (size_t)r->work.batch > WORK_BATCH_BYTES)
        r->work.batch /= 2;
    if (o->gradients > 0) {
        r->depends = mem_alloc((size_t)graph->values, sizeof *r->depends);
        work_depends(graph, o->features, r->depends);
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
