/* The tables of one run, as records: their sizes follow the classes, not the images. */
#ifndef HP_STATS_TABLES_H
#define HP_STATS_TABLES_H

#include "stats/classes.h"
#include "stats/confidence.h"
#include "stats/examples.h"
#include "stats/maps.h"
#include "stats/pairs.h"
#include "stats/sum.h"

#include <stdbool.h>
#include <stdint.h>

/* The measures of confmat --summary that only it tells; NaN where it has none. */
struct summary {
    const char *file;
    double images, correct; /* always known */
    double unlabelled;      /* images that are ignored in all else */
    double top5_accuracy;
};

/* What calibrate tells of a temperature. All zero: not known. */
struct mending {
    bool known;
    double temperature, low, high;           /* with its interval; NaN where an end has none */
    double ece_after, after_low, after_high; /* calibration error on held-out images */
    double ece_change_high; /* upper end of the interval of its change; NaN where not known */
    double nll_change;      /* change of the mean loss on them */
};

/* What label-check tells of the labels. All zero: not known. */
struct label_flags {
    bool known;
    int64_t images, correct;          /* with a label; predicted as it says */
    int64_t flagged, flagged_correct; /* labels */
    struct sum expected, squares;     /* of the probabilities that labels are flagged */
    struct examples first;            /* those with the highest scores */
};

/* All zero but for the measures of the summary: nothing is known. */
struct tables {
    struct classes classes;
    struct pairs pairs;
    struct summary summary;
    struct label_flags labels;
    struct mending mending;           /* temperature is NaN where it is not known */
    struct superclasses superclasses; /* n is 0 where unknown */
    struct confidence confidence;
    struct maps maps;
};

static inline int64_t tables_errors(const struct tables *t)
{
    return t->classes.total - t->classes.correct;
}

static inline void tables_free(struct tables *t)
{
    classes_free(&t->classes);
    pairs_free(&t->pairs);
    superclasses_free(&t->superclasses);
}

#endif
