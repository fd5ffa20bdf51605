/* What comes in: rows, the maps that belong to them, and the images. */
#ifndef OVERLAY_INPUT_H
#define OVERLAY_INPUT_H

#include "base/err.h"
#include "rows/skipped.h"
#include "rows/target.h"
#include "stats/choice.h"
#include "data/data.h"
#include "data/names.h"
#include "stream/npy.h"
#include "stream/tsv.h"

#include <stdbool.h>
#include <stdint.h>

/* Columns of the rows; of some there may be none. */
enum column {
    COL_ID,
    COL_TRUE,
    COL_PRED,
    COL_CONF,
    COL_P_TRUE,
    COL_TRUE_NAME,
    COL_PRED_NAME,
    COL_TRUE_SUPERCLASS,
    COL_FILE,
    COL_GROUP,
    COL_KIND,
    COL_RANK,
    COL_SUGGESTED_NAME,
    COL_P_SUGGESTED,
    COL_PRED2, /* the classes behind the predicted one, with their probabilities */
    COL_CONF2 = COL_PRED2 + 4,
    COLS = COL_CONF2 + 4
};

/* Rows that may share a sheet: any, of a true class, of a pair, of a predicted class. */
enum row_family { FAMILY_PLAIN, FAMILY_CLASS, FAMILY_PAIR, FAMILY_PRED, FAMILY_SLICE, FAMILIES };

/* What one map of a row explains. */
struct plane {
    struct aim aim; /* cls is -1 where --target does not tell */
    char *name;     /* of the class, or NULL */
    double p;       /* probability of the class; NaN where the row does not hold it */
    bool blank;
    double border_share, saturation; /* of the statistics; NaN where there are none */
};

/* What is known of one row. */
struct example {
    enum chosen_kind kind;
    int64_t id;
    int64_t group;               /* -1 for none */
    int64_t rank;                /* 0 where unknown */
    int truth, pred;             /* -1 where unknown */
    double conf, p_true;         /* NaN where unknown */
    char *true_name, *pred_name; /* NULL where the class is unknown */
    char *superclass;            /* of the true class, or NULL */
    char *suggested;             /* name of the label in place of the given one, or NULL */
    double p_suggested;          /* NaN where unknown */
    bool flagged;                /* its label is */
    char *file;                  /* that the image comes from, or NULL */
    uint8_t *image;              /* (h, w, 3) */
    float *maps;                 /* planes of map_h * map_w, ready to draw */
    struct plane *plane;         /* [planes] */
    float limit;                 /* largest magnitude in signed planes */
};

struct input {
    const char *table_path, *data_path;
    const char *maps_path;  /* NULL for no maps */
    const char *names_path; /* of classes, or NULL */
    const char *flags_path; /* of images whose labels are flagged, or NULL */
    const char *stats_path; /* of the maps, or NULL */
    struct data_opts data_opts;
    bool plain;              /* only ids are read, and maps always at the size of the images */
    bool grid;               /* maps stay at their own size */
    const char *target_list; /* --target, or NULL */
    struct targets *targets; /* read from it, or NULL */
    int layer_h, layer_w;    /* grid that the maps were made on, or 0: as they come */

    int h, w;             /* of images */
    int map_h, map_w;     /* of the maps in an example */
    int cells_h, cells_w; /* of the maps as they come */
    int planes;
    bool *sign;    /* [planes]: signed, white at 0 */
    bool vanishes; /* the score's gradient does where the class is certain */

    /* Private. */
    struct tsv_in *table;
    struct npy_in *maps; /* NULL where the stream is empty or there is none */
    struct data *data;
    struct names *names;   /* of names_path, or NULL */
    struct skipped flags;  /* of flags_path */
    struct stats *stats;   /* of stats_path, or NULL */
    bool strange;          /* rows call classes otherwise than the data set does */
    struct resize *resize; /* NULL where sizes are equal */
    int col[COLS];         /* -1 where there is none */
    struct aim *aim;       /* [words of targets] */
    float *buf;            /* [room] items */
    float *scratch;        /* one plane */
    uint8_t *pixels;
    int64_t rows, have, pos, room;
};

/* Opens all; `targets` is the caller's. */
int input_open(struct input *s, struct err *e);
void input_close(struct input *s);

/* Next row with its maps and image: 1, 0 at the end of both, -1. */
int input_next(struct input *s, struct example *x, struct err *e);

enum row_family example_family(const struct example *x);

/* Whether the maps of the next row are there already. */
bool input_ready(const struct input *s);

/* A message about the current row; returns -1. */
int input_error(const struct input *s, struct err *e, const char *what);

void example_clear(struct example *x, int planes);

#endif
