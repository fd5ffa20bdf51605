/* A number that each image has: whether it goes with errors, and whether it gives the class away.
 */
#ifndef HP_COVARIATE_H
#define HP_COVARIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COVARIATE_GROUPS = 20, COVARIATE_GROUP_IMAGES = 10 };

struct covariate_image {
    int64_t id;
    double value; /* NaN: missing */
    int truth;
    bool wrong;
};

/* Of the images that have a value; NaN is what they are too few for. */
struct covariate {
    int64_t images, missing, errors;
    double median_correct, median_wrong;
    /* The probability that a wrong prediction's value is above a correct one's, half of it where
     * they are equal: .5 where it tells nothing. */
    double auc;
    double auc_low, auc_high; /* 95 %: Newcombe, Confidence intervals for an effect size measure
                                 based on the Mann-Whitney statistic, part 2, 2006, method 5 */
    double p;                 /* Mann and Whitney 1947: normal approximation, two-sided, variance
                                 corrected for ties, correction for continuity */
    /* The same among images of one true class, over all classes: van Elteren, On the combination
     * of independent two-sample tests of Wilcoxon, 1960. What the classes differ in is out. */
    double within_auc, within_p;
    /* Correct guesses of the class by the value alone. Two halves of the images guess each other:
     * a half is divided into at most COVARIATE_GROUPS groups by quantiles, of
     * COVARIATE_GROUP_IMAGES images or more, and an image of the other half gets the most
     * frequent class of its group. */
    int64_t class_correct;
    double class_share;           /* of the images */
    double class_low, class_high; /* 95 %, by Wilson */
    double class_chance;          /* share of the most frequent class */
    double class_p;               /* exact, one-sided, binomial, of the better half, times 2 */
};

/* image[n] comes in any order and is left in another one. */
void covariate_measure(struct covariate_image *image, size_t n, struct covariate *c);

#endif
