/* The maps of a row at the last stage, in closed form. */
#ifndef CAM_CLOSED_H
#define CAM_CLOSED_H

#include "job.h"
#include "sink.h"

/* The items are features (channels, cells) under the linear layer w (classes,
 * channels), or, where w is NULL, the unscaled maps of all classes (classes, cells).
 * b (classes) may be NULL where the logits are given and with scores that need
 * none. */
struct closed_head {
    int classes, channels, cells;
    const float *w, *b;
};

struct closed;

struct closed *closed_new(const struct job *j, const struct closed_head *head);
void closed_free(struct closed *c);

/* All planes of one row; `logits` may be NULL. What `m` points to is valid until
 * the next call. */
void closed_maps(struct closed *c, const struct row *row, const float *item, const float *logits,
                 struct maps *m);

/* Says with -v what is the same here. */
void closed_say(const struct job *j);

#endif
