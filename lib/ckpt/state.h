/* The state dict in the pickle of a torch checkpoint. */
#ifndef HP_STATE_H
#define HP_STATE_H

#include "ckpt/rebuild.h"

/* Finds the state dict in a checkpoint's value and adds its tensors to `c`. */
int state_read(struct ckpt *c, const struct pickle_value *root, const struct storage_finder *f,
               struct err *e) ERR_CHECKED;

/* Adds the tensors of a dict, of which there may be none. */
int state_add(struct ckpt *c, const struct pickle_value *dict, const struct storage_finder *f,
              struct err *e) ERR_CHECKED;

#endif
