/* Tensors by their keys, with what is to be said where they do not fit. */
#include "model/build.h"

#include "model/constants.h"
#include "model/design.h"
#include "model/unused.h"

#include "base/mem.h"
#include "base/prog.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ckpt_tensor *build_find(const struct build *b, const char *key)
{
    char own[FAMILY_KEY];
    const char *dot = strrchr(key, '.');
    if (!b->reading)
        return ckpt_find(b->ckpt, key);
    snprintf(own, sizeof own, "%.*s", (int)(dot - key), key);
    const char *name = structure_own(b->reading, own);
    if (!name || (size_t)snprintf(own, sizeof own, "%s%s", name, dot) >= sizeof own)
        return NULL;
    const struct ckpt_tensor *t = ckpt_find(b->ckpt, own);
    /* Weights may have the module's name alone. */
    return t || strcmp(dot, ".weight") != 0 ? t : ckpt_find(b->ckpt, name);
}

static const struct ckpt_tensor *find(struct build *b, const char *key)
{
    const struct ckpt_tensor *t = build_find(b, key);
    if (t)
        b->used[t - ckpt_at(b->ckpt, 0)] = true;
    return t;
}

void build_record(const struct build *b, struct err *e, const char *fmt, ...)
{
    char why[768];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    ckpt_record_unread(e, "%s: %s", ckpt_name(b->ckpt), why);
}

/* For a message about the missing "conv1.weight": ", found 'conv1.0.weight'", or "". */
static const char *inside_of(const struct ckpt *c, const char *key, char text[FAMILY_KEY])
{
    char prefix[FAMILY_KEY];
    int first;
    snprintf(prefix, sizeof prefix, "%.*s", (int)(strrchr(key, '.') + 1 - key), key);
    *text = '\0';
    for (int i = 0, n = ckpt_behind(c, prefix, &first); i < n && !*text; i++) {
        const char *name = ckpt_by_name(c, first + i)->name;
        if (strchr(name + strlen(prefix), '.'))
            snprintf(text, FAMILY_KEY, ", found '%.300s'", name);
    }
    return text;
}

/* What is made of other tensors when a network runs, by the tensors it is made of: more
 * about a missing key, or "". */
static const char *computed_from(const struct ckpt *c, const char *key, char text[FAMILY_KEY])
{
    static const struct {
        const char *end, *what;
    } kinds[] = {
        {"_g", "weight normalisation: torch.nn.utils.remove_weight_norm(module)"},
        {"_u", "spectral normalisation: torch.nn.utils.remove_spectral_norm(module)"},
        {"_orig", "a pruned tensor without its mask: torch.nn.utils.prune.remove(module, NAME)"},
    };
    char part[FAMILY_KEY];
    const char *dot = strrchr(key, '.');
    int first;
    *text = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !*text; i++) {
        snprintf(part, sizeof part, "%s%s", key, kinds[i].end);
        if (ckpt_find(c, part))
            snprintf(text, FAMILY_KEY, ", found '%.200s', %s before saving makes it plain", part,
                     kinds[i].what);
    }
    snprintf(part, sizeof part, "%.*s.parametrizations%s.", (int)(dot - key), key, dot);
    if (!*text && ckpt_behind(c, part, &first) > 0)
        snprintf(text, FAMILY_KEY,
                 ", found '%.200s', a parametrization: "
                 "torch.nn.utils.parametrize.remove_parametrizations(module, NAME) before saving "
                 "makes it plain",
                 ckpt_by_name(c, first)->name);
    return text;
}

/* A linear layer with a number of its own beside it, which scales cosines: more about a missing
 * key, or "". */
static const char *scaled_by(const struct ckpt *c, const char *key, char text[FAMILY_KEY])
{
    char part[FAMILY_KEY];
    const int prefix = (int)(strrchr(key, '.') + 1 - key);
    int first;
    snprintf(part, sizeof part, "%.*sweight", prefix, key);
    const struct ckpt_tensor *weight = ckpt_find(c, part);
    part[prefix] = '\0';
    *text = '\0';
    for (int i = 0, n = weight && weight->ndim != 2 ? 0 : ckpt_behind(c, part, &first);
         i < n && !*text; i++) {
        const struct ckpt_tensor *t = ckpt_by_name(c, first + i);
        if (t->count == 1 && t->ndim < 2 && t->type < CKPT_I64 && !strchr(t->name + prefix, '.'))
            snprintf(text, FAMILY_KEY, ", found '%.300s': a cosine classifier, no linear layer",
                     t->name);
    }
    return text;
}

