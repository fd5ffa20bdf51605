/* What keys and shapes do not show. */
#include "model/design.h"

#include <string.h>

/* Whether the first stage has a stride: a shortcut between equal channels has no other
 * reason. */
static bool first_strides(const struct build *b)
{
    const struct family *f = b->found.family;
    char key[FAMILY_KEY];
    const struct ckpt_tensor *t =
        f->shortcut && !f->shortcut_always
            ? build_find(b, family_key(key, &b->found, 1, 0, f->shortcut, "weight"))
            : NULL;
    return t && t->ndim == 4 && t->shape[0] == t->shape[1];
}

/* Whether any stage has keys of a shortcut. */
static bool any_shortcut(const struct build *b)
{
    const struct family *f = b->found.family;
    bool any = false;
    for (int s = 1; s <= b->found.stages; s++)
        any = any || build_has(b, s, 0, f->shortcut) || build_has(b, s, 0, f->shortcut_norm);
    return any;
}

/* Whether the bottlenecks of the first stage are as wide as what they put out. */
static bool is_narrow(const struct build *b)
{
    const struct family *f = b->found.family;
    char key[FAMILY_KEY];
    const struct ckpt_tensor *first =
        build_find(b, family_key(key, &b->found, 1, 0, f->part[0].conv, "weight"));
    const struct ckpt_tensor *last =
        b->found.bottleneck
            ? build_find(b, family_key(key, &b->found, 1, 0, f->part[2].conv, "weight"))
            : NULL;
    return first && last && first->shape[0] == last->shape[0];
}

static int usual_stride(const struct build *b, int s)
{
    const struct family *f = b->found.family;
    if (b->reading)
        return b->reading->strides[s];
    if (f->narrow_strides && b->found.stages == 4 && is_narrow(b))
        return f->narrow_strides[s];
    return s > 0 || first_strides(b) ? 2 : 1;
}

/* What the keys give reason to assume of the stages and their shortcuts. */
static int settle_stages(struct build *b, struct err *e)
{
    struct assume *a = &b->assume;
    if (b->found.stages == 0)
        b->found.stages = 1;
    if (a->stages > 0 && a->stages != b->found.stages)
        return err_set(e, "%s: expected strides of %d stages, found %d", ckpt_name(b->ckpt),
                       b->found.stages, a->stages);
    for (int s = 0; s < b->found.stages && a->stages == 0; s++)
        a->strides[s] = usual_stride(b, s);
    if (a->shortcut == ASSUME_SHORT_USUAL)
        a->shortcut = any_shortcut(b) ? ASSUME_SHORT_CONV : ASSUME_SHORT_PAD;
    if (a->shortcut == ASSUME_SHORT_CONV && !b->found.family->shortcut)
        return err_set(e, "%s: --assume shortcut: expected keys of shortcuts, found none",
                       ckpt_name(b->ckpt));
    return 0;
}

/* Large windows in the stem, and several, are ImageNet's, with pooling behind them. */
static void settle_stem(struct build *b)
{
    const struct family *f = b->found.family;
    struct assume *a = &b->assume;
    char key[FAMILY_KEY];
    const struct ckpt_tensor *t =
        build_find(b, family_key(key, &b->found, 0, 0, f->stem[0].conv, "weight"));
    const bool wide = t && t->ndim == 4 && t->shape[2] > 3, large = wide || family_stem(f) > 1;
    b->model->side = wide ? 224 : 32;
    if (a->stem_stride == 0)
        a->stem_stride = large ? 2 : 1;
    if (a->pool == ASSUME_POOL_USUAL)
        a->pool = large ? ASSUME_POOL_MAX : ASSUME_POOL_NONE;
}

/* Behind a stem, but for PyramidNet's, and a sum, and nothing between the last convolution of a
 * block and its sum. */
static void settle_relu(struct build *b)
{
    const struct family *f = b->found.family;
    if (b->assume.relu == 0)
        b->assume.relu = ASSUME_RELU_GIVEN | (f->end_norm ? 0 : ASSUME_RELU_STEM) |
                         (f->pre_activation ? 0 : ASSUME_RELU_SUM);
}

/* Once the family is known. */
static int settle_rest(struct build *b, struct err *e)
{
    const struct family *f = b->found.family;
    struct assume *a = &b->assume;
    if (f->design)
        return design_settle(b, e);
    if (a->eps == 0)
        a->eps = 1e-5;
    if (a->stride_at == 0)
        a->stride_at = !b->found.bottleneck ? 1 : f->stride_at > 0 ? f->stride_at : 2;
    if (a->preact == ASSUME_PREACT_USUAL)
        a->preact = f->preact;
    if (settle_stages(b, e) != 0)
        return -1;
    settle_stem(b);
    settle_relu(b);
    return 0;
}

int build_settle(struct build *b, struct err *e)
{
    if (b->opts->assume)
        b->assume = *b->opts->assume;
    b->found.family = family_find(&b->found, b->ckpt, b->assume.prefix, e);
    return b->found.family ? settle_rest(b, e) : -1;
}

int build_settle_reading(struct build *b, const struct structure *s, struct err *e)
{
    if (b->opts->assume)
        b->assume = *b->opts->assume;
    if (b->assume.reading > s->readings)
        return err_set(e, "%s: --assume reading: expected at most %d, found %d", ckpt_name(b->ckpt),
                       s->readings, b->assume.reading);
    if (b->assume.reading == 0)
        b->assume.reading = 1;
    b->reading = &s->reading[b->assume.reading - 1];
    b->found = (struct found){.family = &b->reading->family,
                              .bottleneck = b->reading->bottleneck,
                              .chosen = true,
                              .stages = b->reading->stages};
    memcpy(b->found.blocks, b->reading->blocks, sizeof b->found.blocks);
    return settle_rest(b, e);
}

