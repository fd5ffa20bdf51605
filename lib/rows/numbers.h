/* Columns of numbers that images have, in their rows of predictions or in tables joined to them by
 * id. All are kept: 8 bytes for each image and column. */
#ifndef HP_NUMBERS_H
#define HP_NUMBERS_H

#include "base/err.h"
#include "stream/tsv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number_column {
    char *name;
    char *table;   /* that it stands in, */
    bool of_rows;  /* which is that of the predictions */
    double *value; /* [images], NaN where missing */
    size_t room;
    int at; /* in the table being read; -1: not there, or not of numbers */
};

/* All zero: none. */
struct numbers {
    struct number_column *column; /* [n] */
    size_t n;
    const char *wanted; /* names separated by commas, or NULL: all columns of numbers but ids,
                           classes, and what cifar-predict writes into its rows */
};

/* Finds the columns in a table, that of the predictions where `rows`, which comes first. One that
 * is in the rows, too, is taken from the other table; other tables may not share one. */
int numbers_table(struct numbers *s, const struct tsv_in *t, bool rows, struct err *e) ERR_CHECKED;

/* The current row is that of image number `i`. What is no number is an error in a column that is
 * wanted, and drops another. */
int numbers_row(struct numbers *s, const struct tsv_in *t, size_t i, struct err *e) ERR_CHECKED;

/* Ends the table. */
void numbers_end(struct numbers *s);

/* Reads a whole table by id for the images id[n], of which none comes twice. */
int numbers_join(struct numbers *s, const char *path, const int64_t *id, size_t n, struct err *e)
    ERR_CHECKED;

/* Ends the reading: every column has a value for each of n images. An error where one that is
 * wanted was in no table. */
int numbers_done(struct numbers *s, size_t n, struct err *e) ERR_CHECKED;
void numbers_free(struct numbers *s);

#endif
