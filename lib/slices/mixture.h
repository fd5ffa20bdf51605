/* A mixture of groups of rows, each with its mean, the variance of every coordinate, and how
 * frequent the words of some kinds are in it: as Domino's (Eyuboglu et al., Domino: discovering
 * systematic errors with cross-modal embeddings, arXiv 2203.14960). */
#ifndef HP_MIXTURE_H
#define HP_MIXTURE_H

#include <stddef.h>
#include <stdint.h>

enum { MIXTURE_KINDS = 2, MIXTURE_DIMS = 16 };

/* What groups are made of. */
struct mixture_rows {
    size_t n;
    int dims;                 /* up to MIXTURE_DIMS */
    const double *x;          /* (n, MIXTURE_DIMS), 0 from `dims` on */
    int *word[MIXTURE_KINDS]; /* [n] from 0 */
    int words[MIXTURE_KINDS];
};

struct mixture {
    int groups, words[MIXTURE_KINDS];
    double *weight;              /* [groups] logarithms of the shares */
    double *mean, *inverse;      /* (groups, MIXTURE_DIMS), inverse of the variance */
    double *norm;                /* [groups] logarithm of the density at the mean */
    double *word[MIXTURE_KINDS]; /* (groups, words) logarithms of the shares */
};

/* By expectation and maximisation, from groups around rows that are drawn far apart (Arthur and
 * Vassilvitskii, k-means++, 2007); the likeliest of several tries. Variances are drawn towards
 * that of all rows, as if five more rows of each group had it. Caller closes. */
void mixture_fit(struct mixture *m, const struct mixture_rows *r, int groups, uint64_t *random);
void mixture_close(struct mixture *m);

/* The logarithms of the densities of row i, each with its group's share: density[groups]. */
void mixture_density(const struct mixture *m, const struct mixture_rows *r, size_t i,
                     double *density);

/* Turns such logarithms into the probabilities of the groups. Returns the logarithm of the sum. */
double mixture_posterior(double *density, int groups);

#endif
