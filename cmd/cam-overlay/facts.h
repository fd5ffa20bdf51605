/* Tables of confmat that add numbers to the titles. */
#ifndef OVERLAY_FACTS_H
#define OVERLAY_FACTS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct class_fact {
    bool known;
    double accuracy; /* NaN without images */
    int64_t total, correct;
    char *wrong; /* most frequent wrong prediction, or NULL */
    int64_t wrong_count;
};

struct pair_fact {
    int64_t truth, pred, count, reverse;
    double rate;
    int same; /* 1, 0, or -1 where unknown */
};

struct facts;

/* The tables of confmat --classes and --pairs; NULL where not given. */
int facts_load(struct facts **f, const char *classes, const char *pairs, struct err *e);
void facts_free(struct facts *f);

const struct class_fact *facts_class(const struct facts *f, int cls);

/* NULL where the pair is not in the table. */
const struct pair_fact *facts_pair(const struct facts *f, int truth, int pred);

#endif
