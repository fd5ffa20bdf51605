/* Deflate (RFC 1951) for pictures. A repetition is looked for in one place only, where the same
 * four bytes stood last: of drawn pages and of filtered photographs that finds what zlib's level 3
 * finds, in a small part of the time. */
#ifndef HP_DEFLATE_H
#define HP_DEFLATE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct deflate;

/* `put` takes what is ready, in parts; `self` is its first argument. */
struct deflate *deflate_open(int (*put)(void *self, const void *p, size_t n, struct err *e),
                             void *self);

int deflate_write(struct deflate *d, const uint8_t *p, size_t n, struct err *e) ERR_CHECKED;

/* Ends the stream, which begins and ends on a byte. */
int deflate_close(struct deflate *d, struct err *e) ERR_CHECKED;

/* Frees, after deflate_close or without it. */
void deflate_free(struct deflate *d);

#endif
