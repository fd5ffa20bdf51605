#include "stream/npy.h"

#include "base/io.h"
#include "base/mem.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The format: numpy.lib.format, versions 1.0 to 3.0. */

enum { NPY_HEADER_MAX = 1 << 16 };

static const struct {
    const char *descr, *name;
    int64_t bytes;
} npy_types[] = {
    [NPY_F32] = {"<f4", "float32", 4}, [NPY_F64] = {"<f8", "float64", 8},
    [NPY_F16] = {"<f2", "float16", 2}, [NPY_U8] = {"|u1", "uint8", 1},
    [NPY_BOOL] = {"|b1", "bool", 1},   [NPY_I32] = {"<i4", "int32", 4},
    [NPY_I64] = {"<i8", "int64", 8},
};

enum { NPY_TYPES = sizeof npy_types / sizeof *npy_types };

struct npy_record {
    int64_t first, offset; /* first item, offset of its bytes */
};

struct npy_in {
    struct in *in;
    struct npy_item item;
    int64_t record; /* number of the current record, from 1 */
    int64_t left;   /* items of it not read yet */
    int64_t count;  /* of all records, or -1 until npy_count */
    int64_t records;
    struct npy_record *index;
};

/* --- parsing a header's dictionary --- */

struct npy_text {
    const char *p, *end;
};

static void npy_blank(struct npy_text *t)
{
    while (t->p < t->end && (*t->p == ' ' || *t->p == '\n'))
        t->p++;
}

static bool npy_char(struct npy_text *t, char c)
{
    npy_blank(t);
    if (t->p == t->end || *t->p != c)
        return false;
    t->p++;
    return true;
}

static bool npy_quoted(struct npy_text *t, char *buf, size_t room)
{
    npy_blank(t);
    if (t->p == t->end || (*t->p != '\'' && *t->p != '"'))
        return false;
    char quote = *t->p++;
    size_t n = 0;
    while (t->p < t->end && *t->p != quote) {
        if (n + 1 >= room)
            return false;
        buf[n++] = *t->p++;
    }
    buf[n] = '\0';
    return npy_char(t, quote);
}

static bool npy_word(struct npy_text *t, const char *w)
{
    npy_blank(t);
    size_t n = strlen(w);
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, w, n) != 0)
        return false;
    t->p += n;
    return true;
}

static bool npy_shape(struct npy_text *t, int64_t *shape, int *ndim)
{
    *ndim = 0;
    if (!npy_char(t, '('))
        return false;
    while (!npy_char(t, ')')) {
        if (*ndim == NPY_DIMS + 1 || t->p == t->end || !isdigit((unsigned char)*t->p))
            return false;
        int64_t v = 0;
        while (t->p < t->end && isdigit((unsigned char)*t->p)) {
            if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *t->p - '0', &v))
                return false;
            t->p++;
        }
        npy_word(t, "L"); /* Python 2 wrote 3L */
        shape[(*ndim)++] = v;
        if (!npy_char(t, ',')) {
            if (!npy_char(t, ')'))
                return false;
            break;
        }
    }
    return true;
}

struct npy_head {
    char descr[32];
    bool fortran;
    int ndim;
    int64_t shape[NPY_DIMS + 1];
};

static bool npy_dict(struct npy_text t, struct npy_head *h)
{
    unsigned seen = 0;
    if (!npy_char(&t, '{'))
        return false;
    while (!npy_char(&t, '}')) {
        char key[16];
        if (!npy_quoted(&t, key, sizeof key) || !npy_char(&t, ':'))
            return false;
        unsigned bit;
        if (strcmp(key, "descr") == 0) {
            bit = 1;
            if (!npy_quoted(&t, h->descr, sizeof h->descr))
                return false;
        } else if (strcmp(key, "fortran_order") == 0) {
            bit = 2;
            h->fortran = npy_word(&t, "True");
            if (!h->fortran && !npy_word(&t, "False"))
                return false;
        } else if (strcmp(key, "shape") == 0) {
            bit = 4;
            if (!npy_shape(&t, h->shape, &h->ndim))
                return false;
        } else {
            return false;
        }
        if (seen & bit)
            return false;
        seen |= bit;
        if (!npy_char(&t, ',')) {
            if (!npy_char(&t, '}'))
                return false;
            break;
        }
    }
    npy_blank(&t);
    return seen == 7 && t.p == t.end;
}

/* --- reading --- */

static int npy_bad(const struct npy_in *n, struct err *e, const char *what)
{
    return err_set(e, "%s: record %lld: %s", npy_name(n), (long long)n->record, what);
}

