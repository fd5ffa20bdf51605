/* Measures at the last stage, against their definitions over all sets of cells. */
#include "check.h"

#include "cam/closed.h"
#include "faith/feature.h"
#include "base/random.h"

enum { CLASSES = 5, CHANNELS = 6, CELLS = 9 };

static float number(uint64_t *state)
{
    return (float)(int32_t)(random_next(state) >> 32) / 1e9f;
}

/* Over all sets of n cells, by the definition. */
static double sensitivity(const float *map, const float *cam, int n)
{
    double count = 0, a = 0, b = 0, aa = 0, ab = 0, bb = 0;

    for (unsigned set = 0; set < 1u << CELLS; set++) {
        double x = 0, y = 0;
        if (__builtin_popcount(set) != n)
            continue;
        for (int i = 0; i < CELLS; i++) {
            x += set >> i & 1 ? map[i] : 0;
            y += set >> i & 1 ? cam[i] : 0;
        }
        count++;
        a += x;
        b += y;
        aa += x * x;
        ab += x * y;
        bb += y * y;
    }
    return (ab - a * b / count) / sqrt((aa - a * a / count) * (bb - b * b / count));
}

static void test_sets(void)
{
    uint64_t state = 3;

    for (int round = 0; round < 5; round++) {
        float map[CELLS], cam[CELLS];
        for (int i = 0; i < CELLS; i++) {
            map[i] = number(&state);
            cam[i] = number(&state);
        }
        for (int n = 1; n < CELLS; n++)
            CHECK_NEAR(feature_sensitivity(map, cam, CELLS), sensitivity(map, cam, n), 1e-9);
    }
}

/* The map of a logit is complete, and any rising line of it orders cells as it does. */
static void test_logit(void)
{
    float features[CHANNELS * CELLS], w[CLASSES * CHANNELS], b[CLASSES], raw[CELLS], line[CELLS];
    double bias;
    uint64_t state = 4;

    for (int i = 0; i < CHANNELS * CELLS; i++)
        features[i] = fmaxf(number(&state), 0);
    for (int i = 0; i < CLASSES * CHANNELS; i++)
        w[i] = number(&state);
    for (int i = 0; i < CLASSES; i++)
        b[i] = number(&state);
    const struct closed_head head = {CLASSES, CHANNELS, CELLS, w, b};
    const struct method_how how = {.method = method_at(METHOD_GRADCAM)};
    const struct seed_scores scores = {.classes = CLASSES};
    struct closed *c = closed_new(&how, &head);
    for (int cls = 0; cls < CLASSES; cls++) {
        const struct aim aim = {cls, -1};
        double lost = closed_logits(c, features)[cls] - b[cls];
        closed_maps(c, &aim, 1, features, 0, &scores, raw, &bias);
        CHECK_NEAR(cam_sum(raw, CELLS), lost, 1e-5);
        CHECK_NEAR(feature_completeness(raw, raw, CELLS), 0, 0);
        CHECK_NEAR(feature_sensitivity(raw, raw, CELLS), 1, 1e-12);
        for (int i = 0; i < CELLS; i++)
            line[i] = 2 * raw[i] + 1;
        CHECK_NEAR(feature_sensitivity(line, raw, CELLS), 1, 1e-6);
        CHECK_NEAR(feature_completeness(line, raw, CELLS),
                   fabs(cam_sum(raw, CELLS) + CELLS) / fabs(cam_sum(raw, CELLS)), 1e-5);
    }
    closed_free(c);
}

static void test_edges(void)
{
    static const float flat[] = {.1f, .1f, .1f}, zero[] = {1, -1, 0}, map[] = {1, 2, 3};

    CHECK(isnan(feature_sensitivity(flat, map, 3)));
    CHECK(isnan(feature_sensitivity(map, flat, 3)));
    CHECK(isnan(feature_completeness(map, zero, 3)));
    CHECK_NEAR(feature_sensitivity(map, (const float[]){3, 2, 1}, 3), -1, 1e-15);
    CHECK(isnan(feature_sensitivity(map, map, 1)));
}

int main(void)
{
    test_sets();
    test_logit();
    test_edges();
    return CHECK_DONE();
}
