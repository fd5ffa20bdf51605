/* Tests of one number against errors and classes. tests/cases/covariates/scipy compares with
 * scipy. */
#include "check.h"

#include "stats/covariate.h"

enum { MANY = 4000 };

static struct covariate_image image[MANY];

static struct covariate measure(const double *value, const int *truth, const int *wrong, size_t n)
{
    struct covariate c;
    for (size_t i = 0; i < n; i++)
        image[i] = (struct covariate_image){(int64_t)i, value[i], truth[i], wrong[i] != 0};
    covariate_measure(image, n, &c);
    return c;
}

static void check_ranks(void)
{
    static const double value[] = {1, 2, 2, 3, 5, NAN};
    static const int truth[] = {0, 0, 1, 1, 1, 1}, wrong[] = {0, 1, 0, 0, 1, 1};
    struct covariate c = measure(value, truth, wrong, 6);
    CHECK(c.images == 5 && c.missing == 1 && c.errors == 2);
    /* Of six pairs four are in order and one is tied. */
    CHECK_NEAR(c.auc, 4.5 / 6, 1e-15);
    CHECK(c.auc_low > 0 && c.auc_low < c.auc && c.auc < c.auc_high && c.auc_high < 1);
    CHECK_NEAR(c.median_correct, 2, 0);
    CHECK_NEAR(c.median_wrong, 3.5, 0);
    /* Within the classes all three pairs are in order. */
    CHECK_NEAR(c.within_auc, 1, 1e-15);
    CHECK_NEAR(c.class_chance, 0.6, 1e-15);
}

static void check_edges(void)
{
    static const double value[] = {2, 1, 2, 1}, same[] = {7, 7, 7, 7}, none[] = {NAN, NAN};
    static const int truth[] = {0, 1, 0, 1}, one[] = {3, 3, 3, 3}, no[] = {0, 0, 0, 0},
                     yes[] = {1, 1, 1, 1}, some[] = {1, 0, 0, 1};
    CHECK(isnan(measure(value, truth, no, 4).auc));
    CHECK(isnan(measure(value, truth, yes, 4).p));
    CHECK_NEAR(measure(same, truth, some, 4).auc, 0.5, 0);
    CHECK(isnan(measure(same, truth, some, 4).p));
    CHECK(isnan(measure(value, one, some, 4).class_p));
    CHECK(measure(none, truth, some, 2).images == 0);
    CHECK(isnan(measure(none, truth, some, 2).class_share));
    CHECK(measure(value, truth, some, 0).missing == 0);
}

/* A value that is the class, one that is not, and the share of false findings among many. */
static void check_classes(void)
{
    static double value[MANY];
    static int truth[MANY], wrong[MANY];
    uint32_t state = 1;
    int found = 0;
    for (int trial = 0; trial < 200; trial++) {
        for (int i = 0; i < 600; i++) {
            value[i] = (double)((state = state * 1664525U + 1013904223U) >> 8);
            truth[i] = (int)((state = state * 1664525U + 1013904223U) >> 16) % 7;
            wrong[i] = i % 3 == 0;
        }
        found += measure(value, truth, wrong, 600).class_p < 0.05;
    }
    CHECK(found <= 18); /* 10 or fewer are expected; more than 18 have a probability of 1 % */
    for (int i = 0; i < MANY; i++)
        value[i] = truth[i] = i % 50;
    struct covariate c = measure(value, truth, wrong, MANY);
    /* Twenty groups of fifty classes: the lowest of each group is guessed. */
    CHECK(c.class_share > 0.35 && c.class_share < 0.45 && c.class_p < 1e-100);
}

int main(void)
{
    check_ranks();
    check_edges();
    check_classes();
    return CHECK_DONE();
}
