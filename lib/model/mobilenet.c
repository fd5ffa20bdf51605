/* MobileNetV2 (Sandler et al. 2018): blocks that widen, filter each channel by itself and narrow
 * again. */
#include "model/design.h"

#include <stdio.h>
#include <string.h>

enum {
    STEM,
    STEM_NORM,
    BLOCK,  /* "stage%.%", or "features.%" where blocks are counted through */
    SINGLE, /* the same where a stage is one block, or NULL */
    WIDEN,
    WIDEN_NORM,
    FILTER,
    FILTER_NORM,
    NARROW,
    NARROW_NORM,
    BARE_FILTER, /* the same in a block that does not widen; NULL where all do */
    BARE_FILTER_NORM,
    BARE_NARROW,
    BARE_NARROW_NORM,
    SHORTCUT, /* a convolution beside a block of stride 1 that changes channels, or NULL */
    SHORTCUT_NORM,
    LAST, /* the last convolution; of one number more than the blocks where they are counted through
           */
    LAST_NORM,
    PARTS
};

/* Bits of family.how. */
enum {
    THROUGH = 1,    /* one row of blocks from 1 */
    GROWN_STEM = 2, /* a stem of 1 by 1 with padding of a cell */
    FROM_ZERO = 4,  /* the row begins with 0 */
    PLAIN_RELU = 8  /* not clipped at 6 */
};

/* How many blocks the stages of the paper have, their strides there, and what repositories made
 * of those for CIFAR. */
enum { STAGES = 7, BLOCKS = 17 };
#define ONES 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
static const int usual_blocks[STAGES] = {1, 2, 3, 4, 3, 3, 1};
static const int large_strides[FAMILY_STAGES] = {1, 2, 2, 2, 1, 2, ONES};
static const int small_strides[FAMILY_STAGES] = {1, 1, 2, 2, 1, 2, ONES};
static const int staged_strides[FAMILY_STAGES] = {1, 2, 2, 2, 1, 1, ONES};

/* --- keys --- */

/* The number of the first of a row of blocks. */
static int first(const struct build *b)
{
    return b->found.family->how & FROM_ZERO ? 0 : 1;
}

/* A part of the block that is found at `path`. */
static char *inner(char *part, const struct build *b, const char *path, int k)
{
    snprintf(part, FAMILY_KEY, "%.250s.%s", path, b->found.family->part_of[k]);
    return part;
}

static bool has_part(const struct build *b, const char *path, int k)
{
    char part[FAMILY_KEY];
    return build_has_conv(b, 0, 0, inner(part, b, path, k));
}

/* "features.2" of a stage and block from 0. */
static char *block_path(char *path, const struct build *b, int stage, int block)
{
    const struct found *f = &b->found;
    int at = first(b) + block;
    for (int s = 0; s < stage; s++)
        at += f->blocks[s];
    if (f->family->how & THROUGH)
        return design_part(path, b, BLOCK, at, 0);
    if (block == 0 && has_part(b, design_part(path, b, SINGLE, stage + 1, 0), FILTER))
        return path;
    return design_part(path, b, BLOCK, stage + 1, block);
}

/* Whether a block widens its input before it filters it. */
static bool widens(const struct build *b, const char *path)
{
    return !b->found.family->part_of[BARE_FILTER] || has_part(b, path, FILTER);
}

/* The width of a block in a row of them; -1 where there is none. */
static int64_t width_at(const struct build *b, int at)
{
    char path[FAMILY_KEY], part[FAMILY_KEY];
    design_part(path, b, BLOCK, at, 0);
    const struct ckpt_tensor *t =
        design_weights(b, inner(part, b, path, widens(b, path) ? NARROW : BARE_NARROW));
    return t ? t->shape[0] : -1;
}

/* Whether there is any part of a block in a row of them, so that another one is missed by its
 * name. */
static bool has_block(const struct build *b, int at)
{
    char path[FAMILY_KEY], part[FAMILY_KEY];
    design_part(path, b, BLOCK, at, 0);
    for (int k = WIDEN; k <= BARE_NARROW_NORM; k++)
        if (b->found.family->part_of[k] && build_has(b, 0, 0, inner(part, b, path, k)))
            return true;
    return false;
}

/* --- stages --- */

/* Of a row of blocks: those of the paper where there are as many, or else a stage for each width;
 * the first block that widens begins one, too. */
static void divide(struct build *b)
{
    struct found *f = &b->found;
    char path[FAMILY_KEY];
    int64_t before = -1;
    bool bare = false;
    int n = 0;
    while (n < FAMILY_BLOCKS && has_block(b, first(b) + n))
        n++;
    if (n == BLOCKS) {
        f->stages = STAGES;
        memcpy(f->blocks, usual_blocks, sizeof usual_blocks);
        return;
    }
    for (int i = first(b); i < first(b) + n; i++) {
        const bool wide = widens(b, design_part(path, b, BLOCK, i, 0));
        if ((width_at(b, i) != before || (bare && wide)) && f->stages < FAMILY_STAGES)
            f->stages++;
        f->blocks[f->stages - 1]++;
        before = width_at(b, i);
        bare = !wide;
    }
}

