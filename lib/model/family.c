#include "model/family.h"

#include "model/design.h"

#include <stdio.h>
#include <string.h>

/* Those of RegNet in kuangliu's repository. */
static const int regnet_strides[FAMILY_STAGES] = {1, 1, 2, 2};

static const struct family families[] = {
    {
        .name = "torchvision",
        .about = "conv1, bn1, layer1.0.conv1, downsample, fc",
        .stem = {{"conv1", "bn1"}},
        .block = "layer%.%",
        .first = 1,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "downsample.0",
        .shortcut_norm = "downsample.1",
        .linear = "fc",
    },
    {
        /* The deep stem of ResNet-C, in timm and elsewhere. */
        .name = "timm-deep",
        .about = "conv1.0, conv1.3, conv1.6, bn1, layer1.0.conv1, fc",
        .stem = {{"conv1.0", "conv1.1"}, {"conv1.3", "conv1.4"}, {"conv1.6", "bn1"}},
        .block = "layer%.%",
        .first = 1,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "downsample.0",
        .shortcut_norm = "downsample.1",
        .linear = "fc",
    },
    {
        /* Without weights a shortcut takes every second pixel and pads channels. */
        .name = "akamaster",
        .about = "conv1, bn1, layer1.0.conv1, linear, no shortcut",
        .stem = {{"conv1", "bn1"}},
        .block = "layer%.%",
        .first = 1,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .linear = "linear",
    },
    {
        .name = "kuangliu",
        .about = "conv1, bn1, layer1.0.conv1, shortcut, linear",
        .stem = {{"conv1", "bn1"}},
        .block = "layer%.%",
        .first = 1,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "shortcut.0",
        .shortcut_norm = "shortcut.1",
        .narrow_strides = regnet_strides,
        .linear = "linear",
    },
    {
        .name = "kuangliu-senet",
        .about = "conv1, bn1, layer1.0.conv1, fc1, fc2, shortcut.0, linear",
        .stem = {{"conv1", "bn1"}},
        .block = "layer%.%",
        .first = 1,
        .pre_activation = true,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}},
        .shortcut = "shortcut.0",
        .preact = ASSUME_PREACT_MIXED,
        .squeeze = "fc1",
        .excite = "fc2",
        .weighed = FAMILY_WEIGHED_LAST,
        .linear = "linear",
    },
    {
        /* Its other block: a norm in each shortcut. */
        .name = "kuangliu-senet-basic",
        .about = "conv1, bn1, layer1.0.conv1, fc1, fc2, shortcut.1, linear",
        .stem = {{"conv1", "bn1"}},
        .block = "layer%.%",
        .first = 1,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}},
        .shortcut = "shortcut.0",
        .shortcut_norm = "shortcut.1",
        .squeeze = "fc1",
        .excite = "fc2",
        .weighed = FAMILY_WEIGHED_LAST,
        .linear = "linear",
    },
    {
        .name = "kuangliu-regnet",
        .about = "conv1, bn1, layer1.0.conv1, se.se1, se.se2, shortcut, linear",
        .stem = {{"conv1", "bn1"}},
        .block = "layer%.%",
        .first = 1,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "shortcut.0",
        .shortcut_norm = "shortcut.1",
        .squeeze = "se.se1",
        .excite = "se.se2",
        .weighed = FAMILY_WEIGHED_INNER,
        .narrow_strides = regnet_strides,
        .linear = "linear",
    },
    {
        .name = "bessayo",
        .about = "conv1, bn1, layer1.0.conv1, shortcut, fc",
        .stem = {{"conv1", "bn1"}},
        .block = "layer%.%",
        .first = 1,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "shortcut.0",
        .shortcut_norm = "shortcut.1",
        .linear = "fc",
    },
    {
        .name = "byrongt",
        .about = "conv, bn, layer1.0.conv1, downsample, fc",
        .stem = {{"conv", "bn"}},
        .block = "layer%.%",
        .first = 1,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "downsample.0",
        .shortcut_norm = "downsample.1",
        .linear = "fc",
    },
    {
        .name = "ehanw",
        .about = "conv_1, bn_1, stage_1.0.conv_1, downsample, fc",
        .stem = {{"conv_1", "bn_1"}},
        .block = "stage_%.%",
        .first = 1,
        .part = {{"conv_1", "bn_1"}, {"conv_2", "bn_2"}, {"conv_3", "bn_3"}},
        .shortcut = "downsample.0",
        .shortcut_norm = "downsample.1",
        .linear = "fc",
    },
    {
        .name = "weiaicunzai",
        .about = "conv1.0, conv2_x.0.residual_function, shortcut, fc",
        .stem = {{"conv1.0", "conv1.1"}},
        .block = "conv%_x.%",
        .first = 2,
        .part = {{"residual_function.0", "residual_function.1"},
                 {"residual_function.3", "residual_function.4"},
                 {"residual_function.6", "residual_function.7"}},
        .shortcut = "shortcut.0",
        .shortcut_norm = "shortcut.1",
        .linear = "fc",
    },
    {
        .name = "weiaicunzai-resnext",
        .about = "conv1.0, conv2.0.split_transforms, shortcut, fc",
        .stem = {{"conv1.0", "conv1.1"}},
        .block = "conv%.%",
        .first = 2,
        .part = {{"split_transforms.0", "split_transforms.1"},
                 {"split_transforms.3", "split_transforms.4"},
                 {"split_transforms.6", "split_transforms.7"}},
        .shortcut = "shortcut.0",
        .shortcut_norm = "shortcut.1",
        .linear = "fc",
    },
    {
        .name = "weiaicunzai-seresnet",
        .about = "pre.0, stage1.0.residual, excitation, shortcut, linear",
        .stem = {{"pre.0", "pre.1"}},
        .block = "stage%.%",
        .first = 1,
        .part = {{"residual.0", "residual.1"},
                 {"residual.3", "residual.4"},
                 {"residual.6", "residual.7"}},
        .shortcut = "shortcut.0",
        .shortcut_norm = "shortcut.1",
        .squeeze = "excitation.0",
        .excite = "excitation.2",
        .linear = "linear",
    },
    {
        .name = "huggingface",
        .about = "resnet.embedder, resnet.encoder.stages, classifier.1",
        .stem = {{"resnet.embedder.embedder.convolution",
                  "resnet.embedder.embedder.normalization"}},
        .block = "resnet.encoder.stages.%.layers.%",
        .first = 0,
        .part = {{"layer.0.convolution", "layer.0.normalization"},
                 {"layer.1.convolution", "layer.1.normalization"},
                 {"layer.2.convolution", "layer.2.normalization"}},
        .shortcut = "shortcut.convolution",
        .shortcut_norm = "shortcut.normalization",
        .linear = "classifier.1",
    },
    {
        .name = "kuangliu-preact",
        .about = "conv1, layer1.0.bn1, shortcut.0, linear, no bn1",
        .stem = {{"conv1", NULL}},
        .block = "layer%.%",
        .first = 1,
        .pre_activation = true,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "shortcut.0",
        .preact = ASSUME_PREACT_MIXED,
        .linear = "linear",
    },
    {
        .name = "bearpaw-preact",
        .about = "conv1, layer1.0.bn1, downsample.0, bn, fc",
        .stem = {{"conv1", NULL}},
        .block = "layer%.%",
        .first = 1,
        .pre_activation = true,
        .preact = ASSUME_PREACT_BEFORE,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "downsample.0",
        .last_norm = "bn",
        .linear = "fc",
    },
    {
        .name = "weiaicunzai-preact",
        .about = "pre.0, stage1.0.residual, shortcut, linear",
        .stem = {{"pre.0", "pre.1"}},
        .block = "stage%.%",
        .first = 1,
        .pre_activation = true,
        .preact = ASSUME_PREACT_BEFORE,
        .part = {{"residual.2", "residual.0"},
                 {"residual.5", "residual.3"},
                 {"residual.8", "residual.6"}},
        .stride_at = 1,
        .shortcut = "shortcut",
        .linear = "linear",
    },
    {
        .name = "weiaicunzai-wideresnet",
        .about = "init_conv, conv2.0.residual, shortcut.0, bn, linear",
        .stem = {{"init_conv", NULL}},
        .block = "conv%.%",
        .first = 2,
        .pre_activation = true,
        .preact = ASSUME_PREACT_BEFORE,
        .part = {{"residual.2", "residual.0"}, {"residual.6", "residual.3"}},
        .shortcut = "shortcut.0",
        .last_norm = "bn",
        .linear = "linear",
    },
    {
        .name = "xternalz",
        .about = "conv1, block1.layer.0, convShortcut, bn1, fc",
        .stem = {{"conv1", NULL}},
        .block = "block%.layer.%",
        .first = 1,
        .pre_activation = true,
        .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
        .shortcut = "convShortcut",
        .preact = ASSUME_PREACT_MIXED,
        .last_norm = "bn1",
        .linear = "fc",
    },
    {
        .name = "timm-v2",
        .about = "stem.conv, stages.0.blocks.0, norm, head.fc",
        .stem = {{"stem.conv", NULL}},
        .block = "stages.%.blocks.%",
        .first = 0,
        .pre_activation = true,
        .part = {{"conv1", "norm1"}, {"conv2", "norm2"}, {"conv3", "norm3"}},
        .shortcut = "downsample.conv",
        .shortcut_always = true,
        .preact = ASSUME_PREACT_MIXED,
        .last_norm = "norm",
        .linear = "head.fc",
    },
};

