/* Checkpoints as torch.save, torch.export, safetensors and ONNX write them. Never executed: a
 * class that is not known is an opaque value. */
#ifndef HP_CKPT_H
#define HP_CKPT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the refusal of a program whose operations are not all computed: the way on. */
#define CKPT_WAY_ON                                                                                \
    "; examples/predict.py runs any PyTorch model for the pipeline: see PREDICT in heatpipe(1)"

enum { CKPT_DIMS = 8, CKPT_TENSORS = 1 << 16, CKPT_SHA256 = 65 };

enum ckpt_type {
    CKPT_F32, /* the first four can be read as floats */
    CKPT_F64,
    CKPT_F16,
    CKPT_BF16,
    CKPT_F8_E4M3,
    CKPT_F8_E5M2,
    CKPT_I64,
    CKPT_I32,
    CKPT_I16,
    CKPT_I8,
    CKPT_U64,
    CKPT_U32,
    CKPT_U16,
    CKPT_U8,
    CKPT_BOOL,
    CKPT_C64,
    CKPT_C128,
    CKPT_TYPES
};

enum ckpt_format { CKPT_ZIP, CKPT_LEGACY, CKPT_SAFETENSORS, CKPT_EXPORT, CKPT_ONNX };

/* A tensor of the state dict. Its elements stay in the file until they are read. */
struct ckpt_tensor {
    const char *name; /* key as in the file */
    enum ckpt_type type;
    int ndim;
    int64_t shape[CKPT_DIMS];
    int64_t stride[CKPT_DIMS]; /* in elements */
    int64_t count;             /* elements */
    int64_t offset;            /* its first of the storage's elements */
    int64_t elements;          /* of the storage */
    bool big_endian;
    bool negated, conjugated;       /* signs that reading applies: torch's lazy views */
    bool far;                       /* infinite elements are read as far ones: those of a mask */
    const struct ckpt_tensor *mask; /* of a pruned tensor, zeros and ones, else NULL: reading
                                       multiplies by it */
    const unsigned char *p;         /* the storage, or NULL where it is in `record` */
    struct zip_record *record;      /* also the identity of a storage that tensors share */
};

/* What else a file holds: "config.epochs", "24". */
struct ckpt_extra {
    const char *path, *text; /* without control characters */
};

struct ckpt;

struct ckpt_opts {
    const char *state;  /* path of the state dict, keys joined by '/'; NULL or "": found by
                           itself */
    bool extras;        /* keep what else the file holds as text */
    const char *rename; /* path of a file of other names for keys, or NULL */
};

/* Finds the state dict: the entry "model_state_dict" or "state_dict", or the one dict
 * that holds most of the tensors, an average of weights (EMA) last; where two could be
 * meant, neither is taken. Shapes and places are checked here, elements when read. `o`
 * may be NULL. */
int ckpt_open(struct ckpt **c, const char *path, const struct ckpt_opts *o, struct err *e)
    ERR_CHECKED;

/* The same from p[n], which must outlive it. */
int ckpt_open_memory(struct ckpt **c, const unsigned char *p, size_t n, const char *name,
                     const struct ckpt_opts *o, struct err *e) ERR_CHECKED;
void ckpt_close(struct ckpt *c);

const char *ckpt_name(const struct ckpt *c);
enum ckpt_format ckpt_format(const struct ckpt *c);

/* A graph with its weights, which has no state dict. */
static inline bool ckpt_is_program(const struct ckpt *c)
{
    return ckpt_format(c) == CKPT_EXPORT || ckpt_format(c) == CKPT_ONNX;
}

/* "model_state_dict", "" where the file is the state dict itself. */
const char *ckpt_state(const struct ckpt *c);
size_t ckpt_bytes(const struct ckpt *c); /* of the file and the one beside it */

/* The path of the file that holds tensors of the ONNX model at `path`, beside it; NULL where there
 * is none, and where no model can be read. The caller's. */
char *ckpt_beside(const char *path);

/* SHA-256 of the file as it was opened, in hexadecimal; of an ONNX model with tensors in a file
 * beside it, that of both, one behind the other. Thread-safe; takes a second for some hundred
 * megabytes. */
void ckpt_sha256(const struct ckpt *c, char hex[CKPT_SHA256]);

/* The same with a file of tensors beside it, and the records of a zip as large as they unpack to,
 * up to as many bytes more as may be unpacked at a time. */
uint64_t ckpt_stored(const struct ckpt *c);

