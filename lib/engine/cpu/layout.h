/* Between the caller's NCHW and the backend's values (microbatches, h, w, n, pitch), see
 * conv.h; all of one microbatch. */
#ifndef HP_CPU_LAYOUT_H
#define HP_CPU_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value of one microbatch. */
struct layout {
    int cells;      /* of the map */
    int n;          /* images */
    int c;          /* channels */
    int pitch;      /* channels as stored */
    ptrdiff_t cell; /* elements from one cell to the next */
    bool bf16;      /* else f32 */
};

/* Normalised values of every byte, per channel, as f32 and as bf16. */
struct layout_table {
    float f32[3][256];
    uint16_t bf16[3][256];
};

void layout_table(struct layout_table *t, const float *mean, const float *std);

/* Bytes (n, c, cells), of three channels or of one, to normalised values; `count` cells from
 * `first` on, with which x begins. */
void layout_pixels(const struct layout_table *t, const uint8_t *pixels, const struct layout *l,
                   int first, int count, void *x);

/* The same of values (n, c, cells) as they are. */
void layout_images(const float *images, const struct layout *l, int first, int count, void *x);

/* The first n images to (n, c, cells). */
void layout_nchw(const struct layout *l, const void *x, int n, float *y);

/* Means over space: y (n, pitch), f32. */
void layout_mean(const struct layout *l, const void *x, float *y);

/* The same values x (n, pitch) in all cells, both f32. */
void layout_spread(const struct layout *l, const float *x, float *y);

/* bf16 to f32, or f32 to bf16; `l` is of x. */
void layout_cast(const struct layout *l, const void *x, void *y);

/* g = 0 where x is not positive; g is f32, else of the same layout. */
void layout_mask(const struct layout *l, const void *x, float *g);

void layout_add(const float *x, size_t n, float *y); /* y += x */

#endif
