#include "image/hash.h"

#include <stddef.h>

static uint64_t add(const uint8_t *bytes, size_t n, uint64_t h)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 0x100000001B3U;
    return h;
}

uint64_t image_hash(const uint8_t *pixels, int h, int w)
{
    const uint8_t size[] = {(uint8_t)(h >> 8), (uint8_t)h, (uint8_t)(w >> 8), (uint8_t)w};

    return add(pixels, 3 * (size_t)h * (size_t)w, add(size, sizeof size, 0xCBF29CE484222325U));
}
