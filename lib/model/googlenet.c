/* GoogLeNet with batch norms (Szegedy et al. 2015): modules of four branches, whose channels are
 * joined. */
#include "model/design.h"

#include <stdio.h>

/* Bits of family.how. */
enum {
    LARGE = 1,    /* torchvision's, for ImageNet: else for CIFAR, weiaicunzai's or */
    PLAIN_EPS = 2 /* kuangliu's, which has the same eps everywhere */
};

/* How many modules the stages have. */
enum { STAGES = 3, FIRST_STAGE = 3, BRANCHES = 4, POOLED_BRANCH = 3 };
static const int modules[STAGES] = {2, 5, 2};

/* A convolution of a branch, with its norm and ReLU. */
struct step {
    const char *conv, *norm;
    int branch;
    bool wide_eps; /* weiaicunzai declared its norm with the number of channels as its eps, too */
};

static const struct step torchvision_steps[] = {
    {"branch1.conv", "branch1.bn", 0, false},
    {"branch2.0.conv", "branch2.0.bn", 1, false},
    {"branch2.1.conv", "branch2.1.bn", 1, false},
    {"branch3.0.conv", "branch3.0.bn", 2, false},
    {"branch3.1.conv", "branch3.1.bn", 2, false},
    {"branch4.1.conv", "branch4.1.bn", 3, false},
    {NULL, NULL, BRANCHES, false},
};

static const struct step small_steps[] = {
    {"b1.0", "b1.1", 0, false}, {"b2.0", "b2.1", 1, false},    {"b2.3", "b2.4", 1, false},
    {"b3.0", "b3.1", 2, false}, {"b3.3", "b3.4", 2, true},     {"b3.6", "b3.7", 2, false},
    {"b4.1", "b4.2", 3, false}, {NULL, NULL, BRANCHES, false},
};

static bool is_large(const struct build *b)
{
    return b->found.family->how & LARGE;
}

static void settle(struct build *b, struct design_usual *u)
{
    struct found *f = &b->found;
    f->stages = STAGES;
    for (int s = 0; s < STAGES; s++)
        f->blocks[s] = modules[s];
    u->side = is_large(b) ? 224 : 32;
}

static int add_conv(struct build *b, const char *conv, const char *norm, int in, int stride,
                    double eps, struct err *e)
{
    const struct want w = {
        .k = -1, .stride = stride, .width = -1, .addend = -1, .act = GRAPH_RELU, .eps = eps};
    return design_conv(b, conv, norm, in, &w, e);
}

/* "inception3a" of a stage and module from 0, or "a3". */
static char *module_path(char *path, const struct build *b, int stage, int module)
{
    if (is_large(b))
        snprintf(path, FAMILY_KEY, "inception%d%c", stage + FIRST_STAGE, 'a' + module);
    else
        snprintf(path, FAMILY_KEY, "%c%d", 'a' + module, stage + FIRST_STAGE);
    return path;
}

static int add_branch(struct build *b, const char *path, int branch, int in, struct err *e)
{
    const struct step *s = is_large(b) ? torchvision_steps : small_steps;
    const bool plain = b->found.family->how & PLAIN_EPS;
    char conv[FAMILY_KEY], norm[FAMILY_KEY];
    int x = in;
    if (branch == POOLED_BRANCH)
        x = design_pool(b, GRAPH_MAX_POOL, x, 3, 1, 1, is_large(b), e);
    for (; s->branch < BRANCHES && x >= 0; s++) {
        if (s->branch != branch)
            continue;
        snprintf(conv, sizeof conv, "%.250s.%s", path, s->conv);
        snprintf(norm, sizeof norm, "%.250s.%s", path, s->norm);
        const struct ckpt_tensor *t = s->wide_eps && !plain ? design_weights(b, conv) : NULL;
        x = add_conv(b, conv, norm, x, 1, t ? (double)t->shape[0] : 0, e);
    }
    return x;
}

