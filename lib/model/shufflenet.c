/* ShuffleNetV2 (Ma et al. 2018): units that compute half of the channels and mix both halves. */
#include "model/design.h"

#include "base/mem.h"

#include <stdio.h>

enum {
    STEM,
    STEM_NORM,
    UNIT, /* "stage%.%" */
    SHORT_FILTER,
    SHORT_FILTER_NORM,
    SHORT_MIX,
    SHORT_MIX_NORM,
    FIRST,
    FIRST_NORM,
    FILTER,
    FILTER_NORM,
    SECOND,
    SECOND_NORM,
    HALF_FIRST, /* the same in a unit that computes one half; NULL where names are equal */
    HALF_FIRST_NORM,
    HALF_FILTER,
    HALF_FILTER_NORM,
    HALF_SECOND,
    HALF_SECOND_NORM,
    LAST,
    LAST_NORM,
    PARTS
};

/* Bits of family.how. */
enum {
    CIFAR = 1,           /* for such images alone */
    PLAIN_STEM = 2,      /* no ReLU in the stem */
    STAGES_FROM_ONE = 4, /* not from 2 */
};

static const int strides[FAMILY_STAGES] = {2, 2, 2};

static char *unit_path(char *path, const struct build *b, int stage, int unit)
{
    return design_part(path, b, UNIT, stage + (b->found.family->how & STAGES_FROM_ONE ? 1 : 2),
                       unit);
}

/* A part of a unit, by its stage and number from 0. */
static char *unit_part(char *part, const struct build *b, int stage, int unit, int k)
{
    char path[FAMILY_KEY];
    unit_path(path, b, stage, unit);
    snprintf(part, FAMILY_KEY, "%.250s.%s", path, b->found.family->part_of[k]);
    return part;
}

/* Whether both branches of a unit read all channels. */
static bool is_whole(const struct build *b, int stage, int unit)
{
    const bool renamed = b->found.family->part_of[HALF_FIRST] != NULL;
    char part[FAMILY_KEY];
    return build_has(b, 0, 0, unit_part(part, b, stage, unit, renamed ? SECOND : SHORT_FILTER));
}

static void settle(struct build *b, struct design_usual *u)
{
    struct found *f = &b->found;
    char part[FAMILY_KEY];
    /* Any unit has it. */
    const int at = f->family->part_of[HALF_FIRST] ? HALF_FIRST : FIRST;
    for (f->stages = 0; f->stages < 3; f->stages++)
        while (f->blocks[f->stages] < FAMILY_BLOCKS &&
               build_has(b, 0, 0, unit_part(part, b, f->stages, f->blocks[f->stages], at)))
            f->blocks[f->stages]++;
    const bool large = !(f->family->how & CIFAR) && design_large(b);
    u->side = large ? 224 : 32;
    u->stem_stride = large ? 2 : 1;
    u->pool = large ? ASSUME_POOL_MAX : ASSUME_POOL_NONE;
    u->strides = strides;
}

/* Convolution `k` of a unit with its norm: 1 by 1 and ReLU, or 3 by 3 of each channel by itself. */
static int add_conv(struct build *b, int stage, int unit, int k, int in, int stride, struct err *e)
{
    char part[FAMILY_KEY], norm[FAMILY_KEY];
    const bool filter = k == FILTER || k == SHORT_FILTER || k == HALF_FILTER;
    const struct want w = {.k = filter ? 3 : 1,
                           .stride = stride,
                           .width = filter ? b->graph->value[in].c : -1,
                           .addend = -1,
                           .act = filter ? GRAPH_NONE : GRAPH_RELU,
                           .grouped = filter};
    return design_conv(b, unit_part(part, b, stage, unit, k),
                       unit_part(norm, b, stage, unit, k + 1), in, &w, e);
}

