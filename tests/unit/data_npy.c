/* Images in .npy with and without labels. */
#include "check.h"
#include "data_files.h"

#include "data/data.h"
#include "stream/npy.h"

enum { H = 4, W = 5, CELLS = H * W, IMAGES = 3 };

static struct err err;

static uint8_t pixel(int image, int channel, int at)
{
    return (uint8_t)(image * 80 + channel * 25 + at);
}

static void put(const char *name, bool planar, int images)
{
    struct npy_out *n;
    uint8_t b[IMAGES * 3 * CELLS];
    for (int i = 0; i < images; i++)
        for (int c = 0; c < 3; c++)
            for (int k = 0; k < CELLS; k++)
                b[i * 3 * CELLS + (planar ? c * CELLS + k : 3 * k + c)] = pixel(i, c, k);
    static const int64_t hwc[] = {H, W, 3}, chw[] = {3, H, W};
    CHECK(npy_create(&n, name, NPY_U8, 3, planar ? chw : hwc, &err) == 0 &&
          npy_write(n, b, images, &err) == 0 && npy_finish(n, &err) == 0);
}

static bool is_image(const uint8_t *p, int image)
{
    for (int c = 0; c < 3; c++)
        for (int k = 0; k < CELLS; k++)
            if (p[c * CELLS + k] != pixel(image, c, k))
                return false;
    return true;
}

static struct data *open_data(const char *path, const char *labels)
{
    struct data *d = NULL;
    struct data_opts o = {.labels = labels};
    strcpy(err.msg, "");
    return data_open(&d, path, &o, &err) == 0 ? d : NULL;
}

static void check_images(const char *path, const char *labels)
{
    static const int expected[IMAGES] = {7, -1, 65535};
    struct data *d = open_data(path, labels);
    CHECK_STR(err.msg, "");
    if (!d)
        return;
    CHECK_STR(data_kind(d), "npy");
    CHECK(data_h(d) == H && data_w(d) == W && data_names(d)->classes == 0);
    uint8_t p[3 * CELLS];
    struct data_item item;
    for (int i = 0; i < IMAGES; i++) {
        CHECK(data_next(d, p, &item, &err) == 1 && item.id == i && is_image(p, i));
        CHECK(item.label == (labels ? expected[i] : -1) && item.superclass == -1);
    }
    CHECK(data_next(d, p, &item, &err) == 0);
    if (data_count(d) >= 0) {
        CHECK(data_count(d) == IMAGES && data_at(d, 2, p, &item, &err) == 0 && is_image(p, 2));
        CHECK(data_at(d, IMAGES, p, &item, &err) == -1);
        CHECK_STR(err.msg, "x.npy: expected an image from 0 to 2, found the id 3");
    }
    data_close(d);
}

static void put_ints(const char *name, enum npy_type type, const void *v, int n)
{
    struct npy_out *o;
    CHECK(npy_create(&o, name, type, 0, NULL, &err) == 0 && npy_write(o, v, n, &err) == 0 &&
          npy_finish(o, &err) == 0);
}

static void to_stdin(const char *name)
{
    if (!freopen(name, "rb", stdin))
        exit(1);
}

static void test_images(void)
{
    for (int planar = 0; planar < 2; planar++) {
        put("x.npy", planar, IMAGES);
        check_images("x.npy", NULL);
        to_stdin("x.npy");
        check_images("-", NULL);
    }
    static const int64_t wide[] = {7, -1, 65535};
    static const int32_t narrow[] = {7, -1, 65535};
    put_ints("l.npy", NPY_I64, wide, IMAGES);
    check_images("x.npy", "l.npy");
    to_stdin("x.npy");
    check_images("-", "l.npy");
    put_ints("l.npy", NPY_I32, narrow, IMAGES);
    check_images("x.npy", "l.npy");
    file_text("l", "7\r\nNA\n65535");
    check_images("x.npy", "l");
    file_text("l", "id\tname\ttrue\n0\ta\t7\n1\tb\tNA\n2\tc\t65535\n");
    check_images("x.npy", "l");
    file_text("l", "label\n7\nNA\n65535\n");
    check_images("x.npy", "l");
    file_text("names", "a\nb\n");
    struct data_opts o = {.labels = "l", .names = "names"};
    struct data *d = NULL;
    CHECK(data_open(&d, "x.npy", &o, &err) == -1);
    CHECK_STR(err.msg, "x.npy: record 0: expected a class below 2, as names has them, found 7");
    unlink("names");
}

static void check_bad(const char *labels, const char *message)
{
    file_text("l", labels);
    CHECK(!open_data("x.npy", "l"));
    CHECK_STR(err.msg, message);
}

