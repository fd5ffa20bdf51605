/* The orientation in EXIF, as cameras write it. Nothing else in EXIF is looked at. */
#include "image/image.h"

#include <string.h>

enum { ORIENTATION = 0x112, SHORT = 3, ENTRY = 12, UPRIGHT = 1, LAST = 8 };

static uint32_t number(const unsigned char *p, int bytes, bool little)
{
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[little ? bytes - 1 - i : i];
    return v;
}

/* In the first directory of a TIFF, which EXIF is. */
static int of_tiff(const unsigned char *p, size_t n)
{
    if (n >= 6 && memcmp(p, "Exif\0\0", 6) == 0) {
        p += 6;
        n -= 6;
    }
    if (n < 8 || (memcmp(p, "II*\0", 4) != 0 && memcmp(p, "MM\0*", 4) != 0))
        return UPRIGHT;
    bool little = p[0] == 'I';
    size_t at = number(p + 4, 4, little);
    if (at > n || n - at < 2)
        return UPRIGHT;
    size_t entries = number(p + at, 2, little);
    at += 2;
    for (size_t i = 0; i < entries && n - at >= ENTRY; i++, at += ENTRY) {
        if (number(p + at, 2, little) != ORIENTATION || number(p + at + 2, 2, little) != SHORT)
            continue;
        uint32_t v = number(p + at + 8, 2, little);
        return v >= UPRIGHT && v <= LAST ? (int)v : UPRIGHT;
    }
    return UPRIGHT;
}

/* In the first APP1 of that kind. */
static int of_jpeg(const unsigned char *p, size_t n)
{
    for (size_t at = 2; n - at >= 4 && p[at] == 0xff;) {
        unsigned marker = p[at + 1];
        if (marker == 0xff) { /* a filling byte */
            at++;
            continue;
        }
        size_t size = number(p + at + 2, 2, false);
        if (marker == 0xda || size < 2 || size > n - at - 2)
            return UPRIGHT;
        if (marker == 0xe1 && size >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0)
            return of_tiff(p + at + 4, size - 2);
        at += 2 + size;
    }
    return UPRIGHT;
}

static int of_png(const unsigned char *p, size_t n)
{
    for (size_t at = 8; n - at >= 12;) {
        size_t size = number(p + at, 4, false);
        if (size > n - at - 12)
            return UPRIGHT;
        if (memcmp(p + at + 4, "eXIf", 4) == 0)
            return of_tiff(p + at + 8, size);
        at += 12 + size;
    }
    return UPRIGHT;
}

static int of_webp(const unsigned char *p, size_t n)
{
    for (size_t at = 12; n - at >= 8;) {
        size_t size = number(p + at + 4, 4, true);
        if (size > n - at - 8)
            return UPRIGHT;
        if (memcmp(p + at, "EXIF", 4) == 0)
            return of_tiff(p + at + 8, size);
        at += 8 + size;
        at += size % 2 && at < n;
    }
    return UPRIGHT;
}

int image_orientation(const unsigned char *p, size_t n)
{
    switch (image_form(p, n)) {
    case IMAGE_PNG:
        return of_png(p, n);
    case IMAGE_JPEG:
        return of_jpeg(p, n);
    case IMAGE_WEBP:
        return of_webp(p, n);
    default:
        return UPRIGHT;
    }
}
