#include "stats/share.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static const double normal_95 = 1.959963984540054;

double share_of(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

/* Not 100 times the fraction, which is rounded twice: ties of a decimal stay ties. */
double share_percent(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : NAN;
}

void share_interval(int64_t k, int64_t n, double *low, double *high)
{
    *low = 0;
    *high = 1;
    if (n == 0)
        return;
    double m = (double)n, share = (double)k / m, z2 = normal_95 * normal_95;
    double middle = (share + z2 / (2 * m)) / (1 + z2 / m);
    double width = normal_95 / (1 + z2 / m) * sqrt(share * (1 - share) / m + z2 / (4 * m * m));
    /* The ends are exact at none and all; rounding would put them just beside. */
    if (k > 0)
        *low = middle - width;
    if (k < n)
        *high = middle + width;
}

/* The logarithm of n over k. lgamma() would write a variable that all threads share. */
static double choices(double n, double k)
{
    int sign;
    return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

/* The probability of k of n, 0 < q < 1. */
static double exactly(double k, double n, double q)
{
    return exp(choices(n, k) + k * log(q) + (n - k) * log1p(-q));
}

/* Both sums begin on the mean's far side, where the terms fall, and end early. */
double share_tail(int64_t k, int64_t n, double q)
{
    if (k <= 0)
        return 1;
    if (k > n || q <= 0)
        return 0;
    if (q >= 1)
        return 1;
    double m = (double)n, i = (double)k, sum = 0, odds = q / (1 - q);
    if (i > m * q) {
        for (double p = exactly(i, m, q); i <= m && p > 1e-18 * sum; i++) {
            sum += p;
            p *= (m - i) / (i + 1) * odds;
        }
        return fmin(sum, 1);
    }
    i--;
    for (double p = exactly(i, m, q); i >= 0 && p > 1e-18; i--) {
        sum += p;
        p *= i / (m - i + 1) / odds;
    }
    return fmax(1 - sum, 0);
}

double share_test(int64_t k, int64_t n, double q)
{
    return fmin(2 * fmin(share_tail(k, n, q), share_tail(n - k, n, 1 - q)), 1);
}

/* Weights below this are nothing. */
static const double tiny = 1e-20;

/* Weights of whole numbers from `from` to `to`: at[i] is that of from + i. */
struct weights {
    int64_t from, to;
    double *at;
};

static void add(struct weights *w, int64_t value, double weight)
{
    if (value >= w->from && value <= w->to)
        w->at[value - w->from] += weight;
}

/* Adds weight * the probability of each sum of m steps of 1 up or down, that are up with
 * probability `up`. */
static void add_steps(struct weights *w, int64_t m, double up, double weight)
{
    if (up <= 0 || up >= 1) {
        add(w, up <= 0 ? -m : m, weight);
        return;
    }
    int64_t mode = (int64_t)((double)(m + 1) * up);
    if (mode > m)
        mode = m;
    double top = weight * exactly((double)mode, (double)m, up), odds = up / (1 - up), p = top;
    for (int64_t f = mode; f <= m && p > tiny; f++) {
        add(w, 2 * f - m, p);
        p *= (double)(m - f) / (double)(f + 1) * odds;
    }
    p = top;
    for (int64_t f = mode; f > 0 && p > tiny; f--) {
        p *= (double)f / (double)(m - f + 1) / odds;
        add(w, 2 * (f - 1) - m, p);
    }
}

/* The first value up to which there is a share of the whole weight. */
static int64_t quantile(const struct weights *w, double share)
{
    double whole = 0, sum = 0;
    int64_t n = w->to - w->from, i = 0;
    for (int64_t k = 0; k <= n; k++)
        whole += w->at[k];
    for (sum = w->at[0]; i < n && sum < share * whole;)
        sum += w->at[++i];
    return w->from + i;
}

void share_paired_interval(int64_t gained, int64_t lost, int64_t n, double *low, double *high)
{
    int64_t changed = gained + lost, middle = gained - lost;
    *low = n == 0 ? -1 : 0;
    *high = n == 0 ? 1 : 0;
    if (n == 0 || changed == 0)
        return;
    /* Ten standard deviations of the number of changed items, or of the difference, whose
     * variance is at most that number, and something for few: beyond there is nothing. */
    int64_t wide = (int64_t)ceil(10 * sqrt((double)changed)) + 60;
    struct weights w = {middle - wide > -n ? middle - wide : -n,
                        middle + wide < n ? middle + wide : n, NULL};
    w.at = mem_zero((size_t)(w.to - w.from) + 1, sizeof *w.at);
    double q = (double)changed / (double)n, up = (double)gained / (double)changed;
    if (changed == n) {
        add_steps(&w, n, up, 1);
    } else {
        int64_t from = changed > wide ? changed - wide : 0;
        int64_t to = changed + wide < n ? changed + wide : n;
        for (int64_t m = from; m <= to; m++)
            add_steps(&w, m, up, exactly((double)m, (double)n, q));
    }
    *low = (double)quantile(&w, 0.025) / (double)n;
    *high = (double)quantile(&w, 0.975) / (double)n;
    free(w.at);
}

double share_larger(int64_t k1, int64_t n1, int64_t k2, int64_t n2)
{
    if (n1 == 0 || n2 == 0)
        return 1;
    double a = (double)n1, b = (double)n2, pooled = (double)(k1 + k2) / (a + b);
    double sd = sqrt(pooled * (1 - pooled) * (1 / a + 1 / b));
    return sd > 0 ? erfc(((double)k1 / a - (double)k2 / b) / sd * sqrt(0.5)) / 2 : 1;
}

double share_exact(int64_t k1, int64_t n1, int64_t k2, int64_t n2)
{
    const double a = (double)n1, b = (double)n2, k = (double)(k1 + k2);
    double sum = 0, p = 0;
    /* The terms fall from the mean on: those before it are many, and together nearly 1. */
    const bool upper = (double)k1 > k * a / (a + b);
    const double from = upper ? (double)k1 : (double)k1 - 1;
    const double least = fmax(0, k - b), most = fmin(k, a);
    if ((double)k1 <= least)
        return 1;
    p = exp(choices(a, from) + choices(b, k - from) - choices(a + b, k));
    if (upper) {
        for (double i = from; i <= most && p > 1e-18 * sum; i++) {
            sum += p;
            p *= (a - i) / (i + 1) * (k - i) / (b - k + i + 1);
        }
        return fmin(sum, 1);
    }
    for (double i = from; i >= least && p > 1e-18; i--) {
        sum += p;
        p *= i / (a - i + 1) * (b - k + i) / (k - i + 1);
    }
    return fmax(1 - sum, 0);
}

void share_difference_interval(int64_t k1, int64_t n1, int64_t k2, int64_t n2, double *low,
                               double *high)
{
    double low1, high1, low2, high2;
    *low = -1;
    *high = 1;
    if (n1 == 0 || n2 == 0)
        return;
    const double p1 = share_of(k1, n1), p2 = share_of(k2, n2);
    share_interval(k1, n1, &low1, &high1);
    share_interval(k2, n2, &low2, &high2);
    *low = p1 - p2 - hypot(p1 - low1, high2 - p2);
    *high = p1 - p2 + hypot(high1 - p1, p2 - low2);
}

double share_chi_square(double x, double df)
{
    if (!(df > 0) || x <= 0)
        return 1;
    double part = 2 / (9 * df);
    return erfc((cbrt(x / df) - (1 - part)) / sqrt(2 * part)) / 2;
}

struct test {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    const struct test *x = a, *y = b;
    return (x->p > y->p) - (x->p < y->p);
}

void share_holm(double *p, size_t n)
{
    struct test *test = mem_alloc(n + 1, sizeof *test);
    size_t tests = 0;
    double most = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i]))
            test[tests++] = (struct test){p[i], i};
    qsort(test, tests, sizeof *test, by_p);
    for (size_t i = 0; i < tests; i++) {
        most = fmax(most, fmin((double)(tests - i) * test[i].p, 1));
        p[test[i].at] = most;
    }
    free(test);
}
