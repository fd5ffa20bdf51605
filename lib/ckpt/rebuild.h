/* Tensors and storages in the pickle of a torch checkpoint. */
#ifndef HP_REBUILD_H
#define HP_REBUILD_H

#include "ckpt/store.h"

/* A storage as a persistent id names it: ("storage", type, key, location, count). */
struct storage_id {
    const char *type; /* name without "torch." */
    int item_bytes;
    struct pickle_text key;
    int64_t count;
    const struct pickle_value *part; /* of a legacy file: None, or (key, offset, count) */
};

/* Whether a persistent id names a storage: 1, 0 where it is another one, -1 where
 * it is none that torch writes. */
int storage_read(const struct ckpt *c, const struct pickle_value *v, struct storage_id *s,
                 struct err *e) ERR_CHECKED;

/* Sets where a storage of at least count * item_bytes lies: t->p or t->record. */
struct storage_finder {
    int (*find)(void *ctx, const struct storage_id *s, struct ckpt_tensor *t, struct err *e);
    void *ctx;
    bool big_endian;
};

/* Whether a value is a tensor, of whatever kind. */
bool tensor_is(const struct pickle_value *v);

/* Adds the tensor `v` to `c`. One that is more than elements in a storage, or that is made
 * in a way that is not understood whole, is an error. */
int tensor_add(struct ckpt *c, const char *key, const struct pickle_value *v,
               const struct storage_finder *f, struct err *e) ERR_CHECKED;

/* The elements of a tensor of floats in a storage of at most so many; how many there are, 0
 * where it is another or cannot be read. */
enum { TENSOR_FEW = 8 };
int tensor_few(struct ckpt *c, const struct pickle_value *v, const struct storage_finder *f,
               float out[TENSOR_FEW]);

/* "tensor float32 (3, 4)" where a value is a tensor, else false. */
bool tensor_text(const struct pickle_value *v, char *buf, size_t room);

/* Lines about all of a pickled value but `state`. */
void ckpt_describe(struct ckpt *c, const struct pickle_value *root,
                   const struct pickle_value *state, const struct storage_finder *f);

#endif
