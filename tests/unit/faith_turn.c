/* Predictions that turn, against a second computation: over all sets of cells that the order
 * allows. */
#include "check.h"

#include "faith/turn.h"
#include "base/random.h"

#include <stdbool.h>
#include <stdlib.h>

enum { CLASSES = 7, SIDE = 4, CELLS = SIDE * SIDE };

static float number(uint64_t *state)
{
    return (float)(int32_t)(random_next(state) >> 32) / 1e9f;
}

/* Whether no cell outside the set has a higher key than one in it. */
static bool allowed(const float *key, unsigned set)
{
    for (int i = 0; i < CELLS; i++)
        for (int j = 0; j < CELLS; j++)
            if (set >> i & 1 && !(set >> j & 1) && key[j] > key[i])
                return false;
    return true;
}

static int predicted(const struct turn_image *image, unsigned set)
{
    double best = -INFINITY;
    int cls = -1;

    for (int c = 0; c < CLASSES; c++) {
        double z = image->logits[c];
        for (int i = 0; i < CELLS; i++)
            if (set >> i & 1)
                z -= image->maps[c * CELLS + i];
        if (z > best) {
            best = z;
            cls = c;
        }
    }
    return cls;
}

static void shares_of_all(const struct turn_image *image, const float *key, double *share)
{
    int sets[CELLS + 1] = {0}, hits[CELLS + 1] = {0};

    for (unsigned set = 0; set < 1u << CELLS; set++) {
        int n = __builtin_popcount(set);
        if (!allowed(key, set))
            continue;
        sets[n]++;
        hits[n] += predicted(image, set) == image->truth;
    }
    for (int n = 0; n <= CELLS; n++)
        share[n] = (double)hits[n] / sets[n];
}

static void compare(struct turn *t, const struct turn_image *image, const float *key)
{
    double share[CELLS + 1];
    int cells = 0;

    shares_of_all(image, key, share);
    turn_begin(t, image, key, 5);
    for (int n = 0; n <= CELLS; n++) {
        /* 12,870 choices of 8 of 16 are drawn from: within four standard deviations. */
        int ties = 0;
        for (int i = 0; i < CELLS; i++)
            ties += key[i] == key[0];
        CHECK_NEAR(turn_share(t, n), share[n], ties == CELLS && n > 4 && n < 12 ? 0.05 : 1e-12);
        if (n > 0 && cells == 0 && share[n] >= 0.5)
            cells = n;
    }
    int found = turn_cells(t);
    for (int i = 1; i < CELLS; i++)
        if (key[i] != key[0]) {
            CHECK(found == cells);
            break;
        }
}

static void test_random(void)
{
    struct turn *t = turn_new(CLASSES, CELLS);
    uint64_t state = 1;

    for (int round = 0; round < 8; round++) {
        float maps[CLASSES * CELLS], logits[CLASSES], key[CELLS];
        for (int c = 0; c < CLASSES; c++) {
            logits[c] = 0;
            for (int i = 0; i < CELLS; i++) {
                maps[c * CELLS + i] = number(&state);
                logits[c] += maps[c * CELLS + i];
            }
        }
        struct turn_image image = {maps, logits, 0, 0};
        image.pred = predicted(&image, 0);
        image.truth = (image.pred + 1 + round % (CLASSES - 1)) % CLASSES;
        for (int i = 0; i < CELLS; i++)
            key[i] = maps[image.pred * CELLS + i] - maps[image.truth * CELLS + i];
        compare(t, &image, key);
        for (int i = 0; i < CELLS; i++)
            key[i] = (float)(int)key[i]; /* some are equal */
        compare(t, &image, key);
        turn_center(SIDE, SIDE, key);
        compare(t, &image, key);
        for (int i = 0; i < CELLS; i++)
            key[i] = 0;
        compare(t, &image, key);
    }
    turn_free(t);
}

/* One cell holds the whole lead of the wrong class. */
static void test_by_hand(void)
{
    static const float maps[] = {0, 3, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0};
    static const float logits[] = {4, 2, 0.5f};
    static const float margin[] = {-1, 3, -1, 1}, even[] = {0, 0, 0, 0};
    struct turn *t = turn_new(3, 4);
    struct turn_image image = {maps, logits, 0, 1};

    turn_begin(t, &image, margin, 0);
    CHECK_NEAR(turn_share(t, 0), 0, 0);
    /* 1 against 1: the lower class stays. */
    CHECK_NEAR(turn_share(t, 1), 0, 0);
    CHECK_NEAR(turn_share(t, 2), 1, 0);
    CHECK(turn_cells(t) == 2);
    turn_begin(t, &image, even, 0);
    CHECK_NEAR(turn_share(t, 1), 0, 0);
    CHECK_NEAR(turn_share(t, 2), 1. / 6, 1e-15);
    turn_free(t);
}

/* Those before a tie always, those behind it never, those of it equally often. */
static void test_choose(void)
{
    static const float maps[8] = {0}, logits[2] = {1, 0}, key[] = {1, 3, 1, 1};
    const struct turn_image image = {maps, logits, 0, 1};
    struct turn *t = turn_new(2, 4);
    int times[4] = {0};
    bool gone[4];

    for (uint64_t seed = 0; seed < 3000; seed++) {
        turn_begin(t, &image, key, seed * 1000);
        turn_choose(t, 2, gone);
        for (int i = 0; i < 4; i++)
            times[i] += gone[i];
    }
    CHECK(times[1] == 3000 && times[0] + times[2] + times[3] == 3000);
    for (int i = 0; i < 4; i++)
        CHECK(i == 1 || abs(times[i] - 1000) < 120);
    turn_choose(t, 4, gone);
    CHECK(gone[0] && gone[1] && gone[2] && gone[3]);
    turn_choose(t, 0, gone);
    CHECK(!gone[0] && !gone[1] && !gone[2] && !gone[3]);
    turn_free(t);
}

static void test_center(void)
{
    float key[9];

    turn_center(3, 3, key);
    CHECK(key[4] > key[1] && key[1] == key[3] && key[1] == key[7] && key[1] > key[0] &&
          key[0] == key[8]);
}

int main(void)
{
    test_by_hand();
    test_random();
    test_choose();
    test_center();
    return CHECK_DONE();
}
