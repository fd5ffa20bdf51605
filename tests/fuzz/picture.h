/* A picture in memory, decoded. */
#ifndef HP_FUZZ_PICTURE_H
#define HP_FUZZ_PICTURE_H

#include "fuzz.h"

#include "image/image.h"

static inline void fuzz_picture(const uint8_t *p, size_t n)
{
    struct err e;
    struct image im;
    int turned = image_orientation(p, n);
    if (turned < 1 || turned > 8)
        abort();
    if (image_decode(&im, p, n, "fuzz", &e) != 0)
        return;
    if (im.h < 1 || im.w < 1)
        abort();
    fuzz_touch(im.pixels, 3 * (size_t)im.h * (size_t)im.w);
    image_free(&im);
}

#endif
