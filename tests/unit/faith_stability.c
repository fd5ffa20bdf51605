/* Maps of moved images, moved back. */
#include "check.h"

#include "faith/stability.h"

#include <math.h>
#include <string.h>

enum { H = 5, W = 4, CELLS = H * W };

static uint32_t state = 1;

static float noise(void)
{
    state = state * 1664525U + 1013904223U;
    return (float)(state >> 8);
}

/* A map that is the red of its image moves with it: whatever is in both is the same. */
static void check_moved(void)
{
    uint8_t image[3 * CELLS], view[3 * CELLS];
    float map[CELLS], moved[CELLS], opposite[CELLS];
    struct stability *s = stability_new(H, W, H, W);

    for (int i = 0; i < 3 * CELLS; i++)
        image[i] = (uint8_t)(97 * i * i + 31 * i);
    for (int v = 0; v < STABILITY_VIEWS; v++) {
        stability_view(v, image, H, W, view);
        CHECK((memcmp(image, view, sizeof view) == 0) == (v == 0));
        for (int i = 0; i < CELLS; i++) {
            map[i] = image[i];
            moved[i] = view[i];
            opposite[i] = -moved[i];
        }
        CHECK_NEAR(stability_compare(s, v, map, moved), 1, 1e-12);
        CHECK_NEAR(stability_compare(s, v, map, opposite), -1, 1e-12);
        /* One that stays where it is, does not. */
        CHECK(v == 0 || stability_compare(s, v, map, map) < 0.9);
    }
    for (int i = 0; i < CELLS; i++)
        map[i] = 3;
    CHECK(isnan(stability_compare(s, 1, map, moved)));
    stability_free(s);
}

/* Ranks counted pair by pair: 1 + how many are smaller + half of how many others are equal. */
static double spearman(const double *a, const double *b, int n)
{
    double mean = (n + 1) / 2.0, ab = 0, aa = 0, bb = 0;

    for (int i = 0; i < n; i++) {
        double ra = 0.5, rb = 0.5;
        for (int j = 0; j < n; j++) {
            ra += (a[j] < a[i]) + 0.5 * (a[j] == a[i]);
            rb += (b[j] < b[i]) + 0.5 * (b[j] == b[i]);
        }
        ab += (ra - mean) * (rb - mean);
        aa += (ra - mean) * (ra - mean);
        bb += (rb - mean) * (rb - mean);
    }
    return ab / sqrt(aa * bb);
}

/* Maps of 2 by 2 cells of an image of 2 by 4: columns between two cells blend them 3 to 1. */
static void check_coarse(void)
{
    struct stability *s = stability_new(2, 2, 2, 4);

    for (int round = 0; round < 20; round++) {
        float map[4], other[4];
        double a[2][4], b[2][4], pa[8], pb[8];
        for (int i = 0; i < 4; i++) {
            map[i] = noise();
            other[i] = round % 3 ? noise() : 0;
        }
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 4; x++) {
                const double share[] = {0, 0.25, 0.75, 1};
                a[y][x] = map[2 * y] * (1 - share[x]) + map[2 * y + 1] * share[x];
                b[y][x] = other[2 * y] * (1 - share[x]) + other[2 * y + 1] * share[x];
            }
        /* Mirrored; and what was shifted upwards, so that its row 0 is row 1 of the image. */
        for (int i = 0; i < 8; i++) {
            pa[i] = a[i / 4][i % 4];
            pb[i] = b[i / 4][3 - i % 4];
        }
        double mirror = stability_compare(s, STABILITY_MIRROR, map, other);
        double up = stability_compare(s, STABILITY_SHIFTS + 1, map, other);
        CHECK(round % 3 ? fabs(mirror - spearman(pa, pb, 8)) < 1e-12 : isnan(mirror));
        CHECK(round % 3 ? fabs(up - spearman(a[1], b[0], 4)) < 1e-12 : isnan(up));
    }
    stability_free(s);
}

int main(void)
{
    check_moved();
    check_coarse();
    return CHECK_DONE();
}
