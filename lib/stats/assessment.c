#include "stats/assessment.h"

#include "base/mem.h"
#include "stats/bootstrap.h"
#include "stats/sum.h"

#include <math.h>
#include <stdlib.h>

/* What a resample is measured by: of each kind of confidences, and once. */
enum { ECE, NLL = ECE + BINS_KINDS, KINDS };
enum { NOW, AFTER = KINDS, AREA = 2 * KINDS, MEASURES };

static const struct measured unknown = {NAN, NAN, NAN};

static double mean_of(const double *value, size_t n)
{
    struct sum all = {0};
    for (size_t i = 0; i < n; i++)
        sum_add(&all, value[i]);
    return sum_value(&all) / (double)n;
}

static double resampled_mean(const double *value, size_t n, const uint32_t *times)
{
    double all = 0;
    for (size_t i = 0; i < n; i++)
        all += value[i] * times[i];
    return all / (double)n;
}

/* `conf`: of each image, or NULL for the images' own; `loss`: NULL where not known. */
static void assess(struct confidences *c, const struct prediction *image, size_t n,
                   const double *conf, const double *loss)
{
    struct sum all = {0};
    c->outcome = mem_alloc(n, sizeof *c->outcome);
    for (size_t i = 0; i < n; i++) {
        double p = conf ? conf[i] : image[i].conf;
        c->outcome[i] = (struct outcome){p, (uint32_t)i, image[i].truth == image[i].pred};
        sum_add(&all, p);
    }
    c->mean_conf = sum_value(&all) / (double)n;
    outcomes_sort(c->outcome, n);
    outcomes_bins(c->outcome, n, c->bins);
    for (int k = 0; k < BINS_KINDS; k++) {
        c->error[k] = calibration_error(&c->bins[k].calibration);
        c->ece[k] = (struct measured){c->error[k].ece, NAN, NAN};
    }
    c->nll = (struct measured){loss ? mean_of(loss, n) : NAN, NAN, NAN};
}

/* The measures of a resample, each `stride` apart. */
static void measure(const struct confidences *c, size_t n, const double *loss,
                    const uint32_t *times, double *value, size_t stride)
{
    double ece[BINS_KINDS];
    outcomes_ece(c->outcome, n, times, ece);
    for (int k = 0; k < BINS_KINDS; k++)
        value[(size_t)(ECE + k) * stride] = ece[k];
    value[NLL * stride] = loss ? resampled_mean(loss, n, times) : NAN;
}

static void set_interval(struct measured *m, double *value, size_t resamples)
{
    if (!isnan(m->value))
        bootstrap_interval(value, resamples, m->value, &m->low, &m->high);
}

/* The same of what lies from 0 to `most`. */
static void set_interval_within(struct measured *m, double most, double *value, size_t resamples)
{
    set_interval(m, value, resamples);
    if (isnan(m->low))
        return;
    m->low = fmax(m->low, 0);
    m->high = fmin(m->high, most);
}

static void set_intervals(struct confidences *c, double *value, size_t resamples)
{
    for (int k = 0; k < BINS_KINDS; k++) {
        set_interval_within(&c->ece[k], 1, value + (size_t)(ECE + k) * resamples, resamples);
        if (resamples > 0)
            c->ece[k].low = fmax(c->ece[k].low - c->error[k].chance, 0);
    }
    set_interval_within(&c->nll, INFINITY, value + NLL * resamples, resamples);
}

/* `value` becomes the differences of two measures. */
static void set_change(struct measured *m, const struct measured *now, const struct measured *after,
                       double *value, const double *less, size_t resamples)
{
    for (size_t i = 0; i < resamples; i++)
        value[i] -= less[i];
    *m = (struct measured){after->value - now->value, NAN, NAN};
    set_interval(m, value, resamples);
}

static void resample(struct assessment *a, const double *loss, const double *loss_after,
                     const double *harmonic, size_t resamples, uint64_t seed)
{
    uint32_t *times = mem_alloc(a->n, sizeof *times);
    double *value = mem_alloc(MEASURES * resamples + 1, sizeof *value);
    for (size_t r = 0; r < resamples; r++) {
        bootstrap_draw(&seed, (uint32_t)a->n, times);
        measure(&a->now, a->n, loss, times, value + NOW * resamples + r, resamples);
        if (a->mended)
            measure(&a->after, a->n, loss_after, times, value + AFTER * resamples + r, resamples);
        value[AREA * resamples + r] = outcomes_area(a->now.outcome, a->n, times, harmonic);
    }
    set_interval_within(&a->area, 1, value + AREA * resamples, resamples);
    if (a->mended) {
        /* Before the intervals of `now`, which sort its values. */
        double *after = mem_alloc(KINDS * resamples + 1, sizeof *after);
        for (size_t i = 0; i < KINDS * resamples; i++)
            after[i] = value[AFTER * resamples + i];
        for (int k = 0; k < BINS_KINDS; k++)
            set_change(&a->ece_change[k], &a->now.ece[k], &a->after.ece[k],
                       after + (size_t)(ECE + k) * resamples,
                       value + (size_t)(NOW + ECE + k) * resamples, resamples);
        set_change(&a->nll_change, &a->now.nll, &a->after.nll, after + NLL * resamples,
                   value + (NOW + NLL) * resamples, resamples);
        free(after);
        set_intervals(&a->after, value + AFTER * resamples, resamples);
    }
    set_intervals(&a->now, value + NOW * resamples, resamples);
    free(value);
    free(times);
}

/* The loss of each image as its row tells it, or NULL where one does not. Caller frees. */
static double *losses(const struct prediction *image, size_t n)
{
    double *loss = mem_alloc(n, sizeof *loss);
    for (size_t i = 0; i < n; i++) {
        loss[i] = image[i].loss;
        if (isnan(loss[i])) {
            free(loss);
            return NULL;
        }
    }
    return loss;
}

struct assessment *assessment_new(const struct prediction *image, size_t n,
                                  const struct temperature *t, int64_t resamples, uint64_t seed)
{
    struct assessment *a = mem_zero(1, sizeof *a);
    struct metrics all = {0};
    double *own = t ? NULL : losses(image, n);
    const double *loss = t ? t->loss : own;
    a->n = n;
    for (size_t i = 0; i < n; i++)
        metrics_add(&all, &image[i]);
    metrics_compute(&all, &a->all);
    assess(&a->now, image, n, NULL, loss);
    double *harmonic = outcomes_harmonic(n);
    a->area = (struct measured){outcomes_area(a->now.outcome, n, NULL, harmonic), NAN, NAN};
    a->best_area = outcomes_best_area(a->all.images, a->all.errors);
    a->temperature = a->nll_change = unknown;
    for (int k = 0; k < BINS_KINDS; k++)
        a->ece_change[k] = unknown;
    if (t)
        a->temperature = (struct measured){t->value, t->low, t->high};
    /* Of all images or of none. */
    a->mended = t && !isnan(t->conf_after[0]);
    if (a->mended)
        assess(&a->after, image, n, t->conf_after, t->loss_after);
    resample(a, loss, t ? t->loss_after : NULL, harmonic, (size_t)resamples, seed);
    free(harmonic);
    free(own);
    return a;
}

void assessment_free(struct assessment *a)
{
    if (!a)
        return;
    free(a->now.outcome);
    free(a->after.outcome);
    free(a);
}
