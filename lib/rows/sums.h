/* What rows of predictions add to the tables of confmat, as a table whose parts can be added:
 * counts, and exact sums of confidences, losses and entropies. */
#ifndef HP_SUMS_H
#define HP_SUMS_H

#include "base/err.h"
#include "base/io.h"
#include "data/names.h"
#include "rows/ids.h"
#include "stats/confusion.h"
#include "stats/sum.h"
#include "stream/tsv.h"

#include <stdbool.h>
#include <stdint.h>

/* A sum as text: its integer in hexadecimal, in units of 2^-160, and what it holds of terms that
 * are too large, behind a colon. */
enum { SUM_TEXT = 128 };
const char *sum_write(const struct sum *s, char buf[SUM_TEXT]);
bool sum_parse(struct sum *s, struct tsv_field f);

/* A finished matrix of `unlabelled` rows beside those that it counts, and the ids of all. */
int sums_write(const struct confusion *m, const struct names *names, int64_t unlabelled,
               const struct ids *ids, struct out *o, struct err *e) ERR_CHECKED;

/* Whether a table is one of these. */
bool sums_are(const struct tsv_in *t);

/* The current row of such a table, whose columns sums_find has found. */
struct sums_cols {
    int measure, truth, pred, bin, value;
    bool ended;     /* the row was the last one that is written */
    bool has_ids;   /* there was a row of ids */
    struct ids ids; /* but `n`, which follows from the counts */
};
int sums_find(struct sums_cols *c, const struct tsv_in *t, struct err *e) ERR_CHECKED;

/* Adds it to a matrix that is not finished, or to *unlabelled. A count of images is left to the
 * caller: 1. */
int sums_add(struct sums_cols *c, const struct tsv_in *t, int classes, struct confusion *m,
             int64_t *unlabelled, struct err *e) ERR_CHECKED;

#endif
