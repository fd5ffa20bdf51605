/* Numpy arrays inside pickles. */
#ifndef HP_NUMPY_H
#define HP_NUMPY_H

#include "pickle/pickle.h"

#include <stdint.h>

enum { NUMPY_DIMS = 4 };

/* An array in C order, little-endian where that matters. */
struct numpy_array {
    char kind; /* 'u', 'i', 'f', 'b', as numpy's dtype.kind */
    int size;  /* bytes of an element */
    int ndim;
    int64_t shape[NUMPY_DIMS];
    int64_t count;
    const unsigned char *p; /* count * size bytes */
};

/* NULL where `v` is such an array, else what was found instead, for a message. */
const char *numpy_array(const struct pickle_value *v, struct numpy_array *a);

/* Element i of an array of integers. */
int64_t numpy_int(const struct numpy_array *a, int64_t i);

#endif
