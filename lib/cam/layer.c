#include "cam/layer.h"

#include "base/mem.h"
#include "cam/closed.h"

#include <math.h>
#include <stdlib.h>

struct layer {
    const struct graph *graph;
    int value;
    enum cam_score score;
    const struct method *method;
    bool probabilities;
    struct closed *closed;     /* or NULL */
    int activation, gradients; /* results of an engine; gradients: -1 for none */
    int vectors;               /* of an image in a pass */
    float *weight;             /* [channels] */
    double *p, *rest;          /* [classes] */
};

int layer_open(struct layer **out, const struct graph *g, const struct layer_opts *o, struct err *e)
{
    const struct graph_closed end = graph_closed(g);
    const size_t classes = (size_t)graph_classes(g);
    int value = o->name ? graph_layer(g, o->name, e) : end.value;

    if (value < 0)
        return o->name ? -1
                       : err_set(e, "expected a network that ends in an average over all cells "
                                    "and one linear layer, found another: give a layer");
    struct layer *l = mem_zero(1, sizeof *l);
    const struct graph_value *v = &g->value[value];
    *l = (struct layer){.graph = g,
                        .value = value,
                        .score = o->score,
                        .method = o->method,
                        .probabilities = o->probabilities || o->score != CAM_LOGIT,
                        .gradients = -1};
    if (value == end.value) {
        const struct closed_head head = {graph_classes(g), v->c, v->h * v->w, end.linear->w,
                                         end.linear->b};
        l->closed = closed_new(o->score, o->method, &head);
    }
    l->weight = mem_alloc((size_t)v->c, sizeof *l->weight);
    l->p = mem_alloc(classes, sizeof *l->p);
    l->rest = mem_alloc(classes, sizeof *l->rest);
    *out = l;
    return 0;
}

void layer_close(struct layer *l)
{
    if (!l)
        return;
    closed_free(l->closed);
    free(l->weight);
    free(l->p);
    free(l->rest);
    free(l);
}

bool layer_closed(const struct layer *l)
{
    return l->closed != NULL;
}

bool layer_gradients(const struct layer *l)
{
    return !l->closed && (l->method->needs & METHOD_GRADIENTS);
}

int layer_value(const struct layer *l)
{
    return l->value;
}

const struct graph_value *layer_about(const struct layer *l)
{
    return &l->graph->value[l->value];
}

int layer_want(struct layer *l, int planes, struct engine_want *list, int *count)
{
    l->activation = engine_add_want(list, count, l->value, ENGINE_ACTIVATION);
    if (!layer_gradients(l))
        return 0;
    l->gradients = engine_add_want(list, count, l->value, ENGINE_GRADIENT);
    return l->vectors = planes;
}

static const float *logits_of(const struct layer *l, const struct engine_batch *b, int i)
{
    return b->logits + (size_t)i * (size_t)graph_classes(l->graph);
}

void layer_seed(const struct layer *l, struct engine_batch *b, int i, const struct aim *aim,
                int planes)
{
    const int classes = graph_classes(l->graph);
    float *seeds = b->seeds + (size_t)i * (size_t)l->vectors * (size_t)classes;
    /* Several threads come here, so the room is the call's own. */
    double *p = NULL;

    if (l->score != CAM_LOGIT) {
        p = mem_alloc(2 * (size_t)classes, sizeof *p);
        cam_softmax(logits_of(l, b, i), classes, p, p + classes);
    }
    for (int k = 0; k < planes; k++, seeds += classes)
        if (aim[k].cls >= 0)
            cam_seed(l->score, p, p ? p + classes : NULL, classes, aim[k].cls, aim[k].minus, seeds);
    free(p);
}

const double *layer_maps(struct layer *l, const struct engine_batch *b, int i,
                         const struct aim *aim, int planes, float *raw, double *bias)
{
    const struct graph_value *v = layer_about(l);
    const int cells = v->h * v->w;
    const size_t item = (size_t)v->c * (size_t)cells;
    const float *features = b->results[l->activation].values + (size_t)i * item, *grads = NULL;

    if (l->gradients >= 0)
        grads = b->results[l->gradients].values + (size_t)i * (size_t)l->vectors * item;
    if (l->probabilities)
        cam_softmax(logits_of(l, b, i), graph_classes(l->graph), l->p, l->rest);
    for (int k = 0; k < planes; k++, raw += cells) {
        if (aim[k].cls < 0)
            for (int j = 0; j < cells; j++)
                raw[j] = NAN;
        else if (l->closed)
            closed_maps(l->closed, &aim[k], 1, features, l->p, l->rest, raw, &bias[k]);
        else
            l->method->map(features, grads ? grads + (size_t)k * item : NULL, v->c, cells,
                           l->weight, raw);
    }
    return l->probabilities ? l->rest : NULL;
}
