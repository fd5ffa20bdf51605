#include "model/normal.h"

#include "model/constants.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CIFAR10, KUANGLIU, CIFAR100, IMAGENET, HALF, NONE, BYTES, ALL };

static const struct normal all[ALL] = {
    [CIFAR10] = {"cifar10", {.4914F, .4822F, .4465F}, {.2470F, .2435F, .2616F}},
    /* The means of the images' own deviations, which many scripts took over. */
    [KUANGLIU] = {"kuangliu", {.4914F, .4822F, .4465F}, {.2023F, .1994F, .2010F}},
    [CIFAR100] = {"cifar100", {.5071F, .4867F, .4409F}, {.2673F, .2564F, .2762F}},
    [IMAGENET] = {"imagenet", {.485F, .456F, .406F}, {.229F, .224F, .225F}},
    [HALF] = {"half", {.5F, .5F, .5F}, {.5F, .5F, .5F}},
    [NONE] = {"none", {0, 0, 0}, {1, 1, 1}},
    [BYTES] = {"bytes", {0, 0, 0}, {1 / 255.F, 1 / 255.F, 1 / 255.F}}, /* 0 to 255 as they are */
};

const struct normal *normal_all(int *n)
{
    *n = ALL;
    return all;
}

static bool one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

const struct normal *normal_usual(const char *family, int side, const char *kind)
{
    static const char *const imagenet[] = {"akamaster", "ehanw",   "huggingface",
                                           "timm-deep", "timm-v2", NULL};
    static const char *const kuangliu[] = {"kuangliu", "kuangliu-preact", "bearpaw-preact", NULL};
    bool cifar10 = strcmp(kind, "cifar10") == 0;
    /* torchvision's GoogLeNet brings ImageNet's constants to these before anything else, where its
     * weights are those that torchvision offers. */
    if (strcmp(family, "torchvision-googlenet") == 0 && side > 32)
        return &all[HALF];
    if (one_of(family, imagenet) || (strncmp(family, "torchvision", 11) == 0 && side > 32))
        return &all[IMAGENET];
    if (cifar10)
        return &all[one_of(family, kuangliu) ? KUANGLIU : CIFAR10];
    return &all[CIFAR100];
}

static bool parse_three(const char *text, bool positive, float v[3])
{
    for (int i = 0; i < 3; i++) {
        char *end;
        double x = strtod(text, &end);
        if (end == text || *end != (i < 2 ? ',' : '\0') || !isfinite((float)x) ||
            (positive && (float)x <= 0))
            return false;
        v[i] = (float)x;
        text = end + 1;
    }
    return true;
}

/* Both, of pixels from 0 to 1; NULL for one that is not given. */
static int parse(const char *mean, const char *std, float m[3], float s[3], struct err *e)
{
    bool bytes;
    if (mean && !parse_three(mean, false, m))
        return err_set(e, "--mean: expected three numbers R,G,B, found '%s'", mean);
    if (std && !parse_three(std, true, s))
        return err_set(e, "--std: expected three positive numbers R,G,B, found '%s'", std);
    if (constants_scale(mean ? m : NULL, std ? s : NULL, &bytes))
        return 0;
    return err_set(
        e,
        "--mean, --std: expected both for pixels from 0 to 1 or both for 0 to 255, found "
        "%s%s%s",
        mean ? mean : "", mean && std ? " and " : "", std ? std : "");
}

/* What options give, in place of what is there; which ones, or "". */
static const char *take_options(struct normal_use *u, const char *mean, const char *std)
{
    float m[3], s[3];
    struct err checked;
    if (parse(mean, std, m, s, &checked) != 0)
        return "";
    if (mean)
        memcpy(u->mean, m, sizeof m);
    if (std)
        memcpy(u->std, s, sizeof s);
    return mean && std ? "options --mean and --std"
           : mean      ? "option --mean"
           : std       ? "option --std"
                       : "";
}

/* What there is without options: of the checkpoint, or usual. */
static void choose_default(struct normal_use *u, const struct model *m, const struct constants *s,
                           const char *kind)
{
    const struct normal *usual = normal_usual(m->family, m->side, kind);
    bool known = strncmp(kind, "cifar", 5) == 0;
    u->name = s ? "stored" : usual->name;
    u->usual = !s;
    u->guess = false;
    memcpy(u->mean, s ? s->mean : usual->mean, sizeof u->mean);
    memcpy(u->std, s ? s->std : usual->std, sizeof u->std);
    if (s) {
        snprintf(u->from, sizeof u->from, "the checkpoint's %s%s", s->where,
                 s->bytes ? ", divided by 255" : "");
    } else if (known) {
        snprintf(u->from, sizeof u->from, "%s, the default for %s data and %s key names",
                 usual->name, kind, m->family);
    } else {
        snprintf(u->from, sizeof u->from, "%s, a guess: neither the checkpoint nor the images tell",
                 usual->name);
        u->guess = true;
    }
}

/* Nothing is chosen between contradictions without a word. */
static void tell_conflict(struct normal_use *u, const struct constants *s, const struct ckpt *c,
                          const char *options)
{
    if (*options && *s->where && !normal_same(u->mean, u->std, s->mean, s->std))
        snprintf(
            u->conflict, sizeof u->conflict,
            "%.80s: %s instead of the checkpoint's %s: mean %.6g,%.6g,%.6g and standard deviation "
            "%.6g,%.6g,%.6g",
            ckpt_name(c), options, s->where, (double)s->mean[0], (double)s->mean[1],
            (double)s->mean[2], (double)s->std[0], (double)s->std[1], (double)s->std[2]);
    else if (!*options && *s->other)
        snprintf(u->conflict, sizeof u->conflict,
                 "%.80s: the constants %s are used, and %s differs: --mean and --std choose",
                 ckpt_name(c), s->where, s->other);
    else if (!*options && *s->refused)
        snprintf(u->conflict, sizeof u->conflict,
                 "%.80s: the checkpoint's %s and its deviation are no constants of pixels (0 to 1 "
                 "or 0 to 255): not used",
                 ckpt_name(c), s->refused);
}

void normal_choose(struct normal_use *u, const struct model *m, struct ckpt *c, const char *kind,
                   const char *mean, const char *std)
{
    struct constants s;
    bool stored = constants_find(&s, c);
    char from[sizeof u->from];
    *u->conflict = '\0';
    choose_default(u, m, stored ? &s : NULL, kind);
    const char *options = take_options(u, mean, std);
    if (*options)
        u->name = "given";
    if (stored || *s.refused)
        tell_conflict(u, &s, c, options);
    if (mean && std) {
        snprintf(u->from, sizeof u->from, "%s", options);
        u->usual = u->guess = false;
    } else if (*options) {
        memcpy(from, u->from, sizeof from);
        snprintf(u->from, sizeof u->from, "%s; otherwise %.200s", options, from);
    }
}

bool normal_same(const float mean[3], const float std[3], const float other_mean[3],
                 const float other_std[3])
{
    for (int i = 0; i < 3; i++)
        if (mean[i] != other_mean[i] || std[i] != other_std[i])
            return false;
    return true;
}

void normal_put(struct run *r, const struct normal_use *u)
{
    run_put(r, "mean", "%.7g,%.7g,%.7g", (double)u->mean[0], (double)u->mean[1],
            (double)u->mean[2]);
    run_put(r, "std", "%.7g,%.7g,%.7g", (double)u->std[0], (double)u->std[1], (double)u->std[2]);
    run_put(r, "constants_from", "%s", u->from);
}

int normal_check(const char *mean, const char *std, struct err *e)
{
    float m[3], s[3];
    return parse(mean, std, m, s, e);
}
