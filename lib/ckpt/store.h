/* The inside of a checkpoint: what the readers of the formats fill in. */
#ifndef HP_STORE_H
#define HP_STORE_H

#include "ckpt/ckpt.h"
#include "ckpt/foreign.h"
#include "ckpt/onnx.h"
#include "ckpt/zip.h"
#include "base/map.h"
#include "pickle/pickle.h"

/* A tensor by its name. */
struct ckpt_index {
    const char *name;
    int tensor;
};

struct ckpt {
    char *name;
    struct ckpt_opts opts;
    enum ckpt_format format;
    struct map map;
    bool borrowed;           /* the map is the caller's */
    const char *path;        /* of the file, in whose folder another may lie; NULL for a stream */
    struct map beside;       /* the file that an ONNX model keeps its tensors in, or empty */
    const char *beside_name; /* in the folder of the model, or NULL */
    struct zip zip;
    struct zip inside[2];          /* archives that are records of `zip`, which stay unpacked */
    struct zip_record *program;    /* of torch.export, or NULL */
    const struct onnx_model *onnx; /* or NULL */
    struct zip_record *unpacked;   /* the one record whose bytes are kept, or NULL */
    struct ckpt_tensor *tensor;    /* [n] */
    int n;
    struct ckpt_index *by_name; /* [n], once complete */
    struct ckpt_extra *extra;   /* [extras] */
    int extras;
    const char *state;
    void **owned; /* memory of names and texts */
    size_t owned_n;
};

/* Memory that lives as long as the checkpoint. */
void *ckpt_own(struct ckpt *c, void *p);

/* "name: key: ..." as an expression of value -1. */
#define ckpt_error(c, key, e, ...) (ckpt_record((c), (key), (e), __VA_ARGS__), err_value())
void ckpt_record(const struct ckpt *c, const char *key, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A key as a string that lives as long as the checkpoint. */
int ckpt_key(struct ckpt *c, const unsigned char *p, size_t n, const char **key, struct err *e)
    ERR_CHECKED;

/* Adds a tensor, whose `count` is found here, under its name, which ckpt_key made. One
 * that leaves its storage is an error. */
int ckpt_add(struct ckpt *c, const struct ckpt_tensor *t, struct err *e) ERR_CHECKED;

/* Counts the elements of a tensor. One that leaves its storage is an error. */
int ckpt_measure(const struct ckpt *c, struct ckpt_tensor *t, struct err *e) ERR_CHECKED;

/* Adds a line about something else; both texts are copied, and cleaned. */
void ckpt_add_extra(struct ckpt *c, const char *path, const char *text);

/* An error: the file is in another form. */
int ckpt_foreign(const struct ckpt *c, struct foreign f, struct err *e) ERR_CHECKED;

/* The formats. The file is in c->map. */
int ckpt_read_zip(struct ckpt *c, struct err *e) ERR_CHECKED;
int ckpt_read_export(struct ckpt *c, const char *top, struct err *e) ERR_CHECKED;

/* Adds the tensors of the one dict in an archive of torch.save. */
int ckpt_read_dict(struct ckpt *c, struct zip *z, struct err *e) ERR_CHECKED;
int ckpt_read_legacy(struct ckpt *c, struct err *e) ERR_CHECKED;
int ckpt_read_safetensors(struct ckpt *c, struct err *e) ERR_CHECKED;
int ckpt_read_onnx(struct ckpt *c, struct err *e) ERR_CHECKED;

/* Whether a file begins as an ONNX model does, which has no magic number. */
bool onnx_begins(const unsigned char *p, size_t n);

#endif
