/* The parts of a residual network in their order. */
#include "model/build.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static char *value_name(const struct build *b, int stage, int block, bool own)
{
    char key[FAMILY_KEY];
    struct found bare = b->found;
    bare.prefix[0] = '\0';
    family_key(key, &bare, stage, block, "", "");
    const char *container = b->reading ? structure_own(b->reading, key) : NULL;
    char *name = mem_printf("layer%d.%d", stage, block);
    if (!own)
        return name;
    bool same = strcmp(name, container ? container : key) == 0;
    free(name);
    return same ? NULL : mem_dup(container ? container : key);
}

/* The shortcut of ResNet-D: its convolution stands where others have the norm. */
static bool averages(const struct build *b, int stage, int block)
{
    const struct family *f = b->found.family;
    return build_has_conv(b, stage, block, f->shortcut_norm) &&
           !build_has(b, stage, block, f->shortcut);
}

/* Channels are equal: only a stride that was assumed asks for a shortcut. */
static int refuse_stride(const struct build *b, int stage, int block, struct err *e)
{
    char key[FAMILY_KEY];
    return err_set(e,
                   "%s: --assume strides: expected stride 1 of stage %d, found 2: that needs the "
                   "key '%s', which is missing",
                   ckpt_name(b->ckpt), stage,
                   family_key(key, &b->found, stage, block, b->found.family->shortcut, "weight"));
}

/* The means, or the largest, of cells that a shortcut begins with, as ResNet-D's does. */
static int add_pooled(struct build *b, enum graph_kind kind, int in, int stride, struct err *e)
{
    const struct graph_op op = {.kind = kind,
                                .in = {in},
                                .ins = 1,
                                .y = graph_windows(stride, stride, 0),
                                .x = graph_windows(stride, stride, 0)};
    const struct origin none = {.w = NULL};
    return build_add(b, &op, &none, e);
}

/* A shortcut without keys. */
static int add_padding(struct build *b, int in, int stride, int width, struct err *e)
{
    const enum assume_shortcut way = b->assume.shortcut;
    const bool max = way == ASSUME_SHORT_MAX_PAD || way == ASSUME_SHORT_MAX_PAD_END;
    if (stride > 1 && way > ASSUME_SHORT_AVERAGE) {
        in = add_pooled(b, max ? GRAPH_MAX_POOL : GRAPH_MEAN_POOL, in, stride, e);
        stride = 1;
        b->pooled = true;
    }
    return in < 0 ? -1 : build_padding(b, in, stride, width, e);
}

/* A norm of a block that stands before its convolution. */
static int add_norm(struct build *b, int stage, int block, const char *part, int in,
                    enum graph_act act, struct err *e)
{
    struct norm norm;
    const struct place p = {stage, block, NULL, part};
    const struct want w = {.addend = -1, .act = act};
    if (build_take_norm(b, &p, b->graph->value[in].c, true, &norm, e) != 0)
        return -1;
    return build_norm(b, &p, &norm, in, &w, e);
}

/* What is added to the block's last convolution: its input, or a convolution of that. */
static int add_shortcut(struct build *b, int stage, int block, int in, int stride, int width,
                        struct err *e)
{
    const struct family *f = b->found.family;
    bool present = build_has(b, stage, block, f->shortcut);
    bool change = stride != 1 || width != b->graph->value[in].c;
    if (!present && !change)
        return in;
    if (!present && assume_pads(b->assume.shortcut))
        return add_padding(b, in, stride, width, e);
    if (!present && width == b->graph->value[in].c && b->opts->assume && b->opts->assume->stages)
        return refuse_stride(b, stage, block, e);
    if (averages(b, stage, block))
        return build_refuse(b, e,
                            "layer%d.%d: expected a shortcut of a convolution, found one with "
                            "average pooling before it, which is not computed",
                            stage, block);
    b->convolved = true;
    if (stride > 1 && b->assume.shortcut == ASSUME_SHORT_AVERAGE) {
        b->averaged = true;
        in = add_pooled(b, GRAPH_MEAN_POOL, in, stride, e);
        if (in < 0)
            return -1;
        stride = 1;
    }
    if (f->shortcut_normed_first && build_has(b, stage, block, f->shortcut_norm)) {
        in = add_norm(b, stage, block, f->shortcut_norm, in, GRAPH_RELU, e);
        if (in < 0)
            return -1;
    }
    const struct place p = {stage, block, f->shortcut,
                            f->shortcut_normed_first ? NULL : f->shortcut_norm};
    const struct want w = {
        .k = -1,
        .stride = stride,
        .width = width,
        .addend = -1,
        .act = b->assume.relu & ASSUME_RELU_SHORTCUT ? GRAPH_RELU : GRAPH_NONE,
    };
    return build_conv(b, &p, in, &w, e);
}

