/* Pixels from maps: colour maps, and pytorch-grad-cam's overlay. A picture is
 * n pixels of R, G, B bytes; maps have a value a pixel. */
#ifndef HP_COLOR_H
#define HP_COLOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum color_map {
    COLOR_VIRIDIS,
    COLOR_CIVIDIS,
    COLOR_INFERNO,
    COLOR_MAGMA,
    COLOR_TURBO,
    COLOR_JET /* OpenCV's */
};

#define COLOR_WORDS "viridis|cividis|inferno|magma|turbo|jet"

/* The tables themselves, R, G, B bytes: COLOR_ENTRIES from 0 to 1; of the signed scale
 * COLOR_ENTRIES_SIGNED from -1 over white in the middle to 1. */
enum { COLOR_ENTRIES = 256, COLOR_ENTRIES_SIGNED = 257 };
const uint8_t *color_table(enum color_map cmap);
const uint8_t *color_table_signed(void);

/* A map in [0, 1] as colours: entry (int)(255 * v) of the table, as in
 * np.uint8(255 * mask). Values outside are clipped. */
void color_heat(enum color_map cmap, const float *map, size_t n, uint8_t *out);

/* A signed map as colours, blue below and orange above 0, which is white; the
 * ends are reached at -limit and limit (> 0). */
void color_signed(const float *map, size_t n, float limit, uint8_t *out);

/* pytorch-grad-cam's show_cam_on_image, in float32 as there:
 *   mix = alpha * heat / 255 + (1 - alpha) * image / 255
 *   out = 255 * (mix / max(mix)), cut to a byte
 * with the maximum taken over all pixels and colours; alpha is 1 - image_weight.
 * All black where the maximum is 0. `out` may be `heat`. */
void color_blend(const uint8_t *image, const uint8_t *heat, size_t n, float alpha, uint8_t *out);

/* Planes of h * w as pixels. */
void color_pack(const uint8_t *planes, size_t n, uint8_t *out);

/* (sh, sw) pixels enlarged to (dh, dw) without smoothing. */
void color_zoom(const uint8_t *src, int sh, int sw, uint8_t *dst, int dh, int dw);

/* The same for values. */
void color_zoom_map(const float *src, int sh, int sw, float *dst, int dh, int dw);

#endif
