#include "faith/summary.h"

#include "base/mem.h"
#include "stats/bootstrap.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t width(const struct summary_table *t)
{
    return (size_t)t->maps * (size_t)t->metrics;
}

void summary_add(struct summary_table *t, const double *value)
{
    t->value = mem_extend(t->value, t->n * width(t), (t->n + 1) * width(t), sizeof *t->value);
    memcpy(t->value + t->n * width(t), value, width(t) * sizeof *value);
    t->n++;
}

void summary_free(struct summary_table *t)
{
    free(t->value);
    *t = (struct summary_table){0};
}

/* Means of columns: of the values, and behind them of their differences from the baseline's. */
struct means {
    const struct summary_table *t;
    int baseline; /* -1: none */
    double *sum;  /* [2 * width] */
    int64_t *n;   /* [2 * width] values in the sum */
};

static void add(struct means *m, size_t at, double value, uint32_t times)
{
    if (isnan(value))
        return;
    m->sum[at] += times * value;
    m->n[at] += times;
}

/* In which image i counts times[i], or 1. */
static void sum_all(struct means *m, const uint32_t *times)
{
    const size_t w = width(m->t), metrics = (size_t)m->t->metrics;
    memset(m->sum, 0, 2 * w * sizeof *m->sum);
    memset(m->n, 0, 2 * w * sizeof *m->n);
    for (size_t i = 0; i < m->t->n; i++) {
        const double *v = m->t->value + i * w;
        const uint32_t count = times ? times[i] : 1;
        for (size_t at = 0; at < w && count > 0; at++) {
            add(m, at, v[at], count);
            if (m->baseline >= 0)
                add(m, w + at, v[at] - v[(size_t)m->baseline * metrics + at % metrics], count);
        }
    }
}

static double mean_at(const struct means *m, size_t at)
{
    return m->n[at] > 0 ? m->sum[at] / (double)m->n[at] : NAN;
}

/* The means of one column in the resamples, to its interval. */
static void set_interval(double *value, size_t n, double *low, double *high)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(value[i]))
            value[known++] = value[i];
    bootstrap_mean_interval(value, known, low, high);
}

void summary_make(const struct summary_table *t, int baseline, int64_t resamples, uint64_t seed,
                  struct summary_row *row)
{
    const size_t w = width(t), draws = t->n > 0 ? (size_t)resamples : 0;
    struct means m = {t, baseline, mem_alloc(2 * w + 1, sizeof *m.sum),
                      mem_alloc(2 * w + 1, sizeof *m.n)};
    uint32_t *times = mem_alloc(t->n + 1, sizeof *times);
    double *value = mem_alloc(2 * w * draws + 1, sizeof *value);
    for (size_t r = 0; r < draws; r++) {
        bootstrap_draw(&seed, (uint32_t)t->n, times);
        sum_all(&m, times);
        for (size_t at = 0; at < 2 * w; at++)
            value[at * draws + r] = mean_at(&m, at);
    }
    sum_all(&m, NULL);
    for (size_t at = 0; at < w; at++) {
        const bool same = baseline < 0 || at / (size_t)t->metrics == (size_t)baseline;
        struct summary_row *s = &row[at];
        s->images = m.n[at];
        s->mean = mean_at(&m, at);
        set_interval(value + at * draws, draws, &s->low, &s->high);
        s->difference = same ? NAN : mean_at(&m, w + at);
        set_interval(value + (w + at) * draws, same ? 0 : draws, &s->difference_low,
                     &s->difference_high);
    }
    free(m.sum);
    free(m.n);
    free(times);
    free(value);
}
