/* Resizing of images as Pillow does it with its bilinear and bicubic filters (Resample.c), and with
 * them torchvision's Resize on its images: a triangle, or a cubic of two pixels to either side, as
 * wide as the input pixels that an output pixel covers, weights of 22 bits, rows and columns one
 * after the other, each rounded to a byte. */
#ifndef HP_RESAMPLE_H
#define HP_RESAMPLE_H

#include <stdint.h>

/* Sides of targets. */
enum { RESAMPLE_SIDE = 1024 };

enum resample_filter { RESAMPLE_BILINEAR, RESAMPLE_BICUBIC };

/* From 3 planes of h x w to 3 of oh x ow, bilinear. Thread-safe. */
void resample(const uint8_t *in, int h, int w, uint8_t *out, int oh, int ow);

/* Rows and columns of the result. */
struct resample_part {
    int y, x, h, w;
};

/* The same, of which only a part is computed: 3 planes of part->h x part->w, at a cost that depends
 * on these and on h and w alone. */
void resample_part(const uint8_t *in, int h, int w, int oh, int ow, enum resample_filter filter,
                   const struct resample_part *part, uint8_t *out);

#endif
