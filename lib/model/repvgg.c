/* RepVGG (Ding et al. 2021): blocks of three branches whose sum goes through ReLU, or of the one
 * convolution that they were merged to. */
#include "model/design.h"

#include <stdio.h>

/* Bits of family.how. */
enum { DEPLOYED = 1 };

/* Behind stage 0, which is one block. */
enum { STAGES = 4 };
static const int large_strides[FAMILY_STAGES] = {2, 2, 2, 2};
static const int small_strides[FAMILY_STAGES] = {1, 2, 2, 2};

/* "stage1.0" of a stage from 1. */
static char *block_path(char *path, int stage, int block)
{
    if (stage == 0)
        snprintf(path, FAMILY_KEY, "stage0");
    else
        snprintf(path, FAMILY_KEY, "stage%d.%d", stage, block);
    return path;
}

static char *inner(char *part, const char *path, const char *of)
{
    snprintf(part, FAMILY_KEY, "%.250s.%s", path, of);
    return part;
}

static void settle(struct build *b, struct design_usual *u)
{
    struct found *f = &b->found;
    const char *conv = f->family->how & DEPLOYED ? "rbr_reparam" : "rbr_dense.conv";
    char path[FAMILY_KEY], part[FAMILY_KEY];
    const bool large = design_large(b);
    f->stages = STAGES;
    for (int s = 0; s < STAGES; s++)
        while (f->blocks[s] < FAMILY_BLOCKS &&
               build_has(b, 0, 0, inner(part, block_path(path, s + 1, f->blocks[s]), conv)))
            f->blocks[s]++;
    u->side = large ? 224 : 32;
    u->stem_stride = large ? 2 : 1;
    u->strides = large ? large_strides : small_strides;
    u->others = large ? small_strides : large_strides;
}

/* The branches one after the other, each added to the one before. Their numbers are merged once
 * they are read (graph_merge). */
static int add_branches(struct build *b, const char *path, int in, int stride, struct err *e)
{
    char conv[FAMILY_KEY], norm[FAMILY_KEY], identity[FAMILY_KEY];
    const bool same = build_has(b, 0, 0, inner(identity, path, "rbr_identity"));
    struct want w = {.k = 3, .stride = stride, .width = -1, .addend = -1, .grouped = in != 0};
    int x = design_conv(b, inner(conv, path, "rbr_dense.conv"), inner(norm, path, "rbr_dense.bn"),
                        in, &w, e);
    if (x < 0)
        return -1;
    w.k = 1;
    w.width = b->graph->value[x].c;
    w.addend = x;
    w.act = same ? GRAPH_NONE : GRAPH_RELU;
    x = design_conv(b, inner(conv, path, "rbr_1x1.conv"), inner(norm, path, "rbr_1x1.bn"), in, &w,
                    e);
    if (x < 0 || !same)
        return x;
    if (stride != 1 || w.width != b->graph->value[in].c)
        return build_refuse(b, e,
                            "left-over key '%s.weight': expected no branch without a convolution "
                            "where the stride is 2 or channels change",
                            identity);
    w.addend = x;
    w.act = GRAPH_RELU;
    return design_norm(b, identity, in, &w, e);
}

/* What the branches and their norms became, which always has biases. */
static int add_deployed(struct build *b, const char *path, int in, const struct want *w,
                        struct err *e)
{
    char part[FAMILY_KEY], key[FAMILY_KEY];
    inner(key, inner(part, path, "rbr_reparam"), "bias");
    if (build_has(b, 0, 0, part) && !build_find(b, key))
        return build_refuse(b, e, "key '%s': expected the biases of the convolution, found none",
                            key);
    return design_conv(b, part, NULL, in, w, e);
}

static int add_block(struct build *b, int stage, int block, int in, int stride, struct err *e)
{
    const struct want w = {
        .k = 3, .stride = stride, .width = -1, .addend = -1, .act = GRAPH_RELU, .grouped = in != 0};
    char path[FAMILY_KEY];
    block_path(path, stage, block);
    int x = b->found.family->how & DEPLOYED ? add_deployed(b, path, in, &w, e)
                                            : add_branches(b, path, in, stride, e);
    return stage == 0 ? design_name(b, x, "conv1", path) : design_call(b, x, stage, block, path);
}

static int operations(struct build *b, struct err *e)
{
    int x = add_block(b, 0, 0, 0, b->assume.stem_stride, e);
    for (int s = 0; s < STAGES; s++)
        /* A stage that is missing altogether is missed by the name of its first key. */
        for (int i = 0; (i < b->found.blocks[s] || i == 0) && x >= 0; i++)
            x = add_block(b, s + 1, i, x, i == 0 ? b->assume.strides[s] : 1, e);
    return x >= 0 && build_head(b, x, e) >= 0 ? 0 : -1;
}

static const struct design repvgg = {.what = "RepVGG",
                                     .choices = DESIGN_STEM_STRIDE | DESIGN_STRIDES,
                                     .settle = settle,
                                     .operations = operations};

const struct family families_repvgg[] = {
    {.name = "repvgg",
     .about = "stage0.rbr_dense, stage1.0.rbr_dense, rbr_1x1, rbr_identity, linear",
     .design = &repvgg,
     .sign = {"stage0.rbr_dense.conv", "stage1.0.rbr_dense.conv", "stage1.0.rbr_1x1.conv"},
     .linear = "linear"},
    {.name = "repvgg-deploy",
     .about = "stage0.rbr_reparam, stage1.0.rbr_reparam, linear",
     .design = &repvgg,
     .sign = {"stage0.rbr_reparam", "stage1.0.rbr_reparam"},
     .how = DEPLOYED,
     .linear = "linear"},
    {.name = NULL},
};
