/* Windows bitmaps, by the rules of Pillow's BmpImagePlugin.py: headers of OS/2 1 and 2 and
 * of Windows 3 to 5; 1, 4 and 8 bits with a palette, plain or run-length encoded; 16, 24
 * and 32 bits, plain or with masks. What Pillow would read past damage is an error here. */
#include "image/image.h"

#include "base/mem.h"

#include <string.h>

enum {
    FILE_HEADER = 14,
    CORE_HEADER = 12,
    INFO_HEADER = 40,
    MASKED_HEADER = 52, /* from here on the masks are in the header */
    COLORS = 256
};

enum compression { PLAIN, RLE8, RLE4, MASKS };

struct reader {
    const unsigned char *p;
    size_t n, at; /* `at`: of the pixels */
    const char *name;
    struct err *e;
    struct image *im;
    bool down; /* the first row is the top one */
    int bits;
    enum compression compression;
    uint32_t mask[3];                 /* R, G, B */
    unsigned char palette[COLORS][3]; /* R, G, B */
};

static uint32_t le16(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
    return le16(p) | le16(p + 2) << 16;
}

#define damaged(r, ...) err_set((r)->e, "%s: damaged BMP: " __VA_ARGS__)
#define cut(r) damaged(r, "it ends early", (r)->name)

/* --- headers --- */

static bool known_header(uint32_t n)
{
    static const uint32_t known[] = {CORE_HEADER, INFO_HEADER, MASKED_HEADER, 56, 64, 108, 124};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i] == n)
            return true;
    return false;
}

/* The bits of a mask lie side by side and in the pixel. */
static bool good_mask(uint32_t mask, int bits)
{
    uint64_t top = (uint64_t)mask + (mask & -mask);
    return mask != 0 && (top & (top - 1)) == 0 && top <= (uint64_t)1 << bits;
}

static int read_masks(struct reader *r, size_t header)
{
    static const uint32_t five[] = {0x7c00, 0x3e0, 0x1f}, eight[] = {0xff0000, 0xff00, 0xff};
    memcpy(r->mask, r->bits == 16 ? five : eight, sizeof r->mask);
    if (r->compression != MASKS)
        return 0;
    /* Of the older header they follow. */
    size_t at = FILE_HEADER + INFO_HEADER;
    if (r->n < at + 12)
        return cut(r);
    uint32_t mask[3];
    bool none = r->bits == 32;
    for (size_t c = 0; c < 3; c++) {
        mask[c] = le32(r->p + at + 4 * c);
        none = none && mask[c] == 0;
    }
    /* Pillow takes such a file with zeros for masks, alpha's too, for B, G, R, A. */
    if (none && (header < 56 || le32(r->p + at + 12) == 0))
        return 0;
    for (size_t c = 0; c < 3; c++)
        if (!good_mask(mask[c], r->bits))
            return damaged(r, "expected masks of adjacent bits, found %08x", r->name,
                           (unsigned)mask[c]);
    memcpy(r->mask, mask, sizeof mask);
    return 0;
}

/* Colours beyond those of the file are black. */
static int read_palette(struct reader *r, size_t header, uint32_t colors)
{
    size_t at = FILE_HEADER + header, step = header == CORE_HEADER ? 3 : 4;
    if (colors > COLORS)
        return damaged(r, "expected at most %d colours, found %u", r->name, COLORS,
                       (unsigned)colors);
    if (r->n < at + step * colors)
        return cut(r);
    for (size_t i = 0; i < colors; i++)
        for (size_t c = 0; c < 3; c++)
            r->palette[i][c] = r->p[at + step * i + 2 - c];
    /* Some files give the place of the palette for that of the pixels, or none. */
    if (r->at == at || r->at == 0)
        r->at = at + step * colors;
    return 0;
}

static int read_header(struct reader *r)
{
    const unsigned char *p = r->p + FILE_HEADER;
    uint32_t header = r->n < FILE_HEADER + 4 ? 0 : le32(p), colors = 0, w, h;
    if (header == 0)
        return cut(r);
    if (!known_header(header))
        return damaged(r, "expected a header of a known size, found %u bytes", r->name,
                       (unsigned)header);
    if (r->n < FILE_HEADER + header)
        return cut(r);
    bool core = header == CORE_HEADER;
    w = core ? le16(p + 4) : le32(p + 4);
    h = core ? le16(p + 6) : le32(p + 8);
    r->down = !core && h > INT32_MAX;
    h = r->down ? -h : h;
    r->bits = (int)le16(core ? p + 10 : p + 14);
    uint32_t compression = core ? PLAIN : le32(p + 16);
    if (!core)
        colors = le32(p + 32);
    r->at = le32(r->p + 10);
    bool mapped = r->bits == 1 || r->bits == 4 || r->bits == 8;
    if (!mapped && r->bits != 16 && r->bits != 24 && r->bits != 32)
        return damaged(r, "expected 1, 4, 8, 16, 24 or 32 bits a pixel, found %d", r->name,
                       r->bits);
    if (compression > MASKS || (compression == MASKS && mapped) ||
        (compression == RLE8 && r->bits != 8) || (compression == RLE4 && r->bits != 4))
        return err_set(r->e, "%s: BMP: the compression %u with %d bits a pixel cannot be read",
                       r->name, (unsigned)compression, r->bits);
    r->compression = (enum compression)compression;
    if (image_room(r->im, h, w, r->name, r->e) != 0)
        return -1;
    if (mapped)
        return read_palette(r, header, colors ? colors : 1U << r->bits);
    if (r->at == 0)
        r->at = FILE_HEADER + header + (r->compression == MASKS && header == INFO_HEADER ? 12 : 0);
    return read_masks(r, header);
}

