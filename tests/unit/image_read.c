/* Every form of PNG, JPEG, WebP and BMP against Pillow's pixels (tests/golden/data/images.py), as
 * it is and resized; damaged ones, and ones that ask for much. */
#include "check.h"
#include "data_files.h"

#include "image/image.h"
#include "image/resample.h"

#include <sys/resource.h>
#include <time.h>

#include <jpeglib.h>
#include <webp/encode.h>
#include <zlib.h>

/* `want`: (h, w, 3). */
static void check_pixels(const char *name, const struct image *im, int h, int w,
                         const unsigned char *want)
{
    size_t plane = (size_t)h * (size_t)w, wrong = 0;
    uint8_t *got = im->pixels, *resized = NULL;
    if (im->h != h || im->w != w) {
        got = resized = mem_alloc(plane, 3);
        resample(im->pixels, im->h, im->w, resized, h, w);
    }
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++)
            wrong += got[c * plane + i] != want[3 * i + c];
    if (wrong > 0)
        fprintf(stderr, "%s as %d by %d: %zu bytes differ\n", name, h, w, wrong);
    CHECK(wrong == 0);
    free(resized);
}

static void test_golden(void)
{
    size_t names_n, pixels_n, at = 0;
    int images = 0;
    unsigned char *names = golden_get("data/images/list.txt", &names_n);
    unsigned char *pixels = golden_get("data/images/pixels", &pixels_n);
    names = mem_grow(names, names_n + 1, 1);
    names[names_n] = '\0';
    char name[64];
    int h, w, used;
    for (const char *p = (char *)names; sscanf(p, "%63s %d %d\n%n", name, &h, &w, &used) == 3;
         p += used) {
        size_t n;
        struct err e = {0};
        struct image im;
        char *file = mem_printf("data/images/%s", name);
        unsigned char *bytes = golden_get(file, &n);
        if (image_decode(&im, bytes, n, name, &e) == 0) {
            check_pixels(name, &im, h, w, pixels + at);
            image_free(&im);
        } else {
            CHECK_STR(e.msg, "");
        }
        at += 3 * (size_t)h * (size_t)w;
        images++;
        free(bytes);
        free(file);
    }
    CHECK(images > 50);
    CHECK(at == pixels_n);
    free(names);
    free(pixels);
}

static void check_refused(const unsigned char *p, size_t n, const char *want)
{
    struct err e = {0};
    struct image im;
    int r = image_decode(&im, p, n, "x", &e);
    CHECK(r == -1 && !im.pixels);
    if (r == 0)
        image_free(&im);
    else if (want)
        CHECK_STR(e.msg, want);
}

/* Cut anywhere: an error, and one that says so. */
static void test_cut(void)
{
    /* The last bytes of some files are not needed. */
    static const struct {
        const char *name;
        size_t spare;
    } files[] = {{"rgb8.png", 0},       {"interlaced_rgb16.png", 0}, {"palette4.png", 0},
                 {"rgb420.jpg", 0},     {"progressive420.jpg", 0},   {"cmyk.jpg", 0},
                 {"lossy.webp", 0},     {"lossless.webp", 0},        {"lossy_alpha.webp", 0},
                 {"animated.webp", 0},  {"animated_part.webp", 0},   {"plain24.bmp", 1},
                 {"plain32.bmp", 0},    {"palette1.bmp", 2},         {"core4.bmp", 1},
                 {"masks_bgrx.bmp", 0}, {"masks_rgba.bmp", 0},       {"rle8.bmp", 2},
                 {"rle4.bmp", 2}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t n;
        char *file = mem_printf("data/images/%s", files[i].name);
        unsigned char *whole = golden_get(file, &n);
        for (size_t cut = 0; cut < n - files[i].spare; cut++) {
            /* Of its own size, so that a read beyond it is found. */
            unsigned char *p = mem_alloc(cut, 1);
            memcpy(p, whole, cut);
            check_refused(p, cut, NULL);
            free(p);
        }
        static const char *const forms[IMAGE_FORMS] = {"", "PNG", "JPEG", "WebP", "BMP"};
        char *want = mem_printf("x: damaged %s: it ends early", forms[image_form(whole, n)]);
        check_refused(whole, n - files[i].spare - 1, want);
        free(want);
        free(whole);
        free(file);
    }
    check_refused((const unsigned char *)"", 0,
                  "x: expected a PNG, JPEG, WebP or BMP image, found an empty file");
    check_refused((const unsigned char *)"GIF89a", 6,
                  "x: expected a PNG, JPEG, WebP or BMP image, found a GIF");
    check_refused((const unsigned char *)"RIFF\4\0\0\0WAVE", 12,
                  "x: expected a PNG, JPEG, WebP or BMP image, found something else");
}

