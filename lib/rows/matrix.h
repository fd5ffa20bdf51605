/* Rows that are counted in a confusion matrix: predictions, and matrices as confmat writes them. */
#ifndef HP_MATRIX_H
#define HP_MATRIX_H

#include "base/err.h"
#include "rows/ids.h"
#include "rows/naming.h"
#include "rows/predictions.h"
#include "rows/skipped.h"
#include "stats/breakdown.h"
#include "stats/confusion.h"
#include "stream/tsv.h"

#include <stdbool.h>
#include <stdint.h>

/* What is read, from one table after the other. The caller sets all but the counts. */
struct matrix_rows {
    struct confusion *matrix;
    struct naming *naming;
    struct prediction_cols cols;
    int64_t rows, unlabelled, skipped;
    bool plain;               /* a matrix was read, which tells nothing but counts */
    struct skipped skip;      /* predictions of these images are left out */
    struct ids ids;           /* of all images that are counted, with those that have no label */
    struct ids_tables tables; /* of the tables of sums */
    /* Predictions are also counted by the values of a column, where there is a name. */
    const char *by;
    bool by_number; /* values are numbers */
    struct breakdown *breakdown;
};

/* Rows of cifar-predict; `need` and `want`, as for prediction_find, beyond the classes and the
 * id. */
int matrix_read_predictions(struct matrix_rows *in, struct tsv_in *t, unsigned need, unsigned want,
                            struct err *e) ERR_CHECKED;

/* A matrix, wide or long, or sums of one (rows/sums.h). */
int matrix_read(struct matrix_rows *in, struct tsv_in *t, struct err *e) ERR_CHECKED;

#endif
