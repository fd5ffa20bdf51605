/* Vectors: of a tensor (n, length) in a file, read as often as needed and never all at once, or in
 * memory. */
#ifndef HP_VECTORS_H
#define HP_VECTORS_H

#include "base/err.h"

#include <stdint.h>

enum { VECTORS_LENGTH = 65536 };

struct vectors;

/* float32; a pipe, which is there once, is an error, as is a length of 0 or more than
 * VECTORS_LENGTH. Caller closes. */
int vectors_open(struct vectors **v, const char *path, struct err *e) ERR_CHECKED;
/* Vectors x[count][length], which stay the caller's as does `name`, for messages. Caller closes. */
struct vectors *vectors_of(const float *x, int64_t count, int length, const char *name);
void vectors_close(struct vectors *v);
const char *vectors_name(const struct vectors *v);
int64_t vectors_count(const struct vectors *v);
int vectors_length(const struct vectors *v);

/* From now on vector i is item order[i] of the tensor: order[vectors_count()] is the vectors' then,
 * freed with them. */
void vectors_order(struct vectors *v, int64_t *order);

/* Vectors from `first` on, out[n][length]; an error where one is not finite. Thread-safe. */
int vectors_read(const struct vectors *v, int64_t first, int n, float *out, struct err *e)
    ERR_CHECKED;

#endif
