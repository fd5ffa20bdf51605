/* Where the images of a table of predictions are stored: those that a page shows first in the
 * first blocks, the others by class, since images of a class are looked at together. */
#ifndef HP_PLACING_H
#define HP_PLACING_H

#include "base/err.h"
#include "rows/naming.h"

#include <stdbool.h>
#include <stdint.h>

struct placing {
    int64_t n;        /* rows */
    int64_t *id;      /* [n] by row */
    int64_t *stored;  /* [n] by slot: its id */
    int32_t *slot;    /* [n] by row */
    int64_t first;    /* slots of the images that are shown first */
    int classes;      /* one more than the largest class */
    int64_t labelled; /* rows with a label */
};

/* Reads the rows of `predictions`. `chosen` are tables of images that are shown first, in this
 * order; NULL names none. With `only` rows of other images are passed over. `naming` learns
 * names and superclasses where it was given none. */
int placing_read(struct placing *p, const char *predictions, const char *const *chosen, int n,
                 bool only, struct naming *naming, struct err *e) ERR_CHECKED;

/* Drops the slots from `slots` on, and their rows. */
void placing_cut(struct placing *p, int64_t slots);

/* The ids of the rows, rising; caller frees. */
int64_t *placing_ids(const struct placing *p);

void placing_free(struct placing *p);

#endif