/* Half of the channels. */
static int add_half(struct build *b, int in, bool second, struct err *e)
{
    const int half = b->graph->value[in].c / 2;
    if (half < 1 || b->graph->value[in].c % 2 != 0)
        return build_refuse(b, e, "expected channels in two halves, found %d",
                            b->graph->value[in].c);
    int *pick = mem_alloc((size_t)half, sizeof *pick);
    for (int i = 0; i < half; i++)
        pick[i] = second ? half + i : i;
    return design_pick(b, in, pick, half, e);
}

/* One of either half in turn. */
static int add_shuffle(struct build *b, int first, int second, struct err *e)
{
    const int half = b->graph->value[first].c;
    if (b->graph->value[second].c != half)
        return build_refuse(b, e, "expected halves of as many channels, found %d and %d", half,
                            b->graph->value[second].c);
    int x = design_concat(b, first, second, e);
    if (x < 0)
        return -1;
    int *pick = mem_alloc(2 * (size_t)half, sizeof *pick);
    for (int i = 0; i < 2 * half; i++)
        pick[i] = i % 2 * half + i / 2;
    return design_pick(b, x, pick, 2 * half, e);
}

/* A unit whose shortcut has convolutions reads all channels in both branches, others one half in
 * each. */
static int add_unit(struct build *b, int stage, int unit, int in, struct err *e)
{
    const bool whole = is_whole(b, stage, unit);
    const int stride = whole ? b->assume.strides[stage] : 1;
    const int half = !whole && b->found.family->part_of[HALF_FIRST] ? HALF_FIRST - FIRST : 0;
    int first = in, x = in;
    if (whole) {
        first = add_conv(b, stage, unit, SHORT_FILTER, in, stride, e);
        if (first >= 0)
            first = add_conv(b, stage, unit, SHORT_MIX, first, 1, e);
    } else {
        first = add_half(b, in, false, e);
        x = first < 0 ? -1 : add_half(b, in, true, e);
    }
    if (first < 0 || x < 0)
        return -1;
    x = add_conv(b, stage, unit, FIRST + half, x, 1, e);
    if (x >= 0)
        x = add_conv(b, stage, unit, FILTER + half, x, stride, e);
    if (x >= 0)
        x = add_conv(b, stage, unit, SECOND + half, x, 1, e);
    return x < 0 ? -1 : add_shuffle(b, first, x, e);
}

static int operations(struct build *b, struct err *e)
{
    const struct family *f = b->found.family;
    struct want w = {.k = -1,
                     .stride = b->assume.stem_stride,
                     .width = -1,
                     .addend = -1,
                     .act = f->how & PLAIN_STEM ? GRAPH_NONE : GRAPH_RELU};
    char path[FAMILY_KEY];
    int x = design_name(b, design_conv(b, f->part_of[STEM], f->part_of[STEM_NORM], 0, &w, e),
                        "conv1", f->part_of[STEM]);
    if (x >= 0 && b->assume.pool >= ASSUME_POOL_MAX)
        x = build_max_pool(b, x, e);
    for (int s = 0; s < b->found.stages; s++)
        /* A stage that is missing altogether is missed by the name of its first key. */
        for (int i = 0; (i < b->found.blocks[s] || i == 0) && x >= 0; i++)
            x = design_call(b, add_unit(b, s, i, x, e), s + 1, i, unit_path(path, b, s, i));
    w = (struct want){.k = 1, .stride = 1, .width = -1, .addend = -1, .act = GRAPH_RELU};
    if (x >= 0)
        x = design_name(b, design_conv(b, f->part_of[LAST], f->part_of[LAST_NORM], x, &w, e),
                        "last", f->how & STAGES_FROM_ONE ? f->part_of[LAST] : "conv5");
    return x >= 0 && build_head(b, x, e) >= 0 ? 0 : -1;
}

static const struct design shufflenet = {.what = "ShuffleNetV2",
                                         .choices =
                                             DESIGN_STEM_STRIDE | DESIGN_POOL | DESIGN_STRIDES,
                                         .settle = settle,
                                         .operations = operations};

