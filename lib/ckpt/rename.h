/* Other names for keys: lines of a pattern of old keys and one of new keys. heatpipe-input(5)
 * describes the file. */
#ifndef HP_CKPT_RENAME_H
#define HP_CKPT_RENAME_H

#include "ckpt/store.h"

/* Renames the tensors of an open checkpoint, or leaves them out. The index of names is made anew by
 * the caller. Errors name the file and the line: of what it says, of a line that no key matches,
 * and of keys that become one. */
int rename_keys(struct ckpt *c, const char *path, struct err *e) ERR_CHECKED;

#endif
