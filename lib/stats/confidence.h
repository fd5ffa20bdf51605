/* What the predictions of a run tell beyond its tables of classes and pairs: by band of
 * confidence, by bin, and which images to look at. */
#ifndef HP_CONFIDENCE_H
#define HP_CONFIDENCE_H

#include "stats/band.h"
#include "stats/calibration.h"
#include "stats/classes.h"
#include "stats/examples.h"
#include "stats/pairs.h"
#include "stats/prediction.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero: not known. */
struct confidence {
    bool known;
    int64_t images, correct_all;
    int64_t correct[BANDS], wrong[BANDS]; /* images by band of confidence */
    struct calibration calibration;
    struct sum highest_doubt; /* of 1 - confidence in the highest band: errors to expect there */
    double mean, mean_correct, mean_wrong; /* NaN without images */
    struct examples highest_errors;        /* errors of highest confidence */
    int64_t highest_flagged; /* of these, those whose label label-check flags; -1 where not known */
    struct examples same_superclass; /* errors inside the superclass of the true class */
    int64_t strange;                 /* errors of pairs that the table does not have */

    /* While predictions are added. */
    bool ids;
    struct classes *classes;
    struct pairs *pairs;
    struct sparse *index; /* of a pair in the table, plus 1 */
    struct sum conf[2];   /* of wrong and correct predictions */
};

/* Begins with the classes and pairs of the same run, which take their own counts and examples
 * and stay the caller's. Examples are kept where `ids` says that the rows' ids are those of
 * images; of the pairs for the most frequent one of each class, the PAIRS_TOP most frequent ones
 * and the reverse of these, so that memory follows the classes. */
void confidence_begin(struct confidence *a, struct classes *c, struct pairs *p, bool ids);

/* One labelled image, of a class below those of confidence_begin. Half of the images, chosen by
 * their ids as by chance and always alike, are the pairs' first half. */
void confidence_add(struct confidence *a, const struct prediction *row);

/* Whether it is an error of highest confidence. */
bool confidence_highest_error(const struct prediction *row);

void confidence_end(struct confidence *a);

#endif
