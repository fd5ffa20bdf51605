/* The layouts of MNIST, STL-10, SVHN and Tiny ImageNet: images, labels and names; and what is wrong
 * with files. */
#include "check.h"
#include "data_files.h"

#include "data/data.h"

#include <zlib.h>

static const struct data_opts none;
static struct err err;

/* Bytes that are made one after the other. */
static unsigned char b[1 << 17];
static size_t n;

static void put(const void *p, size_t bytes)
{
    memcpy(b + n, p, bytes);
    n += bytes;
}

static void put_be(uint32_t v)
{
    const unsigned char p[] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                               (unsigned char)(v >> 8), (unsigned char)v};
    put(p, 4);
}

static void put_le(uint32_t v)
{
    const unsigned char p[] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                               (unsigned char)(v >> 24)};
    put(p, 4);
}

/* What was made, as a file of its own. */
static void save(const char *name)
{
    file_put(name, b, n);
    n = 0;
}

/* The same, packed by gzip. */
static void save_gzip(const char *name)
{
    gzFile f = gzopen(name, "wb");
    CHECK(f && gzwrite(f, b, (unsigned)n) == (int)n && gzclose(f) == Z_OK);
    n = 0;
}

static void folder(const char *path)
{
    CHECK(mkdir(path, 0777) == 0);
}

static void check_refused(const char *path, const char *message)
{
    struct data *d = NULL;
    err = (struct err){0};
    CHECK(data_open(&d, path, &none, &err) == -1);
    CHECK_STR(err.msg, message);
    data_close(d);
}

/* --- MNIST --- */

enum { IMAGES = 3, H = 2, W = 5 };

static unsigned char grey(int image, int y, int x)
{
    return (unsigned char)(image * 50 + y * 7 + x);
}

static void put_images(uint32_t count)
{
    put_be(0x803);
    put_be(count);
    put_be(H);
    put_be(W);
    for (int i = 0; i < IMAGES; i++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                const unsigned char v = grey(i, y, x);
                put(&v, 1);
            }
}

static void put_labels(uint32_t count)
{
    put_be(0x801);
    put_be(count);
    put("\3\0\7", IMAGES);
}

static void check_grey(const char *path, const char *kind, bool labelled)
{
    static const int label[] = {3, 0, 7};
    struct data *d = NULL;
    struct data_item item;
    uint8_t p[3 * H * W];
    CHECK(data_open(&d, path, &none, &err) == 0);
    if (!d)
        return;
    CHECK_STR(data_kind(d), kind);
    CHECK(data_h(d) == H && data_w(d) == W && data_count(d) == IMAGES);
    for (int i = 0; i < IMAGES; i++) {
        CHECK(data_next(d, p, &item, &err) == 1);
        CHECK(item.label == (labelled ? label[i] : -1) && item.superclass == -1);
        for (int k = 0; k < 3 * H * W; k++)
            CHECK(p[k] == grey(i, k % (H * W) / W, k % W));
    }
    CHECK(data_next(d, p, &item, &err) == 0);
    data_close(d);
}

static void test_mnist(void)
{
    put_images(IMAGES);
    save("t10k-images-idx3-ubyte");
    check_grey("t10k-images-idx3-ubyte", "mnist", false);
    put_labels(IMAGES);
    save_gzip("t10k-labels-idx1-ubyte.gz");
    check_grey("t10k-images-idx3-ubyte", "mnist", true);
    check_grey(".", "mnist", true);
    unlink("t10k-images-idx3-ubyte");
    put_images(IMAGES);
    save_gzip("t10k-images-idx3-ubyte.gz");
    check_grey(".", "mnist", true);
    unlink("t10k-labels-idx1-ubyte.gz");
    put_labels(IMAGES);
    save("t10k-labels-idx1-ubyte");
    check_grey(".", "mnist", true);
    /* As torchvision leaves them; the folder's name tells whose classes they are. */
    folder("FashionMNIST");
    CHECK(rename("t10k-labels-idx1-ubyte", "FashionMNIST/t10k-labels-idx1-ubyte") == 0);
    folder("FashionMNIST/raw");
    CHECK(rename("FashionMNIST/t10k-labels-idx1-ubyte",
                 "FashionMNIST/raw/t10k-labels-idx1-ubyte") == 0);
    CHECK(rename("t10k-images-idx3-ubyte.gz", "FashionMNIST/raw/t10k-images-idx3-ubyte.gz") == 0);
    check_grey("FashionMNIST", "fashion-mnist", true);
    check_grey(".", "fashion-mnist", true);
    struct data *d;
    CHECK(data_open(&d, "FashionMNIST", &none, &err) == 0);
    CHECK(data_names(d)->classes == 10);
    CHECK_STR(names_class(data_names(d), 9), "Ankle boot");
    data_close(d);
    put("\x08", 1);
    save("FashionMNIST/raw/t10k-labels-idx1-ubyte");
    check_refused("FashionMNIST",
                  "FashionMNIST/raw/t10k-labels-idx1-ubyte:1: expected a class from 0 to 65535, or "
                  "NA, found '\b'");
    put_labels(2);
    save("FashionMNIST/raw/t10k-labels-idx1-ubyte");
    check_refused("FashionMNIST", "FashionMNIST/raw/t10k-labels-idx1-ubyte: expected 2 labels "
                                  "behind the header, found 3");
    unlink("FashionMNIST/raw/t10k-labels-idx1-ubyte");
    unlink("FashionMNIST/raw/t10k-images-idx3-ubyte.gz");
    rmdir("FashionMNIST/raw");
    rmdir("FashionMNIST");
}

