/* Seeds, maps and figures against their definitions. */
#include "base/real.h"
#include "cam/cam.h"
#include "cam/method.h"

#include "check.h"

#include <stddef.h>
#include <stdint.h>

enum { CLASSES = 7, CHANNELS = 70, CELLS = 70 };

static uint32_t state = 1;

/* A number in [-1, 1). */
static float draw(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (float)(1 << 23) - 1;
}

static void fill(float *v, int n)
{
    for (int i = 0; i < n; i++)
        v[i] = draw();
}

/* The score itself, straight from its definition. */
static double score_of(enum cam_score score, const double *z, int cls)
{
    double sum = 0;

    for (int k = 0; k < CLASSES; k++)
        sum += exp(z[k]);
    double p = exp(z[cls]) / sum;
    return score == CAM_LOGIT ? z[cls] : score == CAM_LOGPROB ? log(p) : p;
}

static void check_seeds(void)
{
    float logits[CLASSES], seed[CLASSES];
    double p[CLASSES], rest[CLASSES], z[CLASSES];
    const double step = 1e-5;

    fill(logits, CLASSES);
    cam_softmax(logits, CLASSES, p, rest);
    for (int s = CAM_LOGIT; s <= CAM_PROB; s++) {
        for (int minus = -1; minus < CLASSES; minus++) {
            cam_seed((enum cam_score)s, p, rest, CLASSES, 2, minus, seed);
            for (int k = 0; k < CLASSES; k++) {
                double slope = 0;
                for (int side = -1; side <= 1; side += 2) {
                    for (int i = 0; i < CLASSES; i++)
                        z[i] = logits[i] + (i == k ? side * step : 0);
                    double v = score_of((enum cam_score)s, z, 2);
                    v -= minus < 0 ? 0 : score_of((enum cam_score)s, z, minus);
                    slope += side * v / (2 * step);
                }
                CHECK_NEAR(seed[k], slope, 1e-6);
            }
        }
    }
    cam_seed(CAM_LOGIT, NULL, NULL, CLASSES, 3, -1, seed);
    CHECK(seed[3] == 1 && seed[0] == 0);
}

/* Where p rounds to 1, 1 - p keeps its digits. */
static void check_certain(void)
{
    const float logits[3] = {50, 0, 1};
    double p[3], rest[3];
    float seed[3];

    cam_softmax(logits, 3, p, rest);
    double exact = exp(-50) + exp(-49);
    CHECK(p[0] == 1);
    CHECK_NEAR(rest[0] / exact, 1, 1e-12);
    cam_seed(CAM_LOGPROB, p, rest, 3, 0, -1, seed);
    CHECK_NEAR(seed[0] / exact, 1, 1e-6);
    /* A margin between log-probabilities is one between logits. */
    cam_seed(CAM_LOGPROB, p, rest, 3, 0, 2, seed);
    CHECK(seed[0] == 1 && seed[1] == 0 && seed[2] == -1);
    const float large[2] = {3e38f, -3e38f};
    cam_softmax(large, 2, p, rest);
    CHECK(p[0] == 1 && rest[0] == 0 && rest[1] == 1);
}

/* The closed form in its two shapes, and the methods with the gradient that
 * the pooling gives: all the same map, which sums to the logit. */
static void make(int method, const struct method_item *x, float *map)
{
    const struct method_how how = {.method = method_at(method)};

    method_map(&how, x, map);
}