static const char *const torchvision[PARTS] = {
    [STEM] = "conv1.0",
    [STEM_NORM] = "conv1.1",
    [UNIT] = "stage%.%",
    [SHORT_FILTER] = "branch1.0",
    [SHORT_FILTER_NORM] = "branch1.1",
    [SHORT_MIX] = "branch1.2",
    [SHORT_MIX_NORM] = "branch1.3",
    [FIRST] = "branch2.0",
    [FIRST_NORM] = "branch2.1",
    [FILTER] = "branch2.3",
    [FILTER_NORM] = "branch2.4",
    [SECOND] = "branch2.5",
    [SECOND_NORM] = "branch2.6",
    [LAST] = "conv5.0",
    [LAST_NORM] = "conv5.1",
};

static const char *const weiaicunzai[PARTS] = {
    [STEM] = "pre.0",
    [STEM_NORM] = "pre.1",
    [UNIT] = "stage%.%",
    [SHORT_FILTER] = "shortcut.0",
    [SHORT_FILTER_NORM] = "shortcut.1",
    [SHORT_MIX] = "shortcut.2",
    [SHORT_MIX_NORM] = "shortcut.3",
    [FIRST] = "residual.0",
    [FIRST_NORM] = "residual.1",
    [FILTER] = "residual.3",
    [FILTER_NORM] = "residual.4",
    [SECOND] = "residual.5",
    [SECOND_NORM] = "residual.6",
    [LAST] = "conv5.0",
    [LAST_NORM] = "conv5.1",
};

static const char *const kuangliu[PARTS] = {
    [STEM] = "conv1",
    [STEM_NORM] = "bn1",
    [UNIT] = "layer%.%",
    [SHORT_FILTER] = "conv1",
    [SHORT_FILTER_NORM] = "bn1",
    [SHORT_MIX] = "conv2",
    [SHORT_MIX_NORM] = "bn2",
    [FIRST] = "conv3",
    [FIRST_NORM] = "bn3",
    [FILTER] = "conv4",
    [FILTER_NORM] = "bn4",
    [SECOND] = "conv5",
    [SECOND_NORM] = "bn5",
    [HALF_FIRST] = "conv1",
    [HALF_FIRST_NORM] = "bn1",
    [HALF_FILTER] = "conv2",
    [HALF_FILTER_NORM] = "bn2",
    [HALF_SECOND] = "conv3",
    [HALF_SECOND_NORM] = "bn3",
    [LAST] = "conv2",
    [LAST_NORM] = "bn2",
};

const struct family families_shufflenet[] = {
    {.name = "torchvision-shufflenetv2",
     .about = "conv1.0, stage2.0.branch1.0, branch2, conv5.0, fc",
     .design = &shufflenet,
     .sign = {"conv1.0", "stage2.0.branch1.0", "stage2.0.branch2.5", "conv5.0"},
     .part_of = torchvision,
     .linear = "fc"},
    {.name = "weiaicunzai-shufflenetv2",
     .about = "pre.0, stage2.0.residual.0, shortcut.2, conv5.0, fc",
     .design = &shufflenet,
     .sign = {"pre.0", "stage2.0.residual.5", "stage2.0.shortcut.2", "conv5.0"},
     .part_of = weiaicunzai,
     .how = CIFAR | PLAIN_STEM,
     .linear = "fc"},
    {.name = "kuangliu-shufflenetv2",
     .about = "conv1, layer1.0.conv4, layer1.0.conv5, conv2, linear",
     .design = &shufflenet,
     .sign = {"layer1.0.conv4", "layer1.0.conv5", "layer1.1.conv3", "conv2"},
     .part_of = kuangliu,
     .how = CIFAR | STAGES_FROM_ONE,
     .linear = "linear"},
    {.name = NULL},
};
