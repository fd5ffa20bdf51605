/* Images to look at for something that is said of many: those that were predicted with the
 * highest confidence. Memory does not grow with the images, and their order does not matter. */
#ifndef HP_EXAMPLES_H
#define HP_EXAMPLES_H

#include <stdint.h>

enum { EXAMPLES = 5 };

/* All zero: none yet. By falling confidence, then by id; an image is in it once. */
struct examples {
    int n;
    int64_t id[EXAMPLES];
    double conf[EXAMPLES]; /* -1 where it is not known */
};

/* Takes an image if it is among the first. A confidence of NaN is one that is not known. */
void examples_add(struct examples *x, int64_t id, double conf);

/* Takes those of `other`. */
void examples_join(struct examples *x, const struct examples *other);

#endif
