/* Tensors: a stream of .npy records, see heatpipe-npy(5). The first axis counts
 * items; consecutive records concatenate along it. */
#ifndef HP_NPY_H
#define HP_NPY_H

#include "base/err.h"
#include "base/io.h"

#include <stdint.h>

enum npy_type { NPY_F32, NPY_F64, NPY_F16, NPY_U8, NPY_BOOL, NPY_I32, NPY_I64 };

enum { NPY_DIMS = 7, NPY_HEADER = 128 };

/* The type and shape of one item: the record's shape without its first axis. */
struct npy_item {
    enum npy_type type;
    int ndim;
    int64_t shape[NPY_DIMS];
    int64_t count; /* elements in an item */
    int64_t bytes; /* bytes in an item */
};

struct npy_in;

/* Reads the first header: 1, 0 where the input is empty, -1. */
int npy_open(struct npy_in **n, const char *path, struct err *e) ERR_CHECKED;

/* The same from an input of which nothing was taken yet; on 1 it belongs to `n`. */
int npy_open_in(struct npy_in **n, struct in *in, struct err *e) ERR_CHECKED;
void npy_close(struct npy_in *n);
const char *npy_name(const struct npy_in *n);
const struct npy_item *npy_item(const struct npy_in *n);

/* An error unless items are of this type and shape; -1 in `shape`
 * stands for any length. */
int npy_expect(const struct npy_in *n, enum npy_type type, int ndim, const int64_t *shape,
               struct err *e) ERR_CHECKED;

/* Reads up to `max` items across records, as many as have arrived in whole but at
 * least one. Returns the count, 0 at the clean end, -1. */
int64_t npy_read(struct npy_in *n, void *items, int64_t max, struct err *e) ERR_CHECKED;

bool npy_is_file(const struct npy_in *n); /* a regular one */

/* Items in a regular file, all records together; -1 on error or on a pipe. */
int64_t npy_count(struct npy_in *n, struct err *e) ERR_CHECKED;

/* Item `index` of a regular file. Safe to call from several threads once
 * npy_count has returned. */
int npy_at(struct npy_in *n, int64_t index, void *item, struct err *e) ERR_CHECKED;

/* Items from `index` on, as many as lie in its record but at most `max`: their number, or -1. */
int64_t npy_some_at(struct npy_in *n, int64_t index, void *items, int64_t max, struct err *e)
    ERR_CHECKED;

/* Makes a tensor in a file, whose items are taken by index, one of many that are open: it holds no
 * descriptor. One thread at a time may read it then. */
void npy_spare(struct npy_in *n);

struct npy_out;

/* `shape` is that of an item. To a regular file one record is written in all,
 * its length filled in at the end; to a pipe one record per npy_write. */
int npy_create(struct npy_out **n, const char *path, enum npy_type type, int ndim,
               const int64_t *shape, struct err *e) ERR_CHECKED;
int npy_write(struct npy_out *n, const void *items, int64_t count, struct err *e) ERR_CHECKED;
int npy_finish(struct npy_out *n, struct err *e) ERR_CHECKED; /* also frees */

/* Completes the records and frees all but the output, which the caller closes, perhaps
 * together with others. NULL on failure, when nothing is left. */
struct out *npy_end(struct npy_out *n, struct err *e) ERR_CHECKED;
void npy_abort(struct npy_out *n);

#endif
