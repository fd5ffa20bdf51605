/* The validation images of Tiny ImageNet, whose classes stand in a table beside them:
 * http://cs231n.stanford.edu/tiny-imagenet-200.zip. */
#ifndef HP_ANNOTATIONS_H
#define HP_ANNOTATIONS_H

#include "data/inputs.h"
#include "data/names.h"

#include <stddef.h>

#define ANNOTATIONS_FILE "val_annotations.txt"

struct annotated {
    char *file; /* its name in the folder */
    int label;
};

struct annotations {
    char *folder;            /* of the images */
    struct annotated *image; /* [n] in the table's order */
    size_t n;
    struct names
        *names; /* of the classes, which are in the order of their ids, as of class folders */
};

/* From a folder that holds the table and the folder images; the ids of the classes are those of
 * ../wnids.txt or, without it, those in the table, and ../words.txt names them. 1, 0 where there is
 * no such table, -1. Caller frees after 1. `inputs` gets the files that are read. */
int annotations_read(struct annotations *a, const char *path, struct inputs *inputs, struct err *e)
    ERR_CHECKED;
void annotations_free(struct annotations *a);

#endif
