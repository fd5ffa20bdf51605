/* What comes in: rows, the maps that belong to them, and the images. */
#ifndef OVERLAY_SOURCE_H
#define OVERLAY_SOURCE_H

#include "base/err.h"
#include "data/data.h"
#include "stats/prediction.h"
#include "stream/npy.h"
#include "stream/tsv.h"

#include <stdbool.h>
#include <stdint.h>

enum { ROLE_TRUE, ROLE_PRED, ROLE_MARGIN, ROLES };

enum row_kind { KIND_BEST, KIND_WORST, KIND_PAIR, KIND_HIGH, KIND_LOW, KINDS };

/* Rows that may share a sheet: of a true class, of a pair, of a predicted class. */
enum row_family { FAMILY_CLASS, FAMILY_PAIR, FAMILY_PRED, FAMILIES };

/* What is known of one row. */
struct example {
    enum row_kind kind;
    int64_t id, group, rank;
    int truth, pred;     /* truth: -1 where there is no label */
    double conf, p_true; /* p_true is NaN where unknown */
    char *true_name, *pred_name;
    char *superclass; /* of the true class, or NULL */
    uint8_t *image;   /* (h, w, 3) */
    float *maps;      /* planes of map_h * map_w, ready to draw */
    bool *blank;      /* [planes] */
    float limit;      /* largest magnitude in the margin plane */
};

struct source {
    const char *table_path, *maps_path, *data_path, *targets; /* targets: NULL by default */
    struct data_opts data_opts;
    bool plain; /* only ids are read, and maps always at the size of the images */
    bool grid;  /* maps stay at their own size */

    int h, w, map_h, map_w; /* of images; of the maps in an example */
    int planes;
    bool *margin;    /* [planes]: signed */
    int role[ROLES]; /* planes, or -1 */

    /* Private. */
    struct tsv_in *table;
    struct npy_in *maps; /* NULL where the stream is empty */
    struct data *data;
    struct resize *resize; /* NULL where sizes are equal */
    struct prediction_cols cols;
    int group, kind, rank, p_true, true_name, pred_name, true_group;
    float *buf, *scratch; /* [room] items; one plane */
    uint8_t *pixels;
    int64_t rows, have, pos, room;
    int cells, cells_w; /* of a plane as it comes; of a row of it */
};

/* Opens all three; ends the program where an option is at fault. */
int source_open(struct source *s, struct err *e);
void source_close(struct source *s);

/* Next row with its maps and image: 1, 0 at the end of both, -1. */
int source_next(struct source *s, struct example *x, struct err *e);

enum row_family example_family(const struct example *x);

/* Whether the maps of the next row are there already. */
bool source_ready(const struct source *s);

/* A message about the current row; returns -1. */
int source_error(const struct source *s, struct err *e, const char *what);

void example_clear(struct example *x);

#endif
