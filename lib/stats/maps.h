/* What the statistics of all maps (cam-compute --stats) tell, image by image; memory does not
 * grow with the images. */
#ifndef HP_MAPS_H
#define HP_MAPS_H

#include "stats/examples.h"
#include "stats/spread.h"

#include <stdbool.h>
#include <stdint.h>

enum { MAPS_CORRECT, MAPS_WRONG, MAPS_PREDICTIONS };

/* An even map has an entropy of 1, a map with one cell that is not zero one of 0. */
#define MAPS_DIFFUSE 0.9
#define MAPS_CONCENTRATED 0.5

/* Two maps of an error are alike above the one, apart below the other. */
#define MAPS_OVERLAP_HIGH 0.5
#define MAPS_OVERLAP_LOW 0.2

/* A map is mostly zero above this share of its cells. */
#define MAPS_ZERO 0.5

/* The statistics of one map, as lib/cam measures them; shares of 1, NaN where NA. */
struct map_figures {
    int cls;
    bool blank;
    double zero_share, saturation, entropy, center_x, center_y, border_share;
    double overlap;        /* with the other map of the image */
    double overlap_chance; /* with the mirror image of the other map */
};

/* The maps of one image. */
struct map_pair {
    int64_t id;
    struct map_figures truth, pred;
};

/* The maps of the predicted class. Statistics of places leave out blank maps, and are NA
 * where the grid is too coarse for places. */
struct map_statistics {
    int64_t images, blank;
    int64_t measured;         /* maps with a share of zero cells */
    int64_t zero;             /* of these, mostly zero */
    struct spread border;     /* share of the map's mass on the outermost ring of cells */
    struct spread entropy;    /* of the mass, as a share of the largest possible */
    struct spread off_center; /* distance of the centre of mass from the image's centre,
                                 as a share of the image's side */
    struct spread chance;     /* overlap_chance */
    int64_t at_border;        /* more of the mass there than of an even map's */
    int64_t diffuse;          /* entropy above MAPS_DIFFUSE */
    int64_t concentrated;     /* entropy below MAPS_CONCENTRATED */
};

/* All zero: not known. */
struct maps {
    bool known;
    bool earlier;       /* of a layer before the last stage, as far as it is known */
    double even_border; /* border share of an even map; 0 where the grid is not known */
    struct map_statistics of[MAPS_PREDICTIONS];
    int64_t with_places;   /* maps that are not blank and have statistics of places */
    struct examples blank; /* images whose map of the predicted class is */

    /* Wrong predictions only. */
    int64_t true_blank;    /* the map of the true class is blank */
    int64_t true_measured; /* as `measured`, of that map */
    int64_t true_zero;     /* as `zero`, of that map */
    struct spread overlap; /* of the maps of the true and the predicted class */
    int64_t overlap_high, overlap_low;
    int64_t chance_larger, chance_smaller; /* overlap than overlap_chance */
    int64_t chance_known,
        chance_high;               /* errors with an overlap_chance; one above MAPS_OVERLAP_HIGH */
    struct spread overlap_highest; /* of highest confidence */
    struct spread overlap_other;   /* of the others */
    struct examples blank_errors, zero_errors, high_errors, low_errors;
};

void maps_add(struct maps *m, const struct map_pair *image);

/* Of all images that were added. */
int64_t maps_images(const struct maps *m);

#endif