enum { FAMILIES = sizeof families / sizeof *families };

/* All of them in turn, then NULL; those of designs first, whose signs are surer than a count of
 * keys. */
static const struct family *family_at(int i)
{
    static const struct family *const designs[] = {
        families_vgg,         families_densenet,   families_mobilenet,
        families_mobilenetv1, families_shufflenet, families_repvgg,
        families_googlenet,   families_squeezenet, NULL};
    for (int d = 0; designs[d]; d++)
        for (const struct family *f = designs[d]; f->name; f++)
            if (i-- == 0)
                return f;
    return i < FAMILIES ? &families[i] : NULL;
}

static const char *const suffixes[] = {"weight", "bias", "running_mean", "running_var",
                                       "num_batches_tracked"};

enum { SUFFIXES = sizeof suffixes / sizeof *suffixes };

/* --- keys --- */

static size_t put_block(char *out, size_t room, const struct family *f, int stage, int block)
{
    int number[] = {stage - 1 + f->first, block}, next = 0;
    size_t n = 0;
    for (const char *p = f->block; *p && n + 12 < room; p++) {
        if (*p == '%' && next < 2)
            n += (size_t)snprintf(out + n, room - n, "%d", number[next++]);
        else
            out[n++] = *p;
    }
    out[n] = '\0';
    return n;
}

