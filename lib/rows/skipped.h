/* Images that a table names, to leave them out or to mark them: by its column id and, where there
 * is one, its column flagged; then those alone for which it is 1. */
#ifndef HP_SKIPPED_H
#define HP_SKIPPED_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: none. */
struct skipped {
    size_t n;
    int64_t *id; /* [n] rising */
};

/* Freed by the caller, on an error as well. */
int skipped_read(struct skipped *s, const char *path, struct err *e) ERR_CHECKED;
void skipped_free(struct skipped *s);

/* Adds an id; after the last one they are put in order. */
void skipped_add(struct skipped *s, int64_t id);
void skipped_order(struct skipped *s);

bool skipped_has(const struct skipped *s, int64_t id);

#endif
