#include "image/grey.h"

void image_grey(const uint8_t *from, size_t cells, uint8_t *to)
{
    const uint8_t *r = from, *g = r + cells, *b = g + cells;
    for (size_t i = 0; i < cells; i++)
        to[i] = (uint8_t)((r[i] * 19595U + g[i] * 38470U + b[i] * 7471U + (1U << 15)) >> 16);
}
