/* Errors of the library: a function that fails returns -1 and says why in a
 * struct err that its caller owns. */
#ifndef HP_ERR_H
#define HP_ERR_H

#include <stdbool.h>

struct err {
    bool closed;    /* the reader of our output went away: end quietly */
    bool no_device; /* the requested device is not available: status 3 */
    bool unread;    /* a model in a form that is not read, of which PyTorch can write one that is */
    char msg[1024]; /* "file:line: what was expected, what was found" */
};

/* Stands behind each prototype of a function that can fail: its result is not to be ignored. */
#define ERR_CHECKED __attribute__((warn_unused_result))

/* Write the message, cut where too long; err_record_errno puts ": " and the text
 * of errno behind it, and EPIPE sets `closed`. */
void err_record(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_record_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline int err_value(void)
{
    return -1;
}

/* The same as an expression of value -1, which a compiler and an analyser see; a
 * call, because gcc warns of a constant that is not used. */
#define err_set(e, ...) (err_record((e), __VA_ARGS__), err_value())
#define err_errno(e, ...) (err_record_errno((e), __VA_ARGS__), err_value())

/* For a result that has nothing to add: of cleaning up behind a failure that is told already. */
static inline void err_ignore(int result)
{
    (void)result;
}

#endif
