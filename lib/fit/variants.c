#include "fit/variants.h"

enum { WAYS = 7 };

/* What shortcuts may do; of a family's networks, whose code tells the rest, only how they pad. */
static int list_shortcuts(const struct assume *a, enum assume_shortcut way[WAYS])
{
    const bool convolved = a->shortcut == ASSUME_SHORT_CONV || a->shortcut == ASSUME_SHORT_AVERAGE;
    int n = 0;
    if (a->shortcut == ASSUME_SHORT_USUAL || (convolved && a->reading == 0))
        return 1;
    if (convolved) {
        way[n++] = ASSUME_SHORT_CONV;
        way[n++] = ASSUME_SHORT_AVERAGE;
        return n;
    }
    way[n++] = ASSUME_SHORT_PAD;
    way[n++] = ASSUME_SHORT_PAD_END;
    if (a->reading > 0) {
        way[n++] = ASSUME_SHORT_NONE;
        for (int k = ASSUME_SHORT_AVERAGE_PAD; k <= ASSUME_SHORT_MAX_PAD_END; k++)
            way[n++] = (enum assume_shortcut)k;
    }
    return n;
}

/* All but the strides. */
static int wirings(const struct assume *a, const struct assume *given, struct assume *out)
{
    /* A choice that there is not has one value, the usual. */
    int stride_from = a->stem_stride ? 1 : 0, stride_to = a->stem_stride ? 2 : 0;
    int pool_from = a->pool ? ASSUME_POOL_NONE : ASSUME_POOL_USUAL;
    int pool_to = a->pool ? ASSUME_POOL_MAX : ASSUME_POOL_USUAL;
    const bool at = a->stride_at || (a->reading > 0 && a->preact);
    int at_from = at ? 1 : 0, at_to = at ? 2 : 0;
    int preact_from = a->preact ? ASSUME_PREACT_BEFORE : ASSUME_PREACT_USUAL;
    int preact_to = a->preact ? ASSUME_PREACT_FIRST : ASSUME_PREACT_USUAL;
    enum assume_shortcut way[WAYS] = {ASSUME_SHORT_USUAL};
    int ways = list_shortcuts(a, way);
    int count = 0;
    for (int stride = stride_from; stride <= stride_to; stride++)
        for (int pool = pool_from; pool <= pool_to; pool++)
            for (int conv = at_from; conv <= at_to; conv++)
                for (int preact = preact_from; preact <= preact_to; preact++)
                    for (int k = 0; k < ways; k++) {
                        struct assume *to = &out[count++];
                        *to = *given;
                        to->stem_stride = stride;
                        to->pool = (enum assume_pool)pool;
                        to->stride_at = conv;
                        to->preact = (enum assume_preact)preact;
                        to->shortcut = way[k] ? way[k] : given->shortcut;
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

int fit_places(const struct assume *a, const struct assume *given, struct assume out[FIT_PLACES])
{
    enum assume_shortcut way[WAYS] = {ASSUME_SHORT_USUAL};
    const int ways = list_shortcuts(a, way);
    int count = 0;
    if (a->reading == 0 || *a->chain)
        return 0;
    if (a->stride_at || a->preact) {
        out[count] = *given;
        out[count++].stride_at = a->stride_at > 1 ? 1 : 2;
    }
    for (int preact = ASSUME_PREACT_BEFORE; preact <= ASSUME_PREACT_FIRST && a->preact; preact++)
        if (preact != (int)a->preact) {
            out[count] = *given;
            out[count++].preact = (enum assume_preact)preact;
        }
    for (int k = 0; k < ways; k++)
        if (way[k] && way[k] != a->shortcut) {
            out[count] = *given;
            out[count++].shortcut = way[k];
        }
    return count;
}

int fit_padding(const struct assume *a, const struct assume *given, struct assume out[1])
{
    out[0] = *given;
    out[0].padding = a->padding == ASSUME_PADDING_SAME ? ASSUME_PADDING_HALF : ASSUME_PADDING_SAME;
    return a->reading > 0;
}

int fit_pools(const struct assume *a, const struct assume *given, struct assume out[FIT_POOLS])
{
    int count = 0;
    for (int pool = ASSUME_POOL_SMALL; pool <= ASSUME_POOL_DENSE && a->pool; pool++) {
        out[count] = *given;
        out[count++].pool = (enum assume_pool)pool;
    }
    return count;
}

int fit_relus(const struct assume *a, const struct assume *given, struct assume out[FIT_RELUS])
{
    unsigned places = ASSUME_RELU_STEM | ASSUME_RELU_LAST | ASSUME_RELU_SUM;
    int count = 0;
    if (a->relu == 0 || a->reading == 0)
        return 0;
    if (a->shortcut == ASSUME_SHORT_CONV || a->shortcut == ASSUME_SHORT_AVERAGE)
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

int fit_acts(const struct assume *a, const struct assume *given, struct assume out[FIT_ACTS])
{
    const int now = a->act ? (int)a->act : ASSUME_ACT_RELU;
    int count = 0;
    for (int act = ASSUME_ACT_RELU; act <= ASSUME_ACT_LAST && (a->stages > 0 || *a->chain); act++)
        if (act != now) {
            out[count] = *given;
            out[count++].act = (enum assume_act)act;
        }
    return count;
}

int fit_dropouts(const struct model_dropout *of, struct model_dropout out[FIT_DROPOUTS])
{
    static const float rates[] = {.3F, .1F, .2F, .4F, .5F};
    int count = 0;
    if (of->place == MODEL_DROPPED_NONE) {
        out[count++] = (struct model_dropout){MODEL_DROPPED_CONV, rates[0]};
        out[count++] = (struct model_dropout){MODEL_DROPPED_NORM, rates[0]};
        return count;
    }
    for (int i = 1; i <= FIT_DROPOUTS; i++)
        out[count++] = (struct model_dropout){of->place, rates[i]};
    return count;
}
