/* A table's rows, and the classes that each asks maps for by the words of --target. */
#ifndef HP_AIMS_H
#define HP_AIMS_H

#include "base/err.h"
#include "data/shard.h"
#include "rows/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row. Its size is aims_bytes(), so that the engine can carry it as a tag. */
struct aims_row {
    int64_t id, line;
    int64_t expected; /* rows in all as far as can be told, or 0 */
    double conf;      /* NaN where unknown */
    double p_true;    /* NaN where unknown */
    int pred, truth;  /* -1 where unknown */
    int part;         /* the caller's own */
    struct aim aim[]; /* one for each word of --target, without meaning for "all" */
};

struct aims;

/* `targets`: as targets_parse(). Caller closes. */
int aims_new(struct aims **r, const char *targets, struct err *e) ERR_CHECKED;
void aims_close(struct aims *r);

/* Opens the table for a model of `classes` classes; `confidence`: also read the
 * columns conf and p_true where there are any. */
int aims_open(struct aims *r, const char *path, int classes, bool confidence, struct err *e)
    ERR_CHECKED;

/* Rows of other images are passed over. */
void aims_shard(struct aims *r, struct shard s);

size_t aims_bytes(const struct aims *r);

/* Next row: 1, 0 at the end, -1. */
int aims_next(struct aims *r, struct aims_row *row, struct err *e) ERR_CHECKED;

/* Tells, after the last row, that there was none. */
void aims_tell_none(const struct aims *r);

/* Whether the next row is there already. */
bool aims_ready(const struct aims *r);

/* Planes of a row's item, and of each the word of its target and its aim. */
int aims_planes(const struct aims *r);
const char *aims_word(const struct aims *r, int plane);
int aims_offset(const struct aims *r, int plane);
struct aim aims_aim(const struct aims *r, const struct aims_row *row, int plane);

/* 1 - p of an aim's class: of rest[classes] or, where that is NULL, of the row's probabilities; NaN
 * where it is not known. */
double aims_saturation(const struct aims_row *row, struct aim aim, const double *rest);

/* The plane of the target with this word, or -1. */
int aims_find(const struct aims *r, const char *word);

/* A message about `row`, as an expression of value -1. */
#define aims_error(r, row, e, ...) (aims_record((r), (row), (e), __VA_ARGS__), err_value())
void aims_record(const struct aims *r, const struct aims_row *row, struct err *e, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

#endif
