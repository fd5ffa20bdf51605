/* What each layout of images provides to lib/data/data.c. */
#ifndef HP_SOURCE_H
#define HP_SOURCE_H

#include "base/io.h"
#include "data/data.h"

#include <stdbool.h>

struct source {
    const char *kind;
    int h, w;
    bool sized;          /* images are made this large by the layout itself */
    int side;            /* that messages about the size of images propose */
    int64_t count;       /* -1 for a stream */
    int classes;         /* labels are below this */
    int superclasses;    /* their IDs are below this */
    bool fixed_classes;  /* `classes` is the layout's number of classes */
    bool pickled;        /* its own names are looked for in pickles first */
    struct in *in;       /* the layout's own, or NULL */
    char *path;          /* of a folder, the layout's own, or NULL */
    struct names *own;   /* names of class folders, or NULL; its own */
    struct names *usual; /* names that go with the layout where others are not given, or NULL; its
                            own */

    /* Image `id`, within the count, of a file; pixels may be NULL. Sets label and
     * superclass, of which the range is not checked. 0, -1, or DATA_DAMAGED where only this
     * image cannot be read. Thread-safe. */
    int (*at)(const struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
              struct err *e);

    /* The image with number `id` of a stream: 1, 0 at the end, -1. */
    int (*next)(struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                struct err *e);

    /* Whether an image that was read had another size than it came out with; NULL where all have
     * h and w. */
    bool (*resized)(const struct source *s);

    /* The path of an image's file, which the caller frees; NULL where images have none of
     * their own. */
    char *(*path_of)(const struct source *s, int64_t id);
    void (*close)(struct source *s); /* frees `s` */
};

/* Opens an input of which nothing was taken yet. 1, 0 where it holds another
 * layout, -1. What is taken over is set to NULL. */
int source_binary(struct source **s, struct in **in, bool stream, struct err *e) ERR_CHECKED;
int source_pickle(struct source **s, struct in **in, bool stream, struct err *e) ERR_CHECKED;
int source_npy(struct source **s, struct in **in, bool stream, const char *labels, struct err *e)
    ERR_CHECKED;

int source_idx(struct source **s, struct in **in, bool stream, const struct data_opts *o,
               struct err *e) ERR_CHECKED;
int source_stl10(struct source **s, struct in **in, bool stream, const struct data_opts *o,
                 struct err *e) ERR_CHECKED;
int source_mat(struct source **s, struct in **in, bool stream, const struct data_opts *o,
               struct err *e) ERR_CHECKED;

/* Whether a file's name ends as those of images that are read. */
bool folder_is_image(const char *name);

/* A folder of images, at the size that `o` asks for. */
int source_folder(struct source **s, const char *path, const struct data_opts *o, struct err *e)
    ERR_CHECKED;

/* The folder of images that `folder` stands for, itself or its test split. Caller frees
 * *path. */
int folder_find(char **path, const char *folder, struct err *e) ERR_CHECKED;

/* Labels of images, for .npy and folders without classes: integers in .npy, a table with the column
 * label, true or class, or one number a line; -1 stands for none (NA in text). Caller frees *label.
 */
int labels_load(int **label, int64_t *n, const char *path, struct err *e) ERR_CHECKED;

#endif