/* Any bit of a PNG stands under a checksum. */
static void test_flipped(void)
{
    size_t n;
    unsigned char *p = golden_get("data/images/rgb8.png", &n);
    for (size_t i = 0; i < n; i++) {
        p[i] ^= 4;
        check_refused(p, n, NULL);
        p[i] ^= 4;
    }
    p[n - 14] ^= 1;
    check_refused(p, n, "x: damaged PNG: IDAT: CRC error");
    free(p);
}

/* Damage of any kind never does more than fail. */
static void test_damaged(void)
{
    static const char *const name[] = {"interlaced_palette4.png",
                                       "grey16.png",
                                       "rgb420.jpg",
                                       "progressive422.jpg",
                                       "restart.jpeg",
                                       "lossy.webp",
                                       "lossless_alpha.webp",
                                       "animated_part.webp",
                                       "rle8.bmp",
                                       "rle4.bmp",
                                       "masks_565.bmp",
                                       "few_colours.bmp"};
    uint64_t state = 7;
    int good = 0;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        size_t n;
        char *file = mem_printf("data/images/%s", name[i]);
        unsigned char *whole = golden_get(file, &n), *p = mem_alloc(n, 1);
        for (int k = 0; k < 500; k++) {
            struct err e = {0};
            struct image im;
            memcpy(p, whole, n);
            if (image_decode(&im, p, file_damage(p, n, &state), "x", &e) == 0) {
                good++;
                image_free(&im);
            } else {
                CHECK(strncmp(e.msg, "x: ", 3) == 0);
            }
        }
        free(p);
        free(whole);
        free(file);
    }
    CHECK(good > 0);
}

/* --- files that ask for much --- */

struct bytes {
    unsigned char *p;
    size_t n, room;
};

static void add(struct bytes *b, const void *p, size_t n)
{
    if (n > b->room - b->n) {
        b->room = 2 * b->room + n;
        b->p = mem_grow(b->p, b->room, 1);
    }
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void add_be32(struct bytes *b, uint32_t v)
{
    const unsigned char p[] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                               (unsigned char)(v >> 8), (unsigned char)v};
    add(b, p, 4);
}

static void add_chunk(struct bytes *b, const char *kind, const void *p, size_t n)
{
    add_be32(b, (uint32_t)n);
    size_t from = b->n;
    add(b, kind, 4);
    add(b, p, n);
    add_be32(b, (uint32_t)crc32(0, b->p + from, (uInt)(n + 4)));
}

/* `n` zeros, compressed: n is more memory than may be used. */
static struct bytes zeros(size_t n, const char *before, size_t before_n)
{
    struct bytes b = {0};
    static unsigned char in[1 << 16], out[1 << 12];
    z_stream z = {0};
    CHECK(deflateInit(&z, 9) == Z_OK);
    add(&b, before, before_n);
    int r = Z_OK;
    while (r == Z_OK) {
        if (z.avail_in == 0) {
            z.next_in = in;
            z.avail_in = n < sizeof in ? (uInt)n : (uInt)sizeof in;
            n -= z.avail_in;
        }
        z.next_out = out;
        z.avail_out = sizeof out;
        r = deflate(&z, n == 0 ? Z_FINISH : Z_NO_FLUSH);
        add(&b, out, sizeof out - z.avail_out);
    }
    CHECK(r == Z_STREAM_END);
    deflateEnd(&z);
    return b;
}

