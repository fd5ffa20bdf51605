/* Two coordinates for each vector, so that neighbours stay near each other. */
#ifndef HP_PROJECT_H
#define HP_PROJECT_H

#include "neighbors/nearest.h"

struct project_opts {
    enum nearest_metric metric;
    int threads; /* 0: one per core; results do not depend on it */
    uint64_t seed;
    void (*progress)(int64_t done, int64_t all);
};

/* How true a projection is. */
struct project_trust {
    double value;   /* Venna and Kaski 2001: 1 where the neighbours on the plane are those of the
                       vectors; about .5 for points at random; NaN where there are too few */
    int neighbours; /* that are compared */
    int64_t images; /* for which, spread over all */
};

/* xy[count][2]. The objective of UMAP (McInnes et al. 2018): a fuzzy graph of the nearest
 * neighbours, and the cross entropy with 1 / (1 + d^2) for the plane, by gradient descent with
 * sampled repulsion, from the first two principal components. The same bytes in each run. */
int project(const struct vectors *v, const struct project_opts *o, float *xy,
            struct project_trust *t, struct err *e) ERR_CHECKED;

#endif
