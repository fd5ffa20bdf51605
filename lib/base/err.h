/* Errors of the library: a function that fails returns -1 and says why in a
 * struct err that its caller owns. */
#ifndef HP_ERR_H
#define HP_ERR_H

#include <stdbool.h>

struct err {
    bool closed;    /* the reader of our output went away: end quietly */
    bool no_device; /* the requested device is not available: status 3 */
    char msg[1024]; /* "file:line: what was expected, what was found" */
};

/* Writes the message (cut where too long) and returns -1. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, with ": " and the text of errno behind it; EPIPE sets `closed`. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