static struct bytes png_begin(uint32_t w, uint32_t h, int bits, int kind, int interlaced)
{
    struct bytes b = {0}, head = {0};
    add(&b, "\x89PNG\r\n\x1a\n", 8);
    add_be32(&head, w);
    add_be32(&head, h);
    const unsigned char rest[] = {(unsigned char)bits, (unsigned char)kind, 0, 0,
                                  (unsigned char)interlaced};
    add(&head, rest, sizeof rest);
    add_chunk(&b, "IHDR", head.p, head.n);
    free(head.p);
    return b;
}

static void png_end(struct bytes *b, size_t raw)
{
    struct bytes z = zeros(raw, "", 0);
    add_chunk(b, "IDAT", z.p, z.n);
    add_chunk(b, "IEND", "", 0);
    free(z.p);
}

static long before; /* peak of memory */

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The promise of image.h, which the sanitizers' own memory and time would break; ten times
 * the time that it says, so that no processor is too slow. */
static void check_costs(const char *what, struct bytes *b, bool good)
{
#if defined __SANITIZE_ADDRESS__
    const double slower = 100;
    const long fatter = 1 << 20;
#else
    const double slower = 10;
    /* An emulator's memory, with the code that it translates, counts as the program's. */
    const long fatter = getenv("EMULATED") ? 128 << 10 : 0;
#endif
    struct err e = {0};
    struct image im;
    double start = seconds();
    int r = image_decode(&im, b->p, b->n, what, &e);
    double took = seconds() - start;
    long used = peak_kib() - before;
    CHECK(r == (good ? 0 : -1));
    if (r == 0)
        image_free(&im);
    if (getenv("VERBOSE"))
        fprintf(stderr, "%s: %zu bytes, %.2f s, %ld KiB\n", what, b->n, took, used);
    CHECK(took <= 2 * slower);
    CHECK(used <= (64 << 10) + fatter);
    free(b->p);
}

static void test_large_png(void)
{
    struct bytes b = png_begin(65535, 65535, 8, 2, 0);
    add_chunk(&b, "IDAT", "", 0);
    check_refused(b.p, b.n,
                  "x: expected an image of at most 8192 pixels a side and 4194304 in all, found "
                  "65535 by 65535 (width by height)");
    free(b.p);
    b = png_begin(8192, 8192, 8, 2, 0);
    check_refused(b.p, b.n, NULL);
    free(b.p);
    b = png_begin(2048, 2048, 16, 6, 1);
    png_end(&b, (size_t)2048 * 2048 * 8 + 2048 * 2 * 8);
    check_costs("large.png", &b, true);
    enum { BOMB = 100 << 20 };
    struct bytes text = zeros(BOMB, "a\0\0", 3), profile = zeros(BOMB, "icc\0\0", 5);
    struct bytes utf8 = zeros(BOMB, "a\0\1\0\0\0", 6);
    b = png_begin(1, 1, 8, 2, 0);
    for (int i = 0; i < 20; i++) {
        add_chunk(&b, "zTXt", text.p, text.n);
        add_chunk(&b, "iCCP", profile.p, profile.n);
        add_chunk(&b, "iTXt", utf8.p, utf8.n);
    }
    free(text.p);
    free(profile.p);
    free(utf8.p);
    png_end(&b, 4);
    check_costs("words.png", &b, true);
    /* More in the stream than the image has. */
    b = png_begin(32, 32, 8, 2, 0);
    png_end(&b, BOMB);
    check_costs("more.png", &b, true);
}

