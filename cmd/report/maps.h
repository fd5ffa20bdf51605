/* What the statistics of all maps (cam-compute --stats) tell, read in one pass; memory
 * does not grow with the images. */
#ifndef HP_REPORT_MAPS_H
#define HP_REPORT_MAPS_H

#include "stats/spread.h"
#include "tables.h"

#include <stdbool.h>
#include <stdint.h>

enum { MAPS_CORRECT, MAPS_WRONG, MAPS_PREDICTIONS };

/* An even map has an entropy of 1, a map with one cell that is not zero one of 0. */
#define MAPS_DIFFUSE 0.9
#define MAPS_CONCENTRATED 0.5

/* Where the median is above, two maps overlap in part whatever they show: on 4 by 4
 * cells of independent, evenly likely masses it is 0.86, and the overlap one half. */
#define MAPS_BLUNT 0.8

/* The maps of the predicted class. Statistics of places leave out blank maps, and are NA
 * where the grid is too coarse for places. */
struct map_statistics {
    int64_t images, blank;
    int64_t measured, zero;        /* maps with a share of zero cells; above one half */
    struct spread border;          /* share of the map's mass on the outermost ring of cells */
    struct spread entropy;         /* of the mass, as a share of the largest possible */
    struct spread off_center;      /* distance of the centre of mass from the image's centre,
                                      as a share of the image's side */
    int64_t diffuse, concentrated; /* entropy above MAPS_DIFFUSE, below MAPS_CONCENTRATED */
};

struct maps {
    bool known;
    struct map_statistics of[MAPS_PREDICTIONS];
    int64_t with_places; /* maps that are not blank and have statistics of places */

    /* Wrong predictions only. */
    int64_t true_blank;                /* the map of the true class is blank */
    int64_t true_measured, true_zero;  /* as measured and zero, of that map */
    struct spread overlap;             /* of the maps of the true and the predicted class */
    int64_t overlap_high, overlap_low; /* above one half, below one fifth */
    struct spread overlap_highest, overlap_other; /* of highest confidence, of the others */
};

/* Ends the program where the table is not as it must be: the rows of an image stand
 * together, and there is one for the target `true` and one for `pred`; `known`: the
 * classes of the same run, whose images they must be. */
void maps_read(struct maps *m, const char *file, const struct classes *known);

#endif
