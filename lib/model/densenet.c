/* DenseNet-BC (Huang et al. 2017): each layer reads all channels before it in its block and joins
 * some more to them. */
#include "model/design.h"

#include <stdio.h>

enum {
    STEM,
    STEM_NORM, /* with ReLU; or NULL */
    LAYER,     /* "features.denseblock%.denselayer%" */
    LAST_LAYER /* the same in the last block, or NULL */,
    NORM1,
    CONV1,
    NORM2,
    CONV2,
    TRANSITION_NORM, /* "features.transition%.norm" */
    TRANSITION_CONV,
    LAST_NORM,
    PARTS
};

/* Bits of family.how. */
enum {
    BLOCKS_FROM_ZERO = 1, /* blocks are counted from 0, not 1 */
    LAYERS_FROM_ZERO = 2,
    PLAIN_TRANSITION = 4, /* no ReLU behind the norm of a transition */
    NEW_FIRST = 8         /* the channels of a layer stand before those that it reads */
};

/* The number of the first block. */
static int first(const struct build *b)
{
    return b->found.family->how & BLOCKS_FROM_ZERO ? 0 : 1;
}

/* "features.denseblock1.denselayer1" of a stage and layer from 0, with a part behind it. */
static char *layer_part(char *part, const struct build *b, int stage, int layer, int k)
{
    const char *const *name = b->found.family->part_of;
    char path[FAMILY_KEY / 2], last[FAMILY_KEY];
    const bool other = stage == b->found.stages - 1 && name[LAST_LAYER];
    const int from = b->found.family->how & LAYERS_FROM_ZERO ? 0 : 1;
    design_part(last, b, other ? LAST_LAYER : LAYER, stage + first(b), layer + from);
    snprintf(path, sizeof path, "%.250s", last);
    snprintf(part, FAMILY_KEY, "%s.%s", path, name[k]);
    return part;
}

/* Any part of it, so that another one is missed by its name. */
static bool has_transition(const struct build *b, int stage)
{
    char part[FAMILY_KEY];
    return build_has(b, 0, 0, design_part(part, b, TRANSITION_NORM, stage + first(b), 0)) ||
           build_has(b, 0, 0, design_part(part, b, TRANSITION_CONV, stage + first(b), 0));
}

static void settle(struct build *b, struct design_usual *u)
{
    struct found *f = &b->found;
    char part[FAMILY_KEY];
    const char *stem = f->family->part_of[STEM];
    const struct ckpt_tensor *t = design_weights(b, stem);
    const bool large = t && t->shape[2] > 3;
    /* As many stages as transitions, and one more. */
    f->stages = 1;
    while (f->stages < FAMILY_STAGES && has_transition(b, f->stages - 1))
        f->stages++;
    for (int s = 0; s < f->stages; s++)
        while (f->blocks[s] < FAMILY_BLOCKS &&
               build_has(b, 0, 0, layer_part(part, b, s, f->blocks[s], CONV2)))
            f->blocks[s]++;
    u->side = large ? 224 : 32;
    u->stem_stride = large ? 2 : 1;
    u->pool = large ? ASSUME_POOL_MAX : ASSUME_POOL_NONE;
}

static int add_layer(struct build *b, int stage, int layer, int in, struct err *e)
{
    char part[FAMILY_KEY], norm[FAMILY_KEY];
    struct want w = {.k = 1, .stride = 1, .width = -1, .addend = -1, .act = GRAPH_RELU};
    int x = design_norm(b, layer_part(part, b, stage, layer, NORM1), in, &w, e);
    if (x >= 0)
        x = design_conv(b, layer_part(part, b, stage, layer, CONV1),
                        layer_part(norm, b, stage, layer, NORM2), x, &w, e);
    w.k = 3;
    w.act = GRAPH_NONE;
    if (x >= 0)
        x = design_conv(b, layer_part(part, b, stage, layer, CONV2), NULL, x, &w, e);
    if (x >= 0 && b->found.family->how & NEW_FIRST)
        return design_concat(b, x, in, e);
    return x < 0 ? -1 : design_concat(b, in, x, e);
}

/* Fewer channels, and half the height and width. */
static int add_transition(struct build *b, int stage, int in, struct err *e)
{
    char part[FAMILY_KEY];
    struct want w = {.k = 1, .stride = 1, .width = -1, .addend = -1};
    w.act = b->found.family->how & PLAIN_TRANSITION ? GRAPH_NONE : GRAPH_RELU;
    int x = design_norm(b, design_part(part, b, TRANSITION_NORM, stage + first(b), 0), in, &w, e);
    w.act = GRAPH_NONE;
    if (x >= 0)
        x = design_conv(b, design_part(part, b, TRANSITION_CONV, stage + first(b), 0), NULL, x, &w,
                        e);
    return x < 0 ? -1 : design_pool(b, GRAPH_MEAN_POOL, x, 2, 2, 0, false, e);
}

