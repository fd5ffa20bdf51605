#include "engine/cpu/ops.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void scale_open(struct scale *s, const struct layout *l, const float *w, const float *b, bool relu)
{
    *s = (struct scale){.layout = *l, .relu = relu};
    s->w = mem_aligned((size_t)l->pitch, sizeof *s->w);
    s->b = mem_aligned((size_t)l->pitch, sizeof *s->b);
    memcpy(s->w, w, (size_t)l->c * sizeof *s->w);
    if (b)
        memcpy(s->b, b, (size_t)l->c * sizeof *s->b);
}

void scale_close(struct scale *s)
{
    free(s->w);
    free(s->b);
}

void depth_open(struct depth *d, const float *w, const float *b)
{
    const size_t taps = (size_t)d->y.k * (size_t)d->x.k, pitch = (size_t)d->layout.pitch,
                 channels = (size_t)d->layout.c, group = (size_t)d->group;
    d->w = mem_aligned(taps * group * pitch, sizeof *d->w);
    d->b = mem_aligned(pitch, sizeof *d->b);
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < group; i++)
            for (size_t t = 0; t < taps; t++)
                d->w[(t * group + i) * pitch + c] = w[(c * group + i) * taps + t];
    if (b)
        memcpy(d->b, b, channels * sizeof *d->b);
}

void depth_close(struct depth *d)
{
    free(d->w);
    free(d->b);
}

size_t attention_scratch(const struct attention *a, bool back)
{
    const size_t tokens = (size_t)(a->out.cells + CONV_SPAN - 1) / CONV_SPAN * CONV_SPAN;
    const size_t d = (size_t)(a->out.c / a->heads + CONV_SPAN - 1) / CONV_SPAN * CONV_SPAN;
    /* Queries, keys, values of a head and turned ones, gradients of these, and weights of a block
     * of queries. */
    return (tokens * d * (back ? 10 : 5) + (back ? 2 : 1) * tokens * CONV_SPAN) * sizeof(float);
}
