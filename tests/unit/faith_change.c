/* How images are changed: order, what takes the place of pixels, baselines; and means of many. */
#include "check.h"

#include "base/mem.h"
#include "faith/baseline.h"
#include "faith/fill.h"
#include "faith/order.h"
#include "faith/summary.h"

#include <stdlib.h>

static void test_order(void)
{
    enum { N = 6 };
    static const float map[N] = {1, 3, 1, 2, 1, -4};
    uint32_t tie[N], at[N], first[N] = {0};

    for (int64_t id = 0; id < 3000; id++) {
        order_ties(7, id, ORDER_PIXELS, tie, N);
        order_make(map, tie, N, at);
        CHECK(at[0] == 1 && at[1] == 3 && at[5] == 5);
        CHECK(at[2] + at[3] + at[4] == 6 && at[2] * at[3] * at[4] == 0);
        first[at[2]]++;
    }
    /* Each of the equal ones comes first as often: 1000 with a deviation of 26. */
    CHECK(abs((int)first[0] - 1000) < 130 && abs((int)first[2] - 1000) < 130);
    CHECK(first[0] + first[2] + first[4] == 3000);
    CHECK(order_state(7, 1, ORDER_PIXELS) != order_state(7, 1, ORDER_CELLS));
    CHECK(order_state(7, 1, ORDER_PIXELS) != order_state(8, 1, ORDER_PIXELS));
}

static void test_cells(void)
{
    for (int n = 1; n < 40; n++)
        for (int cells = 1; cells <= n; cells++) {
            int count[40] = {0};
            for (int i = 0; i < n; i++)
                count[order_cell(i, n, cells)]++;
            for (int c = 0; c < cells; c++)
                CHECK(count[c] == n / cells || count[c] == n / cells + 1);
        }
}

enum { H = 7, W = 5, C = 2 };

/* How far a changed pixel is from the weighted mean of its neighbours. */
static double residual(const float *out, int y, int x)
{
    double sum = 0, weights = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++) {
            const bool inside = y + dy >= 0 && y + dy < H && x + dx >= 0 && x + dx < W;
            const double weight = dy == 0 && dx == 0 ? 0 : dy != 0 && dx != 0 ? 1 : 2;
            if (inside) {
                sum += weight * out[(y + dy) * W + x + dx];
                weights += weight;
            }
        }
    return fabs(sum / weights - out[y * W + x]);
}

static void test_linear(void)
{
    const struct fill_shape s = {C, H, W};
    float image[C * H * W], out[C * H * W];
    bool changed[H * W];
    uint32_t bits[C * H * W];

    for (int round = 0; round < 200; round++) {
        const double share = round / 199.0;
        order_ties(3, round, ORDER_PIXELS, bits, C * H * W);
        for (int i = 0; i < C * H * W; i++)
            image[i] = (float)(bits[i] / 2147483648.0 - 1);
        order_ties(3, round, ORDER_CELLS, bits, H * W);
        for (int i = 0; i < H * W; i++)
            changed[i] = bits[i] <= share * UINT32_MAX;
        changed[round % (H * W)] = false;
        fill_linear(image, s, changed, out);
        for (int c = 0; c < C; c++)
            for (int i = 0; i < H * W; i++)
                if (changed[i])
                    CHECK_NEAR(residual(out + c * H * W, i / W, i % W), 0, 1e-6);
                else
                    CHECK_NEAR(out[c * H * W + i], image[c * H * W + i], 0);
    }
    /* The last round left one pixel. */
    for (int i = 0; i < H * W; i++)
        CHECK_NEAR(out[i], image[199 % (H * W)], 1e-5);
}

/* A plane is the mean of its neighbours wherever all of them are there: whatever is taken out of it
 * comes back, at any size. */
static void test_large(void)
{
    enum { TALL = 401, WIDE = 500, PLANE = TALL * WIDE };
    const struct fill_shape s = {C, TALL, WIDE};
    float *image = mem_alloc((size_t)C * PLANE, sizeof *image);
    float *out = mem_alloc((size_t)C * PLANE, sizeof *out);
    bool *changed = mem_alloc(PLANE, sizeof *changed);
    double most[C] = {0, 0};
    int count = 0;

    for (int i = 0; i < PLANE; i++) {
        const int row = i / WIDE;
        const double y = (row + 0.5) / TALL - 0.5, x = (i % WIDE + 0.5) / WIDE - 0.5;
        image[i] = (float)(2 * y - x);
        image[PLANE + i] = (float)(0.001 * (y + 3 * x));
        changed[i] = y * y + x * x < 0.48 * 0.48;
        count += changed[i];
    }
    CHECK(count > PLANE * 0.7);
    fill_linear(image, s, changed, out);
    for (int i = 0; i < C * PLANE; i++) {
        const double d = fabs((double)out[i] - image[i]);
        most[i / PLANE] = d > most[i / PLANE] ? d : most[i / PLANE];
    }
    CHECK_NEAR(most[0], 0, 5e-7);
    CHECK_NEAR(most[1], 0, 5e-7);
    free(image);
    free(out);
    free(changed);
}

