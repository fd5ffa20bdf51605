#include "stats/metrics.h"

#include "stats/band.h"
#include "stats/share.h"

#include <math.h>
#include <stdbool.h>

void metrics_count(struct metrics *m, int64_t images, int64_t correct)
{
    m->images += images;
    m->correct += correct;
}

static void add_conf(struct metrics *m, bool right, double conf)
{
    enum band band = band_of(conf);
    m->with_conf++;
    sum_add(&m->conf[right], conf);
    m->errors_conf_90 += !right && band == BAND_HIGHEST;
    m->errors_conf_70 += !right && band >= BAND_HIGH;
    m->correct_conf_50 += right && band == BAND_LOW;
    calibration_add(&m->calibration, conf, right);
}

void metrics_add(struct metrics *m, const struct prediction *a)
{
    bool right = a->truth == a->pred;
    metrics_count(m, 1, right);
    if (!isnan(a->conf))
        add_conf(m, right, a->conf);
    if (a->rank) {
        m->with_rank++;
        m->top5 += a->rank <= 5;
    }
    if (!isnan(a->loss)) {
        m->with_loss++;
        sum_add(&m->loss, a->loss);
    }
    if (!isnan(a->entropy)) {
        m->with_entropy++;
        sum_add(&m->entropy, a->entropy);
    }
}

void metrics_add_by_class(struct metrics *truth, struct metrics *pred,
                          const struct prediction *image, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        metrics_add(&truth[image[i].truth], &image[i]);
        metrics_add(&pred[image[i].pred], &image[i]);
    }
}

static double mean(const struct sum *a, int64_t n)
{
    return n > 0 ? sum_value(a) / (double)n : NAN;
}

static void compute_conf(const struct metrics *m, struct metrics_values *v)
{
    v->mean_conf = v->mean_conf_correct = v->mean_conf_wrong = NAN;
    v->over_confidence = v->over_low = v->over_high = NAN;
    v->errors_conf_90 = v->errors_conf_70 = v->correct_conf_50 = NAN;
    v->ece = v->mce = NAN;
    if (m->with_conf == 0 || m->with_conf != m->images)
        return;
    struct sum all = m->conf[0];
    sum_join(&all, &m->conf[1]);
    v->mean_conf = mean(&all, m->images);
    v->mean_conf_correct = mean(&m->conf[1], m->correct);
    v->mean_conf_wrong = mean(&m->conf[0], v->errors);
    v->over_confidence = v->mean_conf - v->accuracy;
    v->over_low = v->mean_conf - v->accuracy_high;
    v->over_high = v->mean_conf - v->accuracy_low;
    v->errors_conf_90 = (double)m->errors_conf_90;
    v->errors_conf_70 = (double)m->errors_conf_70;
    v->correct_conf_50 = (double)m->correct_conf_50;
    struct calibration_error e = calibration_error(&m->calibration);
    v->ece = e.ece;
    v->mce = e.mce;
}

void metrics_compute(const struct metrics *m, struct metrics_values *v)
{
    *v = (struct metrics_values){
        .images = m->images,
        .correct = m->correct,
        .errors = m->images - m->correct,
        .accuracy = share_of(m->correct, m->images),
        .error_rate = share_of(m->images - m->correct, m->images),
        .top5_accuracy = m->with_rank == m->images ? share_of(m->top5, m->images) : NAN,
        .nll = m->with_loss == m->images ? mean(&m->loss, m->images) : NAN,
        .mean_entropy = m->with_entropy == m->images ? mean(&m->entropy, m->images) : NAN,
    };
    share_interval(m->correct, m->images, &v->accuracy_low, &v->accuracy_high);
    compute_conf(m, v);
}
