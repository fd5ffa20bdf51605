/* The tables of one run, read whole: their sizes follow the classes, not the
 * images. Every reader ends the program where a table is not as it must be. */
#ifndef HP_REPORT_TABLES_H
#define HP_REPORT_TABLES_H

#include "stats/band.h"
#include "stats/calibration.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One class. Names come three times: `name` as it is, for files that programs read;
 * `shown` for people, as text_clean gives it; `text` the same isolated, for lines of text
 * in which the order of names matters. */
struct class_row {
    bool present; /* the table has a row of it */
    char *name, *shown, *text;
    int group;                      /* -1 where unknown */
    char *group_name, *group_shown; /* "NA" and "-" where unknown */
    int64_t total, correct;
    int64_t predicted; /* -1 where the table does not tell */
    double precision, f1, mean_conf;
    int64_t top_wrong_count; /* -1 where there is no wrong prediction */
    char *top_wrong_name, *top_wrong_text;

    /* From the predictions; see predictions_read. */
    int64_t low_correct;   /* correct predictions of low confidence */
    int64_t highest_wrong; /* wrong predictions of highest confidence */
};

struct classes {
    const char *file;
    int n; /* rows [0, n), some of them perhaps not present */
    struct class_row *row;
    int present, groups; /* rows present, different superclasses */
    int64_t total, correct;
};

void classes_read(struct classes *c, const char *file);
void classes_free(struct classes *c);
double class_accuracy(const struct class_row *c); /* NaN without images */

/* Class numbers by accuracy, equal ones by number; classes without images are at
 * the end, or ignored. Returns how many; caller frees. */
enum class_order { CLASSES_WORST_FIRST, CLASSES_BEST_FIRST, CLASSES_WITH_EMPTY };
int classes_ranked(const struct classes *c, enum class_order order, int **rank);

/* A pair of classes that is confused: images of `truth` predicted as `pred`. */
struct pair_row {
    int truth, pred;
    int64_t count;
    int64_t first_half; /* of these in one half of the images; see predictions_read */
    int64_t reverse;    /* -1 where the table does not tell */
    double rate;        /* of the images of `truth`; NaN where the table does not tell */
    int same_group;     /* 1, 0, or -1 where unknown */
    char *true_name, *pred_name;
    int64_t line;
};

struct pairs {
    const char *file;
    size_t n;
    struct pair_row *row; /* by falling count, then truth, then pred; no zeros */
    int64_t errors;       /* sum of the counts */
};

/* Without `known` the classes are not checked. With it, a superclass that the table
 * does not tell comes from there. */
void pairs_read(struct pairs *p, const char *file, const struct classes *known);
void pairs_free(struct pairs *p);

/* The measures of confmat --summary that only it tells; NaN where it has none. */
struct summary {
    const char *file;
    double images, correct; /* always known */
    double unlabelled;      /* images that are ignored in all else */
    double top5_accuracy;
};

/* `known`: the classes of the same run; NULL: not checked. Without a file nothing is known. */
void summary_read(struct summary *s, const char *file, const struct classes *known);

/* Superclasses that are confused. */
struct group_pair {
    int truth, pred;
    int64_t count;
};

struct groups {
    int n;
    char **text; /* names, isolated */
    size_t pairs;
    struct group_pair *pair; /* off the diagonal, by falling count, truth, pred */
};

void groups_read(struct groups *g, const char *file);
void groups_free(struct groups *g);

/* What the predictions tell beyond the other tables; nothing where they were not given. */
struct predictions {
    bool known;
    int64_t images, correct_all;
    int64_t correct[BANDS], wrong[BANDS]; /* images by band of confidence */
    struct calibration calibration;
    struct sum highest_doubt; /* of 1 - confidence in the highest band: errors to expect there */
    double mean_conf, mean_conf_correct, mean_conf_wrong; /* NaN without images */
};

/* Fills counts of the classes and of the pairs as well: half of the images, chosen by their
 * ids as by chance and always alike, are the pairs' first half. */
void predictions_read(struct predictions *a, const char *file, struct classes *c,
                      struct pairs *pairs);

#endif
