/* What maps explain: the words of --target, which cam-compute makes maps for and
 * cam-overlay names them by. */
#ifndef HP_TARGET_H
#define HP_TARGET_H

#include "base/err.h"
#include "cam/cam.h"
#include "stream/tsv.h"

#include <stdbool.h>

struct targets;

/* Words separated by commas: a column that holds a class (pred, true, ...), margin
 * (the predicted less the true class), class:N, or all. An error where a word can be
 * no target. Caller frees. */
int targets_parse(struct targets **t, const char *list, struct err *e) ERR_CHECKED;
void targets_free(struct targets *t);

/* Number of words. */
int targets_words(const struct targets *t);

/* The number of classes with which the words make `planes` planes, or `most` where it
 * is the same for any; -1 where none does. */
int targets_classes(const struct targets *t, int planes, int most);

/* Gives the words their planes, for a model of `classes` classes, and finds their columns
 * in a table; NULL where no rows will be read. */
int targets_open(struct targets *t, const struct tsv_in *in, int classes, struct err *e)
    ERR_CHECKED;

/* The same without a table: the words' columns have to be in `columns`, which NULL ends. */
int targets_begin(struct targets *t, const char *const *columns, int classes, struct err *e)
    ERR_CHECKED;

/* The same without columns: gives the words their planes. */
int targets_lay_out(struct targets *t, int classes, struct err *e) ERR_CHECKED;

int targets_planes(const struct targets *t);

/* The aims of the table's current row, one for each word; without meaning for "all". */
int targets_read(const struct targets *t, const struct tsv_in *in, struct aim *aim, struct err *e)
    ERR_CHECKED;

/* The aims of a row after targets_begin: `cls` holds the class of each of its columns, the
 * first of which are pred and true; -1 where it is not known, and so in aims that need it. */
void targets_aims(const struct targets *t, const int *cls, struct aim *aim);

/* The aim of one plane in that row, and the plane's word. */
struct aim targets_aim(const struct targets *t, const struct aim *aim, int plane);
const char *targets_word(const struct targets *t, int plane);

/* Which of its word's planes it is, from 0. */
int targets_offset(const struct targets *t, int plane);

/* The first plane of this word, or -1. */
int targets_find(const struct targets *t, const char *word);

/* A class in column `col` that is below `classes`; NA is an error. */
int target_class(const struct tsv_in *in, int col, int classes, int *cls, struct err *e)
    ERR_CHECKED;

#endif
