/* Where values of metrics go: a row for each image and map on standard output, and a summary. */
#ifndef HP_CAM_SCORE_SINK_H
#define HP_CAM_SCORE_SINK_H

#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stdint.h>

struct sink_metric {
    const char *word;
    bool higher; /* whether that is better */
};

struct sink_opts {
    const char *classes;              /* columns behind id and map: "class", "true pred" */
    const char *const *map;           /* [maps] names */
    const struct sink_metric *metric; /* [metrics] */
    int maps, metrics;
    int baseline;        /* the map that others are compared with in the summary, or -1 */
    const char *summary; /* a file, or NULL */
    int64_t resamples, seed;
};

struct sink;

/* `o` and what it points to outlive the sink. */
int sink_open(struct sink **s, const struct sink_opts *o, struct err *e) ERR_CHECKED;

/* The values (maps, metrics) of an image; `cls`: as many as there are columns of classes, -1 where
 * one is not known. */
int sink_put(struct sink *s, int64_t id, const int *cls, const double *value, struct err *e)
    ERR_CHECKED;

/* Writes the summary. Both outputs, and `more` unless it is NULL, appear together. Frees, after an
 * error, too. */
int sink_close(struct sink *s, struct out *more, struct err *e) ERR_CHECKED;

/* Frees; what was written of rows is lost where it can be. */
void sink_abort(struct sink *s);

#endif
