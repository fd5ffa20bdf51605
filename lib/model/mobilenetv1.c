/* MobileNet (Howard et al. 2017): blocks that filter each channel by itself and then mix them. */
#include "model/design.h"

#include <stdio.h>

enum {
    STEM,
    STEM_NORM,
    FIRST_BLOCK, /* "stem.1", or NULL where it is one of the others */
    BLOCK,       /* "conv%.%", or "layers.%" where blocks are counted through */
    FILTER,
    FILTER_NORM,
    MIX,
    MIX_NORM,
    PARTS
};

/* Bits of family.how. */
enum { THROUGH = 1 /* one row of blocks from 0, whose widths show the stages */ };

static const int strides[FAMILY_STAGES] = {1, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* A block, by its stage and number from 0. */
static char *block_path(char *path, const struct build *b, int stage, int block)
{
    const struct found *f = &b->found;
    if (!(f->family->how & THROUGH))
        return stage == 0 ? design_part(path, b, FIRST_BLOCK, 0, 0)
                          : design_part(path, b, BLOCK, stage, block);
    for (int s = 0; s < stage; s++)
        block += f->blocks[s];
    return design_part(path, b, BLOCK, block, 0);
}

static char *inner(char *part, const struct build *b, const char *path, int k)
{
    snprintf(part, FAMILY_KEY, "%.250s.%s", path, b->found.family->part_of[k]);
    return part;
}

static bool has_block(const struct build *b, const char *path)
{
    char part[FAMILY_KEY];
    return build_has(b, 0, 0, inner(part, b, path, FILTER)) ||
           build_has(b, 0, 0, inner(part, b, path, MIX));
}

/* Of blocks whose keys tell the stage: one block, then rows of them. */
static void count(struct build *b)
{
    struct found *f = &b->found;
    char path[FAMILY_KEY];
    f->blocks[0] = 1;
    for (f->stages = 1; f->stages < FAMILY_STAGES; f->stages++) {
        int *n = &f->blocks[f->stages];
        while (*n < FAMILY_BLOCKS && has_block(b, block_path(path, b, f->stages, *n)))
            ++*n;
        if (*n == 0)
            break;
    }
}

/* Of a row of blocks: a stage for each width. */
static void divide(struct build *b)
{
    struct found *f = &b->found;
    char path[FAMILY_KEY], part[FAMILY_KEY];
    int64_t before = -1;
    for (int i = 0; i < FAMILY_BLOCKS && has_block(b, design_part(path, b, BLOCK, i, 0)); i++) {
        const struct ckpt_tensor *t = design_weights(b, inner(part, b, path, MIX));
        const int64_t width = t ? t->shape[0] : before;
        if ((width != before || i == 0) && f->stages < FAMILY_STAGES)
            f->stages++;
        f->blocks[f->stages - 1]++;
        before = width;
    }
}

/* MobileNetV2 of the same repository has the same names, and one convolution more. */
static bool fits(const struct ckpt *c, const struct found *f)
{
    char key[FAMILY_KEY];
    return !ckpt_find(c, family_key(key, f, 0, 0, "layers.0.conv3", "weight"));
}

static void settle(struct build *b, struct design_usual *u)
{
    if (b->found.family->how & THROUGH)
        divide(b);
    else
        count(b);
    u->stem_stride = 1;
    u->strides = strides;
}

static int add_block(struct build *b, const char *path, int in, int stride, struct err *e)
{
    char part[FAMILY_KEY], norm[FAMILY_KEY];
    struct want w = {.k = 3,
                     .stride = stride,
                     .width = b->graph->value[in].c,
                     .addend = -1,
                     .act = GRAPH_RELU,
                     .grouped = true};
    int x =
        design_conv(b, inner(part, b, path, FILTER), inner(norm, b, path, FILTER_NORM), in, &w, e);
    w = (struct want){.k = 1, .stride = 1, .width = -1, .addend = -1, .act = GRAPH_RELU};
    return x < 0 ? -1
                 : design_conv(b, inner(part, b, path, MIX), inner(norm, b, path, MIX_NORM), x, &w,
                               e);
}

static int operations(struct build *b, struct err *e)
{
    const struct family *f = b->found.family;
    const struct want w = {
        .k = -1, .stride = b->assume.stem_stride, .width = -1, .addend = -1, .act = GRAPH_RELU};
    char path[FAMILY_KEY];
    int x = design_name(b, design_conv(b, f->part_of[STEM], f->part_of[STEM_NORM], 0, &w, e),
                        "conv1", f->part_of[STEM]);
    for (int s = 0; s < b->found.stages; s++)
        for (int i = 0; i < b->found.blocks[s] && x >= 0; i++) {
            block_path(path, b, s, i);
            x = add_block(b, path, x, i == 0 ? b->assume.strides[s] : 1, e);
            x = design_call(b, x, s + 1, i, path);
        }
    return x >= 0 && build_head(b, x, e) >= 0 ? 0 : -1;
}

static const struct design mobilenet = {.what = "MobileNet",
                                        .choices = DESIGN_STEM_STRIDE | DESIGN_STRIDES,
                                        .fits = fits,
                                        .settle = settle,
                                        .operations = operations};

static const char *const kuangliu[PARTS] = {
    [STEM] = "conv1",      [STEM_NORM] = "bn1", [BLOCK] = "layers.%", [FILTER] = "conv1",
    [FILTER_NORM] = "bn1", [MIX] = "conv2",     [MIX_NORM] = "bn2",
};

static const char *const weiaicunzai[PARTS] = {
    [STEM] = "stem.0.conv", [STEM_NORM] = "stem.0.bn",  [FIRST_BLOCK] = "stem.1",
    [BLOCK] = "conv%.%",    [FILTER] = "depthwise.0",   [FILTER_NORM] = "depthwise.1",
    [MIX] = "pointwise.0",  [MIX_NORM] = "pointwise.1",
};

const struct family families_mobilenetv1[] = {
    {.name = "kuangliu-mobilenet",
     .about = "conv1, layers.0.conv1, layers.0.conv2, linear",
     .design = &mobilenet,
     .sign = {"layers.0.conv1", "layers.0.conv2", "layers.1.conv2", "conv1"},
     .part_of = kuangliu,
     .how = THROUGH,
     .linear = "linear"},
    {.name = "weiaicunzai-mobilenet",
     .about = "stem.0.conv, stem.1.depthwise.0, conv1.0.pointwise.0, fc",
     .design = &mobilenet,
     .sign = {"stem.0.conv", "stem.1.depthwise.0", "conv1.0.pointwise.0"},
     .part_of = weiaicunzai,
     .linear = "fc"},
    {.name = NULL},
};
