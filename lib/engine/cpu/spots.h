/* Inputs and weights of bf16 as kernels for matrix tiles read them, for the vectors of a simd_*.h
 * included before. */
#ifndef HP_CPU_SPOTS_H
#define HP_CPU_SPOTS_H

#include "engine/cpu/values.h"

/* The inputs of an output's tap, or zeros. */
struct input {
    const uint16_t *x;
    ptrdiff_t step; /* elements from one image to the next */
};

/* One output of a microbatch's images. */
struct spot {
    int y, x;
    ptrdiff_t in;  /* the microbatch's first input */
    ptrdiff_t out; /* -1 behind the last output */
};

INLINE struct spot spot_of(const struct conv *c, const struct conv_call *k, int tile)
{
    const struct conv_spec *s = &c->spec;
    int microbatch = tile % k->microbatches, cell = tile / k->microbatches, cells = s->oh * s->ow;
    return (struct spot){
        .y = cell / s->ow,
        .x = cell % s->ow,
        .in = (ptrdiff_t)microbatch * s->ih * s->iw * c->icell,
        .out = cell < cells ? ((ptrdiff_t)microbatch * cells + cell) * c->ocell : -1,
    };
}

INLINE struct input input_of(const struct conv *c, const struct conv_call *k, const struct spot *o,
                             int i, int j)
{
    const struct conv_spec *s = &c->spec;
    int y = conv_meet(&s->y, s->back, o->y, i, s->ih),
        x = conv_meet(&s->x, s->back, o->x, j, s->iw);
    if (o->out < 0 || y < 0 || x < 0)
        return (struct input){(const uint16_t *)c->zero, 0};
    ptrdiff_t at = o->in + (y * s->iw + x) * c->icell;
    return (struct input){(const uint16_t *)k->x + at, s->ipitch};
}

/* Of output channel k and input channel i, rounded; 0 where one pads. */
INLINE uint16_t spot_weight(const struct conv_spec *s, int k, int i, int tap)
{
    const size_t at = ((size_t)k * (size_t)s->ic + (size_t)i) * (size_t)conv_taps(s);
    return k < s->oc && i < s->ic ? bf16_round(s->w[at + (size_t)tap] * s->scale) : 0;
}

#endif
