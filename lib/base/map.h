/* A file's bytes in memory, mapped where that can be done. */
#ifndef HP_MAP_H
#define HP_MAP_H

#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stddef.h>

struct map {
    const unsigned char *p; /* not NULL */
    size_t n;
    bool mapped;
};

/* What is no regular file (a pipe) is read up to its end, at most `limit` bytes. */
int map_open(struct map *m, const char *path, size_t limit, struct err *e) ERR_CHECKED;

/* What is left of an input, read up to its end. */
int map_rest(struct map *m, struct in *in, size_t limit, struct err *e) ERR_CHECKED;

/* The regular file called `name` in the folder of the file `path`: a plain name, no link to a file
 * elsewhere, of either kind. For a file that another one names. */
int map_beside(struct map *m, const char *path, const char *name, size_t limit, struct err *e)
    ERR_CHECKED;

void map_close(struct map *m);

#endif
