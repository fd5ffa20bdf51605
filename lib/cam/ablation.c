#include "cam/ablation.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

float ablation_least(const float *acts, size_t n)
{
    float least = acts[0];

    for (size_t i = 1; i < n; i++)
        least = acts[i] < least ? acts[i] : least;
    return least;
}

float ablation_value(float least, int channel, bool compat)
{
    enum { BATCH = 32 }; /* pytorch-grad-cam's, which looks for the least in the whole batch */

    if (!compat || least == 0)
        return 0;
    for (int i = 0; i <= channel % BATCH; i++)
        least -= 1e7F;
    return least;
}

float ablation_weight(double score, double fall, bool compat)
{
    if (score == 0)
        return (float)fall;
    return (float)(fall / (compat ? score : fabs(score)));
}

/* What a change of the logits by d[] does to the scores of classes. With the shares p[] before,
 *   log p_c falls by log(1 + sum over j of p_j (e^(d_j - d_c) - 1)),
 * in which nothing cancels where p_c is close to 1. */
struct change {
    double *d;   /* [classes] */
    double *exp; /* [classes] e^d - 1; unset for CAM_LOGIT */
    double sum;  /* of p exp over the classes */
};

static double log_fall(const struct change *c, const double *p, const double *rest, int cls)
{
    const double own = c->exp[cls], others = c->sum - p[cls] * own;

    return log1p((others - rest[cls] * own) / (1 + own));
}

static double fall_of(enum cam_score score, const struct change *c, const double *p,
                      const double *rest, int cls)
{
    if (score == CAM_LOGIT)
        return -c->d[cls];
    double fall = log_fall(c, p, rest, cls);
    return score == CAM_LOGPROB ? fall : -p[cls] * expm1(-fall);
}

static double aim_fall(enum cam_score score, const struct change *c, const double *p,
                       const double *rest, struct aim aim)
{
    if (aim.minus < 0)
        return fall_of(score, c, p, rest, aim.cls);
    /* log p_a - log p_b is z_a - z_b. */
    if (score == CAM_LOGPROB)
        score = CAM_LOGIT;
    return fall_of(score, c, p, rest, aim.cls) - fall_of(score, c, p, rest, aim.minus);
}

/* Of one channel whose mean becomes `to`. */
static void channel_falls(const struct closed_head *h, enum cam_score score, int channel,
                          double from, double to, const double *p, struct change *c)
{
    c->sum = 0;
    for (int j = 0; j < h->classes; j++) {
        size_t at = (size_t)j * (size_t)h->channels + (size_t)channel;
        c->d[j] = h->w[at] * (to - from);
        if (score == CAM_LOGIT)
            continue;
        c->exp[j] = expm1(c->d[j]);
        c->sum += p[j] * c->exp[j];
    }
}

void ablation_closed(const struct closed_head *h, enum cam_score score, bool compat,
                     const float *features, const float *logits, const struct aim *aim, int planes,
                     float *weight)
{
    const size_t classes = (size_t)h->classes, channels = (size_t)h->channels;
    double *room = mem_alloc(4 * classes + (size_t)planes, sizeof *room);
    double *p = room, *rest = p + classes, *of = rest + 3 * classes;
    struct change c = {.d = rest + classes, .exp = rest + 2 * classes};
    const float least = ablation_least(features, channels * (size_t)h->cells);

    cam_softmax(logits, h->classes, p, rest);
    for (int i = 0; i < planes; i++)
        of[i] = cam_value(score, logits, p, rest, h->classes, aim[i].cls, aim[i].minus);
    for (int k = 0; k < h->channels; k++) {
        double mean = cam_sum(features + (size_t)k * (size_t)h->cells, h->cells) / h->cells;
        channel_falls(h, score, k, mean, ablation_value(least, k, compat), p, &c);
        for (int i = 0; i < planes; i++)
            weight[(size_t)i * channels + (size_t)k] =
                ablation_weight(of[i], aim_fall(score, &c, p, rest, aim[i]), compat);
    }
    free(room);
}
