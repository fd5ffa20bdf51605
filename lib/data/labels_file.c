/* Files of labels. */
#include "data/source.h"

#include "base/mem.h"
#include "base/map.h"
#include "data/inflate.h"
#include "data/names_file.h"
#include "stream/npy.h"
#include "stream/tsv.h"

#include <stdlib.h>
#include <string.h>

enum { LABELS_BYTES = 1 << 28, LABELS = 1 << 23, LABELS_BATCH = 4096, IDX_HEADER = 8 };

struct labels {
    const char *name;
    int *v;
    int64_t n;
};

static int add(struct labels *l, int v, struct err *e)
{
    if (l->n == LABELS)
        return err_set(e, "%s: expected at most %d labels, found more", l->name, LABELS);
    l->v = mem_extend(l->v, (size_t)l->n, (size_t)l->n + 1, sizeof *l->v);
    l->v[l->n++] = v;
    return 0;
}

static int from_npy(struct labels *l, struct npy_in *npy, struct err *e)
{
    const struct npy_item *item = npy_item(npy);
    if (item->ndim != 0 || item->type == NPY_BOOL)
        return npy_expect(npy, NPY_I64, 0, NULL, e);
    if (item->type != NPY_U8 && item->type != NPY_I32 && item->type != NPY_I64)
        return npy_expect(npy, NPY_I64, 0, NULL, e);
    int64_t room[LABELS_BATCH], n;
    while ((n = npy_read(npy, room, LABELS_BATCH, e)) > 0)
        for (int64_t i = 0; i < n; i++) {
            int64_t v = item->type == NPY_U8    ? ((const uint8_t *)room)[i]
                        : item->type == NPY_I32 ? ((const int32_t *)room)[i]
                                                : room[i];
            if (v < -1 || v >= NAMES_CLASSES)
                return err_set(e, "%s: item %lld: expected a class from 0 to %d, or -1, found %lld",
                               l->name, (long long)l->n, NAMES_CLASSES - 1, (long long)v);
            if (add(l, (int)v, e) != 0)
                return -1;
        }
    return (int)n;
}

static int from_table(struct labels *l, struct tsv_in *t, struct err *e)
{
    static const char *const names[] = {"label", "true", "class"};
    int col = -1, id_col = tsv_find(t, "id");
    for (int i = 0; i < 3 && col < 0; i++)
        col = tsv_find(t, names[i]);
    if (col < 0)
        return err_set(e, "%s:1: expected a column 'label', 'true' or 'class', found none",
                       tsv_name(t));
    int r;
    while ((r = tsv_next(t, e)) == 1) {
        int64_t v = -1, id = l->n;
        if (id_col >= 0 && tsv_int(t, id_col, 0, INT64_MAX, &id, e) != 0)
            return -1;
        if (id != l->n)
            return tsv_error(t, e, "expected ids from 0 upwards, %lld here, found %lld",
                             (long long)l->n, (long long)id);
        if (!tsv_is_na(t, col) && tsv_int(t, col, 0, NAMES_CLASSES - 1, &v, e) != 0)
            return -1;
        if (add(l, (int)v, e) != 0)
            return -1;
    }
    return r;
}

static int from_text(struct labels *l, const struct map *m, struct err *e)
{
    const unsigned char *p = m->p, *end = m->p + m->n;
    for (long long line = 1; p < end; line++) {
        const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((lf ? lf : end) - p);
        if (n && p[n - 1] == '\r')
            n--;
        int v = n == 2 && memcmp(p, "NA", 2) == 0 ? -1 : 0;
        bool good = n > 0 && n <= 5;
        for (size_t i = 0; v == 0 && good && i < n; i++)
            good = p[i] >= '0' && p[i] <= '9';
        for (size_t i = 0; v >= 0 && good && i < n; i++)
            v = 10 * v + (p[i] - '0');
        if (!good || v >= NAMES_CLASSES)
            return err_set(e, "%s:%lld: expected a class from 0 to %d, or NA, found '%.*s'",
                           l->name, line, NAMES_CLASSES - 1, n > 40 ? 40 : (int)n, (const char *)p);
        if (add(l, v, e) != 0)
            return -1;
        p = lf ? lf + 1 : end;
    }
    return 0;
}

