#include "check.h"

#include "pieces/quantise.h"

#include <math.h>
#include <stdlib.h>

enum { PLANES = 50, CELLS = 16 };

/* Maps of very different sizes, each with a positive and a negative side of its own. */
static void fill(float *maps)
{
    srand(1);
    for (int p = 0; p < PLANES; p++) {
        double up = exp2(-rand() % 18), down = exp2(-rand() % 18);
        for (int i = 0; i < CELLS; i++) {
            double v = (double)rand() / RAND_MAX;
            maps[p * CELLS + i] = (float)(rand() % 3 == 0 ? 0 : rand() % 2 ? v * up : -v * down);
        }
    }
}

static float most(const float *map, float sign)
{
    float max = 0;
    for (int i = 0; i < CELLS; i++)
        max = fmaxf(max, sign * map[i]);
    return max;
}

static void test_error(void)
{
    float maps[PLANES * CELLS], top;
    uint8_t scale[PLANES][2];
    int8_t q[PLANES * CELLS];
    fill(maps);
    quantise(maps, PLANES, CELLS, &top, scale[0], q);
    for (int p = 0; p < PLANES; p++) {
        for (int i = 0; i < CELLS; i++) {
            float v = maps[p * CELLS + i], sign = v < 0 ? -1 : 1;
            float found = quantise_value(top, scale[p], q[p * CELLS + i]);
            float bound = scale[p][v < 0] == QUANTISE_NONE
                              ? top * 2e-5F
                              : most(maps + (size_t)p * CELLS, sign) / 242;
            CHECK(fabsf(v - found) <= bound);
            CHECK(v != 0 || found == 0);
        }
    }
}

static void test_holes(void)
{
    const float maps[4] = {1, NAN, .5F, -1};
    float top;
    uint8_t scale[2][2];
    int8_t q[4];
    quantise(maps, 2, 2, &top, scale[0], q);
    CHECK(q[0] == QUANTISE_HOLE && q[1] == QUANTISE_HOLE);
    CHECK(top == 1 && q[3] == -127);
    const float none[2] = {0, 0};
    quantise(none, 1, 2, &top, scale[0], q);
    CHECK(top == 0 && q[0] == 0 && q[1] == 0);
    const float tiny[2] = {1e-45F, -1e-45F};
    quantise(tiny, 1, 2, &top, scale[0], q);
    CHECK(isfinite(quantise_value(top, scale[0], q[0])));
}

int main(void)
{
    test_error();
    test_holes();
    return 0;
}
