/* An ONNX model without its numbers: the nodes of its graph as they stand in the file, those that
 * call a function of the file replaced by the function's, with values named after the call, and
 * those of branches before their If (ckpt/onnx_branch.c).
 * Initializers and the tensors of nodes are tensors of the checkpoint: those of nodes under the
 * name of the node's first result. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
#ifndef HP_ONNX_H
#define HP_ONNX_H

#include "ckpt/ckpt.h"

enum { ONNX_IR_MIN = 3, ONNX_IR_MAX = 14, ONNX_OPSET_MIN = 7, ONNX_OPSET_MAX = 25 };

enum onnx_attribute_type {
    ONNX_FLOAT,
    ONNX_INT,
    ONNX_TEXT,
    ONNX_TENSOR,
    ONNX_FLOATS,
    ONNX_INTS,
    ONNX_OTHER /* graphs, texts, types: nothing that is known takes them */
};

struct onnx_attribute {
    const char *name;
    enum onnx_attribute_type type;
    float f;
    int64_t i;
    const char *text;
    const float *floats; /* [n] */
    const int64_t *ints; /* [n] */
    size_t n;
};

/* The condition under which a node of a branch is computed. */
struct onnx_guard {
    const char *when, *node;        /* names of the value and of the If */
    bool is;                        /* what the value has to be */
    const struct onnx_guard *outer; /* a branch around this one, or NULL */
};

struct onnx_node {
    const char *name;        /* "" where it has none */
    const char *op, *domain; /* "Conv"; "" is ONNX's own domain */
    const char *scope;       /* "/layer1.0/conv1": the dynamo exporter's names of modules; or "" */
    const char *const *in;   /* [ins] names of values; "" for one that is left out */
    const char *const *out;  /* [outs] */
    struct onnx_attribute *at; /* [ats] */
    size_t ins, outs, ats;
    int64_t opset;                  /* the set of ONNX's operations that it is of */
    const struct onnx_guard *guard; /* or NULL */
};

/* An input or a result of the graph. */
struct onnx_value {
    const char *name;
    bool shaped; /* its shape is there */
    bool whole;  /* its type is one of whole numbers or texts */
    int ndim;
    int64_t shape[CKPT_DIMS]; /* -1: open */
};

struct onnx_model {
    int64_t ir, opset;
    const struct onnx_node *node; /* [nodes] in order of computation */
    size_t nodes;
    const struct onnx_value *in, *out; /* inputs, initializers among them, and results */
    size_t ins, outs;
};

/* Whether TensorProto.DataType has real numbers of 16 bits or more by that number. */
bool onnx_is_real(uint64_t type);

/* The network of an ONNX file, which stays the checkpoint's; NULL for another checkpoint. */
const struct onnx_model *ckpt_onnx(const struct ckpt *c);

/* The one input of such a file that is no tensor of it, with a name; NULL where there is none or
 * are several, and for another checkpoint. */
const struct onnx_value *ckpt_onnx_image(const struct ckpt *c);

#endif
