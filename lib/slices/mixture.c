#include "slices/mixture.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 2, STEPS = 40, DIMS = MIXTURE_DIMS, LANES = 4 };

/* Rows as the whole set has them, added to each group; and of each word. */
static const double EXTRA_ROWS = 5, EXTRA_WORDS = 0.1;
/* A row that belongs less to a group adds nothing to it. */
static const double LEAST_SHARE = 1e-9;
/* Of the mean logarithm of the likelihood: a smaller gain ends the steps. */
static const double ENOUGH = 1e-5;

static void open(struct mixture *m, const struct mixture_rows *r, int groups)
{
    const size_t g = (size_t)groups, cells = g * DIMS;
    *m = (struct mixture){.groups = groups};
    m->weight = mem_alloc(g, sizeof *m->weight);
    m->norm = mem_alloc(g, sizeof *m->norm);
    m->mean = mem_alloc(cells, sizeof *m->mean);
    m->inverse = mem_alloc(cells, sizeof *m->inverse);
    for (int k = 0; k < MIXTURE_KINDS; k++) {
        m->words[k] = r->words[k];
        m->word[k] = mem_alloc(g * (size_t)r->words[k], sizeof *m->word[k]);
    }
}

void mixture_close(struct mixture *m)
{
    free(m->weight);
    free(m->norm);
    free(m->mean);
    free(m->inverse);
    for (int k = 0; k < MIXTURE_KINDS; k++)
        free(m->word[k]);
}

void mixture_density(const struct mixture *m, const struct mixture_rows *r, size_t i,
                     double *density)
{
    const double *x = r->x + i * DIMS;
    for (int g = 0; g < m->groups; g++) {
        const double *mean = m->mean + (size_t)g * DIMS;
        const double *inverse = m->inverse + (size_t)g * DIMS;
        /* Several sums, which do not wait for each other. */
        double part[LANES] = {0}, sum = 0;
        for (int d = 0; d < DIMS; d += LANES)
            for (int l = 0; l < LANES; l++) {
                double far = x[d + l] - mean[d + l];
                part[l] += far * far * inverse[d + l];
            }
        for (int l = 0; l < LANES; l++)
            sum += part[l];
        density[g] = m->weight[g] + m->norm[g] - sum / 2;
        for (int k = 0; k < MIXTURE_KINDS; k++)
            density[g] += m->word[k][(size_t)g * (size_t)m->words[k] + (size_t)r->word[k][i]];
    }
}

double mixture_posterior(double *density, int groups)
{
    double most = density[0], sum = 0;
    for (int g = 1; g < groups; g++)
        most = density[g] > most ? density[g] : most;
    for (int g = 0; g < groups; g++)
        sum += density[g] = exp(density[g] - most);
    for (int g = 0; g < groups; g++)
        density[g] /= sum;
    return most + log(sum);
}

/* --- fitting --- */

struct fit {
    const struct mixture_rows *r;
    struct mixture *m;
    double *share;   /* (n, groups): how much of a row belongs to a group */
    double *count;   /* [groups] rows */
    double variance; /* of all rows, mean of the coordinates */
};

static double spread(const struct mixture_rows *r)
{
    double all = 0;
    for (int d = 0; d < r->dims; d++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < r->n; i++) {
            double x = r->x[i * DIMS + (size_t)d];
            sum += x / (double)r->n;
            squares += x * x / (double)r->n;
        }
        all += fmax(squares - sum * sum, 0) / r->dims;
    }
    /* Rows that are all equal: any variance serves. */
    return all > 0 ? all : 1;
}

static double distance(const struct mixture_rows *r, size_t i, size_t j)
{
    const double *x = r->x + i * DIMS, *y = r->x + j * DIMS;
    double sum = 0;
    for (int d = 0; d < DIMS; d++)
        sum += (x[d] - y[d]) * (x[d] - y[d]);
    return sum;
}

/* A row by its weight; any, where all weights are 0. */
static size_t draw(const double *weight, size_t n, uint64_t *random)
{
    double sum = 0, at = (double)(random_next(random) >> 11) / 9007199254740992.0;
    for (size_t i = 0; i < n; i++)
        sum += weight[i];
    if (!(sum > 0))
        return (size_t)(at * (double)n);
    at *= sum;
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(weight[i] > 0))
            continue;
        last = i;
        if (at < weight[i])
            return i;
        at -= weight[i];
    }
    return last;
}

