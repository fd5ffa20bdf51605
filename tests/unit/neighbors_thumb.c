/* Thumbnails: moved, brighter and other images. */
#include "check.h"

#include "neighbors/nearest.h"
#include "neighbors/thumb.h"

#include <stdlib.h>

enum { SIDE = 48, WINDOW = 32, PLANE = WINDOW * WINDOW };

static uint8_t scene[3][SIDE][SIDE], flat[3 * PLANE];
static struct thumb_waves waves;

static void paint(uint32_t state)
{
    uint8_t block[3][SIDE / 4][SIDE / 4];
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE / 4; y++)
            for (int x = 0; x < SIDE / 4; x++)
                block[c][y][x] = (uint8_t)(60 + ((state = state * 1664525U + 1013904223U) >> 25));
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                scene[c][y][x] = block[c][y / 4][x / 4];
}

/* What a window at (y, x) shows, times `gain`. */
static const uint8_t *view(int y0, int x0, double gain)
{
    static uint8_t out[3 * PLANE];
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < WINDOW; y++)
            for (int x = 0; x < WINDOW; x++)
                out[c * PLANE + y * WINDOW + x] = (uint8_t)(gain * scene[c][y0 + y][x0 + x] + .5);
    return out;
}

int main(void)
{
    struct thumb a, b, colors[2][3];
    static float one[THUMB_SPECTRUM], other[THUMB_SPECTRUM], far[THUMB_SPECTRUM];
    thumb_waves(&waves);
    paint(1);
    thumb_make(&a, one, view(8, 8, 1), WINDOW, WINDOW, &waves);
    thumb_make_color(colors[0], view(8, 8, 1), WINDOW, WINDOW);
    struct thumb_fit fit = thumb_compare(&a, &a);
    CHECK_NEAR(fit.correlation, 1, 1e-12);
    CHECK(fit.dy == 0 && fit.dx == 0);
    /* Pixel (y, x) of the first is (y - 3, x + 4) of the second. */
    thumb_make(&b, other, view(11, 4, 1), WINDOW, WINDOW, &waves);
    thumb_make_color(colors[1], view(11, 4, 1), WINDOW, WINDOW);
    fit = thumb_compare(&a, &b);
    CHECK_NEAR(fit.correlation, 1, 1e-12);
    CHECK(fit.dy == -3 && fit.dx == 4);
    CHECK_NEAR(thumb_correlate(colors[0], colors[1], -3, 4), 1, 1e-12);
    CHECK(thumb_correlate(colors[0], colors[1], -2, 4) < 0.9);
    fit = thumb_compare(&b, &a);
    CHECK(fit.dy == 3 && fit.dx == -4);
    /* Brighter, of more contrast. */
    thumb_make(&b, far, view(8, 8, 1.2), WINDOW, WINDOW, &waves);
    CHECK(thumb_compare(&a, &b).correlation > 0.999);
    /* Another image; its spectrum is farther than that of the moved one. */
    double moved = nearest_distance(NEAREST_COSINE, one, other, THUMB_SPECTRUM);
    paint(2);
    thumb_make(&b, far, view(8, 8, 1), WINDOW, WINDOW, &waves);
    CHECK(thumb_compare(&a, &b).correlation < 0.6);
    CHECK(moved < nearest_distance(NEAREST_COSINE, one, far, THUMB_SPECTRUM));
    /* An image of one color has no details. */
    thumb_make(&b, far, flat, WINDOW, WINDOW, &waves);
    CHECK_NEAR(thumb_compare(&a, &b).correlation, -1, 0);
    CHECK_NEAR(thumb_compare(&b, &b).correlation, -1, 0);
    CHECK(thumb_compare(&b, &b).dy == 0 && far[0] == 0);
    return CHECK_DONE();
}