/* A black image with a scan for each coefficient up to `last` of each component. */
static struct bytes jpeg_new(int side, int components, int last)
{
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr error;
    jpeg_scan_info scan[3 * 64];
    int n = 0;
    unsigned char *out = NULL;
    unsigned long size = 0;
    JSAMPROW row = mem_zero((size_t)side, (size_t)components);
    j.err = jpeg_std_error(&error);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &out, &size);
    j.image_width = j.image_height = (JDIMENSION)side;
    j.input_components = components;
    j.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&j);
    for (int c = 0; c < components; c++)
        j.comp_info[c].h_samp_factor = j.comp_info[c].v_samp_factor = 1;
    for (int c = 0; c < components && last >= 0; c++) {
        scan[n++] = (jpeg_scan_info){1, {c, 0, 0, 0}, 0, 0, 0, 0};
        for (int k = 1; k <= last; k++)
            scan[n++] = (jpeg_scan_info){1, {c, 0, 0, 0}, k, k, 0, 0};
    }
    if (last >= 0) {
        j.scan_info = scan;
        j.num_scans = n;
    }
    jpeg_start_compress(&j, TRUE);
    while (j.next_scanline < j.image_height)
        jpeg_write_scanlines(&j, &row, 1);
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    free(row);
    struct bytes b = {out, size, size};
    return b;
}

/* Puts the sides into the frame header. */
static void jpeg_claim(struct bytes *b, unsigned h, unsigned w)
{
    for (size_t i = 0; i + 9 < b->n; i++)
        if (b->p[i] == 0xff && (b->p[i + 1] & 0xfd) == 0xc0) {
            const unsigned char side[] = {(unsigned char)(h >> 8), (unsigned char)h,
                                          (unsigned char)(w >> 8), (unsigned char)w};
            memcpy(b->p + i + 5, side, 4);
            return;
        }
    CHECK(false);
}

static void test_large_jpeg(void)
{
    struct bytes b = jpeg_new(8, 3, -1);
    jpeg_claim(&b, 65500, 65500);
    check_refused(b.p, b.n,
                  "x: expected an image of at most 8192 pixels a side and 4194304 in all, found "
                  "65500 by 65500 (width by height)");
    free(b.p);
    b = jpeg_new(16, 3, 63);
    check_refused(b.p, b.n, "x: damaged JPEG: expected at most 100 scans, found more");
    free(b.p);
    b = jpeg_new(2048, 3, 32);
    check_costs("scans.jpg", &b, true);
    b = jpeg_new(2048, 4, 2);
    check_costs("cmyk.jpg", &b, true);
    /* As many scans, and no data: each scan of the file says that it has ended. */
    b = jpeg_new(16, 3, 32);
    jpeg_claim(&b, 2048, 2048);
    check_costs("empty.jpg", &b, false);
}

