/* Colours and overlays against OpenCV's and pytorch-grad-cam's. */
#include "draw/color.h"
#include "draw/tables.h"
#include "stream/npy.h"

#include "check.h"

#include <stdlib.h>

enum { SIDE = 12, COUNT = 5, PIXELS = SIDE * SIDE, WEIGHTS = 4 };

/* All items of a golden file, `bytes` in all. */
static void *load(const char *name, size_t bytes)
{
    char path[256];
    struct err e = {0};
    struct npy_in *n;
    snprintf(path, sizeof path, "tests/golden/draw/%s", name);
    if (npy_open(&n, path, &e) != 1) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    size_t size = (size_t)npy_item(n)->bytes, got = 0;
    char *buf = malloc(bytes);
    int64_t r;
    while (got < bytes && (r = npy_read(n, buf + got, (int64_t)((bytes - got) / size), &e)) > 0)
        got += (size_t)r * size;
    CHECK(got == bytes);
    npy_close(n);
    return buf;
}

static void check_jet(void)
{
    uint8_t *jet = load("jet.npy", sizeof table_jet), out[3];
    CHECK(memcmp(jet, table_jet, sizeof table_jet) == 0);
    for (int i = 0; i < 256; i++) {
        float v = ((float)i + 0.5F) / 255;
        color_heat(COLOR_JET, &v, 1, out);
        CHECK(memcmp(out, jet + 3 * (i < 255 ? i : 255), 3) == 0);
    }
    free(jet);
}

static void check_overlays(void)
{
    static const float weight[WEIGHTS] = {0.5F, 0.7F, 0, 1};
    uint8_t *images = load("images.npy", 3 * COUNT * PIXELS);
    float *masks = load("masks.npy", sizeof(float) * COUNT * PIXELS);
    uint8_t *golden = load("overlays.npy", 3 * WEIGHTS * COUNT * PIXELS);
    uint8_t out[3 * PIXELS];
    for (int w = 0; w < WEIGHTS; w++) {
        for (int i = 0; i < COUNT; i++) {
            const uint8_t *want = golden + (size_t)(w * COUNT + i) * sizeof out;
            int worst = 0, differ = 0;
            color_heat(COLOR_JET, masks + (ptrdiff_t)i * PIXELS, PIXELS, out);
            color_blend(images + (size_t)i * sizeof out, out, PIXELS, 1 - weight[w], out);
            for (size_t k = 0; k < sizeof out; k++) {
                int d = abs(out[k] - want[k]);
                worst = d > worst ? d : worst;
                differ += d > 0;
            }
            CHECK(worst <= 1);
            CHECK(differ <= (int)sizeof out / 100); /* rounding of alpha at most */
        }
    }
    free(images);
    free(masks);
    free(golden);
}

static void check_heat_ends(void)
{
    const float map[] = {0, 1, -3, 7, NAN, INFINITY, -INFINITY};
    const int entry[] = {0, 255, 0, 255, 0, 255, 0};
    uint8_t out[3 * 7];
    color_heat(COLOR_VIRIDIS, map, 7, out);
    for (int i = 0; i < 7; i++)
        CHECK(memcmp(out + 3 * i, table_viridis[entry[i]], 3) == 0);
}

static int lightness(const uint8_t *c)
{
    return 2126 * c[0] + 7152 * c[1] + 722 * c[2];
}

static void check_diverging(void)
{
    static const uint8_t white[3] = {255, 255, 255};
    const float map[] = {0, -0.0F, 2.5F, -2.5F, 9, -9, NAN, 0.02F, -0.02F};
    uint8_t out[3 * 9];
    color_signed(map, 9, 2.5F, out);
    CHECK(memcmp(out, white, 3) == 0);
    CHECK(memcmp(out + 3, white, 3) == 0);
    CHECK(memcmp(out + 6, table_diverging[256], 3) == 0);
    CHECK(memcmp(out + 9, table_diverging[0], 3) == 0);
    CHECK(memcmp(out + 12, table_diverging[256], 3) == 0);
    CHECK(memcmp(out + 15, table_diverging[0], 3) == 0);
    CHECK(memcmp(out + 21, white, 3) != 0);
    CHECK(memcmp(out + 24, white, 3) != 0);
    /* White nowhere but at 0, darker towards both ends, orange up and blue down. */
    for (int i = 1; i <= 128; i++) {
        CHECK(lightness(table_diverging[128 + i]) < lightness(table_diverging[127 + i]));
        CHECK(lightness(table_diverging[128 - i]) < lightness(table_diverging[129 - i]));
        CHECK(table_diverging[128 + i][0] > table_diverging[128 + i][2]);
        CHECK(table_diverging[128 - i][0] < table_diverging[128 - i][2]);
        CHECK(abs(lightness(table_diverging[128 + i]) - lightness(table_diverging[128 - i])) <
              250000);
    }
}

static void check_zoom(void)
{
    const uint8_t planes[] = {1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24};
    const float map[] = {1, 2, 3, 4};
    uint8_t packed[12], out[3 * 6 * 4];
    float big[6 * 4];
    color_pack(planes, 4, packed);
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 3; c++)
            CHECK(packed[3 * i + c] == planes[4 * c + i]);
    color_zoom(packed, 2, 2, out, 6, 4);
    color_zoom_map(map, 2, 2, big, 6, 4);
    for (int y = 0; y < 6; y++) {
        for (int x = 0; x < 4; x++) {
            int from = y / 3 * 2 + x / 2;
            CHECK(memcmp(out + (ptrdiff_t)3 * (4 * y + x), packed + (ptrdiff_t)3 * from, 3) == 0);
            CHECK(big[4 * y + x] == map[from]);
        }
    }
}

int main(void)
{
    check_jet();
    check_overlays();
    check_heat_ends();
    check_diverging();
    check_zoom();
    return CHECK_DONE();
}