/* The labels of MNIST's layout: a header of big-endian numbers, and a byte for each. */
static int from_idx(struct labels *l, const unsigned char *p, size_t n, struct err *e)
{
    const size_t count = (size_t)p[4] << 24 | (size_t)p[5] << 16 | (size_t)p[6] << 8 | p[7];
    if (count != n - IDX_HEADER)
        return err_set(e, "%s: expected %zu labels behind the header, found %zu", l->name, count,
                       n - IDX_HEADER);
    for (size_t i = 0; i < count; i++)
        if (add(l, p[IDX_HEADER + i], e) != 0)
            return -1;
    return 0;
}

static bool is_idx(const unsigned char *p, int64_t n)
{
    return n >= IDX_HEADER && memcmp(p, "\0\0\x08\x01", 4) == 0;
}

/* The same, packed by gzip. */
static int from_gzip(struct labels *l, const struct map *m, struct err *e)
{
    unsigned char first[IDX_HEADER], *bytes;
    const long n = inflate_first(first, IDX_HEADER, m->p, m->n, l->name, e);
    if (n < 0)
        return -1;
    if (!is_idx(first, n))
        return err_set(e, "%s: expected labels of MNIST's layout in what gzip packed, found others",
                       l->name);
    const size_t size = IDX_HEADER + ((size_t)first[4] << 24 | (size_t)first[5] << 16 |
                                      (size_t)first[6] << 8 | first[7]);
    if (size > IDX_HEADER + LABELS)
        return err_set(e, "%s: expected at most %d labels, found more", l->name, LABELS);
    if (inflate_all(&bytes, size, m->p, m->n, l->name, e) != 0)
        return -1;
    const int r = from_idx(l, bytes, size, e);
    free(bytes);
    return r;
}

/* Reads an input of whatever kind; sets *in to NULL where it was taken over. */
static int from_in(struct labels *l, struct in **in, struct err *e)
{
    const unsigned char *p;
    unsigned char mark[3]; /* a byte order mark */
    int64_t n = in_peek(*in, &p, IDX_HEADER, e);
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        n = in_read(*in, mark, 3, e) < 0 ? -1 : in_peek(*in, &p, IDX_HEADER, e);
    if (n < 0)
        return -1;
    int r;
    if (n >= 6 && memcmp(p, "\x93NUMPY", 6) == 0) {
        struct npy_in *npy;
        if (npy_open_in(&npy, *in, e) <= 0)
            return -1;
        *in = NULL;
        r = from_npy(l, npy, e);
        npy_close(npy);
    } else if (n > 0 && p[0] >= 'a' && p[0] <= 'z') {
        struct tsv_in *t;
        if (tsv_open_in(&t, *in, e) != 0)
            return -1;
        *in = NULL;
        r = from_table(l, t, e);
        tsv_close(t);
    } else {
        const bool packed = inflate_gzip(p, (size_t)n), idx = is_idx(p, n);
        struct map m;
        if (map_rest(&m, *in, LABELS_BYTES, e) != 0)
            return -1;
        r = packed ? from_gzip(l, &m, e) : idx ? from_idx(l, m.p, m.n, e) : from_text(l, &m, e);
        map_close(&m);
    }
    return r;
}

int labels_load(int **label, int64_t *n, const char *path, struct err *e)
{
    struct in *in;
    if (in_open(&in, path, e) != 0)
        return -1;
    struct labels l = {.name = io_name(path)};
    int r = from_in(&l, &in, e);
    in_close(in);
    if (r != 0) {
        free(l.v);
        return -1;
    }
    /* An array of no labels is not the same as no array. */
    *label = l.v ? l.v : mem_zero(1, sizeof **label);
    *n = l.n;
    return 0;
}
