/* Metrics of maps: how far a map tells what the network used. Each is one row of METRICS; most
 * read the scores of series of changed images, one row of SERIES each, which metrics share. From
 * the tables follow the words of --metrics, the list in the manual page, the columns, and which
 * images the network has to see. */
#ifndef HP_FAITH_METRICS_H
#define HP_FAITH_METRICS_H

#include "base/err.h"
#include "cam/cam.h"

#include <stdbool.h>
#include <stdint.h>

/* What is changed first: the pixels or cells where the map is highest, or lowest. */
enum faith_first { FAITH_MOST, FAITH_LEAST };

/* What is put in their place; or the whole image is weighed by the scaled map, or by what that
 * lacks to 1. */
enum faith_fill {
    FAITH_GREY,   /* 0 of the normalised image: the mean colour of the training images */
    FAITH_MEAN,   /* the mean colour of the image */
    FAITH_BLUR,   /* the image, blurred */
    FAITH_LINEAR, /* weighted means of the neighbours (Rong et al. 2022) */
    FAITH_KEEP,   /* image * map */
    FAITH_DROP    /* image * (1 - map) */
};

/* How much is changed: in equal steps from nothing to everything; 20, 40, 60 and 80 %; all at
 * once. */
enum faith_steps { FAITH_EVERY, FAITH_ROAD, FAITH_ONCE };

/* Of each series: its constant; whether cells are changed instead of pixels; which first, into
 * what, in which steps. An insertion is the deletion of the least relevant pixels, read from its
 * end. */
#define SERIES(X)                                                                                  \
    X(DELETE_GREY, false, MOST, GREY, EVERY)                                                       \
    X(DELETE_MEAN, false, MOST, MEAN, EVERY)                                                       \
    X(DELETE_BLUR, false, MOST, BLUR, EVERY)                                                       \
    X(INSERT_GREY, false, LEAST, GREY, EVERY)                                                      \
    X(INSERT_MEAN, false, LEAST, MEAN, EVERY)                                                      \
    X(INSERT_BLUR, false, LEAST, BLUR, EVERY)                                                      \
    X(ROAD_MOST, false, MOST, LINEAR, ROAD)                                                        \
    X(ROAD_LEAST, false, LEAST, LINEAR, ROAD)                                                      \
    X(CELLS, true, MOST, MEAN, EVERY)                                                              \
    X(KEPT, false, MOST, KEEP, ONCE)                                                               \
    X(DROPPED, false, MOST, DROP, ONCE)

enum series {
#define SERIES_ID(id, cells, first, fill, steps) SERIES_##id,
    SERIES(SERIES_ID)
#undef SERIES_ID
        SERIES_COUNT
};

/* What a metric reads: bits of series, or of what is known of the image without them. */
#define NEEDS(id) (1u << SERIES_##id)
enum {
    NEEDS_MASK = 1 << 28,      /* where the object is */
    NEEDS_CAM = 1 << 29,       /* the unnormalised CAM of the last stage */
    NEEDS_REFERENCE = 1 << 30, /* another map */
    NEEDS_GIVEN = NEEDS_MASK | NEEDS_CAM | NEEDS_REFERENCE
};

/* Of each metric: its constant, its word, whether higher is better, what it needs, its function
 * metric_NAME; its range, source and definition for the manual page. */
