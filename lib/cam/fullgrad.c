#include "cam/fullgrad.h"

#include "base/mem.h"
#include "cam/cam.h"

#include <math.h>
#include <stdlib.h>

/* A value whose gradient has a share: what an operation with biases made, or the image. */
struct term {
    int value;
    const float *biases; /* of its channels; NULL for the image */
    bool rectified;      /* the biases lie before a ReLU */
    int activation, gradient;
    struct resize *resize;
};

struct fullgrad {
    const struct graph *graph;
    struct term *term; /* [terms] */
    int terms;
    float *plane, *image; /* of a channel: its cells, and resized */
};

static void add_term(struct fullgrad *f, const struct term *t)
{
    const struct graph_value *v = &f->graph->value[t->value], *image = &f->graph->value[0];

    f->term = mem_grow(f->term, (size_t)f->terms + 1, sizeof *f->term);
    f->term[f->terms] = *t;
    f->term[f->terms++].resize = resize_new(v->h, v->w, image->h, image->w);
}

struct fullgrad *fullgrad_new(const struct graph *g)
{
    struct fullgrad *f = mem_zero(1, sizeof *f);
    size_t most = graph_cells(g, 0);

    f->graph = g;
    add_term(f, &(struct term){.value = 0});
    for (int i = 0; i < g->ops; i++) {
        const struct graph_op *op = &g->op[i];
        if (op->kind != GRAPH_CONV && op->kind != GRAPH_NORM)
            continue;
        add_term(f, &(struct term){op->out, op->b, op->act == GRAPH_RELU, 0, 0, NULL});
        most = graph_cells(g, op->out) > most ? graph_cells(g, op->out) : most;
    }
    f->plane = mem_alloc(most, sizeof *f->plane);
    f->image = mem_alloc(graph_cells(g, 0), sizeof *f->image);
    return f;
}

void fullgrad_free(struct fullgrad *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->terms; i++)
        resize_free(f->term[i].resize);
    free(f->term);
    free(f->plane);
    free(f->image);
    free(f);
}

int fullgrad_wants(const struct fullgrad *f)
{
    return 2 * f->terms;
}

void fullgrad_want(struct fullgrad *f, struct engine_want *list, int *count)
{
    for (int i = 0; i < f->terms; i++) {
        struct term *t = &f->term[i];
        t->activation = engine_add_want(list, count, t->value, ENGINE_ACTIVATION);
        t->gradient = engine_add_want(list, count, t->value, ENGINE_GRADIENT);
    }
}

/* Of a channel's largest magnitude: where magnitudes differ by less, they differ by rounding. */
static const float SAME = 1e-6F;

/* The magnitudes of one channel; false where they are all the same. */
static bool channel(const struct term *t, const float *acts, const float *grads, int c,
                    size_t cells, float *plane)
{
    float least = INFINITY, most = 0;
    const float *g = grads + (size_t)c * cells, *a = acts + (size_t)c * cells;

    if (t->biases && t->biases[c] == 0)
        return false;
    for (size_t i = 0; i < cells; i++) {
        float by = t->biases ? t->biases[c] : a[i];
        plane[i] = t->rectified && a[i] <= 0 ? 0 : fabsf(by * g[i]);
        least = plane[i] < least ? plane[i] : least;
        most = plane[i] > most ? plane[i] : most;
    }
    /* What is not finite goes on, and is found. */
    return !(most - least <= SAME * most);
}

void fullgrad_map(struct fullgrad *f, const struct engine_batch *b, int i, int vectors, int k,
                  float epsilon, float *map)
{
    const size_t pixels = graph_cells(f->graph, 0);

    for (size_t p = 0; p < pixels; p++)
        map[p] = 0;
    for (int n = 0; n < f->terms; n++) {
        const struct term *t = &f->term[n];
        const size_t cells = graph_cells(f->graph, t->value), size = graph_size(f->graph, t->value);
        const float *acts = b->results[t->activation].values + (size_t)i * size;
        const float *grads =
            b->results[t->gradient].values + ((size_t)i * (size_t)vectors + (size_t)k) * size;
        for (int c = 0; c < f->graph->value[t->value].c; c++) {
            if (!channel(t, acts, grads, c, cells, f->plane))
                continue;
            cam_normalise(f->plane, (int)cells, epsilon);
            resize_run(t->resize, f->plane, f->image);
            for (size_t p = 0; p < pixels; p++)
                map[p] += f->image[p];
        }
    }
}
