/* Spearman's rank correlation; values by hand and of scipy.stats.spearmanr. */
#include "check.h"

#include "stats/rank_correlation.h"

#include <stdlib.h>

static double of(const float *a, const float *b, size_t n)
{
    struct rank_room *room = rank_room_new(n);
    double r = rank_correlation(room, a, b, n);
    free(room);
    return r;
}

int main(void)
{
    static const float up[] = {-3, 0, 1e-30f, 2, 1e30f}, down[] = {9, 8, 7, 6, -5};
    static const float a[] = {3, 1, 4, 1, 5, 9, 2, 6}, b[] = {2, 7, 1, 8, 2, 8, 1, 8};
    static const float same[] = {2, 2, 2, 2, 2}, swapped[] = {0, -3, 1e-30f, 2, 1e30f};
    CHECK_NEAR(of(up, up, 5), 1, 0);
    CHECK_NEAR(of(up, down, 5), -1, 0);
    CHECK_NEAR(of(up, swapped, 5), 0.9, 1e-15); /* 1 - 6 * 2 / (5 * 24) */
    CHECK_NEAR(of(a, b, 8), 0.198853681, 1e-9);
    CHECK_NEAR(of(b, a, 8), of(a, b, 8), 0);
    CHECK(isnan(of(up, same, 5)));
    CHECK(isnan(of(same, up, 5)));
    CHECK(isnan(of(up, up, 1)));
    /* -0 and 0 are equal. */
    CHECK_NEAR(of((const float[]){-0.0f, 0, 1}, (const float[]){0, -0.0f, 1}, 3), 1, 0);
    return CHECK_DONE();
}