#define METRICS(X)                                                                                 \
    X(DELETION_GREY, deletion_grey, false, NEEDS(DELETE_GREY), area, "0 to 1",                     \
      "Petsiuk et al. 2018",                                                                       \
      "Area under the score while pixels become grey, the highest of the map first.")              \
    X(DELETION_MEAN, deletion_mean, false, NEEDS(DELETE_MEAN), area, "0 to 1",                     \
      "Petsiuk et al. 2018", "The same where they become the mean colour of the image.")           \
    X(DELETION_BLUR, deletion_blur, false, NEEDS(DELETE_BLUR), area, "0 to 1",                     \
      "Petsiuk et al. 2018", "The same where they become those of the blurred image.")             \
    X(INSERTION_GREY, insertion_grey, true, NEEDS(INSERT_GREY), area, "0 to 1",                    \
      "Petsiuk et al. 2018",                                                                       \
      "Area under the score while the pixels of the image are put into grey, the highest of the "  \
      "map first.")                                                                                \
    X(INSERTION_MEAN, insertion_mean, true, NEEDS(INSERT_MEAN), area, "0 to 1",                    \
      "Petsiuk et al. 2018", "The same where they are put into the mean colour of the image.")     \
    X(INSERTION_BLUR, insertion_blur, true, NEEDS(INSERT_BLUR), area, "0 to 1",                    \
      "Petsiuk et al. 2018", "The same where they are put into the blurred image.")                \
    X(ROAD_MOST, road_most, false, NEEDS(ROAD_MOST), mean, "0 to 1", "Rong et al. 2022",           \
      "Mean score where 20, 40, 60 and 80 % of the pixels, the highest of the map, are replaced "  \
      "by weighted means of their neighbours.")                                                    \
    X(ROAD_LEAST, road_least, true, NEEDS(ROAD_LEAST), mean, "0 to 1", "Rong et al. 2022",         \
      "The same where the lowest are replaced.")                                                   \
    X(ROAD, road, true, NEEDS(ROAD_MOST) | NEEDS(ROAD_LEAST), road, "-0.5 to 0.5",                 \
      "Rong et al. 2022; pytorch-grad-cam", "Half of road_least less road_most.")                  \
    X(FLIPPING, flipping, true, NEEDS(CELLS), flipping, "-1 to 1",                                 \
      "Bach et al. 2015; Samek et al. 2017",                                                       \
      "Mean fall of the score while cells become the mean colour of the image, the highest of "    \
      "the map first.")                                                                            \
    X(IROF, irof, true, NEEDS(CELLS), irof, "up to 1", "Rieger and Hansen 2020",                   \
      "Area over the score in parts of that of the image, while cells become the mean colour of "  \
      "the image, the highest of the map first.")                                                  \
    X(DROP, drop, false, NEEDS(KEPT), drop, "0 to 100", "Chattopadhay et al. 2018",                \
      "How much of the score is lost where the image is multiplied by the scaled map, in "         \
      "percent.")                                                                                  \
    X(INCREASE, increase, true, NEEDS(KEPT), increase, "0 or 100", "Chattopadhay et al. 2018",     \
      "100 where that image has a higher score than the image itself, else 0.")                    \
    X(GAIN, gain, true, NEEDS(KEPT), gain, "0 to 100", "Zhang et al. 2024",                        \
      "How much of what the score lacks to its highest value that image gains, in percent.")       \
    X(DROP_DELETED, drop_deleted, true, NEEDS(DROPPED), drop, "0 to 100", "Jung and Oh 2021",      \
      "How much of the score is lost where the image is multiplied by 1 less the scaled map, in "  \
      "percent.")                                                                                  \
    X(POINTING, pointing, true, NEEDS_MASK, pointing, "0 to 1", "Zhang et al. 2018",               \
      "Whether the highest pixel of the map lies on the object; of several, the share that "       \
      "does.")                                                                                     \
    X(MASS_INSIDE, mass_inside, true, NEEDS_MASK, inside, "0 to 1", "Arras et al. 2022",           \
      "The share of the map's positive values that lies on the object.")                           \
    X(COMPLETENESS, completeness, false, NEEDS_CAM, completeness, "0 and above",                   \
      "Sundararajan et al. 2017",                                                                  \
      "How far a map of the last stage is from adding up to what the logit loses when all its "    \
      "cells are deleted, in parts of that.")                                                      \
    X(SENSITIVITY_N, sensitivity_n, true, NEEDS_CAM, sensitivity, "-1 to 1", "Ancona et al. 2018", \
      "The correlation, over all sets of n cells of the last stage, between the sum of the map "   \
      "in a set and what the logit loses when the set is deleted; it is the same for each n.")     \
    X(RANK_CORRELATION, rank_correlation, false, NEEDS_REFERENCE, rank_correlation, "-1 to 1",     \
      "Spearman 1904; Adebayo et al. 2018",                                                        \
      "The rank correlation with the reference map, cell by cell.")                                \
    X(SSIM, ssim, false, NEEDS_REFERENCE, ssim, "-1 to 1",                                         \
      "Wang et al. 2004; Adebayo et al. 2018",                                                     \
      "The structural similarity to the reference map, both scaled to 0 to 1 at the size of the "  \
      "image.")

enum metric {
#define METRIC_ID(id, word, higher, needs, function, range, source, definition) METRIC_##id,
    METRICS(METRIC_ID)
#undef METRIC_ID
        METRIC_COUNT
};

#define METRICS_WORD(id, word, higher, needs, function, range, source, definition) ", " #word
#define METRICS_WORDS "all" METRICS(METRICS_WORD) /* what --metrics takes */

/* Those computed where none are named. */
#define METRICS_USUAL "deletion_grey,insertion_blur,road,irof,drop,increase"

/* Those that are computed beside them where masks or CAMs are known. */
#define METRICS_MASK "pointing,mass_inside"
#define METRICS_CAM "completeness,sensitivity_n"
#define METRICS_REFERENCE "rank_correlation,ssim"

/* The scores of a series: score[n] with the shares of the image that are changed, rising. */
struct scores {
    int n;
    const double *share, *score;
};

/* One map of one image, as a metric sees it. */
struct subject {
    double score;                /* of the unchanged image */
    double most;                 /* that any image can have, or INFINITY */
    const struct scores *series; /* [SERIES_COUNT], of those that the metrics need */
    const float *map;            /* [pixels] at the size of the image */
    const uint8_t *mask;         /* [pixels] not 0 where the object is seen, or NULL */
    int pixels;
    const float *cells; /* [cam_cells] the map by cells of the last stage, or NULL */
    const float *cam;   /* [cam_cells] */
    int cam_cells;
    bool exact;                   /* whether the map has the size of the last stage */
    const float *own, *reference; /* [own_cells] the map and the one that it is compared with */
    int own_cells;
    const float *unit,
        *reference_unit; /* (h, w) the same scaled to [0, 1], of the size of images */
    int h, w;
};

struct metric_rule {
    const char *word;
    bool higher; /* whether that is better */
    unsigned needs;
    double (*value)(const struct subject *s, unsigned needs); /* NaN where it is not defined */
};

const struct metric_rule *metric_rule(enum metric m);

struct series_rule {
    bool cells;
    enum faith_first first;
    enum faith_fill fill;
    enum faith_steps steps;
};

const struct series_rule *series_rule(enum series s);

/* Words separated by commas, or "all", which are those that what is `given` (NEEDS_GIVEN) is enough
 * for, to a list that is as long as there are metrics; each is there once. Returns the count, or
 * -1. */
int metrics_parse(enum metric *list, const char *words, unsigned given, struct err *e) ERR_CHECKED;

/* Prints word, source and definition of each, for the manual page. */
void metric_list(void);

#endif