/* Either from the stream or, with offset >= 0, from that place of a file. */
static int64_t npy_bytes(struct npy_in *n, void *buf, size_t size, int64_t offset, struct err *e)
{
    if (offset < 0)
        return in_read(n->in, buf, size, e);
    int64_t have = in_size(n->in) - offset;
    if (have < 0)
        have = 0;
    if ((int64_t)size > have)
        size = (size_t)have;
    return in_at(n->in, buf, size, offset, e) == 0 ? (int64_t)size : -1;
}

/* Reads a record's header; its bytes are counted in *bytes. 1, 0 at the end, -1. */
static int npy_head(struct npy_in *n, int64_t offset, struct npy_item *item, int64_t *count,
                    int64_t *bytes, struct err *e)
{
    unsigned char fixed[12];
    int64_t r = npy_bytes(n, fixed, 8, offset, e);
    if (r <= 0)
        return (int)r;
    if (r < 8 || memcmp(fixed, "\x93NUMPY", 6) != 0)
        return npy_bad(n, e, "expected the start of an .npy record, found other bytes");
    if (fixed[6] < 1 || fixed[6] > 3 || fixed[7] != 0)
        return err_set(e, "%s: record %lld: expected .npy format 1.0, 2.0 or 3.0, found %d.%d",
                       npy_name(n), (long long)n->record, fixed[6], fixed[7]);
    size_t width = fixed[6] == 1 ? 2 : 4;
    r = npy_bytes(n, fixed + 8, width, offset < 0 ? -1 : offset + 8, e);
    if (r != (int64_t)width)
        return r < 0 ? -1 : npy_bad(n, e, "expected a header, found the end of the input");
    size_t length = fixed[8] | (size_t)fixed[9] << 8;
    if (width == 4)
        length |= (size_t)fixed[10] << 16 | (size_t)fixed[11] << 24;
    if (length > NPY_HEADER_MAX)
        return err_set(e, "%s: record %lld: expected a header of at most %d bytes, found %zu",
                       npy_name(n), (long long)n->record, NPY_HEADER_MAX, length);
    char *text = mem_alloc(length, 1);
    r = npy_bytes(n, text, length, offset < 0 ? -1 : offset + 8 + (int64_t)width, e);
    if (r != (int64_t)length) {
        free(text);
        return r < 0 ? -1 : npy_bad(n, e, "expected a header, found the end of the input");
    }
    struct npy_head h = {0};
    bool parsed = npy_dict((struct npy_text){text, text + length}, &h);
    free(text);
    if (!parsed)
        return npy_bad(n, e,
                       "expected a header with descr, fortran_order and shape of at most 8 "
                       "axes, found something else");
    int type = 0;
    while (type < NPY_TYPES && strcmp(npy_types[type].descr, h.descr) != 0)
        type++;
    if (type == NPY_TYPES)
        return err_set(e,
                       "%s: record %lld: expected one of the types <f4 <f8 <f2 |u1 |b1 <i4 <i8, "
                       "found '%s'",
                       npy_name(n), (long long)n->record, h.descr);
    if (h.fortran)
        return npy_bad(n, e, "expected C order, found Fortran order");
    if (h.ndim < 1)
        return npy_bad(n, e, "expected at least one axis, found a scalar");
    *item = (struct npy_item){.type = (enum npy_type)type, .ndim = h.ndim - 1, .count = 1};
    int64_t total;
    for (int i = 1; i < h.ndim; i++) {
        item->shape[i - 1] = h.shape[i];
        if (__builtin_mul_overflow(item->count, h.shape[i], &item->count))
            return npy_bad(n, e, "expected a shape that fits into memory, found a larger one");
    }
    if (__builtin_mul_overflow(item->count, npy_types[type].bytes, &item->bytes) ||
        __builtin_mul_overflow(item->bytes, h.shape[0], &total) || total > PTRDIFF_MAX / 2)
        return npy_bad(n, e, "expected a shape that fits into memory, found a larger one");
    if (item->count == 0)
        return npy_bad(n, e, "expected items with elements, found a zero in the shape");
    *count = h.shape[0];
    *bytes = 8 + (int64_t)width + (int64_t)length;
    return 1;
}

static void npy_show(const struct npy_item *item, char *buf, size_t room)
{
    size_t n = (size_t)snprintf(buf, room, "%s (n", npy_types[item->type].name);
    for (int i = 0; i < item->ndim && n < room; i++) {
        if (item->shape[i] < 0)
            n += (size_t)snprintf(buf + n, room - n, ",*");
        else
            n += (size_t)snprintf(buf + n, room - n, ",%lld", (long long)item->shape[i]);
    }
    if (n < room)
        snprintf(buf + n, room - n, ")");
}