char *family_key(char *key, const struct found *f, int stage, int block, const char *part,
                 const char *suffix)
{
    char inner[FAMILY_KEY / 2] = "";
    if (stage > 0)
        put_block(inner, sizeof inner, f->family, stage, block);
    snprintf(key, FAMILY_KEY, "%s%s%s%s%s%s", f->prefix, inner, *inner && *part ? "." : "", part,
             *suffix ? "." : "", suffix);
    return key;
}

static bool number_at(const char **p, int max, int *v)
{
    const char *s = *p;
    int n = 0;
    if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
        return false;
    for (; *s >= '0' && *s <= '9'; s++) {
        n = 10 * n + (*s - '0');
        if (n > max)
            return false;
    }
    *p = s;
    *v = n;
    return true;
}

/* "layer1.0." at the start of a key: what is behind it, or NULL. Stages from 1. */
static const char *match_block(const struct family *f, const char *key, int *stage, int *block)
{
    int number[2] = {0}, next = 0;
    for (const char *p = f->block; *p; p++) {
        if (*p == '%') {
            if (!number_at(&key, FAMILY_BLOCKS - 1, &number[next++]))
                return NULL;
        } else if (*key++ != *p) {
            return NULL;
        }
    }
    *stage = number[0] - f->first + 1;
    *block = number[1];
    return *key == '.' && *stage >= 1 && *stage <= FAMILY_STAGES ? key + 1 : NULL;
}

