#include "stats/outcomes.h"

#include "base/mem.h"
#include "stats/quantile.h"

#include <math.h>
#include <stdlib.h>

static int by_conf(const void *a, const void *b)
{
    const struct outcome *x = a, *y = b;
    if (x->conf != y->conf)
        return x->conf < y->conf ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

void outcomes_sort(struct outcome *o, size_t n)
{
    if (n > 0)
        qsort(o, n, sizeof *o, by_conf);
}

void outcomes_bins(const struct outcome *o, size_t n, struct outcome_bins bins[BINS_KINDS])
{
    struct outcome_bins *width = &bins[BINS_WIDTH], *mass = &bins[BINS_MASS];
    *width = *mass = (struct outcome_bins){.calibration.bin[0].images = 0};
    for (int i = 0; i < CALIBRATION_BINS; i++) {
        width->from[i] = (double)i / CALIBRATION_BINS;
        width->to[i] = (double)(i + 1) / CALIBRATION_BINS;
        mass->from[i] = mass->to[i] = NAN;
    }
    int bin = 0;
    for (size_t i = 0; i < n; i++) {
        calibration_add(&width->calibration, o[i].conf, o[i].correct);
        if (i > 0 && o[i].conf != o[i - 1].conf)
            while ((int64_t)i >= quantile_end((int64_t)n, CALIBRATION_BINS, bin))
                bin++;
        calibration_add_to(&mass->calibration, bin, o[i].conf, o[i].correct);
        if (mass->calibration.bin[bin].images == 1)
            mass->from[bin] = o[i].conf;
        mass->to[bin] = o[i].conf;
    }
}

/* Ends a bin that began at *from: how far confidences are from correct predictions. `gap` is the
 * sum of their differences so far. Resamples need no more than the precision of double. */
static double end_bin(double *from, double gap)
{
    double size = fabs(gap - *from);
    *from = gap;
    return size;
}

/* Without branches on `times`, which are as by chance: an image that does not come adds nothing,
 * and may end a bin that the next one that comes would end. */
void outcomes_ece(const struct outcome *o, size_t n, const uint32_t *times, double ece[BINS_KINDS])
{
    double gap = 0, from[BINS_KINDS] = {0}, sum[BINS_KINDS] = {0}, edge = 0, last = -1;
    int64_t before = 0, end = quantile_end((int64_t)n, CALIBRATION_BINS, 0);
    int mass = 0;
    for (size_t i = 0; i < n; i++) {
        double conf = o[i].conf;
        uint32_t t = times[o[i].image];
        /* Below the edge the bin is known without a search; above it, rounding decides. */
        if (conf >= edge) {
            int at = calibration_bin_of(conf);
            if (i > 0 && at != calibration_bin_of(o[i - 1].conf))
                sum[BINS_WIDTH] += end_bin(&from[BINS_WIDTH], gap);
            edge = (at + 1.0) / CALIBRATION_BINS - 1e-9;
        }
        if (before >= end && conf != last) {
            sum[BINS_MASS] += end_bin(&from[BINS_MASS], gap);
            while (before >= end && mass < CALIBRATION_BINS - 1)
                end = quantile_end((int64_t)n, CALIBRATION_BINS, ++mass);
        }
        gap += t * (conf - o[i].correct);
        before += t;
        last = t > 0 ? conf : last;
    }
    for (int k = 0; k < BINS_KINDS; k++)
        ece[k] = (sum[k] + end_bin(&from[k], gap)) / (double)n;
}

double *outcomes_harmonic(size_t n)
{
    double *sum = mem_alloc(n + 1, sizeof *sum);
    sum[0] = 0;
    for (size_t k = 1; k <= n; k++)
        sum[k] = sum[k - 1] + 1 / (double)k;
    return sum;
}

double outcomes_area(const struct outcome *o, size_t n, const uint32_t *times,
                     const double *harmonic)
{
    double area = 0, errors = 0;
    size_t before = 0;
    for (size_t i = n; i > 0;) {
        double conf = o[i - 1].conf;
        size_t images = 0, wrong = 0;
        for (; i > 0 && o[i - 1].conf == conf; i--) {
            uint32_t t = times ? times[o[i - 1].image] : 1;
            images += t;
            wrong += o[i - 1].correct ? 0 : t;
        }
        /* Errors come evenly among the images: the sum of (errors + each k) / (before + k) for k
         * from 1 to images. */
        double each = wrong == 0 ? 0 : (double)wrong / (double)images;
        area += each * (double)images +
                (errors - each * (double)before) * (harmonic[before + images] - harmonic[before]);
        errors += (double)wrong;
        before += images;
    }
    return n > 0 ? area / (double)n : NAN;
}

double outcomes_best_area(int64_t images, int64_t errors)
{
    double area = 0;
    for (int64_t k = 1; k <= errors; k++)
        area += (double)k / (double)(images - errors + k);
    return images > 0 ? area / (double)images : NAN;
}

int outcomes_risk(const struct outcome *o, size_t n, struct outcome_risk point[RISK_POINTS])
{
    struct outcome_risk at = {0, 0, 0};
    int points = 0;
    size_t left = n;
    for (size_t percent = 1; percent <= RISK_POINTS && left > 0; percent++) {
        if ((size_t)at.images >= (n * percent + 99) / 100)
            continue;
        while (left > 0 &&
               ((size_t)at.images < (n * percent + 99) / 100 || o[left - 1].conf == at.threshold)) {
            left--;
            at.images++;
            at.errors += !o[left].correct;
            at.threshold = o[left].conf;
        }
        point[points++] = at;
    }
    return points;
}
