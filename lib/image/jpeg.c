#include "image/image.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

/* Cameras and encoders write about ten scans. */
enum { COEFFICIENT_BYTES = 40 << 20, SCANS = 100 };

struct reader {
    struct jpeg_decompress_struct j;
    struct jpeg_error_mgr error;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    const char *name;
    struct err *e;
    struct image *im;
    unsigned char *row;
};

_Noreturn static void fail(j_common_ptr j, const char *what)
{
    struct reader *r = j->client_data;
    err_record(r->e, "%s: damaged JPEG: %s", r->name, what);
    longjmp(r->jump, 1);
}

_Noreturn static void on_error(j_common_ptr j)
{
    char text[JMSG_LENGTH_MAX];
    j->err->format_message(j, text);
    fail(j, text);
}

/* Pixels that are made up where data is missing are no pixels. */
static void on_message(j_common_ptr j, int level)
{
    int code = j->err->msg_code;
    if (level < 0 && (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
                      code == JWRN_ARITH_BAD_CODE || code == JWRN_JPEG_EOF))
        on_error(j);
}

static void print_nothing(j_common_ptr j)
{
    (void)j;
}

static boolean on_end(j_decompress_ptr j)
{
    fail((j_common_ptr)j, "it ends early");
}

static void on_progress(j_common_ptr j)
{
    if (((j_decompress_ptr)j)->input_scan_number > SCANS)
        fail(j, "expected at most 100 scans, found more");
}

static void put_row(const struct image *im, int y, const unsigned char *row, int channels)
{
    size_t plane = (size_t)im->h * (size_t)im->w, w = (size_t)im->w;
    uint8_t *to = im->pixels + (size_t)y * w;
    for (size_t x = 0; x < w; x++, row += channels)
        for (size_t c = 0; c < 3; c++) {
            unsigned v = row[channels == 1 ? 0 : c];
            if (channels == 4) {
                /* Inverted, so these are the shares of light: Pillow's rounding. */
                unsigned product = (255 - v) * row[3] + 128;
                v = row[3] - ((product + (product >> 8)) >> 8);
            }
            to[c * plane + x] = (uint8_t)v;
        }
}

/* Ends by longjmp where something is wrong. */
static void decode(struct reader *r, const unsigned char *p, size_t n)
{
    j_decompress_ptr j = &r->j;
    jpeg_create_decompress(j);
    j->client_data = r;
    j->mem->max_memory_to_use = COEFFICIENT_BYTES;
    r->progress.progress_monitor = on_progress;
    j->progress = &r->progress;
    jpeg_mem_src(j, p, n);
    j->src->fill_input_buffer = on_end;
    jpeg_read_header(j, TRUE);
    if (j->data_precision != 8)
        fail((j_common_ptr)j, "expected 8 bits a sample, found another number");
    int channels = j->num_components;
    if (channels != 1 && channels != 3 && channels != 4)
        fail((j_common_ptr)j, "expected 1, 3 or 4 components, found another number");
    if (image_room(r->im, j->image_height, j->image_width, r->name, r->e) != 0)
        longjmp(r->jump, 1);
    j->out_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_start_decompress(j);
    r->row = mem_alloc((size_t)r->im->w, (size_t)channels);
    while (j->output_scanline < j->output_height) {
        int y = (int)j->output_scanline;
        jpeg_read_scanlines(j, &r->row, 1);
        put_row(r->im, y, r->row, channels);
    }
    jpeg_finish_decompress(j);
}

int image_jpeg(struct image *im, const unsigned char *p, size_t n, const char *name, struct err *e)
{
    /* Not on the stack, so that nothing in it is lost by longjmp. */
    struct reader *r = mem_zero(1, sizeof *r);
    r->name = name;
    r->e = e;
    r->im = im;
    r->j.err = jpeg_std_error(&r->error);
    r->j.client_data = r;
    r->error.error_exit = on_error;
    r->error.emit_message = on_message;
    r->error.output_message = print_nothing;
    int result = 0;
    if (setjmp(r->jump) != 0)
        result = -1;
    else
        decode(r, p, n);
    jpeg_destroy_decompress(&r->j);
    free(r->row);
    free(r);
    return result;
}
