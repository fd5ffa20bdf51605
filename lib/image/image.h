/* Pictures in PNG, JPEG, WebP and BMP, in memory, as Pillow's Image.open(f).convert("RGB")
 * gives them: 16 bits cut to 8 (grey: values above 255 are 255), transparency dropped, CMYK
 * taken for Adobe's inverted, the first frame of an animation, no rotation, no colour
 * management. Hostile bytes cost no more than bytes that fill the limits below: 60 MB and a
 * second. */
#ifndef HP_IMAGE_H
#define HP_IMAGE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IMAGE_SIDE = 8192,      /* pixels, at most */
    IMAGE_PIXELS = 1 << 22, /* h * w, at most */
    IMAGE_BYTES = 1 << 26   /* of a file, at most */
};

struct image {
    int h, w;
    bool whitened;   /* grey of 16 bits with values above 255 */
    uint8_t *pixels; /* 3 planes of h x w, in R, G, B order */
};

enum image_form { IMAGE_OTHER, IMAGE_PNG, IMAGE_JPEG, IMAGE_WEBP, IMAGE_BMP, IMAGE_FORMS };

/* What bytes begin as. */
enum image_form image_form(const unsigned char *p, size_t n);

/* Decodes p[n]; `name` is for messages. What is damaged or cut off is an error. The
 * caller frees with image_free. Thread-safe. */
int image_decode(struct image *im, const unsigned char *p, size_t n, const char *name,
                 struct err *e) ERR_CHECKED;
void image_free(struct image *im);

/* The orientation in EXIF, from 1 (upright, also where there is none) to 8, of bytes that
 * may be damaged. image_decode does not apply it. */
int image_orientation(const unsigned char *p, size_t n);

/* The parts of image_decode. image_room makes the planes, or says why not. */
int image_png(struct image *im, const unsigned char *p, size_t n, const char *name, struct err *e)
    ERR_CHECKED;
int image_jpeg(struct image *im, const unsigned char *p, size_t n, const char *name, struct err *e)
    ERR_CHECKED;
int image_webp(struct image *im, const unsigned char *p, size_t n, const char *name, struct err *e)
    ERR_CHECKED;
int image_bmp(struct image *im, const unsigned char *p, size_t n, const char *name, struct err *e)
    ERR_CHECKED;
int image_room(struct image *im, uint32_t h, uint32_t w, const char *name, struct err *e)
    ERR_CHECKED;

#endif
