/* One temperature for all confidences: softmax of logits / T with the T that makes the labels
 * most likely. Guo et al., On calibration of modern neural networks, ICML 2017, section 4.2. */
#ifndef HP_TEMPERATURE_H
#define HP_TEMPERATURE_H

#include "base/err.h"
#include "stats/prediction.h"
#include "stream/items.h"

#include <stddef.h>
#include <stdint.h>

/* Where it is looked for. */
#define TEMPERATURE_LEAST 0.01
#define TEMPERATURE_MOST 100.0
enum { TEMPERATURE_FOLDS = 100 }; /* at most */

/* A temperature within the limits; an error says what was found. */
int temperature_parse(const char *text, double *value, struct err *e) ERR_CHECKED;

/* Labelled images and their logits (n, classes), which are read several times. */
struct temperature_data {
    const struct prediction *image; /* [n] */
    const int64_t *item;            /* [n] each one's item */
    size_t n;
    struct items *logits;
    double now; /* the temperature of the images' confidences */
    int folds;  /* at least 2 */
};

/* NaN where the likelihood has no maximum between the limits, or, in `after`, where that of a fold
 * has none. */
struct temperature {
    double value;     /* fitted to all images */
    double low, high; /* its 95 % interval, from the variance of the derivative over the images;
                         `high` is NaN where it has no end */
    /* Of each image, [n] and the caller's: minus the log of the probability of its label, now and
     * after; and the confidence after. After: at the temperature that was fitted to the other
     * folds. */
    double *loss, *loss_after, *conf_after;
};

/* Images of one id are in one fold, chosen by the id as by chance. An error where the logits are
 * not those of the images: a class beyond them, or a confidence that is not their softmax. */
int temperature_fit(struct temperature *t, const struct temperature_data *d, struct err *e)
    ERR_CHECKED;

/* The fold of an id. */
int temperature_fold(int64_t id, int folds);

#endif
