#include "image/resample.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 22 };

/* The input pixels that a output pixel is made of. */
struct span {
    int from, n;
    int32_t *weight;
};

struct axis {
    struct span *span; /* [n], of the output pixels that are computed */
    int32_t *weights;
};

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* bicubic_filter, with a = -1/2. */
static double cubic(double x)
{
    static const double a = -0.5;
    x = fabs(x);
    return x < 1.0   ? ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
           : x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a
                     : 0.0;
}

/* By enum resample_filter. */
static const struct {
    double (*weight)(double x);
    double reach; /* to either side, in pixels of the coarser grid */
} filters[] = {{triangle, 1.0}, {cubic, 2.0}};

/* precompute_coeffs and normalize_coeffs_8bpc, for n of `out` pixels. */
static struct axis axis_new(int in, int out, int first, int n, enum resample_filter filter)
{
    double scale = (double)in / out, coarse = scale < 1.0 ? 1.0 : scale;
    double wide = filters[filter].reach * coarse;
    int room = (int)ceil(wide) * 2 + 1;
    struct axis a = {mem_alloc((size_t)n, sizeof *a.span),
                     mem_alloc((size_t)n * (size_t)room, sizeof *a.weights)};
    double *k = mem_alloc((size_t)room, sizeof *k), step = 1.0 / coarse;
    for (int i = 0; i < n; i++) {
        double centre = (first + i + 0.5) * scale, sum = 0.0;
        int from = (int)(centre - wide + 0.5), to = (int)(centre + wide + 0.5);
        from = from < 0 ? 0 : from;
        to = to > in ? in : to;
        int32_t *weight = a.weights + (size_t)i * (size_t)room;
        for (int x = 0; x < to - from; x++) {
            k[x] = filters[filter].weight((x + from - centre + 0.5) * step);
            sum += k[x];
        }
        for (int x = 0; x < to - from; x++) {
            const double share = (sum != 0.0 ? k[x] / sum : k[x]) * (1 << BITS);
            weight[x] = (int32_t)(share < 0.0 ? share - 0.5 : share + 0.5);
        }
        a.span[i] = (struct span){from, to - from, weight};
    }
    free(k);
    return a;
}

static void axis_free(struct axis *a)
{
    free(a->span);
    free(a->weights);
}

static uint8_t rounded(int32_t sum)
{
    sum >>= BITS;
    return (uint8_t)(sum > 255 ? 255 : sum < 0 ? 0 : sum);
}

/* (h, w) to (h, n). */
static void pass_rows(const uint8_t *in, int h, int w, uint8_t *out, int n, const struct axis *a)
{
    for (int i = 0; i < h; i++, in += w, out += n)
        for (int j = 0; j < n; j++) {
            const struct span *s = &a->span[j];
            int32_t sum = 1 << (BITS - 1);
            for (int k = 0; k < s->n; k++)
                sum += in[s->from + k] * s->weight[k];
            out[j] = rounded(sum);
        }
}

/* (h, w) to (n, w); sum[w] is room. */
static void pass_columns(const uint8_t *in, int w, uint8_t *out, int n, const struct axis *a,
                         int32_t *sum)
{
    for (int i = 0; i < n; i++, out += w) {
        const struct span *s = &a->span[i];
        for (int j = 0; j < w; j++)
            sum[j] = 1 << (BITS - 1);
        for (int k = 0; k < s->n; k++) {
            const uint8_t *row = in + (size_t)(s->from + k) * (size_t)w;
            for (int j = 0; j < w; j++)
                sum[j] += row[j] * s->weight[k];
        }
        for (int j = 0; j < w; j++)
            out[j] = rounded(sum[j]);
    }
}

/* (h, w) to the part of it. */
static void cut(const uint8_t *in, int w, const struct resample_part *p, uint8_t *out)
{
    for (int i = 0; i < p->h; i++)
        memcpy(out + (size_t)i * (size_t)p->w, in + (size_t)(p->y + i) * (size_t)w + (size_t)p->x,
               (size_t)p->w);
}

void resample_part(const uint8_t *in, int h, int w, int oh, int ow, enum resample_filter filter,
                   const struct resample_part *p, uint8_t *out)
{
    struct axis x = axis_new(w, ow, p->x, p->w, filter), y = axis_new(h, oh, p->y, p->h, filter);
    /* Pillow's own rule, of version 13; before, rows came first in any case. */
    const bool columns_first = h > oh && h - oh > 2 * (w - ow);
    /* Rows of the input that the part is made of. */
    const int top = y.span[0].from, rows = y.span[p->h - 1].from + y.span[p->h - 1].n - top;
    const size_t from = (size_t)top * (size_t)w, wide = (size_t)(columns_first ? w : p->w);
    uint8_t *between = mem_alloc((size_t)(columns_first ? p->h : rows), wide);
    int32_t *sum = mem_alloc(wide, sizeof *sum);
    for (int i = 0; i < p->h; i++)
        y.span[i].from -= top;
    for (int c = 0; c < 3; c++, in += (size_t)h * (size_t)w, out += (size_t)p->h * (size_t)p->w) {
        if (h == oh && w == ow) {
            cut(in, w, p, out);
        } else if (columns_first) {
            pass_columns(in + from, w, between, p->h, &y, sum);
            pass_rows(between, p->h, w, out, p->w, &x);
        } else {
            pass_rows(in + from, rows, w, between, p->w, &x);
            pass_columns(between, p->w, out, p->h, &y, sum);
        }
    }
    free(between);
    free(sum);
    axis_free(&x);
    axis_free(&y);
}

void resample(const uint8_t *in, int h, int w, uint8_t *out, int oh, int ow)
{
    resample_part(in, h, w, oh, ow, RESAMPLE_BILINEAR, &(struct resample_part){0, 0, oh, ow}, out);
}