static int missing(const struct build *b, const char *key, const char *want, struct err *e)
{
    char text[FAMILY_KEY];
    if (!*computed_from(b->ckpt, key, text) && !*scaled_by(b->ckpt, key, text))
        inside_of(b->ckpt, key, text);
    return build_refuse(b, e, "missing key '%s': expected shape %s%s", key, want, text);
}

/* Why weights do not fit: what they are instead, or "". */
static const char *misfit(const struct build *b, const struct ckpt_tensor *t, int ndim,
                          const int64_t *shape)
{
    const int name = (int)strlen(t->name) - (int)strlen("weight");
    if (ndim == 2 && t->ndim == 2 && t->shape[0] == shape[1] && name > 0) {
        char bias[FAMILY_KEY];
        snprintf(bias, sizeof bias, "%.*sbias", name, t->name);
        return ckpt_find(b->ckpt, bias) ? ""
                                        : ": a cosine classifier (NormedLinear), no linear layer";
    }
    if (ndim != 4 || t->ndim != 4 || shape[1] < 1 || t->shape[1] < 1)
        return "";
    /* The stem comes first. */
    if (b->graph->ops == 0 && shape[1] == 3)
        return ": a network for images of other channels; images here have three or, grey, one";
    bool grouped = t->shape[1] < shape[1] && shape[1] % t->shape[1] == 0;
    return grouped ? ": convolutions in groups are not expected here" : "";
}

const struct ckpt_tensor *build_take(struct build *b, const char *key, int ndim,
                                     const int64_t *shape, struct err *e)
{
    char want[128], found[128];
    const struct ckpt_tensor *t = find(b, key);
    ckpt_shape(want, sizeof want, ndim, shape);
    if (!t) {
        missing(b, key, want, e);
        return NULL;
    }
    bool fits = t->ndim == ndim;
    for (int d = 0; fits && d < ndim; d++)
        fits = t->shape[d] > 0 && t->shape[d] <= BUILD_CHANNELS &&
               (shape[d] < 0 || t->shape[d] == shape[d]);
    if (!fits) {
        ckpt_shape(found, sizeof found, t->ndim, t->shape);
        build_refuse(b, e, "key '%s': expected shape %s, found %s%s", key, want, found,
                     misfit(b, t, ndim, shape));
        return NULL;
    }
    b->numbers += t->count;
    return t;
}

char *build_op_key(const struct build *b, int stage, int block, const char *part)
{
    char key[FAMILY_KEY];
    family_key(key, &b->found, stage, block, part, "");
    const char *own = b->reading ? structure_own(b->reading, key) : NULL;
    return mem_dup(own ? own : key);
}

bool build_has(const struct build *b, int stage, int block, const char *part)
{
    char key[FAMILY_KEY];
    return part && build_find(b, family_key(key, &b->found, stage, block, part, "weight"));
}

bool build_has_conv(const struct build *b, int stage, int block, const char *part)
{
    char key[FAMILY_KEY];
    const struct ckpt_tensor *t =
        part ? build_find(b, family_key(key, &b->found, stage, block, part, "weight")) : NULL;
    return t && t->ndim == 4;
}

int build_take_norm(struct build *b, const struct place *p, int64_t channels, bool needed,
                    struct norm *n, struct err *e)
{
    static const char *const suffix[] = {"weight", "bias", "running_mean", "running_var"};
    char key[NORM_TENSORS][FAMILY_KEY], count[FAMILY_KEY];
    bool there[NORM_TENSORS] = {false}, any = needed;
    *n = (struct norm){.t = {NULL}};
    for (int i = 0; i < NORM_TENSORS && p->norm; i++) {
        family_key(key[i], &b->found, p->stage, p->block, p->norm, suffix[i]);
        there[i] = build_find(b, key[i]) != NULL;
        any = any || there[i];
    }
    if (!p->norm || !any)
        return 0;
    if (there[NORM_WEIGHT] && !there[NORM_MEAN] && !there[NORM_VAR])
        return build_refuse(
            b, e,
            "key '%s': expected a batch norm with running statistics, found none: norms with "
            "track_running_stats=False, and other kinds of norms, compute statistics from each "
            "batch; heatpipe does not",
            key[NORM_WEIGHT]);
    /* Without weight and bias, of affine=False, they are 1 and 0. */
    bool affine = there[NORM_WEIGHT] || there[NORM_BIAS] || !there[NORM_MEAN];
    find(b, family_key(count, &b->found, p->stage, p->block, p->norm, "num_batches_tracked"));
    for (int i = affine ? 0 : NORM_MEAN; i < NORM_TENSORS; i++) {
        n->t[i] = build_take(b, key[i], 1, &channels, e);
        if (!n->t[i])
            return -1;
    }
    b->model->parameters += affine ? 2 * channels : 0;
    b->normed = true;
    return 0;
}

