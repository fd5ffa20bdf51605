/* VGG (Simonyan and Zisserman 2015): rows of convolutions of 3 by 3 with pooling between them. The
 * numbers of the layers show where the pooling lies, since layers without keys count, too. */
#include "model/design.h"

#include <stdio.h>

enum { WINDOW = 3, POOL = 2 };

/* Whether a norm follows convolution `n`. */
static bool is_normed(const struct ckpt *c, const struct found *f, int n)
{
    char part[FAMILY_KEY], key[FAMILY_KEY];
    snprintf(part, sizeof part, "features.%d", n + 1);
    return ckpt_find(c, family_key(key, f, 0, 0, part, "running_var")) != NULL;
}

static const struct ckpt_tensor *convolution(const struct ckpt *c, const struct found *f, int n)
{
    char part[FAMILY_KEY], key[FAMILY_KEY];
    snprintf(part, sizeof part, "features.%d", n);
    const struct ckpt_tensor *t = ckpt_find(c, family_key(key, f, 0, 0, part, "weight"));
    return t && t->ndim == 4 ? t : NULL;
}

/* A convolution, and with it a norm or none, and a ReLU. */
static int span(const struct ckpt *c, const struct found *f, int n)
{
    return is_normed(c, f, n) ? 3 : 2;
}

/* The number of the convolution behind `n`; -1 behind the last. */
static int next(const struct ckpt *c, const struct found *f, int n)
{
    int behind = n + span(c, f, n);
    return convolution(c, f, behind) ? behind : convolution(c, f, behind + 1) ? behind + 1 : -1;
}

/* pytorch-playground's, whose norms have no weights, has a convolution without padding. */
static bool fits(const struct ckpt *c, const struct found *f)
{
    const struct ckpt_tensor *t = convolution(c, f, 0);
    char key[FAMILY_KEY];
    if (is_normed(c, f, 0) && !ckpt_find(c, family_key(key, f, 0, 0, "features.1", "weight")))
        return false;
    return t && t->shape[2] == WINDOW && next(c, f, 0) > 0;
}

/* Whether pooling follows convolution `n`. */
static bool pools(const struct ckpt *c, const struct found *f, int n)
{
    return next(c, f, n) != n + span(c, f, n);
}

/* The first linear layer: "classifier" or the first of several. */
static const struct ckpt_tensor *classifier(const struct build *b)
{
    char part[FAMILY_KEY] = "classifier", key[FAMILY_KEY];
    const struct ckpt_tensor *t =
        ckpt_find(b->ckpt, family_key(key, &b->found, 0, 0, part, "weight"));
    for (int i = 0; i < 10 && !t; i++) {
        snprintf(part, sizeof part, "classifier.%d", i);
        t = ckpt_find(b->ckpt, family_key(key, &b->found, 0, 0, part, "weight"));
    }
    return t && t->ndim == 2 ? t : NULL;
}

/* The side of the grid that the first linear layer reads: 7 of torchvision's. */
static int grid(const struct build *b, int64_t channels)
{
    const struct ckpt_tensor *t = classifier(b);
    int side = 1;
    while (t && side < 64 && channels * side * side < t->shape[1])
        side++;
    return t && channels * side * side == t->shape[1] ? side : 1;
}

static void settle(struct build *b, struct design_usual *u)
{
    struct found *f = &b->found;
    int64_t channels = 1;
    f->stages = 1;
    for (int n = 0; n >= 0; n = next(b->ckpt, f, n)) {
        f->blocks[f->stages - 1]++;
        channels = convolution(b->ckpt, f, n)->shape[0];
        if (pools(b->ckpt, f, n) && next(b->ckpt, f, n) >= 0 && f->stages < FAMILY_STAGES)
            f->stages++;
    }
    /* torchvision's pools images of any size to its grid: the grid does not say which. */
    const bool unknown = b->graph->value[0].h == 0;
    u->side = grid(b, channels) > 1 && (unknown || design_large(b)) ? 224 : 32;
}

/* A convolution, its norm, ReLU, and what pools behind them. */
static int add_layer(struct build *b, int n, int stage, int block, int in, struct err *e)
{
    const struct want w = {.k = WINDOW, .stride = 1, .width = -1, .addend = -1, .act = GRAPH_RELU};
    const bool normed = is_normed(b->ckpt, &b->found, n);
    char conv[FAMILY_KEY], norm[FAMILY_KEY], key[FAMILY_KEY];
    const int end = n + span(b->ckpt, &b->found, n);
    snprintf(conv, sizeof conv, "features.%d", n);
    snprintf(norm, sizeof norm, "features.%d", n + 1);
    snprintf(key, sizeof key, "features.%d", end - 1);
    int x = design_conv(b, conv, normed ? norm : NULL, in, &w, e);
    x = design_call(b, x, stage, block, key);
    if (x < 0 || !pools(b->ckpt, &b->found, n))
        return x;
    snprintf(key, sizeof key, "features.%d", end);
    snprintf(conv, sizeof conv, "pool%d", stage);
    return design_name(b, design_pool(b, GRAPH_MAX_POOL, x, POOL, POOL, 0, false, e), conv, key);
}

/* What the linear layers read: all cells of a grid, or the average. */
static int add_grid(struct build *b, int in, struct err *e)
{
    const struct graph_value *v = &b->graph->value[in];
    const struct origin none = {.w = NULL};
    const int side = grid(b, v->c);
    struct graph_op op = {.kind = GRAPH_GRID_POOL, .in = {in}, .ins = 1};
    op.y.k = op.x.k = side;
    if (side == 1)
        return build_average(b, in, e);
    if (v->h != side || v->w != side)
        op.in[0] = build_add(b, &op, &none, e);
    op.kind = GRAPH_FLATTEN;
    op.y = op.x = (struct graph_axis){.k = 0};
    return op.in[0] < 0 ? -1 : build_add(b, &op, &none, e);
}

/* Linear layers "classifier.0", "classifier.3", "classifier.6" with ReLU between them, or
 * "classifier" alone. */
static int add_classifier(struct build *b, int in, struct err *e)
{
    int at[10], n = 0;
    char part[FAMILY_KEY];
    for (int i = 0; i < 10; i++) {
        snprintf(part, sizeof part, "classifier.%d", i);
        if (build_has(b, 0, 0, part))
            at[n++] = i;
    }
    if (n == 0)
        return build_linear(b, in, "classifier", GRAPH_NONE, e);
    for (int i = 0; i < n && in >= 0; i++) {
        snprintf(part, sizeof part, "classifier.%d", at[i]);
        in = build_linear(b, in, part, i < n - 1 ? GRAPH_RELU : GRAPH_NONE, e);
    }
    return in;
}

static int operations(struct build *b, struct err *e)
{
    int x = 0, stage = 1, block = 0;
    for (int n = 0; n >= 0 && x >= 0; n = next(b->ckpt, &b->found, n)) {
        x = add_layer(b, n, stage, block++, x, e);
        if (pools(b->ckpt, &b->found, n)) {
            stage++;
            block = 0;
        }
    }
    x = design_name(b, x < 0 ? -1 : add_grid(b, x, e), "pool", NULL);
    return design_name(b, x < 0 ? -1 : add_classifier(b, x, e), "fc", NULL) >= 0 ? 0 : -1;
}

static const struct design vgg = {
    .what = "VGG", .fits = fits, .settle = settle, .operations = operations};

const struct family families_vgg[] = {
    {.name = "torchvision-vgg",
     .about = "features.0, features.3, classifier",
     .design = &vgg,
     .sign = {"features.0"},
     .linear = "classifier"},
    {.name = NULL},
};
