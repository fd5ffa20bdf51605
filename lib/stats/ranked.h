/* The first `limit` rows of a set in a total order, whatever order they come in.
 * Memory is bounded by twice the limit. */
#ifndef HP_RANKED_H
#define HP_RANKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows are in the order of tier, value, id and then of their bytes: a row that
 * comes twice is one row. No NaN. Within a tier `back` is the same for all. */
struct rank {
    int tier;
    double value;
    int64_t id;
    bool back; /* falling bytes */
};

/* The rank in the exact reverse of an order, in tier `tier`. */
struct rank rank_back(struct rank k, int tier);

struct ranked_row {
    struct rank rank;
    char *text; /* not terminated */
    size_t n;
};

/* All zero but for `limit`, at least 1, to begin with. */
struct ranked {
    size_t limit;
    struct ranked_row *row; /* after ranked_done: [n] in order */
    size_t n;
    bool full;        /* `last` holds */
    struct rank last; /* of row `limit` so far */
};

/* Whether a row of this rank may be among the first; if so, ranked_put takes it.
 * Text is copied. */
bool ranked_wants(const struct ranked *r, const struct rank *k);
void ranked_put(struct ranked *r, const struct rank *k, const char *text, size_t n);

/* Sorts; rows beyond the limit go. */
void ranked_done(struct ranked *r);

/* Whether a row is among the first; after ranked_done. */
bool ranked_has(const struct ranked *r, const struct ranked_row *row);
void ranked_free(struct ranked *r);

#endif
