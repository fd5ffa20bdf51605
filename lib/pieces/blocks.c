#include "pieces/blocks.h"

#include "base/mem.h"
#include "base/pool.h"
#include "cam/shown.h"
#include "draw/encode.h"
#include "image/jpeg_write.h"
#include "pieces/quantise.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_IMAGES = 64,
    BLOCK_PIXELS = 1 << 16, /* of a picture, unless one image has more */
    BLOCK_BYTES = 1 << 22,  /* of maps as they are read, likewise */
    LOSSLESS = 1 << 14,     /* pixels of the largest images that PNG holds */
    QUALITY = 90
};

static int fit(int most, int64_t room, int64_t each)
{
    int64_t n = each > 0 ? room / each : most;
    return n < 1 ? 1 : n < most ? (int)n : most;
}

/* Flat images do not vanish. */
static int shrunk(int side, int shrink)
{
    return side > shrink ? side / shrink : 1;
}

int blocks_h(const struct blocks *b)
{
    return shrunk(data_h(b->data), b->shrink);
}

int blocks_w(const struct blocks *b)
{
    return shrunk(data_w(b->data), b->shrink);
}

void blocks_size(struct blocks *b)
{
    b->per = BLOCK_IMAGES;
    b->shrink = 1;
    b->across = 1;
    if (b->maps)
        b->per = fit(b->per, BLOCK_BYTES, npy_item(b->maps)->bytes);
    if (!b->data)
        return;
    while (blocks_h(b) > BLOCKS_SIDE || blocks_w(b) > BLOCKS_SIDE)
        b->shrink++;
    const int h = blocks_h(b), w = blocks_w(b);
    b->lossy = (int64_t)h * w > LOSSLESS;
    b->per = fit(b->per, BLOCK_PIXELS, (int64_t)h * w);
    while (b->across < b->per && (b->across + 1) * w <= BLOCKS_SIDE &&
           (int64_t)b->across * w < (int64_t)(b->per + b->across - 1) / b->across * h)
        b->across++;
    /* As many rows as there is room for. */
    b->per = fit(b->per, (int64_t)b->across * (BLOCKS_SIDE / h), 1);
}

const char *blocks_ending(const struct blocks *b)
{
    return b->lossy ? "jpg" : "png";
}

int64_t blocks_count(const struct blocks *b)
{
    return b->per > 0 ? (b->n + b->per - 1) / b->per : 0;
}

/* --- the memory of one thread --- */

struct hand {
    uint8_t *planes; /* of one image */
    uint8_t *pixels; /* of a picture */
    int w, h;        /* of it */
    uint8_t *file;   /* the picture as PNG or JPEG */
    size_t size;
    float *item;
    uint8_t *bytes; /* of the maps of a block */
};

struct writing {
    const struct blocks *blocks;
    struct store *store;
    int64_t from;
};

static size_t maps_bytes(const struct blocks *b, int64_t m)
{
    const struct npy_item *i = npy_item(b->maps);
    return (size_t)m * (sizeof(float) + 2 * (size_t)i->shape[0] + (size_t)i->count);
}

static void *hand_make(void *self)
{
    const struct writing *w = self;
    const struct blocks *b = w->blocks;
    struct hand *h = mem_zero(1, sizeof *h);
    if (b->data) {
        size_t n = (size_t)data_h(b->data) * (size_t)data_w(b->data);
        h->planes = mem_alloc(n, 3);
        h->w = b->across * blocks_w(b);
        h->h = (b->per + b->across - 1) / b->across * blocks_h(b);
        h->pixels = mem_alloc((size_t)h->w * (size_t)h->h, 3);
    }
    if (b->maps) {
        h->item = mem_alloc((size_t)npy_item(b->maps)->count, sizeof *h->item);
        h->bytes = mem_alloc(maps_bytes(b, b->per), 1);
    }
    return h;
}

static void hand_discard(void *hand)
{
    struct hand *h = hand;
    free(h->planes);
    free(h->pixels);
    free(h->file);
    free(h->item);
    free(h->bytes);
    free(h);
}

/* --- the picture --- */

static const uint8_t *png_row(void *self, int y)
{
    const struct hand *h = self;
    return h->pixels + 3 * (size_t)y * (size_t)h->w;
}

static int png_put(void *self, const void *p, size_t n, struct err *e)
{
    struct hand *h = self;
    (void)e;
    h->file = mem_extend(h->file, h->size, h->size + n, 1);
    memcpy(h->file + h->size, p, n);
    h->size += n;
    return 0;
}

/* Lays image k at its place in a picture of `height` rows, colours together or, for JPEG, in
 * planes; every shrink-th pixel where it is too large. */