/* Of blocks whose keys tell the stage. */
static void count(struct build *b)
{
    struct found *f = &b->found;
    char path[FAMILY_KEY];
    for (f->stages = 0; f->stages < FAMILY_STAGES; f->stages++) {
        int *n = &f->blocks[f->stages];
        while (*n < FAMILY_BLOCKS && has_part(b, block_path(path, b, f->stages, *n), FILTER))
            ++*n;
        if (*n == 0)
            break;
    }
}

static void settle(struct build *b, struct design_usual *u)
{
    if (!(b->found.family->how & THROUGH)) {
        count(b);
        u->stem_stride = 1;
        u->strides = staged_strides;
        return;
    }
    const bool shown = b->found.family->part_of[SHORTCUT] != NULL;
    const bool large = !shown && design_large(b);
    divide(b);
    u->side = large ? 224 : 32;
    u->stem_stride = large ? 2 : 1;
    if (shown)
        return;
    u->strides = large ? large_strides : small_strides;
    u->others = large ? small_strides : large_strides;
}

/* --- operations --- */

static int add_clipped(struct build *b, const char *conv, const char *norm, int in,
                       const struct want *as, struct err *e)
{
    const bool plain = b->found.family->how & PLAIN_RELU;
    struct want w = *as;
    w.act = plain ? GRAPH_RELU : GRAPH_NONE;
    int x = design_conv(b, conv, norm, in, &w, e);
    return x < 0 || plain ? x : design_function(b, GRAPH_CLIP, 0, 6, x, e);
}

/* What a block of stride 1 is added to: its input, or a convolution of that; -1 where nothing is.
 */
static int find_addend(struct build *b, const char *path, int in, int width, int *addend,
                       struct err *e)
{
    const struct want w = {.k = 1, .stride = 1, .width = width, .addend = -1};
    char part[FAMILY_KEY], norm[FAMILY_KEY];
    *addend = width == b->graph->value[in].c ? in : -1;
    if (!b->found.family->part_of[SHORTCUT] || !has_part(b, path, SHORTCUT))
        return 0;
    *addend = design_conv(b, inner(part, b, path, SHORTCUT), inner(norm, b, path, SHORTCUT_NORM),
                          in, &w, e);
    return *addend < 0 ? -1 : 0;
}

static int add_block(struct build *b, const char *path, int in, int stride, struct err *e)
{
    const bool wide = widens(b, path);
    char part[FAMILY_KEY], norm[FAMILY_KEY];
    struct want w = {.k = 1, .stride = 1, .width = -1, .addend = -1};
    int x = in;
    if (wide)
        x = add_clipped(b, inner(part, b, path, WIDEN), inner(norm, b, path, WIDEN_NORM), x, &w, e);
    if (x < 0)
        return -1;
    w = (struct want){
        .k = 3, .stride = stride, .width = b->graph->value[x].c, .addend = -1, .grouped = true};
    x = add_clipped(b, inner(part, b, path, wide ? FILTER : BARE_FILTER),
                    inner(norm, b, path, wide ? FILTER_NORM : BARE_FILTER_NORM), x, &w, e);
    if (x < 0)
        return -1;
    w = (struct want){.k = 1, .stride = 1, .width = -1, .addend = -1};
    inner(part, b, path, wide ? NARROW : BARE_NARROW);
    const struct ckpt_tensor *t = design_weights(b, part);
    if (stride == 1 && t && find_addend(b, path, in, (int)t->shape[0], &w.addend, e) != 0)
        return -1;
    return design_conv(b, part, inner(norm, b, path, wide ? NARROW_NORM : BARE_NARROW_NORM), x, &w,
                       e);
}

/* Of the first block of a stage. Where shortcuts show it, channels change with stride 2 and without
 * a shortcut, or with stride 1 and one. */
static int stride_of(const struct build *b, int stage, const char *path, int in)
{
    char part[FAMILY_KEY];
    if (!b->found.family->part_of[SHORTCUT])
        return b->assume.strides[stage];
    const struct ckpt_tensor *t = design_weights(b, inner(part, b, path, NARROW));
    const bool same = t && t->shape[0] == b->graph->value[in].c;
    return same || has_part(b, path, SHORTCUT) ? 1 : 2;
}

static int add_blocks(struct build *b, int x, struct err *e)
{
    char path[FAMILY_KEY];
    for (int s = 0; s < b->found.stages; s++)
        for (int i = 0; i < b->found.blocks[s] && x >= 0; i++) {
            block_path(path, b, s, i);
            x = add_block(b, path, x, i == 0 ? stride_of(b, s, path, x) : 1, e);
            x = design_call(b, x, s + 1, i, path);
        }
    return x;
}

