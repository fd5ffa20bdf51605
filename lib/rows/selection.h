/* Rows that worst-k chose: which classes and pairs have a sheet, and the errors to list. */
#ifndef HP_SELECTION_H
#define HP_SELECTION_H

#include "base/err.h"

#include <stdint.h>

/* The true classes of rows, below `classes`: name[cls] is the one of the first row of a class,
 * NULL where it has none. The caller gives an array of NULL and frees the names. */
int selection_classes(const char *file, int classes, char **name, struct err *e) ERR_CHECKED;

/* A pair of classes that has rows. */
struct selected_pair {
    int number, truth, pred;
    char *true_name, *pred_name;
};

struct selected_pairs {
    int n;
    struct selected_pair *pair;
};

/* The pairs of rows of worst-k --by pair, whose rows stand together, of classes below `classes`.
 * Freed by the caller, on an error as well. */
int selection_pairs(struct selected_pairs *p, const char *file, int classes, struct err *e)
    ERR_CHECKED;
void selection_pairs_free(struct selected_pairs *p);

/* A wrong prediction. */
struct selected_error {
    int64_t id;
    int truth, pred;
    double conf;
    double p_true;                      /* NaN where it is not known */
    char *file, *true_name, *pred_name; /* NULL where they are not known */
};

struct selected_errors;

int selection_errors_open(struct selected_errors **s, const char *file, struct err *e) ERR_CHECKED;

/* The next row: 1, 0 at the end, -1. Strings are valid until the next call. */
int selection_errors_next(struct selected_errors *s, struct selected_error *row, struct err *e)
    ERR_CHECKED;
void selection_errors_close(struct selected_errors *s);

#endif
