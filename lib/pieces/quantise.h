/* Maps as bytes. Values above 0 and below 0 have scales of their own, and 0 stays 0, so that the
 * positive part of a map, which is what it shows, keeps 7 bits however large the negative part
 * is. */
#ifndef HP_QUANTISE_H
#define HP_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

/* Of planes of `cells` values each: the item's largest magnitude, then for each plane two
 * scales, then for each plane its cells. A plane with a value that is not finite holds
 * QUANTISE_HOLE alone.
 *
 *     value = q * top * 2^(-scale / 16) / 127
 *
 * with scale[plane][0] for q > 0 and scale[plane][1] for q < 0; QUANTISE_NONE where there are no
 * such values, or none above top / 2^15.8. The error is at most half a step, which is at most
 * 1/242 of the plane's largest value of this sign, or the value itself where the scale is
 * QUANTISE_NONE. */
enum { QUANTISE_NONE = 255, QUANTISE_HOLE = -128 };

void quantise(const float *maps, int planes, int cells, float *top, uint8_t *scale, int8_t *q);

/* The value of one q. */
float quantise_value(float top, const uint8_t scale[2], int8_t q);

#endif
