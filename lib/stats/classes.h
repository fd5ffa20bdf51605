/* The classes of a run with what confmat --classes counts of them, and their orders. */
#ifndef HP_CLASSES_H
#define HP_CLASSES_H

#include "stats/examples.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One class. Names come three times: `name` as it is, for files that programs read;
 * `shown` for people, as text_clean gives it; `text` the same isolated, for lines of text
 * in which the order of names matters. */
struct class_row {
    bool present; /* the table has a row of it */
    char *name, *shown, *text;
    int superclass;         /* -1 where unknown */
    char *superclass_name;  /* "NA" where unknown */
    char *superclass_shown; /* "-" where unknown */
    int64_t total, correct;
    int64_t predicted; /* -1 where the table does not tell */
    double precision, f1, mean_conf;
    int64_t top_wrong_count; /* -1 where there is no wrong prediction */
    char *top_wrong_name;    /* NULL where it is not known, or there is none */
    char *top_wrong_text;    /* NULL where there is none */
    int64_t top_wrong_tied;  /* other wrong predictions that are as frequent; 0 where unknown */

    /* From the predictions; see confidence_add. */
    int64_t low_correct;     /* correct predictions of low confidence */
    int64_t highest_wrong;   /* wrong predictions of highest confidence */
    int64_t flagged;         /* labels that label-check flags */
    struct examples errors;  /* wrong predictions of its images */
    struct examples wrongly; /* wrong predictions as this class */
};

/* All zero: none. */
struct classes {
    const char *file;
    int n; /* rows [0, n), some of them perhaps not present */
    struct class_row *row;
    int present;      /* rows present */
    int superclasses; /* different ones */
    int64_t total, correct;
};

void classes_free(struct classes *c);

/* NULL where the table has no such class. */
const struct class_row *classes_find(const struct classes *c, int cls);

int classes_count_superclasses(const struct classes *c);

static inline int64_t class_errors(const struct class_row *c)
{
    return c->total - c->correct;
}

/* Whether a wrong prediction stands out: one that occurs once is the first of many by its number
 * alone. */
static inline bool class_has_top_wrong(const struct class_row *c)
{
    return c->top_wrong_count > 1;
}

double class_accuracy(const struct class_row *c); /* NaN without images */

/* By how much the mean confidence is above the accuracy; NaN where one is not known. */
double class_over_confidence(const struct class_row *c);
double classes_accuracy(const struct classes *c); /* of all images; NaN without */

/* The 95 % interval of the accuracy; see share_interval. */
void class_interval(const struct class_row *c, double *low, double *high);

/* Accuracies in three bands, as the reference colours them: low below 0.5, mid below 0.7, high
 * from there on. */
#define ACCURACY_MID 0.5
#define ACCURACY_HIGH 0.7

enum accuracy_band {
    ACCURACY_BAND_NONE, /* no images */
    ACCURACY_BAND_LOW,
    ACCURACY_BAND_MID,
    ACCURACY_BAND_HIGH,
    ACCURACY_BANDS
};

enum accuracy_band class_band(const struct class_row *c);
void classes_count_bands(const struct classes *c, int64_t count[ACCURACY_BANDS]);

/* Class numbers by accuracy, equal ones by number; classes without images are at
 * the end, or ignored. */
enum class_order { CLASSES_WORST_FIRST, CLASSES_BEST_FIRST, CLASSES_WITH_EMPTY };

struct class_list {
    int n;
    int *cls;   /* [n], the caller's to free */
    int listed; /* how many of the first to list */
    int tied;   /* classes behind these with the accuracy of the last of them */
};

/* All are listed. */
struct class_list classes_ranked(const struct classes *c, enum class_order order);

/* At most `most` are listed, and only those worse (or better) than all images together. */
struct class_list classes_extreme(const struct classes *c, enum class_order order, int most);

/* Those with more than one of a kind of error, by falling number. Caller frees the list. */
enum class_error { CLASS_HIGHEST_WRONG, CLASS_FLAGGED };
int64_t class_errors_of(const struct class_row *row, enum class_error kind);
struct class_list classes_by_errors(const struct classes *c, enum class_error kind);

#endif
