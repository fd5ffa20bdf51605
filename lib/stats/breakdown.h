/* Metrics of images by the value that each has in a column. */
#ifndef HP_BREAKDOWN_H
#define HP_BREAKDOWN_H

#include "base/err.h"
#include "stats/metrics.h"

#include <stddef.h>

/* More different values are an error: 60 MB. */
enum { BREAKDOWN_GROUPS = 65536, BREAKDOWN_QUANTILES = 1000 };

struct breakdown_group {
    char *value;     /* as it stands in the rows; NULL: missing, or a quantile group */
    int quantile;    /* which of them, from 1; 0: no quantile group */
    double from, to; /* smallest and largest value of a quantile group, else NaN */
    struct metrics metrics;
};

struct breakdown;

struct breakdown *breakdown_new(void);
void breakdown_free(struct breakdown *b);

/* One labelled image whose value is the `n` bytes at `text`; NULL: it has none. */
int breakdown_text(struct breakdown *b, const char *text, size_t n, const struct prediction *a,
                   struct err *e) ERR_CHECKED;

/* The same of a number, NaN: it has none, for groups by quantiles. These rows are kept. */
void breakdown_number(struct breakdown *b, double value, const struct prediction *a);

/* The groups, in order, which stay the breakdown's: numbers by size where all texts are numbers,
 * else by bytes, and images without a value last. Those added as numbers are divided into
 * `quantiles` groups of about as many images (stats/quantile.h), of which empty ones are not
 * there. */
const struct breakdown_group *breakdown_end(struct breakdown *b, int quantiles, size_t *n);

#endif
