/* Pixels as a PNG file of 8 bits of R, G, B. */
#ifndef HP_ENCODE_H
#define HP_ENCODE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* What the pixels are like: a page is mostly flat or repeated, where filtering upwards and
 * deflate's level 3 do nearly all that can be done; of photographs side by side Paeth's filter
 * and runs alone make files that no other setting makes 1 % smaller, in a third of the time. */
enum encode_kind { ENCODE_PAGE, ENCODE_PHOTOS };

struct encode {
    int w, h;
    enum encode_kind kind;
    /* Row y: w pixels of R, G, B; valid until the next call. */
    const uint8_t *(*row)(void *self, int y);
    /* Takes the file, in parts. */
    int (*put)(void *self, const void *p, size_t n, struct err *e);
    void *self;
    const char *name; /* for messages */
    /* For those who cannot see it, in UTF-8, or NULL. (libpng wants them without const.) */
    char *title, *description;
};

int encode_png(const struct encode *c, struct err *e) ERR_CHECKED;

#endif