static void test_large_webp(void)
{
    enum { SIDE = 2048, HUGE_SIDE = 16383 };
    struct bytes b = {0};
    uint8_t *rgb = mem_zero((size_t)HUGE_SIDE * 3, SIDE), *out;
    b.n = WebPEncodeLosslessRGB(rgb, HUGE_SIDE, 1, 3 * HUGE_SIDE, &out);
    check_refused(out, b.n,
                  "x: expected an image of at most 8192 pixels a side and 4194304 in all, found "
                  "16383 by 1 (width by height)");
    WebPFree(out);
    b.n = WebPEncodeLosslessRGB(rgb, SIDE, SIDE, 3 * SIDE, &out);
    b.p = mem_alloc(b.n, 1);
    memcpy(b.p, out, b.n);
    WebPFree(out);
    check_costs("lossless.webp", &b, true);
    uint32_t state = 1;
    for (size_t i = 0; i < (size_t)3 * SIDE * SIDE; i++)
        rgb[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
    b.n = WebPEncodeRGB(rgb, SIDE, SIDE, 3 * SIDE, 1, &out);
    b.p = mem_alloc(b.n, 1);
    memcpy(b.p, out, b.n);
    WebPFree(out);
    check_costs("noise.webp", &b, true);
    free(rgb);
}

/* --- what is wrong in a bitmap --- */

static void put_le32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

/* The golden file with one number of its header changed. */
static void check_bitmap(const char *name, size_t at, uint32_t v, const char *want)
{
    size_t n;
    char *file = mem_printf("data/images/%s", name);
    unsigned char *p = golden_get(file, &n);
    put_le32(p + at, v);
    check_refused(p, n, want);
    free(p);
    free(file);
}

static void test_bitmaps(void)
{
    enum { START = 10, HEADER = 14, WIDTH = 18, HEIGHT = 22, BITS = 26, METHOD = 30, COLORS = 46 };
    check_bitmap("plain24.bmp", HEADER, 41,
                 "x: damaged BMP: expected a header of a known size, found 41 bytes");
    check_bitmap("plain24.bmp", HEADER, 0xffffffff,
                 "x: damaged BMP: expected a header of a known size, found 4294967295 bytes");
    check_bitmap("plain24.bmp", START, 0xffffffff, "x: damaged BMP: it ends early");
    check_bitmap("plain24.bmp", WIDTH, 0,
                 "x: expected an image of at most 8192 pixels a side and 4194304 in all, found 0 "
                 "by 7 (width by height)");
    check_bitmap("plain24.bmp", HEIGHT, 0x80000000,
                 "x: expected an image of at most 8192 pixels a side and 4194304 in all, found 13 "
                 "by 2147483648 (width by height)");
    check_bitmap("plain24.bmp", HEIGHT, 8, "x: damaged BMP: it ends early");
    check_bitmap("plain24.bmp", BITS, 2U << 16 | 1,
                 "x: damaged BMP: expected 1, 4, 8, 16, 24 or 32 bits a pixel, found 2");
    check_bitmap("plain24.bmp", METHOD, 1,
                 "x: BMP: the compression 1 with 24 bits a pixel cannot be read");
    check_bitmap("plain24.bmp", METHOD, 4,
                 "x: BMP: the compression 4 with 24 bits a pixel cannot be read");
    check_bitmap("palette8.bmp", COLORS, 257,
                 "x: damaged BMP: expected at most 256 colours, found 257");
    check_bitmap("masks_565.bmp", 54, 0xf00f,
                 "x: damaged BMP: expected masks of adjacent bits, found 0000f00f");
    check_bitmap("masks_565.bmp", 54, 0x10000,
                 "x: damaged BMP: expected masks of adjacent bits, found 00010000");
    size_t first = 54 + 4 * 256; /* of the pixels of rle8.bmp */
    check_bitmap("rle8.bmp", first, 14, "x: damaged BMP: row 0 has too many pixels");
    check_bitmap("rle8.bmp", first, 14 << 8, "x: damaged BMP: row 0 has too many pixels");
    check_bitmap("rle8.bmp", first, 1 << 8, "x: damaged BMP: its pixels end early");
    check_bitmap("rle8.bmp", first, 0x0e000200, "x: damaged BMP: row 6 has too many pixels");
    check_bitmap("rle8.bmp", first, 0x000e0200, "x: damaged BMP: row 0 has too many pixels");
}

static void test_large_bitmap(void)
{
    enum { SIDE = 2048 };
    size_t n;
    struct bytes b = {0};
    unsigned char *head = golden_get("data/images/plain32.bmp", &n);
    put_le32(head + 18, SIDE);
    put_le32(head + 22, SIDE);
    add(&b, head, 54);
    check_refused(b.p, b.n, "x: damaged BMP: it ends early");
    unsigned char *row = mem_zero(SIDE, 4);
    for (int y = 0; y < SIDE; y++)
        add(&b, row, (size_t)4 * SIDE);
    free(row);
    free(head);
    check_costs("large.bmp", &b, true);
    b = (struct bytes){0};
    head = golden_get("data/images/rle8.bmp", &n);
    put_le32(head + 18, SIDE);
    put_le32(head + 22, SIDE);
    add(&b, head, 54 + 4 * 256);
    free(head);
    /* Each pixel by itself, and the first row of nothing but jumps that lead nowhere. */
    for (int i = 0; i < 1 << 22; i++)
        add(&b, "\0\2\0\0", 4);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++)
            add(&b, "\1\7", 2);
        add(&b, "\0\0", 2);
    }
    check_costs("runs.bmp", &b, true);
}

int main(void)
{
    before = peak_kib();
    files_begin();
    test_golden();
    test_cut();
    test_flipped();
    test_damaged();
    test_large_png();
    test_large_jpeg();
    test_large_webp();
    test_bitmaps();
    test_large_bitmap();
    files_end();
    return CHECK_DONE();
}
