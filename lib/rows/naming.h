/* Names and superclasses of the classes in a table: those given, or those that
 * the rows themselves tell. */
#ifndef HP_NAMING_H
#define HP_NAMING_H

#include "base/err.h"
#include "data/names.h"
#include "stream/tsv.h"

struct naming;

/* The names of a file for naming_new(): NULL where there is no file or where it names no class, so
 * that the rows tell more. Caller frees. */
int naming_load(struct names **given, const char *path, struct err *e) ERR_CHECKED;

/* `given` stays the caller's; NULL: the rows tell. */
struct naming *naming_new(const struct names *given);
void naming_free(struct naming *s);

/* What the current row tells of class `cls` in two columns (-1: none); NA tells
 * nothing. An error where it differs from what an earlier row told. Does nothing
 * where names were given. */
int naming_learn(struct naming *s, const struct tsv_in *t, int cls, int name_col,
                 int superclass_col, struct err *e) ERR_CHECKED;

/* The names given, or those learnt, for at least `classes` classes. Superclasses
 * that the rows call by numbers keep them; others are numbered in the order of
 * their names' bytes. Ends the learning; the result stays here. */
const struct names *naming_names(struct naming *s, int classes);

#endif
