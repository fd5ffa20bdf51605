#include "pieces/quantise.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { STEPS = 16, LEVELS = 127 };

/* The largest scale that is still at least `max`. */
static uint8_t scale_of(float max, float top)
{
    if (max <= 0 || top <= 0)
        return QUANTISE_NONE;
    double k = floor(STEPS * log2((double)top / (double)max));
    return k < QUANTISE_NONE ? (uint8_t)(k > 0 ? k : 0) : QUANTISE_NONE;
}

static double step_of(float top, uint8_t scale)
{
    return scale == QUANTISE_NONE ? 0 : (double)top * exp2(-(double)scale / STEPS) / LEVELS;
}

static float inverse(float top, uint8_t scale)
{
    /* Of steps that are no normal numbers nothing is left. */
    float per = (float)(1 / step_of(top, scale));
    return isfinite(per) ? per : 0;
}

/* The largest and the least value, or 0; false where one is not finite. Here and below there are
 * comparisons, not functions that look for NaN: every map of every class comes by. */
static bool range(const float *map, int cells, float *max, float *min)
{
    float most = 0, least = 0, nothing = 0;
    for (int i = 0; i < cells; i++) {
        float v = map[i];
        most = v > most ? v : most;
        least = v < least ? v : least;
        nothing += v - v; /* NaN once a value is not finite */
    }
    *max = most;
    *min = least;
    return nothing == 0;
}

void quantise(const float *maps, int planes, int cells, float *top, uint8_t *scale, int8_t *q)
{
    float max, min;
    *top = 0;
    for (int p = 0; p < planes; p++)
        if (range(maps + (size_t)p * (size_t)cells, cells, &max, &min))
            *top = fmaxf(*top, fmaxf(max, -min));
    for (int p = 0; p < planes; p++, maps += cells, q += cells, scale += 2) {
        if (!range(maps, cells, &max, &min)) {
            scale[0] = scale[1] = QUANTISE_NONE;
            memset(q, QUANTISE_HOLE, (size_t)cells);
            continue;
        }
        scale[0] = scale_of(max, *top);
        scale[1] = scale_of(-min, *top);
        float up = inverse(*top, scale[0]), down = inverse(*top, scale[1]);
        for (int i = 0; i < cells; i++) {
            float v = maps[i] * (maps[i] > 0 ? up : down);
            /* Rounding may reach beyond by a hair. */
            v = v < LEVELS ? v : LEVELS;
            q[i] = (int8_t)lrintf(v > -LEVELS ? v : -LEVELS);
        }
    }
}

float quantise_value(float top, const uint8_t scale[2], int8_t q)
{
    return (float)(q * step_of(top, scale[q < 0]));
}
