/* Images in CIFAR's layouts, as files, folders and streams. */
#include "check.h"
#include "data_files.h"

#include "data/data.h"

#include <pthread.h>

enum { PIXELS = 3072, MAX_IMAGES = 40 };

static struct err err;
static const struct data_opts none;

/* tests/golden/data/make.py */
static const int fine[] = {3, 97}, coarse[] = {8, 0}, plain[] = {9, 0};

static unsigned char pixel(int image, int k)
{
    return (unsigned char)(k / 64 * 3 + 50 * image);
}

/* Records of CIFAR-100 or, with `labels` 1, of CIFAR-10, the labels in turn. */
static size_t make(unsigned char *b, int images, int labels)
{
    unsigned char *p = b;
    for (int i = 0; i < images; i++) {
        if (labels == 2) {
            *p++ = (unsigned char)coarse[i % 2];
            *p++ = (unsigned char)fine[i % 2];
        } else {
            *p++ = (unsigned char)plain[i % 2];
        }
        for (int k = 0; k < PIXELS; k++)
            *p++ = pixel(i, k);
    }
    return (size_t)(p - b);
}

static bool is_image(const uint8_t *p, int image)
{
    for (int k = 0; k < PIXELS; k++)
        if (p[k] != pixel(image, k))
            return false;
    return true;
}

static struct data *open_data(const char *path, const struct data_opts *o)
{
    struct data *d = NULL;
    strcpy(err.msg, "");
    return data_open(&d, path, o, &err) == 0 ? d : NULL;
}

/* Reads a data set through and checks each image and label. */
static void check_images(const char *path, const char *kind, int images)
{
    struct data *d = open_data(path, &none);
    CHECK_STR(err.msg, "");
    if (!d)
        return;
    bool hundred = strcmp(kind, "cifar100") == 0;
    CHECK_STR(data_kind(d), kind);
    CHECK(data_h(d) == 32 && data_w(d) == 32 && data_count(d) == images);
    uint8_t p[PIXELS];
    struct data_item item;
    for (int i = 0; i < images; i++) {
        CHECK(data_next(d, p, &item, &err) == 1 && item.id == i && is_image(p, i));
        CHECK(item.label == (hundred ? fine : plain)[i % 2]);
        CHECK(item.superclass == (hundred ? coarse[i % 2] : -1));
    }
    CHECK(data_next(d, p, &item, &err) == 0 && data_next(d, p, &item, &err) == 0);
    CHECK(data_at(d, images - 1, p, &item, &err) == 0 && is_image(p, images - 1));
    CHECK(data_at(d, 0, p, &item, &err) == 0 && is_image(p, 0) && item.id == 0);
    CHECK(data_at(d, images, p, &item, &err) < 0 && data_at(d, -1, p, &item, &err) < 0);
    const struct names *n = data_names(d);
    CHECK(n->classes == (hundred ? 100 : 10) && n->superclasses == (hundred ? 20 : 0));
    if (hundred && n->classes == 100)
        CHECK(n->superclass[3] == 8 && n->superclass[97] == 0 && n->superclass[4] == -1);
    data_close(d);
}

static void test_layouts(void)
{
    unsigned char b[3 * (PIXELS + 2)];
    file_put("a.bin", b, make(b, 3, 2));
    check_images("a.bin", "cifar100", 3);
    file_put("b.bin", b, make(b, 3, 1));
    check_images("b.bin", "cifar10", 3);
    static const char *const pickles[] = {"cifar100_python2", "cifar100_protocol2",
                                          "cifar100_protocol5", "cifar10_bytes"};
    for (int i = 0; i < 4; i++) {
        char *golden = mem_printf("data/%s", pickles[i]);
        golden_put(golden, "pickle");
        check_images("pickle", i < 3 ? "cifar100" : "cifar10", 2);
        free(golden);
    }
    unlink("a.bin");
    unlink("b.bin");
    unlink("pickle");
}

