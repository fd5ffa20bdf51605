/* A table as typed arrays, a piece for each column and each segment of rows. */
#ifndef HP_COLUMNS_H
#define HP_COLUMNS_H

#include "base/err.h"
#include "pieces/store.h"

#include <stdbool.h>
#include <stdint.h>

/* What a column holds in a segment: words in all of them where it does in one. All numbers are
 * little-endian; the last value of unsigned ones, the least of signed ones and NaN are NA. Words
 * are a length of 4 bytes, as many bytes of different fields as they stand in the table, each with
 * a line feed behind it, and, from the next multiple of 4 on, an unsigned number for each row that
 * says which of them it is. */
enum column_type {
    COLUMN_U8,
    COLUMN_U16,
    COLUMN_I32,
    COLUMN_F64,
    COLUMN_W8,
    COLUMN_W16,
    COLUMN_W32
};

const char *column_type_word(enum column_type t);

/* Rows of a segment, at most; fewer where they are long. */
enum { COLUMNS_SEGMENT = 1 << 16, COLUMNS_SEGMENT_BYTES = 1 << 25 };

/* Bytes of a column's name, at most. */
enum { COLUMNS_NAME = 200 };

struct columns {
    int n; /* columns */
    char **name;
    int segments;
    int64_t *rows;          /* [segments] */
    enum column_type *type; /* [segments][n] */
    int64_t total;          /* rows of all segments */
};

/* Which rows are taken: those whose column id is among the n of `id`, which rise; NULL: all. */
struct columns_only {
    const int64_t *id;
    int64_t n;
};

/* Writes the table in the file `path` as the pieces PREFIX.COLUMN.SEGMENT. The table is read again
 * where words follow a segment of what could be numbers, so that "7.50" stays what it is. Memory
 * is that of one segment. Freed by the caller, on an error as well. */
int columns_write(struct columns *c, struct store *s, const char *prefix, const char *path,
                  const struct columns_only *only, int threads, struct err *e) ERR_CHECKED;
void columns_free(struct columns *c);

/* The column of this name, or -1. */
int columns_find(const struct columns *c, const char *name);

#endif
