#include "net/normal.h"

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

const struct normal *normal_usual(const char *family, int stem, const char *kind)
{
    static const char *const imagenet[] = {"akamaster", "huggingface", "timm-v2", NULL};
    static const char *const kuangliu[] = {"kuangliu", "kuangliu-preact", "bearpaw-preact", NULL};
    bool cifar10 = strcmp(kind, "cifar10") == 0;
    if (one_of(family, imagenet) || (strcmp(family, "torchvision") == 0 && stem > 3))
        return &all[IMAGENET];
    if (cifar10)
        return &all[one_of(family, kuangliu) ? KUANGLIU : CIFAR10];
    return &all[CIFAR100];
}

void normal_choose(struct normal_use *u, const struct net *n, const char *kind, const char *mean,
                   const char *std)
{
    const struct normal *usual = normal_usual(n->family, n->stem, kind);
    bool known = strncmp(kind, "cifar", 5) == 0;
    u->guess = !known && !(mean && std);
    memcpy(u->mean, usual->mean, sizeof u->mean);
    memcpy(u->std, usual->std, sizeof u->std);
    if (mean)
        normal_parse(mean, false, u->mean);
    if (std)
        normal_parse(std, true, u->std);
    const char *options = mean && std ? "options --mean and --std"
                          : mean      ? "option --mean"
                          : std       ? "option --std"
                                      : NULL;
    if (mean && std)
        snprintf(u->from, sizeof u->from, "%s", options);
    else
        snprintf(u->from, sizeof u->from, "%s%s%s, %s%s%s%s", options ? options : "",
                 options ? "; otherwise " : "", usual->name, known ? "usual for " : "a guess: ",
                 known ? n->family : "neither the checkpoint nor the images tell",
                 known ? " and " : "", known ? kind : "");
}

void normal_put(struct run *r, const struct normal_use *u)
{
    run_put(r, "mean", "%.7g,%.7g,%.7g", (double)u->mean[0], (double)u->mean[1],
            (double)u->mean[2]);
    run_put(r, "std", "%.7g,%.7g,%.7g", (double)u->std[0], (double)u->std[1], (double)u->std[2]);
    run_put(r, "constants_from", "%s", u->from);
}

bool normal_parse(const char *text, bool positive, float v[3])
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