static int stride_of(const struct build *b, int stage, int block)
{
    return block > 0 ? 1 : b->assume.strides[stage - 1];
}

/* Convolutions of a block, with the width of its output. */
static int parts_of(const struct build *b)
{
    return b->found.bottleneck ? 3 : 2;
}

/* The width of a block's output, before it is built: of the last convolution. */
static int block_width(struct build *b, int stage, int block, struct err *e)
{
    const struct family_part *part = b->found.family->part;
    char key[FAMILY_KEY];
    const int64_t any[] = {-1, -1, -1, -1};
    int64_t numbers = b->numbers;
    const struct ckpt_tensor *t = build_take(
        b, family_key(key, &b->found, stage, block, part[parts_of(b) - 1].conv, "weight"), 4, any,
        e);
    b->numbers = numbers; /* it is taken once more */
    return t ? (int)t->shape[0] : -1;
}

/* Where the shortcut of a block begins: at its input or, in some pre-activation blocks, behind
 * the first norm. */
static int shortcut_from(const struct build *b, int stage, int block, int in, int normed)
{
    const struct family *f = b->found.family;
    bool after = b->assume.preact == ASSUME_PREACT_AFTER ||
                 (build_has(b, stage, block, f->shortcut) &&
                  (b->assume.preact == ASSUME_PREACT_MIXED ||
                   (b->assume.preact == ASSUME_PREACT_FIRST && stage == 1)));
    return f->pre_activation && after ? normed : in;
}

/* Squeeze and excitation of `in`: the means over all cells make, by two linear layers, a factor for
 * each channel. */
static int add_excitation(struct build *b, const struct place *p, int in, struct err *e)
{
    const struct family *f = b->found.family;
    const struct origin none = {.w = NULL};
    struct found bare = b->found;
    char part[FAMILY_KEY];
    bare.prefix[0] = '\0';
    int x = build_average(b, in, e);
    if (x >= 0)
        x = build_linear(b, x, family_key(part, &bare, p->stage, p->block, f->squeeze, ""),
                         GRAPH_RELU, e);
    if (x >= 0)
        x = build_linear(b, x, family_key(part, &bare, p->stage, p->block, f->excite, ""),
                         GRAPH_NONE, e);
    struct graph_op op = {.kind = GRAPH_FUNCTION, .in = {x}, .ins = 1, .function = GRAPH_SIGMOID};
    if (x >= 0)
        x = build_add(b, &op, &none, e);
    op = (struct graph_op){.kind = GRAPH_MULTIPLY, .in = {in, x}, .ins = 2};
    return x >= 0 ? build_add(b, &op, &none, e) : -1;
}

/* The sum with the shortcut, where something stands between it and the last convolution. */
static int add_sum(struct build *b, int in, const struct want *w, struct err *e)
{
    const struct graph_op op = {.kind = GRAPH_ADD, .in = {in, w->addend}, .ins = 2, .act = w->act};
    const struct origin none = {.w = NULL};
    return build_name(b, in < 0 ? -1 : build_add(b, &op, &none, e), w);
}

/* What the last convolution of a block is added to, or -1 in a plain network. */
static int find_addend(struct build *b, const struct place *p, int from, int width, int *addend,
                       struct err *e)
{
    *addend = -1;
    if (b->assume.shortcut == ASSUME_SHORT_NONE &&
        !build_has(b, p->stage, p->block, b->found.family->shortcut)) {
        b->plain = true;
        return 0;
    }
    *addend = add_shortcut(b, p->stage, p->block, from, stride_of(b, p->stage, p->block), width, e);
    return *addend < 0 ? -1 : 0;
}

/* The last convolution of a block, to which the shortcut that begins at `from` is added. */
static int add_last_part(struct build *b, const struct place *p, int in, int from,
                         const struct want *as, struct err *e)
{
    struct want w = *as;
    int width = block_width(b, p->stage, p->block, e);
    if (width < 0)
        return -1;
    struct want sum = w;
    sum.width = width;
    if (find_addend(b, p, from, width, &sum.addend, e) != 0)
        return -1;
    if (sum.addend >= 0)
        sum.width = b->graph->value[sum.addend].c;
    w.width = sum.width;
    const bool rectified = sum.addend >= 0 && b->assume.relu & ASSUME_RELU_LAST;
    sum.name = value_name(b, p->stage, p->block, false);
    sum.key = value_name(b, p->stage, p->block, true);
    const struct family *f = b->found.family;
    const bool weighed = f->squeeze && f->weighed != FAMILY_WEIGHED_INNER;
    if (!weighed && !rectified)
        return build_conv(b, p, in, &sum, e);
    w.addend = -1;
    w.act = weighed && f->weighed == FAMILY_WEIGHED_LAST && !rectified ? GRAPH_NONE : GRAPH_RELU;
    int x = build_conv(b, p, in, &w, e);
    if (x >= 0 && weighed)
        x = add_excitation(b, p, x, e);
    return add_sum(b, x, &sum, e);
}

