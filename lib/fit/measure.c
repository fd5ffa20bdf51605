#include "fit/measure.h"

#include "base/mem.h"
#include "engine/engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the first look at a network, at least. */
enum { FIRST_LEAST = 8 };

struct run {
    const struct model *model;
    const struct fit_images *images;
    size_t image; /* bytes */
    int64_t next, end, added;
    size_t sums; /* 2 of each channel of all norms in turn */
    double *sum; /* [FIT_PARTS][sums] */
};

static int read_images(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct run *r = ctx;
    int n = 0;
    for (; n < max && r->next < r->end; n++, r->next++)
        if (r->images->at(r->images->ctx, r->next, b->pixels + (size_t)n * r->image, e) != 0)
            return -1;
    return n;
}

static int add_sums(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct run *r = ctx;
    size_t at = 0;
    (void)e;
    for (int k = 0; k < r->model->norms; k++) {
        size_t each = 2 * (size_t)r->model->graph->value[r->model->norm[k].value].c;
        const double *from = b->results[k].sums;
        for (int i = 0; i < b->n; i++) {
            double *to = r->sum + (size_t)((r->added + i) % FIT_PARTS) * r->sums + at;
            for (size_t c = 0; c < each; c++)
                to[c] += *from++;
        }
        at += each;
    }
    r->added += b->n;
    return 0;
}

int64_t fit_count(double budget, double each, int64_t least, int64_t most)
{
    const double n = budget / each;
    return n < (double)least ? least : n < (double)most ? (int64_t)n : most;
}

double fit_divergence(double mean, double var, double from_mean, double from_var)
{
    double d = mean - from_mean;
    return ((var + d * d) / from_var - 1 + log(from_var / var)) / 2;
}

int fit_compare(const struct fit_figures *a, const struct fit_figures *b)
{
    return (a->divergence > b->divergence) - (a->divergence < b->divergence);
}

double fit_deviations(double difference, const double without[FIT_PARTS])
{
    double mean = 0, sum = 0;
    for (int i = 0; i < FIT_PARTS; i++)
        mean += without[i] / FIT_PARTS;
    for (int i = 0; i < FIT_PARTS; i++)
        sum += (without[i] - mean) * (without[i] - mean);
    double deviation = sqrt(sum * (FIT_PARTS - 1) / FIT_PARTS);
    return difference / (deviation > 0 ? deviation : 1e-12);
}

double fit_less(const struct fit_figures *a, const struct fit_figures *b)
{
    double d[FIT_PARTS];
    if (!isfinite(a->divergence) || !isfinite(b->divergence))
        return 0;
    for (int i = 0; i < FIT_PARTS; i++)
        d[i] = a->without[i] - b->without[i];
    return fit_deviations(a->divergence - b->divergence, d);
}

bool fit_is_trained(const struct model *m)
{
    for (int i = 0; i < m->norms; i++)
        for (int k = 0; k < m->graph->value[m->norm[i].value].c; k++)
            if (m->norm[i].mean[k] != 0 || m->norm[i].var[k] != 1)
                return true;
    return false;
}

bool fit_good(const struct fit_figures *f)
{
    return f->divergence <= FIT_GOOD_MAX;
}

bool fit_as_good(const struct fit_figures *f, const struct fit_figures *best)
{
    const double same = 1.05, least = 1e-4;
    return f->divergence <= same * best->divergence + least;
}

bool fit_clearly_better(const struct fit_figures *f, const struct fit_figures *than)
{
    const double clear = 3;
    return clear * f->divergence < than->divergence;
}

