#include "model/constants.h"

#include "model/model.h"
#include "model/normal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How modules and configurations call them. */
static const struct pair {
    const char *mean, *std;
} pairs[] = {
    {"mean", "std"},
    {"means", "stds"},
    {"new_mean", "new_std"},
    {"_mean", "_std"},
    {"mean_", "std_"},
    {"mu", "sigma"},
    {"mu", "std"},
    {"pixel_mean", "pixel_std"},
    {"image_mean", "image_std"},
    {"img_mean", "img_std"},
    {"data_mean", "data_std"},
    {"dataset_mean", "dataset_std"},
    {"norm_mean", "norm_std"},
    {"normalize_mean", "normalize_std"},
    {"train_mean", "train_std"},
    {"channel_mean", "channel_std"},
    {"rgb_mean", "rgb_std"},
    {"input_mean", "input_std"},
    {"cifar10_mean", "cifar10_std"},
    {"cifar100_mean", "cifar100_std"},
};

enum { PAIRS = sizeof pairs / sizeof *pairs, KEY = 512 };

/* "normalizer.new_mean" and "NEW_MEAN": how much stands before it, or -1. */
static int before(const char *key, const char *last)
{
    size_t n = strlen(key), tail = strlen(last);
    if (n < tail || strcasecmp(key + n - tail, last) != 0 || (n > tail && key[n - tail - 1] != '.'))
        return -1;
    return (int)(n - tail);
}

/* The same key with another last part. */
static const char *sibling(char out[KEY], const char *key, int head, const char *last)
{
    snprintf(out, KEY, "%.*s%s", head, key, last);
    return out;
}

static float largest(const float v[3])
{
    return fmaxf(fmaxf(v[0], v[1]), v[2]);
}

/* Blackness is no contradiction: zeros are of either range. */
static bool is_unit(const float v[3])
{
    return v && largest(v) <= 1 && largest(v) > 0;
}

static bool is_bytes(const float v[3])
{
    return v && largest(v) > 2;
}

bool constants_scale(float mean[3], float std[3], bool *bytes)
{
    *bytes = is_bytes(mean) || is_bytes(std);
    if (*bytes && (is_unit(mean) || is_unit(std)))
        return false;
    const float scale = *bytes ? 255 : 1;
    for (int i = 0; i < 3; i++) {
        if (mean)
            mean[i] /= scale;
        if (std)
            std[i] /= scale;
        if ((mean && !(mean[i] >= 0 && mean[i] <= 1)) || (std && !(std[i] > 0 && std[i] <= 1)))
            return false;
    }
    return true;
}

/* Takes what can be constants of pixels. */
static void offer(struct constants *s, float mean[3], float std[3], const char *where)
{
    bool bytes;
    if (!constants_scale(mean, std, &bytes)) {
        if (!*s->refused)
            snprintf(s->refused, sizeof s->refused, "%s", where);
        return;
    }
    if (!*s->where) {
        s->bytes = bytes;
        memcpy(s->mean, mean, sizeof s->mean);
        memcpy(s->std, std, sizeof s->std);
        snprintf(s->where, sizeof s->where, "%s", where);
    } else if (!*s->other && !normal_same(s->mean, s->std, mean, std)) {
        snprintf(s->other, sizeof s->other, "%s", where);
    }
}

/* --- tensors --- */

/* A number for each of `channels`. */
static bool is_constant(const struct ckpt_tensor *t, int64_t channels)
{
    return t && t->count == channels && t->type <= CKPT_BF16;
}

/* The same number for all. */
static void spread(float v[3], int channels)
{
    if (channels == 1)
        v[1] = v[2] = v[0];
}

/* "normalize.STD" or "normalize.Std" beside "normalize.MEAN", from `head` on. */
static const struct ckpt_tensor *find(const struct ckpt *c, const char *key, int head)
{
    char other[KEY];
    const struct ckpt_tensor *found = ckpt_find(c, key);
    const int n = snprintf(other, KEY, "%s", key);
    for (int i = head; i < n && !found; i++) {
        other[i] = (char)toupper((unsigned char)other[i]);
        if (i == head || i == n - 1)
            found = ckpt_find(c, other);
    }
    return found;
}

/* The deviation that belongs to a mean, or NULL. */
static const struct ckpt_tensor *deviation_of(const struct ckpt *c, const struct ckpt_tensor *mean,
                                              int64_t channels)
{
    char key[KEY];
    for (int i = 0; i < PAIRS && is_constant(mean, channels); i++) {
        int head = before(mean->name, pairs[i].mean);
        const struct ckpt_tensor *std =
            head < 0 ? NULL : find(c, sibling(key, mean->name, head, pairs[i].std), head);
        if (is_constant(std, channels))
            return std;
    }
    return NULL;
}

