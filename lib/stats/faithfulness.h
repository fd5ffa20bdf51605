/* What the maps of several methods and layers are worth by several metrics (faithfulness.tsv),
 * and what can be told from it. */
#ifndef HP_FAITHFULNESS_H
#define HP_FAITHFULNESS_H

#include <stdbool.h>
#include <stdint.h>

/* The mean of a metric over the images that have a value, and its 95 % interval. */
struct faith_value {
    int64_t images;         /* below 0: the table has no such row */
    double mean, low, high; /* NaN where no image has a value */
    bool ahead; /* the interval of its difference to the centre, image by image, lies on the better
                   side of 0 */
};

struct faith_map {
    char *layer;  /* NULL of a map that knows nothing of the network */
    char *method; /* "random" of a layer, as coarse as its maps, knows nothing either */
    bool last;    /* the layer is the last stage */
    int equal;    /* other methods of the layer whose maps equal these, each by every
                     metric */
    struct faith_value *value; /* [metrics] */
    double mean_rank;          /* over the metrics, among the maps of methods */
    int within;                /* metrics by which it is the best map, or its interval and that of
                                  the best overlap */
};

struct faith_metric {
    char *word;
    bool higher; /* values are better */
    bool mask;   /* of where objects are, not of changed images */
    int best;    /* of the maps of methods */
    int within;  /* others of these whose intervals overlap with that of the best */
    bool ahead;  /* the best is ahead of the centre */
};

/* The random one is blurred: as smooth as maps of a layer are. */
enum { FAITH_CENTER, FAITH_RANDOM };

/* All zero: not known. */
struct faithfulness {
    bool known;
    int64_t images;
    int metrics, maps;
    struct faith_metric *metric; /* [metrics] */
    struct faith_map *map;       /* [maps], of which equal ones stand once */
    int equal;                   /* maps of methods that are left out because they equal one of
                                    these */
    int blank;                   /* that are left out because no image has a value of some metric */
    int part;                    /* of the others: that have no value on some of the images */
    int base[2];                 /* FAITH_CENTER, FAITH_RANDOM among the maps, or -1 */
    int methods;                 /* maps of methods */
    int first;                   /* of these, by the mean rank */
    int winners;                 /* different maps that are the best by some metric */
    int beaten;                  /* metrics by which the best map is better than the centre */
};

/* From the metrics and the maps with their values, all else. Maps of methods without a value are
 * taken away. */
void faithfulness_compute(struct faithfulness *f);
void faithfulness_free(struct faithfulness *f);

/* The map of a layer and a method, or -1. */
int faithfulness_find(const struct faithfulness *f, const char *layer, const char *method);

#endif
