#include "cam/augment.h"

#include "base/mem.h"
#include "image/grey.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static bool mirrored(int view)
{
    return view % 2 != 0;
}

void augment_image(int view, const struct graph *g, const uint8_t *pixels, float *out)
{
    static const float factor[] = {1, 0.9F, 1.1F};
    const struct graph_value *v = &g->value[0];
    uint8_t *grey = NULL;
    if (v->c == 1) {
        grey = mem_alloc(graph_cells(g, 0), 1);
        image_grey(pixels, graph_cells(g, 0), grey);
        pixels = grey;
    }
    for (int c = 0; c < v->c; c++)
        for (int y = 0; y < v->h; y++, pixels += v->w)
            for (int x = 0; x < v->w; x++)
                *out++ =
                    graph_pixel(g, c, pixels[mirrored(view) ? v->w - 1 - x : x]) * factor[view / 2];
    free(grey);
}

void augment_add(int view, const float *map, int h, int w, float *sum)
{
    for (int y = 0; y < h; y++, map += w, sum += w)
        for (int x = 0; x < w; x++)
            sum[x] += map[mirrored(view) ? w - 1 - x : x] / AUGMENT_VIEWS;
}
