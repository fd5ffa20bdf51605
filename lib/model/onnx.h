/* Inside the reading of ONNX graphs: names, numbers that are known before any image is there, and
 * the operations. */
#ifndef HP_MODEL_ONNX_H
#define HP_MODEL_ONNX_H

#include "ckpt/onnx.h"
#include "model/trace.h"

enum { KNOWN = 64, KNOWN_DIMS = 3 };

/* A small array of numbers, such as a shape or a factor: whole ones, or real. */
struct known {
    bool real;
    bool counts; /* real ones that were made of a number of images that is open */
    bool tells;  /* made of comparing such a number with one above 1, or of its remainder */
    int dims, n;
    int shape[KNOWN_DIMS];
    int64_t i[KNOWN];
    double r[KNOWN];
};

/* What a formula that is written out has come to, until its last node makes it one operation:
 * GELU by erf, and a layer norm. */
enum form {
    FORM_NONE,
    FORM_ERF,       /* a erf(x) + b */
    FORM_MEAN,      /* of x over the last axis */
    FORM_CENTRED,   /* x less its mean */
    FORM_SQUARED,   /* the square of that */
    FORM_VARIANCE,  /* the mean of that, plus b */
    FORM_DEVIATION, /* the root of that */
    FORM_NAN,       /* whether x is NaN */
};

struct places;

struct onnx_name {
    const char *name;
    bool wanted; /* the result is made of it, or of its shape; s.uses counts the former */
    struct trace_symbol s;
    int64_t type;          /* as onnx_type_of() says it; 0: what it is tells */
    struct known *known;   /* or NULL */
    struct places *places; /* indices that are followed, or NULL */
    enum form form;
    const struct onnx_name *of; /* x of a form */
    double a, b;
};

/* An input of a node: what an earlier node made, or a tensor, which is held here. */
struct onnx_input {
    struct onnx_name *name; /* NULL: left out */
    struct onnx_name held;
};

struct onnx_reader {
    struct trace *t;
    const struct onnx_model *m;
    struct onnx_name *name; /* [names] results of nodes and the input, by name */
    size_t names;
    const struct onnx_node *node; /* the one that is read */
    struct onnx_input *in;        /* [node->ins] */
};

/* An input; NULL where it is left out. */
static inline struct onnx_name *onnx_in(const struct onnx_reader *r, size_t i)
{
    return i < r->node->ins ? r->in[i].name : NULL;
}

/* Activations or a tensor: an input that has to be there. */
int onnx_symbol(const struct onnx_reader *r, size_t i, struct onnx_name **x, struct err *e)
    ERR_CHECKED;

/* The i-th result is what `made` says. */
void onnx_bind(struct onnx_reader *r, size_t i, const struct trace_symbol *made);
struct onnx_name *onnx_out(const struct onnx_reader *r, size_t i);

/* Attributes of the node; what is not there is as usual. */
const struct onnx_attribute *onnx_at(const struct onnx_reader *r, const char *name,
                                     enum onnx_attribute_type type);
int64_t onnx_int(const struct onnx_reader *r, const char *name, int64_t usual);
float onnx_float(const struct onnx_reader *r, const char *name, float usual);
const char *onnx_word(const struct onnx_reader *r, const char *name, const char *usual);

/* An int that says yes or no: 0 or 1. */
int onnx_flag(const struct onnx_reader *r, const char *name, bool usual, bool *is, struct err *e)
    ERR_CHECKED;

/* A list of whole numbers from the attribute `name` or, where that is not there, from input `i`:
 * how many there are into *n, -1 where there are none. */
int onnx_list(const struct onnx_reader *r, const char *name, size_t i, int64_t list[KNOWN], int *n,
              struct err *e) ERR_CHECKED;

/* --- onnx_fold.c --- */

/* 1 where the node's result is known from numbers, which it is bound to then; 0 where it is not
 * of that kind, -1 with a message. */
int onnx_fold(struct onnx_reader *r, struct err *e) ERR_CHECKED;

/* What numbers a type of whole numbers or truths has; false for others. Products of the number of
 * images, which is large where it is open, are int32, too. */
bool onnx_range(int64_t type, double *least, double *most);

/* What TensorProto.DataType says of it: float, int64 or bool stand for all of their kind. */
int64_t onnx_type_of(const struct onnx_name *x);

/* Whether numbers were made of the number of images, where that is open. */
bool onnx_counts_images(const struct onnx_reader *r, const struct known *k);

/* The types of the node's results, which has been read. */
void onnx_note_types(const struct onnx_reader *r);

/* The numbers of a small tensor; NULL where it is none. Caller frees. */
struct known *onnx_known(const struct onnx_reader *r, const struct ckpt_tensor *t);

/* --- onnx_attributes.c --- */

/* Refuses attributes of another type than ONNX has under that name; and, of an operation that is
 * computed here, those that it does not have, and two of one name. */
int onnx_attribute_types(const struct onnx_reader *r, struct err *e) ERR_CHECKED;
int onnx_attribute_names(const struct onnx_reader *r, struct err *e) ERR_CHECKED;

/* The names of those that an operation has, with spaces between them. */
const char *onnx_attributes_of(const char *op);

/* --- onnx_index.c --- */

/* The same of indices of all elements, and of a Gather by them. */
int onnx_index(struct onnx_reader *r, struct err *e) ERR_CHECKED;

/* --- onnx_ops.c --- */

/* The operation that a node is. */
int onnx_run(struct onnx_reader *r, struct err *e) ERR_CHECKED;

/* Refuses a branch whose condition is not known. */
int onnx_open_branch(const struct onnx_reader *r, struct err *e) ERR_CHECKED;

/* Refuses one of another domain than ONNX's. */
int onnx_foreign(const struct onnx_reader *r, struct err *e) ERR_CHECKED;

/* --- onnx_form.c --- */

/* 1 where the node is part of a formula written out, 0 where it is not, -1 with a message. */
int onnx_form(struct onnx_reader *r, struct err *e) ERR_CHECKED;

#endif
