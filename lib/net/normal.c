#include "net/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void normal_default(const char *kind, float mean[3], float std[3])
{
    static const float cifar10[2][3] = {{.4914F, .4822F, .4465F}, {.2470F, .2435F, .2616F}};
    static const float cifar100[2][3] = {{.5071F, .4867F, .4409F}, {.2673F, .2564F, .2762F}};
    const float(*v)[3] = strcmp(kind, "cifar10") == 0 ? cifar10 : cifar100;

    memcpy(mean, v[0], sizeof v[0]);
    memcpy(std, v[1], sizeof v[1]);
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