static int add_stem(struct build *b, struct err *e)
{
    const char *const *name = b->found.family->part_of;
    const struct want w = {.k = -1,
                           .stride = b->assume.stem_stride,
                           .width = -1,
                           .addend = -1,
                           .act = name[STEM_NORM] ? GRAPH_RELU : GRAPH_NONE};
    int x =
        design_name(b, design_conv(b, name[STEM], name[STEM_NORM], 0, &w, e), "conv1", name[STEM]);
    return x >= 0 && b->assume.pool >= ASSUME_POOL_MAX ? build_max_pool(b, x, e) : x;
}

static int operations(struct build *b, struct err *e)
{
    const char *last = b->found.family->part_of[LAST_NORM];
    const struct want w = {.addend = -1, .act = GRAPH_RELU};
    int x = add_stem(b, e);
    for (int s = 0; s < b->found.stages && x >= 0; s++) {
        /* A layer that is missing altogether is missed by the name of its first key. */
        for (int i = 0; (i < b->found.blocks[s] || i == 0) && x >= 0; i++)
            x = design_call(b, add_layer(b, s, i, x, e), s + 1, i, NULL);
        if (x >= 0 && s < b->found.stages - 1)
            x = add_transition(b, s, x, e);
    }
    if (x >= 0)
        x = design_name(b, design_norm(b, last, x, &w, e), "last", last);
    return x >= 0 && build_head(b, x, e) >= 0 ? 0 : -1;
}

static const struct design densenet = {.what = "DenseNet",
                                       .choices = DESIGN_STEM_STRIDE | DESIGN_POOL,
                                       .settle = settle,
                                       .operations = operations};

static const char *const torchvision[PARTS] = {
    [STEM] = "features.conv0",
    [STEM_NORM] = "features.norm0",
    [LAYER] = "features.denseblock%.denselayer%",
    [NORM1] = "norm1",
    [CONV1] = "conv1",
    [NORM2] = "norm2",
    [CONV2] = "conv2",
    [TRANSITION_NORM] = "features.transition%.norm",
    [TRANSITION_CONV] = "features.transition%.conv",
    [LAST_NORM] = "features.norm5",
};

/* The same as torchvision's files name them, which date from before points were forbidden. */
static const char *const points[PARTS] = {
    [STEM] = "features.conv0",
    [STEM_NORM] = "features.norm0",
    [LAYER] = "features.denseblock%.denselayer%",
    [NORM1] = "norm.1",
    [CONV1] = "conv.1",
    [NORM2] = "norm.2",
    [CONV2] = "conv.2",
    [TRANSITION_NORM] = "features.transition%.norm",
    [TRANSITION_CONV] = "features.transition%.conv",
    [LAST_NORM] = "features.norm5",
};

static const char *const weiaicunzai[PARTS] = {
    [STEM] = "conv1",
    [LAYER] = "features.dense_block_layer_%.bottle_neck_layer_%",
    [LAST_LAYER] = "features.dense_block%.bottle_neck_layer_%",
    [NORM1] = "bottle_neck.0",
    [CONV1] = "bottle_neck.2",
    [NORM2] = "bottle_neck.3",
    [CONV2] = "bottle_neck.5",
    [TRANSITION_NORM] = "features.transition_layer_%.down_sample.0",
    [TRANSITION_CONV] = "features.transition_layer_%.down_sample.1",
    [LAST_NORM] = "features.bn",
};

static const char *const kuangliu[PARTS] = {
    [STEM] = "conv1",
    [LAYER] = "dense%.%",
    [NORM1] = "bn1",
    [CONV1] = "conv1",
    [NORM2] = "bn2",
    [CONV2] = "conv2",
    [TRANSITION_NORM] = "trans%.bn",
    [TRANSITION_CONV] = "trans%.conv",
    [LAST_NORM] = "bn",
};

const struct family families_densenet[] = {
    {.name = "torchvision-densenet",
     .about = "features.denseblock1.denselayer1.conv1, transition1, norm5, classifier",
     .design = &densenet,
     .sign = {"features.conv0", "features.denseblock1.denselayer1.conv1", "features.norm5"},
     .part_of = torchvision,
     .linear = "classifier"},
    {.name = "torchvision-densenet-files",
     .about = "features.denseblock1.denselayer1.conv.1, transition1, norm5, classifier",
     .design = &densenet,
     .sign = {"features.conv0", "features.denseblock1.denselayer1.conv.1", "features.norm5"},
     .part_of = points,
     .linear = "classifier"},
    {.name = "weiaicunzai-densenet",
     .about = "conv1, features.dense_block_layer_0.bottle_neck_layer_0, transition_layer_0, linear",
     .design = &densenet,
     .sign = {"conv1", "features.dense_block_layer_0.bottle_neck_layer_0.bottle_neck.2",
              "features.bn"},
     .part_of = weiaicunzai,
     .how = BLOCKS_FROM_ZERO | LAYERS_FROM_ZERO | PLAIN_TRANSITION,
     .linear = "linear"},
    {.name = "kuangliu-densenet",
     .about = "conv1, dense1.0.conv1, trans1.conv, bn, linear",
     .design = &densenet,
     .sign = {"dense1.0.conv1", "dense1.0.conv2", "trans1.conv", "bn"},
     .part_of = kuangliu,
     .how = LAYERS_FROM_ZERO | NEW_FIRST,
     .linear = "linear"},
    {.name = NULL},
};
