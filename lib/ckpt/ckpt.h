/* Checkpoints as torch.save and safetensors write them. Never executed: a class
 * that is not known is an opaque value. */
#ifndef HP_CKPT_H
#define HP_CKPT_H

#include "base/err.h"

#include <stdint.h>

enum { CKPT_DIMS = 8 };

/* A floating-point tensor, converted to f32, contiguous in C order. */
struct ckpt_tensor {
    const char *name; /* key without the prefixes "module." and "_orig_mod." */
    int ndim;
    int64_t shape[CKPT_DIMS];
    int64_t count;
    const float *data;
};

struct ckpt;

/* Finds the state dict: the whole object, or its entry "model_state_dict" or
 * "state_dict". Integer tensors (num_batches_tracked) are left out. */
int ckpt_open(struct ckpt **c, const char *path, struct err *e);
void ckpt_close(struct ckpt *c);
const char *ckpt_name(const struct ckpt *c);
int ckpt_count(const struct ckpt *c);
const struct ckpt_tensor *ckpt_at(const struct ckpt *c, int i); /* in file order */
const struct ckpt_tensor *ckpt_find(const struct ckpt *c, const char *name);

#endif
