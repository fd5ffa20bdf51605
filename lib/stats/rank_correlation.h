/* Whether two lists of values have the same order. */
#ifndef HP_RANK_CORRELATION_H
#define HP_RANK_CORRELATION_H

#include <stddef.h>

/* Room for lists of n values each; the caller frees it with free(). */
struct rank_room *rank_room_new(size_t n);

/* Spearman's rank correlation of a[n] and b[n], finite, where equal values have the mean of their
 * ranks: The proof and measurement of association between two things, 1904. From -1 to 1; NaN
 * where all values of a list are equal. The order of the pairs has no effect on the result. */
double rank_correlation(struct rank_room *room, const float *a, const float *b, size_t n);

#endif
