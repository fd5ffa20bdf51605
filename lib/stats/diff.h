/* Two runs on the same images: which predictions changed, and whether more were lost than chance
 * alone would explain. Run 0 is A, the one before; run 1 is B. */
#ifndef HP_DIFF_H
#define HP_DIFF_H

#include "base/err.h"
#include "data/names.h"
#include "stats/calibration.h"
#include "stats/sum.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What two runs say of one image. */
struct diff_image {
    int64_t id;
    double conf[2]; /* probability of pred */
    double loss[2]; /* NaN where a table does not tell */
    double map;     /* rank correlation of the two maps of pred; NaN where not known */
    int truth;      /* -1 where it has no label */
    int pred[2];    /* class */
};

/* Images that both runs have, by rising id. */
struct diff {
    struct diff_image *image;
    size_t n;
    int64_t only[2]; /* images that the other run lacks, which are ignored */
};

void diff_free(struct diff *d);

enum diff_kind {
    DIFF_BOTH_CORRECT,
    DIFF_FIXED,       /* wrong in A, correct in B */
    DIFF_BROKEN,      /* correct in A, wrong in B */
    DIFF_WRONG_SAME,  /* wrong in both, with the same prediction */
    DIFF_WRONG_OTHER, /* wrong in both, with another prediction */
    DIFF_SAME,        /* without a label, with the same prediction */
    DIFF_OTHER,       /* without a label, with another prediction */
    DIFF_KINDS
};

enum diff_kind diff_kind(const struct diff_image *image);

/* "both_correct", "fixed", "broken", "wrong_same", "wrong_other", "same", "other". */
const char *diff_kind_word(enum diff_kind kind);

/* Labelled images and what became of them. */
struct diff_counts {
    int64_t images, correct[2], fixed, broken;
};

/* McNemar's exact test: the two-sided p of as unequal numbers of fixed and broken images if both
 * were as likely (Note on the sampling error of the difference between correlated proportions or
 * percentages, 1947). NaN where there are none. */
double diff_test(const struct diff_counts *c);

/* The one-sided p of as many broken images among them, 1 where there are none; NaN without
 * images. */
double diff_worse(const struct diff_counts *c);

/* Of one run. Shares of 1; NaN without labelled images. */
struct diff_run {
    double accuracy, low, high; /* with its interval: see share_interval */
    double mean_conf;
    struct calibration_error calibration;
    double nll; /* mean loss; NaN where an image has none */
};

struct diff_summary {
    int64_t images, unlabelled;
    int64_t of[DIFF_KINDS];
    int64_t same; /* images with the same prediction */
    struct diff_counts counts;
    struct diff_run run[2];
    double difference, low, high; /* accuracy of B less that of A, with its interval: see
                                     share_paired_interval; NaN without labelled images */
    int64_t maps;                 /* images of the same prediction whose maps were compared */
    int64_t moved;                /* of these below the threshold */
    double map_median;            /* NaN without maps */
};

/* The measures of the summary as run-diff writes and report reads them: C a whole number, R a real
 * one. Those that end in _a and _b are of one run. */
