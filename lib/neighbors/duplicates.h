/* Images that are there more than once, in a set or in two. */
#ifndef HP_DUPLICATES_H
#define HP_DUPLICATES_H

#include "data/data.h"
#include "neighbors/thumb.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds: each constant and its word. */
#define DUPLICATE_KINDS(X)                                                                         \
    X(EXACT, exact)     /* all pixels are equal */                                                 \
    X(SHIFTED, shifted) /* those that both show are, but for brightness and contrast */            \
    X(NEAR, near)       /* about so */                                                             \
    X(ALIKE, alike)     /* embeddings are about equal, pixels are not: often another picture */

enum duplicate_kind {
#define DUPLICATE_ID(id, word) DUPLICATE_##id,
    DUPLICATE_KINDS(DUPLICATE_ID)
#undef DUPLICATE_ID
};

const char *duplicate_word(enum duplicate_kind k);

/* What is kept of a set: 2 KB for each image. */
struct image_set {
    struct data *data;
    int64_t n;
    struct set_image *image; /* [n] those that can be read, by rising id */
    float *spectrum;         /* [n][THUMB_SPECTRUM] */
    int64_t damaged;
};

struct set_image {
    int64_t id;
    int label; /* -1: none */
    uint64_t hash;
    struct thumb thumb;
};

struct duplicates_opts {
    double shifted, near; /* least correlation of each kind */
    double embedding;     /* largest distance of embeddings that are about equal */
    bool skip_damaged;    /* images that cannot be read are left out, else an error */
    int threads;          /* 0: one per core */
};

/* Reads the images of a file or folder; `path` is for messages. Freed by the caller, on an error
 * as well, when all zero before. */
int image_set_read(struct image_set *s, const char *path, const struct data_opts *data,
                   const struct duplicates_opts *o, struct err *e) ERR_CHECKED;
void image_set_free(struct image_set *s);

/* A pair to look at because its embeddings are near. */
struct duplicate_hint {
    int64_t id, other;
    double distance;
};

struct duplicate {
    const struct set_image *image, *other;
    bool against; /* the other is of the other set; else it is the earlier one of this set */
    enum duplicate_kind kind;
    double correlation; /* of the details that both show, all channels */
    int dy, dx;         /* pixel (y, x) of the image is (y + dy, x + dx) of the other */
    double embedding;   /* distance of the embeddings, NaN where not known */
};

/* Adds the duplicates of `set` among the images of `against`, or inside where that is NULL, to a
 * list of *n, which the caller frees, on an error as well. Of images that are all equal each is
 * paired with the first. Other pairs are found among those whose spectra are nearest, and among
 * the `hints`, and verified by their pixels. */
int duplicates_find(const struct image_set *set, const struct image_set *against,
                    const struct duplicate_hint *hint, size_t hints,
                    const struct duplicates_opts *o, struct duplicate **list, size_t *n,
                    struct err *e) ERR_CHECKED;

#endif
