/* Prediction rows: the columns that the statistics read, found by name. */
#ifndef HP_PREDICTIONS_H
#define HP_PREDICTIONS_H

#include "base/err.h"
#include "rows/seen.h"
#include "stats/prediction.h"
#include "stream/tsv.h"

#include <stdbool.h>
#include <stdint.h>

enum prediction_col {
    PREDICTION_ID,
    PREDICTION_TRUE,
    PREDICTION_PRED,
    PREDICTION_CONF,
    PREDICTION_RANK, /* rank_true */
    PREDICTION_LOSS,
    PREDICTION_ENTROPY,
    PREDICTION_COLS
};

/* Where the columns of one table are, -1 for one that is not read. */
struct prediction_cols {
    int col[PREDICTION_COLS];
    int classes;       /* classes are below this: STATS_CLASSES, or as the names know */
    const char *names; /* the file of names behind `classes`, for messages, or NULL */
    bool all;          /* rows without a label are read like others */
    struct seen *seen; /* rows that came before, in any table, or NULL */
};

/* Finds the columns in a table: an error where one of the set `need` (bits
 * 1 << PREDICTION_x) is missing; one of the set `want` is read where there is one.
 * The rest of `c` is the caller's to set. */
int prediction_find(struct prediction_cols *c, const struct tsv_in *t, unsigned need, unsigned want,
                    struct err *e) ERR_CHECKED;

/* The current row of `t`. Errors name file, line and column. */
int prediction_read(const struct prediction_cols *c, const struct tsv_in *t, struct prediction *a,
                    struct err *e) ERR_CHECKED;

/* The next row: 1, 0 at the end, -1. With `seen`, and where there is a column id, a row that
 * came before is passed over. */
int prediction_next(const struct prediction_cols *c, struct tsv_in *t, struct prediction *a,
                    struct err *e) ERR_CHECKED;

/* The class in column `col`, below c->classes. */
int prediction_class(const struct prediction_cols *c, const struct tsv_in *t, int col, int *cls,
                     struct err *e) ERR_CHECKED;

#endif
