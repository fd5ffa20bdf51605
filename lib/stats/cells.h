/* Values of the cells of a square table over classes, of which most are empty: a
 * hash table, so that memory follows the cells in use and not the class IDs. */
#ifndef HP_CELLS_H
#define HP_CELLS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct cell {
    uint16_t row, col;
    int64_t value;
};

struct cells;

/* At most `limit` cells are ever in use. */
struct cells *cells_new(size_t limit);
void cells_free(struct cells *c);
size_t cells_count(const struct cells *c);

/* The value of a cell, which is taken into use with 0 where it was not; valid
 * until the next call. NULL (and `e`) where the limit is reached. Row and column
 * are within [0, 65535]. */
int64_t *cells_at(struct cells *c, int row, int col, struct err *e) ERR_CHECKED;

/* The value of a cell, 0 where it is not in use. */
int64_t cells_get(const struct cells *c, int row, int col);

/* All cells in use, by row, then column. Caller frees. */
struct cell *cells_sorted(const struct cells *c);

#endif
