/* The items of a tensor by id. In a file they lie where they like; a pipe gives
 * them once, so that rows must then ask in the order of its items. */
#ifndef HP_ITEMS_H
#define HP_ITEMS_H

#include "base/err.h"
#include "stream/npy.h"

#include <stdint.h>

struct items;
struct ids;

/* How many axes an item of a tensor has, or -1; not of a pipe, which gives its head once. */
int items_axes(const char *path, struct err *e) ERR_CHECKED;

/* float32 items of `ndim` axes, or of any where that is -1; -1 in `shape` stands for any length. */
int items_open(struct items **t, const char *path, int ndim, const int64_t *shape, struct err *e)
    ERR_CHECKED;
void items_close(struct items *t);

/* An error where a tensor `path` of `count` items, one for each of these, has another number; a
 * number that is not known yet (-1) is none. */
int items_match(const struct items *t, const char *path, int64_t count, struct err *e) ERR_CHECKED;
const char *items_name(const struct items *t);
const struct npy_item *items_item(const struct items *t);

/* Number of items, or -1 for a pipe that is not at its end. */
int64_t items_count(const struct items *t);

/* Item `index`; valid until the next call. NULL with a message where there is none
 * or where it holds a value that is not finite. */
const float *items_get(struct items *t, int64_t index, struct err *e) ERR_CHECKED;

/* The same of an item whose values may be anything. */
const float *items_get_any(struct items *t, int64_t index, struct err *e) ERR_CHECKED;

/* A whole tensor of a linear layer: an item for each of *classes classes, of `channels` numbers or
 * of one where that is 0. *classes = 0 takes the classes that there are, up to `most`. Caller
 * frees. */
int items_load_layer(float **v, const char *path, int channels, int *classes, int most,
                     struct err *e) ERR_CHECKED;

/* Reads a pipe to its end, so that its writer is not cut off and the rest of the
 * stream is checked; the number of items is known then. */
int items_drain(struct items *t, struct err *e) ERR_CHECKED;

/* Which item belongs to an id, from a tensor of ids (int64). */
int ids_open(struct ids **t, const char *path, struct err *e) ERR_CHECKED;
void ids_close(struct ids *t);
int64_t ids_count(const struct ids *t);

/* The ids in the order of the items: [count], as many as there are items of `of`. Caller frees. */
int ids_load(int64_t **id, const char *path, int64_t count, const char *of, struct err *e)
    ERR_CHECKED;

/* The item of an id, -1 where it is not among them; that of its number where `t` is NULL. */
int64_t ids_find(const struct ids *t, int64_t id);

#endif
