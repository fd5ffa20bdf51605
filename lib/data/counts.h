/* What a run has to tell of its images as numbers, and of the shards of a data set together. */
#ifndef HP_COUNTS_H
#define HP_COUNTS_H

#include "base/err.h"
#include "data/data.h"
#include "stream/run.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero to begin with. */
struct counts {
    int64_t read, damaged, turned, whitened;
    char *list; /* what the table of damaged files is called, or NULL */
    int64_t first_id;
    char *first_file; /* of the whitened image of the smallest id, or NULL */
};

/* An image that was read. */
void counts_image(struct counts *c, const struct data *d, const struct data_item *item);

/* Hands each warning to `warn`; `data` is what the images are called. */
void counts_warn(const struct counts *c, const char *data, void (*warn)(const char *text));

/* Rows of a shard that stand for its warnings, and their addition: 1, 0 where a row is none of
 * them, -1. */
void counts_put(const struct counts *c, struct run *r);
int counts_take(struct counts *c, const struct run_row *row, struct err *e) ERR_CHECKED;
void counts_free(struct counts *c);

#endif