static int operations(struct build *b, struct err *e)
{
    const struct family *f = b->found.family;
    struct want w = {.k = -1,
                     .stride = b->assume.stem_stride,
                     .width = -1,
                     .addend = -1,
                     .grow = f->how & GROWN_STEM ? 1 : 0};
    char last[FAMILY_KEY], norm[FAMILY_KEY];
    int behind = 1;
    for (int s = 0; s < b->found.stages; s++)
        behind += b->found.blocks[s];
    int x = add_clipped(b, f->part_of[STEM], f->part_of[STEM_NORM], 0, &w, e);
    x = design_name(b, x, "conv1", f->part_of[STEM]);
    if (x >= 0)
        x = add_blocks(b, x, e);
    design_part(last, b, LAST, behind, 0);
    design_part(norm, b, LAST_NORM, behind, 0);
    w = (struct want){.k = 1, .stride = 1, .width = -1, .addend = -1};
    if (x >= 0)
        x = design_name(b, add_clipped(b, last, norm, x, &w, e), "last", last);
    return x >= 0 && build_head(b, x, e) >= 0 ? 0 : -1;
}

static const struct design mobilenet = {.what = "MobileNetV2",
                                        .choices = DESIGN_STEM_STRIDE | DESIGN_STRIDES,
                                        .settle = settle,
                                        .operations = operations};

/* Strides show in the shortcuts. */
static const struct design shown = {.what = "MobileNetV2",
                                    .choices = DESIGN_STEM_STRIDE,
                                    .settle = settle,
                                    .operations = operations};

static const char *const torchvision[PARTS] = {
    [STEM] = "features.0.0",         [STEM_NORM] = "features.0.1",
    [BLOCK] = "features.%",          [WIDEN] = "conv.0.0",
    [WIDEN_NORM] = "conv.0.1",       [FILTER] = "conv.1.0",
    [FILTER_NORM] = "conv.1.1",      [NARROW] = "conv.2",
    [NARROW_NORM] = "conv.3",        [BARE_FILTER] = "conv.0.0",
    [BARE_FILTER_NORM] = "conv.0.1", [BARE_NARROW] = "conv.1",
    [BARE_NARROW_NORM] = "conv.2",   [LAST] = "features.%.0",
    [LAST_NORM] = "features.%.1",
};

static const char *const weiaicunzai[PARTS] = {
    [STEM] = "pre.0",        [STEM_NORM] = "pre.1",
    [BLOCK] = "stage%.%",    [SINGLE] = "stage%",
    [WIDEN] = "residual.0",  [WIDEN_NORM] = "residual.1",
    [FILTER] = "residual.3", [FILTER_NORM] = "residual.4",
    [NARROW] = "residual.6", [NARROW_NORM] = "residual.7",
    [LAST] = "conv1.0",      [LAST_NORM] = "conv1.1",
};

static const char *const kuangliu[PARTS] = {
    [STEM] = "conv1",
    [STEM_NORM] = "bn1",
    [BLOCK] = "layers.%",
    [WIDEN] = "conv1",
    [WIDEN_NORM] = "bn1",
    [FILTER] = "conv2",
    [FILTER_NORM] = "bn2",
    [NARROW] = "conv3",
    [NARROW_NORM] = "bn3",
    [SHORTCUT] = "shortcut.0",
    [SHORTCUT_NORM] = "shortcut.1",
    [LAST] = "conv2",
    [LAST_NORM] = "bn2",
};

const struct family families_mobilenet[] = {
    {.name = "torchvision-mobilenetv2",
     .about = "features.0.0, features.1.conv.0.0, classifier.1",
     .design = &mobilenet,
     .sign = {"features.0.0", "features.1.conv.0.0", "features.2.conv.1.0"},
     .part_of = torchvision,
     .how = THROUGH,
     .linear = "classifier"},
    {.name = "weiaicunzai-mobilenetv2",
     .about = "pre.0, stage1.residual.0, stage2.0.residual.0, conv1.0, conv2",
     .design = &mobilenet,
     .sign = {"pre.0", "stage1.residual.0", "stage2.0.residual.0", "conv2"},
     .part_of = weiaicunzai,
     .how = GROWN_STEM,
     .linear = "conv2"},
    {.name = "kuangliu-mobilenetv2",
     .about = "conv1, layers.0.conv3, layers.0.shortcut.0, conv2, linear",
     .design = &shown,
     .sign = {"layers.0.conv3", "layers.0.shortcut.0", "layers.1.conv3", "conv2"},
     .part_of = kuangliu,
     .how = THROUGH | FROM_ZERO | PLAIN_RELU,
     .linear = "linear"},
    {.name = NULL},
};
