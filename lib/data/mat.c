/* Images and labels of SVHN, http://ufldl.stanford.edu/housenumbers: X of uint8 (h, w, 3, n) and y
 * of n numbers in a MATLAB file of version 5, packed or not ("MAT-File Format", MathWorks). */
#include "data/array.h"
#include "data/inflate.h"

#include "base/map.h"
#include "base/mem.h"
#include "data/names_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER = 128,
    TAG = 8,
    /* Types of elements. */
    MI_INT8 = 1,
    MI_UINT8 = 2,
    MI_INT16 = 3,
    MI_UINT16 = 4,
    MI_INT32 = 5,
    MI_UINT32 = 6,
    MI_SINGLE = 7,
    MI_DOUBLE = 9,
    MI_INT64 = 12,
    MI_UINT64 = 13,
    MI_MATRIX = 14,
    MI_COMPRESSED = 15,
    MX_UINT8 = 9, /* a class of matrices */
    DIMS = 4,
    NAME = 64,
    FIRST = 256, /* bytes in which a matrix says what it is */
    ELEMENTS = 1024,
    LABELS = 1 << 23,
    ZERO = 10 /* the class that stands for the digit 0 */
};

static const size_t file_limit = (size_t)1 << 32;

/* An element: so many bytes of one type. */
struct element {
    uint32_t type, n;
    const unsigned char *p;
    size_t whole; /* with its tag and padding */
};

/* What is known of a matrix before its numbers. */
struct matrix {
    int class;
    uint32_t dim[DIMS];
    int dims;
    char name[NAME];
    struct element data; /* of which p may lie behind what is there */
};

struct svhn {
    const char *name;
    struct array *array;
    const struct map *map;
    bool images, labels;
    int64_t count; /* of labels */
};

