/* The files of MNIST and of the sets in its layout, http://yann.lecun.com/exdb/mnist: grey images
 * behind a header of big-endian numbers, plain or packed by gzip, with labels beside them. */
#include "data/array.h"
#include "data/inflate.h"

#include "base/map.h"
#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <strings.h>

enum { HEADER = 16 };

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Bytes in three dimensions: 0, 0, 8, 3. */
static bool starts(const unsigned char *p, int64_t n)
{
    return n >= 4 && big_endian(p) == 0x00000803;
}

static int read_header(struct array *a, const unsigned char *p, int64_t n, const char *name,
                       struct err *e)
{
    if (n < HEADER)
        return err_set(e, "%s: expected a header of %d bytes, found %lld", name, HEADER,
                       (long long)n);
    const int64_t h = big_endian(p + 8), w = big_endian(p + 12);
    if (array_check_size(h, w, name, e) != 0)
        return -1;
    a->images = big_endian(p + 4);
    a->base.h = (int)h;
    a->base.w = (int)w;
    a->offset = HEADER;
    return 0;
}

static int64_t whole(const struct array *a)
{
    return HEADER + a->images * (int64_t)array_bytes(a);
}

/* The images of a packed file; nothing is taken from it where it holds something else: 1, 0, -1. */
static int unpack(struct array *a, struct in *in, bool stream, struct err *e)
{
    const char *name = in_name(in);
    unsigned char first[HEADER];
    struct map m;
    if ((stream ? map_rest(&m, in, INFLATE_BYTES, e) : map_open(&m, name, INFLATE_BYTES, e)) != 0)
        return -1;
    struct err none;
    const long n = inflate_first(first, HEADER, m.p, m.n, name, &none);
    int r = n >= 0 && starts(first, n);
    if (r == 1 && (read_header(a, first, n, name, e) != 0 ||
                   inflate_all(&a->bytes, (size_t)whole(a), m.p, m.n, name, e) != 0))
        r = -1;
    map_close(&m);
    if (r == 1)
        memmove(a->bytes, a->bytes + HEADER, (size_t)whole(a) - HEADER);
    if (r == 0 && stream)
        return err_set(e, "%s: expected images of MNIST's layout in what gzip packed, found others",
                       name);
    return r;
}

/* A plain file, or a stream, of which the header is taken. */
static int open_plain(struct array *a, struct in *in, bool stream, struct err *e)
{
    unsigned char first[HEADER];
    const char *name = in_name(in);
    const int64_t n = stream ? in_read(in, first, HEADER, e) : 0, size = in_size(in);
    const unsigned char *p = first;
    const int64_t seen = stream ? n : in_peek(in, &p, HEADER, e);
    if (n < 0 || seen < 0 || read_header(a, p, seen, name, e) != 0)
        return -1;
    if (stream || size == whole(a))
        return 0;
    return err_set(e, "%s: expected %lld bytes for %lld images of %d by %d, found %lld", name,
                   (long long)whole(a), (long long)a->images, a->base.h, a->base.w,
                   (long long)size);
}

/* Zalando's set has MNIST's layout and file names: only the name of a folder tells. */
static bool is_fashion(const char *path)
{
    char *real = realpath(path, NULL);
    const bool fashion =
        real && (strcasestr(real, "fashionmnist") || strcasestr(real, "fashion-mnist") ||
                 strcasestr(real, "fashion_mnist"));
    free(real);
    return fashion;
}

static void name_classes(struct array *a)
{
    static const char *const names[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                        "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                        "Bag",         "Ankle boot"};
    enum { CLASSES = sizeof names / sizeof *names };
    array_name_classes(a, names, CLASSES);
}

/* "t10k-images-idx3-ubyte.gz" has its labels in "t10k-labels-idx1-ubyte.gz", or unpacked. */
static char *labels_beside(const char *path)
{
    static const char *const ends[][2] = {{"images-idx3-ubyte", "labels-idx1-ubyte"},
                                          {"images.idx3-ubyte", "labels.idx1-ubyte"}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (int packed = 0; packed < 4; packed++) {
            char *end = mem_printf("%s%s", ends[i][0], packed & 1 ? ".gz" : "");
            char *other = mem_printf("%s%s", ends[i][1], packed == 1 || packed == 2 ? ".gz" : "");
            char *found = array_beside(path, end, other);
            free(end);
            free(other);
            if (found)
                return found;
        }
    return NULL;
}

static int take_labels(struct array *a, const char *path, const struct data_opts *o, struct err *e)
{
    if (o->labels)
        return array_labels(a, o->labels, e);
    char *beside = labels_beside(path);
    if (!beside)
        return 0;
    inputs_add(o->inputs, beside);
    const int r = array_labels(a, beside, e);
    free(beside);
    return r;
}

int source_idx(struct source **out, struct in **in_taken, bool stream, const struct data_opts *o,
               struct err *e)
{
    struct in *in = *in_taken;
    const unsigned char *p;
    const int64_t n = in_peek(in, &p, 4, e);
    if (n < 0)
        return -1;
    const bool packed = inflate_gzip(p, (size_t)n);
    if (!packed && !starts(p, n))
        return 0;
    struct array *a = array_new();
    int r = packed ? unpack(a, in, stream, e) : open_plain(a, in, stream, e) == 0 ? 1 : -1;
    if (r == 1) {
        *in_taken = NULL;
        a->base.in = in;
        a->base.kind = "mnist";
        a->base.count = stream ? -1 : a->images;
        if (!stream && is_fashion(in_name(in))) {
            a->base.kind = "fashion-mnist";
            name_classes(a);
        }
        if (take_labels(a, in_name(in), o, e) != 0)
            r = -1;
    }
    if (r == 1)
        *out = &a->base;
    else
        array_free(a);
    return r;
}