static int npy_same(const struct npy_in *n, const struct npy_item *item, struct err *e)
{
    const struct npy_item *first = &n->item;
    if (item->type == first->type && item->ndim == first->ndim &&
        memcmp(item->shape, first->shape, sizeof item->shape) == 0)
        return 0;
    char expected[200], found[200];
    npy_show(first, expected, sizeof expected);
    npy_show(item, found, sizeof found);
    return err_set(e, "%s: record %lld: expected %s like the first, found %s", npy_name(n),
                   (long long)n->record, expected, found);
}

int npy_open_in(struct npy_in **out, struct in *in, struct err *e)
{
    struct npy_in *n = mem_zero(1, sizeof *n);
    n->in = in;
    n->count = -1;
    n->record = 1;
    int64_t bytes;
    int r = npy_head(n, -1, &n->item, &n->left, &bytes, e);
    if (r <= 0) {
        free(n);
        return r;
    }
    *out = n;
    return 1;
}

int npy_open(struct npy_in **out, const char *path, struct err *e)
{
    struct in *in;
    if (in_open(&in, path, e) != 0)
        return -1;
    int r = npy_open_in(out, in, e);
    if (r <= 0)
        in_close(in);
    return r;
}

void npy_close(struct npy_in *n)
{
    if (!n)
        return;
    in_close(n->in);
    free(n->index);
    free(n);
}

const char *npy_name(const struct npy_in *n)
{
    return in_name(n->in);
}

const struct npy_item *npy_item(const struct npy_in *n)
{
    return &n->item;
}

int npy_expect(const struct npy_in *n, enum npy_type type, int ndim, const int64_t *shape,
               struct err *e)
{
    struct npy_item want = {.type = type, .ndim = ndim};
    bool good = n->item.type == type && n->item.ndim == ndim;
    for (int i = 0; i < ndim; i++) {
        want.shape[i] = shape[i];
        good = good && (shape[i] < 0 || shape[i] == n->item.shape[i]);
    }
    if (good)
        return 0;
    char expected[200], found[200];
    npy_show(&want, expected, sizeof expected);
    npy_show(&n->item, found, sizeof found);
    return err_set(e, "%s: expected a tensor %s, found %s", npy_name(n), expected, found);
}

int64_t npy_read(struct npy_in *n, void *items, int64_t max, struct err *e)
{
    while (n->left == 0) {
        struct npy_item item;
        int64_t bytes;
        n->record++;
        int r = npy_head(n, -1, &item, &n->left, &bytes, e);
        if (r <= 0)
            return r;
        if (npy_same(n, &item, e) != 0)
            return -1;
    }
    int64_t take = max < n->left ? max : n->left;
    int64_t r = in_read(n->in, items, (size_t)(take * n->item.bytes), e);
    if (r < 0)
        return -1;
    if (r < take * n->item.bytes)
        return err_set(e, "%s: record %lld: expected %lld more items, found %lld bytes of them",
                       npy_name(n), (long long)n->record, (long long)n->left, (long long)r);
    n->left -= take;
    return take;
}

bool npy_is_file(const struct npy_in *n)
{
    return in_size(n->in) >= 0;
}

int64_t npy_count(struct npy_in *n, struct err *e)
{
    if (n->count >= 0)
        return n->count;
    int64_t size = in_size(n->in);
    if (size < 0)
        return err_set(e, "%s: expected a file, found a pipe", npy_name(n));
    int64_t offset = 0, count = 0;
    int64_t current = n->record;
    for (n->record = 1; offset < size; n->record++) {
        struct npy_item item;
        int64_t items, bytes;
        int r = npy_head(n, offset, &item, &items, &bytes, e);
        if (r <= 0 || npy_same(n, &item, e) != 0)
            return -1;
        offset += bytes;
        if (items * item.bytes > size - offset)
            return err_set(e, "%s: record %lld: expected %lld items, found %lld bytes of them",
                           npy_name(n), (long long)n->record, (long long)items,
                           (long long)(size - offset));
        size_t known = (size_t)n->records;
        n->index = mem_extend(n->index, known, known + 1, sizeof *n->index);
        n->index[n->records++] = (struct npy_record){count, offset};
        offset += items * item.bytes;
        count += items;
    }
    n->record = current;
    n->count = count;
    return count;
}