int build_check_colours(const struct build *b, struct err *e)
{
    return b->assume.bgr && b->graph->value[0].c != 3
               ? err_set(e,
                         "%s: --assume channels: expected a network of three channels, found one",
                         ckpt_name(b->ckpt))
               : 0;
}

int build_settle_program(struct build *b, struct err *e)
{
    const struct assume none = {0};
    if (!b->opts->assume)
        return 0;
    b->assume.bgr = b->opts->assume->bgr;
    return assume_same_wiring(b->opts->assume, &none)
               ? 0
               : err_set(e,
                         "%s: --assume: expected channels alone, as a program says itself what it "
                         "computes, found more",
                         ckpt_name(b->ckpt));
}

int build_check_effects(const struct build *b, struct err *e)
{
    const struct assume none = {0}, *a = b->opts->assume ? b->opts->assume : &none;
    const char *name = ckpt_name(b->ckpt);
    if (a->eps > 0 && !b->normed)
        return err_set(e, "%s: --assume eps: expected batch norms, found none: they are folded",
                       name);
    if (build_check_colours(b, e) != 0)
        return -1;
    if (a->reading && !b->reading)
        return err_set(e, "%s: --assume reading: expected keys that no family names, found %s's",
                       name, b->found.family->name);
    if (*a->chain && b->found.family->design != &design_chain)
        return err_set(
            e, "%s: --assume chain: expected convolutions that follow each other, found others",
            name);
    if ((a->relu || (a->act && !b->reading) || a->padding || a->end) && b->found.family->design)
        return err_set(e, "%s: --assume %s: expected residual blocks, found none", name,
                       a->relu  ? "relu"
                       : a->act ? "act"
                       : a->end ? "end"
                                : "padding");
    if (b->found.family->design)
        return design_check_effects(b, e);
    if (a->stride_at && !b->found.bottleneck && !b->reading)
        return err_set(e, "%s: --assume stride-at: expected bottleneck blocks, found basic ones",
                       name);
    if (a->preact && !b->found.family->pre_activation)
        return err_set(
            e,
            "%s: --assume preact-shortcut: expected blocks that begin with a norm, found "
            "others",
            name);
    if (a->padding == ASSUME_PADDING_SAME && !b->shifted)
        return err_set(e, "%s: --assume padding: expected windows with a stride, found none", name);
    if (a->relu & ~(unsigned)(ASSUME_RELU_GIVEN | ASSUME_RELU_STEM) &&
        b->found.family->pre_activation)
        return err_set(e,
                       "%s: --assume relu: expected none or stem of blocks that begin with a norm, "
                       "found others",
                       name);
    if (a->relu & ASSUME_RELU_SHORTCUT && !b->convolved)
        return err_set(e, "%s: --assume relu: expected keys of shortcuts, found none", name);
    if (a->shortcut == ASSUME_SHORT_NONE && b->convolved)
        return err_set(e, "%s: --assume shortcut: expected no keys of shortcuts, found some", name);
    if (a->shortcut > ASSUME_SHORT_CONV && !b->padded && !b->plain && !b->averaged)
        return err_set(e, "%s: --assume shortcut: expected a shortcut without keys, found none",
                       name);
    if (a->shortcut == ASSUME_SHORT_CONV && !b->convolved)
        return err_set(e, "%s: --assume shortcut: expected keys of shortcuts, found none", name);
    return 0;
}

void build_keep_assumed(struct build *b)
{
    struct assume *a = &b->model->assumed;
    *a = b->assume;
    a->grey = model_channels(b->model) == 1;
    a->eps = b->normed ? a->eps : 0;
    if (b->found.family->design) {
        const unsigned choices = b->found.family->design->choices;
        a->stem_stride = choices & DESIGN_STEM_STRIDE ? a->stem_stride : 0;
        a->pool = choices & DESIGN_POOL ? a->pool : ASSUME_POOL_USUAL;
        a->stages = choices & DESIGN_STRIDES ? b->found.stages : 0;
        return;
    }
    a->stages = b->found.stages;
    /* Of basic blocks it is the first convolution nearly always. */
    a->stride_at = b->found.bottleneck || a->stride_at > 1 ? a->stride_at : 0;
    a->preact = b->found.family->pre_activation ? a->preact : ASSUME_PREACT_USUAL;
    /* Without convolutions in shortcuts these are the same. */
    if (b->reading && !b->convolved &&
        (a->preact == ASSUME_PREACT_MIXED || a->preact == ASSUME_PREACT_FIRST))
        a->preact = ASSUME_PREACT_BEFORE;
    a->end = b->ended ? a->end : ASSUME_END_USUAL;
    a->padding = b->shifted ? a->padding : ASSUME_PADDING_USUAL;
    a->shortcut = b->padded || b->plain || b->averaged ? a->shortcut
                  : b->convolved                       ? ASSUME_SHORT_CONV
                                                       : ASSUME_SHORT_USUAL;
    if (a->shortcut > ASSUME_SHORT_AVERAGE && !b->pooled)
        a->shortcut = a->shortcut == ASSUME_SHORT_AVERAGE_PAD || a->shortcut == ASSUME_SHORT_MAX_PAD
                          ? ASSUME_SHORT_PAD
                          : ASSUME_SHORT_PAD_END;
    /* Of a family's networks ReLUs are known. */
    if (!b->reading && !(b->opts->assume && b->opts->assume->relu))
        a->relu = 0;
    /* What has no place makes no difference. */
    if (b->plain && !b->padded)
        a->relu &= ~(unsigned)(ASSUME_RELU_LAST | ASSUME_RELU_SHORTCUT);
    if (b->found.family->pre_activation && !b->found.family->stem[0].norm)
        a->relu = 0;
}
