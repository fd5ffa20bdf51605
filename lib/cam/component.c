#include "cam/component.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The matrix is squared this often, so that a direction that varies more than the next one by
 * one part in a hundred thousand is told from it. */
enum { SQUARINGS = 22 };

/* y[n][n] = x times x, both symmetric, divided by the largest element. */
static void square(const double *x, int n, double *y)
{
    const size_t width = (size_t)n;
    double most = 0;

    memset(y, 0, width * width * sizeof *y);
    for (size_t i = 0; i < width; i++)
        for (size_t k = 0; k < width; k++)
            for (size_t j = 0; j < width; j++)
                y[i * width + j] += x[i * width + k] * x[k * width + j];
    for (size_t i = 0; i < width * width; i++)
        most = fabs(y[i]) > most ? fabs(y[i]) : most;
    for (size_t i = 0; i < width * width && most > 0; i++)
        y[i] /= most;
}

/* The eigenvector of the largest eigenvalue of the symmetric gram[n][n], of length 1, into v[n];
 * the other is room of the same size. Both matrices are changed. */
static void dominant(double *gram, double *other, int n, double *v)
{
    const size_t width = (size_t)n;
    size_t best = 0;
    double norm = 0;

    for (int s = 0; s < SQUARINGS; s++) {
        square(gram, n, other);
        double *swap = gram;
        gram = other;
        other = swap;
    }
    for (size_t i = 0; i < width; i++)
        best = gram[i * width + i] > gram[best * width + best] ? i : best;
    for (size_t i = 0; i < width; i++) {
        v[i] = gram[best * width + i];
        norm += v[i] * v[i];
    }
    for (size_t i = 0; i < width; i++)
        v[i] = norm > 0 ? v[i] / sqrt(norm) : 0;
}

/* x (rows, columns) times its transpose. */
static void gram_of(const double *x, int rows, int columns, double *gram)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j <= i; j++) {
            const double *a = x + (size_t)i * (size_t)columns, *b = x + (size_t)j * (size_t)columns;
            double sum = 0;
            for (int k = 0; k < columns; k++)
                sum += a[k] * b[k];
            gram[(size_t)i * (size_t)rows + (size_t)j] = sum;
            gram[(size_t)j * (size_t)rows + (size_t)i] = sum;
        }
}

/* Of the smaller of both matrices of products, over channels or over cells: both have the same
 * component. */
static void project(const double *x, int channels, int cells, double *along)
{
    const bool small = channels <= cells;
    const int n = small ? channels : cells, m = small ? cells : channels;
    const size_t width = (size_t)n;
    double *gram = mem_alloc(width * width, sizeof *gram),
           *room = mem_alloc(width * width, sizeof *room), *v = mem_alloc(width, sizeof *v);

    gram_of(x, n, m, gram);
    dominant(gram, room, n, v);
    if (small) {
        /* v is the direction. */
        memset(along, 0, (size_t)m * sizeof *along);
        for (int k = 0; k < n; k++)
            for (int i = 0; i < m; i++)
                along[i] += v[k] * x[(size_t)k * (size_t)m + (size_t)i];
    } else {
        /* v is the map but for its length. */
        gram_of(x, n, m, gram);
        double length = 0;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                length += v[i] * v[j] * gram[(size_t)i * width + (size_t)j];
        for (int i = 0; i < n; i++)
            along[i] = v[i] * sqrt(length > 0 ? length : 0);
    }
    free(gram);
    free(room);
    free(v);
}

void cam_component(const float *values, int channels, int cells, float *map)
{
    const size_t c = (size_t)channels, n = (size_t)cells;
    const bool by_channel = channels <= cells;
    double *x = mem_alloc(c * n, sizeof *x), *total = mem_zero(n, sizeof *total),
           *along = mem_alloc(n, sizeof *along), agrees = 0;

    for (size_t k = 0; k < c; k++) {
        double mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += values[k * n + i] / (double)n;
        for (size_t i = 0; i < n; i++) {
            total[i] += values[k * n + i];
            x[by_channel ? k * n + i : i * c + k] = values[k * n + i] - mean;
        }
    }
    project(x, channels, cells, along);
    for (size_t i = 0; i < n; i++)
        agrees += along[i] * total[i];
    for (size_t i = 0; i < n; i++)
        map[i] = (float)(agrees < 0 ? -along[i] : along[i]);
    free(x);
    free(total);
    free(along);
}

/* --- the kernel's component --- */

/* Lanczos' way to the largest eigenvalue of a symmetric matrix: its projection on the vectors so
 * far is tridiagonal. */
struct lanczos {
    int n, steps, room;
    double *vector;       /* (steps + 1, n), orthonormal */
    double *diagonal;     /* [steps] */
    double *beside;       /* [steps]: between a step and the next */
    double *top, *factor; /* [steps] eigenvector of the projection, room to solve */
};

/* How far the largest eigenvalue may be off, in parts of it. */
static const double PRECISION = 1e-10;

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static double scaled(double *v, int n)
{
    double length = sqrt(dot(v, v, n));
    for (int i = 0; i < n && length > 0; i++)
        v[i] /= length;
    return length;
}

static void make_room(struct lanczos *l)
{
    if (l->steps < l->room)
        return;
    l->room = l->steps + 64;
    const size_t steps = (size_t)l->room + 1;
    l->vector = mem_grow(l->vector, steps * (size_t)l->n, sizeof *l->vector);
    l->diagonal = mem_grow(l->diagonal, steps, sizeof *l->diagonal);
    l->beside = mem_grow(l->beside, steps, sizeof *l->beside);
    l->top = mem_grow(l->top, steps, sizeof *l->top);
    l->factor = mem_grow(l->factor, steps, sizeof *l->factor);
}