/* "conv1" or "conv1.weight": a part with one of the usual suffixes. */
static bool is_part(const char *key, const char *part)
{
    size_t n = part ? strlen(part) : 0;
    if (n == 0 || strncmp(key, part, n) != 0 || key[n] != '.')
        return false;
    for (int i = 0; i < SUFFIXES; i++)
        if (strcmp(key + n + 1, suffixes[i]) == 0)
            return true;
    return false;
}

int family_stem(const struct family *f)
{
    int n = 1;
    while (n < FAMILY_STEM && f->stem[n].conv)
        n++;
    return n;
}

/* Whether a test holds of a key and a part of the stem. */
static bool of_stem(const struct family *f, const char *key,
                    bool (*test)(const char *key, const char *part))
{
    for (int i = 0; i < family_stem(f); i++)
        if (test(key, f->stem[i].conv) || test(key, f->stem[i].norm))
            return true;
    return false;
}

static bool fits(const struct family *f, const char *key)
{
    int stage, block;
    const char *inner = match_block(f, key, &stage, &block);
    if (!inner)
        return of_stem(f, key, is_part) || is_part(key, f->last_norm) || is_part(key, f->linear);
    for (int i = 0; i < FAMILY_PARTS; i++)
        if (is_part(inner, f->part[i].conv) || is_part(inner, f->part[i].norm))
            return true;
    return is_part(inner, f->shortcut) || is_part(inner, f->shortcut_norm) ||
           is_part(inner, f->squeeze) || is_part(inner, f->excite);
}

/* Any tensor of a part. */
static bool has(const struct ckpt *c, const struct found *f, int stage, const char *part)
{
    char key[FAMILY_KEY];
    for (int i = 0; part && i < SUFFIXES; i++)
        if (ckpt_find(c, family_key(key, f, stage, 0, part, suffixes[i])))
            return true;
    return false;
}

/* --- which family --- */

/* Keys of the smallest network: a stem, a block and a linear layer, folded. Keys that a
 * missing part weighs. Numbers of a buffer such as the pixels' mean. */
enum { LEAST = 8, MISSED = 4, BUFFER = 64 };

/* The same of a design: all keys, where its signs are there. */
static int explain_design(const struct ckpt *c, const struct found *f)
{
    char key[FAMILY_KEY];
    int first;
    for (int i = 0; i < FAMILY_SIGNS && f->family->sign[i]; i++)
        if (!ckpt_find(c, family_key(key, f, 0, 0, f->family->sign[i], "weight")))
            return 0;
    const struct design *d = f->family->design;
    return !d->fits || d->fits(c, f) ? ckpt_behind(c, f->prefix, &first) : 0;
}

/* How well a family explains the keys behind a prefix: the keys that it names, less parts
 * that it needs and that are not there. 0 where it does not at all. */
static int explain(const struct ckpt *c, const struct found *f)
{
    const struct family *y = f->family;
    if (y->design)
        return explain_design(c, f);
    size_t n = strlen(f->prefix);
    int first, behind = ckpt_behind(c, f->prefix, &first), keys = 0, inside = 0;
    for (int i = first; i < first + behind; i++) {
        const char *key = ckpt_by_name(c, i)->name + n;
        int stage, block;
        if (!fits(y, key))
            continue;
        keys++;
        inside += match_block(y, key, &stage, &block) != NULL;
    }
    /* A stem and a linear layer with these names are many networks'. */
    if (keys < LEAST || inside == 0)
        return 0;
    bool norms = has(c, f, 1, y->part[0].norm);
    if (y->pre_activation && !norms)
        return 0;
    int missed = !has(c, f, 1, y->part[0].conv) + !has(c, f, 0, y->linear);
    for (int i = 0; i < family_stem(y); i++)
        missed += !has(c, f, 0, y->stem[i].conv) +
                  (norms && y->stem[i].norm && !has(c, f, 0, y->stem[i].norm));
    missed += y->last_norm && !has(c, f, 0, y->last_norm);
    keys -= MISSED * missed;
    return keys > 0 ? keys : 0;
}

