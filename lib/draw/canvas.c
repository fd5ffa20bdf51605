#include "draw/canvas.h"

#include "base/mem.h"

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* More gains little on pages that are mostly flat or repeated. */
enum { PNG_LEVEL = 3 };

struct canvas {
    int w, h;
    uint32_t *px; /* 0xRRGGBB */
};

struct canvas *canvas_new(int w, int h)
{
    struct canvas *c = mem_alloc(1, sizeof *c);
    c->w = w;
    c->h = h;
    size_t n = (size_t)w * (size_t)h;
    c->px = mem_alloc(n, sizeof *c->px);
    memset(c->px, 0xff, n * sizeof *c->px);
    return c;
}

void canvas_free(struct canvas *c)
{
    if (!c)
        return;
    free(c->px);
    free(c);
}

static struct canvas_rect clipped(const struct canvas *c, struct canvas_rect r)
{
    int x1 = r.x + r.w < c->w ? r.x + r.w : c->w, y1 = r.y + r.h < c->h ? r.y + r.h : c->h;
    r.x = r.x > 0 ? r.x : 0;
    r.y = r.y > 0 ? r.y : 0;
    r.w = x1 - r.x;
    r.h = y1 - r.y;
    return r;
}

static uint32_t *row_at(const struct canvas *c, int x, int y)
{
    return c->px + (size_t)y * (size_t)c->w + x;
}

void canvas_fill(struct canvas *c, struct canvas_rect r, uint32_t color)
{
    r = clipped(c, r);
    for (int y = 0; y < r.h; y++) {
        uint32_t *p = row_at(c, r.x, r.y + y);
        for (int x = 0; x < r.w; x++)
            p[x] = color;
    }
}

/* `part` of 256 of the colour. */
static uint32_t mix(uint32_t old, uint32_t color, uint32_t part)
{
    uint32_t mixed = 0;
    for (int s = 0; s < 24; s += 8)
        mixed |= ((old >> s & 0xff) * (256 - part) + (color >> s & 0xff) * part + 128) >> 8 << s;
    return mixed;
}

void canvas_tint(struct canvas *c, struct canvas_rect r, uint32_t color, float share)
{
    r = clipped(c, r);
    for (int y = 0; y < r.h; y++) {
        uint32_t *p = row_at(c, r.x, r.y + y);
        for (int x = 0; x < r.w; x++)
            p[x] = mix(p[x], color, (uint32_t)(256 * share + 0.5F));
    }
}

void canvas_ink(struct canvas *c, struct canvas_rect r, int x, int y, const struct canvas_mask *m,
                uint32_t color)
{
    /* The part of the page that both the rectangle and the mask cover. */
    int left = r.x > x ? r.x : x, top = r.y > y ? r.y : y;
    int right = r.x + r.w < x + m->w ? r.x + r.w : x + m->w;
    int bottom = r.y + r.h < y + m->h ? r.y + r.h : y + m->h;
    r = clipped(c, (struct canvas_rect){left, top, right - left, bottom - top});
    for (int k = 0; k < r.h; k++) {
        uint32_t *p = row_at(c, r.x, r.y + k);
        const uint8_t *ink = m->px + (ptrdiff_t)(r.y + k - y) * m->stride + (r.x - x);
        for (int i = 0; i < r.w; i++)
            if (ink[i])
                p[i] = mix(p[i], color, ink[i] + (uint32_t)(ink[i] >> 7));
    }
}

void canvas_put(struct canvas *c, struct canvas_rect r, const uint8_t *rgb)
{
    for (int y = 0; y < r.h; y++) {
        uint32_t *p = row_at(c, r.x, r.y + y);
        for (int x = 0; x < r.w; x++, rgb += 3)
            p[x] = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
    }
}

/* --- PNG --- */

struct sink {
    struct out *out;
    struct err *err;
};

static void sink_write(png_structp png, png_bytep p, size_t n)
{
    struct sink *s = png_get_io_ptr(png);
    if (out_write(s->out, p, n, s->err) != 0)
        longjmp(png_jmpbuf(png), 1);
}

static void sink_flush(png_structp png)
{
    (void)png;
}

static void on_error(png_structp png, png_const_charp why)
{
    struct sink *s = png_get_error_ptr(png);
    err_record(s->err, "%s: PNG: %s", out_name(s->out), why);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp why)
{
    (void)png;
    (void)why;
}

static void set_text(png_structp png, png_infop info, char *key, char *text)
{
    if (!text || !*text)
        return;
    png_text t = {.compression = PNG_ITXT_COMPRESSION_NONE};
    t.key = key;
    t.text = text;
    t.itxt_length = strlen(text);
    png_set_text(png, info, &t, 1);
}

static void write_rows(const struct canvas *c, png_structp png, png_infop info, png_bytep row)
{
    png_set_IHDR(png, info, (png_uint_32)c->w, (png_uint_32)c->h, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, PNG_LEVEL);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    png_write_info(png, info);
    for (int y = 0; y < c->h; y++) {
        const uint32_t *p = row_at(c, 0, y);
        for (int x = 0; x < c->w; x++) {
            row[3 * x] = (png_byte)(p[x] >> 16);
            row[3 * x + 1] = (png_byte)(p[x] >> 8);
            row[3 * x + 2] = (png_byte)p[x];
        }
        png_write_row(png, row);
    }
    png_write_end(png, info);
}

int canvas_png(const struct canvas *c, char *title, char *description, struct out *o, struct err *e)
{
    struct sink sink = {o, e};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, on_error, on_warning);
    if (!png)
        return err_set(e, "%s: PNG: cannot start", out_name(o));
    png_infop info = png_create_info_struct(png);
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return err_set(e, "%s: PNG: out of memory", out_name(o));
    }
    png_bytep row = mem_alloc((size_t)c->w, 3);
    png_set_write_fn(png, &sink, sink_write, sink_flush);
    bool failed = setjmp(png_jmpbuf(png)) != 0;
    if (!failed) {
        set_text(png, info, "Title", title);
        set_text(png, info, "Description", description);
        write_rows(c, png, info, row);
    }
    free(row);
    png_destroy_write_struct(&png, &info);
    return failed ? -1 : 0;
}
