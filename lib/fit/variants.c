#include "fit/variants.h"

/* All but the strides. */
static int wirings(const struct assume *a, const struct assume *given, struct assume *out)
{
    /* A choice that there is not has one value, the usual. */
    int stride_from = a->stem_stride ? 1 : 0, stride_to = a->stem_stride ? 2 : 0;
    int pool_from = a->pool ? ASSUME_POOL_NONE : ASSUME_POOL_USUAL;
    int pool_to = a->pool ? ASSUME_POOL_MAX : ASSUME_POOL_USUAL;
    int at_from = a->stride_at ? 1 : 0, at_to = a->stride_at ? 2 : 0;
    int preact_from = a->preact ? ASSUME_PREACT_BEFORE : ASSUME_PREACT_USUAL;
    int preact_to = a->preact ? ASSUME_PREACT_AFTER : ASSUME_PREACT_USUAL;
    bool pads = a->shortcut > ASSUME_SHORT_CONV;
    int short_from = pads ? ASSUME_SHORT_PAD : ASSUME_SHORT_USUAL;
    int short_to = !pads            ? ASSUME_SHORT_USUAL
                   : a->reading > 0 ? ASSUME_SHORT_NONE
                                    : ASSUME_SHORT_PAD_END;
    int count = 0;
    for (int stride = stride_from; stride <= stride_to; stride++)
        for (int pool = pool_from; pool <= pool_to; pool++)
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

int fit_variants(const struct assume *assumed, const int others[ASSUME_STAGES],
                 const struct assume *given, struct assume out[FIT_VARIANTS])
{
    struct assume other = *given;
    int count = wirings(assumed, given, out);
    if (others[0] == 0 || given->stages > 0)
        return count;
    other.stages = assumed->stages;
    for (int s = 0; s < other.stages; s++)
        other.strides[s] = others[s];
    return count + wirings(assumed, &other, out + count);
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

int fit_relus(const struct assume *a, const struct assume *given, struct assume out[FIT_RELUS])
{
    unsigned places = ASSUME_RELU_STEM | ASSUME_RELU_LAST | ASSUME_RELU_SUM;
    int count = 0;
    if (a->relu == 0 || a->reading == 0)
        return 0;
    if (a->shortcut == ASSUME_SHORT_CONV)
        places |= ASSUME_RELU_SHORTCUT;
    if (a->preact)
        places = ASSUME_RELU_STEM;
    else if (a->shortcut == ASSUME_SHORT_NONE)
        places = ASSUME_RELU_STEM | ASSUME_RELU_SUM;
    for (int i = 0; i < FIT_RELUS; i++)
        if (places >> i & 1) {
            out[count] = *given;
            out[count++].relu = a->relu ^ (1U << i);
        }
    return count;
}
