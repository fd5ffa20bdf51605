#include "faith/places.h"

#include <math.h>
#include <stdbool.h>

/* What part of cell i of n lies in the first half. */
static double first_half(int i, int n)
{
    double part = n / 2. - i;

    return part < 0 ? 0 : part > 1 ? 1 : part;
}

double places_focus(const float *map, int h, int w, unsigned tiles)
{
    double all = 0, right = 0;

    for (int y = 0; y < h; y++) {
        double upper = first_half(y, h);
        for (int x = 0; x < w; x++, map++) {
            double left = first_half(x, w);
            const double part[] = {upper * left, upper * (1 - left), (1 - upper) * left,
                                   (1 - upper) * (1 - left)};
            if (!(*map > 0))
                continue;
            all += *map;
            for (int i = 0; i < 4; i++)
                right += tiles >> i & 1 ? *map * part[i] : 0;
        }
    }
    return all > 0 ? right / all : NAN;
}

static bool empty(const uint8_t *mask, int n)
{
    for (int i = 0; i < n; i++)
        if (mask[i])
            return false;
    return true;
}

double places_pointing(const float *map, const uint8_t *mask, int n)
{
    float high = map[0], low = map[0];
    int all = 0, right = 0;

    for (int i = 0; i < n; i++) {
        if (map[i] > high) {
            high = map[i];
            all = right = 0;
        }
        low = map[i] < low ? map[i] : low;
        if (map[i] == high) {
            all++;
            right += mask[i] != 0;
        }
    }
    return high > low && !empty(mask, n) ? (double)right / all : NAN;
}

double places_inside(const float *map, const uint8_t *mask, int n)
{
    double all = 0, right = 0;

    for (int i = 0; i < n; i++) {
        double mass = map[i] > 0 ? map[i] : 0;
        all += mass;
        right += mask[i] ? mass : 0;
    }
    return all > 0 && !empty(mask, n) ? right / all : NAN;
}
