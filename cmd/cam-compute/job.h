/* What the command line asks for, and the ways to do it. */
#ifndef CAM_JOB_H
#define CAM_JOB_H

#include "base/err.h"
#include "cam/cam.h"
#include "cam/method.h"
#include "engine/engine.h"
#include "model/assume.h"
#include "rows.h"

#include <stdbool.h>

struct extent {
    int h, w;
};

enum size_kind { SIZE_INPUT, SIZE_LAYER, SIZE_FIXED };

struct job {
    const char *table, *class_maps, *features, *cams, *logits, *ids, *weights, *biases, *model,
        *data, *layer, *stats, *run;
    const char *targets, *planes; /* lists; planes: of `cams`, or NULL where they are the targets */
    enum cam_score score;
    const struct method *method;
    bool unit;           /* rectified and min-max normalised to [0, 1] */
    enum size_kind size; /* of the maps written: `fixed` for SIZE_FIXED, and for */
    struct extent fixed; /* SIZE_INPUT `input`, which images replace by theirs */
    struct extent input;
    struct extent resize; /* of the images, or 0 by 0: as they are */
    const char *device;
    enum engine_precision precision;
    bool exact;
    int threads;
    struct assume assume;
    const char *mean, *std; /* R,G,B, or NULL for what is usual */
    struct rows *rows;      /* not open yet */
};

/* Whether class probabilities are needed at all. */
static inline bool job_probabilities(const struct job *j)
{
    return j->score != CAM_LOGIT || j->stats;
}

/* Says with -v what is the same in closed form. */
void job_say_closed(const struct job *j);

/* Maps from stored maps or features. */
int stored_run(const struct job *j, struct err *e);

/* Maps from images through the network. */
int network_run(const struct job *j, struct err *e);

#endif
