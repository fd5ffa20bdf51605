#include "model/normal.h"

#include "model/constants.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CIFAR10,
    KUANGLIU,
    CIFAR100,
    IMAGENET,
    HALF,
    NONE,
    BYTES,
    ALL,
    SVHN = ALL,
    STL10,
    TINY,
    COLOUR
};

static const struct normal colour[COLOUR] = {
    [CIFAR10] = {"cifar10", {.4914F, .4822F, .4465F}, {.2470F, .2435F, .2616F}},
    /* The means of the images' own deviations, which many scripts took over. */
    [KUANGLIU] = {"kuangliu", {.4914F, .4822F, .4465F}, {.2023F, .1994F, .2010F}},
    [CIFAR100] = {"cifar100", {.5071F, .4867F, .4409F}, {.2673F, .2564F, .2762F}},
    [IMAGENET] = {"imagenet", {.485F, .456F, .406F}, {.229F, .224F, .225F}},
    [HALF] = {"half", {.5F, .5F, .5F}, {.5F, .5F, .5F}},
    [NONE] = {"none", {0, 0, 0}, {1, 1, 1}},
    [BYTES] = {"bytes", {0, 0, 0}, {1 / 255.F, 1 / 255.F, 1 / 255.F}}, /* 0 to 255 as they are */
    /* Of one data set each, which nobody uses for others. */
    [SVHN] = {"svhn", {.4377F, .4438F, .4728F}, {.1980F, .2010F, .1970F}},
    [STL10] = {"stl10", {.4467F, .4398F, .4066F}, {.2603F, .2566F, .2713F}},
    [TINY] = {"tiny-imagenet", {.4802F, .4481F, .3975F}, {.2770F, .2691F, .2821F}},
};

enum { MNIST, FASHION, GREY_HALF, GREY_NONE, GREY_BYTES, GREY };

static const struct normal grey[GREY] = {
    [MNIST] = {"mnist", {.1307F, .1307F, .1307F}, {.3081F, .3081F, .3081F}},
    [FASHION] = {"fashion-mnist", {.2860F, .2860F, .2860F}, {.3530F, .3530F, .3530F}},
    [GREY_HALF] = {"half", {.5F, .5F, .5F}, {.5F, .5F, .5F}},
    [GREY_NONE] = {"none", {0, 0, 0}, {1, 1, 1}},
    [GREY_BYTES] = {"bytes", {0, 0, 0}, {1 / 255.F, 1 / 255.F, 1 / 255.F}},
};

const struct normal *normal_all(int channels, int *n)
{
    *n = channels == 1 ? (int)GREY : (int)ALL;
    return channels == 1 ? grey : colour;
}

static bool one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* The constants that a data set goes by, or NULL. */
static const struct normal *of_kind(const struct normal *all, int n, const char *kind)
{
    for (int i = 0; i < n; i++)
        if (strcmp(all[i].name, kind) == 0)
            return &all[i];
    return NULL;
}

/* A program for images of at least this height most likely began with the weights, or at least
 * with the script, of a network for ImageNet. */
enum { PHOTOGRAPH = 96 };

const struct normal *normal_usual(const struct model *m, const char *kind)
{
    static const char *const imagenet[] = {"akamaster", "ehanw",   "huggingface",
                                           "timm-deep", "timm-v2", NULL};
    const struct normal *known;
    if (model_channels(m) == 1)
        return (known = of_kind(grey, GREY, kind)) ? known : &grey[GREY_HALF];
    /* torchvision's GoogLeNet brings ImageNet's constants to these before anything else, where its
     * weights are those that torchvision offers. */
    if (strcmp(m->family, "torchvision-googlenet") == 0 && m->side > 32)
        return &colour[HALF];
    if (one_of(m->family, imagenet) || (strncmp(m->family, "torchvision", 11) == 0 && m->side > 32))
        return &colour[IMAGENET];
    static const char *const like[] = {"bearpaw-preact", "bessayo", NULL};
    const bool kuangliu = strncmp(m->family, "kuangliu", 8) == 0 || one_of(m->family, like);
    if (strcmp(kind, "cifar10") == 0)
        return &colour[kuangliu ? KUANGLIU : CIFAR10];
    if ((known = of_kind(grey, GREY, kind)))
        return known;
    if ((known = of_kind(colour, COLOUR, kind)))
        return known;
    return &colour[m->program && m->graph->value[0].h >= PHOTOGRAPH ? IMAGENET : CIFAR100];
}

/* Three numbers, or one for all; how many there are, 0 where it is neither. */
static int parse_numbers(const char *text, bool positive, float v[3])
{
    for (int i = 0; i < 3; i++) {
        char *end;
        double x = strtod(text, &end);
        if (end == text || !isfinite((float)x) || (positive && (float)x <= 0))
            return 0;
        v[i] = (float)x;
        if (i == 0 && *end == '\0') {
            v[1] = v[2] = v[0];
            return 1;
        }
        if (*end != (i < 2 ? ',' : '\0'))
            return 0;
        text = end + 1;
    }
    return 3;
}

