#include "fit/variants.h"

int fit_variants(const struct net *n, const struct net_assume *given,
                 struct net_assume out[FIT_VARIANTS])
{
    int count = 0, places = n->assumed.stride_at > 0 ? 2 : 1;
    for (int stride = 1; stride <= 2; stride++)
        for (int pool = NET_POOL_NONE; pool <= NET_POOL_MAX; pool++)
            for (int at = 1; at <= places; at++) {
                struct net_assume a = *given;
                a.stem_stride = stride;
                a.pool = pool == NET_POOL_MAX ? NET_POOL_MAX : NET_POOL_NONE;
                if (places > 1)
                    a.stride_at = at;
                out[count++] = a;
            }
    return count;
}

int fit_strides(const struct net *n, const struct net_assume *given,
                struct net_assume out[NET_STAGES])
{
    for (int s = 0; s < n->assumed.stages; s++) {
        out[s] = *given;
        out[s].stages = n->assumed.stages;
        for (int i = 0; i < out[s].stages; i++)
            out[s].strides[i] = n->assumed.strides[i];
        out[s].strides[s] = out[s].strides[s] == 1 ? 2 : 1;
    }
    return n->assumed.stages;
}
