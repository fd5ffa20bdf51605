/* Where results come from: a table of names and values, which --run FILE writes and reports
 * read. See heatpipe-tsv(5). */
#ifndef HP_RUN_H
#define HP_RUN_H

#include "base/err.h"
#include "base/io.h"

/* The value of what is known not to exist; NA is what is not known. */
#define RUN_NONE "none"

struct run_row {
    const char *name;
    const char *value; /* NULL for NA */
};

/* A zeroed one is empty. */
struct run {
    struct run_row *row; /* [rows], in order */
    int rows;
};

/* Adds a row; a format of NULL makes NA. A `warning` is a whole sentence; there may be several. */
void run_put(struct run *r, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Gives row `at` another value. */
void run_set(struct run *r, int at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds the program's version and the date: now, or SOURCE_DATE_EPOCH where the environment
 * has it. */
void run_begin(struct run *r);

int run_write(const struct run *r, struct out *o, struct err *e) ERR_CHECKED;

/* Reads the rows of a file behind those that are there. Tables of several programs may be
 * concatenated. */
int run_read(struct run *r, const char *path, struct err *e) ERR_CHECKED;

/* The value of the first row of this name; NULL where there is none or it is NA. */
const char *run_get(const struct run *r, const char *name);

/* The next warning from row *at on, which is moved behind it; NULL at the end. */
const char *run_warning(const struct run *r, int *at);

void run_free(struct run *r);

#endif
