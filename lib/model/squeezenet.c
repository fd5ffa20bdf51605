/* SqueezeNet with batch norms and simple bypasses (Iandola et al. 2016), for CIFAR: modules that
 * narrow and then widen by two convolutions, whose channels are joined. */
#include "model/design.h"

#include <stdio.h>

/* Modules fire2 to fire9, in stages between pooling. Those with an odd number and as many channels
 * as they read, but for the last, are added to what they read. */
enum { STAGES = 3, FIRST = 2, LAST = 9 };
static const int modules[STAGES] = {3, 4, 1};

static void settle(struct build *b, struct design_usual *u)
{
    struct found *f = &b->found;
    f->stages = STAGES;
    for (int s = 0; s < STAGES; s++)
        f->blocks[s] = modules[s];
    u->side = 32;
}

/* A convolution of module `path` with its norm and ReLU. */
static int add_conv(struct build *b, const char *path, const char *of, int k, int in, struct err *e)
{
    const struct want w = {.k = k, .stride = 1, .width = -1, .addend = -1, .act = GRAPH_RELU};
    char conv[FAMILY_KEY], norm[FAMILY_KEY];
    snprintf(conv, sizeof conv, "%s.%s0", path, of);
    snprintf(norm, sizeof norm, "%s.%s1", path, of);
    return design_conv(b, conv, norm, in, &w, e);
}

static int add_module(struct build *b, int number, int in, struct err *e)
{
    char path[32];
    snprintf(path, sizeof path, "fire%d", number);
    int x = add_conv(b, path, "squeeze.", 1, in, e);
    int y = x < 0 ? -1 : add_conv(b, path, "expand_1x1.", 1, x, e);
    int z = y < 0 ? -1 : add_conv(b, path, "expand_3x3.", 3, x, e);
    x = z < 0 ? -1 : design_concat(b, y, z, e);
    if (x < 0 || number % 2 == 0 || number == LAST)
        return x;
    if (b->graph->value[x].c != b->graph->value[in].c)
        return build_refuse(b, e, "%s: expected as many channels as it reads, %d, found %d", path,
                            b->graph->value[in].c, b->graph->value[x].c);
    const struct origin none = {.w = NULL};
    const struct graph_op add = {.kind = GRAPH_ADD, .in = {x, in}, .ins = 2};
    return build_add(b, &add, &none, e);
}

static int add_pool(struct build *b, int in, struct err *e)
{
    return design_pool(b, GRAPH_MAX_POOL, in, 2, 2, 0, false, e);
}

static int operations(struct build *b, struct err *e)
{
    char path[32];
    int x = design_name(b, add_conv(b, "stem", "", 3, 0, e), "conv1", "stem"), number = FIRST;
    for (int s = 0; s < STAGES && x >= 0; s++) {
        x = add_pool(b, x, e);
        for (int i = 0; i < modules[s] && x >= 0; i++) {
            snprintf(path, sizeof path, "fire%d", number);
            x = design_call(b, add_module(b, number++, x, e), s + 1, i, path);
        }
    }
    /* The convolution to classes comes before the average there: the order makes no difference. */
    return x >= 0 && build_head(b, x, e) >= 0 ? 0 : -1;
}

static const struct design squeezenet = {
    .what = "SqueezeNet", .settle = settle, .operations = operations};

const struct family families_squeezenet[] = {
    {.name = "weiaicunzai-squeezenet",
     .about = "stem.0, fire2.squeeze.0, expand_1x1, expand_3x3, conv10",
     .design = &squeezenet,
     .sign = {"fire2.squeeze.0", "fire2.expand_3x3.0", "stem.0", "conv10"},
     .linear = "conv10"},
    {.name = NULL},
};
