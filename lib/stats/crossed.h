/* What maps overlap by chance: the map of one image and that of another one, which share their
 * habits, such as how diffuse they are and where in the picture objects stand, but not the image.
 */
#ifndef HP_CROSSED_H
#define HP_CROSSED_H

#include <stdbool.h>

struct crossed;

/* For maps of h by w cells. Caller frees. */
struct crossed *crossed_new(int h, int w);
void crossed_free(struct crossed *c);

/* cam_overlap() of this image's map of the true class and the map of the predicted class of an
 * earlier image that was predicted as `correctly`: one of the last CROSSED_HELD of these or, of
 * large maps, fewer, which is drawn by a fixed seed and gives its place to this image's. NaN where
 * there is none yet. Blank maps are not drawn. */
enum { CROSSED_HELD = 1024 };
double crossed_overlap(struct crossed *c, bool correctly, const float *truth, const float *pred);

#endif
