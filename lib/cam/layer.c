#include "cam/layer.h"

#include "base/mem.h"
#include "cam/closed.h"

#include <stdlib.h>

struct layer {
    const struct graph *graph;
    int value;
    enum cam_score score;
    const struct method *method;
    struct closed *closed; /* or NULL */
    float *weight;         /* [channels] */
};

int layer_open(struct layer **out, const struct graph *g, const char *name, enum cam_score score,
               const struct method *method, struct err *e)
{
    const struct graph_closed end = graph_closed(g);
    int value = name ? graph_layer(g, name, e) : end.value;

    if (value < 0)
        return name ? -1
                    : err_set(e, "expected a network that ends in an average over all cells "
                                 "and one linear layer, found another: give a layer");
    struct layer *l = mem_zero(1, sizeof *l);
    const struct graph_value *v = &g->value[value];
    *l = (struct layer){.graph = g, .value = value, .score = score, .method = method};
    if (value == end.value && method->pooled) {
        const struct closed_head head = {graph_classes(g), v->c, v->h * v->w, end.linear->w,
                                         end.linear->b};
        l->closed = closed_new(score, &head);
    }
    l->weight = mem_alloc((size_t)v->c, sizeof *l->weight);
    *out = l;
    return 0;
}

void layer_close(struct layer *l)
{
    if (!l)
        return;
    closed_free(l->closed);
    free(l->weight);
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

void layer_seed(const struct layer *l, const float *logits, const struct aim *aim, int planes,
                float *seeds)
{
    const int classes = graph_classes(l->graph);
    /* Several threads come here, so the room is the call's own. */
    double *p = NULL;

    if (l->score != CAM_LOGIT) {
        p = mem_alloc(2 * (size_t)classes, sizeof *p);
        cam_softmax(logits, classes, p, p + classes);
    }
    for (int i = 0; i < planes; i++, seeds += classes)
        if (aim[i].cls >= 0)
            cam_seed(l->score, p, p ? p + classes : NULL, classes, aim[i].cls, aim[i].minus, seeds);
    free(p);
}

void layer_maps(struct layer *l, const struct aim *aim, int planes, const float *features,
                const float *grads, const double *p, const double *rest, float *raw, double *bias)
{
    const struct graph_value *v = layer_about(l);
    const int cells = v->h * v->w;

    if (l->closed) {
        closed_maps(l->closed, aim, planes, features, p, rest, raw, bias);
        return;
    }
    for (int i = 0; i < planes; i++) {
        l->method->map(features, grads, v->c, cells, l->weight, raw);
        grads += (size_t)v->c * (size_t)cells;
        raw += cells;
    }
}