/* Sets the family that explains most behind a prefix; false where none does. */
static bool choose_family(const struct ckpt *c, struct found *f, int *score)
{
    struct found g = *f;
    *score = 0;
    for (int i = 0; family_at(i); i++) {
        g.family = family_at(i);
        int s = explain(c, &g);
        if (s > *score) {
            *score = s;
            f->family = g.family;
        }
    }
    return *score > 0;
}

/* What stands before a part in a key that ends with it. */
static bool prefix_of(const char *key, const char *part, char prefix[ASSUME_TEXT])
{
    size_t n = strlen(key), length = strlen(part), tail = sizeof ".weight" - 1;
    if (n < length + tail || strcmp(key + n - tail, ".weight") != 0)
        return false;
    n -= length + tail;
    if (strncmp(key + n, part, length) != 0 || (n > 0 && key[n - 1] != '.') || n >= ASSUME_TEXT)
        return false;
    memcpy(prefix, key, n);
    prefix[n] = '\0';
    return true;
}

static int unknown(const struct ckpt *c, struct err *e)
{
    enum { SHOWN = 4 };
    char list[400] = "";
    size_t at = 0;
    for (int i = 0; i < ckpt_count(c) && i < SHOWN && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s'%.80s'", i ? ", " : "",
                               ckpt_at(c, i)->name);
    return ckpt_unread(e,
                       "%s: expected the keys of a known family, such as conv1.weight and "
                       "layer1.0.conv1.weight (model-info(1) lists the families), found %s%s",
                       ckpt_name(c), list, ckpt_count(c) > SHOWN ? ", ..." : "");
}

/* Networks in one state dict, by their prefixes. */
enum { NETWORKS = 8 };

struct networks {
    struct found found[NETWORKS];
    int score[NETWORKS];
    int n;
};

static void add_network(struct networks *s, const struct ckpt *c, const char *prefix)
{
    struct found f = {.family = NULL};
    int score;
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->found[i].prefix, prefix) == 0)
            return;
    snprintf(f.prefix, sizeof f.prefix, "%s", prefix);
    if (s->n == NETWORKS || !choose_family(c, &f, &score))
        return;
    s->found[s->n] = f;
    s->score[s->n++] = score;
}

static int choose_network(const struct networks *s, const struct ckpt *c, struct err *e)
{
    int best = -1, plain = 0;
    char list[400] = "";
    size_t at = 0;
    for (int i = 0; i < s->n; i++) {
        bool average = ckpt_is_average(s->found[i].prefix);
        plain += !average;
        if (best < 0 || (ckpt_is_average(s->found[best].prefix) && !average))
            best = i;
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s'%s'", i ? ", " : "",
                                   s->found[i].prefix);
    }
    if (best < 0)
        return unknown(c, e);
    if (plain > 1 || (plain == 0 && s->n > 1))
        return err_set(e,
                       "%s: expected one network, found several, with keys that begin with %s: "
                       "choose one with --assume prefix=NAME",
                       ckpt_name(c), list);
    return best;
}

static void count_blocks(struct found *f, const struct ckpt *c)
{
    size_t n = strlen(f->prefix);
    for (int i = 0; i < ckpt_count(c); i++) {
        const char *key = ckpt_at(c, i)->name;
        int stage, block;
        if (strncmp(key, f->prefix, n) != 0 || !match_block(f->family, key + n, &stage, &block))
            continue;
        if (stage > f->stages)
            f->stages = stage;
        if (block >= f->blocks[stage - 1])
            f->blocks[stage - 1] = block + 1;
    }
}

/* Parts that a network is found by: the first sign of a design, the stem and the first block of
 * others, of which either may be missing from a damaged file. */
struct anchors {
    char part[64][FAMILY_KEY];
    int n;
};

static void add_anchor(struct anchors *a, const char *part)
{
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->part[i], part) == 0)
            return;
    snprintf(a->part[a->n++], FAMILY_KEY, "%s", part);
}

static void list_anchors(struct anchors *a)
{
    char block[FAMILY_KEY];
    a->n = 0;
    for (int i = 0; family_at(i); i++) {
        const struct found f = {.family = family_at(i)};
        add_anchor(a, f.family->design ? f.family->sign[0] : f.family->stem[0].conv);
        if (!f.family->design)
            add_anchor(a, family_key(block, &f, 1, 0, f.family->part[0].conv, ""));
    }
}

