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
    bool *backward; /* [values] whether a backward pass goes through it, or NULL */
    char about[80];
};

/* What a thread owns: all values of each image of a batch, their gradients for one image, and
 * room for sums. */
struct worker {
    const struct ref *ref;
    struct graph_image image[BATCH];
    float **grad;
    double *plane;
};

/* --- forward --- */

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

static void sums_of(const struct graph *g, int value, const float *x, double *sums)
{
    for (int c = 0; c < g->value[value].c; c++, sums += 2) {
        sums[0] = sums[1] = 0;
        for (size_t p = 0; p < graph_cells(g, value); p++, x++) {
            sums[0] += *x;
            sums[1] += (double)*x * *x;
        }
    }
}

static void normalise(const struct graph *g, const uint8_t *pixels, float *x)
{
    size_t cells = graph_cells(g, 0);
    for (int c = 0; c < g->value[0].c; c++)
        for (size_t p = 0; p < cells; p++)
            *x++ = graph_pixel(g, c, *pixels++);
}

/* Result `want` of image i, which a forward pass tells. */
static void put_result(const struct work *w, float *const *value, const struct engine_batch *b,
                       size_t i, int want)
{
    const struct graph *g = w->graph;
    const struct engine_want *of = &w->opts.wants[want];
    size_t each = engine_result_size(g, &w->opts, want);
    float *to = b->results[want].values + i * each;
    if (of->what == ENGINE_ACTIVATION)
        memcpy(to, value[of->value], each * sizeof *to);
    else if (of->what == ENGINE_CLASS_MAPS)
        class_maps(g, value[of->value], to);
    else if (of->what == ENGINE_SUMS)
        sums_of(g, of->value, value[of->value], b->results[want].sums + i * each);
}

static int ref_forward(void *worker, struct engine_batch *b, struct err *e)
{
    (void)e;
    struct worker *w = worker;
    const struct work *work = &w->ref->work;
    const struct graph *g = work->graph;
    size_t classes = (size_t)graph_classes(g), input = graph_size(g, 0);
    for (size_t i = 0; i < (size_t)b->n; i++) {
        float **v = w->image[i].value;
        if (b->images)
            memcpy(v[0], b->images + i * input, input * sizeof(float));
        else
            normalise(g, b->pixels + i * input, v[0]);
        for (int j = 0; j < g->ops; j++)
            graph_forward(g, &g->op[j], &w->image[i]);
        memcpy(b->logits + i * classes, v[graph_logits(g)], classes * sizeof(float));
        for (int k = 0; k < work->opts.want_count; k++)
            put_result(work, v, b, i, k);
    }
    return 0;
}

/* --- backward --- */

/* Gradients are copied before the operation that made the value takes what its activation stops
 * from them. */
static void put_gradient(const struct work *w, const float *grad, int value,
                         const struct engine_batch *b, size_t at)
{
    size_t size = graph_size(w->graph, value);
    for (int k = 0; k < w->opts.want_count; k++)
        if (w->opts.wants[k].what == ENGINE_GRADIENT && w->opts.wants[k].value == value)
            memcpy(b->results[k].values + at * size, grad, size * sizeof *grad);
}

/* Of one score; `at`: which of all images' scores. */
static void back(const struct worker *w, struct graph_image *image, const struct engine_batch *b,
                 size_t at)
{
    const struct work *work = &w->ref->work;
    const struct graph *g = work->graph;
    size_t classes = (size_t)graph_classes(g);
    image->grad = w->grad;
    for (int i = 0; i < g->values; i++)
        memset(w->grad[i], 0, graph_size(g, i) * sizeof(float));
    memcpy(w->grad[graph_logits(g)], b->seeds + at * classes, classes * sizeof(float));
    for (int j = g->ops - 1; j >= 0; j--) {
        int out = g->op[j].out;
        if (!w->ref->backward[out])
            continue;
        put_gradient(work, w->grad[out], out, b, at);
        graph_backward(g, &g->op[j], image, w->ref->backward);
    }
    put_gradient(work, w->grad[0], 0, b, at);
}

static int ref_backward(void *worker, struct engine_batch *b, struct err *e)
{
    (void)e;
    struct worker *w = worker;
    size_t each = (size_t)w->ref->work.opts.vectors;
    for (size_t i = 0; i < (size_t)b->n; i++)
        for (size_t j = i * each; j < (i + 1) * each; j++)
            back(w, &w->image[i], b, j);
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

static int worker_make(void *self, int i, void **worker, struct err *e)
{
    (void)i;
    (void)e;
    const struct ref *r = self;
    const struct graph *g = r->work.graph;
    struct worker *w = mem_zero(1, sizeof *w);
    w->ref = r;
    w->plane = mem_alloc(graph_plane(g), sizeof *w->plane);
    for (int k = 0; k < r->work.batch; k++)
        w->image[k] = (struct graph_image){.value = values_alloc(g), .plane = w->plane};
    if (r->backward)
        w->grad = values_alloc(g);
    *worker = w;
    return 0;
}

static void worker_discard(void *worker)
{
    struct worker *w = worker;
    for (int i = 0; i < w->ref->work.batch; i++)
        values_free(w->ref->work.graph, w->image[i].value);
    values_free(w->ref->work.graph, w->grad);
    free(w->plane);
    free(w);
}

/* --- the table --- */

/* Any graph, and whatever is wanted of it. */
static int ref_supports(const struct graph *g, const struct engine_opts *o, struct err *e)
{
    (void)g;
    if (o->precision == ENGINE_F32)
        return 0;
    err_record(e, "ref: only f32 is computed here");
    e->no_device = true;
    return -1;
}

static int ref_open(void **self, const struct graph *g, const struct engine_opts *o, struct err *e)
{
    (void)e;
    struct ref *r = mem_zero(1, sizeof *r);
    r->work = (struct work){
        .graph = g,
        .opts = *o,
        .batch = BATCH,
        .threads = work_threads(g, o),
        .self = r,
        .make = worker_make,
        .discard = worker_discard,
        .forward = ref_forward,
        .backward = ref_backward,
    };
    while (r->work.batch > 1 && work_returned(g, o) * (size_t)r->work.batch > WORK_BATCH_BYTES)
        r->work.batch /= 2;
    if (o->vectors > 0) {
        r->backward = mem_alloc((size_t)g->values, sizeof *r->backward);
        engine_mark_backward(g, o, r->backward);
    }
    work_open(&r->work);
    snprintf(r->about, sizeof r->about, "ref: plain C, f32, %d thread%s", r->work.threads,
             r->work.threads == 1 ? "" : "s");
    *self = r;
    return 0;
}

static void ref_close(void *self)
{
    struct ref *r = self;
    work_close(&r->work);
    free(r->backward);
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

static int ref_run_here(void *self, const struct engine_batch *b, struct err *e)
{
    return work_forward(&((struct ref *)self)->work, b, e);
}

const struct engine_backend engine_ref = {
    .name = "ref",
    .supports = ref_supports,
    .open = ref_open,
    .close = ref_close,
    .about = ref_about,
    .batch_size = ref_batch_size,
    .run = ref_run,
    .forward = ref_run_here,
};
