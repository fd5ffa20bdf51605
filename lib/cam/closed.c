#include "cam/closed.h"

#include "base/mem.h"
#include "cam/ablation.h"

#include <math.h>
#include <stdlib.h>

struct closed {
    struct method_how how;
    struct closed_head head;
    float *logits, *seed, *weight; /* weight: a channel's; also their means */
    /* (channels, cells) and [channels], where maps of classes are not enough: */
    float *grads, *room;
    double *along; /* [classes] J A, where the second derivative is needed; else NULL */
    /* Of class maps, made once for as many planes as there are classes: */
    float *weights, *maps; /* (classes, channels) per cell, or NULL; (classes, cells) */
    double *features;      /* (channels, cells) of an item */
    float *ablated;        /* (planes, channels) weights */
    int planes;            /* that there is room for */
};

struct closed *closed_new(const struct method_how *how, const struct closed_head *head)
{
    struct closed *c = mem_zero(1, sizeof *c);

    c->how = *how;
    c->head = *head;
    c->logits = mem_alloc((size_t)head->classes, sizeof *c->logits);
    c->seed = mem_alloc((size_t)head->classes, sizeof *c->seed);
    c->weight = mem_alloc((size_t)head->channels, sizeof *c->weight);
    if (how->method->needs & METHOD_SECOND)
        c->along = mem_alloc((size_t)head->classes, sizeof *c->along);
    if (!method_combines(how)) {
        c->grads = mem_alloc((size_t)head->channels * (size_t)head->cells, sizeof *c->grads);
        c->room = mem_alloc((size_t)head->channels, sizeof *c->room);
    }
    return c;
}

void closed_free(struct closed *c)
{
    if (!c)
        return;
    free(c->logits);
    free(c->seed);
    free(c->weight);
    free(c->grads);
    free(c->room);
    free(c->along);
    free(c->weights);
    free(c->maps);
    free(c->features);
    free(c->ablated);
    free(c);
}

void closed_weights(struct closed *c, const float *w)
{
    c->head.w = w;
    free(c->weights);
    c->weights = NULL;
}

const float *closed_logits(struct closed *c, const float *item)
{
    const struct closed_head *h = &c->head;

    if (!h->b)
        return NULL;
    if (h->w)
        cam_logits_features(item, h->w, h->b, h->classes, h->channels, h->cells, c->weight,
                            c->logits);
    else
        cam_logits_maps(item, h->b, h->classes, h->cells, c->logits);
    return c->logits;
}

/* By the method's own function, with the gradient that each channel has in all cells. */
static void map_features(struct closed *c, const float *item, int64_t id, float *raw)
{
    const struct closed_head *h = &c->head;
    const struct method_item x = {item, c->grads, h->channels, h->cells, c->room, id};

    for (int k = 0; k < h->channels; k++)
        for (int i = 0; i < h->cells; i++)
            c->grads[(size_t)k * (size_t)h->cells + (size_t)i] = c->weight[k];
    method_map(&c->how, &x, raw);
}

/* The unnormalised CAMs of all classes. */
static const float *class_maps(struct closed *c, const float *item)
{
    const struct closed_head *h = &c->head;
    const size_t weights = (size_t)h->classes * (size_t)h->channels;
    const size_t n = (size_t)h->channels * (size_t)h->cells;

    if (!c->weights) {
        c->weights = mem_alloc(weights, sizeof *c->weights);
        for (size_t i = 0; i < weights; i++)
            c->weights[i] = (float)(h->w[i] / (double)h->cells);
    }
    if (!c->maps) {
        c->maps = mem_alloc((size_t)h->classes * (size_t)h->cells, sizeof *c->maps);
        c->features = mem_alloc(n, sizeof *c->features);
    }
    for (size_t i = 0; i < n; i++)
        c->features[i] = item[i];
    cam_combine_all(c->weights, c->features, h->classes, h->channels, h->cells, c->maps);
    return c->maps;
}

static void map_ablated(struct closed *c, const struct aim *aim, int planes, const float *item,
                        const struct seed_scores *z, float *raw, double *bias)
{
    const struct closed_head *h = &c->head;
    const struct method_item x = {item, NULL, h->channels, h->cells, NULL, 0};

    if (planes > c->planes) {
        c->ablated = mem_grow(c->ablated, (size_t)planes * (size_t)h->channels, sizeof *c->ablated);
        c->planes = planes;
    }
    ablation_closed(h, c->how.score, c->how.compat, item, z->logits, aim, planes, c->ablated);
    for (int i = 0; i < planes; i++) {
        method_weighted(&c->how, &x, c->ablated + (size_t)i * (size_t)h->channels,
                        raw + (size_t)i * (size_t)h->cells);
        bias[i] = NAN;
    }
}

/* Between the activations and the logits all is linear: J A is the logits less the biases. */
static void find_along(struct closed *c, const float *item)
{
    const struct closed_head *h = &c->head;

    for (int k = 0; k < h->channels; k++)
        c->weight[k] = (float)(cam_sum(item + (size_t)k * (size_t)h->cells, h->cells) / h->cells);
    for (int i = 0; i < h->classes; i++) {
        const float *row = h->w ? h->w + (size_t)i * (size_t)h->channels : NULL;
        double sum = row ? 0 : cam_sum(item + (size_t)i * (size_t)h->cells, h->cells);
        for (int k = 0; k < h->channels; k++)
            sum += row ? (double)row[k] * c->weight[k] : 0;
        c->along[i] = sum;
    }
}

void closed_maps(struct closed *c, const struct aim *aim, int planes, const float *item, int64_t id,
                 const struct seed_scores *scores, float *raw, double *bias)
{
    const struct closed_head *h = &c->head;
    const bool adds_up = method_adds_up(&c->how);
    const float *maps = h->w ? NULL : item;
    struct seed_scores s = *scores;

    if (c->how.method->passes == METHOD_ABLATES) {
        map_ablated(c, aim, planes, item, scores, raw, bias);
        return;
    }
    s.along = c->along;
    if (c->along)
        find_along(c, item);
    if (h->w && method_combines(&c->how) && planes >= h->classes)
        maps = class_maps(c, item);
    for (int i = 0; i < planes; i++, raw += h->cells) {
        seed_make(&c->how, &s, aim[i], c->seed);
        if (maps) {
            cam_combine(c->seed, maps, h->classes, h->cells, raw);
        } else {
            cam_weights_linear(c->seed, h->w, h->classes, h->channels, h->cells, c->weight);
            if (method_combines(&c->how))
                cam_combine(c->weight, item, h->channels, h->cells, raw);
            else
                map_features(c, item, id, raw);
        }
        bias[i] = adds_up ? 0 : NAN;
        for (int k = 0; h->b && k < h->classes; k++)
            bias[i] += (double)c->seed[k] * h->b[k];
    }
}

void closed_twins(struct closed *c, const struct aim *aim, int planes, const float *item,
                  int64_t id, const struct seed_scores *scores, float *raw)
{
    const enum cam_score score = c->how.score;
    double *bias = mem_alloc((size_t)planes, sizeof *bias);

    c->how.score = score == CAM_LOGIT ? CAM_LOGPROB : CAM_LOGIT;
    closed_maps(c, aim, planes, item, id, scores, raw, bias);
    c->how.score = score;
    free(bias);
}
