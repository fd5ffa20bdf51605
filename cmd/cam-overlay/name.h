/* Names of files from the fields of rows. */
#ifndef OVERLAY_NAME_H
#define OVERLAY_NAME_H

#include "base/err.h"
#include "stream/tsv.h"

struct name;

/* Reads a template: columns stand in braces, {{ and }} are braces. What it names lies
 * below a folder, whatever the fields hold. An error where it cannot: a path from the
 * root, a part that is empty, . or .., another end than .png. Caller frees. */
int name_parse(struct name **n, const char *template, struct err *e);
void name_free(struct name *n);

/* Finds the columns in a table. */
int name_open(struct name *n, const struct tsv_in *t, struct err *e);

/* The name for the table's current row. In fields, slashes, control characters and bytes
 * that are no UTF-8 become _. An error where a part is too long for a file system, or
 * where an earlier row has this name. Caller frees. */
int name_make(struct name *n, const struct tsv_in *t, char **file, struct err *e);

#endif
