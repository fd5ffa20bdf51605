/* What gzip and zlib packed, in memory. */
#ifndef HP_INFLATE_H
#define HP_INFLATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A packed file may hold as much. */
enum { INFLATE_BYTES = 1 << 29 };

/* Whether bytes begin as a file of gzip. */
bool inflate_gzip(const unsigned char *p, size_t n);

/* The first bytes of what p[n] holds, at most `want` of them; how many there are, or -1. `name` is
 * for messages. */
long inflate_first(unsigned char *out, size_t want, const unsigned char *p, size_t n,
                   const char *name, struct err *e) ERR_CHECKED;

/* All of it, exactly `size` bytes and checksums that fit, before any memory is taken. Caller frees
 * *out. */
int inflate_all(unsigned char **out, size_t size, const unsigned char *p, size_t n,
                const char *name, struct err *e) ERR_CHECKED;

#endif
