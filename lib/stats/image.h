/* Statistics of an image's pixels. */
#ifndef HP_IMAGE_STATS_H
#define HP_IMAGE_STATS_H

#include <stdint.h>

/* Of the luma Y = .299 R + .587 G + .114 B where nothing else is said. */
struct image_stats {
    double brightness;   /* mean, from 0 to 1 */
    double contrast;     /* standard deviation, from 0 to .5 */
    double sharpness;    /* standard deviation of 4 Y less its four neighbours, over the pixels
                            that have all four, with Y from 0 to 1; NaN where none has */
    double colorfulness; /* Hasler and Suesstrunk 2003, of R, G, B from 0 to 255 */
    double entropy;      /* of its 256 rounded values, in bits */
    double border;       /* share of the pixels in rows at both top and bottom, or columns at both
                            left and right, that have the colour of the first and of the last pixel;
                            1 for an image of one colour */
    uint64_t hash;       /* image_hash */
};

/* pixels (3, h, w), h and w at least 1. */
void image_measure(const uint8_t *pixels, int h, int w, struct image_stats *s);

#endif
