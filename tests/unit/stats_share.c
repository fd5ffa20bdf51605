/* Intervals and tests of shares. */
#include "check.h"

#include "stats/share.h"

static void test_interval(void)
{
    double low, high;
    share_interval(35, 100, &low, &high); /* R: prop.test(35, 100, correct = FALSE) */
    CHECK_NEAR(low, 0.2636425, 1e-6);
    CHECK_NEAR(high, 0.4474556, 1e-6);
    share_interval(0, 0, &low, &high);
    CHECK(low == 0 && high == 1);
    share_interval(0, 10, &low, &high);
    CHECK(low == 0);
    CHECK_NEAR(high, 0.2775328, 1e-6);
    share_interval(10, 10, &low, &high);
    CHECK(high == 1);
    CHECK_NEAR(low, 0.7224672, 1e-6);
}

static void test_tail(void)
{
    CHECK_NEAR(share_tail(0, 10, .3), 1, 0);
    CHECK_NEAR(share_tail(11, 10, .3), 0, 0);
    CHECK_NEAR(share_tail(1, 10, 0), 0, 0);
    CHECK_NEAR(share_tail(10, 10, 1), 1, 0);
    CHECK_NEAR(share_tail(10, 10, .5), 1.0 / 1024, 1e-15);
    CHECK_NEAR(share_tail(1, 10, .5), 1023.0 / 1024, 1e-15);
    CHECK_NEAR(share_tail(2, 3, .25), 3 * .0625 * .75 + .015625, 1e-15);
    CHECK_NEAR(share_tail(1, 3, .25), 1 - .421875, 1e-15);
    /* Both sums, on either side of the mean, agree. */
    for (int k = 1; k <= 30; k++)
        CHECK_NEAR(share_tail(k, 30, .4) + share_tail(30 - k + 1, 30, .6), 1, 1e-12);
    CHECK(share_tail(2000, 10000, .1) < 1e-100);

    CHECK_NEAR(share_test(15, 17, .5), 2.0 * (1 + 17 + 136) / 131072, 1e-12);
    CHECK_NEAR(share_test(2, 17, .5), 2.0 * (1 + 17 + 136) / 131072, 1e-12);
    CHECK_NEAR(share_test(4, 8, .5), 1, 0);
    CHECK_NEAR(share_test(0, 0, .5), 1, 0);
    CHECK_NEAR(share_test(1000000000, 2000000000, .5), 1, 1e-3);
    CHECK(share_test(600000, 1000000, .5) < 1e-18);
    /* 90 of 100 errors of a class that has nine tenths of the images. */
    CHECK_NEAR(share_test(90, 100, .9), 1, 1e-12);
}

static void test_larger(void)
{
    CHECK_NEAR(share_larger(5, 10, 5, 10), .5, 0);
    CHECK_NEAR(share_larger(0, 10, 0, 10), 1, 0);
    CHECK_NEAR(share_larger(3, 0, 5, 10), 1, 0);
    /* R: prop.test(c(60, 40), c(100, 100), "greater", correct = FALSE) */
    CHECK_NEAR(share_larger(60, 100, 40, 100), .002338867, 1e-8);
}

static void test_chi_square(void)
{
    CHECK_NEAR(share_chi_square(18.307, 10), .05, 5e-4);
    CHECK_NEAR(share_chi_square(135.807, 100), .01, 2e-4);
    CHECK_NEAR(share_chi_square(0, 5), 1, 0);
    CHECK_NEAR(share_chi_square(5, 0), 1, 0);
}

static void test_holm(void)
{
    double p[] = {.01, NAN, .04, .03, .005}; /* R: p.adjust(p, "holm") */
    share_holm(p, 5);
    CHECK_NEAR(p[0], .03, 1e-15);
    CHECK(isnan(p[1]));
    CHECK_NEAR(p[2], .06, 1e-15);
    CHECK_NEAR(p[3], .06, 1e-15);
    CHECK_NEAR(p[4], .02, 1e-15);
    share_holm(NULL, 0);
    double big[] = {.9, .8};
    share_holm(big, 2);
    CHECK_NEAR(big[0], 1, 0);
    CHECK_NEAR(big[1], 1, 0);
}

/* Expected values: the sums over all resamples in whole numbers. */
static void test_paired_interval(void)
{
    static const struct {
        int64_t gained, lost, n;
        double low, high;
    } of[] = {{3, 1, 10, -2, 6},     {0, 4, 20, -8, -1}, {5, 0, 5, 5, 5},   {2, 3, 5, -5, 3},
              {30, 18, 100, -1, 25}, {1, 0, 1, 1, 1},    {7, 7, 60, -7, 7}, {0, 0, 9, 0, 0}};
    double low, high, back_low, back_high;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double n = (double)of[i].n;
        share_paired_interval(of[i].gained, of[i].lost, of[i].n, &low, &high);
        CHECK_NEAR(low, of[i].low / n, 1e-15);
        CHECK_NEAR(high, of[i].high / n, 1e-15);
    }
    share_paired_interval(0, 0, 0, &low, &high);
    CHECK(low == -1 && high == 1);
    /* Many: near the normal approximation, to a step, and mirrored the other way round. */
    share_paired_interval(70000, 69000, 1000000, &low, &high);
    double half = 1.959964 * sqrt(139000 - 1.0);
    CHECK_NEAR(low, (1000 - half) / 1e6, 3e-6);
    CHECK_NEAR(high, (1000 + half) / 1e6, 3e-6);
    share_paired_interval(69000, 70000, 1000000, &back_low, &back_high);
    CHECK_NEAR(back_low, -high, 1.5e-6);
    CHECK_NEAR(back_high, -low, 1.5e-6);
    share_paired_interval(INT64_C(1) << 33, 0, INT64_C(1) << 33, &low, &high);
    CHECK(low == 1 && high == 1);
}

/* Expected values: sums of binomial coefficients in whole numbers. */
static void test_exact(void)
{
    static const struct {
        int64_t k1, n1, k2, n2;
        double p;
    } of[] = {
        {3, 4, 1, 4, 0.24285714285714285},        {0, 5, 2, 9, 1},
        {5, 5, 0, 40, 8.1849202665992227e-07},    {1, 30, 20, 40, 0.99999965939558011},
        {40, 52, 35, 190, 6.789321310701688e-15}, {10, 10, 7, 7, 1},
        {2, 2, 0, 1, 0.33333333333333331},        {700, 1000, 6000, 9000, 0.017739576660284379}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double p = share_exact(of[i].k1, of[i].n1, of[i].k2, of[i].n2);
        CHECK_NEAR(p / of[i].p, 1, 1e-9);
    }
    CHECK(share_exact(0, 0, 3, 7) == 1 && share_exact(3, 7, 0, 0) == 1);
    CHECK(share_exact(0, 0, 0, 0) == 1);
}

/* The first example of Newcombe 1998, method 10. */
static void test_difference_interval(void)
{
    double low, high;
    share_difference_interval(56, 70, 48, 80, &low, &high);
    CHECK_NEAR(low, 0.0524, 5e-5);
    CHECK_NEAR(high, 0.3339, 5e-5);
    share_difference_interval(48, 80, 56, 70, &low, &high);
    CHECK_NEAR(low, -0.3339, 5e-5);
    share_difference_interval(1, 2, 0, 0, &low, &high);
    CHECK(low == -1 && high == 1);
}

int main(void)
{
    test_interval();
    test_tail();
    test_larger();
    test_exact();
    test_difference_interval();
    test_chi_square();
    test_holm();
    test_paired_interval();
    return CHECK_DONE();
}
