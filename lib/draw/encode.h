/* Pixels as a PNG file of 8 bits of R, G, B. */
#ifndef HP_ENCODE_H
#define HP_ENCODE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* What the pixels are like, which says from what each is predicted: a page is mostly flat or
 * repeats the row above; photographs go on in every direction, for which there is Paeth's
 * predictor. */
enum encode_kind { ENCODE_PAGE, ENCODE_PHOTOS };

struct encode {
    int w, h;
    enum encode_kind kind;
    /* Row y: w pixels of R, G, B, which stay where they are. */
    const uint8_t *(*row)(void *self, int y);
    /* Takes the file, in parts. */
    int (*put)(void *self, const void *p, size_t n, struct err *e);
    void *self;
    /* For those who cannot see it, in UTF-8, or NULL. */
    const char *title, *description;
};

int encode_png(const struct encode *c, struct err *e) ERR_CHECKED;

#endif
