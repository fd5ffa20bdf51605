/* What goes backward for finercam and shapleycam against finite differences of their scores. */
#include "cam/seed.h"

#include "check.h"

#include <stdbool.h>

enum { CLASSES = 7, NEAR = 3 };

static const float LOGITS[][CLASSES] = {
    {0.5F, -1.25F, 2, 1.5F, 0.25F, -0.5F, 1}, {9, 1, -3, 4, 2.5F, 0, -6}, /* nearly certain */
};

static const enum cam_score SCORES[] = {CAM_LOGIT, CAM_LOGPROB, CAM_PROB};

static double probability(const double *z, int cls)
{
    double sum = 0;
    for (int k = 0; k < CLASSES; k++)
        sum += exp(z[k] - z[cls]);
    return 1 / sum;
}

static double score_of(enum cam_score score, const double *z, int cls)
{
    return score == CAM_LOGIT     ? z[cls]
           : score == CAM_LOGPROB ? log(probability(z, cls))
                                  : probability(z, cls);
}

/* A class less the weighted mean of the nearest classes, which those of `at` name. */
static double finer(const struct method_how *how, const double *at, const double *z, int cls)
{
    bool near[CLASSES] = {false};
    double above = 0, below = 0, all = 0;
    for (int i = 0; i < NEAR; i++) {
        int best = -1;
        double least = INFINITY;
        for (int k = 0; k < CLASSES; k++) {
            double apart = fabs(score_of(how->score, at, cls) - score_of(how->score, at, k));
            if (k != cls && !near[k] && apart < least) {
                least = apart;
                best = k;
            }
        }
        near[best] = true;
    }
    for (int k = 0; k < CLASSES; k++) {
        double e = exp(how->compat ? score_of(how->score, z, k) : z[k]);
        all += e;
        if (!near[k])
            continue;
        below += e;
        above += e * (score_of(how->score, z, cls) - score_of(how->score, z, k));
    }
    return above / (below + (how->compat ? 1e-9 * all : 0));
}

static double explained(const struct method_how *how, const double *at, const double *z, int cls)
{
    return how->method == method_at(METHOD_FINERCAM) ? finer(how, at, z, cls)
                                                     : score_of(how->score, z, cls);
}

static double aimed(const struct method_how *how, const double *at, const double *z, struct aim aim)
{
    return explained(how, at, z, aim.cls) - (aim.minus >= 0 ? explained(how, at, z, aim.minus) : 0);
}

/* The score at z moved by `a` of class `k` and `b` of a direction. */
static double moved(const struct method_how *how, const double *z, struct aim aim, int k, double a,
                    const double *v, double b)
{
    double to[CLASSES];
    for (int i = 0; i < CLASSES; i++)
        to[i] = z[i] + (i == k ? a : 0) + b * v[i];
    return aimed(how, z, to, aim);
}

static void compare(const struct method_how *how, const float *logits, struct aim aim)
{
    static const double along[CLASSES] = {0.75, -2, 1.5, 3, -0.25, 0.5, -1};
    const double h = 1e-5, h2 = 1e-3;
    double p[CLASSES], rest[CLASSES], z[CLASSES];
    float seed[CLASSES];
    cam_softmax(logits, CLASSES, p, rest);
    const struct seed_scores s = {
        .classes = CLASSES, .logits = logits, .p = p, .rest = rest, .along = along};
    for (int k = 0; k < CLASSES; k++)
        z[k] = logits[k];
    seed_make(how, &s, aim, seed);
    for (int k = 0; k < CLASSES; k++) {
        double want =
            (moved(how, z, aim, k, h, along, 0) - moved(how, z, aim, k, -h, along, 0)) / (2 * h);
        if (how->method == method_at(METHOD_SHAPLEYCAM))
            want -=
                (moved(how, z, aim, k, h2, along, h2) - moved(how, z, aim, k, h2, along, -h2) -
                 moved(how, z, aim, k, -h2, along, h2) + moved(how, z, aim, k, -h2, along, -h2)) /
                (4 * h2 * h2) / 2;
        CHECK_NEAR(seed[k], want, 1e-5);
    }
}

/* Which aims have a second derivative. */
static void check_bends(void)
{
    const struct aim one = {1, -1}, margin = {1, 0};
    struct method_how how = {.method = method_at(METHOD_SHAPLEYCAM), .score = CAM_LOGIT};
    CHECK(!seed_bends(&how, one) && !seed_bends(&how, margin));
    how.score = CAM_LOGPROB;
    CHECK(seed_bends(&how, one) && !seed_bends(&how, margin));
    how.score = CAM_PROB;
    CHECK(seed_bends(&how, one) && seed_bends(&how, margin));
    how.method = method_at(METHOD_FINERCAM);
    CHECK(!seed_bends(&how, one));
}

int main(void)
{
    static const struct aim aims[] = {{2, -1}, {0, -1}, {5, -1}, {3, 0}, {6, 2}, {4, 4}};
    static const int methods[] = {METHOD_FINERCAM, METHOD_SHAPLEYCAM};
    struct method_how how = {0};
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; i < sizeof SCORES / sizeof *SCORES; i++)
            for (int compat = 0; compat < 2; compat++) {
                how.method = method_at(methods[m]);
                how.score = SCORES[i];
                how.compat = compat;
                for (size_t j = 0; j < sizeof aims / sizeof *aims; j++) {
                    compare(&how, LOGITS[0], aims[j]);
                    compare(&how, LOGITS[1], aims[j]);
                }
            }
    check_bends();
    return CHECK_DONE();
}
