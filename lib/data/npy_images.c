/* Images in .npy: uint8 (n, h, w, 3) or (n, 3, h, w). */
#include "data/source.h"

#include "base/mem.h"
#include "data/names_file.h"
#include "stream/npy.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 8192, PIXELS_MAX = 1 << 22 };

struct images {
    struct source base;
    struct npy_in *npy;
    char *labels_name;
    int *label; /* [labels], or NULL */
    int64_t labels;
    bool planar;
    uint8_t *item; /* room for one image of a stream */
};

/* (h, w, 3) to (3, h, w). */
static void to_planes(const struct images *m, const uint8_t *from, uint8_t *to)
{
    size_t plane = (size_t)m->base.h * (size_t)m->base.w;
    if (m->planar) {
        memcpy(to, from, 3 * plane);
        return;
    }
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++)
            to[c * plane + i] = from[3 * i + c];
}

static int images_at(const struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                     struct err *e)
{
    const struct images *m = (const struct images *)s;
    item->label = m->label ? m->label[id] : -1;
    item->superclass = -1;
    if (!pixels)
        return 0;
    uint8_t *room = mem_alloc((size_t)npy_item(m->npy)->bytes, 1);
    int r = npy_at(m->npy, id, room, e);
    if (r == 0)
        to_planes(m, room, pixels);
    free(room);
    return r;
}

static int images_next(struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                       struct err *e)
{
    struct images *m = (struct images *)s;
    int64_t r = npy_read(m->npy, m->item, 1, e);
    if (r < 0)
        return -1;
    if (m->label && (r == 0) != (id == m->labels))
        return err_set(e, "%s: expected as many labels as %s has images, found %lld for %s%lld",
                       m->labels_name, npy_name(m->npy), (long long)m->labels, r ? "at least " : "",
                       (long long)(id + r));
    if (r == 0)
        return 0;
    to_planes(m, m->item, pixels);
    item->label = m->label ? m->label[id] : -1;
    item->superclass = -1;
    return 1;
}

static void images_close(struct source *s)
{
    struct images *m = (struct images *)s;
    npy_close(m->npy);
    free(m->labels_name);
    free(m->label);
    free(m->item);
    free(m);
}

static int shape(struct images *m, struct err *e)
{
    const struct npy_item *item = npy_item(m->npy);
    const int64_t *n = item->shape;
    bool rgb = item->type == NPY_U8 && item->ndim == 3;
    m->planar = rgb && n[0] == 3 && n[2] != 3;
    if (!m->planar && npy_expect(m->npy, NPY_U8, 3, (const int64_t[]){-1, -1, 3}, e) != 0)
        return -1;
    int64_t h = n[m->planar ? 1 : 0], w = n[m->planar ? 2 : 1];
    if (h > SIDE_MAX || w > SIDE_MAX || h * w > PIXELS_MAX)
        return err_set(e,
                       "%s: expected images of at most %d pixels a side and %d in all, found %lld "
                       "by %lld (width by height)",
                       npy_name(m->npy), SIDE_MAX, PIXELS_MAX, (long long)w, (long long)h);
    m->base.h = (int)h;
    m->base.w = (int)w;
    m->item = mem_alloc((size_t)item->bytes, 1);
    return 0;
}

static int setup(struct images *m, bool stream, const char *labels, struct err *e)
{
    if (shape(m, e) != 0 || (!stream && (m->base.count = npy_count(m->npy, e)) < 0))
        return -1;
    if (!labels)
        return 0;
    if (stream && strcmp(labels, "-") == 0 && strcmp(npy_name(m->npy), "standard input") == 0)
        return err_set(e, "standard input: expected images or labels there, found both");
    m->labels_name = mem_dup(io_name(labels));
    if (labels_load(&m->label, &m->labels, labels, e) != 0)
        return -1;
    if (!stream && m->labels != m->base.count)
        return err_set(e, "%s: expected %lld labels, one for each image of %s, found %lld", labels,
                       (long long)m->base.count, npy_name(m->npy), (long long)m->labels);
    return 0;
}

int source_npy(struct source **out, struct in **in_taken, bool stream, const char *labels,
               struct err *e)
{
    struct in *in = *in_taken;
    const unsigned char *start;
    int64_t peeked = in_peek(in, &start, 6, e);
    if (peeked < 0)
        return -1;
    if (peeked < 6 || memcmp(start, "\x93NUMPY", 6) != 0)
        return 0;
    struct images *m = mem_zero(1, sizeof *m);
    m->base = (struct source){
        .kind = "npy",
        .count = -1,
        .classes = NAMES_CLASSES,
        .at = images_at,
        .next = images_next,
        .close = images_close,
    };
    int r = npy_open_in(&m->npy, in, e);
    if (r <= 0) {
        images_close(&m->base);
        return r;
    }
    *in_taken = NULL;
    if (setup(m, stream, labels, e) != 0) {
        images_close(&m->base);
        return -1;
    }
    *out = &m->base;
    return 1;
}
