/* Colour images as grey ones. */
#ifndef HP_IMAGE_GREY_H
#define HP_IMAGE_GREY_H

#include <stddef.h>
#include <stdint.h>

/* The luma of 3 planes of `cells` bytes, R, G, B, as Pillow's convert("L") computes it: L = R
 * 299/1000
 * + G 587/1000 + B 114/1000 in fixed point. An image whose planes are the same stays as it is. `to`
 * may be `from`. */
void image_grey(const uint8_t *from, size_t cells, uint8_t *to);

#endif
