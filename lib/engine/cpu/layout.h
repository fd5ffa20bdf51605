/* Between the caller's NCHW and the backend's [H][W][N][C]. `batch` is N. */
#ifndef HP_ENGINE_CPU_LAYOUT_H
#define HP_ENGINE_CPU_LAYOUT_H

#include "net/net.h"

#include <stddef.h>
#include <stdint.h>

/* Normalised values of every byte, per channel, as f32 and as bf16. */
struct layout_table {
    float f32[3][256];
    uint16_t bf16[3][256];
};

void layout_table(struct layout_table *t, const float *mean, const float *std);

/* Bytes (batch, 3, cells) to normalised values; one of f32 and bf16 is NULL. */
void layout_pixels(const struct layout_table *t, const uint8_t *pixels, int batch, int cells,
                   float *f32, uint16_t *bf16);

/* (cells, batch, c) to (batch, c, cells), the first n of the batch. */
void layout_nchw(const float *x, int batch, int n, int c, int cells, float *y);

/* Means over space: (cells, batch, c) to (batch, c). */
void layout_mean(const float *x, int batch, int c, int cells, float *y);

/* The same value in all cells: (batch, c) to (cells, batch, c). */
void layout_spread(const float *x, int batch, int c, int cells, float *y);

void layout_widen(const uint16_t *bf16, size_t n, float *f32);

/* g = 0 where the activation is; one of f32 and bf16 is NULL. */
void layout_mask(const float *f32, const uint16_t *bf16, size_t n, float *g);

void layout_add(const float *x, size_t n, float *y); /* y += x */

#endif
