/* The nearest vectors of a set, by looking at all of them. */
#ifndef HP_NEAREST_H
#define HP_NEAREST_H

#include "neighbors/vectors.h"

#include <stdbool.h>

enum { NEAREST_MOST = 1000 }; /* neighbours of a vector */

/* Distances: each constant and its word. */
#define NEAREST_METRICS(X)                                                                         \
    X(COSINE, cosine)       /* 1 - x y / (|x| |y|); 1 where one is 0 */                            \
    X(EUCLIDEAN, euclidean) /* |x - y| */

enum nearest_metric {
#define NEAREST_ID(id, word) NEAREST_##id,
    NEAREST_METRICS(NEAREST_ID)
#undef NEAREST_ID
};

/* The words, for OPT_CHOICE. */
#define NEAREST_WORD(id, word) "|" #word
#define NEAREST_METRIC_WORDS (&("" NEAREST_METRICS(NEAREST_WORD))[1])

struct neighbor {
    int64_t item; /* of the set */
    double distance;
};

struct nearest_opts {
    int k; /* 1 to NEAREST_MOST */
    enum nearest_metric metric;
    int threads; /* 0: one per core */
    /* Queries done, of all; may be NULL. */
    void (*progress)(int64_t done, int64_t all);
};

/* Calls `take` for each query in order with its neighbours by rising distance, those at the same
 * distance by rising item: min(k, those there are), less than that only where the set is
 * smaller. Without `set` the queries are the set, and none is its own neighbour. Candidates,
 * somewhat more than k, are chosen in single precision; distances and ranks are of double
 * precision. Memory does not grow with the number of vectors. */
int nearest_find(const struct vectors *queries, const struct vectors *set,
                 const struct nearest_opts *o,
                 int (*take)(void *ctx, int64_t query, const struct neighbor *list, int n,
                             struct err *e),
                 void *ctx, struct err *e) ERR_CHECKED;

/* Sum of x y, in double. */
double nearest_product(const float *x, const float *y, int length);

/* Vectors from `first` on, x[n][length], as their products tell how near they are: of length 1
 * for the cosine. half[n], which may be NULL, is to be taken from products with them. */
int nearest_load(const struct vectors *v, int64_t first, int n, enum nearest_metric metric,
                 float *x, float *half, struct err *e) ERR_CHECKED;

/* The distance of two vectors. */
double nearest_distance(enum nearest_metric metric, const float *x, const float *y, int length);

#endif
