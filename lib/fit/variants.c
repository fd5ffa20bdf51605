#include "fit/variants.h"

int fit_variants(const struct assume *a, const struct assume *given,
                 struct assume out[FIT_VARIANTS])
{
    /* A choice that there is not has one value, the usual. */
    int at_from = a->stride_at ? 1 : 0, at_to = a->stride_at ? 2 : 0;
    int preact_from = a->preact ? ASSUME_PREACT_BEFORE : ASSUME_PREACT_USUAL;
    int preact_to = a->preact ? ASSUME_PREACT_AFTER : ASSUME_PREACT_USUAL;
    bool pads = a->shortcut > ASSUME_SHORT_CONV;
    int short_from = pads ? ASSUME_SHORT_PAD : ASSUME_SHORT_USUAL;
    int short_to = pads ? ASSUME_SHORT_PAD_END : ASSUME_SHORT_USUAL;
    int count = 0;
    for (int stride = 1; stride <= 2; stride++)
        for (int pool = ASSUME_POOL_NONE; pool <= ASSUME_POOL_MAX; pool++)
            for (int at = at_from; at <= at_to; at++)
                for (int preact = preact_from; preact <= preact_to; preact++)
                    for (int pad = short_from; pad <= short_to; pad++) {
                        struct assume *to = &out[count++];
                        *to = *given;
                        to->stem_stride = stride;
                        to->pool = (enum assume_pool)pool;
                        to->stride_at = at;
                        to->preact = (enum assume_preact)preact;
                        to->shortcut = pad ? (enum assume_shortcut)pad : given->shortcut;
                    }
    return count;
}

int fit_strides(const struct assume *a, const struct assume *given,
                struct assume out[ASSUME_STAGES])
{
    for (int s = 0; s < a->stages; s++) {
        out[s] = *given;
        out[s].stages = a->stages;
        for (int i = 0; i < out[s].stages; i++)
            out[s].strides[i] = a->strides[i];
        out[s].strides[s] = out[s].strides[s] == 1 ? 2 : 1;
    }
    return a->stages;
}
