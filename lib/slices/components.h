/* Coordinates of rows on their principal components. */
#ifndef HP_COMPONENTS_H
#define HP_COMPONENTS_H

#include <stddef.h>
#include <stdint.h>

enum { COMPONENTS_MOST = 16 };

struct components {
    int length;   /* of a row */
    int n;        /* components, the one of the largest variance first */
    double *mean; /* [length] */
    double *axis; /* (length, COMPONENTS_MOST), orthonormal columns; 0 from column n on */
};

/* Of rows x (count, length), count > 0: at most COMPONENTS_MOST, fewer where rows are few or
 * equal, of a sample of 2000 of them. By orthogonal iteration from random axes. Caller closes. */
void components_find(struct components *c, const float *x, size_t count, int length,
                     uint64_t *random);
void components_close(struct components *c);

/* at[COMPONENTS_MOST]: where row x[length] lies on them; 0 from n on. */
void components_place(const struct components *c, const float *x, double *at);

#endif
