/* What the command line asks for, and the ways to do it. */
#ifndef CAM_JOB_H
#define CAM_JOB_H

#include "base/err.h"
#include "cam/cam.h"
#include "cam/method.h"
#include "rows/aims.h"
#include "session/session.h"
#include "stream/run.h"

#include <stdbool.h>

struct extent {
    int h, w;
};

enum size_kind { SIZE_INPUT, SIZE_LAYER, SIZE_FIXED };

struct job {
    struct session_opts session;
    const char *table, *class_maps, *features, *cams, *logits, *ids, *weights, *biases, *layer,
        *stats, *run;
    const char *randomise; /* a layer, "logit", or NULL */
    const char *targets;   /* a list */
    const char *planes;    /* those of `cams`, or NULL where they are the targets */
    struct method_how how;
    int64_t seed;        /* of what is by chance */
    bool augment;        /* the mean of maps of changed images */
    bool average;        /* of all rows, instead of the maps of each */
    bool stability;      /* compare the maps of moved images in the statistics */
    bool unit;           /* rectified and min-max normalised to [0, 1] */
    enum size_kind size; /* of the maps written */
    struct extent fixed; /* of SIZE_FIXED */
    struct extent input; /* of SIZE_INPUT; images replace it by theirs */
    struct aims *rows;   /* not open yet */
};

/* Adds to what --run writes how maps were smoothed, and whose numbers they are. */
void job_about(const struct job *j, struct run *r);

/* Maps from stored maps or features. */
int stored_run(const struct job *j, struct err *e);

/* Maps from images through the network. */
int network_run(const struct job *j, struct err *e);

#endif
