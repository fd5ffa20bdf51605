/* Rows for a program of one pass: what is not as it must be ends the program with
 * the reader's message. */
#ifndef HP_REPORT_ROWS_H
#define HP_REPORT_ROWS_H

#include "stream/tsv.h"

#include <stdbool.h>
#include <stdint.h>

struct tsv_in *rows_open(const char *file);

/* False at the end. */
bool rows_next(struct tsv_in *t);

/* The column's index. */
int rows_need(const struct tsv_in *t, const char *name);

/* A whole number from 0 to `max`. */
int64_t rows_whole(const struct tsv_in *t, int col, int64_t max);

/* A share from 0 to 1. */
double rows_share(const struct tsv_in *t, int col);

#endif
