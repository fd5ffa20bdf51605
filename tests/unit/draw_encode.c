/* PNG files, read back by libpng. */
#include "draw/encode.h"

#include "check.h"

#include <png.h>
#include <stdlib.h>

struct bytes {
    uint8_t *p;
    size_t n;
};

static int keep(void *self, const void *p, size_t n, struct err *e)
{
    struct bytes *b = self;
    (void)e;
    b->p = realloc(b->p, b->n + n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
    return 0;
}

static int refuse(void *self, const void *p, size_t n, struct err *e)
{
    (void)self;
    (void)p;
    (void)n;
    return err_set(e, "full");
}

enum fill { FILL_NOISE, FILL_FEW, FILL_RUNS, FILL_PERIODS, FILL_ZEROS, FILL_RARE, FILLS };

static void fill(uint8_t *p, size_t n, enum fill kind)
{
    for (size_t i = 0; i < n; i++) {
        int r = rand();
        switch (kind) {
        case FILL_NOISE:
            p[i] = (uint8_t)(r >> 7);
            break;
        case FILL_FEW:
            p[i] = (uint8_t)(r % 97 == 0 ? r >> 9 : r % 3);
            break;
        case FILL_RUNS:
            p[i] = i > 0 && r % 50 ? p[i - 1] : (uint8_t)(r >> 7);
            break;
        case FILL_PERIODS:
            p[i] = i > 4608 && r % 200 ? p[i - 4608] : (uint8_t)(r >> 7);
            break;
        case FILL_RARE:
            /* Codes longer than 15 bits, were they not limited. */
            p[i] = (uint8_t)(__builtin_ctz((unsigned)r | 1U << 30) + (i % 4099 == 0 ? 40 : 0));
            break;
        default:
            p[i] = 0;
        }
    }
}

struct file {
    struct bytes bytes;
    int w;
    uint8_t *px;
};

static const uint8_t *row(void *self, int y)
{
    const struct file *f = self;
    return f->px + 3 * (size_t)y * (size_t)f->w;
}

static void check_png(int w, int h, enum encode_kind kind, enum fill how)
{
    size_t stride = 3 * (size_t)w, n = stride * (size_t)h;
    struct file f = {{0}, w, malloc(n)};
    struct err e = {0};
    fill(f.px, n, how);
    /* Rows that repeat. */
    for (size_t at = stride; at < n; at += stride)
        if (rand() % 2)
            memcpy(f.px + at, f.px + at - stride, stride);
    const struct encode c = {
        .w = w, .h = h, .kind = kind, .row = row, .put = keep, .self = &f, .title = "a title"};
    CHECK(encode_png(&c, &e) == 0);

    /* libpng does not read the last chunk. */
    static const uint8_t end[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    CHECK(memcmp(f.bytes.p + f.bytes.n - sizeof end, end, sizeof end) == 0);
    png_image im = {.version = PNG_IMAGE_VERSION};
    uint8_t *back = malloc(n);
    CHECK(png_image_begin_read_from_memory(&im, f.bytes.p, f.bytes.n) != 0);
    CHECK(im.width == (unsigned)w && im.height == (unsigned)h && im.format == PNG_FORMAT_RGB);
    CHECK(png_image_finish_read(&im, NULL, back, 0, NULL) != 0);
    CHECK(im.warning_or_error == 0 && memcmp(back, f.px, n) == 0);
    png_image_free(&im);
    free(back);
    free(f.px);
    free(f.bytes.p);
}

static void test_png(void)
{
    static const int size[][2] = {{1, 1}, {2, 3}, {5, 1}, {1, 7}, {192, 100}, {1536, 40}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (enum fill k = 0; k < FILLS; k++) {
            check_png(size[i][0], size[i][1], ENCODE_PAGE, k);
            check_png(size[i][0], size[i][1], ENCODE_PHOTOS, k);
        }
}

static void test_full(void)
{
    struct file f = {{0}, 4, calloc(1, 48)};
    struct err e = {0};
    const struct encode c = {.w = 4, .h = 4, .row = row, .put = refuse, .self = &f};
    CHECK(encode_png(&c, &e) != 0);
    CHECK_STR(e.msg, "full");
    free(f.px);
}

int main(void)
{
    test_full();
    test_png();
    return CHECK_DONE();
}