const char *build_linear_part(const struct build *b, char part[FAMILY_KEY])
{
    const char *base = b->found.family->linear;
    char key[FAMILY_KEY], inner[FAMILY_KEY];
    int found = 0;
    snprintf(part, FAMILY_KEY, "%s", base);
    if (build_find(b, family_key(key, &b->found, 0, 0, base, "weight")))
        return part;
    for (int i = 0; i < 10; i++) {
        snprintf(inner, sizeof inner, "%s.%d", base, i);
        if (!build_find(b, family_key(key, &b->found, 0, 0, inner, "weight")))
            continue;
        found++;
        snprintf(part, FAMILY_KEY, "%s", inner);
    }
    if (found != 1)
        snprintf(part, FAMILY_KEY, "%s", base);
    return part;
}

int build_take_linear(struct build *b, int c, const char *part, const struct ckpt_tensor **w,
                      const struct ckpt_tensor **bias, struct err *e)
{
    char key[FAMILY_KEY];
    const int64_t shape[] = {-1, c, 1, 1};
    family_key(key, &b->found, 0, 0, part, "weight");
    const struct ckpt_tensor *t = build_find(b, key);
    *w = build_take(b, key, t && t->ndim == 4 ? 4 : 2, shape, e);
    *bias = NULL;
    if (!*w)
        return -1;
    if (b->reading && !build_find(b, family_key(key, &b->found, 0, 0, part, "bias")))
        return 0;
    *bias = build_take(b, family_key(key, &b->found, 0, 0, part, "bias"), 1, (*w)->shape, e);
    return *bias ? 0 : -1;
}

void build_note(const struct build *b, const char *text)
{
    if (b->opts->note)
        b->opts->note(text);
}

void build_say(const struct build *b, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!b->opts->again)
        prog_say("%s: %s", ckpt_name(b->ckpt), text);
}

static int left_over(const struct build *b, const char *key, struct err *e)
{
    const struct family *f = b->found.family;
    if (f->design)
        return build_refuse(b, e, "left-over key '%s': no part of a %s as %s names it", key,
                            f->design->what, f->name);
    return build_refuse(b, e,
                        "left-over key '%s': no part of a residual network of %s blocks as %s "
                        "names them",
                        key, b->found.bottleneck ? "bottleneck" : "basic", f->name);
}

/* Whether a layer has no place in the network that the keys of a family are. */
static bool is_left_over(const struct build *b, int i)
{
    const struct ckpt_tensor *t = ckpt_at(b->ckpt, i);
    bool other = strncmp(t->name, b->found.prefix, strlen(b->found.prefix)) != 0 &&
                 (b->found.chosen || ckpt_is_average(t->name));
    return !b->used[i] && !constants_is(b->ckpt, t) && !other &&
           family_is_layer(&b->found, b->ckpt, t);
}

/* The first of such layers that is neither idle nor another name of one in use, or -1. */
static int find_left_over(const struct build *b, int from)
{
    const int count = ckpt_count(b->ckpt);
    struct unused *u = unused_find(b->ckpt);
    bool *taken = mem_zero((size_t)count + 1, sizeof *taken);
    int left = -1;
    for (int i = 0; i < count; i++)
        taken[unused_first(u, i)] |= b->used[i];
    for (int i = from; i < count && left < 0; i++)
        if (!taken[unused_first(u, i)] && is_left_over(b, i) &&
            !unused_idle(u, ckpt_at(b->ckpt, i)))
            left = i;
    free(taken);
    unused_free(u);
    return left;
}

int build_check_rest(const struct build *b, struct err *e)
{
    int ignored = 0, left = 0;
    const char *first = NULL;
    /* A reading by structure has a place for all of them. */
    while (left < ckpt_count(b->ckpt) && (b->reading || !is_left_over(b, left)))
        left++;
    left = left < ckpt_count(b->ckpt) ? find_left_over(b, left) : -1;
    if (left >= 0)
        return left_over(b, ckpt_at(b->ckpt, left)->name, e);
    for (int i = 0; i < ckpt_count(b->ckpt); i++) {
        const struct ckpt_tensor *t = ckpt_at(b->ckpt, i);
        if (b->used[i] || constants_is(b->ckpt, t))
            continue;
        first = first ? first : t->name;
        ignored++;
    }
    if (ignored > 0) {
        char *text =
            mem_printf("%s: %d of %d tensors ignored, '%s'%s", ckpt_name(b->ckpt), ignored,
                       ckpt_count(b->ckpt), first, ignored > 1 ? " the first of them" : "");
        build_note(b, text);
        free(text);
    }
    return 0;
}
