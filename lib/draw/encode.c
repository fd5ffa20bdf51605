/* Portable Network Graphics, second edition (W3C, 2003). */
#include "draw/encode.h"

#include "base/mem.h"
#include "draw/deflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { RGB = 3, UP = 2, PAETH = 4, ADLER = 65521 };

struct png {
    const struct encode *encode;
    struct deflate *deflate;
    uint32_t adler;       /* checksum of the filtered rows */
    size_t stride;        /* bytes of a row */
    const uint8_t *above; /* the row before */
    uint8_t *line;        /* [1 + stride] the filter and its row */
};

static void store32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static int put_chunk(const struct encode *c, const char *kind, const void *p, size_t n,
                     struct err *e)
{
    uint8_t head[8], tail[4];
    store32(head, (uint32_t)n);
    memcpy(head + 4, kind, 4);
    uLong crc = crc32(0, head + 4, 4);
    /* Of no bytes at all zlib begins a sum. */
    store32(tail, (uint32_t)(n > 0 ? crc32(crc, p, (uInt)n) : crc));
    if (c->put(c->self, head, sizeof head, e) != 0 || (n > 0 && c->put(c->self, p, n, e) != 0))
        return -1;
    return c->put(c->self, tail, sizeof tail, e);
}

/* Words as they are: neither compressed nor of a language. */
static int put_text(const struct encode *c, const char *key, const char *text, struct err *e)
{
    if (!text || !*text)
        return 0;
    size_t k = strlen(key), n = strlen(text);
    uint8_t *p = mem_zero(k + 5 + n, 1);
    memcpy(p, key, k);
    memcpy(p + k + 5, text, n);
    int r = put_chunk(c, "iTXt", p, k + 5 + n, e);
    free(p);
    return r;
}

static int put_data(void *self, const void *p, size_t n, struct err *e)
{
    return put_chunk(self, "IDAT", p, n, e);
}

/* --- rows --- */

/* Eight at a time, the highest bit of each apart so that none borrows from its neighbour. */
static void filter_up(uint8_t *out, const uint8_t *row, const uint8_t *above, size_t n)
{
    const uint64_t high = 0x8080808080808080;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x, y;
        memcpy(&x, row + i, 8);
        memcpy(&y, above + i, 8);
        x = ((x | high) - (y & ~high)) ^ ((x ^ ~y) & high);
        memcpy(out + i, &x, 8);
    }
    for (; i < n; i++)
        out[i] = (uint8_t)(row[i] - above[i]);
}

static int distance(int a, int b)
{
    return a < b ? b - a : a - b;
}

static void filter_paeth(uint8_t *out, const uint8_t *row, const uint8_t *above, size_t n)
{
    for (size_t i = 0; i < RGB && i < n; i++)
        out[i] = (uint8_t)(row[i] - above[i]);
    for (size_t i = RGB; i < n; i++) {
        int left = row[i - RGB], up = above[i], corner = above[i - RGB];
        int by_left = distance(up, corner), by_up = distance(left, corner);
        int by_corner = distance(left + up, 2 * corner);
        int guess = by_up <= by_corner ? up : corner;
        guess = by_left <= by_up && by_left <= by_corner ? left : guess;
        out[i] = (uint8_t)(row[i] - guess);
    }
}

/* Adler's sums over a byte and n zeros behind it. */
static uint32_t adler_zeros(uint32_t adler, uint8_t first, size_t n)
{
    uint32_t a = ((adler & 0xffff) + first) % ADLER, b = ((adler >> 16) + a) % ADLER;
    return (uint32_t)((b + (uint64_t)n % ADLER * a) % ADLER) << 16 | a;
}

static int put_row(struct png *g, int y, struct err *e)
{
    const struct encode *c = g->encode;
    const uint8_t *row = c->row(c->self, y);
    if (memcmp(row, g->above, g->stride) == 0) {
        g->line[0] = UP;
        memset(g->line + 1, 0, g->stride);
        g->adler = adler_zeros(g->adler, UP, g->stride);
    } else {
        g->line[0] = c->kind == ENCODE_PAGE ? UP : PAETH;
        (c->kind == ENCODE_PAGE ? filter_up : filter_paeth)(g->line + 1, row, g->above, g->stride);
        g->adler = (uint32_t)adler32(g->adler, g->line, (uInt)(1 + g->stride));
    }
    g->above = row;
    return deflate_write(g->deflate, g->line, 1 + g->stride, e);
}

static int put_rows(struct png *g, struct err *e)
{
    static const uint8_t head[] = {0x78, 0x01};
    uint8_t tail[4];
    if (put_chunk(g->encode, "IDAT", head, sizeof head, e) != 0)
        return -1;
    for (int y = 0; y < g->encode->h; y++)
        if (put_row(g, y, e) != 0)
            return -1;
    if (deflate_close(g->deflate, e) != 0)
        return -1;
    store32(tail, g->adler);
    return put_chunk(g->encode, "IDAT", tail, sizeof tail, e);
}

int encode_png(const struct encode *c, struct err *e)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t head[13] = {[8] = 8, [9] = 2}; /* bits of a sample, and that there are three */
    store32(head, (uint32_t)c->w);
    store32(head + 4, (uint32_t)c->h);
    if (c->put(c->self, signature, sizeof signature, e) != 0 ||
        put_chunk(c, "IHDR", head, sizeof head, e) != 0 || put_text(c, "Title", c->title, e) != 0 ||
        put_text(c, "Description", c->description, e) != 0)
        return -1;
    struct png g = {.encode = c, .adler = 1, .stride = RGB * (size_t)c->w};
    g.deflate = deflate_open(put_data, (void *)c);
    uint8_t *black = mem_zero(g.stride, 1);
    g.above = black;
    g.line = mem_alloc(1 + g.stride, 1);
    int r = put_rows(&g, e);
    deflate_free(g.deflate);
    free(black);
    free(g.line);
    return r == 0 ? put_chunk(c, "IEND", NULL, 0, e) : -1;
}