/* The same names in the files of both layouts. */
static void put_names(void)
{
    FILE *f = fopen("fine_label_names.txt", "w"), *g = fopen("coarse_label_names.txt", "w");
    FILE *m = fopen("meta", "w");
    if (!f || !g || !m)
        exit(1);
    fprintf(m, "\x80\x02}(S'fine_label_names'\n(l");
    for (int i = 0; i < 100; i++) {
        fprintf(f, "%s%d\n", i == 3 ? "b\xc3\xa4r" : "class", i);
        fprintf(m, "S'%s%d'\na", i == 3 ? "b\\xc3\\xa4r" : "class", i);
    }
    fprintf(m, "S'coarse_label_names'\n(l");
    for (int i = 0; i < 20; i++) {
        fprintf(g, "group%d\r\n", i);
        fprintf(m, "Vgroup%d\na", i);
    }
    fprintf(m, "u.");
    fclose(f);
    fclose(g);
    fclose(m);
}

static void check_names(const char *path)
{
    struct data *d = open_data(path, &none);
    CHECK_STR(err.msg, "");
    if (!d)
        return;
    const struct names *n = data_names(d);
    char buf[16];
    CHECK(n->classes == 100 && n->superclasses == 20);
    CHECK_STR(names_class(n, 3), "b\xc3\xa4r3");
    CHECK_STR(names_class(n, 99), "class99");
    CHECK_STR(names_class(n, 100), "NA");
    CHECK_STR(names_superclass(n, 3, buf), "group8");
    CHECK_STR(names_superclass(n, 97, buf), "group0");
    CHECK_STR(names_superclass(n, 5, buf), "NA");
    data_close(d);
}

