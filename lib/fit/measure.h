/* Whether a network is run as it was trained: what enters its batch norms, against the mean
 * and the variance that the norms recorded in training. */
#ifndef HP_FIT_MEASURE_H
#define HP_FIT_MEASURE_H

#include "base/err.h"
#include "engine/engine.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

/* Images in parts of the same size, for the jackknife. */
enum { FIT_PARTS = 16 };

/* Images that are read more than once. */
struct fit_images {
    int64_t count;
    int h, w;
    /* Image i into pixels[3 * h * w]; called by one thread at a time. */
    int (*at)(void *ctx, int64_t i, uint8_t *pixels, struct err *e);
    void *ctx;
    const int *label; /* [count] classes of those that were read, -1 where there is none; or NULL */
};

struct fit_figures {
    double divergence;         /* nats: the mean over norms of the mean over channels of the
                                  Kullback-Leibler divergence of the normal distribution that was
                                  measured from the one that was recorded; infinite where values are
                                  not finite */
    double without[FIT_PARTS]; /* the same without the images of one part */
    double begun;              /* the same of the first images alone; infinite where they were not
                                  looked at */
    double shift;              /* root mean square of (mean - recorded mean) / recorded deviation */
    double ratio;              /* geometric mean of variance / recorded variance */
    char worst[128];           /* the norm that fits least */
    double worst_divergence;
    double last_divergence; /* of the last norm */
    int norms;
    int64_t images;
};

/* How many images a budget allows, at so much for each, within bounds. */
int64_t fit_count(double budget, double each, int64_t least, int64_t most);

/* Kullback-Leibler divergence of normal distributions: of the first from the second. */
double fit_divergence(double mean, double var, double from_mean, double from_var);

/* Fits that are compared, of the same images. By falling fit, for qsort. */
int fit_compare(const struct fit_figures *a, const struct fit_figures *b);

/* Whether the images fit at all: augmentation and sampling alone make a few hundredths of a
 * nat. */
#define FIT_GOOD_MAX 0.05
bool fit_good(const struct fit_figures *f);

/* Whether one fits as well as the best does, up to sampling; so much better than another that it is
 * another network. */
bool fit_as_good(const struct fit_figures *f, const struct fit_figures *best);
bool fit_clearly_better(const struct fit_figures *f, const struct fit_figures *than);

/* A difference in its standard deviations, by the jackknife: from the differences without one part
 * of the images. */
double fit_deviations(double difference, const double without[FIT_PARTS]);

/* By how many standard deviations `a` fits less than `b`, on the same images. */
double fit_less(const struct fit_figures *a, const struct fit_figures *b);

/* What computes, as in struct engine_opts. */
struct fit_device {
    const char *name;
    int threads;
    struct engine_kept *kept;
};

/* Whether training left its traces in the running statistics of a network that was built
 * unfolded. */
bool fit_is_trained(const struct model *m);

/* Runs images through a network; on the CPU where the device will not do. */
int fit_run(const struct graph *graph, const struct engine_opts *of,
            const struct engine_calls *calls, struct err *e) ERR_CHECKED;

/* The same of a network that was built unfolded and has norms, in f32. Where the first sixteenth of
 * the images, eight at least or, of sixteen or fewer, four, has a divergence of more than `most`,
 * the figures are of these alone; INFINITY looks at all. */
int fit_measure(struct fit_figures *f, const struct model *m, const struct fit_images *images,
                double most, const struct fit_device *device, struct err *e) ERR_CHECKED;

#endif
