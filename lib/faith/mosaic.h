/* Mosaics of two by two images, two of which show the class that a map is made for (Focus:
 * Arias-Duart et al., Focus! Rating XAI methods and finding biases, 2022). */
#ifndef HP_MOSAIC_H
#define HP_MOSAIC_H

#include <stdbool.h>
#include <stdint.h>

struct mosaic {
    int image[4]; /* on the upper left, upper right, lower left and lower right tile */
    unsigned own; /* the tiles with the class, as places_focus() takes them */
};

struct mosaics;

/* For images of the classes cls[n], 0 <= cls < classes. Caller frees. */
struct mosaics *mosaics_new(const int *cls, int n, int classes);
void mosaics_free(struct mosaics *m);

/* A mosaic of image `i`: another of its class and two of two other classes, each as likely as
 * any other of the table, on tiles in any order. False where the table lacks such images. */
bool mosaics_choose(const struct mosaics *m, int i, uint64_t seed, struct mosaic *out);

/* Copies tile[3 * h * w] to its place, 0 to 3, in pixels[3 * 2h * 2w]. */
void mosaic_put(const uint8_t *tile, int place, int h, int w, uint8_t *pixels);

#endif
