/* Values in memory, for the vectors of a simd_*.h included before. */
#ifndef HP_CPU_VALUES_H
#define HP_CPU_VALUES_H

#include "engine/cpu/conv.h"
#include "engine/cpu/bf16.h"
#ifndef TARGET
#include "engine/cpu/simd_plain.h"
#endif

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline)) TARGET

INLINE vec load(const void *p, ptrdiff_t i, bool bf16)
{
    return bf16 ? v_load_bf16((const uint16_t *)p + i) : v_load((const float *)p + i);
}

INLINE void store(void *p, ptrdiff_t i, vec x, bool bf16)
{
    if (bf16)
        v_store_bf16((uint16_t *)p + i, x);
    else
        v_store((float *)p + i, x);
}

INLINE vec spread(const void *p, ptrdiff_t i, bool bf16)
{
    if (!bf16)
        return v_all(((const float *)p)[i]);
    uint32_t u = (uint32_t)((const uint16_t *)p)[i] << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return v_all(f);
}

INLINE vec v_clip(vec x, vec least, vec most)
{
    return v_min(most, v_max(least, x));
}

/* Whether only an addend and limits follow sum and bias; these, for v_clip(), to the bit what
 * finish() does. */
struct limits {
    bool only;
    vec least, most;
};

INLINE struct limits limits_of(const struct conv_call *k, bool relu)
{
    return (struct limits){.only = !k->mask && !(relu && k->clip),
                           .least = v_all(relu      ? 0
                                          : k->clip ? k->least
                                                    : -INFINITY),
                           .most = v_all(k->clip ? k->most : INFINITY)};
}

/* What follows sum and bias, where that is only these. */
INLINE vec limited(const struct conv_call *k, const struct limits *l, ptrdiff_t at, vec r,
                   bool bf16)
{
    return v_clip(k->add ? v_add(r, load(k->add, at, bf16)) : r, l->least, l->most);
}

/* What follows sum and bias, r; at: where it goes. */
INLINE void finish(const struct conv_call *k, ptrdiff_t at, vec r, bool relu, bool bf16)
{
    if (k->add)
        r = v_add(r, load(k->add, at, bf16));
    if (relu)
        r = v_relu(r);
    if (k->clip)
        r = v_clip(r, v_all(k->least), v_all(k->most));
    if (k->mask)
        r = v_where_positive(load(k->mask, at, k->mask_bf16), r);
    store(k->y, at, r, bf16);
}

#endif
