/* What a model says of one image. */
#ifndef HP_PREDICTION_H
#define HP_PREDICTION_H

#include <stdint.h>

/* Classes are numbered from 0 and below this. */
enum { STATS_CLASSES = 65536 };

/* The model's prediction to one image. */
struct prediction {
    int64_t id;     /* 0 where the column is not read */
    int truth;      /* class, or -1 where the row has no label; the rest is then unset, but
                       with `all` */
    int pred;       /* class */
    double conf;    /* probability of pred, within [0, 1]; NaN where not read */
    int rank;       /* rank of truth from 1; 0 where not read or without label */
    double loss;    /* NaN where not read or without label */
    double entropy; /* nats; NaN where not read */
};

#endif
