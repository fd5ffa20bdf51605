/* What the last stage of a network makes of each image, from tensors that were stored: the
 * unnormalised CAMs of all classes, which with the biases of the linear layer add up to the
 * logits. */
#ifndef HP_STAGE_H
#define HP_STAGE_H

#include "base/err.h"
#include "stream/items.h"

#include <stdint.h>

struct stage_opts {
    const char *class_maps; /* (n, classes, h, w) */
    const char *logits;     /* (n, classes); or NULL */
    const char *biases;     /* (classes); or NULL */
    const char *ids_name;   /* where the ids are from, for messages; or NULL */
    const struct ids *ids;  /* the id of each item, not taken over; NULL: item i has id i */
};

struct stage;

/* Opens the tensors and compares their shapes. `o` outlives it. Caller closes. */
int stage_open(struct stage **s, const struct stage_opts *o, struct err *e) ERR_CHECKED;
void stage_close(struct stage *s);

int stage_classes(const struct stage *s);
void stage_grid(const struct stage *s, int *h, int *w);

/* The maps (classes, cells) and logits [classes] of the image with this id, whose prediction is
 * `pred`, -1 where it is not known; valid until the next call. *logits is NULL where neither they
 * nor biases are known. An error where there is no such item, where values are not finite, where
 * the logits do not belong to the maps (what they lack to the maps' sums, the biases, is not what
 * other images lack), or where another class has the highest logit. */
int stage_get(struct stage *s, int64_t id, int pred, const float **maps, const float **logits,
              struct err *e) ERR_CHECKED;

/* Reads pipes to their ends, and compares the numbers of items. */
int stage_end(struct stage *s, struct err *e) ERR_CHECKED;

#endif