static void check_closed(void)
{
    static float features[CHANNELS * CELLS], w[CLASSES * CHANNELS], maps[CLASSES * CELLS];
    static float grads[CHANNELS * CELLS];
    float b[CLASSES], seed[CLASSES], weight[CHANNELS], z[CLASSES], z2[CLASSES];
    float from_features[CELLS], from_maps[CELLS], map[CELLS];
    double p[CLASSES], rest[CLASSES];

    fill(features, CHANNELS * CELLS);
    for (int i = 0; i < CHANNELS * CELLS; i++)
        features[i] = features[i] > 0 ? features[i] : 0;
    fill(w, CLASSES * CHANNELS);
    fill(b, CLASSES);
    for (int c = 0; c < CLASSES; c++) {
        cam_seed(CAM_LOGIT, NULL, NULL, CLASSES, c, -1, seed);
        cam_weights_linear(seed, w, CLASSES, CHANNELS, CELLS, weight);
        CHECK_NEAR(weight[5], w[c * CHANNELS + 5] / CELLS, 1e-8);
        cam_combine(weight, features, CHANNELS, CELLS, maps + (ptrdiff_t)c * CELLS);
    }
    cam_logits_features(features, w, b, CLASSES, CHANNELS, CELLS, weight, z);
    cam_logits_maps(maps, b, CLASSES, CELLS, z2);
    cam_softmax(z, CLASSES, p, rest);
    for (int c = 0; c < CLASSES; c++) {
        double sum = b[c];
        for (int i = 0; i < CELLS; i++)
            sum += maps[c * CELLS + i];
        CHECK_NEAR(z[c], sum, 1e-5);
        CHECK_NEAR(z2[c], sum, 1e-5);
        cam_seed(CAM_LOGPROB, p, rest, CLASSES, c, -1, seed);
        cam_weights_linear(seed, w, CLASSES, CHANNELS, CELLS, weight);
        cam_combine(weight, features, CHANNELS, CELLS, from_features);
        cam_combine(seed, maps, CLASSES, CELLS, from_maps);
        for (int k = 0; k < CHANNELS; k++)
            for (int i = 0; i < CELLS; i++)
                grads[k * CELLS + i] = weight[k];
        for (int i = 0; i < METHOD_COUNT; i++) {
            if (method_at(i)->closed != METHOD_CAM)
                continue;
            make(i, &(struct method_item){features, grads, CHANNELS, CELLS, weight, 0}, map);
            for (int j = 0; j < CELLS; j++)
                CHECK_NEAR(map[j], from_features[j], 1e-6);
        }
        for (int i = 0; i < CELLS; i++)
            CHECK_NEAR(from_maps[i], from_features[i], 1e-6);
    }
}

/* Many maps at once are the same bits as one by one, whatever is left over. */
static void check_all_at_once(void)
{
    enum { N = 9, SETS = 5, MOST = 13 };
    float weight[SETS * N], planes[N * MOST], all[SETS * MOST], one[MOST];
    double wide[N * MOST];

    fill(weight, SETS * N);
    fill(planes, N * MOST);
    weight[3] = 0;
    for (int i = 0; i < N * MOST; i++)
        wide[i] = planes[i];
    for (int cells = 1; cells <= MOST; cells++)
        for (int sets = 1; sets <= SETS; sets++) {
            cam_combine_all(weight, wide, sets, N, cells, all);
            for (int s = 0; s < sets; s++) {
                cam_combine(weight + (ptrdiff_t)s * N, planes, N, cells, one);
                CHECK(memcmp(one, all + (ptrdiff_t)s * cells, (size_t)cells * sizeof *one) == 0);
            }
        }
}

/* With gradients that differ from cell to cell. */
static void check_methods(void)
{
    const float acts[2 * 2] = {1, 3, 2, 0}, grads[2 * 2] = {2, -1, 1, 5};
    float weight[2], map[2];
    const struct method_item x = {acts, grads, 2, 2, weight, 0};

    make(METHOD_GRADCAM, &x, map); /* means 0.5 and 3 */
    CHECK_NEAR(map[0], 6.5, 1e-6);
    CHECK_NEAR(map[1], 1.5, 1e-6);
    make(METHOD_HIRESCAM, &x, map);
    CHECK_NEAR(map[0], 4, 1e-6);
    CHECK_NEAR(map[1], -3, 1e-6);
    make(METHOD_XGRADCAM, &x, map); /* -1/4 and 2/2 */
    CHECK_NEAR(map[0], 1.75, 1e-6);
    CHECK_NEAR(map[1], -0.75, 1e-6);
}

