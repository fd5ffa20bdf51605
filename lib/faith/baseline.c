#include "faith/baseline.h"

#include "base/mem.h"
#include "image/gauss.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
#define BASELINE_WORD(id, word, about) #word,
    BASELINES(BASELINE_WORD)
#undef BASELINE_WORD
};

const char *baseline_word(enum baseline b)
{
    return words[b];
}

static void draw(size_t n, uint64_t state, float *map)
{
    for (size_t i = 0; i < n; i++)
        map[i] = (float)random_unit(&state);
}

/* Cut out of a larger field: where the border is repeated, blurred numbers vary more. */
static void draw_blurred(int h, int w, uint64_t state, float *map)
{
    const double sigma = (h > w ? h : w) / 8.0;
    const int rim = (int)(4 * sigma + .5);
    const size_t wide = (size_t)w + 2 * (size_t)rim, n = ((size_t)h + 2 * (size_t)rim) * wide;
    float *field = mem_alloc(2 * n, sizeof *field);
    draw(n, state, field);
    gauss_blur(field, field + n, h + 2 * rim, (int)wide, sigma);
    for (int y = 0; y < h; y++)
        memcpy(map + (size_t)y * (size_t)w, field + (size_t)(y + rim) * wide + rim,
               (size_t)w * sizeof *map);
    free(field);
}

/* 1 in the middle, 0 in the corners, by the square of the distance in sides of the image. */
static void center(int h, int w, float *map)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const double dy = (y + .5) / h - .5, dx = (x + .5) / w - .5;
            map[y * w + x] = (float)(1 - 2 * (dy * dy + dx * dx));
        }
}

/* Of Sobel's filter, the border repeated. Sums of bytes are exact. */
static void edge(const uint8_t *pixels, int h, int w, float *map)
{
    const size_t plane = (size_t)h * (size_t)w;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const int row[] = {y > 0 ? y - 1 : 0, y, y + 1 < h ? y + 1 : y};
            const int col[] = {x > 0 ? x - 1 : 0, x, x + 1 < w ? x + 1 : x};
            int dy = 0, dx = 0;
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++) {
                    const uint8_t *p = pixels + (size_t)row[i] * (size_t)w + col[j];
                    const int grey = p[0] + p[plane] + p[2 * plane];
                    dy += (i - 1) * (j == 1 ? 2 : 1) * grey;
                    dx += (j - 1) * (i == 1 ? 2 : 1) * grey;
                }
            map[y * w + x] = (float)sqrt((double)dy * dy + (double)dx * dx);
        }
}

void baseline_make(enum baseline b, const uint8_t *pixels, int h, int w, uint64_t state, float *map)
{
    if (b == BASELINE_CENTER) {
        center(h, w, map);
    } else if (b == BASELINE_EDGE) {
        edge(pixels, h, w, map);
    } else if (b == BASELINE_BLURRED) {
        draw_blurred(h, w, state, map);
    } else {
        draw((size_t)h * (size_t)w, state, map);
    }
}
