#include "draw/encode.h"

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

struct sink {
    const struct encode *encode;
    struct err *err;
};

static void sink_write(png_structp png, png_bytep p, size_t n)
{
    const struct sink *s = png_get_io_ptr(png);
    if (s->encode->put(s->encode->self, p, n, s->err) != 0)
        longjmp(png_jmpbuf(png), 1);
}

static void sink_flush(png_structp png)
{
    (void)png;
}

static void on_error(png_structp png, png_const_charp why)
{
    const struct sink *s = png_get_error_ptr(png);
    err_record(s->err, "%s: PNG: %s", s->encode->name, why);
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

static void write_rows(const struct encode *c, png_structp png, png_infop info)
{
    png_set_IHDR(png, info, (png_uint_32)c->w, (png_uint_32)c->h, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (c->kind == ENCODE_PAGE) {
        png_set_compression_level(png, 3);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    } else {
        png_set_compression_level(png, 1);
        png_set_compression_strategy(png, Z_RLE);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_PAETH);
    }
    png_write_info(png, info);
    for (int y = 0; y < c->h; y++)
        png_write_row(png, c->row(c->self, y));
    png_write_end(png, info);
}

int encode_png(const struct encode *c, struct err *e)
{
    struct sink sink = {c, e};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, on_error, on_warning);
    if (!png)
        return err_set(e, "%s: PNG: cannot start", c->name);
    png_infop info = png_create_info_struct(png);
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return err_set(e, "%s: PNG: out of memory", c->name);
    }
    png_set_write_fn(png, &sink, sink_write, sink_flush);
    bool failed = setjmp(png_jmpbuf(png)) != 0;
    if (!failed) {
        set_text(png, info, "Title", c->title);
        set_text(png, info, "Description", c->description);
        write_rows(c, png, info);
    }
    png_destroy_write_struct(&png, &info);
    return failed ? -1 : 0;
}
