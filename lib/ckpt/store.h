/* The inside of a checkpoint: what the readers of the formats fill in. */
#ifndef HP_STORE_H
#define HP_STORE_H

#include "ckpt/ckpt.h"
#include "ckpt/zip.h"
#include "data/map.h"

#include <stdbool.h>
#include <stddef.h>

enum ckpt_type { CKPT_F32, CKPT_F64, CKPT_F16, CKPT_BF16 };

/* A tensor by its name. */
struct ckpt_index {
    const char *name;
    int tensor;
};

struct ckpt {
    char *name;
    struct map map;
    struct zip zip; /* of a zip; records that were unpacked stay while it is open */
    struct ckpt_tensor *tensor;
    int n, room;
    struct ckpt_index *by_name; /* [n], once complete */
    void **owned;               /* memory of names and of converted tensors */
    size_t owned_n, owned_room;
    uint64_t converted; /* numbers converted so far */
};

/* Numbers somewhere in memory, of which a tensor shows some. */
struct view {
    const unsigned char *p;
    int64_t elements;
    enum ckpt_type type;
    bool big_endian;
    int64_t offset; /* element at which the tensor begins */
    int ndim;
    int64_t shape[CKPT_DIMS], stride[CKPT_DIMS];
};

int ckpt_type_bytes(enum ckpt_type type);

/* "name: key: ..." as an expression of value -1. */
#define ckpt_error(c, key, e, ...) (ckpt_record((c), (key), (e), __VA_ARGS__), -1)
void ckpt_record(const struct ckpt *c, const char *key, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A key as a string that lives as long as the checkpoint. */
int ckpt_key(struct ckpt *c, const unsigned char *p, size_t n, const char **key, struct err *e);

/* Adds a tensor under its key, which ckpt_key made. A view that leaves its memory
 * is an error. */
int ckpt_add(struct ckpt *c, const char *key, const struct view *v, struct err *e);

/* The formats. The file is in c->map. */
int ckpt_read_zip(struct ckpt *c, struct err *e);
int ckpt_read_legacy(struct ckpt *c, struct err *e);
int ckpt_read_safetensors(struct ckpt *c, struct err *e);

#endif
