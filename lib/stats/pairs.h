/* The pairs of classes that a run confuses, with what confmat --pairs and --groups count of
 * them. */
#ifndef HP_PAIRS_H
#define HP_PAIRS_H

#include "base/err.h"
#include "stats/classes.h"
#include "stats/examples.h"

#include <stddef.h>
#include <stdint.h>

enum {
    PAIRS_TOP = 15,  /* pairs that are looked at closely */
    PAIRS_OFTEN = 2, /* images of a pair that is listed: which of those that occur once comes
                        first, only the numbers of the classes tell */
};

/* Images of `truth` predicted as `pred`. */
struct pair_row {
    int truth, pred;
    int64_t count;
    int64_t first_half;  /* of these in one half of the images; see confidence_add */
    int64_t reverse;     /* -1 where the table does not tell */
    double rate;         /* of the images of `truth`; NaN where the table does not tell */
    int same_superclass; /* 1, 0, or -1 where unknown */
    char *true_name, *pred_name;
    int64_t line;
    struct examples *examples; /* of these, or NULL: see confidence_begin */
};

/* All zero: none. */
struct pairs {
    const char *file;
    size_t n;
    struct pair_row *row; /* by falling count, then truth, then pred; no zeros */
    int64_t errors;       /* sum of the counts */
};

/* How many of the most frequent pairs to list, at most `most`, of those that occur
 * PAIRS_OFTEN times or more; and how many behind these are as frequent as the last. */
size_t pairs_listed(const struct pairs *p, size_t most, size_t *tied);

/* How many other pairs are as frequent as this one. */
size_t pairs_equal(const struct pairs *p, const struct pair_row *row);

/* Takes a row that is not zero. */
void pairs_add(struct pairs *p, const struct pair_row *row);

/* Sorts what was added. An error where a pair comes twice: `name` is the table's. */
int pairs_sort(struct pairs *p, const char *name, struct err *e) ERR_CHECKED;
void pairs_free(struct pairs *p);

/* NULL where the pair is not in the table. */
const struct pair_row *pairs_find(const struct pairs *p, int truth, int pred);

/* Where the pairs of each true class stand in the table: `at` holds indices, those of class cls,
 * by falling count, from `from[cls]` to before `from[cls + 1]`. */
struct pair_index {
    size_t *from, *at;
};

/* Of classes [0, classes). */
struct pair_index pairs_by_class(const struct pairs *p, int classes);
void pair_index_free(struct pair_index *x);

/* Errors of a true class in other pairs than its n most frequent. */
int64_t pair_index_beyond(const struct pair_index *x, const struct pairs *p, int cls, size_t n);

/* Two classes that are confused, both ways together. */
struct both_ways {
    const struct pair_row *pair; /* the more frequent way */
    int64_t both;
};

/* Those inside superclasses that are confused more than once, by falling number; `n` of them.
 * Caller frees. */
struct both_ways *pairs_inside(const struct pairs *p, size_t *n);

/* --- superclasses --- */

struct superclass_pair {
    int truth, pred;
    int64_t count;
};

/* All zero: none. */
struct superclasses {
    int n;
    char **text; /* names, isolated */
    size_t pairs;
    struct superclass_pair *pair; /* off the diagonal, by falling count, truth, pred */
};

void superclasses_sort(struct superclasses *g);
void superclasses_free(struct superclasses *g);

/* How many of the most frequent pairs to list, at most `most`, of those that occur more than
 * once; and how many behind these are as frequent as the last. */
size_t superclasses_listed(const struct superclasses *g, size_t most, size_t *tied);

#endif