static void test_mnist_broken(void)
{
    put_images(IMAGES + 1);
    save("x");
    check_refused("x", "x: expected 56 bytes for 4 images of 2 by 5, found 46");
    put_images(IMAGES + 1);
    save_gzip("x");
    check_refused("x", "x: expected 56 bytes when unpacked, found fewer");
    put_images(IMAGES - 1);
    save_gzip("x");
    check_refused("x", "x: expected 36 bytes when unpacked, found more");
    put_images(0xffffffffU);
    save_gzip("x");
    check_refused(
        "x", "x: expected at most 536870912 bytes when unpacked, found 42949672966: unpack it");
    put_be(0x803);
    save("x");
    check_refused("x", "x: expected a header of 16 bytes, found 4");
    put_be(0x803);
    put_be(1);
    put_be(0);
    put_be(1U << 31);
    save("x");
    check_refused("x", "x: expected images of 1 to 8192 pixels a side and at most 4194304 in all, "
                       "found 2147483648 by 0 (width by height)");
    /* A byte of the checksum, and the end. */
    size_t bytes;
    put_images(IMAGES);
    save_gzip("x");
    FILE *f = fopen("x", "rb");
    bytes = f ? fread(b, 1, sizeof b, f) : 0;
    CHECK(f && fclose(f) == 0 && bytes > 8);
    b[bytes - 6] ^= 1;
    file_put("x", b, bytes);
    check_refused("x", "x: damaged, or it ends early: it cannot be unpacked");
    b[bytes - 6] ^= 1;
    file_put("x", b, bytes - 1);
    check_refused("x", "x: damaged, or it ends early: it cannot be unpacked");
    file_put("x", b, bytes + 1);
    check_refused("x", "x: damaged, or it ends early: it cannot be unpacked");
    unlink("x");
}

/* --- STL-10 --- */

enum { STL = 96 };

static unsigned char column(int image, int c, int y, int x)
{
    return (unsigned char)(image * 100 + c * 31 + y * 3 + x * 5);
}

static void put_columns(int count, int h, int w)
{
    for (int i = 0; i < count; i++)
        for (int c = 0; c < 3; c++)
            for (int x = 0; x < w; x++)
                for (int y = 0; y < h; y++)
                    b[n++] = column(i, c, y, x);
}

static void check_columns(const struct data *d, int count, int h, int w, const int *label)
{
    uint8_t *p = mem_alloc((size_t)h * (size_t)w, 3);
    struct data_item item;
    CHECK(data_count(d) == count && data_h(d) == h && data_w(d) == w);
    for (int i = 0; i < count; i++) {
        CHECK(data_at(d, i, p, &item, &err) == 0);
        CHECK(item.label == label[i]);
        for (int k = 0; k < 3 * h * w; k++)
            CHECK(p[k] == column(i, k / (h * w), k % (h * w) / w, k % w));
    }
    free(p);
}

