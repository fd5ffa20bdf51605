/* The confusion matrix of a classifier and what follows from it. */
#ifndef HP_CONFUSION_H
#define HP_CONFUSION_H

#include "base/err.h"
#include "data/names.h"
#include "stats/metrics.h"
#include "stats/prediction.h"
#include "stats/sparse.h"

#include <stddef.h>
#include <stdint.h>

/* At most this many different pairs of true and predicted class: 1 GiB. */
enum { CONFUSION_ENTRIES = 1 << 25 };

struct confusion;

struct confusion *confusion_new(void);
void confusion_free(struct confusion *c);

/* The matrix has at least this many classes, whether images have them or not. */
void confusion_cover(struct confusion *c, int classes);

/* `n` images of class `truth` that were predicted as `pred`. */
int confusion_add(struct confusion *c, int truth, int pred, int64_t n, struct err *e) ERR_CHECKED;

/* One labelled image with what its row tells of the prediction. */
int confusion_prediction(struct confusion *c, const struct prediction *a, struct err *e)
    ERR_CHECKED;

/* What rows told beside the counts, and the sum of the confidences of a true class, for others to
 * be added; images and correct ones are counted by confusion_add. */
struct metrics *confusion_more(struct confusion *c);
struct sum *confusion_more_conf(struct confusion *c, int truth);

/* Everything below comes after confusion_done, and nothing above does. */
void confusion_done(struct confusion *c);

/* One more than the largest class, or what confusion_cover asked for. */
int confusion_classes(const struct confusion *c);
int64_t confusion_images(const struct confusion *c);
int64_t confusion_count(const struct confusion *c, int truth, int pred);

const struct metrics *confusion_metrics(const struct confusion *c);

/* The sum of the confidences of a true class; NULL where it has none. */
const struct sum *confusion_conf(const struct confusion *c, int truth);

/* The entries that are not zero, by true, then predicted class: `row` is the true
 * class. They stay the matrix's. */
const struct sparse_entry *confusion_entries(const struct confusion *c, size_t *n);

/* A true class's part of confusion_entries. */
const struct sparse_entry *confusion_row(const struct confusion *c, int truth, size_t *n);

/* Figures of one class, as scikit-learn's precision_recall_fscore_support defines
 * them; a quotient whose divisor is 0 is NaN. */
struct class_metrics {
    int64_t total;     /* images of the class */
    int64_t correct;   /* of these, with the correct prediction */
    int64_t predicted; /* images predicted as the class */
    double accuracy;   /* correct / total, the recall */
    double precision;  /* correct / predicted */
    double f1;         /* 2 correct / (total + predicted) */
    double mean_conf;  /* of the class's images; NaN where unknown */
    int top_wrong;     /* most frequent wrong prediction, the lower class of equals; or -1 */
    int64_t top_wrong_count;
    int top_wrong_tied; /* other wrong predictions that are as frequent */
};

void confusion_class(const struct confusion *c, int cls, struct class_metrics *f);

/* A kind of error: images of class `truth` predicted as `pred`. */
struct confused_pair {
    int truth, pred;
    int64_t count;
    int64_t reverse;     /* images of `pred` predicted as `truth` */
    int64_t both;        /* count and reverse */
    double rate;         /* count of the images of `truth` */
    int same_superclass; /* 1 or 0, or -1 where a superclass is not known */
};

/* All kinds of error that occur, by falling count, then truth, then pred; `n` of
 * them. Caller frees. */
struct confused_pair *confusion_pairs(const struct confusion *c, const struct names *names,
                                      size_t *n);

/* The matrix over superclasses, finished; images of which a superclass is not
 * known are left out and counted in `left`. NULL and `e` on error. Caller frees. */
struct confusion *confusion_by_superclass(const struct confusion *c, const struct names *names,
                                          int64_t *left, struct err *e) ERR_CHECKED;

/* The classes in the order of their superclasses, then of their numbers; classes
 * without a superclass last. `order` has confusion_classes entries. */
void confusion_superclass_order(const struct confusion *c, const struct names *names, int *order);

/* Metrics of the whole. Shares are fractions of 1; NaN is what the rows do not
 * tell or what has no images; a class of -1 likewise. */
struct confusion_summary {
    struct metrics_values all;
    int classes, classes_with_images;
    double mean_class_accuracy;  /* over classes with images */
    double macro_precision;      /* over classes where it is defined */
    double macro_f1;             /* likewise */
    int worst_class, best_class; /* by accuracy, the lower class of equals */
    double worst_class_accuracy, best_class_accuracy;
    int64_t classes_below_50;      /* accuracy below 0.5 */
    int64_t classes_below_70;      /* accuracy below 0.7 */
    int superclasses;              /* 0 where not known */
    double superclass_accuracy;    /* of the images whose superclasses are known */
    double errors_same_superclass; /* NaN without superclasses */
    int64_t pairs_confused;        /* kinds of error that occur */
};

void confusion_summarize(const struct confusion *c, const struct names *names,
                         struct confusion_summary *s);

#endif
