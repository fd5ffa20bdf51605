/* What the command line asks for, and the ways to prediction. */
#ifndef INFO_H
#define INFO_H

#include "base/err.h"
#include "ckpt/ckpt.h"
#include "session/session.h"

#include <stdbool.h>
#include <stdint.h>

struct info {
    struct session_opts session; /* data, mean and std: of the probe */
    const char *out;
    int h, w;       /* of the images that multiply-accumulates are counted for */
    int64_t images; /* of the probe at most */
    bool fold;
    enum ckpt_format format; /* to be written */
};

/* What to do in PyTorch with a model that is not read, in three lines without the last newline;
 * `c`: its checkpoint, or NULL; `why`: the error. Caller frees. */
char *info_python(const struct info *i, const struct ckpt *c, const char *why)
    __attribute__((warn_unused_result));

/* All print to standard output. */
int contents_print(const struct info *i, struct ckpt *c, struct err *e);
int tensors_print(struct ckpt *c, struct err *e);
int layers_print(const struct info *i, struct ckpt *c, struct err *e);

/* Prints faults to standard error; an error where there are any. */
int check_print(struct ckpt *c, struct err *e);

/* Runs images through the network in every interpretation of the checkpoint and compares what
 * enters each batch norm with what the norm has recorded. */
int probe_print(const struct info *i, struct ckpt *c, struct err *e);

/* Writes the state dict, or the folded network. */
int convert(const struct info *i, struct ckpt *c, struct err *e);

#endif
