#include "cam/shown.h"

#include "cam/cam.h"

#include <math.h>
#include <string.h>

bool shown_normalised(const float *map, int cells)
{
    float min = map[0], max = map[0];
    for (int i = 1; i < cells; i++) {
        min = map[i] < min ? map[i] : min;
        max = map[i] > max ? map[i] : max;
    }
    return min >= 0 && min < 1e-3F && max > 1 - 1e-3F && max <= 1;
}

void shown_heat(const float *map, int cells, const struct resize *r, float *scratch, float *out,
                int out_cells)
{
    if (r) {
        memcpy(scratch, map, (size_t)cells * sizeof *map);
        cam_finish(scratch, cells, 0, r, out, out_cells);
        return;
    }
    memcpy(out, map, (size_t)cells * sizeof *map);
    if (shown_normalised(out, cells))
        return;
    cam_rectify(out, cells);
    cam_normalise(out, cells, 0);
}

void shown_signed(const float *map, int cells, const struct resize *r, float *out)
{
    if (r)
        resize_run(r, map, out);
    else
        memcpy(out, map, (size_t)cells * sizeof *map);
}

float shown_limit(const float *map, int cells, float limit)
{
    for (int i = 0; i < cells; i++)
        limit = fabsf(map[i]) > limit ? fabsf(map[i]) : limit;
    return limit;
}

int shown_broken(const float *map, int cells)
{
    for (int i = 0; i < cells; i++)
        if (!isfinite(map[i]))
            return i;
    return -1;
}
