/* The tables of one run, as records: their sizes follow the classes, not the images. */
#ifndef HP_STATS_TABLES_H
#define HP_STATS_TABLES_H

#include "stats/classes.h"
#include "stats/confidence.h"
#include "stats/examples.h"
#include "stats/faithfulness.h"
#include "stats/sanity.h"
#include "stats/maps.h"
#include "stats/pairs.h"
#include "stats/sum.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

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

enum { SLICE_COLUMNS = 5 };

/* A group of images that slices confirmed. */
struct slice {
    char *name, *among;
    /* In which the errors differ most from the images beside the slice, with the probability that
     * the value of an error is the higher one. */
    struct {
        char *name;
        double auc;
    } column[SLICE_COLUMNS];
    int columns;
    int64_t images, errors, tested; /* of both halves; tested: of the half that did not choose it */
    int truth, pred;                /* the most frequent confusion of its errors */
    int64_t pair_errors;            /* that it is */
    double accuracy, low, high;     /* on the latter half */
    double outside, p;              /* accuracy of the others of its set; corrected */
    struct examples examples;
};

/* Those that are confirmed, the worst first. All zero: not known. */
struct slice_list {
    bool known;
    int64_t tested; /* in the table, confirmed or not */
    int n;
    struct slice *at; /* [n] */
};

/* A column that covariates tested; NaN for what it could not. p are corrected. */
struct tested_column {
    char *name;
    int64_t images, errors;
    double median[2];      /* of correct, of wrong predictions */
    double auc, low, high; /* probability that the value of a wrong one is higher */
    double p, within_p;    /* within: among images of one class */
    double guessed, guessed_low, guessed_high, chance, guessed_p; /* the class, from the value */
};

struct tested_columns {
    bool known;
    int n;
    struct tested_column *at; /* [n] */
};

/* What duplicates tells. */
struct repeat_share {
    bool known;
    int64_t count, of;
};

struct repeats {
    bool known;
    struct repeat_share inside, against; /* images that are there again; in the other set */
    struct repeat_share without_inside, without_against; /* correct predictions without them */
    struct repeat_share near_inside, near_against;       /* of the images, those merely about so */
    struct repeat_share labels; /* pairs under two labels, of those inside with two labels */
};

/* Of some images, how many maps of the predicted class change their order by rank when the image is
 * mirrored or shifted by one pixel: the correlation with the map moved back is below
 * STABLE_CORRELATION. All zero: not known. */
#define STABLE_CORRELATION 0.5
struct stability {
    bool known;
    int64_t images, unstable;
    struct examples examples;
};

/* How many errors turn to the true class when so many cells of the last stage are deleted: those
 * that favour the wrong class most (the margin map's highest); by chance; those nearest the
 * centre. All zero: not known. */
struct turned {
    bool known;
    int cells;
    int64_t errors, margin;
    double random, center; /* to expect where cells are equal in order */
    struct examples examples;
};

/* All zero but for the measures of the summary: nothing is known. */
struct tables {
    struct classes classes;
    struct pairs pairs;
    struct summary summary;
    struct label_flags labels;
    struct slice_list slices;
    struct tested_columns columns;
    struct repeats repeats;
    struct mending mending;           /* temperature is NaN where it is not known */
    struct superclasses superclasses; /* n is 0 where unknown */
    struct confidence confidence;
    struct maps maps;
    struct turned turned;
    struct stability stability;
    struct faithfulness faithfulness;
    struct sanity sanity;
};

static inline int64_t tables_errors(const struct tables *t)
{
    return t->classes.total - t->classes.correct;
}

static inline void slice_list_free(struct slice_list *l)
{
    for (int i = 0; i < l->n; i++) {
        free(l->at[i].name);
        free(l->at[i].among);
        for (int k = 0; k < l->at[i].columns; k++)
            free(l->at[i].column[k].name);
    }
    free(l->at);
}

static inline void tables_free(struct tables *t)
{
    slice_list_free(&t->slices);
    for (int i = 0; i < t->columns.n; i++)
        free(t->columns.at[i].name);
    free(t->columns.at);
    faithfulness_free(&t->faithfulness);
    sanity_free(&t->sanity);
    classes_free(&t->classes);
    pairs_free(&t->pairs);
    superclasses_free(&t->superclasses);
}

#endif
