#include "net/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CIFAR10, KUANGLIU, CIFAR100, IMAGENET, HALF, NONE, ALL };

static const struct normal all[ALL] = {
    [CIFAR10] = {"cifar10", {.4914F, .4822F, .4465F}, {.2470F, .2435F, .2616F}},
    /* The means of the images' own deviations, which many scripts took over. */
    [KUANGLIU] = {"kuangliu", {.4914F, .4822F, .4465F}, {.2023F, .1994F, .2010F}},
    [CIFAR100] = {"cifar100", {.5071F, .4867F, .4409F}, {.2673F, .2564F, .2762F}},
    [IMAGENET] = {"imagenet", {.485F, .456F, .406F}, {.229F, .224F, .225F}},
    [HALF] = {"half", {.5F, .5F, .5F}, {.5F, .5F, .5F}},
    [NONE] = {"none", {0, 0, 0}, {1, 1, 1}},
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