#define DIFF_MEASURES(X)                                                                           \
    X(IMAGES, C, images)                                                                           \
    X(ONLY_A, C, only_a)                                                                           \
    X(ONLY_B, C, only_b)                                                                           \
    X(UNLABELLED, C, unlabelled)                                                                   \
    X(SAME, C, same_prediction)                                                                    \
    X(CHANGED, C, changed_prediction)                                                              \
    X(BOTH_CORRECT, C, both_correct)                                                               \
    X(FIXED, C, fixed)                                                                             \
    X(BROKEN, C, broken)                                                                           \
    X(WRONG_SAME, C, wrong_same)                                                                   \
    X(WRONG_OTHER, C, wrong_other)                                                                 \
    X(CORRECT_A, C, correct_a)                                                                     \
    X(CORRECT_B, C, correct_b)                                                                     \
    X(ACCURACY_A, R, accuracy_a)                                                                   \
    X(ACCURACY_A_LOW, R, accuracy_a_low)                                                           \
    X(ACCURACY_A_HIGH, R, accuracy_a_high)                                                         \
    X(ACCURACY_B, R, accuracy_b)                                                                   \
    X(ACCURACY_B_LOW, R, accuracy_b_low)                                                           \
    X(ACCURACY_B_HIGH, R, accuracy_b_high)                                                         \
    X(DIFFERENCE, R, difference)                                                                   \
    X(DIFFERENCE_LOW, R, difference_low)                                                           \
    X(DIFFERENCE_HIGH, R, difference_high)                                                         \
    X(MCNEMAR_P, R, mcnemar_p)                                                                     \
    X(WORSE_P, R, worse_p)                                                                         \
    X(MEAN_CONF_A, R, mean_conf_a)                                                                 \
    X(MEAN_CONF_B, R, mean_conf_b)                                                                 \
    X(ECE_A, R, ece_a)                                                                             \
    X(ECE_B, R, ece_b)                                                                             \
    X(ECE_CHANCE_A, R, ece_chance_a)                                                               \
    X(ECE_CHANCE_B, R, ece_chance_b)                                                               \
    X(MCE_A, R, mce_a)                                                                             \
    X(MCE_B, R, mce_b)                                                                             \
    X(NLL_A, R, nll_a)                                                                             \
    X(NLL_B, R, nll_b)                                                                             \
    X(MAPS, C, maps_compared)                                                                      \
    X(MAPS_MOVED, C, maps_moved)                                                                   \
    X(MAP_MEDIAN, R, map_correlation_median)

enum diff_measure {
#define DIFF_MEASURE_ID(id, kind, word) DIFF_MEASURE_##id,
    DIFF_MEASURES(DIFF_MEASURE_ID)
#undef DIFF_MEASURE_ID
        DIFF_MEASURE_COUNT
};

const char *diff_measure_word(enum diff_measure m);
bool diff_measure_is_count(enum diff_measure m);

/* Their values; NaN where not known. Those of maps are not known without `maps`. */
void diff_measures(const struct diff *d, const struct diff_summary *s, bool maps,
                   double value[DIFF_MEASURE_COUNT]);

/* A map has moved where the rank correlation is below `moved`. */
void diff_summarize(const struct diff *d, double moved, struct diff_summary *s);

/* A part of the images with its test. */
struct diff_part {
    int part; /* class or superclass */
    struct diff_counts counts;
    double accuracy[2]; /* NaN without images, as is the difference */
    double difference;  /* B's less A's */
    double p;           /* diff_test */
    double adjusted;    /* the same corrected for the number of parts: see share_holm */
};

/* Which run is better by McNemar's test: */
enum diff_verdict {
    DIFF_UNKNOWN, /* no image has a label */
    DIFF_EQUAL,   /* none was fixed and none broken */
    DIFF_CHANCE,  /* the difference could be chance */
    DIFF_WORSE,   /* B is, beyond chance */
    DIFF_BETTER
};

/* Of the measures of the summary, NaN where not known. */
enum diff_verdict diff_judge(const double value[DIFF_MEASURE_COUNT]);
double diff_labelled(const double value[DIFF_MEASURE_COUNT]);

/* By true class, those from 0 to below *n. Caller frees. */
struct diff_part *diff_classes(const struct diff *d, int *n);

/* By true superclass, those from 0 to below names->superclasses; images of which it is not known
 * are ignored and counted in `ignored`. Caller frees. */
struct diff_part *diff_superclasses(const struct diff *d, const struct names *names,
                                    int64_t *ignored);

/* Images of class `truth` predicted as `pred`, another class. */
struct diff_pair {
    int truth, pred;
    int64_t count[2];
    int64_t difference;  /* B's less A's */
    int64_t fewer;       /* images of the pair in A alone */
    int64_t more;        /* in B alone */
    int same_superclass; /* 1, 0, or -1 where unknown */
    double p, adjusted;  /* as of a part, of `fewer` and `more` */
};

/* The pairs that any image joined or left, by falling difference of their counts, then falling
 * count, then classes; *n of them. Caller frees. */
int diff_pairs(const struct diff *d, const struct names *names, struct diff_pair **pair, size_t *n,
               struct err *e) ERR_CHECKED;

/* The images of the same prediction whose maps moved, by rising correlation, then id; *n of them.
 * Caller frees. */
struct diff_image *diff_moved(const struct diff *d, double moved, size_t *n);

#endif