/* The next step: a product, made orthogonal to all vectors before, twice because once leaves
 * rounding. */
static void step(struct lanczos *l, const double *matrix)
{
    const size_t n = (size_t)l->n, at = (size_t)l->steps;
    make_room(l);
    double *last = l->vector + at * n, *next = last + n;
    for (size_t i = 0; i < n; i++)
        next[i] = dot(matrix + i * n, last, l->n);
    l->diagonal[at] = dot(next, last, l->n);
    for (int twice = 0; twice < 2; twice++)
        for (size_t k = 0; k <= at; k++) {
            const double *before = l->vector + k * n, along = dot(next, before, l->n);
            for (size_t i = 0; i < n; i++)
                next[i] -= along * before[i];
        }
    l->beside[at] = scaled(next, l->n);
    l->steps++;
}

/* Whether the projection has an eigenvalue above x: whether x less the matrix is no longer positive
 * definite. Leaves the pivots. */
static bool has_above(struct lanczos *l, double x)
{
    for (int i = 0; i < l->steps; i++) {
        double b = i ? l->beside[i - 1] : 0;
        l->factor[i] = x - l->diagonal[i] - (i ? b * b / l->factor[i - 1] : 0);
        if (!(l->factor[i] > 0))
            return true;
    }
    return false;
}

/* The largest eigenvalue of the projection, from above, and its eigenvector, by inverse iteration.
 */
static double solve(struct lanczos *l)
{
    double low = l->diagonal[0], high = low;
    for (int i = 0; i < l->steps; i++) {
        double reach = (i ? l->beside[i - 1] : 0) + (i + 1 < l->steps ? l->beside[i] : 0);
        low = fmax(low, l->diagonal[i]);
        high = fmax(high, l->diagonal[i] + reach);
    }
    high += 1e-14 * fabs(high);
    for (int i = 0; i < 100 && high - low > 1e-14 * fabs(high); i++) {
        double middle = low + (high - low) / 2;
        if (has_above(l, middle))
            low = middle;
        else
            high = middle;
    }
    /* The pivots are of the last number looked at. */
    while (has_above(l, high))
        high += 1e-14 * fabs(high) + 1e-100;
    for (int i = 0; i < l->steps; i++)
        l->top[i] = 1;
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 1; i < l->steps; i++)
            l->top[i] += l->top[i - 1] * l->beside[i - 1] / l->factor[i - 1];
        for (int i = l->steps - 1; i >= 0; i--)
            l->top[i] =
                (l->top[i] + (i + 1 < l->steps ? l->beside[i] * l->top[i + 1] : 0)) / l->factor[i];
        scaled(l->top, l->steps);
    }
    return high;
}

/* The largest eigenvalue of matrix (n, n), and its eigenvector v[n]. */
static double largest(const double *matrix, int n, double *v)
{
    struct lanczos l = {.n = n};
    uint64_t state = 1;
    double value = 0;
    make_room(&l);
    for (int i = 0; i < n; i++)
        l.vector[i] = random_unit(&state) - .5;
    scaled(l.vector, n);
    do {
        step(&l, matrix);
        value = solve(&l);
    } while (l.steps < n &&
             l.beside[l.steps - 1] * fabs(l.top[l.steps - 1]) > PRECISION * fabs(value));
    for (int i = 0; i < n; i++)
        v[i] = 0;
    for (int k = 0; k < l.steps; k++)
        for (int i = 0; i < n; i++)
            v[i] += l.top[k] * l.vector[(size_t)k * (size_t)n + (size_t)i];
    free(l.vector);
    free(l.diagonal);
    free(l.beside);
    free(l.top);
    free(l.factor);
    return value;
}

/* The kernel of centred cells x (cells, channels), centred itself. */
static void kernel_of(const double *x, int cells, int channels, double *kernel)
{
    const size_t n = (size_t)cells;
    double *mean = mem_zero(n, sizeof *mean), all = 0;
    gram_of(x, cells, channels, kernel);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            kernel[i * n + j] = tanh(kernel[i * n + j] / channels + 1);
            mean[i] += kernel[i * n + j] / (double)n;
        }
        all += mean[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            kernel[i * n + j] += all - mean[i] - mean[j];
    free(mean);
}

void cam_kernel_component(const float *values, int channels, int cells, float *map)
{
    const size_t c = (size_t)channels, n = (size_t)cells;
    double *x = mem_alloc(c * n, sizeof *x), *kernel = mem_alloc(n * n, sizeof *kernel),
           *v = mem_alloc(n, sizeof *v);
    size_t most = 0;
    for (size_t k = 0; k < c; k++) {
        double mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += values[k * n + i] / (double)n;
        for (size_t i = 0; i < n; i++)
            x[i * c + k] = values[k * n + i] - mean;
    }
    kernel_of(x, cells, channels, kernel);
    double value = largest(kernel, cells, v);
    for (size_t i = 1; i < n; i++)
        most = fabs(v[i]) > fabs(v[most]) ? i : most;
    /* Below that it is rounding of a kernel of numbers up to 1. */
    double length = value > 1e-15 * (double)n ? sqrt(value) : 0;
    for (size_t i = 0; i < n; i++)
        map[i] = (float)((v[most] < 0 ? -v[i] : v[i]) * length);
    free(x);
    free(kernel);
    free(v);
}
