/* What both texts are made of: the tables of a run, and figures that follow from
 * them. */
#ifndef HP_REPORT_FINDINGS_H
#define HP_REPORT_FINDINGS_H

#include "maps.h"
#include "tables.h"

#include "stats/spread.h"

#include <stdint.h>

/* How many pairs are looked at closely. */
enum { TOP_PAIRS = 15 };

struct run {
    struct classes classes;
    struct pairs pairs;
    struct summary summary;
    struct groups groups;           /* n is 0 where unknown */
    struct predictions predictions; /* .known */
    struct maps maps;               /* .known */
};

static inline int64_t run_errors(const struct run *r)
{
    return r->classes.total - r->classes.correct;
}

/* The most frequent pairs, at most TOP_PAIRS. */
struct top_pairs {
    int n;
    int same, across;  /* inside one superclass, across two; both 0 where unknown */
    int mutual;        /* the way back is at least half as frequent */
    int reverse_known; /* of how many the way back is known */
    int64_t errors;    /* that they hold */
    int64_t tied;      /* pairs beyond them with the count of the last */
};

struct top_pairs top_pairs_of(const struct run *r);

/* The share of the errors that would stay inside a superclass if wrong predictions fell
 * evenly on the other classes; NaN where there is no error or a superclass is not
 * known. */
double chance_same_group(const struct run *r);

/* A difference between two sets of maps, or that there is none. It is called one
 * where the rank test's p is below DIFFERENCE_P and the probability that the one is
 * larger is at least DIFFERENCE_SMALL: the bounds of small, medium and large are
 * Vargha and Delaney's. */
#define DIFFERENCE_P 0.001
#define DIFFERENCE_SMALL 0.56
#define DIFFERENCE_MEDIUM 0.64
#define DIFFERENCE_LARGE 0.71
enum { DIFFERENCE_FEW = 20 }; /* fewer on a side are not compared */

enum verdict {
    VERDICT_FEW,     /* too few to compare */
    VERDICT_CHANCE,  /* not to be told from chance */
    VERDICT_SLIGHT,  /* surely there, but too small to matter */
    VERDICT_LARGER,  /* the second set has the larger values */
    VERDICT_SMALLER, /* the second set has the smaller values */
};

struct difference {
    int64_t n[2];
    double median[2];
    struct spread_test test;
    enum verdict verdict;
};

struct difference difference_of(const struct spread *a, const struct spread *b);

/* A sentence on the verdict; `what` names a value of the second set, as in "a wrong
 * prediction's share". */
void difference_say(char *s, size_t size, const struct difference *d, const char *what);

#endif
