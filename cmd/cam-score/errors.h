/* The check of margin maps: which wrong predictions turn to the true class when the cells that
 * favour the wrong one are deleted. */
#ifndef HP_CAM_SCORE_ERRORS_H
#define HP_CAM_SCORE_ERRORS_H

#include "data/shard.h"
#include "base/err.h"
#include "session/session.h"

#include <stdint.h>

struct errors_opts {
    const char *table;
    const char *class_maps, *logits, *biases, *ids; /* as struct stage_opts */
    const struct session_opts *session; /* cells are also made grey in the image; NULL: not */
    const char *summary;                /* a file, or NULL */
    int64_t count;                      /* errors, by chance; 0: all */
    struct shard shard;                 /* whose rows are taken */
    int64_t seed, resamples;
};

int errors_run(const struct errors_opts *o, struct err *e) ERR_CHECKED;

#endif
