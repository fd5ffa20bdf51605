#include "faith/fill.h"

#include "base/mem.h"
#include "cam/cam.h"
#include "image/gauss.h"

#include <stdlib.h>
#include <string.h>

void fill_make(enum faith_fill fill, const float *image, struct fill_shape s, float *out)
{
    const size_t plane = (size_t)s.h * (size_t)s.w;
    float *room = mem_alloc(plane, sizeof *room);
    memcpy(out, image, (size_t)s.c * plane * sizeof *out);
    for (int c = 0; c < s.c; c++, out += plane) {
        const double value = fill == FAITH_MEAN ? cam_sum(out, (int)plane) / (double)plane : 0;
        if (fill == FAITH_BLUR)
            gauss_blur(out, room, s.h, s.w, (s.h > s.w ? s.h : s.w) / 8.0);
        else
            for (size_t i = 0; i < plane; i++)
                out[i] = (float)value;
    }
    free(room);
}
