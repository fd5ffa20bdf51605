#include "image/image.h"

#include "base/mem.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 8000000 };

struct reader {
    const unsigned char *p;
    size_t n, at;
    const char *name;
    struct err *e;
    struct image *im;
    unsigned char *rows; /* one, or all of an interlaced image */
};

_Noreturn static void on_error(png_structp png, png_const_charp message)
{
    const struct reader *r = png_get_error_ptr(png);
    /* Some messages of libpng end in bytes of the file. */
    if (!r->e->msg[0])
        err_record(r->e, "%s: damaged PNG: %s", r->name, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    struct reader *r = png_get_io_ptr(png);
    if (n > r->n - r->at)
        png_error(png, "it ends early");
    memcpy(to, r->p + r->at, n);
    r->at += n;
}

/* A row as libpng gives it: grey of 8 or 16 bits, or RGB of 8. */
static void put_row(struct image *im, int y, const unsigned char *row, bool grey, bool wide)
{
    size_t plane = (size_t)im->h * (size_t)im->w, w = (size_t)im->w;
    uint8_t *to = im->pixels + (size_t)y * w;
    for (size_t x = 0; x < w; x++) {
        if (!grey) {
            for (size_t c = 0; c < 3; c++)
                to[c * plane + x] = row[3 * x + c];
            continue;
        }
        bool above = wide && row[2 * x];
        uint8_t v = !wide ? row[x] : above ? 255 : row[2 * x + 1];
        im->whitened = im->whitened || above;
        to[x] = to[plane + x] = to[2 * plane + x] = v;
    }
}

static void limit(png_structp png)
{
    /* image_room says it better. */
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, CHUNK_BYTES);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    /* Neither words nor profiles are unpacked, and transparency is not looked at; the
     * checksums of these chunks are. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep) "tRNS", 1);
}

/* Ends by png_longjmp where something is wrong. */
static void decode(struct reader *r, png_structp png, png_infop info)
{
    struct image *im = r->im;
    limit(png);
    png_set_read_fn(png, r, read_bytes);
    png_read_info(png, info);
    if (image_room(im, png_get_image_height(png, info), png_get_image_width(png, info), r->name,
                   r->e) != 0)
        png_longjmp(png, 1);
    int type = png_get_color_type(png, info), bits = png_get_bit_depth(png, info);
    bool grey = type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA;
    bool wide = type == PNG_COLOR_TYPE_GRAY && bits == 16;
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY && bits < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    if (bits == 16 && !wide)
        png_set_strip_16(png);
    png_set_strip_alpha(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t row = png_get_rowbytes(png, info);
    r->rows = mem_zero(passes > 1 ? (size_t)im->h : 1, row);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < im->h; y++) {
            unsigned char *to = r->rows + (passes > 1 ? (size_t)y * row : 0);
            png_read_row(png, to, NULL);
            if (pass == passes - 1)
                put_row(im, y, to, grey, wide);
        }
    png_read_end(png, NULL);
}

int image_png(struct image *im, const unsigned char *p, size_t n, const char *name, struct err *e)
{
    /* Not on the stack, so that nothing in it is lost by longjmp. */
    struct reader *r = mem_zero(1, sizeof *r);
    *r = (struct reader){.p = p, .n = n, .name = name, .e = e, .im = im};
    e->msg[0] = '\0';
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int result = 0;
    if (!info)
        result = err_set(e, "%s: PNG images cannot be read: libpng does not start", name);
    else if (setjmp(png_jmpbuf(png)) != 0)
        result = -1;
    else
        decode(r, png, info);
    png_destroy_read_struct(&png, &info, NULL);
    free(r->rows);
    free(r);
    return result;
}
