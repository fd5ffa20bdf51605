#include "cam/augment.h"

#include <stdbool.h>
#include <stddef.h>

static bool mirrored(int view)
{
    return view % 2 != 0;
}

void augment_image(int view, const uint8_t *pixels, int h, int w, const float *mean,
                   const float *std, float *out)
{
    static const float factor[] = {1, 0.9F, 1.1F};
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < h; y++, pixels += w)
            for (int x = 0; x < w; x++)
                *out++ =
                    (float)((pixels[mirrored(view) ? w - 1 - x : x] / 255.0 - mean[c]) / std[c]) *
                    factor[view / 2];
}

void augment_add(int view, const float *map, int h, int w, float *sum)
{
    for (int y = 0; y < h; y++, map += w, sum += w)
        for (int x = 0; x < w; x++)
            sum[x] += map[mirrored(view) ? w - 1 - x : x] / AUGMENT_VIEWS;
}
