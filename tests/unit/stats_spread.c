/* Medians and the rank test behind the report's findings. */
#include "check.h"

#include "stats/spread.h"

static struct spread a, b;

static void fill(struct spread *s, const double *v, int n)
{
    *s = (struct spread){0};
    for (int i = 0; i < n; i++)
        spread_add(s, v[i]);
}

static void test_median(void)
{
    fill(&a, NULL, 0);
    CHECK(isnan(spread_median(&a)));
    fill(&a, (const double[]){0.3}, 1);
    CHECK_NEAR(spread_median(&a), 0.3, 1e-12);
    fill(&a, (const double[]){1, 0.2, 0.4, 0}, 4);
    CHECK_NEAR(spread_median(&a), 0.3, 1e-12);
    fill(&a, (const double[]){NAN, 0.7, 0.7, 0.1, NAN}, 5);
    CHECK(a.n == 3);
    CHECK_NEAR(spread_median(&a), 0.7, 1e-12);
    fill(&a, (const double[]){-0.5, 1.5, 7}, 3);
    CHECK_NEAR(spread_median(&a), 1, 0);
}

/* Expected values: by hand, and scipy.stats.mannwhitneyu(b, a, method="asymptotic"). */
static void test_compare(void)
{
    fill(&a, (const double[]){0.1, 0.2, 0.3, 0.4}, 4);
    fill(&b, (const double[]){0.2, 0.5, 0.6}, 3);
    struct spread_test t = spread_compare(&a, &b);
    CHECK_NEAR(t.larger, 9.5 / 12, 1e-12); /* 1.5 + 4 + 4 of 12 comparisons */
    CHECK_NEAR(t.p, 0.2845027, 1e-6);
    struct spread_test back = spread_compare(&b, &a);
    CHECK_NEAR(back.larger, 2.5 / 12, 1e-12);
    CHECK_NEAR(back.p, t.p, 1e-12);

    fill(&a, (const double[]){0.5, 0.5}, 2);
    fill(&b, (const double[]){0.5, 0.5, 0.5}, 3);
    t = spread_compare(&a, &b);
    CHECK_NEAR(t.larger, 0.5, 0);
    CHECK_NEAR(t.p, 1, 0);

    fill(&a, (const double[]){0}, 1);
    fill(&b, (const double[]){1}, 1);
    t = spread_compare(&a, &b);
    CHECK_NEAR(t.larger, 1, 0);
    CHECK_NEAR(t.p, 1, 1e-12); /* one against one tells nothing */

    fill(&b, NULL, 0);
    t = spread_compare(&a, &b);
    CHECK(isnan(t.larger) && isnan(t.p));
}

/* Many values, one set shifted: the normal approximation at work. */
static void test_shift(void)
{
    a = b = (struct spread){0};
    for (int i = 0; i < 1000; i++) {
        spread_add(&a, i / 2000.0);
        spread_add(&b, i / 2000.0 + 0.05);
    }
    struct spread_test t = spread_compare(&a, &b);
    CHECK_NEAR(t.larger, 0.595, 1e-12);
    CHECK(t.p < 1e-12);
    CHECK_NEAR(spread_median(&b) - spread_median(&a), 0.05, 1e-12);
}

int main(void)
{
    test_median();
    test_compare();
    test_shift();
    return CHECK_DONE();
}