/* Networks behind whatever stands before such a part. */
static void find_networks(struct networks *s, const struct ckpt *c)
{
    char before[ASSUME_TEXT], last[ASSUME_TEXT] = "";
    struct anchors a;
    bool any = false;
    list_anchors(&a);
    for (int i = 0; i < ckpt_count(c); i++)
        for (int k = 0; k < a.n; k++) {
            if (!prefix_of(ckpt_by_name(c, i)->name, a.part[k], before) ||
                (any && strcmp(before, last) == 0))
                continue;
            add_network(s, c, before);
            memcpy(last, before, sizeof last);
            any = true;
        }
}

const struct family *family_find(struct found *f, const struct ckpt *c, const char *prefix,
                                 struct err *e)
{
    struct networks s = {.n = 0};
    char key[FAMILY_KEY];
    if (*prefix) {
        char with[ASSUME_TEXT];
        snprintf(with, sizeof with, "%s%s", prefix, prefix[strlen(prefix) - 1] == '.' ? "" : ".");
        add_network(&s, c, with);
        if (s.n == 0) {
            err_record(e, "%s: expected the keys of a known family behind '%s', found none",
                       ckpt_name(c), with);
            return NULL;
        }
    } else {
        find_networks(&s, c);
    }
    int best = choose_network(&s, c, e);
    if (best < 0)
        return NULL;
    *f = s.found[best];
    f->chosen = *prefix != '\0' || s.n > 1;
    if (f->family->design)
        return f->family;
    const struct ckpt_tensor *t =
        ckpt_find(c, family_key(key, f, 1, 0, f->family->part[0].conv, "weight"));
    f->bottleneck =
        has(c, f, 1, f->family->part[2].conv) && (!t || t->ndim != 4 || t->shape[2] == 1);
    count_blocks(f, c);
    return f->family;
}

/* Whether a key, without its prefix, is a part or something in it: "fc", "fc.1.weight". */
static bool within(const char *key, const char *part)
{
    size_t n = part ? strlen(part) : 0;
    return n > 0 && strncmp(key, part, n) == 0 && (key[n] == '.' || key[n] == '\0');
}

/* Whether a key begins with what only trains: a head beside the true one. */
static bool is_aside(const struct found *f, const char *key)
{
    const char *aside = f->family->aside;
    size_t n = strlen(f->prefix);
    return aside && strncmp(key, f->prefix, n) == 0 && strncmp(key + n, aside, strlen(aside)) == 0;
}

static bool inside(const struct found *f, const char *key)
{
    const struct family *y = f->family;
    size_t n = strlen(f->prefix);
    int stage, block;
    return !y->design && strncmp(key, f->prefix, n) == 0 &&
           (match_block(y, key + n, &stage, &block) || of_stem(y, key + n, within) ||
            within(key + n, y->last_norm) || within(key + n, y->linear));
}

bool family_is_layer(const struct found *f, const struct ckpt *c, const struct ckpt_tensor *t)
{
    static const char *const norm[] = {"running_mean", "running_var"};
    const char *dot = strrchr(t->name, '.');
    const char *last = dot ? dot + 1 : t->name;
    size_t n = (size_t)(last - t->name);
    char key[FAMILY_KEY];
    if (t->count == 0 || (t->type >= CKPT_I64 && t->type <= CKPT_BOOL) || is_aside(f, t->name))
        return false;
    if (inside(f, t->name))
        return true;
    for (int i = 0; i < 2; i++)
        if (strcmp(last, norm[i]) == 0)
            return true;
    if (strcmp(last, "weight") != 0 && strcmp(last, "bias") != 0)
        return t->ndim >= 3 && t->count > BUFFER; /* a position embedding, a token */
    if (t->ndim >= 2)
        return true;
    /* One axis: a norm has a bias, the weights of a loss have none. */
    if (strcmp(last, "bias") == 0)
        return true;
    snprintf(key, sizeof key, "%.*sbias", (int)n, t->name);
    return ckpt_find(c, key) != NULL;
}
