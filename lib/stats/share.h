/* Shares that were counted: how well they are known, and whether they differ from what
 * chance gives. */
#ifndef HP_SHARE_H
#define HP_SHARE_H

#include <stddef.h>
#include <stdint.h>

/* Part of whole, as a fraction and in percent; NaN where the whole is 0. */
double share_of(int64_t part, int64_t whole);
double share_percent(int64_t part, int64_t whole);

/* The 95 % interval of k of n, as fractions: Wilson, Probable inference, the law of
 * succession, and statistical inference, 1927. [0, 1] where n is 0. */
void share_interval(int64_t k, int64_t n, double *low, double *high);

/* Exact probability of at least k successes in n trials that each succeed with `q`;
 * 1 where k <= 0. */
double share_tail(int64_t k, int64_t n, double q);

/* Exact two-sided binomial test of k of n against `q`: twice the smaller tail, at most 1. */
double share_test(int64_t k, int64_t n, double q);

/* The 95 % interval of the difference between two shares of the same n items, of which `gained`
 * count in the second share alone and `lost` in the first alone: the percentile interval of the
 * paired bootstrap (Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13).
 * It is taken over all resamples of n items, not over some that are drawn, so it has no seed:
 * in a resample, (gained, lost, rest) is multinomial. [-1, 1] where n is 0. */
void share_paired_interval(int64_t gained, int64_t lost, int64_t n, double *low, double *high);

/* One-sided p of k1 of n1 being a larger share than k2 of n2: normal approximation with
 * the pooled share. 1 where a side is empty or the pooled share is 0 or 1. */
double share_larger(int64_t k1, int64_t n1, int64_t k2, int64_t n2);

/* Exact one-sided p of k1 of n1 being a larger share than k2 of n2: the chance of k1 or more where
 * k1 + k2 of all are drawn without regard to the side (Fisher, Statistical methods for research
 * workers, 1934). 1 where k1 is 0. */
double share_exact(int64_t k1, int64_t n1, int64_t k2, int64_t n2);

/* The 95 % interval of the difference k1 / n1 - k2 / n2 of independent shares: Newcombe, Interval
 * estimation for the difference between independent proportions, 1998, method 10. [-1, 1] where
 * a side is empty. */
void share_difference_interval(int64_t k1, int64_t n1, int64_t k2, int64_t n2, double *low,
                               double *high);

/* Probability that a chi-square variable with `df` degrees of freedom, which need not be a
 * whole number, is at least x: Wilson and Hilferty, The distribution of chi-square, 1931. */
double share_chi_square(double x, double df);

/* Corrects n p values in place for their number, so that the chance of one false finding
 * among all stays below the level: Holm, A simple sequentially rejective multiple test
 * procedure, 1979. NaN is no test: it stays and is not counted. */
void share_holm(double *p, size_t n);

#endif
