/* Between the readers of an ONNX file: of its graph (onnx.c) and of its tensors (onnx_tensor.c). */
#ifndef HP_ONNX_READ_H
#define HP_ONNX_READ_H

#include "ckpt/onnx.h"
#include "ckpt/protobuf.h"
#include "ckpt/store.h"

struct onnx_reader {
    struct ckpt *c;
    const char *beside; /* name of the file that holds tensors of this one, or NULL */
    size_t texts;       /* that are kept */
    uint64_t room;      /* bytes that numbers may yet be decoded into */
};

/* A text as a string that lives as long as the checkpoint. */
int onnx_text(struct onnx_reader *r, struct pb bytes, const char **text, struct err *e) ERR_CHECKED;

/* "FILE: WHERE: ..." where bytes are no message. */
int onnx_broken(const struct onnx_reader *r, const char *where, struct err *e) ERR_CHECKED;

/* Adds a TensorProto to the checkpoint, as `name` or, where that is NULL, under its own name. */
int onnx_tensor(struct onnx_reader *r, struct pb m, const char *name, struct err *e) ERR_CHECKED;

#endif
