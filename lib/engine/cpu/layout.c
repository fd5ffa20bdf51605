#include "engine/cpu/layout.h"

#include "engine/cpu/bf16.h"

#include <string.h>

enum {
    TILE = 16,
    FEW = 16 /* channels as stored, of three */
};

void layout_table(struct layout_table *t, const float *mean, const float *std)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 256; i++) {
            t->f32[c][i] = (float)((i / 255.0 - mean[c]) / std[c]);
            t->bf16[c][i] = bf16_round(t->f32[c][i]);
        }
}

/* The most common ones: three colours of FEW channels as f32. */
static void colour_pixels(const struct layout_table *t, const uint8_t *pixels,
                          const struct layout *l, int first, int count, float *x)
{
    for (int n = 0; n < l->n; n++) {
        const uint8_t *p = pixels + (size_t)n * 3 * (size_t)l->cells + first;
        float *to = x + (ptrdiff_t)n * l->pitch;
        for (int i = 0; i < count; i++, p++, to += l->cell) {
            memset(to, 0, FEW * sizeof *to);
            to[0] = t->f32[0][p[0]];
            to[1] = t->f32[1][p[l->cells]];
            to[2] = t->f32[2][p[2 * (ptrdiff_t)l->cells]];
        }
    }
}

void layout_pixels(const struct layout_table *t, const uint8_t *pixels, const struct layout *l,
                   int first, int count, void *x)
{
    const size_t size = l->bf16 ? sizeof(uint16_t) : sizeof(float), row = (size_t)l->pitch * size;
    if (!l->bf16 && l->c == 3 && l->pitch == FEW) {
        colour_pixels(t, pixels, l, first, count, x);
        return;
    }
    for (int i = first; i < first + count; i++)
        for (int n = 0; n < l->n; n++) {
            const ptrdiff_t at = (i - first) * l->cell + (ptrdiff_t)n * l->pitch;
            const uint8_t *p = pixels + (size_t)n * (size_t)l->c * (size_t)l->cells + i;
            memset((char *)x + (size_t)at * size, 0, row);
            for (int c = 0; c < l->c; c++, p += l->cells)
                if (l->bf16)
                    ((uint16_t *)x)[at + c] = t->bf16[c][*p];
                else
                    ((float *)x)[at + c] = t->f32[c][*p];
        }
}

void layout_images(const float *images, const struct layout *l, int first, int count, void *x)
{
    float *f32 = x;
    uint16_t *bf16 = x;
    for (int i = 0; i < count; i++)
        memset((char *)x + (size_t)(i * l->cell) * (l->bf16 ? sizeof *bf16 : sizeof *f32), 0,
               (size_t)l->n * (size_t)l->pitch * (l->bf16 ? sizeof *bf16 : sizeof *f32));
    for (int n = 0; n < l->n; n++)
        for (int c = 0; c < l->c; c++, images += l->cells) {
            ptrdiff_t at = (ptrdiff_t)n * l->pitch + c;
            for (int i = first; i < first + count; i++, at += l->cell)
                if (l->bf16)
                    bf16[at] = bf16_round(images[i]);
                else
                    f32[at] = images[i];
        }
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

void layout_nchw(const struct layout *l, const void *x, int n, float *y)
{
    for (int i = 0; i < n; i++)
        for (int k0 = 0; k0 < l->c; k0 += TILE)
            for (int p0 = 0; p0 < l->cells; p0 += TILE) {
                int k1 = least(k0 + TILE, l->c), p1 = least(p0 + TILE, l->cells);
                for (int k = k0; k < k1; k++) {
                    ptrdiff_t from = (ptrdiff_t)i * l->pitch + k;
                    float *to = y + ((size_t)i * (size_t)l->c + (size_t)k) * (size_t)l->cells;
                    if (l->bf16)
                        for (int p = p0; p < p1; p++)
                            to[p] = bf16_widen(((const uint16_t *)x)[from + p * l->cell]);
                    else
                        for (int p = p0; p < p1; p++)
                            to[p] = ((const float *)x)[from + p * l->cell];
                }
            }
}

void layout_mean(const struct layout *l, const void *x, float *y)
{
    size_t each = (size_t)l->n * (size_t)l->pitch;
    memset(y, 0, each * sizeof *y);
    for (int p = 0; p < l->cells; p++) {
        if (l->bf16) {
            const uint16_t *from = (const uint16_t *)x + p * l->cell;
            for (size_t i = 0; i < each; i++)
                y[i] += bf16_widen(from[i]);
        } else {
            layout_add((const float *)x + p * l->cell, each, y);
        }
    }
    float scale = 1.0F / (float)l->cells;
    for (size_t i = 0; i < each; i++)
        y[i] *= scale;
}

void layout_spread(const struct layout *l, const float *x, float *y)
{
    for (int p = 0; p < l->cells; p++)
        memcpy(y + p * l->cell, x, (size_t)l->n * (size_t)l->pitch * sizeof *y);
}

void layout_cast(const struct layout *l, const void *x, void *y)
{
    const ptrdiff_t n = l->cells * l->cell;
    if (l->bf16)
        for (ptrdiff_t i = 0; i < n; i++)
            ((float *)y)[i] = bf16_widen(((const uint16_t *)x)[i]);
    else
        for (ptrdiff_t i = 0; i < n; i++)
            ((uint16_t *)y)[i] = bf16_round(((const float *)x)[i]);
}

void layout_mask(const struct layout *l, const void *x, float *g)
{
    for (ptrdiff_t i = 0; i < l->cells * l->cell; i++) {
        float a = l->bf16 ? bf16_widen(((const uint16_t *)x)[i]) : ((const float *)x)[i];
        g[i] = a > 0 ? g[i] : 0;
    }
}

void layout_add(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}