static int add_module(struct build *b, const char *path, int in, struct err *e)
{
    int x = add_branch(b, path, 0, in, e);
    for (int i = 1; i < BRANCHES && x >= 0; i++) {
        int y = add_branch(b, path, i, in, e);
        x = y < 0 ? -1 : design_concat(b, x, y, e);
    }
    return x;
}

/* Halves height and width. */
static int add_pool(struct build *b, int in, int k, struct err *e)
{
    return is_large(b) ? design_pool(b, GRAPH_MAX_POOL, in, k, 2, 0, true, e)
                       : design_pool(b, GRAPH_MAX_POOL, in, 3, 2, 1, false, e);
}

static int add_large_stem(struct build *b, struct err *e)
{
    int x = design_name(b, add_conv(b, "conv1.conv", "conv1.bn", 0, 2, 0, e), "conv1", NULL);
    if (x >= 0)
        x = add_pool(b, x, 3, e);
    if (x >= 0)
        x = add_conv(b, "conv2.conv", "conv2.bn", x, 1, 0, e);
    if (x >= 0)
        x = add_conv(b, "conv3.conv", "conv3.bn", x, 1, 0, e);
    return x < 0 ? -1 : add_pool(b, x, 3, e);
}

/* One convolution or, of the later version, three with pooling behind them. */
static int add_small_stem(struct build *b, struct err *e)
{
    const char *stem = b->found.family->part_of[0];
    char conv[FAMILY_KEY], norm[FAMILY_KEY];
    snprintf(conv, sizeof conv, "%s.3", stem);
    const bool three = build_has(b, 0, 0, conv);
    int x = 0;
    for (int i = 0; i < (three ? 9 : 3) && x >= 0; i += 3) {
        snprintf(conv, sizeof conv, "%s.%d", stem, i);
        snprintf(norm, sizeof norm, "%s.%d", stem, i + 1);
        x = add_conv(b, conv, norm, x, 1, 0, e);
    }
    x = design_name(b, x, "conv1", stem);
    return x >= 0 && three ? add_pool(b, x, 3, e) : x;
}

static int operations(struct build *b, struct err *e)
{
    char path[FAMILY_KEY];
    int x = is_large(b) ? add_large_stem(b, e) : add_small_stem(b, e);
    for (int s = 0; s < STAGES && x >= 0; s++) {
        for (int i = 0; i < modules[s] && x >= 0; i++) {
            module_path(path, b, s, i);
            x = design_call(b, add_module(b, path, x, e), s + 1, i, path);
        }
        if (x >= 0 && s < STAGES - 1)
            x = add_pool(b, x, s == 0 ? 3 : 2, e);
    }
    return x >= 0 && build_head(b, x, e) >= 0 ? 0 : -1;
}

static const struct design googlenet = {
    .what = "GoogLeNet", .settle = settle, .operations = operations};

static const char *const weiaicunzai[] = {"prelayer"}, *const kuangliu[] = {"pre_layers"};

const struct family families_googlenet[] = {
    {.name = "torchvision-googlenet",
     .about = "conv1.conv, inception3a.branch1.conv, fc",
     .design = &googlenet,
     .sign = {"conv1.conv", "inception3a.branch1.conv", "inception3a.branch4.1.conv"},
     .how = LARGE,
     .eps = 1e-3,
     .aside = "aux",
     .linear = "fc"},
    {.name = "weiaicunzai-googlenet",
     .about = "prelayer.0, a3.b1.0, b3, a4, linear",
     .design = &googlenet,
     .sign = {"prelayer.0", "a3.b1.0", "a3.b3.6"},
     .part_of = weiaicunzai,
     .linear = "linear"},
    {.name = "kuangliu-googlenet",
     .about = "pre_layers.0, a3.b1.0, b3, a4, linear",
     .design = &googlenet,
     .sign = {"pre_layers.0", "a3.b1.0", "a3.b3.6"},
     .part_of = kuangliu,
     .how = PLAIN_EPS,
     .linear = "linear"},
    {.name = NULL},
};
