/* Folders of images: which, in what order, under what classes; and what cannot be
 * read in them. */
#include "check.h"
#include "data_files.h"

#include "data/data.h"
#include "image/image.h"

static const struct data_opts none;

static void folder(const char *path)
{
    if (mkdir(path, 0777) != 0) {
        perror(path);
        exit(1);
    }
}

static void image(const char *as)
{
    golden_put("data/images/one.png", as);
}

static char told[512], warned[512];

static void tell(const char *text)
{
    snprintf(told, sizeof told, "%s", text);
}

static void warn(const char *text)
{
    snprintf(warned, sizeof warned, "%s", text);
}

static struct data *open_data(const char *path, const struct data_opts *o)
{
    struct err e;
    struct data *d = NULL;
    if (data_open(&d, path, o, &e) != 0)
        CHECK_STR(e.msg, "");
    return d;
}

static void check_refused(const char *path, const struct data_opts *o, const char *want)
{
    struct err e;
    struct data *d = NULL;
    CHECK(data_open(&d, path, o, &e) == -1);
    CHECK_STR(e.msg, want);
    data_close(d);
}

/* The message for an image that cannot be read. */
static void check_image(const struct data *d, int64_t id, const char *want)
{
    struct err e = {0};
    struct data_item item;
    uint8_t *pixels = mem_alloc(3 * (size_t)data_h(d) * (size_t)data_w(d), 1);
    CHECK(data_at(d, id, pixels, &item, &e) == -1);
    CHECK_STR(e.msg, want);
    free(pixels);
}

/* `text`: the labels and where they change, such as "001". */
static void check_labels(const struct data *d, const char *text)
{
    CHECK(data_count(d) == (int64_t)strlen(text));
    for (int64_t id = 0; id < data_count(d); id++) {
        struct err e;
        struct data_item item;
        CHECK(data_at(d, id, NULL, &item, &e) == 0);
        CHECK(item.id == id && item.superclass == -1);
        CHECK(item.label == (text[id] == '-' ? -1 : text[id] - '0'));
    }
}

/* The order of files shows in their messages. */
static void test_order(void)
{
    static const char *const file[] = {
        "o/a/z.png", "o/a/Z.JPG",    "o/a/b/x.png", "o/a/b-c/x.Jpeg",   "o/a/b/c/x.png",
        "o/B/1.png", "o/B/10.png",   "o/B/2.png",   "o/a/.x.png",       "o/.git/x.png",
        "o/a/x.gif", "o/a/noending", "o/x.png",     "o/a/Thumbs.db",    "o/B/y.GIF",
        "o/B/a.b c", "o/.DS_Store",  "o/notes.txt", "o/__MACOSX/x.png",
    };
    static const char *const order[] = {"o/B/1.png",      "o/B/10.png",   "o/B/2.png",
                                        "o/a/Z.JPG",      "o/a/z.png",    "o/a/b/x.png",
                                        "o/a/b-c/x.Jpeg", "o/a/b/c/x.png"};
    folder("o");
    folder("o/a");
    folder("o/a/b");
    folder("o/a/b/c");
    folder("o/a/b-c");
    folder("o/B");
    folder("o/empty");
    folder("o/.git");
    folder("o/__MACOSX");
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        file_text(file[i], "x");
    struct data_opts o = {.note = tell, .warn = warn};
    struct data *d = open_data("o/", &o);
    CHECK_STR(warned, "o: 9 files and 2 folders ignored: 2 without a known ending, 2 .gif, 1 .txt, "
                      "1 __MACOSX/, 1 Thumbs.db, 1 .DS_Store, 1 hidden, 1 hidden/, 1 beside the "
                      "class folders");
    CHECK_STR(told, "o: 8 images in 3 class folders");
    CHECK_STR(data_kind(d), "folder");
    CHECK_STR(data_name(d), "o");
    CHECK(data_h(d) == 32 && data_w(d) == 32);
    check_labels(d, "00011111");
    CHECK(data_names(d)->classes == 3 && data_ordered(d) == 3);
    CHECK_STR(names_class(data_names(d), 0), "B");
    CHECK_STR(names_class(data_names(d), 1), "a");
    CHECK_STR(names_class(data_names(d), 2), "empty");
    for (int i = 0; i < 8; i++) {
        char *want = mem_printf("%s: expected a PNG, JPEG, WebP or BMP image, found something else",
                                order[i]);
        check_image(d, i, want);
        free(want);
    }
    data_close(d);
}

