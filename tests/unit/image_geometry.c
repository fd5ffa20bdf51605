/* Resizing and cropping against torchvision on images of Pillow (tests/golden/data/sizes.py), and
 * colour as grey. */
#include "check.h"
#include "data_files.h"

#include "image/geometry.h"
#include "image/grey.h"

#include <string.h>
#include <zlib.h>

/* Planes of numbers from a generator; of a grey image, the same one three times. */
static uint8_t *draw(int h, int w, bool grey)
{
    const size_t plane = (size_t)h * (size_t)w, n = grey ? plane : 3 * plane;
    uint8_t *pixels = mem_alloc(plane, 3);
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525U + 1013904223U;
        pixels[i] = (uint8_t)(state >> 24);
    }
    for (int c = 1; c < 3 && grey; c++)
        memcpy(pixels + (size_t)c * plane, pixels, plane);
    return pixels;
}

static void check_line(const char *line, int h, int w, bool grey, const char *resize,
                       const char *crop, int to_h, int to_w, unsigned long sum)
{
    const struct geometry_opts o = {strcmp(resize, "-") == 0 ? NULL : resize,
                                    strcmp(crop, "-") == 0 ? NULL : crop};
    struct geometry g;
    struct err e = {0};
    int oh, ow, fixed_h, fixed_w;
    CHECK(geometry_parse(&g, &o, &e) == 0);
    geometry_size(&g, h, w, &oh, &ow);
    CHECK(oh == to_h && ow == to_w);
    if (geometry_fixed(&g, &fixed_h, &fixed_w))
        CHECK(fixed_h == to_h && fixed_w == to_w);
    uint8_t *in = draw(h, w, grey), *out = mem_alloc((size_t)to_h * (size_t)to_w, 3);
    geometry_run(&g, in, h, w, out);
    const unsigned long got = crc32(0, out, (unsigned)(3 * to_h * to_w));
    if (got != sum)
        fprintf(stderr, "other pixels: %s\n", line);
    CHECK(got == sum);
    free(in);
    free(out);
}

static void test_golden(void)
{
    size_t n;
    unsigned char *text = golden_get("data/sizes.tsv", &n);
    text = mem_grow(text, n + 1, 1);
    text[n] = '\0';
    int lines = 0;
    char *save;
    strtok_r((char *)text, "\n", &save);
    for (char *line; (line = strtok_r(NULL, "\n", &save)); lines++) {
        int h, w, grey, to_h, to_w;
        char resize[24], crop[16];
        unsigned long sum;
        CHECK(sscanf(line, "%d %d %d %23s %15s %d %d %lx", &h, &w, &grey, resize, crop, &to_h,
                     &to_w, &sum) == 8);
        check_line(line, h, w, grey, resize, crop, to_h, to_w, sum);
    }
    CHECK(lines == 125);
    free(text);
}

static void test_words(void)
{
    static const char *const bad[] = {"",   "0",        "x",        "4x",     "x4",
                                      "04", "-4",       "1025",     "4x1025", "4x0",
                                      "4 ", "4:bicubi", ":bicubic", "4:",     "4x4x4"};
    static const struct {
        struct geometry_opts o;
        const char *words;
    } good[] = {{{"256", "224"}, "--resize 256 --crop 224"},
                {{"64x96:bilinear", NULL}, "--resize 64x96"},
                {{"232:bicubic", "224"}, "--resize 232:bicubic --crop 224"},
                {{"8x9:bicubic", NULL}, "--resize 8x9:bicubic"},
                {{NULL, "1024x1"}, "--crop 1024x1"},
                {{NULL, NULL}, ""}};
    struct geometry g;
    struct err e;
    char words[GEOMETRY_WORDS];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(geometry_parse(&g, &(struct geometry_opts){bad[i], NULL}, &e) == -1);
        CHECK(geometry_parse(&g, &(struct geometry_opts){NULL, bad[i]}, &e) == -1);
    }
    CHECK_STR(e.msg, "--crop: expected HxW or N with sides from 1 to 1024, found '4x4x4'");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK(geometry_parse(&g, &good[i].o, &e) == 0);
        CHECK(geometry_any(&g) == (*good[i].words != '\0'));
        CHECK_STR(geometry_words(&g, words), good[i].words);
    }
}

/* Pillow: Image.fromarray(p).convert("L"). */
static void test_grey(void)
{
    static const uint8_t rgb[] = {255, 0,   0,   1, 10, 200, /* R */
                                  0,   255, 0,   1, 20, 100, /* G */
                                  0,   0,   255, 1, 31, 50 /* B */};
    static const uint8_t want[] = {76, 150, 29, 1, 18, 124};
    uint8_t got[6], all[3 * 256];
    image_grey(rgb, 6, got);
    CHECK(memcmp(got, want, 6) == 0);
    for (int i = 0; i < 3 * 256; i++)
        all[i] = (uint8_t)i;
    image_grey(all, 256, all);
    for (int i = 0; i < 256; i++)
        CHECK(all[i] == i);
}

int main(void)
{
    files_begin();
    test_golden();
    test_words();
    test_grey();
    files_end();
    return CHECK_DONE();
}
