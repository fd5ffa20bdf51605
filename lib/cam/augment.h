/* Maps of changed images, whose mean is a smoothed map: the image and its mirror image, each times
 * 0.9, 1 and 1.1 as the network reads it, as pytorch-grad-cam's aug_smooth. */
#ifndef HP_AUGMENT_H
#define HP_AUGMENT_H

#include "graph/graph.h"

#include <stdint.h>

enum { AUGMENT_VIEWS = 6 }; /* view 0 is the image as it is */

/* View `view` of pixels (3, h, w) as value 0 of the graph: out (c, h, w). */
void augment_image(int view, const struct graph *g, const uint8_t *pixels, float *out);

/* Adds the share that the map (h, w) of a view has in the mean, moved back; `sum` is zero before
 * the first. */
void augment_add(int view, const float *map, int h, int w, float *sum);

#endif
