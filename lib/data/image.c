#include "data/image.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

bool image_is_png(const unsigned char *p, size_t n)
{
    return n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0;
}

bool image_is_jpeg(const unsigned char *p, size_t n)
{
    return n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0;
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

int image_decode(struct image *im, const unsigned char *p, size_t n, const char *name,
                 struct err *e)
{
    *im = (struct image){0};
    int r;
    if (image_is_png(p, n))
        r = image_png(im, p, n, name, e);
    else if (image_is_jpeg(p, n))
        r = image_jpeg(im, p, n, name, e);
    else
        r = err_set(e, "%s: expected a PNG or JPEG image, found %s", name,
                    n ? "something else" : "an empty file");
    if (r != 0)
        image_free(im);
    return r;
}

void image_free(struct image *im)
{
    free(im->pixels);
    *im = (struct image){0};
}