/* From the sums of images. */
static void compute(struct fit_figures *f, const struct model *m, const double *s, int64_t images)
{
    double total = 0, shift = 0, ratio = 0;
    int64_t channels = 0;
    *f = (struct fit_figures){.norms = m->norms, .images = images, .worst_divergence = -1};
    for (int i = 0; i < m->norms; i++) {
        const struct model_norm *norm = &m->norm[i];
        const struct graph_value *v = &m->graph->value[norm->value];
        double cells = (double)v->h * v->w * (double)images, sum = 0;
        for (int c = 0; c < v->c; c++, s += 2) {
            double mean = s[0] / cells, var = s[1] / cells - mean * mean;
            /* As the norm records it. */
            var = (var > 0 ? var : 0) * cells / (cells > 1 ? cells - 1 : 1) + norm->eps;
            double recorded = (double)norm->var[c] + norm->eps, d = mean - norm->mean[c];
            sum += fit_divergence(mean, var, norm->mean[c], recorded);
            shift += d * d / recorded;
            ratio += log(var / recorded);
        }
        channels += v->c;
        total += f->last_divergence = sum / v->c;
        if (sum / v->c > f->worst_divergence) {
            f->worst_divergence = sum / v->c;
            snprintf(f->worst, sizeof f->worst, "%s", norm->key);
        }
    }
    f->divergence = isfinite(total) ? total / m->norms : INFINITY;
    f->shift = sqrt(shift / (double)channels);
    f->ratio = exp(ratio / (double)channels);
}

/* Of all images so far, and of all but those of a part. */
static void conclude(struct fit_figures *f, const struct run *r)
{
    const int64_t images = r->added;
    double *all = mem_zero(r->sums, sizeof *all), *some = mem_alloc(r->sums, sizeof *some);
    for (int p = 0; p < FIT_PARTS; p++)
        for (size_t i = 0; i < r->sums; i++)
            all[i] += r->sum[(size_t)p * r->sums + i];
    compute(f, r->model, all, images);
    for (int p = 0; p < FIT_PARTS; p++) {
        struct fit_figures without;
        for (size_t i = 0; i < r->sums; i++)
            some[i] = all[i] - r->sum[(size_t)p * r->sums + i];
        compute(&without, r->model, some, images - (images + FIT_PARTS - 1 - p) / FIT_PARTS);
        f->without[p] = without.divergence;
    }
    free(all);
    free(some);
}

static int open_engine(struct engine **g, const struct graph *graph, const struct engine_opts *of,
                       struct err *e)
{
    struct engine_opts o = *of;
    int r = engine_open(g, graph, &o, e);
    if (r != 0 && e->no_device) {
        o.device = "cpu";
        *e = (struct err){0};
        r = engine_open(g, graph, &o, e);
    }
    return r;
}

int fit_run(const struct graph *graph, const struct engine_opts *of,
            const struct engine_calls *calls, struct err *e)
{
    struct engine *g;
    if (open_engine(&g, graph, of, e) != 0)
        return -1;
    const int r = engine_run(g, calls, e);
    engine_close(g);
    return r;
}

/* The images up to the next end. */
static int go_on(struct fit_figures *f, struct engine *g, struct run *r, int64_t end, struct err *e)
{
    const struct engine_calls calls = {.ctx = r, .read = read_images, .write = add_sums};
    r->end = end;
    if (engine_run(g, &calls, e) != 0)
        return -1;
    conclude(f, r);
    return 0;
}

int fit_measure(struct fit_figures *f, const struct model *m, const struct fit_images *images,
                double most, const struct fit_device *device, struct err *e)
{
    struct engine *g;
    struct run r = {.model = m, .images = images};
    struct engine_want *wants = mem_alloc((size_t)m->norms, sizeof *wants);
    r.image = 3 * (size_t)images->h * (size_t)images->w;
    for (int i = 0; i < m->norms; i++) {
        wants[i] = (struct engine_want){m->norm[i].value, ENGINE_SUMS};
        r.sums += 2 * (size_t)m->graph->value[m->norm[i].value].c;
    }
    const struct engine_opts o = {.device = device->name,
                                  .threads = device->threads,
                                  .kept = device->kept,
                                  .wants = wants,
                                  .want_count = m->norms,
                                  .few = images->count};
    int64_t first = images->count / FIT_PARTS;
    first = first > FIRST_LEAST ? first : FIRST_LEAST;
    if (2 * first >= images->count)
        first /= 2;
    r.sum = mem_zero(FIT_PARTS * r.sums, sizeof *r.sum);
    int result = open_engine(&g, m->graph, &o, e);
    if (result == 0) {
        double begun = INFINITY;
        bool far = false;
        if (isfinite(most) && 2 * first < images->count) {
            result = go_on(f, g, &r, first, e);
            begun = f->divergence;
            far = begun > most;
        }
        if (result == 0 && !far)
            result = go_on(f, g, &r, images->count, e);
        f->begun = begun;
        engine_close(g);
    }
    free(r.sum);
    free(wants);
    return result;
}
