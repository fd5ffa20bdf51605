#include "cam/component.h"

#include "base/mem.h"

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