/* Both, of pixels from 0 to 1; NULL for one that is not given. */
static int parse(const char *mean, const char *std, float m[3], float s[3], struct err *e)
{
    bool bytes;
    if (mean && parse_numbers(mean, false, m) == 0)
        return err_set(e, "--mean: expected three numbers R,G,B or one, found '%s'", mean);
    if (std && parse_numbers(std, true, s) == 0)
        return err_set(e, "--std: expected three positive numbers R,G,B or one, found '%s'", std);
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
    if (mean) {
        memcpy(u->mean, m, sizeof m);
        u->guess_mean = false;
    }
    if (std) {
        memcpy(u->std, s, sizeof s);
        u->guess_std = false;
    }
    return mean && std ? "options --mean and --std"
           : mean      ? "option --mean"
           : std       ? "option --std"
                       : "";
}

/* What there is without options: of the checkpoint, or usual. */
static void choose_default(struct normal_use *u, const struct model *m, const struct constants *s,
                           const char *kind)
{
    const struct normal *usual = normal_usual(m, kind);
    const bool known = strncmp(kind, "cifar", 5) == 0
                           ? u->channels == 3
                           : of_kind(grey, GREY, kind) || of_kind(colour, COLOUR, kind);
    u->name = s ? "stored" : usual->name;
    u->usual = !s;
    u->guess_mean = u->guess_std = false;
    memcpy(u->mean, s ? s->mean : usual->mean, sizeof u->mean);
    memcpy(u->std, s ? s->std : usual->std, sizeof u->std);
    if (s && s->inside) {
        u->name = s->std[0] < 1 ? "bytes" : "none";
        snprintf(u->from, sizeof u->from, "the program normalises its images itself, by its %s",
                 s->where);
    } else if (s) {
        snprintf(u->from, sizeof u->from, "the checkpoint's %s%s", s->where,
                 s->bytes ? ", divided by 255" : "");
    } else if (known) {
        const char *family = m->program ? NULL : m->family; /* a program has names of its own */
        snprintf(u->from, sizeof u->from, "%s, the default for %s data%s%s%s", usual->name, kind,
                 family ? " and " : "", family ? family : "", family ? " key names" : "");
    } else {
        snprintf(u->from, sizeof u->from, "%s, a guess: neither the checkpoint nor the images tell",
                 usual->name);
        u->guess_mean = u->guess_std = true;
    }
}

/* Nothing is chosen between contradictions without a word. */
static void tell_conflict(struct normal_use *u, const struct constants *s, const struct ckpt *c,
                          const char *options)
{
    char mean[NORMAL_TEXT], std[NORMAL_TEXT];
    if (*options && s->inside && !normal_same(u->mean, u->std, s->mean, s->std))
        snprintf(
            u->conflict, sizeof u->conflict,
            "%.80s: %s, though the program normalises its images itself, by its %s: mean %s and "
            "standard deviation %s leave that to it",
            ckpt_name(c), options, s->where, normal_text(mean, "%.6g", s->mean, u->channels),
            normal_text(std, "%.6g", s->std, u->channels));
    else if (*options && *s->where && !normal_same(u->mean, u->std, s->mean, s->std))
        snprintf(u->conflict, sizeof u->conflict,
                 "%.80s: %s instead of the checkpoint's %s: mean %s and standard deviation %s",
                 ckpt_name(c), options, s->where, normal_text(mean, "%.6g", s->mean, u->channels),
                 normal_text(std, "%.6g", s->std, u->channels));
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

/* Whether options give as many numbers as the network has channels, or one. */
static int check_channels(const char *option, const char *text, int channels, const struct ckpt *c,
                          struct err *e)
{
    float v[3];
    return !text || channels == 3 || parse_numbers(text, false, v) < 3
               ? 0
               : err_set(e, "%s: expected one number for the one channel of %s, found '%s'", option,
                         ckpt_name(c), text);
}

int normal_choose(struct normal_use *u, const struct model *m, struct ckpt *c, const char *kind,
                  const char *mean, const char *std, struct err *e)
{
    struct constants s;
    char from[sizeof u->from];
    u->channels = model_channels(m);
    if (check_channels("--mean", mean, u->channels, c, e) != 0 ||
        check_channels("--std", std, u->channels, c, e) != 0)
        return -1;
    bool stored = constants_find(&s, c, m);
    *u->conflict = '\0';
    choose_default(u, m, stored ? &s : NULL, kind);
    const char *options = take_options(u, mean, std);
    if (*options)
        u->name = "given";
    if (stored || *s.refused)
        tell_conflict(u, &s, c, options);
    if (mean && std) {
        snprintf(u->from, sizeof u->from, "%s", options);
        u->usual = false;
    } else if (*options) {
        memcpy(from, u->from, sizeof from);
        snprintf(u->from, sizeof u->from, "%s; otherwise %.200s", options, from);
    }
    return 0;
}

const char *normal_text(char buf[NORMAL_TEXT], const char *format, const float v[3], int channels)
{
    char number[NORMAL_TEXT / 3];
    *buf = '\0';
    for (int i = 0; i < channels; i++) {
        snprintf(number, sizeof number, format, (double)v[i]);
        snprintf(buf + strlen(buf), NORMAL_TEXT - strlen(buf), "%s%s", i ? "," : "", number);
    }
    return buf;
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
    char text[NORMAL_TEXT];
    run_put(r, "mean", "%s", normal_text(text, "%.7g", u->mean, u->channels));
    run_put(r, "std", "%s", normal_text(text, "%.7g", u->std, u->channels));
    run_put(r, "constants_from", "%s", u->from);
}

int normal_check(const char *mean, const char *std, struct err *e)
{
    float m[3], s[3];
    return parse(mean, std, m, s, e);
}