static void place(const struct blocks *b, const struct hand *h, int height, int64_t k)
{
    const int full = data_w(b->data), step = b->shrink, ih = blocks_h(b), iw = blocks_w(b);
    const size_t plane = (size_t)data_h(b->data) * (size_t)full;
    const size_t to_plane = b->lossy ? (size_t)height * (size_t)h->w : 1, cell = b->lossy ? 1 : 3;
    const size_t x0 = (size_t)(k % b->across) * (size_t)iw,
                 y0 = (size_t)(k / b->across) * (size_t)ih;
    for (int y = 0; y < ih; y++) {
        uint8_t *to = h->pixels + cell * ((y0 + (size_t)y) * (size_t)h->w + x0);
        const uint8_t *from = h->planes + (size_t)y * (size_t)step * (size_t)full;
        for (int x = 0; x < iw; x++, from += step, to += cell)
            for (size_t c = 0; c < 3; c++)
                to[c * to_plane] = from[c * plane];
    }
}

static int encode(const struct blocks *b, struct hand *h, int height, struct err *e)
{
    if (b->lossy) {
        free(h->file);
        h->file = NULL;
        return image_jpeg_write(h->pixels, height, h->w, QUALITY, &h->file, &h->size, e);
    }
    h->size = 0;
    return encode_png(&(struct encode){.w = h->w,
                                       .h = height,
                                       .kind = ENCODE_PHOTOS,
                                       .row = png_row,
                                       .put = png_put,
                                       .self = h},
                      e);
}

static int write_picture(const struct writing *w, struct hand *h, int64_t block, int64_t first,
                         int64_t m, struct err *e)
{
    const struct blocks *b = w->blocks;
    struct data_item item;
    const int height = (int)((m + b->across - 1) / b->across) * blocks_h(b);
    memset(h->pixels, 0, 3 * (size_t)h->w * (size_t)h->h);
    for (int64_t k = 0; k < m; k++) {
        if (data_at(b->data, b->id[first + k], h->planes, &item, e) != 0)
            return -1;
        place(b, h, height, k);
    }
    char *name = mem_printf("images.%" PRId64, block);
    int r = encode(b, h, height, e);
    if (r == 0)
        r = store_picture(w->store, name, blocks_ending(b), h->file, h->size, e);
    free(name);
    return r;
}

/* --- the maps --- */

static int read_item(const struct blocks *b, int64_t id, float *item, struct err *e)
{
    int64_t at = ids_find(b->ids, id);
    const struct npy_item *n = npy_item(b->maps);
    if (at < 0)
        return err_set(e, "%s: expected maps of image %" PRId64 ", found none", npy_name(b->maps),
                       id);
    if (npy_at(b->maps, at, item, e) != 0)
        return -1;
    if (!b->holes && shown_broken(item, (int)n->count) >= 0)
        return err_set(e, "%s: item %" PRId64 ": expected finite numbers, found others",
                       npy_name(b->maps), at);
    return 0;
}

static int write_maps(const struct writing *w, struct hand *h, int64_t block, int64_t first,
                      int64_t m, struct err *e)
{
    const struct blocks *b = w->blocks;
    const struct npy_item *n = npy_item(b->maps);
    size_t planes = (size_t)n->shape[0], cells = (size_t)(n->shape[1] * n->shape[2]);
    uint8_t *top = h->bytes, *scale = top + (size_t)m * sizeof(float);
    int8_t *q = (int8_t *)scale + 2 * (size_t)m * planes;
    for (int64_t k = 0; k < m; k++) {
        float t;
        if (read_item(b, b->id[first + k], h->item, e) != 0)
            return -1;
        quantise(h->item, (int)planes, (int)cells, &t, scale, q);
        memcpy(top, &t, sizeof t);
        top += sizeof t;
        scale += 2 * planes;
        q += planes * cells;
    }
    char *name = mem_printf("maps.%" PRId64, block);
    int r = store_piece(w->store, name, STORE_VALUES, h->bytes, maps_bytes(b, m), e);
    free(name);
    return r;
}

static int write_block(void *self, void *hand, int64_t i, struct err *e)
{
    const struct writing *w = self;
    const struct blocks *b = w->blocks;
    int64_t block = w->from + i, first = block * b->per, left = b->n - first;
    int64_t m = left < b->per ? left : b->per;
    if (b->data && write_picture(w, hand, block, first, m, e) != 0)
        return -1;
    return b->maps ? write_maps(w, hand, block, first, m, e) : 0;
}

int blocks_write(const struct blocks *b, struct store *s, int64_t from, int64_t to, int threads,
                 struct err *e)
{
    struct writing w = {b, s, from};
    if (!b->data && !b->maps)
        return 0;
    const struct pool_work work = {&w, hand_make, hand_discard, write_block};
    return pool_run(&work, to - from, threads, e);
}
