#include "image/jpeg_write.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

struct writer {
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr error;
    jmp_buf jump;
    struct err *e;
    unsigned char *buf;
    unsigned long n;
    unsigned char *row;
};

_Noreturn static void on_error(j_common_ptr j)
{
    struct writer *w = j->client_data;
    char text[JMSG_LENGTH_MAX];
    j->err->format_message(j, text);
    err_record(w->e, "JPEG: %s", text);
    longjmp(w->jump, 1);
}

static void write_rows(struct writer *w, const uint8_t *pixels, int height, int width, int quality)
{
    const size_t plane = (size_t)height * (size_t)width;

    jpeg_create_compress(&w->j);
    jpeg_mem_dest(&w->j, &w->buf, &w->n);
    w->j.image_width = (JDIMENSION)width;
    w->j.image_height = (JDIMENSION)height;
    w->j.input_components = 3;
    w->j.in_color_space = JCS_RGB;
    jpeg_set_defaults(&w->j);
    jpeg_set_quality(&w->j, quality, TRUE);
    jpeg_start_compress(&w->j, TRUE);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                w->row[3 * x + c] =
                    pixels[(size_t)c * plane + (size_t)y * (size_t)width + (size_t)x];
        jpeg_write_scanlines(&w->j, &w->row, 1);
    }
    jpeg_finish_compress(&w->j);
}

int image_jpeg_write(const uint8_t *pixels, int h, int w, int quality, unsigned char **buf,
                     size_t *n, struct err *e)
{
    /* In memory, because the jump leaves what is in registers undefined. */
    struct writer *t = mem_zero(1, sizeof *t);
    int r = 0;

    t->row = mem_alloc(3 * (size_t)w, 1);
    t->e = e;
    t->j.err = jpeg_std_error(&t->error);
    t->error.error_exit = on_error;
    t->j.client_data = t;
    if (setjmp(t->jump) == 0)
        write_rows(t, pixels, h, w, quality);
    else
        r = -1;
    jpeg_destroy_compress(&t->j);
    if (r == 0) {
        *buf = t->buf;
        *n = t->n;
    } else {
        free(t->buf);
    }
    free(t->row);
    free(t);
    return r;
}
