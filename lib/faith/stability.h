/* Whether a map follows its image: the map of a moved image, moved back, is compared with that of
 * the image by the rank correlation of their pixels. A network that sees objects at any place
 * should give 1; see Kindermans et al., The (Un)reliability of saliency methods, 2017, for why
 * maps are tested by changes that do not matter. */
#ifndef HP_STABILITY_H
#define HP_STABILITY_H

#include <stdint.h>

/* Views of an image: 0 as it is, 1 mirrored left to right, then shifted by one pixel to each
 * side, where the edge fills the gap. */
enum { STABILITY_MIRROR = 1, STABILITY_SHIFTS = 2, STABILITY_VIEWS = 6 };

/* View `i` of an image (3, h, w). */
void stability_view(int i, const uint8_t *image, int h, int w, uint8_t *view);

struct stability;

/* For maps (gh, gw) of images (h, w). Caller frees. */
struct stability *stability_new(int gh, int gw, int h, int w);
void stability_free(struct stability *s);

/* Spearman's rank correlation, as rank_correlation(), of a map of the image and of one of view
 * `i`, both resized bilinearly to the image, over the pixels that are in both. */
double stability_compare(struct stability *s, int i, const float *map, const float *of_view);

#endif
