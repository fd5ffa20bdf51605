/* Maps as pictures show them. Shapes and names as in cam/cam.h; nothing here allocates, and all
 * functions are thread-safe. */
#ifndef HP_SHOWN_H
#define HP_SHOWN_H

#include "cam/resize.h"

#include <stdbool.h>

/* Whether a map has been normalised already, by cam_finish or pytorch-grad-cam: from 0 to 1, both
 * reached within a thousandth. */
bool shown_normalised(const float *map, int cells);

/* A map for a colour scale from 0 to 1: by cam_finish to the size of `r`, [out_cells]. Without it,
 * NULL, the size stays, and so does a map that has been normalised. scratch[cells]. */
void shown_heat(const float *map, int cells, const struct resize *r, float *scratch, float *out,
                int out_cells);

/* A signed map for a scale around 0: its values, resized where there is `r`. */
void shown_signed(const float *map, int cells, const struct resize *r, float *out);

/* The end of a scale around 0 that holds this map too: the largest magnitude in it, or `limit`
 * where that is larger. */
float shown_limit(const float *map, int cells, float limit);

/* The first cell that is not finite, or -1. */
int shown_broken(const float *map, int cells);

#endif
