#include "cam/seed.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEAREST = 3 };

/* pytorch-grad-cam's guard of the sum of weights: it matters where the compared classes have next
 * to no probability. */
static const double EPSILON_FINER = 1e-9;

/* --- finercam --- */

struct finer {
    int near[NEAREST], count;
    double weight[NEAREST]; /* r */
    double apart[NEAREST];  /* o_c - o_j */
    double score;           /* sum of their products */
};

static double output(const struct method_how *how, const struct seed_scores *s, int k)
{
    return how->score == CAM_PROB ? s->p[k] : s->logits[k];
}

static void find_nearest(const struct method_how *how, const struct seed_scores *s, int cls,
                         struct finer *f)
{
    for (int k = 0; k < s->classes; k++) {
        double apart = output(how, s, cls) - output(how, s, k);
        int at = f->count;
        if (k == cls)
            continue;
        while (at > 0 && fabs(f->apart[at - 1]) > fabs(apart))
            at--;
        if (at == NEAREST)
            continue;
        f->count += f->count < NEAREST;
        for (int i = f->count - 1; i > at; i--) {
            f->near[i] = f->near[i - 1];
            f->apart[i] = f->apart[i - 1];
        }
        f->near[at] = k;
        f->apart[at] = apart;
    }
}

/* Of softmax(y) the weights are made: of the logits or, in the library, of what the model gives. */
static double weighed(const struct method_how *how, const struct seed_scores *s, int k)
{
    return how->compat ? output(how, s, k) : s->logits[k];
}

static double weigh(const struct method_how *how, const struct seed_scores *s, struct finer *f)
{
    double most = -INFINITY, sum = 0, all = 0;
    for (int i = 0; i < f->count; i++)
        most = fmax(most, weighed(how, s, f->near[i]));
    for (int i = 0; i < f->count; i++)
        sum += f->weight[i] = exp(weighed(how, s, f->near[i]) - most);
    double below = sum;
    if (how->compat) {
        for (int k = 0; k < s->classes; k++)
            all += exp(weighed(how, s, k) - most);
        below += EPSILON_FINER * all;
    }
    for (int i = 0; i < f->count; i++) {
        f->weight[i] /= below;
        f->score += f->weight[i] * f->apart[i];
    }
    /* What the guard leaves of the derivative of their sum. */
    return how->compat ? f->score * EPSILON_FINER / below : 0;
}

/* From the derivative with respect to probabilities to that with respect to logits. */
static void through_softmax(const struct seed_scores *s, double *d)
{
    double mean = 0;
    for (int k = 0; k < s->classes; k++)
        mean += s->p[k] * d[k];
    for (int k = 0; k < s->classes; k++)
        d[k] = s->p[k] * (d[k] - mean);
}

static void add_finer(const struct method_how *how, const struct seed_scores *s, int cls,
                      double sign, float *seed)
{
    const size_t n = (size_t)s->classes;
    double *apart = mem_zero(2 * n, sizeof *apart), *weights = apart + n;
    struct finer f = {.count = 0};
    find_nearest(how, s, cls, &f);
    double left = weigh(how, s, &f);
    if (left != 0) {
        double most = -INFINITY;
        for (int i = 0; i < f.count; i++)
            most = fmax(most, weighed(how, s, f.near[i]));
        for (int k = 0; k < s->classes; k++)
            weights[k] = -left * exp(weighed(how, s, k) - most);
    }
    for (int i = 0; i < f.count; i++) {
        apart[cls] += f.weight[i];
        apart[f.near[i]] -= f.weight[i];
        weights[f.near[i]] += f.weight[i] * (f.apart[i] - f.score);
    }
    if (how->score == CAM_PROB)
        through_softmax(s, apart);
    if (how->score == CAM_PROB && how->compat)
        through_softmax(s, weights);
    for (int k = 0; k < s->classes; k++)
        seed[k] += (float)(sign * (apart[k] + weights[k]));
    free(apart);
}

/* --- shapleycam --- */

/* Takes away half of the second derivative of one class's score times J A. What is subtracted from
 * each other differs by the class of the highest probability, so that nothing cancels where that is
 * close to 1. */
static void add_second(const struct method_how *how, const struct seed_scores *s, int cls,
                       double sign, float *seed)
{
    const double *v = s->along;
    int top = 0;
    double mean = 0; /* less v[top] */
    for (int k = 1; k < s->classes; k++)
        top = s->p[k] > s->p[top] ? k : top;
    for (int k = 0; k < s->classes; k++)
        mean += k == top ? 0 : s->p[k] * (v[k] - v[top]);
    const double own = v[cls] - v[top] - mean;
    for (int k = 0; k < s->classes; k++) {
        double second = -s->p[k] * (v[k] - v[top] - mean);
        if (how->score == CAM_PROB)
            second = s->p[cls] * (second + own * (k == cls ? s->rest[k] : -s->p[k]));
        seed[k] -= (float)(sign * second / 2);
    }
}

/* A difference of log-probabilities is one of logits: it has no second derivative. */
bool seed_bends(const struct method_how *how, struct aim aim)
{
    return (how->method->needs & METHOD_SECOND) && how->score != CAM_LOGIT &&
           (how->score == CAM_PROB || aim.minus < 0);
}

/* --- all --- */

void seed_make(const struct method_how *how, const struct seed_scores *s, struct aim aim,
               float *seed)
{
    const bool margin = aim.minus >= 0;
    if (how->method->needs & METHOD_LOGITS) {
        memset(seed, 0, (size_t)s->classes * sizeof *seed);
        add_finer(how, s, aim.cls, 1, seed);
        if (margin)
            add_finer(how, s, aim.minus, -1, seed);
        return;
    }
    cam_seed(how->score, s->p, s->rest, s->classes, aim.cls, aim.minus, seed);
    if (!seed_bends(how, aim))
        return;
    add_second(how, s, aim.cls, 1, seed);
    if (margin)
        add_second(how, s, aim.minus, -1, seed);
}
