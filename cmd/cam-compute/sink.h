/* Where maps go: the tensor stream on standard output and the table of statistics. */
#ifndef CAM_SINK_H
#define CAM_SINK_H

#include "job.h"

#include "stream/run.h"

/* How a map compares with those of moved images (faith/stability.h). */
struct moved {
    double mirror, shift;
};

/* The maps of one row. */
struct maps {
    float *raw;                /* (planes, h, w), changed by the sink */
    const double *rest;        /* [classes] 1 - p, or NULL */
    const double *bias;        /* [planes] the biases' part of the score, or NULL */
    const float *twins;        /* (planes, h, w) by another score, or NULL */
    const struct moved *moved; /* [planes] or NULL */
};

struct sink;

struct sink_opts {
    struct extent layer;     /* the size of the maps */
    bool finished;           /* they are from 0 to 1 already, as layer_finished() */
    struct extent input;     /* the size of the images */
    const struct run *about; /* for --run; outlives the sink */
};

int sink_open(struct sink **s, const struct job *j, const struct sink_opts *o, struct err *e);
int sink_put(struct sink *s, const struct aims_row *row, const struct maps *m, struct err *e);

/* Lets the reader see what was put so far. */
int sink_flush(struct sink *s, struct err *e);

/* Completes the outputs and frees. */
int sink_close(struct sink *s, struct err *e);

/* After a failure: maps of the rows before it go out where they can; the table of
 * statistics does not appear under its name. Frees. */
void sink_abort(struct sink *s);

#endif
