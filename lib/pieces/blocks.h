/* Images and their maps in blocks of neighbours: a picture of the images and a piece of maps as
 * bytes for each. */
#ifndef HP_BLOCKS_H
#define HP_BLOCKS_H

#include "base/err.h"
#include "data/data.h"
#include "pieces/store.h"
#include "stream/items.h"
#include "stream/npy.h"

#include <stdbool.h>
#include <stdint.h>

/* No picture is larger on a side; an image that is, is shown smaller by a whole number. */
enum { BLOCKS_SIDE = 2048 };

/* Which images of which rows, and where they come from. */
struct blocks {
    const struct data *data; /* NULL: no images */
    struct npy_in *maps;     /* a file of float32 items (planes, h, w), or NULL */
    bool holes;              /* a map that is not finite is one that there is none of */
    const struct ids *ids;   /* which item belongs to an id, or NULL: the item of its number */
    const int64_t *id;       /* [n] in the order in which they are stored */
    int64_t n;
    int per;    /* images in a block */
    int across; /* images in a row of its picture */
    int shrink; /* 1, or by how much images are smaller than they are */
    bool
        lossy; /* pictures are JPEG, else PNG: of large images, which PNG makes some times larger */
};

/* Sets per, across, shrink and lossy. Blocks are small, because pictures from everywhere stand side
 * by side in a page that shows the result of a search. */
void blocks_size(struct blocks *b);

/* An image's size in the pictures, at least 1. */
int blocks_h(const struct blocks *b);
int blocks_w(const struct blocks *b);

/* How the names of the pictures end: "png" or "jpg". */
const char *blocks_ending(const struct blocks *b);

/* Number of blocks. */
int64_t blocks_count(const struct blocks *b);

/* Writes block `from` and following, up to `to`: the pictures images.N and the pieces maps.N of
 * float top[m], uint8_t scale[m][planes][2], int8_t q[m][planes][cells] of the m images of the
 * block; see quantise. */
int blocks_write(const struct blocks *b, struct store *s, int64_t from, int64_t to, int threads,
                 struct err *e) ERR_CHECKED;

#endif
