/* Counts over pairs of classes, of which most do not occur: a sparse matrix as a hash
 * table, so that memory follows the entries in use and not the class IDs. */
#ifndef HP_SPARSE_H
#define HP_SPARSE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct sparse_entry {
    uint16_t row, col;
    int64_t value;
};

struct sparse;

/* At most `limit` entries are ever in use. */
struct sparse *sparse_new(size_t limit);
void sparse_free(struct sparse *c);
size_t sparse_count(const struct sparse *c);

/* The value of an entry, which is taken into use with 0 where it was not; valid
 * until the next call. NULL (and `e`) where the limit is reached. Row and column
 * are within [0, 65535]. */
int64_t *sparse_at(struct sparse *c, int row, int col, struct err *e) ERR_CHECKED;

/* The value of an entry, 0 where it is not in use. */
int64_t sparse_get(const struct sparse *c, int row, int col);

/* All entries in use, by row, then column. Caller frees. */
struct sparse_entry *sparse_sorted(const struct sparse *c);

#endif
