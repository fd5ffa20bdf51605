/* The files that a run reads, so that others can tell whether one has changed. */
#ifndef HP_INPUTS_H
#define HP_INPUTS_H

#include "base/err.h"
#include "base/io.h"

#include <stddef.h>

struct inputs {
    char **path;
    size_t n;
};

/* Notes a file; "-" and NULL name none. `in` may be NULL: nobody asks. */
void inputs_add(struct inputs *in, const char *path);
void inputs_free(struct inputs *in);

/* As a table `path size mtime inode ctime`, sorted by path, each path once. Sizes are in
 * bytes, times in seconds since 1970 with nine decimals, and links are followed. A file
 * that is gone is an error. */
int inputs_write(const struct inputs *in, struct out *o, struct err *e) ERR_CHECKED;

#endif
