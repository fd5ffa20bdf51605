/* Maps of the last stage in closed form: between it and the logits lie only an average
 * and a linear layer. */
#ifndef HP_CLOSED_H
#define HP_CLOSED_H

#include "cam/cam.h"
#include "cam/method.h"
#include "cam/seed.h"

/* The items are features (channels, cells) under the linear layer w (classes, channels),
 * or, where w is NULL, the unnormalised CAMs of all classes (classes, cells). b (classes)
 * may be NULL where the biases are not known. Outlives what is made of it. */
struct closed_head {
    int classes, channels, cells;
    const float *w, *b;
};

struct closed;

/* Where method_combines() is false items have to be features: their gradient, the same in all
 * cells, is known without a pass backward. */
struct closed *closed_new(const struct method_how *how, const struct closed_head *head);
void closed_free(struct closed *c);

/* From here on items are features under these weights (classes, channels), which outlive
 * their use. */
void closed_weights(struct closed *c, const float *w);

/* The logits of an item, or NULL where no biases are known; valid until the next call. */
const float *closed_logits(struct closed *c, const float *item);

/* raw[planes][cells], and bias[planes], the biases' part of the scores, to which the cells add
 * up: 0 where they are not known, NaN where the method's maps do not add up to a score. `id` is the
 * image's, `scores` what is known of its classes but for `along`. Every aim has a class. */
void closed_maps(struct closed *c, const struct aim *aim, int planes, const float *item, int64_t id,
                 const struct seed_scores *scores, float *raw, double *bias);

/* The same maps by another score: the log-probability where closed_maps() takes the logit, else
 * the logit. Needs all scores. */
void closed_twins(struct closed *c, const struct aim *aim, int planes, const float *item,
                  int64_t id, const struct seed_scores *scores, float *raw);

#endif