static void test_folders(void)
{
    unsigned char b[2 * (PIXELS + 2)];
    CHECK(mkdir("cifar-100-binary", 0777) == 0 && mkdir("cifar-100-python", 0777) == 0);
    CHECK(!open_data(".", &none));
    CHECK_STR(err.msg, ".: expected a folder with test.bin, test_batch.bin, test or test_batch, "
                       "with cifar-100-binary or cifar-100-python in it, or with images (.png, "
                       ".jpg, .jpeg, .webp, .bmp) in it or in class folders, found none of them");
    CHECK(chdir("cifar-100-python") == 0);
    put_names();
    golden_put("data/cifar100_python2", "test");
    check_images("test", "cifar100", 2);
    check_names("test");
    check_names(".");
    check_names("..");
    CHECK(rename("fine_label_names.txt", "../cifar-100-binary/fine_label_names.txt") == 0);
    CHECK(rename("coarse_label_names.txt", "../cifar-100-binary/coarse_label_names.txt") == 0);
    check_names("test");
    CHECK(chdir("../cifar-100-binary") == 0);
    file_put("test.bin", b, make(b, 2, 2));
    check_names("test.bin");
    check_names("../cifar-100-binary//");
    CHECK(chdir("..") == 0);
    check_names(".");

    file_text("cifar-100-binary/fine_label_names.txt", "a\n\nb\n");
    CHECK(!open_data("cifar-100-binary", &none));
    CHECK_STR(err.msg, "cifar-100-binary/fine_label_names.txt:2: expected a name of 1 to 65536 "
                       "bytes, found an empty text");
    file_text("cifar-100-binary/fine_label_names.txt", "a\nb\n");
    CHECK(!open_data("cifar-100-binary", &none));
    CHECK_STR(err.msg, "cifar-100-binary/test.bin: record 0: expected a class below 2, as "
                       "cifar-100-binary/fine_label_names.txt has them, found 3");
    struct data_opts o = {.names = "cifar-100-python/meta"};
    struct data *d = open_data("cifar-100-binary", &o);
    CHECK(d && data_names(d)->classes == 100 && data_names(d)->superclass[3] == 8);
    data_close(d);

    /* Superclasses of one's own stand for the records'. */
    file_text("own.tsv", "class\tname\tgroup\tgroup_name\n3\tx\t1\tone\n97\ty\t0\tnought\n");
    o.names = "own.tsv";
    d = open_data("cifar-100-binary", &o);
    CHECK_STR(err.msg, "");
    uint8_t p[PIXELS];
    struct data_item item;
    CHECK(d && data_at(d, 0, p, &item, &err) == 0 && item.superclass == 1);
    CHECK(d && data_names(d)->superclasses == 2);
    data_close(d);
    static const char *const made[] = {"cifar-100-binary/fine_label_names.txt",
                                       "cifar-100-binary/coarse_label_names.txt",
                                       "cifar-100-binary/test.bin",
                                       "cifar-100-python/meta",
                                       "cifar-100-python/test",
                                       "own.tsv"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        unlink(made[i]);
    rmdir("cifar-100-binary");
    rmdir("cifar-100-python");
}

/* --- streams --- */

static int pipe_in;

static void stream_begin(void)
{
    int fd[2];
    if (pipe(fd) != 0 || dup2(fd[0], STDIN_FILENO) < 0)
        exit(1);
    close(fd[0]);
    pipe_in = fd[1];
}

static void stream_put(const unsigned char *b, size_t n)
{
    if (write(pipe_in, b, n) != (ssize_t)n)
        exit(1);
}

/* The first images come while later ones have not been written. */
static void test_stream(int labels)
{
    unsigned char b[4 * (PIXELS + 2)];
    size_t n = make(b, 4, labels), record = n / 4;
    uint8_t p[PIXELS];
    struct data_item item;
    stream_begin();
    /* One record shows CIFAR-100; CIFAR-10 takes a little of the next one. */
    size_t first = labels == 2 ? record : record + 2;
    stream_put(b, first);
    struct data *d = open_data("-", &none);
    CHECK_STR(err.msg, "");
    CHECK(d && data_count(d) == -1 && data_names(d)->classes == 0);
    CHECK(d && data_next(d, p, &item, &err) == 1 && is_image(p, 0) && item.id == 0);
    stream_put(b + first, 2 * record - first);
    CHECK(d && data_next(d, p, &item, &err) == 1 && is_image(p, 1) && item.id == 1);
    CHECK(d && data_at(d, 0, p, &item, &err) < 0);
    CHECK_STR(err.msg, "standard input: expected a file to take image 0 from, found a stream");
    stream_put(b + 2 * record, record + 10);
    close(pipe_in);
    CHECK(d && data_next(d, p, &item, &err) == 1 && item.label == (labels == 2 ? fine : plain)[0]);
    CHECK(d && data_next(d, p, &item, &err) == -1);
    CHECK_STR(err.msg, labels == 2 ? "standard input: record 3: expected 3074 bytes, found 10"
                                   : "standard input: record 3: expected 3073 bytes, found 10");
    data_close(d);
}

static void *put_pickle(void *arg)
{
    size_t n;
    unsigned char *b = golden_get("data/cifar100_protocol2", &n);
    stream_put(b, n);
    close(pipe_in);
    free(b);
    return arg;
}

static void test_stream_pickle(void)
{
    pthread_t t;
    stream_begin();
    pthread_create(&t, NULL, put_pickle, NULL);
    struct data *d = open_data("-", &none);
    uint8_t p[PIXELS];
    struct data_item item;
    CHECK(d && data_next(d, p, &item, &err) == 1 && is_image(p, 0) && item.label == 3);
    CHECK(d && data_next(d, p, &item, &err) == 1 && is_image(p, 1) && item.superclass == 0);
    CHECK(d && data_next(d, p, &item, &err) == 0);
    pthread_join(t, NULL);
    data_close(d);
}

static void test_stream_errors(void)
{
    unsigned char b[3 * (PIXELS + 2)];
    uint8_t p[PIXELS];
    struct data_item item;
    size_t n = make(b, 3, 2);
    /* One class in two superclasses; the first record had it right. */
    b[2 * (PIXELS + 2)] = 5;
    stream_begin();
    stream_put(b, n);
    close(pipe_in);
    struct data *d = open_data("-", &none);
    CHECK(d && data_next(d, p, &item, &err) == 1 && data_next(d, p, &item, &err) == 1);
    CHECK(d && data_next(d, p, &item, &err) == -1);
    CHECK_STR(err.msg, "standard input: record 2: expected superclass 8 for class 3, as in an "
                       "earlier record, found 5");
    data_close(d);

    /* A label beyond the classes in the very first record. */
    n = make(b, 3, 2);
    b[1] = 137;
    stream_begin();
    stream_put(b, n);
    close(pipe_in);
    d = open_data("-", &none);
    CHECK(d && data_next(d, p, &item, &err) == -1);
    CHECK_STR(err.msg, "standard input: record 0: expected a class below 100, found 137");
    data_close(d);

    stream_begin();
    close(pipe_in);
    CHECK(!open_data("-", &none));
    CHECK_STR(err.msg, "standard input: expected images, found nothing");
}

/* --- what is wrong with files --- */

static void check_bad(const char *name, const void *bytes, size_t n, const char *message)
{
    file_put(name, bytes, n);
    struct data *d = open_data(name, &none);
    CHECK(!d);
    CHECK_STR(err.msg, message);
    data_close(d);
    unlink(name);
}

static void test_errors(void)
{
    static unsigned char b[3 * (PIXELS + 2) + 1];
    size_t n = make(b, 3, 2);
    check_bad("x", b, 0, "x: expected images, found nothing");
    check_bad("x", b, n - 1, "x: record 2: expected 3074 bytes, found 3073");
    check_bad("x", b, n - (PIXELS + 1), "x: record 2: expected 3074 bytes, found 1");
    check_bad("x", b, n + 1, "x: record 3: expected 3074 bytes, found 1");
    b[PIXELS + 2 + 1] = 100;
    check_bad("x", b, n, "x: record 1: expected a class below 100, found 100");
    b[PIXELS + 2 + 1] = 97;
    b[PIXELS + 2] = 20;
    check_bad("x", b, n, "x: record 1: expected a superclass below 20, found 20");
    b[PIXELS + 2] = 0;
    b[2 * (PIXELS + 2)] = 5;
    check_bad("x", b, n,
              "x: record 2: expected superclass 8 for class 3, as in an earlier record, found 5");
    n = make(b, 3, 1);
    check_bad("x", b, n - 1, "x: record 2: expected 3073 bytes, found 3072");
    b[0] = 10;
    check_bad("x", b, n, "x: record 0: expected a class below 10, found 10");

#define NO_IMAGES                                                                                  \
    "x: expected images as CIFAR binary records, a CIFAR pickle, an .npy tensor or the files of "  \
    "MNIST, SVHN or STL-10, found "
    check_bad("x", "some text\n", 10, NO_IMAGES "something else");
    check_bad("x", "\x1f\x8b\x08 archive", 11, NO_IMAGES "a gzip archive: unpack it with tar xzf");
    check_bad("x", "\x89PNG\r\n", 6, NO_IMAGES "a PNG image: name the folder it lies in");
    CHECK(!open_data("none", &none));
    CHECK_STR(err.msg, "none: No such file or directory");
    struct data_opts o = {.labels = "l"};
    make(b, 1, 2);
    file_put("x", b, PIXELS + 2);
    CHECK(!open_data("x", &o));
    CHECK_STR(err.msg,
              "x: expected images in .npy or in a folder to go with the labels in l, found others");
    unlink("x");
}

/* The golden pickle with one text in place of another of the same length. */
static void check_pickle(const char *from, const char *to, size_t n, const char *message)
{
    size_t size;
    unsigned char *b = golden_get("data/cifar100_python2", &size);
    unsigned char *at = memmem(b, size, from, n);
    CHECK(at);
    if (at)
        memcpy(at, to, n);
    check_bad("x", b, size, message);
    free(b);
}

static void test_pickle_errors(void)
{
    check_pickle(
        "U\4data", "U\4dada", 6,
        "x: expected a pickled dict with data and labels or fine_labels, found other keys");
    check_pickle("K\3Ka", "K\3Kd", 4, "x: record 1: expected a class below 100, found 100");
    check_pickle("K\10K\0", "K\10K\x14", 4,
                 "x: record 1: expected a superclass below 20, found 20");
    check_pickle("K\3Ka", "NNKa", 4,
                 "x: fine_labels: expected 2 labels, one for each row of data, found 3");
    check_pickle("(K\3Kae", "(K\3Kat", 6,
                 "x: pickle offset 6348: expected keys with values, found a key without one");
    check_pickle("U\2u1", "U\2u2", 4,
                 "x: data: expected a numpy array uint8 (n,3072), found an array whose shape does "
                 "not fit its bytes");
    check_pickle("K\2M\0\x0c", "K\1M\0\x18", 5,
                 "x: data: expected a numpy array uint8 (n,3072), found an array of another shape");
    check_pickle("K\2M\0\x0c", "K\2M\1\x0c", 5,
                 "x: data: expected a numpy array uint8 (n,3072), found an array whose shape does "
                 "not fit its bytes");
    check_pickle("\x89T", "\x88T", 2,
                 "x: data: expected a numpy array uint8 (n,3072), found an array in Fortran order");
    size_t n;
    unsigned char *b = golden_get("data/cifar100_python2", &n);
    check_bad("x", b, n - 100, "x: pickle offset 197: expected 6144 bytes of text, found 6048");
    check_bad("x", b, 60, "x: pickle offset 54: expected 13 bytes of text, found 4");
    free(b);
    check_bad(
        "x", "\x80\2N.", 4,
        "x: expected a pickled dict with data and labels or fine_labels, found another value");
    static const char system[] = "\x80\2cos\nsystem\nU\2id\x85R.";
    check_bad("x", system, sizeof system - 1,
              "x: pickle offset 18: expected only calls that rebuild tensors and plain values, "
              "found a call of os.system (nothing was run)");
}

/* Damaged files give images or an error. */
static void test_damage(void)
{
    static const char *const files[] = {"data/cifar100_python2", "data/cifar100_protocol2",
                                        "data/cifar100_protocol5", "data/cifar10_bytes"};
    uint64_t state = 7;
    for (int f = 0; f < 4; f++) {
        size_t n, head = 300;
        unsigned char *good = golden_get(files[f], &n), *b = mem_alloc(n, 1);
        for (int i = 0; i < 400; i++) {
            memcpy(b, good, n);
            /* Most bytes are pixels: the damage goes where the structure is. */
            size_t m = file_damage(b, i % 4 ? head : n, &state);
            struct data *d = open_data(memory_put(b, m == head ? n : m), &none);
            uint8_t p[PIXELS];
            struct data_item item;
            while (d && data_next(d, p, &item, &err) == 1)
                ;
            data_close(d);
        }
        free(b);
        free(good);
    }
}

/* --- threads --- */

static struct data *shared;

static void *read_some(void *arg)
{
    uint8_t p[PIXELS];
    struct data_item item;
    bool good = true;
    for (int i = 0; i < 200; i++) {
        int id = i * 7 % MAX_IMAGES;
        struct err e;
        good = good && data_at(shared, id, p, &item, &e) == 0 && is_image(p, id);
    }
    return good ? arg : NULL;
}

static void test_threads(void)
{
    static unsigned char b[MAX_IMAGES * (PIXELS + 2)];
    file_put("a.bin", b, make(b, MAX_IMAGES, 2));
    shared = open_data("a.bin", &none);
    pthread_t t[2];
    for (int i = 0; i < 2 && shared; i++)
        pthread_create(&t[i], NULL, read_some, shared);
    for (int i = 0; i < 2 && shared; i++) {
        void *good = NULL;
        pthread_join(t[i], &good);
        CHECK(good);
    }
    data_close(shared);
    unlink("a.bin");
}

int main(void)
{
    alarm(60);
    files_begin();
    test_layouts();
    test_folders();
    test_stream(2);
    test_stream(1);
    test_stream_pickle();
    test_stream_errors();
    test_errors();
    test_pickle_errors();
    test_damage();
    test_threads();
    files_end();
    return CHECK_DONE();
}
