#include "slices/components.h"

#include "base/mem.h"
#include "stats/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 8 };

/* Of the variance of the first component: less is rounding. */
static const double LEAST = 1e-10;

void components_place(const struct components *c, const float *x, double *at)
{
    for (int a = 0; a < c->n; a++) {
        const double *axis = c->axis + (size_t)a * (size_t)c->length;
        double sum = 0;
        for (int k = 0; k < c->length; k++)
            sum += (x[k] - c->mean[k]) * axis[k];
        at[a] = sum;
    }
}

static double product(const double *x, const double *y, int length)
{
    double sum = 0;
    for (int k = 0; k < length; k++)
        sum += x[k] * y[k];
    return sum;
}

/* Gram and Schmidt. The length that each axis had, beyond those before it, is its variance; from
 * the first one on that has next to none there are no more. */
static void straighten(struct components *c)
{
    double first = 0;
    for (int a = 0; a < c->n; a++) {
        double *x = c->axis + (size_t)a * (size_t)c->length;
        /* Twice: once leaves rounding of what was taken away. */
        for (int twice = 0; twice < 2; twice++)
            for (int b = 0; b < a; b++) {
                const double *y = c->axis + (size_t)b * (size_t)c->length;
                double dot = product(x, y, c->length);
                for (int k = 0; k < c->length; k++)
                    x[k] -= dot * y[k];
            }
        double norm = sqrt(product(x, x, c->length));
        first = a == 0 ? norm : first;
        if (!(norm > LEAST * first)) {
            c->n = a;
            return;
        }
        for (int k = 0; k < c->length; k++)
            x[k] /= norm;
    }
}

/* The axes times the covariance of the rows. */
static void turn(struct components *c, const float *x, size_t count, double *next)
{
    double at[COMPONENTS_MOST];
    const size_t length = (size_t)c->length;
    memset(next, 0, (size_t)c->n * length * sizeof *next);
    for (size_t i = 0; i < count; i++, x += length) {
        components_place(c, x, at);
        for (int a = 0; a < c->n; a++) {
            double *row = next + (size_t)a * length;
            for (size_t k = 0; k < length; k++)
                row[k] += at[a] * (x[k] - c->mean[k]);
        }
    }
    memcpy(c->axis, next, (size_t)c->n * length * sizeof *next);
    straighten(c);
}

void components_find(struct components *c, const float *x, size_t count, int length,
                     uint64_t *random)
{
    const size_t most = count < (size_t)length ? count : (size_t)length;
    const size_t n = most < COMPONENTS_MOST ? most : COMPONENTS_MOST;
    *c = (struct components){.length = length, .n = (int)n};
    c->mean = mem_zero((size_t)length, sizeof *c->mean);
    c->axis = mem_alloc(n * (size_t)length, sizeof *c->axis);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < length; k++)
            c->mean[k] += x[i * (size_t)length + (size_t)k] / (double)count;
    for (size_t i = 0; i < n * (size_t)length; i++)
        c->axis[i] = (double)(random_next(random) >> 11) / 9007199254740992.0 - 0.5;
    straighten(c);
    double *next = mem_alloc(n * (size_t)length, sizeof *next);
    for (int i = 0; i < ITERATIONS && c->n > 0; i++)
        turn(c, x, count, next);
    free(next);
}

void components_close(struct components *c)
{
    free(c->mean);
    free(c->axis);
}
