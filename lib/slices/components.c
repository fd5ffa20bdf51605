#include "slices/components.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 6, SAMPLE = 2000, MOST = COMPONENTS_MOST };

/* Of the variance of the first component: less is rounding. */
static const double LEAST = 1e-10;

/* Loops over all axes innermost, a number that the compiler knows: they are what takes time. */
void components_place(const struct components *c, const float *x, double *at)
{
    double sum[MOST] = {0};
    for (int k = 0; k < c->length; k++) {
        const double *axis = c->axis + (size_t)k * MOST, d = x[k] - c->mean[k];
        for (int a = 0; a < MOST; a++)
            sum[a] += d * axis[a];
    }
    memcpy(at, sum, sizeof sum);
}

static double product(const struct components *c, int a, int b)
{
    double sum = 0;
    for (int k = 0; k < c->length; k++)
        sum += c->axis[k * MOST + a] * c->axis[k * MOST + b];
    return sum;
}

/* Gram and Schmidt. The length that an axis has, beyond those before it, is its variance; from
 * the first one on that has next to none there are no more. */
static void straighten(struct components *c)
{
    double first = 0;
    for (int a = 0; a < c->n; a++) {
        /* Twice: once leaves rounding of what was taken away. */
        for (int twice = 0; twice < 2; twice++)
            for (int b = 0; b < a; b++) {
                double dot = product(c, a, b);
                for (int k = 0; k < c->length; k++)
                    c->axis[k * MOST + a] -= dot * c->axis[k * MOST + b];
            }
        double norm = sqrt(product(c, a, a));
        first = a == 0 ? norm : first;
        if (!(norm > LEAST * first))
            c->n = a;
        for (int k = 0; k < c->length && a < c->n; k++)
            c->axis[k * MOST + a] /= norm;
    }
    for (int k = 0; k < c->length; k++)
        for (int a = c->n; a < MOST; a++)
            c->axis[k * MOST + a] = 0;
}

/* Row i of a sample that is spread over all rows. */
static const float *sampled(const float *x, size_t count, int length, size_t i)
{
    const size_t row = count > SAMPLE ? i * count / SAMPLE : i;
    return x + row * (size_t)length;
}

/* The axes times the covariance of the rows. */
static void turn(struct components *c, const float *all, size_t count, double *next)
{
    double at[MOST];
    memset(next, 0, (size_t)c->length * MOST * sizeof *next);
    for (size_t i = 0; i < count && i < SAMPLE; i++) {
        const float *x = sampled(all, count, c->length, i);
        components_place(c, x, at);
        for (int k = 0; k < c->length; k++) {
            double *row = next + (size_t)k * MOST, d = x[k] - c->mean[k];
            for (int a = 0; a < MOST; a++)
                row[a] += d * at[a];
        }
    }
    memcpy(c->axis, next, (size_t)c->length * MOST * sizeof *next);
    straighten(c);
}

void components_find(struct components *c, const float *x, size_t count, int length,
                     uint64_t *random)
{
    const size_t most = count < (size_t)length ? count : (size_t)length;
    const size_t cells = (size_t)length * MOST;
    *c = (struct components){.length = length, .n = most < MOST ? (int)most : MOST};
    c->mean = mem_zero((size_t)length, sizeof *c->mean);
    c->axis = mem_alloc(cells, sizeof *c->axis);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < length; k++)
            c->mean[k] += x[i * (size_t)length + (size_t)k] / (double)count;
    for (size_t i = 0; i < cells; i++)
        c->axis[i] = (double)(random_next(random) >> 11) / 9007199254740992.0 - 0.5;
    straighten(c);
    double *next = mem_alloc(cells, sizeof *next);
    for (int i = 0; i < ITERATIONS && c->n > 0; i++)
        turn(c, x, count, next);
    free(next);
}

void components_close(struct components *c)
{
    free(c->mean);
    free(c->axis);
}
