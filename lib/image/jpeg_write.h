/* Images as JPEG, in memory. */
#ifndef HP_JPEG_WRITE_H
#define HP_JPEG_WRITE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Pixels (3, h, w) with `quality` from 1 to 100 and half the colour resolution, as Pillow writes
 * them by default. Caller frees *buf. */
int image_jpeg_write(const uint8_t *pixels, int h, int w, int quality, unsigned char **buf,
                     size_t *n, struct err *e) ERR_CHECKED;

#endif
