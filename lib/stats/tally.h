/* Predictions counted by the class that was predicted, whether or not they are right: what can be
 * said of images without labels. */
#ifndef HP_TALLY_H
#define HP_TALLY_H

#include "stats/band.h"
#include "stats/prediction.h"
#include "stats/sum.h"

#include <stdint.h>

struct tally_row {
    int cls;
    int64_t images;
    struct sum sum; /* of their confidences */
    double conf;    /* after tally_end their mean */
    char *text;     /* the class's name, isolated; the adder's to set, freed by tally_free */
};

/* All zero: no predictions. */
struct tally {
    int64_t images, labelled, band[BANDS];
    struct sum conf_sum, entropy_sum;
    double conf, entropy; /* after tally_end the means, NaN where not known */
    int n;
    struct tally_row *row; /* [n] by class; after tally_end those with images, most first */
};

/* A row of cifar-predict with a prediction. Returns that of its class, valid until the next. */
struct tally_row *tally_add(struct tally *t, const struct prediction *a);
void tally_end(struct tally *t);
void tally_free(struct tally *t);

#endif