/* Behind the last convolution of a block: with its shortcut or, in a plain network, alone. */
static enum graph_act last_act(const struct build *b)
{
    const unsigned plain = b->assume.shortcut == ASSUME_SHORT_NONE ? ASSUME_RELU_LAST : 0;
    return b->assume.relu & (ASSUME_RELU_SUM | plain) ? GRAPH_RELU : GRAPH_NONE;
}

static int add_block(struct build *b, int stage, int block, int in, struct err *e)
{
    const struct family *f = b->found.family;
    int parts = parts_of(b), at = b->assume.stride_at;
    int x = in;
    if (f->pre_activation)
        x = add_norm(b, stage, block, f->part[0].norm, in, f->end_norm ? GRAPH_NONE : GRAPH_RELU,
                     e);
    int from = shortcut_from(b, stage, block, in, x);
    for (int i = 0; x >= 0 && i < parts; i++) {
        bool last = i == parts - 1;
        struct place p = {stage, block, f->part[i].conv, f->part[i].norm};
        const struct want w = {
            .k = b->reading                      ? -1
                 : b->found.bottleneck && i != 1 ? 1
                                                 : 3,
            .stride = i + 1 == at ? stride_of(b, stage, block) : 1,
            .width = -1,
            .addend = -1,
            .act = last ? last_act(b) : GRAPH_RELU,
            .grouped = true,
            .dropped = i == parts - 2,
        };
        if (f->pre_activation)
            p.norm = last ? f->end_norm : f->part[i + 1].norm;
        x = last ? add_last_part(b, &p, x, from, &w, e) : build_conv(b, &p, x, &w, e);
        if (x >= 0 && i == 1 && f->squeeze && f->weighed == FAMILY_WEIGHED_INNER)
            x = add_excitation(b, &p, x, e);
    }
    return x;
}

/* The checkpoint's name of the stem where it is not the layer's. */
static char *stem_key(const struct build *b, const char *conv)
{
    const char *own = b->reading ? structure_own(b->reading, conv) : conv;
    return strcmp(own, "conv1") == 0 ? NULL : mem_dup(own);
}

static int add_stem(struct build *b, struct err *e)
{
    const struct family *f = b->found.family;
    int parts = family_stem(f), x = 0;
    for (int i = 0; i < parts && x >= 0; i++) {
        const struct place p = {0, 0, f->stem[i].conv, f->stem[i].norm};
        bool last = i == parts - 1;
        const struct want w = {
            .k = -1,
            .stride = i == 0 ? b->assume.stem_stride : 1,
            .width = -1,
            .addend = -1,
            .act = p.norm && b->assume.relu & ASSUME_RELU_STEM ? GRAPH_RELU : GRAPH_NONE,
            .name = last ? mem_dup("conv1") : NULL,
            .key = last ? stem_key(b, p.conv) : NULL,
        };
        x = build_conv(b, &p, x, &w, e);
    }
    return x >= 0 && b->assume.pool >= ASSUME_POOL_MAX ? build_max_pool(b, x, e) : x;
}

static int add_last_norm(struct build *b, int in, struct err *e)
{
    const struct family *f = b->found.family;
    const struct place p = {0, 0, NULL, f->last_norm};
    struct norm norm;
    if (!f->last_norm)
        return in;
    if (build_take_norm(b, &p, b->graph->value[in].c, true, &norm, e) != 0)
        return -1;
    const struct want w = {
        .addend = -1, .act = GRAPH_RELU, .name = mem_dup("last"), .key = mem_dup(f->last_norm)};
    return build_norm(b, &p, &norm, in, &w, e);
}

int build_operations(struct build *b, struct err *e)
{
    int x = add_stem(b, e);
    /* A stage or block that a later one needs is missed by the name of its key. */
    for (int s = 1; x >= 0 && s <= b->found.stages; s++)
        for (int i = 0; x >= 0 && i < (b->found.blocks[s - 1] ? b->found.blocks[s - 1] : 1); i++)
            x = add_block(b, s, i, x, e);
    if (x >= 0)
        x = add_last_norm(b, x, e);
    if (x < 0)
        return -1;
    b->ended = b->graph->value[x].h * b->graph->value[x].w > 1;
    if (b->assume.end != ASSUME_END_MAX)
        return build_head(b, x, e) >= 0 ? 0 : -1;
    x = build_largest(b, x, e);
    if (x < 0)
        return -1;
    b->graph->value[x].name = mem_dup("pool");
    return build_tail(b, x, e) >= 0 ? 0 : -1;
}
