/* Where the mass of a map lies, and how mosaics are made. */
#include "check.h"

#include "faith/mosaic.h"
#include "faith/places.h"

#include <string.h>

static void test_focus(void)
{
    static const float even[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const float odd[] = {8, -4, 0, 2, 4, 0, 0, 0, 0}, none[] = {-1, 0, 0, -2};

    CHECK_NEAR(places_focus(even, 4, 4, 1), (1 + 2 + 5 + 6) / 136., 1e-15);
    CHECK_NEAR(places_focus(even, 4, 4, 2), (3 + 4 + 7 + 8) / 136., 1e-15);
    CHECK_NEAR(places_focus(even, 4, 4, 4), (9 + 10 + 13 + 14) / 136., 1e-15);
    CHECK_NEAR(places_focus(even, 4, 4, 1 | 8), (14 + 11 + 12 + 15 + 16) / 136., 1e-15);
    CHECK_NEAR(places_focus(even, 4, 4, 15), 1, 1e-15);
    /* 8 in the corner, 2 on the left edge between two tiles, 4 on all four. */
    CHECK_NEAR(places_focus(odd, 3, 3, 1), (8 + 1 + 1) / 14., 1e-15);
    CHECK_NEAR(places_focus(odd, 3, 3, 4), (1 + 1) / 14., 1e-15);
    CHECK_NEAR(places_focus(odd, 1, 1, 2), 0.25, 1e-15);
    CHECK(isnan(places_focus(none, 2, 2, 15)));
}

static void test_masks(void)
{
    static const float map[] = {3, -9, 3, 1, 0}, flat[] = {2, 2, 2};
    static const uint8_t mask[] = {1, 1, 0, 255, 0};

    CHECK_NEAR(places_pointing(map, mask, 5), 0.5, 0);
    CHECK_NEAR(places_pointing(map + 1, mask + 1, 4), 0, 0);
    CHECK_NEAR(places_pointing(map, mask, 2), 1, 0);
    CHECK(isnan(places_pointing(flat, mask, 3)));
    CHECK_NEAR(places_inside(map, mask, 5), 4. / 7, 1e-15);
    CHECK(isnan(places_inside(map + 1, mask, 1)));
    CHECK(isnan(places_inside(map, mask + 2, 1)));
    CHECK(isnan(places_pointing(map + 3, mask + 4, 1)));
    CHECK(isnan(places_pointing(map + 1, (const uint8_t[4]){0}, 4)));
}

static void test_mosaics(void)
{
    enum { N = 9, CLASSES = 5 };
    static const int cls[N] = {3, 0, 3, 1, 3, 0, 1, 4, 0};
    struct mosaics *m = mosaics_new(cls, N, CLASSES);
    int seen[N][N] = {{0}}, tiles[16] = {0};
    struct mosaic a, b;

    for (uint64_t seed = 0; seed < 2000; seed++)
        for (int i = 0; i < N; i++) {
            if (!mosaics_choose(m, i, seed, &a)) {
                CHECK(i == 7); /* the only one of its class */
                continue;
            }
            int own = 0, others = 0, itself = 0;
            for (int k = 0; k < 4; k++) {
                CHECK((a.own >> k & 1) == (cls[a.image[k]] == cls[i]));
                own += (int)(a.own >> k & 1);
                itself += a.image[k] == i;
                seen[i][a.image[k]]++;
                for (int l = 0; l < k; l++) {
                    CHECK(a.image[k] != a.image[l]);
                    others += cls[a.image[k]] == cls[a.image[l]];
                }
            }
            CHECK(own == 2 && itself == 1 && others == 1);
            tiles[a.own]++;
        }
    /* Of its class, each other one in half of the mosaics. */
    CHECK_NEAR(seen[0][2], 1000, 100);
    CHECK_NEAR(seen[0][4], 1000, 100);
    CHECK_NEAR(seen[3][6], 2000, 0);
    /* An image of a class is the first of two choices in a part of its class's share. */
    for (int j = 0; j < N; j++)
        CHECK(j == 0 || seen[0][j] > 300);
    CHECK_NEAR(seen[0][1], seen[0][8], 100);
    for (unsigned own = 0; own < 16; own++)
        CHECK_NEAR(tiles[own], __builtin_popcount(own) == 2 ? 16000 / 6. : 0, 300);
    CHECK(mosaics_choose(m, 0, 11, &a) && mosaics_choose(m, 0, 11, &b) &&
          memcmp(&a, &b, sizeof a) == 0);
    mosaics_free(m);

    static const int two[] = {0, 0, 1, 1};
    m = mosaics_new(two, 4, 2);
    CHECK(!mosaics_choose(m, 0, 0, &a)); /* a third class is missing */
    mosaics_free(m);
}

static void test_put(void)
{
    enum { H = 2, W = 3 };
    uint8_t tile[4][3 * H * W], pixels[12 * H * W];

    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 3 * H * W; i++)
            tile[k][i] = (uint8_t)(20 * k + i);
    for (int k = 0; k < 4; k++)
        mosaic_put(tile[k], k, H, W, pixels);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 2 * H; y++)
            for (int x = 0; x < 2 * W; x++)
                CHECK(pixels[(c * 2 * H + y) * 2 * W + x] ==
                      tile[y / H * 2 + x / W][(c * H + y % H) * W + x % W]);
}

int main(void)
{
    test_focus();
    test_masks();
    test_mosaics();
    test_put();
    return CHECK_DONE();
}
