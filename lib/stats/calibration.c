#include "stats/calibration.h"

#include <math.h>

static const double two_by_pi = 0.63661977236758134;

int calibration_bin_of(double conf)
{
    int b = (int)ceil(conf * CALIBRATION_BINS) - 1;
    return b < 0 ? 0 : b < CALIBRATION_BINS ? b : CALIBRATION_BINS - 1;
}

void calibration_add(struct calibration *c, double conf, bool correct)
{
    calibration_add_to(c, calibration_bin_of(conf), conf, correct);
}

void calibration_add_to(struct calibration *c, int bin, double conf, bool correct)
{
    struct calibration_bin *b = &c->bin[bin];
    b->images++;
    b->correct += correct;
    sum_add(&b->conf, conf);
    sum_add(&b->variance, conf * (1 - conf));
}

/* One-sided p of a value under a normal distribution. */
static double above(double value, double mean, double variance)
{
    double away = value - mean;
    return variance > 0 ? erfc(away / sqrt(2 * variance)) / 2 : away > 0 ? 0 : 1;
}

struct calibration_error calibration_error(const struct calibration *c)
{
    struct calibration_error e = {0};
    double images = 0, mean = 0, variance = 0, one_side = 0;
    for (int i = 0; i < CALIBRATION_BINS; i++)
        images += (double)c->bin[i].images;
    if (images == 0)
        return (struct calibration_error){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    for (int i = 0; i < CALIBRATION_BINS; i++) {
        const struct calibration_bin *b = &c->bin[i];
        if (b->images == 0)
            continue;
        double n = (double)b->images, v = sum_value(&b->variance);
        double gap = sum_value(&b->conf) / n - (double)b->correct / n;
        e.ece += fabs(gap) * n / images;
        e.mce = fmax(e.mce, fabs(gap));
        *(gap > 0 ? &e.over : &e.under) += fabs(gap) * n / images;
        /* The bin's sum of differences is normal with variance v: its size is half-normal,
         * and each part takes it with probability 1/2. */
        mean += sqrt(two_by_pi * v);
        variance += (1 - two_by_pi) * v;
        one_side += (0.5 - two_by_pi / 4) * v;
    }
    e.chance = mean / images;
    e.p = above(e.ece * images, mean, variance);
    e.over_p = above(e.over * images, mean / 2, one_side);
    e.under_p = above(e.under * images, mean / 2, one_side);
    return e;
}

/* Sum of confidences less correct predictions on one side: negative on the other. */
static double excess(const struct calibration_bin *b, bool over)
{
    double d = sum_value(&b->conf) - (double)b->correct;
    return over ? d : -d;
}

void calibration_far_of(const struct calibration *c, int bin, struct calibration_far *far)
{
    const struct calibration_bin *b = &c->bin[bin];
    *far = (struct calibration_far){
        .from = (double)bin / CALIBRATION_BINS,
        .to = (double)(bin + 1) / CALIBRATION_BINS,
        .images = b->images,
        .conf = sum_value(&b->conf) / (double)b->images,
        .accuracy = (double)b->correct / (double)b->images,
    };
}

bool calibration_largest_part(const struct calibration *c, bool over, struct calibration_far *far)
{
    double most = 0;
    for (int i = 0; i < CALIBRATION_BINS; i++) {
        double part = excess(&c->bin[i], over);
        if (part <= most)
            continue;
        most = part;
        calibration_far_of(c, i, far);
    }
    return most > 0;
}

bool calibration_largest_gap(const struct calibration *c, bool over, int64_t images,
                             struct calibration_far *far)
{
    double most = 0;
    for (int i = 0; i < CALIBRATION_BINS; i++) {
        const struct calibration_bin *b = &c->bin[i];
        double gap = b->images > 0 ? excess(b, over) / (double)b->images : 0;
        if (b->images < images || gap <= most)
            continue;
        most = gap;
        calibration_far_of(c, i, far);
    }
    return most > 0;
}
