#include "image/resample.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { BITS = 22 };

/* The input pixels that a output pixel is made of. */
struct span {
    int from, n;
    int32_t *weight;
};

struct axis {
    struct span *span; /* [out] */
    int32_t *weights;
};

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* precompute_coeffs and normalize_coeffs_8bpc. */
static struct axis axis_new(int in, int out)
{
    double scale = (double)in / out, wide = scale < 1.0 ? 1.0 : scale;
    int room = (int)ceil(wide) * 2 + 1;
    struct axis a = {mem_alloc((size_t)out, sizeof *a.span),
                     mem_alloc((size_t)out * (size_t)room, sizeof *a.weights)};
    double *k = mem_alloc((size_t)room, sizeof *k), step = 1.0 / wide;
    for (int i = 0; i < out; i++) {
        double centre = (i + 0.5) * scale, sum = 0.0;
        int from = (int)(centre - wide + 0.5), to = (int)(centre + wide + 0.5);
        from = from < 0 ? 0 : from;
        to = to > in ? in : to;
        int32_t *weight = a.weights + (size_t)i * (size_t)room;
        for (int x = 0; x < to - from; x++) {
            k[x] = triangle((x + from - centre + 0.5) * step);
            sum += k[x];
        }
        for (int x = 0; x < to - from; x++)
            weight[x] = (int32_t)(0.5 + (sum != 0.0 ? k[x] / sum : k[x]) * (1 << BITS));
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

/* `step`: from one input pixel to the next. */
static uint8_t blend(const uint8_t *in, size_t step, const struct span *s)
{
    int32_t sum = 1 << (BITS - 1);
    for (int i = 0; i < s->n; i++)
        sum += in[(size_t)i * step] * s->weight[i];
    sum >>= BITS;
    return (uint8_t)(sum > 255 ? 255 : sum);
}

/* (h, w) to (h, ow). */
static void pass_rows(const uint8_t *in, int h, int w, uint8_t *out, int ow, const struct axis *a)
{
    for (int i = 0; i < h; i++, in += w, out += ow)
        for (int j = 0; j < ow; j++)
            out[j] = blend(in + a->span[j].from, 1, &a->span[j]);
}

/* (h, w) to (oh, w). */
static void pass_columns(const uint8_t *in, int w, uint8_t *out, int oh, const struct axis *a)
{
    for (int i = 0; i < oh; i++, out += w) {
        const uint8_t *from = in + (size_t)a->span[i].from * (size_t)w;
        for (int j = 0; j < w; j++)
            out[j] = blend(from + j, (size_t)w, &a->span[i]);
    }
}

void resample(const uint8_t *in, int h, int w, uint8_t *out, int oh, int ow)
{
    struct axis x = axis_new(w, ow), y = axis_new(h, oh);
    /* Pillow's own rule, of version 13; before, rows came first in any case. */
    bool columns_first = h > oh && h - oh > 2 * (w - ow);
    uint8_t *between =
        mem_alloc((size_t)(columns_first ? oh : h), (size_t)(columns_first ? w : ow));
    for (int c = 0; c < 3; c++, in += (size_t)h * (size_t)w, out += (size_t)oh * (size_t)ow) {
        if (h == oh) {
            pass_rows(in, h, w, out, ow, &x);
        } else if (w == ow) {
            pass_columns(in, w, out, oh, &y);
        } else if (columns_first) {
            pass_columns(in, w, between, oh, &y);
            pass_rows(between, oh, w, out, ow, &x);
        } else {
            pass_rows(in, h, w, between, ow, &x);
            pass_columns(between, ow, out, oh, &y);
        }
    }
    free(between);
    axis_free(&x);
    axis_free(&y);
}