/* --- pixels --- */

/* Row y of the file. */
static uint8_t *row_of(const struct reader *r, int y)
{
    const struct image *im = r->im;
    return im->pixels + (size_t)(r->down ? y : im->h - 1 - y) * (size_t)im->w;
}

static void put(const struct reader *r, uint8_t *to, const unsigned char *rgb)
{
    size_t plane = (size_t)r->im->h * (size_t)r->im->w;
    for (size_t c = 0; c < 3; c++)
        to[c * plane] = rgb[c];
}

/* A share of light of whatever width, as 8 bits. */
static unsigned char masked(uint32_t pixel, uint32_t mask)
{
    uint32_t unit = mask & -mask;
    return (unsigned char)((uint64_t)((pixel & mask) / unit) * 255 / (mask / unit));
}

static void put_row(const struct reader *r, int y, const unsigned char *p)
{
    uint8_t *to = row_of(r, y);
    size_t w = (size_t)r->im->w, bits = (size_t)r->bits;
    for (size_t x = 0; x < w; x++) {
        if (bits <= 8) {
            unsigned shift = (unsigned)(8 - bits - x * bits % 8);
            put(r, to + x, r->palette[p[x * bits / 8] >> shift & ((1U << bits) - 1)]);
            continue;
        }
        uint32_t pixel = le16(p);
        if (bits > 16)
            pixel |= (uint32_t)p[2] << 16;
        if (bits > 24)
            pixel |= (uint32_t)p[3] << 24;
        p += bits / 8;
        unsigned char rgb[3];
        for (size_t c = 0; c < 3; c++)
            rgb[c] = masked(pixel, r->mask[c]);
        put(r, to + x, rgb);
    }
}

static int read_rows(const struct reader *r)
{
    size_t w = (size_t)r->im->w, h = (size_t)r->im->h, bits = w * (size_t)r->bits;
    size_t row = (bits + 31) / 32 * 4, last = (bits + 7) / 8;
    if (r->at > r->n || r->n - r->at < row * (h - 1) + last)
        return cut(r);
    for (size_t y = 0; y < h; y++)
        put_row(r, (int)y, r->p + r->at + y * row);
    return 0;
}

/* A run-length encoded image on its way: the next pixel is x in row y. */
struct pen {
    const struct reader *r;
    int x, y;
};

/* `n` pixels in this row: those of p, or those of its first byte again and again, or the
 * first colour where there is no p. */
static int draw(struct pen *pen, int n, const unsigned char *p, bool again)
{
    const struct reader *r = pen->r;
    if (pen->y >= r->im->h || n > r->im->w - pen->x)
        return damaged(r, "row %d has too many pixels", r->name, pen->y);
    uint8_t *to = row_of(r, pen->y) + pen->x;
    for (int i = 0; i < n; i++) {
        unsigned v = 0;
        if (p && r->bits == 8)
            v = p[again ? 0 : i];
        else if (p)
            v = i % 2 ? p[again ? 0 : i / 2] & 15 : p[again ? 0 : i / 2] >> 4;
        put(r, to + i, r->palette[v]);
    }
    pen->x += n;
    return 0;
}

/* To the start of the next row; what was not drawn is of the first colour. */
static int next_row(struct pen *pen)
{
    int r = draw(pen, pen->r->im->w - pen->x, NULL, true);
    pen->x = 0;
    pen->y++;
    return r;
}

static int move(struct pen *pen, int right, int down)
{
    int x = pen->x + right, r = 0;
    for (int i = 0; i < down && r == 0; i++)
        r = next_row(pen);
    return r == 0 ? draw(pen, x - pen->x, NULL, true) : r;
}

static int read_runs(const struct reader *r)
{
    const unsigned char *p = r->p + (r->at < r->n ? r->at : r->n), *end = r->p + r->n;
    struct pen pen = {.r = r};
    while (pen.y < r->im->h - 1 || (pen.y < r->im->h && pen.x < r->im->w)) {
        if (end - p < 2)
            return cut(r);
        int n = p[0], what = p[1], result;
        p += 2;
        if (n > 0) {
            result = draw(&pen, n, p - 1, true);
        } else if (what == 0) {
            result = next_row(&pen);
        } else if (what == 1) {
            return damaged(r, "its pixels end early", r->name);
        } else if (what == 2) {
            if (end - p < 2)
                return cut(r);
            result = move(&pen, p[0], p[1]);
            p += 2;
        } else {
            int bytes = r->bits == 8 ? what : (what + 1) / 2;
            if (end - p < bytes)
                return cut(r);
            result = draw(&pen, what, p, false);
            p += bytes;
            p += bytes % 2 && p < end;
        }
        if (result != 0)
            return -1;
    }
    return 0;
}

int image_bmp(struct image *im, const unsigned char *p, size_t n, const char *name, struct err *e)
{
    struct reader r = {.p = p, .n = n, .name = name, .e = e, .im = im};
    if (read_header(&r) != 0)
        return -1;
    return r.compression == RLE8 || r.compression == RLE4 ? read_runs(&r) : read_rows(&r);
}
