/* Which images a table of sums counts, so that a shard that is added twice does not go unnoticed:
 * what is known of the ids of a table can be added as its counts are, in any order. */
#ifndef HP_IDS_H
#define HP_IDS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: of no images. */
struct ids {
    bool unknown;        /* some have no id: the rest means nothing */
    uint64_t digest;     /* sum of a digest of each id, modulo 2^64 */
    int64_t n;           /* images */
    int64_t first, last; /* the smallest id and the largest */
};

/* An image more; a negative id is not known. */
void ids_add(struct ids *a, int64_t id);

/* What two tables count together. */
void ids_join(struct ids *a, const struct ids *b);

/* The tables that were added. */
struct ids_tables {
    struct ids_table {
        struct ids ids;
        char *place; /* "sums.tsv:20" */
        size_t order;
    } * table;
    size_t n, room;
};

/* Another table, whose end was at `line` of `file`. */
void ids_table(struct ids_tables *t, const struct ids *ids, const char *file, int64_t line);

/* An error where two tables have the same ids, or all of them more images than there are ids from
 * the first to the last. */
int ids_check(const struct ids_tables *t, struct err *e) ERR_CHECKED;

void ids_free(struct ids_tables *t);

#endif
