#include "fit/moved.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

void fit_moved_open(struct fit_moved *m, const struct fit_images *of)
{
    m->of = of;
    m->frame = FIT_FRAME_NONE;
    m->image = mem_alloc(3 * (size_t)of->h, (size_t)of->w);
}

void fit_moved_close(struct fit_moved *m)
{
    free(m->image);
    m->image = NULL;
}

static int read_moved(void *ctx, int64_t i, uint8_t *pixels, struct err *e)
{
    const struct fit_moved *m = ctx;
    const struct fit_images *of = m->of;
    int64_t at = i * of->count / m->count;
    if (m->frame == FIT_FRAME_NONE)
        return of->at(of->ctx, at, pixels, e);
    if (of->at(of->ctx, at, m->image, e) != 0)
        return -1;
    fit_frame_image(pixels, m->image, of->h, of->w, m->fill, (unsigned)i + 1);
    return 0;
}

struct fit_images fit_moved_images(struct fit_moved *m, const float mean[3])
{
    for (int i = 0; i < 3; i++) {
        /* What is 0 once it is normalised, or black. */
        float v = m->frame == FIT_FRAME_ZERO ? 255 * mean[i] : 0;
        m->fill[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : lrintf(v));
    }
    return (struct fit_images){m->count, m->of->h, m->of->w, read_moved, m, NULL};
}