static uint32_t number(const unsigned char *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The tag at p[n]; whether the element is there whole. */
static bool read_tag(struct element *x, const unsigned char *p, size_t n, bool *whole)
{
    if (n < TAG)
        return false;
    const uint32_t first = number(p);
    const bool small = first >> 16 != 0;
    x->type = small ? first & 0xffff : first;
    x->n = small ? first >> 16 : number(p + 4);
    if (small && x->n > 4)
        return false;
    x->p = p + (small ? 4 : TAG);
    x->whole = small ? TAG : TAG + ((size_t)x->n + 7) / 8 * 8;
    *whole = x->whole <= n || (size_t)(x->p - p) + x->n == n;
    return true;
}

static bool take(struct element *x, const unsigned char **p, size_t *n, uint32_t type)
{
    bool whole;
    if (!read_tag(x, *p, *n, &whole) || !whole || x->type != type)
        return false;
    const size_t step = x->whole < *n ? x->whole : *n;
    *p += step;
    *n -= step;
    return true;
}

/* The parts of a matrix before its numbers, and their tag. */
static bool read_matrix(struct matrix *m, const unsigned char *p, size_t n)
{
    struct element flags, dims, name;
    bool whole;
    *m = (struct matrix){.dims = 0};
    if (!take(&flags, &p, &n, MI_UINT32) || flags.n != 8 || !take(&dims, &p, &n, MI_INT32) ||
        !take(&name, &p, &n, MI_INT8) || dims.n % 4 != 0 || dims.n / 4 > DIMS || dims.n < 8 ||
        name.n >= NAME)
        return false;
    m->class = flags.p[0];
    m->dims = (int)(dims.n / 4);
    for (int i = 0; i < m->dims; i++)
        m->dim[i] = number(dims.p + 4 * i);
    memcpy(m->name, name.p, name.n);
    return read_tag(&m->data, p, n, &whole);
}

static int bad(const struct svhn *s, const char *what, const char *found, struct err *e)
{
    return err_set(e, "%s: %s: expected %s, found something else", s->name, found, what);
}

/* X, for whose numbers there are `room` bytes. */
static int check_images(struct svhn *s, const struct matrix *m, size_t room, struct err *e)
{
    struct array *a = s->array;
    if (s->images)
        return bad(s, "it once", "X", e);
    if (m->class != MX_UINT8 || m->data.type != MI_UINT8 || (m->dims != 4 && m->dims != 3) ||
        m->dim[2] != 3)
        return bad(s, "uint8 (h, w, 3, n)", "X", e);
    if (array_check_size(m->dim[0], m->dim[1], s->name, e) != 0)
        return -1;
    a->base.h = (int)m->dim[0];
    a->base.w = (int)m->dim[1];
    a->images = m->dims == 4 ? m->dim[3] : 1;
    const size_t each = array_bytes(a);
    if ((uint64_t)m->data.n != (uint64_t)each * (uint64_t)a->images || m->data.n > room)
        return err_set(e, "%s: X: expected %zu bytes for each of %lld images, found %u in all",
                       s->name, each, (long long)a->images, m->data.n);
    s->images = true;
    return 0;
}

/* A number of any type; NAN for none. */
static double value_at(const struct element *x, size_t i)
{
    const unsigned char *p = x->p;
    int64_t whole = 0;
    double d;
    float f;
    switch (x->type) {
    case MI_UINT8:
        return p[i];
    case MI_INT8:
        return (int8_t)p[i];
    case MI_INT16:
    case MI_UINT16:
        return p[2 * i] | p[2 * i + 1] << 8;
    case MI_INT32:
    case MI_UINT32:
        return number(p + 4 * i);
    case MI_INT64:
    case MI_UINT64:
        memcpy(&whole, p + 8 * i, sizeof whole);
        return (double)whole;
    case MI_SINGLE:
        memcpy(&f, p + 4 * i, sizeof f);
        return (double)f;
    case MI_DOUBLE:
        memcpy(&d, p + 8 * i, sizeof d);
        return d;
    default:
        return NAN;
    }
}

static size_t width_of(uint32_t type)
{
    static const unsigned char bytes[] = {
        [MI_INT8] = 1,   [MI_UINT8] = 1,  [MI_INT16] = 2,  [MI_UINT16] = 2, [MI_INT32] = 4,
        [MI_UINT32] = 4, [MI_SINGLE] = 4, [MI_DOUBLE] = 8, [MI_INT64] = 8,  [MI_UINT64] = 8};
    return type < sizeof bytes ? bytes[type] : 0;
}

/* y: digits from 1 to 10, of which 10 is the digit 0. */
static int take_labels(struct svhn *s, const struct matrix *m, size_t room, struct err *e)
{
    const size_t width = width_of(m->data.type), n = width ? m->data.n / width : 0;
    struct array *a = s->array;
    if (s->labels)
        return bad(s, "it once", "y", e);
    if (n > LABELS)
        return err_set(e, "%s: y: expected at most %d labels, found %zu", s->name, LABELS, n);
    if (width == 0 || m->data.n % width != 0 || m->data.n > room || m->dims != 2 ||
        (m->dim[0] != 1 && m->dim[1] != 1) || (uint64_t)m->dim[0] * m->dim[1] != n)
        return bad(s, "a column of numbers", "y", e);
    a->label = mem_alloc(n ? n : 1, sizeof *a->label);
    s->labels = true;
    for (size_t i = 0; i < n; i++) {
        const double v = value_at(&m->data, i);
        if (!(v >= 0 && v <= ZERO) || v != floor(v))
            return err_set(e, "%s: record %zu: expected a digit from 1 to %d in y, found %g",
                           s->name, i, ZERO, v);
        a->label[i] = (int)v % ZERO;
    }
    s->count = (int64_t)n;
    return 0;
}

/* A matrix that lies in the file as it is. */
static int plain(struct svhn *s, const struct element *x, size_t left, struct err *e)
{
    struct matrix m;
    const size_t n = x->n < left ? x->n : left;
    if (!read_matrix(&m, x->p, n))
        return 0;
    const size_t room = n - (size_t)(m.data.p - x->p);
    if (strcmp(m.name, "y") == 0)
        return take_labels(s, &m, room, e);
    if (strcmp(m.name, "X") != 0)
        return 0;
    s->array->offset = m.data.p - s->map->p;
    return check_images(s, &m, room, e);
}

/* One that is packed: unpacked as far as it says what it is, and then whole. */
static int packed(struct svhn *s, const struct element *x, size_t left, struct err *e)
{
    unsigned char first[FIRST], *bytes;
    struct element inner;
    struct matrix m;
    bool whole;
    if (x->n > left)
        return bad(s, "a whole element", "a matrix", e);
    const long n = inflate_first(first, FIRST, x->p, x->n, s->name, e);
    if (n < 0)
        return -1;
    if (!read_tag(&inner, first, (size_t)n, &whole) || inner.type != MI_MATRIX ||
        !read_matrix(&m, inner.p, (size_t)n - TAG) ||
        (strcmp(m.name, "X") != 0 && strcmp(m.name, "y") != 0))
        return 0;
    const size_t at = (size_t)(m.data.p - first), all = TAG + (size_t)inner.n;
    if (at > all)
        return bad(s, "a whole matrix", m.name, e);
    if (*m.name == 'X' && check_images(s, &m, all - at, e) != 0)
        return -1;
    if (inflate_all(&bytes, all, x->p, x->n, s->name, e) != 0)
        return -1;
    m.data.p = bytes + at;
    if (*m.name == 'y') {
        const int r = take_labels(s, &m, all - at, e);
        free(bytes);
        return r;
    }
    memmove(bytes, bytes + at, m.data.n);
    s->array->bytes = bytes;
    return 0;
}

static int read_elements(struct svhn *s, struct err *e)
{
    const unsigned char *p = s->map->p + HEADER;
    size_t left = s->map->n - HEADER;
    for (int i = 0; left > 0 && !(s->images && s->labels); i++) {
        struct element x;
        bool whole;
        if (i == ELEMENTS)
            return err_set(e, "%s: expected X and y among the first %d elements, found others",
                           s->name, ELEMENTS);
        if (!read_tag(&x, p, left, &whole) || !whole)
            return err_set(e, "%s: byte %zu: expected an element of a MATLAB file, found its end",
                           s->name, (size_t)(p - s->map->p));
        const size_t rest = left - (size_t)(x.p - p);
        if ((x.type == MI_COMPRESSED && packed(s, &x, rest, e) != 0) ||
            (x.type == MI_MATRIX && plain(s, &x, rest, e) != 0))
            return -1;
        /* Packed elements have no padding. */
        size_t step = x.type == MI_COMPRESSED ? TAG + (size_t)x.n : x.whole;
        step = step < left ? step : left;
        p += step;
        left -= step;
    }
    if (!s->images)
        return err_set(e, "%s: expected a matrix X of images, found none", s->name);
    return 0;
}

/* Which version, and in which order of bytes. */
static int check_header(const unsigned char *p, size_t n, const char *name, struct err *e)
{
    static const char five[] = "MATLAB 5.0 MAT-file";
    if (memcmp(p, five, sizeof five - 1) != 0)
        return err_set(e,
                       "%s: expected a MATLAB file of version 5, found another: save it again by "
                       "scipy.io.savemat or with -v7",
                       name);
    if (n < HEADER || memcmp(p + HEADER - 2, "IM", 2) != 0)
        return err_set(e, "%s: expected a MATLAB file in little-endian order, found another", name);
    return 0;
}

int source_mat(struct source **out, struct in **in_taken, bool stream, const struct data_opts *o,
               struct err *e)
{
    struct in *in = *in_taken;
    const unsigned char *p;
    struct map map;
    static const char *const digit[ZERO] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    const int64_t n = in_peek(in, &p, HEADER, e);
    if (n < 0)
        return -1;
    if (n < 20 || memcmp(p, "MATLAB ", 7) != 0)
        return 0;
    if (check_header(p, (size_t)n, in_name(in), e) != 0 ||
        (stream ? map_rest(&map, in, file_limit, e) : map_open(&map, in_name(in), file_limit, e)) !=
            0)
        return -1;
    struct svhn s = {.name = in_name(in), .array = array_new(), .map = &map};
    struct array *a = s.array;
    a->form = ARRAY_COLUMNS;
    a->base.kind = "svhn";
    int r = read_elements(&s, e) == 0 ? 1 : -1;
    /* What cannot be read twice is kept. */
    if (r == 1 && stream && !a->bytes) {
        const size_t size = array_bytes(a) * (size_t)a->images;
        a->bytes = mem_alloc(size ? size : 1, 1);
        memcpy(a->bytes, map.p + a->offset, size);
    }
    map_close(&map);
    a->base.in = in;
    if (!o->labels)
        array_name_classes(a, digit, ZERO);
    if (r == 1 && o->labels) {
        free(a->label);
        a->label = NULL;
        a->base.classes = NAMES_CLASSES;
        r = array_labels(a, o->labels, e) == 0 ? 1 : -1;
    } else if (r == 1 && s.labels && a->images != s.count) {
        r = err_set(e, "%s: expected %lld labels in y, one for each image of X, found %lld", s.name,
                    (long long)a->images, (long long)s.count);
    }
    if (r != 1) {
        a->base.in = NULL;
        array_free(a);
        return r;
    }
    a->base.count = stream ? -1 : a->images;
    *in_taken = NULL;
    *out = &a->base;
    return 1;
}
