/* Images of one size that lie one behind the other, without anything between them. */
#ifndef HP_DATA_ARRAY_H
#define HP_DATA_ARRAY_H

#include "data/source.h"

#include <stddef.h>
#include <stdint.h>

enum array_form {
    ARRAY_GREY,   /* (h, w): grey, three times the same plane here */
    ARRAY_COLUMNS /* (3, w, h): planes R, G, B column by column, as MATLAB writes them */
};

struct array {
    struct source base;
    enum array_form form;
    unsigned char *bytes; /* all images, the array's own; NULL: they lie in the file */
    int64_t offset;       /* of the first one in the file */
    int64_t images;       /* how many there are, also of a stream */
    int *label;           /* [images], the array's own, or NULL */
};

/* An array without images, of which all but the functions is to be set. */
struct array *array_new(void) __attribute__((warn_unused_result));

/* Frees it with what is its own, base.in too. */
void array_free(struct array *a);

/* Bytes of an image. */
size_t array_bytes(const struct array *a);

/* Whether images of h by w are not too large. */
int array_check_size(int64_t h, int64_t w, const char *name, struct err *e) ERR_CHECKED;

/* A file beside `path` with another end of its name, or NULL where it has not the end `end` or
 * there is no such file. Caller frees. */
char *array_beside(const char *path, const char *end, const char *other);

/* Labels of a file, one for each image, which take the place of none. */
int array_labels(struct array *a, const char *path, struct err *e) ERR_CHECKED;

/* Names of the classes, name[n], where others are not given. */
void array_name_classes(struct array *a, const char *const *name, int n);

#endif
