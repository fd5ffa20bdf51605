#include "engine/cpu/layout.h"

#include <string.h>

enum { TILE = 16 };

/* Rounds to nearest, ties to even. */
static uint16_t narrow(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return (uint16_t)((u + 0x7fffU + (u >> 16 & 1U)) >> 16);
}

void layout_table(struct layout_table *t, const float *mean, const float *std)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 256; i++) {
            t->f32[c][i] = (float)((i / 255.0 - mean[c]) / std[c]);
            t->bf16[c][i] = narrow(t->f32[c][i]);
        }
}

void layout_pixels(const struct layout_table *t, const uint8_t *pixels, int batch, int cells,
                   float *f32, uint16_t *bf16)
{
    for (int n = 0; n < batch; n++)
        for (int c = 0; c < 3; c++) {
            const uint8_t *p = pixels + ((size_t)n * 3 + (size_t)c) * (size_t)cells;
            size_t at = (size_t)n * 3 + (size_t)c, step = (size_t)batch * 3;
            if (f32)
                for (int i = 0; i < cells; i++, at += step)
                    f32[at] = t->f32[c][p[i]];
            else
                for (int i = 0; i < cells; i++, at += step)
                    bf16[at] = t->bf16[c][p[i]];
        }
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

void layout_nchw(const float *x, int batch, int n, int c, int cells, float *y)
{
    size_t step = (size_t)batch * (size_t)c;
    for (int i = 0; i < n; i++)
        for (int k0 = 0; k0 < c; k0 += TILE)
            for (int p0 = 0; p0 < cells; p0 += TILE) {
                int k1 = least(k0 + TILE, c), p1 = least(p0 + TILE, cells);
                for (int k = k0; k < k1; k++) {
                    const float *from = x + (size_t)i * (size_t)c + (size_t)k;
                    float *to = y + ((size_t)i * (size_t)c + (size_t)k) * (size_t)cells;
                    for (int p = p0; p < p1; p++)
                        to[p] = from[(size_t)p * step];
                }
            }
}

void layout_mean(const float *x, int batch, int c, int cells, float *y)
{
    size_t each = (size_t)batch * (size_t)c;
    memcpy(y, x, each * sizeof *y);
    for (int p = 1; p < cells; p++)
        layout_add(x + (size_t)p * each, each, y);
    float scale = 1.0F / (float)cells;
    for (size_t i = 0; i < each; i++)
        y[i] *= scale;
}

void layout_spread(const float *x, int batch, int c, int cells, float *y)
{
    size_t each = (size_t)batch * (size_t)c;
    for (int p = 0; p < cells; p++)
        memcpy(y + (size_t)p * each, x, each * sizeof *y);
}

void layout_widen(const uint16_t *bf16, size_t n, float *f32)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u = (uint32_t)bf16[i] << 16;
        memcpy(f32 + i, &u, sizeof u);
    }
}

void layout_mask(const float *f32, const uint16_t *bf16, size_t n, float *g)
{
    /* What ReLU let through is positive; a bf16 without sign is 0 only as a whole. */
    if (f32)
        for (size_t i = 0; i < n; i++)
            g[i] = f32[i] > 0 ? g[i] : 0;
    else
        for (size_t i = 0; i < n; i++)
            g[i] = bf16[i] & 0x7fff ? g[i] : 0;
}

void layout_add(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}