static void test_flat(void)
{
    folder("flat");
    folder("flat/none");
    image("flat/b.png");
    image("flat/a.png");
    image("flat/c.jpg");
    file_text("flat/notes.txt", "x");
    struct data_opts o = {.note = tell, .warn = warn};
    struct data *d = open_data("flat", &o);
    CHECK_STR(told, "flat: 3 images");
    CHECK_STR(warned, "flat: 1 file ignored: 1 .txt");
    check_labels(d, "---");
    CHECK(data_names(d)->classes == 0 && data_ordered(d) == 0);
    check_image(d, 1,
                "flat/b.png: expected an image of 32 by 32 pixels, found 1 by 1 (height by width): "
                "give the size that the model was trained on, such as --resize 32x32, or --resize "
                "1x1 to keep images of this size as they are");
    golden_put("data/images/rgb8.png", "flat/b.png");
    setenv("HEATPIPE_STAGE", "x", 1);
    data_advise(d, 224);
    check_image(d, 1,
                "flat/b.png: expected an image of 32 by 32 pixels, found 9 by 13 (height by "
                "width): give the size that the model was trained on, such as RESIZE=224x224");
    unsetenv("HEATPIPE_STAGE");
    data_close(d);

    file_text("l", "1\nNA\n3\n");
    o.labels = "l";
    d = open_data("flat", &o);
    check_labels(d, "1-3");
    data_close(d);
    /* A byte order mark is no part of a label. */
    static const char *const marked[] = {"\xef\xbb\xbf"
                                         "1\r\nNA\r\n3\r\n",
                                         "\xef\xbb\xbf"
                                         "true\n1\nNA\n3\n"};
    for (int i = 0; i < 2; i++) {
        file_text("l", marked[i]);
        d = open_data("flat", &o);
        check_labels(d, "1-3");
        data_close(d);
    }
    file_text("l", "1\n2\n");
    check_refused("flat", &o, "l: expected 3 labels, one for each image of flat, found 2");
    check_refused("o", &o, "o: expected labels from --labels or from class folders, found both");
}

static void test_splits(void)
{
    folder("s");
    folder("s/train");
    folder("s/train/a");
    folder("s/val");
    folder("s/val/a");
    folder("s/val/b");
    image("s/train/a/1.png");
    image("s/val/b/1.png");
    struct data *d = open_data("s", &none);
    CHECK_STR(data_name(d), "s/val");
    check_labels(d, "1");
    data_close(d);
    /* Class folders tell more than images alone; the test split comes first. */
    folder("s/test");
    image("s/test/1.png");
    d = open_data("s", &none);
    CHECK_STR(data_name(d), "s/val");
    data_close(d);
    folder("s/test/a");
    image("s/test/a/1.png");
    d = open_data("s", &none);
    CHECK_STR(data_name(d), "s/test");
    data_close(d);
    /* Class folders may be called as splits are. */
    folder("s/other");
    image("s/other/1.png");
    d = open_data("s", &none);
    CHECK_STR(data_name(d), "s");
    check_labels(d, "01123");
    data_close(d);
    folder("empty");
    folder("empty/test");
    folder("empty/train");
    check_refused("empty", &none, "empty: expected images in test, val or valid, found none there");
    folder("empty/x");
    check_refused(
        "empty", &none,
        "empty: expected a folder with test.bin, test_batch.bin, test or test_batch, with "
        "cifar-100-binary or cifar-100-python in it, or with images (.png, .jpg, .jpeg, .webp, "
        ".bmp) in it or in class folders, found none of them");
    file_text("empty/x/1.tiff", "x");
    file_text("empty/x/2.TIFF", "x");
    check_refused(
        "empty", &none,
        "empty: expected a folder with test.bin, test_batch.bin, test or test_batch, with "
        "cifar-100-binary or cifar-100-python in it, or with images (.png, .jpg, .jpeg, .webp, "
        ".bmp) in it or in class folders, found none of them; 2 files ignored: 2 .tiff");
}

