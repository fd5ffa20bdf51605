/* A second look at labels: what the network says of the mirror images. */
#ifndef LABEL_CHECK_MIRROR_H
#define LABEL_CHECK_MIRROR_H

#include "base/err.h"
#include "session/session.h"
#include "stats/labels.h"
#include "stream/items.h"

#include <stdint.h>

struct mirror {
    const struct session_opts *session; /* model, images, device */
    int64_t most;                       /* how many of the most suspicious labels */
    struct items *logits;               /* of the images as they are */
    struct ids *ids;                    /* NULL: the items' numbers */
};

/* Scores the first `most` labels, ranked, by the mean of their logits and those of their mirror
 * images. Does not where mirror images change even the predictions that are in no doubt. An
 * error where model and images are not those of the logits. */
int mirror_look(struct labels *l, const struct mirror *m, struct err *e);

#endif