static void test_fills(void)
{
    const struct fill_shape s = {C, H, W};
    float image[C * H * W], out[C * H * W];
    double sum = 0;

    for (int i = 0; i < C * H * W; i++)
        image[i] = (float)(i % 11);
    for (int i = 0; i < H * W; i++)
        sum += image[i];
    fill_make(FAITH_GREY, image, s, out);
    CHECK_NEAR(out[3], 0, 0);
    fill_make(FAITH_MEAN, image, s, out);
    CHECK_NEAR(out[3], sum / (H * W), 1e-6);
    for (int i = 0; i < C * H * W; i++)
        image[i] = 2;
    fill_make(FAITH_BLUR, image, s, out);
    CHECK_NEAR(out[C * H * W - 1], 2, 1e-6);
}

/* Blurred numbers by chance have the same mean and deviation in a corner as in the middle. */
static void test_baselines(void)
{
    enum { SIDE = 16, TIMES = 4000 };
    static const uint8_t pixels[3 * SIDE * SIDE];
    float map[SIDE * SIDE];
    double sum[2] = {0, 0}, square[2] = {0, 0};

    for (uint64_t i = 0; i < TIMES; i++) {
        baseline_make(BASELINE_BLURRED, pixels, SIDE, SIDE,
                      order_state(0, (int64_t)i, ORDER_BASELINES), map);
        for (int k = 0; k < 2; k++) {
            const double v = map[k == 0 ? 0 : SIDE / 2 * SIDE + SIDE / 2];
            sum[k] += v / TIMES;
            square[k] += v * v / TIMES;
        }
    }
    const double corner = square[0] - sum[0] * sum[0], middle = square[1] - sum[1] * sum[1];
    CHECK_NEAR(sum[0], 0.5, 0.01);
    CHECK_NEAR(corner / middle, 1, 0.15);
    baseline_make(BASELINE_CENTER, pixels, SIDE, SIDE, 0, map);
    CHECK(map[SIDE / 2 * SIDE + SIDE / 2] > map[SIDE / 2 * SIDE + SIDE / 2 + 1]);
    CHECK_NEAR(map[0], map[SIDE * SIDE - 1], 0);
    CHECK(map[0] > 0 && map[0] < 0.2F);
    baseline_make(BASELINE_EDGE, pixels, SIDE, SIDE, 0, map);
    CHECK_NEAR(map[5], 0, 0);
}

static void test_summary(void)
{
    struct summary_table t = {.maps = 2, .metrics = 2};
    struct summary_row row[4];

    summary_make(&t, 1, 100, 0, row);
    CHECK(row[0].images == 0 && isnan(row[0].mean) && isnan(row[0].low));
    for (int i = 0; i < 10; i++)
        summary_add(&t, (double[]){i, i < 5 ? NAN : 1, 2 * i + 1, i < 7 ? 3 : NAN});
    summary_make(&t, 1, 1000, 0, row);
    CHECK_NEAR(row[0].mean, 4.5, 1e-12);
    CHECK(row[0].low > 2 && row[0].low < 3.5 && row[0].high > 5.5 && row[0].high < 7);
    CHECK_NEAR(row[0].difference, -5.5, 1e-12);
    CHECK(row[0].difference_low < -5.5 && row[0].difference_high > -5.5);
    CHECK(row[1].images == 5);
    CHECK_NEAR(row[1].low, 1, 0);
    /* Images 5 and 6 alone have both. */
    CHECK_NEAR(row[1].difference, -2, 0);
    CHECK_NEAR(row[1].difference_high, -2, 0);
    CHECK(row[3].images == 7 && isnan(row[3].difference) && isnan(row[3].difference_low));
    summary_make(&t, -1, 10, 0, row);
    CHECK(isnan(row[0].difference) && !isnan(row[0].low));
    summary_free(&t);
}

int main(void)
{
    test_order();
    test_cells();
    test_linear();
    test_large();
    test_fills();
    test_baselines();
    test_summary();
    return CHECK_DONE();
}