/* Bytes that tensors may show in all, of which some share a storage. */
uint64_t ckpt_limit(const struct ckpt *c);

/* Whether tensors show so many bytes more than the file has, by sharing storages, that to
 * go through all of them could take any time. An error where they do. */
int ckpt_bounded(const struct ckpt *c, struct err *e) ERR_CHECKED;

/* The network that torch.export.save wrote beside its tensors, as JSON; NULL where the file holds
 * tensors alone. Stays the checkpoint's. */
int ckpt_program(struct ckpt *c, const char **json, size_t *n, struct err *e) ERR_CHECKED;

int ckpt_count(const struct ckpt *c);
const struct ckpt_tensor *ckpt_at(const struct ckpt *c, int i); /* in file order */
const struct ckpt_tensor *ckpt_find(const struct ckpt *c, const char *name);

/* How many names begin with `prefix`; the first of them in ckpt_by_name's order. */
int ckpt_behind(const struct ckpt *c, const char *prefix, int *first);
const struct ckpt_tensor *ckpt_by_name(const struct ckpt *c, int i); /* in order of names */

int ckpt_extras(const struct ckpt *c);
const struct ckpt_extra *ckpt_extra(const struct ckpt *c, int i);

/* Another pass over the tensors begins: what may be unpacked is counted anew. */
void ckpt_pass(struct ckpt *c);

/* What stands for an infinite element of a mask: so far from all others that nothing is left of it
 * behind a softmax. */
#define CKPT_FAR 1e30F

/* The elements of a tensor as f32 in C order into out[count]. Others than floats, or
 * floats that are not finite in f32, are errors; so is a wrong checksum of a zip record. */
int ckpt_read(struct ckpt *c, const struct ckpt_tensor *t, float *out, struct err *e) ERR_CHECKED;

/* Its elements as they are, little-endian, in C order, into out[count * bytes]. */
int ckpt_read_raw(struct ckpt *c, const struct ckpt_tensor *t, void *out, struct err *e)
    ERR_CHECKED;

/* Whether all is well with the file: the checksums of all records of a zip, and all elements
 * finite. Calls `say` for each fault with a line; returns how many there were. */
int ckpt_check(struct ckpt *c, void (*say)(void *ctx, const char *line), void *ctx);

/* Whether a path or a key speaks of an average of weights: "state_dict_ema", "swa/net". */
bool ckpt_is_average(const char *path);

/* The same of what a training script keeps beside the network: "optimizer_states". */
bool ckpt_is_training(const char *path);

/* torch's name ("float32"), safetensors' ("F32"), bytes of an element. */
const char *ckpt_type_name(enum ckpt_type type);
const char *ckpt_type_code(enum ckpt_type type);
int ckpt_type_bytes(enum ckpt_type type);

/* "(64, 3, 3, 3)"; -1 as "*". Returns buf. */
char *ckpt_shape(char *buf, size_t room, int ndim, const int64_t *shape);

/* --- writing --- */

/* A tensor to be written: little-endian, in C order. `fill` puts its count * bytes
 * into `out`. */
struct ckpt_item {
    const char *name;
    enum ckpt_type type;
    int ndim;
    int64_t shape[CKPT_DIMS];
    const void *from; /* for `fill` */
};

/* Writes a state dict as .safetensors, or as a zip file of torch.save with protocol 2.
 * One tensor is in memory at a time. */
int ckpt_write(const char *path, enum ckpt_format format, const struct ckpt_item *item, int items,
               int (*fill)(void *ctx, const struct ckpt_item *item, void *out, struct err *e),
               void *ctx, struct err *e) ERR_CHECKED;

/* An error about a model in a form that is not read, as an expression of value -1: the message, the
 * way to a form that is, and e->unread. */
#define ckpt_unread(e, ...) (ckpt_record_unread((e), __VA_ARGS__), err_value())
void ckpt_record_unread(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* That form: the line of Python, behind `import torch`, that writes it of a model, an expression,
 * for images of c channels, h by w. Caller frees. */
char *ckpt_python(const char *model, int c, int h, int w) __attribute__((warn_unused_result));

/* What errors say of a file that holds more than tensors. */
#define CKPT_ALONE ", alone or under a key such as 'model_state_dict' or 'state_dict'"
#define CKPT_OBJECT "a whole pickled object of the class "
#define CKPT_SCRIPT "a TorchScript program"

/* That way. */
#define CKPT_UNREAD                                                                                \
    "; torch.export makes a .pt2 file that is read: model-info prints the two lines of Python"

#endif
