#include "check.h"

#include "base/random.h"
#include "stats/sum.h"

#include <math.h>
#include <stdlib.h>

enum { TERMS = 3000 };

static void shuffle(double *v, size_t n, uint64_t *state)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = random_below(random_next(state), (uint32_t)i);
        double t = v[i - 1];
        v[i - 1] = v[k];
        v[k] = t;
    }
}

static double sum_of(const double *v, size_t n, size_t parts)
{
    struct sum all = {0};
    for (size_t p = 0; p < parts; p++) {
        struct sum part = {0};
        for (size_t i = p; i < n; i += parts)
            sum_add(&part, v[i]);
        sum_join(&all, &part);
    }
    return sum_value(&all);
}

/* Any order and any division gives the same bits, and what a long double gives to its digits. */
static void test_order(void)
{
    uint64_t state = 5;
    double v[TERMS];
    for (int kind = 0; kind < 4; kind++) {
        long double right = 0;
        for (int i = 0; i < TERMS; i++) {
            double u = (double)(random_next(&state) >> 11) / (double)(UINT64_C(1) << 53);
            v[i] = kind == 0 ? u
                   : kind == 1
                       ? u - 0.5
                       : ldexp(u - 0.5, (int)(random_next(&state) % (kind == 2 ? 40 : 100)) - 60);
            right += (long double)v[i];
        }
        double first = sum_of(v, TERMS, 1);
        CHECK(fabsl((long double)first - right) <= fabsl(right) * 1e-12L);
        for (size_t parts = 1; parts < 20; parts += 6) {
            shuffle(v, TERMS, &state);
            CHECK(sum_of(v, TERMS, parts) == first);
        }
    }
}

static void test_values(void)
{
    struct sum s = {0};
    CHECK(sum_value(&s) == 0);
    sum_add(&s, 1e-20);
    sum_add(&s, 1e17);
    sum_add(&s, -1e17);
    CHECK(sum_value(&s) == 1e-20);
    sum_add(&s, -2e-20);
    CHECK(sum_value(&s) == -1e-20);
    sum_add(&s, 5e-324);
    sum_add(&s, 1e-40);
    CHECK(sum_value(&s) == -1e-20);
    /* As large as digits go, and beyond. */
    s = (struct sum){0};
    sum_add(&s, ldexp(1, 59));
    sum_add(&s, ldexp(1, -160));
    sum_add(&s, -ldexp(1, 59));
    CHECK(sum_value(&s) == ldexp(1, -160));
    sum_add(&s, 1e300);
    CHECK(sum_value(&s) == 1e300);
    sum_add(&s, INFINITY);
    CHECK(isinf(sum_value(&s)));
    sum_add(&s, NAN);
    CHECK(isnan(sum_value(&s)));
    /* Digits are carried before they are full. */
    s = (struct sum){0};
    s.digit[4] = (INT64_C(1) << 61) - 1;
    const double before = sum_value(&s);
    for (int i = 0; i < 100; i++)
        sum_add(&s, 0.9999999999);
    CHECK(s.digit[4] < INT64_C(1) << 61 && sum_value(&s) >= before);
}

int main(void)
{
    test_order();
    test_values();
    return CHECK_DONE();
}
