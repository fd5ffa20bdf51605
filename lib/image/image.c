#include "image/image.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool starts(const unsigned char *p, size_t n, const char *with, size_t length)
{
    return n >= length && memcmp(p, with, length) == 0;
}

enum image_form image_form(const unsigned char *p, size_t n)
{
    if (starts(p, n, "\x89PNG\r\n\x1a\n", 8))
        return IMAGE_PNG;
    if (starts(p, n, "\xff\xd8\xff", 3))
        return IMAGE_JPEG;
    if (starts(p, n, "RIFF", 4) && n >= 12 && memcmp(p + 8, "WEBP", 4) == 0)
        return IMAGE_WEBP;
    return starts(p, n, "BM", 2) ? IMAGE_BMP : IMAGE_OTHER;
}

int image_room(struct image *im, uint32_t h, uint32_t w, const char *name, struct err *e)
{
    if (h < 1 || w < 1 || h > IMAGE_SIDE || w > IMAGE_SIDE || h * w > IMAGE_PIXELS)
        return err_set(e,
                       "%s: expected an image of at most %d pixels a side and %d in all, found %u "
                       "by %u (width by height)",
                       name, IMAGE_SIDE, IMAGE_PIXELS, w, h);
    im->h = (int)h;
    im->w = (int)w;
    im->pixels = mem_alloc((size_t)h * w, 3);
    return 0;
}

/* What is often called as an image of another form. */
static const char *other(const unsigned char *p, size_t n)
{
    if (n == 0)
        return "an empty file";
    if (starts(p, n, "GIF8", 4))
        return "a GIF";
    if (starts(p, n, "II*\0", 4) || starts(p, n, "MM\0*", 4))
        return "a TIFF";
    return n >= 8 && starts(p + 4, n - 4, "ftyp", 4) ? "an AVIF, HEIC or video" : "something else";
}

int image_decode(struct image *im, const unsigned char *p, size_t n, const char *name,
                 struct err *e)
{
    static int (*const decode[IMAGE_FORMS])(struct image *, const unsigned char *, size_t,
                                            const char *, struct err *) = {
        [IMAGE_PNG] = image_png,
        [IMAGE_JPEG] = image_jpeg,
        [IMAGE_WEBP] = image_webp,
        [IMAGE_BMP] = image_bmp,
    };
    enum image_form form = image_form(p, n);
    *im = (struct image){0};
    int r = decode[form] ? decode[form](im, p, n, name, e)
                         : err_set(e, "%s: expected a PNG, JPEG, WebP or BMP image, found %s", name,
                                   other(p, n));
    if (r != 0)
        image_free(im);
    return r;
}

void image_free(struct image *im)
{
    free(im->pixels);
    *im = (struct image){0};
}