static void test_stl10(void)
{
    static const int label[] = {9, 0}, unknown[] = {-1, -1};
    struct data *d;
    folder("s");
    folder("s/stl10_binary");
    put_columns(2, STL, STL);
    save("s/stl10_binary/test_X.bin");
    CHECK(data_open(&d, "s", &none, &err) == 0);
    check_columns(d, 2, STL, STL, unknown);
    CHECK_STR(data_kind(d), "stl10");
    CHECK_STR(names_class(data_names(d), 7), "monkey");
    data_close(d);
    put("\x0a\1", 2);
    save("s/stl10_binary/test_y.bin");
    file_text("s/stl10_binary/class_names.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    CHECK(data_open(&d, "s/stl10_binary", &none, &err) == 0);
    check_columns(d, 2, STL, STL, label);
    CHECK_STR(names_class(data_names(d), 9), "j");
    data_close(d);
    file_text("s/stl10_binary/class_names.txt", "a\nb\n");
    check_refused("s", "s/stl10_binary/class_names.txt: expected 10 names, found 2");
    put("\x0b\1", 2);
    save("s/stl10_binary/test_y.bin");
    check_refused("s", "s/stl10_binary/test_y.bin: record 0: expected a class from 1 to 10, found "
                       "11");
    put("\1", 1);
    save("s/stl10_binary/test_y.bin");
    check_refused("s", "s/stl10_binary/test_y.bin: expected 2 labels, one for each image of "
                       "s/stl10_binary/test_X.bin, found 1");
    put_columns(1, STL, STL);
    n += 3;
    save("s/stl10_binary/test_X.bin");
    check_refused("s", "s/stl10_binary/test_X.bin: record 1: expected 27648 bytes, found 3");
    unlink("s/stl10_binary/test_X.bin");
    unlink("s/stl10_binary/test_y.bin");
    unlink("s/stl10_binary/class_names.txt");
    rmdir("s/stl10_binary");
    rmdir("s");
}

/* --- SVHN --- */

enum { SH = 2, SW = 3, DIGITS = 2 };

static void put_header(void)
{
    memset(b, ' ', 124);
    memcpy(b, "MATLAB 5.0 MAT-file", 19);
    memcpy(b + 124, "\0\1IM", 4);
    n = 128;
}

/* A matrix up to its numbers; returns where its length stands. */
static size_t begin_matrix(const char *name, unsigned char class, const uint32_t *dim, int dims)
{
    put_le(14);
    const size_t at = n;
    put_le(0);
    put_le(6);
    put_le(8);
    put_le(class);
    put_le(0);
    put_le(5);
    put_le((uint32_t)dims * 4);
    for (int i = 0; i < dims; i++)
        put_le(dim[i]);
    if (dims % 2)
        put_le(0);
    put_le(1U << 16 | 1);
    put(name, 1);
    put("\0\0\0", 3);
    return at;
}

static void end_matrix(size_t at)
{
    while (n % 8)
        b[n++] = 0;
    const size_t all = n;
    n = at;
    put_le((uint32_t)(all - at - 4));
    n = all;
}

static void put_x(uint32_t channels, uint32_t count)
{
    const uint32_t dim[] = {SH, SW, channels, count};
    const size_t at = begin_matrix("X", 9, dim, 4);
    put_le(2);
    put_le(SH * SW * 3 * DIGITS);
    put_columns(DIGITS, SH, SW);
    end_matrix(at);
}

static void put_y(uint32_t count, const double *digit)
{
    const uint32_t dim[] = {count, 1};
    const size_t at = begin_matrix("y", 6, dim, 2);
    put_le(9);
    put_le(count * 8);
    put(digit, count * 8);
    end_matrix(at);
}

/* What stands behind the header, as one packed element. */
static void pack_from(size_t at)
{
    unsigned char packed[4096];
    uLongf size = sizeof packed;
    CHECK(compress(packed, &size, b + at, n - at) == Z_OK);
    n = at;
    put_le(15);
    put_le((uint32_t)size);
    put(packed, size);
}

static const double digits[] = {10, 3};

static void test_svhn(void)
{
    static const int label[] = {0, 3};
    for (int packed = 0; packed < 2; packed++) {
        struct data *d;
        put_header();
        put_y(DIGITS, digits);
        if (packed)
            pack_from(128);
        const size_t at = n;
        put_x(3, DIGITS);
        if (packed)
            pack_from(at);
        save("test_32x32.mat");
        CHECK(data_open(&d, packed ? "." : "test_32x32.mat", &none, &err) == 0);
        CHECK_STR(data_kind(d), "svhn");
        check_columns(d, DIGITS, SH, SW, label);
        data_close(d);
    }
    unlink("test_32x32.mat");
}

static void test_svhn_broken(void)
{
    static const double bad[] = {3, 10.5};
    put_header();
    put_y(DIGITS, bad);
    save("x.mat");
    check_refused("x.mat", "x.mat: record 1: expected a digit from 1 to 10 in y, found 10.5");
    put_header();
    put_x(4, DIGITS);
    save("x.mat");
    check_refused("x.mat", "x.mat: X: expected uint8 (h, w, 3, n), found something else");
    put_header();
    put_x(3, DIGITS + 1);
    save("x.mat");
    check_refused("x.mat", "x.mat: X: expected 18 bytes for each of 3 images, found 36 in all");
    put_header();
    put_x(3, DIGITS);
    put_y(1, digits);
    save("x.mat");
    check_refused("x.mat", "x.mat: expected 2 labels in y, one for each image of X, found 1");
    put_header();
    put_y(DIGITS, digits);
    save("x.mat");
    check_refused("x.mat", "x.mat: expected a matrix X of images, found none");
    put_header();
    put_x(3, DIGITS);
    n -= 9;
    save("x.mat");
    check_refused("x.mat", "x.mat: byte 128: expected an element of a MATLAB file, found its end");
    put_header();
    put_x(3, DIGITS);
    pack_from(128);
    b[n - 2] ^= 1;
    save("x.mat");
    check_refused("x.mat", "x.mat: damaged, or it ends early: it cannot be unpacked");
    put_header();
    memcpy(b, "MATLAB 7.3 MAT-file", 19);
    save("x.mat");
    check_refused("x.mat", "x.mat: expected a MATLAB file of version 5, found another: save it "
                           "again by scipy.io.savemat or with -v7");
    put_header();
    b[126] = 'M';
    b[127] = 'I';
    save("x.mat");
    check_refused("x.mat", "x.mat: expected a MATLAB file in little-endian order, found another");
    unlink("x.mat");
}

/* --- Tiny ImageNet --- */

static void test_tiny(void)
{
    static const int label[] = {1, 0, 1};
    struct data_opts o = {.size = {.h = 2, .w = 2}};
    struct data *d;
    struct data_item item;
    folder("t");
    folder("t/test");
    folder("t/test/images");
    folder("t/val");
    folder("t/val/images");
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "t/val/images/val_%d.JPEG", i);
        golden_put("data/images/one.png", name);
    }
    golden_put("data/images/one.png", "t/test/images/test_0.JPEG");
    file_text("t/wnids.txt", "n3\nn1\nn2\n");
    file_text("t/words.txt", "n0\tentity\nn3\tcar, auto\nn1\tcar, coach\nn2\tegg, ovum\n");
    file_text("t/val/val_annotations.txt",
              "val_0.JPEG\tn2\t0\t0\t9\t9\nval_1.JPEG\tn1\t1\t2\t3\t4\n"
              "val_2.JPEG\tn2\n");
    for (int i = 0; i < 2; i++) {
        CHECK(data_open(&d, i ? "t/val" : "t", &o, &err) == 0);
        CHECK_STR(data_kind(d), "tiny-imagenet");
        CHECK(data_count(d) == 3 && data_names(d)->classes == 3);
        CHECK_STR(names_class(data_names(d), 0), "car, coach");
        CHECK_STR(names_class(data_names(d), 1), "egg");
        CHECK_STR(names_class(data_names(d), 2), "car, auto");
        for (int k = 0; k < 3; k++) {
            uint8_t p[3 * 2 * 2];
            CHECK(data_at(d, k, p, &item, &err) == 0);
            CHECK(item.label == label[k]);
        }
        char *file = data_file(d, 1);
        CHECK(strstr(file, "val/images/val_1.JPEG"));
        free(file);
        data_close(d);
    }
    unlink("t/wnids.txt");
    unlink("t/words.txt");
    CHECK(data_open(&d, "t", &o, &err) == 0);
    CHECK(data_names(d)->classes == 2);
    CHECK_STR(names_class(data_names(d), 1), "n2");
    data_close(d);
    file_text("t/wnids.txt", "n1\n");
    check_refused("t",
                  "t/val/val_annotations.txt:1: expected the id of a class of wnids.txt, found "
                  "'n2'");
    file_text("t/wnids.txt", "n1\nn/2\n");
    check_refused("t", "t/val/../wnids.txt:2: expected the id of a class, found 'n/2'");
    unlink("t/wnids.txt");
    file_text("t/val/val_annotations.txt", "../../etc/x.png\tn1\n");
    check_refused("t", "t/val/val_annotations.txt:1: expected the name of an image, found "
                       "'../../etc/x.png'");
    file_text("t/val/val_annotations.txt", "\n");
    check_refused("t", "t/val/val_annotations.txt:1: expected the id of a class, found ''");
    file_text("t/val/val_annotations.txt", "");
    check_refused("t", "t/val/val_annotations.txt: expected lines of images, found none");
    static const char *const files[] = {"t/val/val_annotations.txt", "t/val/images/val_0.JPEG",
                                        "t/val/images/val_1.JPEG", "t/val/images/val_2.JPEG",
                                        "t/test/images/test_0.JPEG"};
    static const char *const folders[] = {"t/val/images", "t/test/images", "t/val", "t/test", "t"};
    for (size_t i = 0; i < 5; i++)
        unlink(files[i]);
    for (size_t i = 0; i < 5; i++)
        rmdir(folders[i]);
}

int main(void)
{
    files_begin();
    test_mnist();
    test_mnist_broken();
    test_stl10();
    test_svhn();
    test_svhn_broken();
    test_tiny();
    files_end();
    return CHECK_DONE();
}