static void check_figures(void)
{
    const float map[4 * 5] = {0, -2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1};
    const float blank[16] = {-1, 0, -3, 0}, left[16] = {1, 0, 1, 0}, peak[16] = {0, 5, -1};
    float flat[16], slope[16];
    struct cam_stats f;
    float room[CELLS];

    for (int i = 0; i < 16; i++) {
        flat[i] = 2;
        slope[i] = i < 4 ? 3 - 2 * (float)(i % 2) : 0;
    }
    cam_measure(map, 4, 5, room, &f);
    CHECK(f.max == 3 && f.min == -2 && f.sum == 2 && !f.blank);
    CHECK_NEAR(f.zero_share, 18 / 20.0, 1e-12);
    CHECK_NEAR(f.center_x, 0.75 * 1.5 / 5 + 0.25 * 4.5 / 5, 1e-12);
    CHECK_NEAR(f.center_y, 0.75 * 1.5 / 4 + 0.25 * 2.5 / 4, 1e-12);
    CHECK_NEAR(f.border_share, 0.25, 1e-12);
    CHECK_NEAR(f.entropy, (0.75 * log(4 / 3.0) + 0.25 * log(4)) / log(20), 1e-12);
    /* Half of the mean difference of two masses, in parts of the mean. */
    CHECK_NEAR(f.gini, (2 * (18 * 3 + 18 * 1 + 2)) / (2.0 * 20 * 20 * 4 / 20), 1e-12);
    CHECK_NEAR(f.peak_gap, 2 / 3.0, 1e-12);
    cam_measure(left, 4, 4, room, &f);
    CHECK_NEAR(f.gini, 14 / 16.0, 1e-12);
    CHECK(f.peak_gap == 0);
    cam_measure(peak, 4, 4, room, &f);
    CHECK_NEAR(f.gini, 15 / 16.0, 1e-12);
    CHECK(f.peak_gap == 1);
    cam_measure(blank, 4, 4, room, &f);
    CHECK(f.blank && f.zero_share == 1 && f.max == 0 && f.min == -3);
    CHECK(isnan(f.entropy) && isnan(f.center_x) && isnan(f.center_y) && isnan(f.border_share));
    CHECK(isnan(f.gini) && isnan(f.peak_gap));
    cam_measure(flat, 4, 4, room, &f);
    CHECK(f.blank && f.zero_share == 0 && isnan(f.entropy) && isnan(f.center_x));
    CHECK_NEAR(cam_overlap(left, left, 4, 4), 1, 1e-12);
    CHECK_NEAR(cam_overlap(slope, left, 4, 4), 0.75, 1e-12);
    CHECK(cam_overlap_mirrored(left, left, 4, 4) == 0);
    CHECK_NEAR(cam_overlap_mirrored(slope, left, 4, 4), 0.25, 1e-12);
    CHECK(isnan(cam_overlap_mirrored(left, blank, 4, 4)));
    CHECK(isnan(cam_overlap(left, blank, 4, 4)) && isnan(cam_overlap(flat, left, 4, 4)));
}

/* Grids that are too coarse for places, on either side. */
static void check_coarse(void)
{
    const int size[][2] = {{1, 1}, {2, 2}, {3, 3}, {3, 8}, {8, 3}, {1, 64}};
    float map[64] = {1, 2, 3};
    struct cam_stats f;
    float room[CELLS];

    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        int h = size[i][0], w = size[i][1];
        cam_measure(map, h, w, room, &f);
        CHECK(!cam_has_places(h, w) && f.blank == (h * w == 1));
        CHECK(f.max == (h * w == 1 ? 1 : 3) && f.sum == (h * w == 1 ? 1 : 6));
        CHECK(isnan(f.zero_share) && isnan(f.entropy) && isnan(f.border_share));
        CHECK(isnan(f.gini) && isnan(f.peak_gap));
        CHECK(isnan(f.center_x) && isnan(f.center_y) && isnan(cam_overlap(map, map, h, w)));
    }
    CHECK(cam_has_places(4, 4) && cam_has_places(4, 32));
}

/* A map and its normalised form are blank alike. */
static void check_blank(void)
{
    const float map[][4] = {{0, 0, 0, 0},   {-1, -1, -1, -1},  {-1, 0, -3, 0},       {2, 2, 2, 2},
                            {-1, 2, -3, 2}, {0, 0, 0, 1e-30F}, {3, 3, 3, 3.000001F}, {1, 2, 3, 4}};
    const bool blank[] = {true, true, true, true, false, false, false, false};

    for (int i = 0; i < 8; i++) {
        float v[4];
        memcpy(v, map[i], sizeof v);
        CHECK(cam_blank(v, 4) == blank[i]);
        cam_rectify(v, 4);
        cam_normalise(v, 4, 0);
        CHECK(cam_blank(v, 4) == blank[i]);
    }
    CHECK(cam_blank(map[0], 1) && cam_blank(map[3], 1));
}

static void check_finite(void)
{
    float v[3] = {1, 2, 3};

    CHECK(real_finite(v, 3));
    v[2] = NAN;
    CHECK(!real_finite(v, 3) && real_finite(v, 2));
    v[0] = -INFINITY;
    CHECK(!real_finite(v, 2));
}

int main(void)
{
    check_seeds();
    check_certain();
    check_closed();
    check_all_at_once();
    check_methods();
    check_figures();
    check_coarse();
    check_blank();
    check_finite();
    return CHECK_DONE();
}
