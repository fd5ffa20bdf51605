/* Images as training showed them: some of a set, spread over it, each moved in a frame. */
#ifndef HP_FIT_MOVED_H
#define HP_FIT_MOVED_H

#include "fit/stem.h"

struct fit_moved {
    const struct fit_images *of;
    int64_t count; /* of them; may be changed at any time */
    enum fit_frame frame;
    uint8_t fill[3];
    uint8_t *image;
};

/* Without a frame, until one is set. `of` outlives it. */
void fit_moved_open(struct fit_moved *m, const struct fit_images *of);
void fit_moved_close(struct fit_moved *m);

/* As images of a network for which pixels have that mean, until the next call. */
struct fit_images fit_moved_images(struct fit_moved *m, const float mean[3]);

#endif
