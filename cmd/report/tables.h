/* The tables of one run, read whole: their sizes follow the classes, not the
 * images. Every reader ends the program where a table is not as it must be. */
#ifndef HP_REPORT_TABLES_H
#define HP_REPORT_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One class. Names come twice: `name` as it is, for files that programs read, and
 * `shown` for people, as text_clean gives it. */
struct class_row {
    bool present; /* the table has a row of it */
    char *name, *shown;
    int group;                      /* -1 where unknown */
    char *group_name, *group_shown; /* "NA" and "-" where unknown */
    int64_t total, correct;
    int64_t predicted; /* -1 where the table does not tell */
    double precision, f1, mean_conf;
    int64_t top_wrong_count; /* -1 where there is no wrong prediction */
    char *top_wrong_name, *top_wrong_shown;

    /* From the predictions; see predictions_read. */
    int64_t unsure_right; /* correct predictions with a confidence below 50 % */
    int64_t sure_wrong;   /* wrong predictions with a confidence above 90 % */
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
 * the end, or left out. Returns how many; caller frees. */
enum class_order { CLASSES_WORST_FIRST, CLASSES_BEST_FIRST, CLASSES_WITH_EMPTY };
int classes_ranked(const struct classes *c, enum class_order order, int **rank);

/* A kind of error. */
struct pair_row {
    int truth, pred;
    int64_t count;
    int64_t reverse; /* -1 where the table does not tell */
    double rate;     /* of the images of `truth`; NaN where the table does not tell */
    int same_group;  /* 1, 0, or -1 where unknown */
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

/* The measures of confmat --summary that the texts use; NaN where it has none. */
struct summary {
    const char *file;
    double images, correct; /* always known */
    double unlabelled;      /* images left out of all figures */
    double top5_accuracy, group_accuracy, errors_same_group;
    double mean_conf, mean_conf_correct, mean_conf_wrong;
    double errors_conf_90, errors_conf_70, correct_conf_below_50;
    double ece;
};

/* `known`: the classes of the same run; NULL: not checked. */
void summary_read(struct summary *s, const char *file, const struct classes *known);

/* Superclasses taken for one another. */
struct group_pair {
    int truth, pred;
    int64_t count;
};

struct groups {
    int n;
    char **shown;
    size_t pairs;
    struct group_pair *pair; /* off the diagonal, by falling count, truth, pred */
};

void groups_read(struct groups *g, const char *file);
void groups_free(struct groups *g);

/* What the predictions tell beyond the other tables. */
struct predictions {
    bool known;
    int64_t images, correct;
    int64_t wrong_90, wrong_70, wrong_50; /* confidence above .9, .7, .5 */
    int64_t sure, sure_right;             /* predictions with .5 or more, right ones of them */
};

/* Fills the classes' counts as well. */
void predictions_read(struct predictions *a, const char *file, struct classes *c);

#endif
