/* Fields of the current row as the readers of tables take them; the message names file, line and
 * column. */
#ifndef HP_FIELDS_H
#define HP_FIELDS_H

#include "base/err.h"
#include "stream/tsv.h"

#include <stdint.h>

/* Counts of images are below this, so that sums of them do not overflow. */
#define FIELD_COUNT_MAX ((int64_t)1 << 40)

/* Opens a table that has the columns of a list that ends with NULL. */
int fields_open(struct tsv_in **t, const char *file, const char *const *columns, struct err *e)
    ERR_CHECKED;

/* The same; col[] gets the number of each of the columns, unless it is NULL. */
int fields_open_at(struct tsv_in **t, const char *file, const char *const *columns, int *col,
                   struct err *e) ERR_CHECKED;

/* Takes a row of such a table, with what `to` of fields_each() is. */
typedef int fields_row(void *to, const struct tsv_in *t, const int *col, struct err *e) ERR_CHECKED;

/* Opens a table as fields_open_at() does, gives each row to `row` and closes it. */
int fields_each(const char *file, const char *const *columns, int *col, fields_row *row, void *to,
                struct err *e) ERR_CHECKED;

/* A whole number from 0 to `max`. */
int field_whole(const struct tsv_in *t, int col, int64_t max, int64_t *v, struct err *e)
    ERR_CHECKED;

/* The same, with -1 where the column is missing (-1) or the field is NA. */
int field_whole_na(const struct tsv_in *t, int col, int64_t max, int64_t *v, struct err *e)
    ERR_CHECKED;

/* A class or superclass. */
int field_class(const struct tsv_in *t, int col, int *cls, struct err *e) ERR_CHECKED;
int field_class_na(const struct tsv_in *t, int col, int *cls, struct err *e) ERR_CHECKED;

/* The class of a column `p0`, `p1`, ... of a matrix; -1 for another column. */
int field_matrix_class(struct tsv_field header);

/* A number, NaN where the column is missing or the field is NA. */
int field_real_na(const struct tsv_in *t, int col, double *v, struct err *e) ERR_CHECKED;

/* A probability from 0 to 1. */
int field_probability(const struct tsv_in *t, int col, double *v, struct err *e) ERR_CHECKED;

/* The same, NaN where the column is missing or the field is NA. */
int field_probability_na(const struct tsv_in *t, int col, double *v, struct err *e) ERR_CHECKED;

/* A string; NULL where the column is missing or the field is NA. Caller frees. */
char *field_string_na(const struct tsv_in *t, int col);

/* A name for people, as text_clean gives it; where there is none "KIND NUMBER", or "-" where the
 * number is not known either (-1). Caller frees. */
char *field_shown(const struct tsv_in *t, int col, const char *kind, int64_t number);

#endif
