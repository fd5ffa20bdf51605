/* The table's rows, and the classes that each asks maps for. */
#ifndef CAM_ROWS_H
#define CAM_ROWS_H

#include "base/err.h"
#include "rows/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row. Its size is rows_bytes(), so that the engine can carry it as a tag. */
struct row {
    int64_t id, line;
    int64_t expected;    /* rows in all as far as can be told, or 0: rows are read while others
                            are written */
    double conf, p_true; /* NaN where unknown */
    int pred, truth;     /* -1 where unknown */
    int part;            /* the caller's own */
    struct aim aim[];    /* one for each word of --target, without meaning for "all" */
};

struct rows;

/* `targets`: as targets_parse; a word that can be no target ends the program with a
 * usage error. Caller frees with rows_close. */
struct rows *rows_new(const char *targets);
void rows_close(struct rows *r);

/* Opens the table for a model of `classes` classes; `confidence`: also read the
 * columns conf and p_true where there are any. */
int rows_open(struct rows *r, const char *path, int classes, bool confidence, struct err *e);

size_t rows_bytes(const struct rows *r);

/* Next row: 1, 0 at the end, -1. */
int rows_next(struct rows *r, struct row *row, struct err *e);

/* Tells, after the last row, that there was none. */
void rows_tell_none(const struct rows *r);

/* Whether the next row is there already. */
bool rows_ready(const struct rows *r);

/* Planes of a row's item, and of each the word of its target and its aim. */
int rows_planes(const struct rows *r);
const char *rows_word(const struct rows *r, int plane);
struct aim rows_aim(const struct rows *r, const struct row *row, int plane);

/* The plane of the target with this word, or -1. */
int rows_find(const struct rows *r, const char *word);

/* A message about `row`; returns -1. */
int rows_error(const struct rows *r, const struct row *row, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
