/* Where the object of each image is: a tensor (n, h, w) of bytes or truth values. */
#ifndef HP_CAM_SCORE_MASKS_H
#define HP_CAM_SCORE_MASKS_H

#include "base/err.h"

#include <stdint.h>

struct masks;

/* A file of masks of `count` images of h by w, which are those of `of`. Caller closes. */
int masks_open(struct masks **m, const char *path, int64_t count, int h, int w, const char *of,
               struct err *e) ERR_CHECKED;
void masks_close(struct masks *m);

/* That of the image with this id, not 0 where the object is seen: (h, w), valid until the next
 * call. NULL with a message where there is none. */
const uint8_t *masks_get(struct masks *m, int64_t id, struct err *e) ERR_CHECKED;

#endif