static void test_names(void)
{
    struct data_opts o = {.names = "n"};
    file_text("n", "\xef\xbb\xbf"
                   "a\r\nempty\nc\nB\n");
    struct data *d = open_data("o", &o);
    check_labels(d, "33300000");
    CHECK(data_names(d)->classes == 4 && data_ordered(d) == 0);
    data_close(d);
    file_text("n", "x\ny\nz\n");
    d = open_data("o", &o);
    check_labels(d, "00011111");
    CHECK_STR(names_class(data_names(d), 1), "y");
    data_close(d);
    file_text("n", "a\nempty\nc\nD\n");
    check_refused("o", &o, "o: expected class folders as n names them, found also 'B'");
    file_text("n", "x\ny\n");
    check_refused("o", &o,
                  "o: expected 2 class folders, as many as the names in n or called as these, "
                  "found 3");
    /* The folders of one data set as the names for another. */
    o.names = "o";
    d = open_data("o", &o);
    check_labels(d, "00011111");
    data_close(d);

    /* The order is said wherever it alone decides. */
    folder("ten");
    for (int i = 1; i <= 10; i++) {
        char *path = mem_printf("ten/%d", i);
        folder(path);
        free(path);
    }
    image("ten/10/1.png");
    image("ten/2/1.png");
    o = (struct data_opts){.warn = warn};
    d = open_data("ten", &o);
    check_labels(d, "12");
    CHECK_STR(warned, "ten: the class folders are numbered in the order of their names' bytes: '1' "
                      "is class 0, '10' is class 1, '2' is class 2, ...");
    data_close(d);
    file_text("n", "air\nbird\ncat\ndog\neel\nfox\ngnu\nhen\nibis\njay\n");
    o.names = "n";
    d = open_data("ten", &o);
    check_labels(d, "12");
    CHECK_STR(
        warned,
        "ten: no class folder has the name of a class in n, so they are taken in the "
        "order of their names' bytes: '1' is class 0 'air', '10' is class 1 'bird', "
        "'2' is class 2 'cat', ...; if that is wrong, give each folder the name of its class");
    data_close(d);
    file_text("n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
    warned[0] = '\0';
    d = open_data("ten", &o);
    check_labels(d, "91");
    data_close(d);
    folder("two");
    folder("two/0");
    folder("two/1");
    image("two/1/1.png");
    o.names = NULL;
    d = open_data("two", &o);
    CHECK_STR(warned, "");
    data_close(d);
    o = none;

    /* Bytes that would break a table or a terminal. */
    folder("w");
    folder("w/tab\there");
    folder("w/line\nfeed");
    folder("w/\"quoted\"");
    folder("w/latin\xe9");
    folder("w/esc\x1b[31m");
    file_text("w/latin\xe9/\x1b\n.png", "x");
    d = open_data("w", &none);
    static const char *const want[] = {"\"quoted\"", "esc\\x1B[31m", "latin\\xE9", "line\nfeed",
                                       "tab\there"};
    for (int i = 0; i < 5; i++)
        CHECK_STR(names_class(data_names(d), i), want[i]);
    check_image(d, 0,
                "w/latin\\xE9/\\x1B\\x0A.png: expected a PNG, JPEG, WebP or BMP image, found "
                "something else");
    data_close(d);
}

static void test_broken(void)
{
    folder("b");
    folder("b/c");
    file_text("b/c/0empty.png", "");
    image("b/c/1gone.png");
    CHECK(mkfifo("b/c/2pipe.png", 0666) == 0);
    CHECK(symlink("nowhere", "b/c/3link.png") == 0);
    file_text("b/c/4text.png", "GIF89a");
    file_text("b/c/5large.png", "");
    CHECK(truncate("b/c/5large.png", (off_t)IMAGE_BYTES + 1) == 0);
    struct data *d = open_data("b", &none);
    CHECK(data_count(d) == 6);
    unlink("b/c/1gone.png");
    /* Each of them is damage to one image: the others can be read. */
    uint8_t *pixels = mem_alloc(3 * 32 * 32, 1);
    struct data_item item;
    struct err why;
    for (int64_t id = 0; id < 6; id++) {
        CHECK(data_next(d, pixels, &item, &why) == DATA_DAMAGED);
        CHECK(item.id == id && strncmp(why.msg, "b/c/", 4) == 0);
    }
    CHECK(data_next(d, pixels, &item, &why) == 0);
    free(pixels);
    check_image(d, 0,
                "b/c/0empty.png: expected a PNG, JPEG, WebP or BMP image, found an empty file");
    check_image(d, 1, "b/c/1gone.png: No such file or directory");
    check_image(d, 2, "b/c/2pipe.png: expected an image, found no regular file");
    check_image(d, 3, "b/c/3link.png: No such file or directory");
    check_image(d, 4, "b/c/4text.png: expected a PNG, JPEG, WebP or BMP image, found a GIF");
    check_image(d, 5, "b/c/5large.png: expected at most 67108864 bytes, found 67108865");
    check_image(d, 6, "b: expected an image from 0 to 5, found the id 6");
    data_close(d);
    CHECK(symlink("../..", "b/c/up") == 0);
    check_refused("b", &none,
                  "b/c/up/b: expected a folder of images, found a link to a folder above it");
    unlink("b/c/up");
    CHECK(symlink(".", "b/here") == 0);
    check_refused("b", &none,
                  "b/here: expected a folder of images, found a link to a folder above it");
    unlink("b/here");
    /* Links that do not lead up are followed, to a depth. */
    CHECK(symlink("c", "b/d") == 0);
    d = open_data("b", &none);
    CHECK(data_count(d) == 10);
    data_close(d);
    char path[256] = "b/c";
    for (size_t n = strlen(path); n < 3 + 2 * 33; n += 2) {
        memcpy(path + n, "/x", 3);
        folder(path);
    }
    struct err e;
    CHECK(data_open(&d, "b", &none, &e) == -1);
    CHECK(strstr(e.msg, ": expected a folder of images, found folders nested deeper than 32"));
    if (geteuid() != 0) {
        CHECK(chmod("b/c", 0) == 0);
        check_refused("b", &none, "b/c: Permission denied");
        CHECK(chmod("b/c", 0777) == 0);
    }
}

/* Each image has a size of its own. */
static void test_resize(void)
{
    folder("r");
    golden_put("data/images/rgb8.png", "r/1.png");
    golden_put("data/images/one.png", "r/2.png");
    struct data_opts o = {.size = {.h = 9, .w = 13}};
    struct data *d = open_data("r", &o);
    CHECK(data_h(d) == 9 && data_w(d) == 13);
    uint8_t pixels[3 * 9 * 13], one[3];
    struct data_item item;
    struct err e;
    struct image im;
    size_t n;
    unsigned char *bytes = golden_get("data/images/rgb8.png", &n);
    CHECK(image_decode(&im, bytes, n, "x", &e) == 0);
    CHECK(data_next(d, pixels, &item, &e) == 1);
    CHECK(memcmp(pixels, im.pixels, sizeof pixels) == 0);
    image_free(&im);
    free(bytes);
    bytes = golden_get("data/images/one.png", &n);
    CHECK(image_decode(&im, bytes, n, "x", &e) == 0);
    memcpy(one, im.pixels, 3);
    CHECK(data_next(d, pixels, &item, &e) == 1);
    for (int i = 0; i < 3 * 9 * 13; i++)
        CHECK(pixels[i] == one[i / (9 * 13)]);
    CHECK(data_next(d, pixels, &item, &e) == 0);
    image_free(&im);
    free(bytes);
    data_close(d);
}

/* Images of several shapes: the shorter side, and the middle of it. */
static void test_crop(void)
{
    folder("k");
    golden_put("data/images/one.png", "k/1.png");
    golden_put("data/images/rgb8.png", "k/2.png");
    struct data_opts o = {.size = {.shorter = 6}};
    struct data *d = open_data("k", &o);
    CHECK(data_h(d) == 6 && data_w(d) == 6);
    check_image(
        d, 1,
        "k/2.png: expected a square image, whose sides all are 6 after resizing, found 9 by "
        "13 (height by width): give --crop 6 or another crop");
    data_close(d);
    o.size.crop_h = 5;
    o.size.crop_w = 4;
    d = open_data("k", &o);
    CHECK(data_h(d) == 5 && data_w(d) == 4);
    uint8_t pixels[3 * 5 * 4], want[3 * 5 * 4];
    struct data_item item;
    struct err e;
    struct image im;
    size_t n;
    unsigned char *bytes = golden_get("data/images/rgb8.png", &n);
    CHECK(image_decode(&im, bytes, n, "x", &e) == 0);
    geometry_run(&o.size, im.pixels, im.h, im.w, want);
    CHECK(data_at(d, 0, pixels, &item, &e) == 0);
    CHECK(data_at(d, 1, pixels, &item, &e) == 0);
    CHECK(memcmp(pixels, want, sizeof want) == 0);
    image_free(&im);
    free(bytes);
    data_close(d);
}

int main(void)
{
    files_begin();
    test_order();
    test_flat();
    test_splits();
    test_names();
    test_broken();
    test_resize();
    test_crop();
    files_end();
    return CHECK_DONE();
}
