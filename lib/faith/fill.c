#include "faith/fill.h"

#include "base/mem.h"
#include "cam/cam.h"
#include "image/gauss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fill_make(enum faith_fill fill, const float *image, struct fill_shape s, float *out)
{
    const size_t plane = (size_t)s.h * (size_t)s.w;
    float *room = mem_alloc(plane, sizeof *room);
    memcpy(out, image, (size_t)s.c * plane * sizeof *out);
    for (int c = 0; c < s.c; c++, out += plane) {
        const double value = fill == FAITH_MEAN ? cam_sum(out, (int)plane) / (double)plane : 0;
        if (fill == FAITH_BLUR)
            gauss_blur(out, room, s.h, s.w, (s.h > s.w ? s.h : s.w) / 8.0);
        else
            for (size_t i = 0; i < plane; i++)
                out[i] = (float)value;
    }
    free(room);
}

/* --- weighted means of the neighbours --- */

enum { SYSTEM_BYTES = 256 << 20 };

/* Pixels are numbered along the rows, so that a changed one stands in few equations beside its
 * own: a matrix of which `band` diagonals below the main one are kept. */
struct system {
    int n, band;
    double *a; /* (n, band + 1): of equation k the coefficients of unknowns k - band to k */
    double *b; /* (n, c) */
};

static double weight_of(int dy, int dx)
{
    return dy != 0 && dx != 0 ? 1.0 / 12 : 1.0 / 6;
}

bool fill_linear_fits(struct fill_shape s)
{
    return (size_t)s.h * (size_t)s.w * ((size_t)s.w + 2) <= SYSTEM_BYTES / sizeof(double);
}

/* number[h][w]: of the changed pixels, -1 of others. The count. */
static int number_pixels(struct fill_shape s, const bool *changed, int *number)
{
    int n = 0;
    for (int i = 0; i < s.h * s.w; i++)
        number[i] = changed[i] ? n++ : -1;
    return n;
}

/* The neighbour of pixel (y, x); -1 beyond the border. */
static int neighbour(struct fill_shape s, int y, int x, int dy, int dx)
{
    const bool inside = y + dy >= 0 && y + dy < s.h && x + dx >= 0 && x + dx < s.w;
    return inside && (dy != 0 || dx != 0) ? (y + dy) * s.w + x + dx : -1;
}

static int band_of(struct fill_shape s, const int *number)
{
    int band = 0;
    for (int y = 0, i = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++, i++)
            for (int k = 0; k < 9 && number[i] >= 0; k++) {
                const int at = neighbour(s, y, x, k / 3 - 1, k % 3 - 1);
                if (at >= 0 && number[at] >= 0 && number[i] - number[at] > band)
                    band = number[i] - number[at];
            }
    return band;
}

/* The equation of one changed pixel. */
static void put_equation(const struct system *q, const float *image, struct fill_shape s,
                         const int *number, int y, int x)
{
    const size_t plane = (size_t)s.h * (size_t)s.w;
    const int row = number[y * s.w + x];
    double *a = q->a + (size_t)row * ((size_t)q->band + 1);
    for (int k = 0; k < 9; k++) {
        const double weight = weight_of(k / 3 - 1, k % 3 - 1);
        const int at = neighbour(s, y, x, k / 3 - 1, k % 3 - 1);
        if (at < 0)
            continue;
        a[q->band] += weight;
        if (number[at] < 0)
            for (int c = 0; c < s.c; c++)
                q->b[row * s.c + c] += weight * image[(size_t)c * plane + (size_t)at];
        else if (number[at] < row)
            a[q->band - (row - number[at])] = -weight;
    }
}

/* In place: a = L L', then b = the solution. The matrix is positive definite where every group of
 * changed pixels has a neighbour that is not. */
static void solve(const struct system *q, int channels)
{
    const int width = q->band + 1;
    for (int i = 0; i < q->n; i++) {
        double *row = q->a + (size_t)i * (size_t)width;
        for (int j = i > q->band ? i - q->band : 0; j <= i; j++) {
            const double *other = q->a + (size_t)j * (size_t)width;
            const int from = i > q->band ? i - q->band : 0;
            double sum = row[q->band - (i - j)];
            for (int k = from; k < j; k++)
                sum -= row[q->band - (i - k)] * other[q->band - (j - k)];
            row[q->band - (i - j)] = j < i ? sum / other[q->band] : sqrt(sum);
        }
    }
    for (int c = 0; c < channels; c++) {
        double *b = q->b + c;
        for (int i = 0; i < q->n; i++) {
            const double *row = q->a + (size_t)i * (size_t)width;
            for (int k = i > q->band ? i - q->band : 0; k < i; k++)
                b[i * channels] -= row[q->band - (i - k)] * b[k * channels];
            b[i * channels] /= row[q->band];
        }
        for (int i = q->n - 1; i >= 0; i--) {
            const double *row = q->a + (size_t)i * (size_t)width;
            b[i * channels] /= row[q->band];
            for (int k = i > q->band ? i - q->band : 0; k < i; k++)
                b[k * channels] -= row[q->band - (i - k)] * b[i * channels];
        }
    }
}

void fill_linear(const float *image, struct fill_shape s, const bool *changed, float *out)
{
    const size_t plane = (size_t)s.h * (size_t)s.w;
    int *number = mem_alloc(plane, sizeof *number);
    struct system q = {.n = number_pixels(s, changed, number)};
    q.band = band_of(s, number);
    q.a = mem_zero((size_t)q.n * ((size_t)q.band + 1) + 1, sizeof *q.a);
    q.b = mem_zero((size_t)q.n * (size_t)s.c + 1, sizeof *q.b);
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++)
            if (number[y * s.w + x] >= 0)
                put_equation(&q, image, s, number, y, x);
    solve(&q, s.c);
    for (int c = 0; c < s.c; c++)
        for (size_t i = 0; i < plane; i++)
            out[(size_t)c * plane + i] =
                number[i] < 0 ? image[(size_t)c * plane + i] : (float)q.b[number[i] * s.c + c];
    free(number);
    free(q.a);
    free(q.b);
}
