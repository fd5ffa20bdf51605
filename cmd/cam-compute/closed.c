#include "closed.h"

#include "base/mem.h"
#include "base/prog.h"

#include <stdlib.h>

struct closed {
    const struct job *job;
    struct closed_head head;
    float *raw, *logits, *seed, *weight; /* weight: a channel's; also their means */
    double *p, *rest, *bias;
};

struct closed *closed_new(const struct job *j, const struct closed_head *head)
{
    struct closed *c = mem_zero(1, sizeof *c);
    size_t classes = (size_t)head->classes, planes = (size_t)rows_planes(j->rows);

    c->job = j;
    c->head = *head;
    c->raw = mem_alloc(planes * (size_t)head->cells, sizeof *c->raw);
    c->logits = mem_alloc(classes, sizeof *c->logits);
    c->seed = mem_alloc(classes, sizeof *c->seed);
    c->weight = mem_alloc((size_t)head->channels, sizeof *c->weight);
    c->p = mem_alloc(classes, sizeof *c->p);
    c->rest = mem_alloc(classes, sizeof *c->rest);
    c->bias = mem_alloc(planes, sizeof *c->bias);
    return c;
}

void closed_free(struct closed *c)
{
    if (!c)
        return;
    free(c->raw);
    free(c->logits);
    free(c->seed);
    free(c->weight);
    free(c->p);
    free(c->rest);
    free(c->bias);
    free(c);
}

static const float *logits_of(struct closed *c, const float *item)
{
    const struct closed_head *h = &c->head;

    if (h->w)
        cam_logits_features(item, h->w, h->b, h->classes, h->channels, h->cells, c->weight,
                            c->logits);
    else
        cam_logits_maps(item, h->b, h->classes, h->cells, c->logits);
    return c->logits;
}

void closed_maps(struct closed *c, const struct row *row, const float *item, const float *logits,
                 struct maps *m)
{
    const struct closed_head *h = &c->head;
    const struct rows *rows = c->job->rows;
    bool known = false;

    if (job_probabilities(c->job) && (logits || h->b)) {
        cam_softmax(logits ? logits : logits_of(c, item), h->classes, c->p, c->rest);
        known = true;
    }
    for (int i = 0; i < rows_planes(rows); i++) {
        struct aim aim = rows_aim(rows, row, i);
        float *map = c->raw + (size_t)i * (size_t)h->cells;
        cam_seed(c->job->score, c->p, c->rest, h->classes, aim.cls, aim.minus, c->seed);
        if (h->w) {
            cam_weights_linear(c->seed, h->w, h->classes, h->channels, h->cells, c->weight);
            cam_combine(c->weight, item, h->channels, h->cells, map);
        } else {
            cam_combine(c->seed, item, h->classes, h->cells, map);
        }
        double bias = 0;
        for (int k = 0; h->b && k < h->classes; k++)
            bias += (double)c->seed[k] * h->b[k];
        c->bias[i] = bias;
    }
    m->raw = c->raw;
    m->rest = known ? c->rest : NULL;
    m->bias = h->b ? c->bias : NULL;
}

void closed_say(const struct job *j)
{
    if (!prog_verbose())
        return;
    prog_say("last stage: maps in closed form, without gradients");
    if (j->method != CAM_GRADCAM)
        prog_say("gradcam, hirescam and xgradcam coincide at the last stage");
}