static void test_bad_labels(void)
{
    check_bad("1\n2\n", "l: expected 3 labels, one for each image of x.npy, found 2");
    check_bad("", "l: expected 3 labels, one for each image of x.npy, found 0");
    check_bad("1\n2\n\n", "l:3: expected a class from 0 to 65535, or NA, found ''");
    check_bad("1\n2\n65536\n", "l:3: expected a class from 0 to 65535, or NA, found '65536'");
    check_bad("1\n-2\n3\n", "l:2: expected a class from 0 to 65535, or NA, found '-2'");
    check_bad("id\tname\n0\ta\n", "l:1: expected a column 'label', 'true' or 'class', found none");
    check_bad("id\tlabel\n1\t2\n", "l:2: expected ids from 0 upwards, 0 here, found 1");
    static const double real[] = {1, 2, 3};
    put_ints("l.npy", NPY_F64, real, IMAGES);
    CHECK(!open_data("x.npy", "l.npy"));
    CHECK_STR(err.msg, "l.npy: expected a tensor int64 (n), found float64 (n)");
    static const int64_t low[] = {1, -2, 3};
    put_ints("l.npy", NPY_I64, low, IMAGES);
    CHECK(!open_data("x.npy", "l.npy"));
    CHECK_STR(err.msg, "l.npy: item 1: expected a class from 0 to 65535, or -1, found -2");
    CHECK(!open_data("x.npy", "none"));
    CHECK_STR(err.msg, "none: No such file or directory");

    /* A stream shows only at its end how many images it has. */
    uint8_t p[3 * CELLS];
    struct data_item item;
    for (int n = 2; n <= 4; n += 2) {
        file_text("l", n == 2 ? "1\n2\n" : "1\n2\n3\n4\n");
        to_stdin("x.npy");
        struct data *d = open_data("-", "l");
        int r = 1;
        while (d && r == 1)
            r = data_next(d, p, &item, &err);
        CHECK(r == -1);
        CHECK_STR(err.msg, n == 2 ? "l: expected as many labels as standard input has images, "
                                    "found 2 for at least 3"
                                  : "l: expected as many labels as standard input has images, "
                                    "found 4 for 3");
        data_close(d);
    }
    to_stdin("x.npy");
    CHECK(!open_data("-", "-"));
    CHECK_STR(err.msg, "standard input: expected images or labels there, found both");
}

static void test_bad_images(void)
{
    struct npy_out *o;
    static const int64_t flat[] = {H, W}, large[] = {9000, 1, 3};
    static const float f[3 * 9000];
    CHECK(npy_create(&o, "x.npy", NPY_U8, 2, flat, &err) == 0 && npy_write(o, f, 1, &err) == 0 &&
          npy_finish(o, &err) == 0);
    CHECK(!open_data("x.npy", NULL));
    CHECK_STR(err.msg, "x.npy: expected a tensor uint8 (n,*,*,3), found uint8 (n,4,5)");
    CHECK(npy_create(&o, "x.npy", NPY_U8, 3, large, &err) == 0 && npy_write(o, f, 1, &err) == 0 &&
          npy_finish(o, &err) == 0);
    CHECK(!open_data("x.npy", NULL));
    CHECK_STR(err.msg, "x.npy: expected images of at most 8192 pixels a side and 4194304 in all, "
                       "found 1 by 9000 (width by height)");
    CHECK(npy_create(&o, "x.npy", NPY_F32, 3, large, &err) == 0 && npy_write(o, f, 0, &err) == 0 &&
          npy_finish(o, &err) == 0);
    CHECK(!open_data("x.npy", NULL));
    CHECK_STR(err.msg, "x.npy: expected a tensor uint8 (n,*,*,3), found float32 (n,9000,1,3)");
    put("x.npy", true, IMAGES);
    CHECK(truncate("x.npy", NPY_HEADER + 100) == 0);
    CHECK(!open_data("x.npy", NULL));
    CHECK_STR(err.msg, "x.npy: record 1: expected 3 items, found 100 bytes of them");
    put("x.npy", true, 0);
    struct data *d = open_data("x.npy", NULL);
    uint8_t p[3 * CELLS];
    struct data_item item;
    CHECK(d && data_count(d) == 0 && data_next(d, p, &item, &err) == 0);
    data_close(d);
}

int main(void)
{
    alarm(60);
    files_begin();
    test_images();
    test_bad_labels();
    test_bad_images();
    unlink("x.npy");
    unlink("l.npy");
    unlink("l");
    files_end();
    return CHECK_DONE();
}
