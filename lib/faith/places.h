/* Where the mass of a map lies: on the right tiles of a mosaic, inside a mask. Maps are finite;
 * a map's mass is its positive values, as in the sources. */
#ifndef HP_PLACES_H
#define HP_PLACES_H

#include <stdint.h>

/* The share of a map's mass that lies on tiles of two by two: bit 0 of `tiles` stands for the
 * upper left one, 1 for the upper right, 2 for the lower left, 3 for the lower right. A cell that
 * lies on several tiles belongs to each in part. NaN where no value of map[h * w] is above 0.
 * (Focus: Arias-Duart et al., Focus! Rating XAI methods and finding biases, 2022.) */
double places_focus(const float *map, int h, int w, unsigned tiles);

/* Of the highest of map[n] the share that lies where mask[n] is not 0: 0 or 1 where there is one
 * highest. NaN where all values are equal, which point nowhere, and where the mask is empty. (The
 * pointing game: Zhang et al., Top-down neural attention by excitation backprop, 2018; without its
 * margin of 15 pixels.) */
double places_pointing(const float *map, const uint8_t *mask, int n);

/* The share of the mass that lies where the mask is not 0. NaN where no value is above 0,
 * and where the mask is empty. (Relevance mass accuracy: Arras et al., CLEVR-XAI, 2022.) */
double places_inside(const float *map, const uint8_t *mask, int n);

#endif
