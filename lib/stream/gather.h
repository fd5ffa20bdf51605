/* The tables and tensors that shards of a data set made, put together in the order of their ids:
 * what one run over the whole data set writes. Memory does not grow with the rows or items, and
 * thousands of files need few descriptors. */
#ifndef HP_GATHER_H
#define HP_GATHER_H

#include "base/err.h"

#include <stdint.h>

struct gather_opts {
    const char *const *path; /* [n] files, in any order */
    int n;
    int64_t shards; /* there are this many, each a file: those of which there is none are named;
                       0: not known */
};

/* Tables with a column id, whose rows are in the order of their ids, to standard output. An id may
 * stand in several rows that follow one another in one file, but not in two files. Sets *rows. */
int gather_rows(const struct gather_opts *o, int64_t *rows, struct err *e) ERR_CHECKED;

/* Tensors, to standard output; item i of all of them, one behind the other, has id i of the tensor
 * of ids in `ids`. Each id stands there once, in any order. Memory grows by 32 bytes with each
 * stretch of ids that do not rise in equal steps. Sets *items. */
int gather_items(const struct gather_opts *o, const char *ids, int64_t *items, struct err *e)
    ERR_CHECKED;

#endif
