/* A number that equal images share. */
#ifndef HP_IMAGE_HASH_H
#define HP_IMAGE_HASH_H

#include <stdint.h>

/* Of the size and the pixels (3, h, w): FNV-1a of 64 bits. */
uint64_t image_hash(const uint8_t *pixels, int h, int w);

#endif
