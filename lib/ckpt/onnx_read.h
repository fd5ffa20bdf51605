/* Between the readers of an ONNX file: of its graph (onnx.c), of the functions that it holds
 * (onnx_function.c) and of its tensors (onnx_tensor.c). */
#ifndef HP_ONNX_READ_H
#define HP_ONNX_READ_H

#include "ckpt/onnx.h"
#include "ckpt/protobuf.h"
#include "ckpt/store.h"

#include <glib.h>

enum { ONNX_NODES = 1 << 15, ONNX_TEXT_BYTES = 4096 };

struct onnx_functions;

struct onnx_reader {
    struct ckpt *c;
    const char *beside;              /* name of the file that holds tensors of this one, or NULL */
    size_t texts;                    /* that are kept */
    uint64_t room;                   /* bytes that numbers may yet be decoded into */
    int64_t opset;                   /* of the model */
    struct onnx_functions *function; /* of the file, or NULL */
    struct onnx_node *node;          /* [nodes] that are read, of functions in their places */
    size_t nodes, calls;             /* calls of functions count as nodes */
    const struct onnx_guard *guard;  /* of the branch that is read, or NULL */
    const struct onnx_scope *scope;  /* names of that branch, or NULL */
    struct pb graph;                 /* of the model */
    GHashTable *made;                /* names of values in front of the node that is read; NULL
                                        before the first branch */
    uint64_t written; /* bytes of functions that were read, and of names made, for their calls */
};

/* Numbers of fields. */
enum {
    N_INPUT = 1,
    N_OUTPUT = 2,
    N_NAME = 3,
    N_OP = 4,
    N_ATTRIBUTE = 5,
    N_DOMAIN = 7,
    N_OVERLOAD = 8,
    N_METADATA = 9
};
enum { A_NAME = 1, A_REFERENCE = 21, V_NAME = 1, TENSOR_NAME = 8 };
enum { G_NODE = 1, G_NAME = 2, G_INITIALIZER = 5, G_INPUT = 11, G_OUTPUT = 12, G_SPARSE = 15 };

/* Where a node stands: in the graph, or in a function that another node calls. */
struct onnx_call;

/* A text as a string that lives as long as the checkpoint. */
int onnx_text(struct onnx_reader *r, struct pb bytes, const char **text, struct err *e) ERR_CHECKED;

/* How many fields of a number a message has, of bytes; -1 where it is none. */
int64_t onnx_count(struct pb m, uint32_t number);

/* The texts of a repeated field, [*n], which are names of values where `call` is not NULL. */
int onnx_names(struct onnx_reader *r, const struct onnx_call *call, struct pb m, uint32_t number,
               const char *const **list, size_t *n, struct err *e) ERR_CHECKED;

/* Appends a node, or those of the function that it calls. */
int onnx_node(struct onnx_reader *r, const struct onnx_call *call, struct pb m, struct err *e)
    ERR_CHECKED;

/* The version of ONNX's own operations in an OperatorSetIdProto; 0 for those of other domains. */
int onnx_opset(const struct onnx_reader *r, struct pb m, int64_t *version, struct err *e)
    ERR_CHECKED;
int onnx_check_opset(const struct onnx_reader *r, int64_t opset, struct err *e) ERR_CHECKED;

/* "FILE: WHERE: ..." where bytes are no message. */
int onnx_broken(const struct onnx_reader *r, const char *where, struct err *e) ERR_CHECKED;

/* Adds a TensorProto to the checkpoint, as `name` or, where that is NULL, under its own name. */
int onnx_tensor(struct onnx_reader *r, struct pb m, const char *name, struct err *e) ERR_CHECKED;

/* What a name of a value is, where it stands, among the names of the whole graph. */
int onnx_value_name(struct onnx_reader *r, const struct onnx_call *call, const char **name,
                    struct err *e) ERR_CHECKED;

/* --- onnx_branch.c --- */

/* Appends the nodes of both branches of n, an If; m: its message. Its inputs are the condition and
 * the branches' results then. */
int onnx_branches(struct onnx_reader *r, const struct onnx_call *call, struct pb m,
                  struct onnx_node *n, struct err *e) ERR_CHECKED;

/* What the nodes that follow may read, too: the results of a node. */
void onnx_makes(struct onnx_reader *r, const struct onnx_node *n);

/* --- onnx_function.c: what nodes call is written out in their places --- */

/* The functions of the model in c->map. */
int onnx_functions(struct onnx_reader *r, struct err *e) ERR_CHECKED;
void onnx_functions_free(struct onnx_reader *r);

/* 1 where the node, of which all but attributes is read, calls a function, whose nodes are appended
 * then; 0 where it does not, -1 with a message. m: its message. */
int onnx_expand(struct onnx_reader *r, const struct onnx_call *outer, const struct onnx_node *n,
                const char *overload, struct pb m, struct err *e) ERR_CHECKED;

/* *name becomes FIRST/NAME; what all such names take is limited. */
int onnx_join(struct onnx_reader *r, const char *first, const char **name, struct err *e)
    ERR_CHECKED;

/* What a call makes of a value's name, of a node's name, of the set of operations. */
int onnx_called_value(struct onnx_reader *r, const struct onnx_call *call, const char **name,
                      struct err *e) ERR_CHECKED;
int onnx_called_node(struct onnx_reader *r, const struct onnx_call *call, const char **name,
                     struct err *e) ERR_CHECKED;
int64_t onnx_called_opset(const struct onnx_call *call, int64_t opset);

/* The attribute of the call that an attribute of the function's node refers to, or its default: 1;
 * 0 where neither is given, so that the node has none either; -1 where there is no such one. */
int onnx_called_attribute(struct onnx_reader *r, const struct onnx_call *call, struct pb reference,
                          struct pb *m, struct err *e) ERR_CHECKED;

#endif
