#include "fit/variants.h"

int fit_variants(const struct net_assume *a, const struct net_assume *given,
                 struct net_assume out[FIT_VARIANTS])
{
    /* A choice that there is not has one value, the usual. */
    int at_from = a->stride_at ? 1 : 0, at_to = a->stride_at ? 2 : 0;
    int preact_from = a->preact ? NET_PREACT_BEFORE : NET_PREACT_USUAL;
    int preact_to = a->preact ? NET_PREACT_AFTER : NET_PREACT_USUAL;
    int short_from = a->shortcut ? NET_SHORT_PAD : NET_SHORT_USUAL;
    int short_to = a->shortcut ? NET_SHORT_PAD_END : NET_SHORT_USUAL;
    int count = 0;
    for (int stride = 1; stride <= 2; stride++)
        for (int pool = NET_POOL_NONE; pool <= NET_POOL_MAX; pool++)
            for (int at = at_from; at <= at_to; at++)
                for (int preact = preact_from; preact <= preact_to; preact++)
                    for (int pad = short_from; pad <= short_to; pad++) {
                        struct net_assume *to = &out[count++];
                        *to = *given;
                        to->stem_stride = stride;
                        to->pool = pool == NET_POOL_MAX ? NET_POOL_MAX : NET_POOL_NONE;
                        to->stride_at = at;
                        to->preact = (enum net_preact)preact;
                        to->shortcut = pad ? (enum net_shortcut)pad : given->shortcut;
                    }
    return count;
}

int fit_strides(const struct net_assume *a, const struct net_assume *given,
                struct net_assume out[NET_STAGES])
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
