#include "faith/feature.h"

#include "cam/cam.h"

#include <math.h>
#include <stdbool.h>

double feature_completeness(const float *map, const float *cam, int cells)
{
    double lost = cam_sum(cam, cells);

    return lost != 0 ? fabs(cam_sum(map, cells) - lost) / fabs(lost) : NAN;
}

/* Rounding makes a variance of what is constant. */
static bool constant(const float *v, int n)
{
    for (int i = 1; i < n; i++)
        if (v[i] != v[0])
            return false;
    return true;
}

double feature_sensitivity(const float *map, const float *cam, int cells)
{
    const double a = cam_sum(map, cells) / cells, b = cam_sum(cam, cells) / cells;
    double aa = 0, ab = 0, bb = 0;

    if (constant(map, cells) || constant(cam, cells))
        return NAN;
    for (int i = 0; i < cells; i++) {
        double x = map[i] - a, y = cam[i] - b;
        aa += x * x;
        ab += x * y;
        bb += y * y;
    }
    return ab / (sqrt(aa) * sqrt(bb));
}