/* Each row belongs to the nearest of the rows drawn. */
static void begin(struct fit *f, uint64_t *random)
{
    const struct mixture_rows *r = f->r;
    const size_t groups = (size_t)f->m->groups;
    double *far = mem_alloc(r->n, sizeof *far);
    memset(f->share, 0, r->n * groups * sizeof *f->share);
    for (size_t i = 0; i < r->n; i++)
        far[i] = INFINITY;
    size_t centre = random_below(random_next(random), (uint32_t)r->n);
    for (size_t g = 0; g < groups; g++) {
        for (size_t i = 0; i < r->n; i++) {
            double d = distance(r, i, centre);
            if (d >= far[i])
                continue;
            far[i] = d;
            for (size_t k = 0; k < g; k++)
                f->share[i * groups + k] = 0;
            f->share[i * groups + g] = 1;
        }
        centre = draw(far, r->n, random);
    }
    free(far);
}

static void maximise_words(const struct fit *f, int k)
{
    const struct mixture *m = f->m;
    const size_t groups = (size_t)m->groups, words = (size_t)m->words[k];
    double *at = m->word[k];
    for (size_t i = 0; i < groups * words; i++)
        at[i] = EXTRA_WORDS;
    for (size_t i = 0; i < f->r->n; i++)
        for (size_t g = 0; g < groups; g++)
            at[g * words + (size_t)f->r->word[k][i]] += f->share[i * groups + g];
    for (size_t g = 0; g < groups; g++)
        for (size_t w = 0; w < words; w++)
            at[g * words + w] =
                log(at[g * words + w] / (f->count[g] + EXTRA_WORDS * (double)words));
}

static void maximise(const struct fit *f)
{
    const struct mixture_rows *r = f->r;
    const struct mixture *m = f->m;
    const size_t groups = (size_t)m->groups;
    double *squares = m->inverse;
    memset(f->count, 0, groups * sizeof *f->count);
    memset(m->mean, 0, groups * DIMS * sizeof *m->mean);
    memset(squares, 0, groups * DIMS * sizeof *squares);
    for (size_t i = 0; i < r->n; i++)
        for (size_t g = 0; g < groups; g++) {
            const double share = f->share[i * groups + g], *x = r->x + i * DIMS;
            double *mean = m->mean + g * DIMS, *square = squares + g * DIMS;
            /* Most rows are far from most groups. */
            if (share < LEAST_SHARE)
                continue;
            f->count[g] += share;
            for (int d = 0; d < DIMS; d++) {
                mean[d] += share * x[d];
                square[d] += share * x[d] * x[d];
            }
        }
    for (size_t g = 0; g < groups; g++) {
        double n = f->count[g] + LEAST_SHARE, norm = 0;
        for (size_t d = 0; d < DIMS; d++) {
            double mean = m->mean[g * DIMS + d] / n;
            double own = fmax(squares[g * DIMS + d] - n * mean * mean, 0);
            double variance = (own + EXTRA_ROWS * f->variance) / (n + EXTRA_ROWS);
            m->mean[g * DIMS + d] = mean;
            m->inverse[g * DIMS + d] = 1 / variance;
            norm -= (int)d < r->dims ? log(variance) / 2 : 0;
        }
        m->norm[g] = norm;
        m->weight[g] = log(n / (double)r->n);
    }
    for (int k = 0; k < MIXTURE_KINDS; k++)
        maximise_words(f, k);
}

/* Returns the mean logarithm of the likelihood. */
static double expect(const struct fit *f)
{
    const struct mixture_rows *r = f->r;
    double sum = 0;
    for (size_t i = 0; i < r->n; i++) {
        double *share = f->share + i * (size_t)f->m->groups;
        mixture_density(f->m, r, i, share);
        sum += mixture_posterior(share, f->m->groups);
    }
    return sum / (double)r->n;
}

static double climb(struct fit *f, uint64_t *random)
{
    double now = -INFINITY;
    begin(f, random);
    for (int i = 0; i < STEPS; i++) {
        maximise(f);
        double next = expect(f);
        if (!(next - now > ENOUGH))
            return next;
        now = next;
    }
    return now;
}

void mixture_fit(struct mixture *m, const struct mixture_rows *r, int groups, uint64_t *random)
{
    struct fit f = {.r = r, .variance = spread(r)};
    double best = -INFINITY;
    f.share = mem_alloc(r->n * (size_t)groups, sizeof *f.share);
    f.count = mem_alloc((size_t)groups, sizeof *f.count);
    open(m, r, groups);
    for (int i = 0; i < TRIES; i++) {
        struct mixture try;
        open(&try, r, groups);
        f.m = &try;
        double now = climb(&f, random);
        if (i > 0 && !(now > best)) {
            mixture_close(&try);
            continue;
        }
        best = now;
        mixture_close(m);
        *m = try;
    }
    free(f.share);
    free(f.count);
}