bool constants_is(const struct ckpt *c, const struct ckpt_tensor *t)
{
    char key[KEY];
    if (!is_constant(t, 3) && !is_constant(t, 1))
        return false;
    if (deviation_of(c, t, t->count))
        return true;
    for (int i = 0; i < PAIRS; i++) {
        int head = before(t->name, pairs[i].std);
        const struct ckpt_tensor *mean =
            head < 0 ? NULL : find(c, sibling(key, t->name, head, pairs[i].mean), head);
        if (is_constant(mean, t->count))
            return true;
    }
    return false;
}

int constants_list(const struct ckpt *c, const struct ckpt_tensor *list[CONSTANTS_MOST])
{
    int n = 0;
    for (int i = 0; i < ckpt_count(c) && n < CONSTANTS_MOST; i++)
        if (constants_is(c, ckpt_at(c, i)))
            list[n++] = ckpt_at(c, i);
    return n;
}

/* Whether the network applies one of both to its pixels. */
static bool is_applied(const struct ckpt *c, const struct model *m, const struct ckpt_tensor *mean,
                       const struct ckpt_tensor *std)
{
    const struct ckpt_tensor *list[CONSTANTS_MOST];
    const int n = m->applied ? constants_list(c, list) : 0;
    bool is = false;
    for (int i = 0; i < n; i++)
        is = is || ((list[i] == mean || list[i] == std) && m->applied >> i & 1U);
    return is;
}

/* Those that the network applies itself, or the others. */
static void find_tensors(struct constants *s, struct ckpt *c, const struct model *m, bool applied)
{
    const int channels = model_channels(m);
    for (int i = 0; i < ckpt_count(c); i++) {
        const struct ckpt_tensor *t = ckpt_at(c, i), *of = deviation_of(c, t, channels);
        float mean[3], std[3];
        struct err ignored;
        if (!of || is_applied(c, m, t, of) != applied)
            continue;
        /* What is not finite is offered as what it cannot be. */
        if (ckpt_read(c, t, mean, &ignored) != 0 || ckpt_read(c, of, std, &ignored) != 0)
            mean[0] = mean[1] = mean[2] = std[0] = std[1] = std[2] = NAN;
        spread(mean, channels);
        spread(std, channels);
        offer(s, mean, std, t->name);
    }
}

/* --- entries of a configuration --- */

/* "[0.4914, 0.4822, 0.4465]", as ckpt_extra gives a list or a tuple or, behind its type and
 * shape, a tensor. */
static bool read_numbers(const char *text, int channels, float v[3])
{
    if (strncmp(text, "tensor ", 7) == 0)
        text += strcspn(text, "[");
    if (*text != '[' && *text != '(')
        return false;
    for (int i = 0; i < channels; i++) {
        char *end;
        v[i] = strtof(++text, &end);
        if (end == text || !isfinite(v[i]))
            return false;
        text = end;
        if (i < channels - 1 ? *text != ',' : (*text != ']' && *text != ')') || text[1] != '\0')
            return false;
    }
    spread(v, channels);
    return true;
}

static const char *entry(const struct ckpt *c, const char *path)
{
    for (int i = 0; i < ckpt_extras(c); i++)
        if (strcasecmp(ckpt_extra(c, i)->path, path) == 0)
            return ckpt_extra(c, i)->text;
    return NULL;
}

static void find_entries(struct constants *s, struct ckpt *c, int channels)
{
    char key[KEY];
    for (int i = 0; i < ckpt_extras(c); i++)
        for (int p = 0; p < PAIRS; p++) {
            const struct ckpt_extra *x = ckpt_extra(c, i);
            int head = before(x->path, pairs[p].mean);
            const char *of = head < 0 ? NULL : entry(c, sibling(key, x->path, head, pairs[p].std));
            float mean[3] = {0}, std[3] = {0};
            if (of && read_numbers(x->text, channels, mean) && read_numbers(of, channels, std))
                offer(s, mean, std, x->path);
        }
}

static void leave_to_program(struct constants *s)
{
    for (int i = 0; i < 3; i++) {
        s->mean[i] = 0;
        s->std[i] = s->bytes ? 1 / 255.F : 1;
    }
    s->inside = true;
    s->bytes = false;
    *s->other = '\0';
}

bool constants_find(struct constants *s, struct ckpt *c, const struct model *m)
{
    *s = (struct constants){.where = ""};
    find_tensors(s, c, m, true);
    if (*s->where)
        leave_to_program(s);
    else
        find_tensors(s, c, m, false);
    find_entries(s, c, model_channels(m));
    return *s->where;
}