int64_t npy_some_at(struct npy_in *n, int64_t i, void *items, int64_t max, struct err *e)
{
    if (npy_count(n, e) < 0)
        return -1;
    if (i < 0 || i >= n->count)
        return err_set(e, "%s: expected item %lld, found items 0 to %lld", npy_name(n),
                       (long long)i, (long long)(n->count - 1));
    int64_t lo = 0, hi = n->records;
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (n->index[mid].first <= i)
            lo = mid;
        else
            hi = mid;
    }
    const struct npy_record *r = &n->index[lo];
    int64_t offset = r->offset + (i - r->first) * n->item.bytes;
    int64_t left = (lo + 1 < n->records ? r[1].first : n->count) - i;
    int64_t take = max < left ? max : left;
    return in_at(n->in, items, (size_t)(take * n->item.bytes), offset, e) == 0 ? take : -1;
}

int npy_at(struct npy_in *n, int64_t i, void *item, struct err *e)
{
    return npy_some_at(n, i, item, 1, e) == 1 ? 0 : -1;
}

void npy_spare(struct npy_in *n)
{
    in_park(n->in, 0);
}

/* --- writing --- */

struct npy_out {
    struct out *out;
    struct npy_item item;
    bool begun;
    int64_t count;
};

/* A header of 128 bytes as numpy writes it; -1 where it does not fit. */
static int npy_compose(const struct npy_item *item, int64_t count, char *buf)
{
    memset(buf, ' ', NPY_HEADER);
    memcpy(buf, "\x93NUMPY\x01\x00", 8);
    buf[8] = (char)(NPY_HEADER - 10);
    buf[9] = 0;
    char text[512];
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%lld,",
                     npy_types[item->type].descr, (long long)count);
    for (int i = 0; i < item->ndim; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, " %lld%s", (long long)item->shape[i],
                      i + 1 < item->ndim ? "," : "");
    n += snprintf(text + n, sizeof text - (size_t)n, "), }");
    if (n > NPY_HEADER - 11)
        return -1;
    memcpy(buf + 10, text, (size_t)n);
    buf[NPY_HEADER - 1] = '\n';
    return 0;
}

int npy_create(struct npy_out **out, const char *path, enum npy_type type, int ndim,
               const int64_t *shape, struct err *e)
{
    struct npy_item item = {.type = type, .ndim = ndim, .count = 1};
    for (int i = 0; i < ndim; i++) {
        item.shape[i] = shape[i];
        item.count *= shape[i];
    }
    item.bytes = item.count * npy_types[type].bytes;
    char head[NPY_HEADER];
    /* The count is written last: its longest form must fit as well. */
    if (npy_compose(&item, INT64_MAX / (item.bytes ? item.bytes : 1), head) != 0)
        return err_set(e, "%s: the shape does not fit into an .npy header of %d bytes", path,
                       NPY_HEADER);
    struct out *o;
    if (out_open(&o, path, e) != 0)
        return -1;
    struct npy_out *n = mem_zero(1, sizeof *n);
    n->out = o;
    n->item = item;
    *out = n;
    return 0;
}

static int npy_put_header(struct npy_out *n, int64_t count, struct err *e)
{
    char head[NPY_HEADER];
    npy_compose(&n->item, count, head);
    n->begun = true;
    return out_write(n->out, head, sizeof head, e);
}

int npy_write(struct npy_out *n, const void *items, int64_t count, struct err *e)
{
    if (count == 0)
        return 0;
    bool single = out_patchable(n->out);
    if ((!single || !n->begun) && npy_put_header(n, single ? 0 : count, e) != 0)
        return -1;
    n->count += count;
    if (out_write(n->out, items, (size_t)(count * n->item.bytes), e) != 0)
        return -1;
    return single ? 0 : out_flush(n->out, e);
}

struct out *npy_end(struct npy_out *n, struct err *e)
{
    struct out *o = n->out;
    int r = n->begun ? 0 : npy_put_header(n, 0, e);
    if (r == 0 && out_patchable(o)) {
        char head[NPY_HEADER];
        npy_compose(&n->item, n->count, head);
        r = out_patch(o, head, sizeof head, 0, e);
    }
    free(n);
    if (r == 0)
        return o;
    out_abort(o);
    return NULL;
}

int npy_finish(struct npy_out *n, struct err *e)
{
    struct out *o = npy_end(n, e);
    return o ? out_close(o, e) : -1;
}

void npy_abort(struct npy_out *n)
{
    if (!n)
        return;
    out_abort(n->out);
    free(n);
}
