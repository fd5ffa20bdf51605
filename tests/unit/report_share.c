/* Intervals of shares and the sign test. */
#include "check.h"

#include "stats/share.h"

int main(void)
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

    CHECK_NEAR(share_sign_test(15, 2), 2.0 * (1 + 17 + 136) / 131072, 1e-12);
    CHECK_NEAR(share_sign_test(2, 15), 2.0 * (1 + 17 + 136) / 131072, 1e-12);
    CHECK_NEAR(share_sign_test(5, 0), 2.0 / 32, 1e-12);
    CHECK_NEAR(share_sign_test(4, 4), 1, 0);
    CHECK_NEAR(share_sign_test(1, 0), 1, 1e-12);
    CHECK_NEAR(share_sign_test(0, 0), 1, 0);
    CHECK_NEAR(share_sign_test(1000000000, 1000000000), 1, 1e-3);
    CHECK(share_sign_test(600000, 400000) < 1e-18);
    return CHECK_DONE();
}
