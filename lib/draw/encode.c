/* Portable Network Graphics, second edition (W3C, 2003). */
#include "draw/encode.h"

#include "base/mem.h"

#include <libdeflate.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    RGB = 3,
    UP = 2,
    PAETH = 4,
    CHUNK = 1 << 20, /* bytes, of which a reader takes one at a time */
    LEVEL = 2
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
    store32(tail, libdeflate_crc32(libdeflate_crc32(0, head + 4, 4), p, n));
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

/* The rows as PNG filters them, each behind the number of its filter. */
static void filter(const struct encode *c, size_t stride, uint8_t *out)
{
    uint8_t *black = mem_zero(stride, 1);
    const uint8_t *above = black;
    for (int y = 0; y < c->h; y++, out += 1 + stride) {
        const uint8_t *row = c->row(c->self, y);
        /* A row that repeats is zeros by any of the two. */
        bool up = c->kind == ENCODE_PAGE || memcmp(row, above, stride) == 0;
        out[0] = up ? UP : PAETH;
        (up ? filter_up : filter_paeth)(out + 1, row, above, stride);
        above = row;
    }
    free(black);
}

static int put_rows(const struct encode *c, struct err *e)
{
    const size_t stride = RGB * (size_t)c->w, n = (size_t)c->h * (1 + stride);
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(LEVEL);
    if (!z)
        return err_set(e, "out of memory");
    const size_t room = libdeflate_zlib_compress_bound(z, n);
    /* One allocation of a size that malloc keeps for the next picture. */
    uint8_t *rows = mem_alloc(n + room, 1), *out = rows + n;
    filter(c, stride, rows);
    size_t size = libdeflate_zlib_compress(z, rows, n, out, room);
    int r = 0;
    for (size_t at = 0; r == 0 && at < size; at += CHUNK)
        r = put_chunk(c, "IDAT", out + at, size - at < CHUNK ? size - at : CHUNK, e);
    libdeflate_free_compressor(z);
    free(rows);
    return r;
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
    return put_rows(c, e) == 0 ? put_chunk(c, "IEND", "", 0, e) : -1;
}
