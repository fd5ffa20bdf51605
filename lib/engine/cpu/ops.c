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
