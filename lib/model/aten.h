/* Inside the reader of torch.export's programs: names of tensors, and the node that is read. */
#ifndef HP_ATEN_H
#define HP_ATEN_H

#include "model/trace.h"

#include <jansson.h>

enum {
    ATEN_NODES = 1 << 14, /* of a program; the largest networks have some thousand */
    ATEN_NAMES = 1 << 16, /* of its tensors */
    ATEN_DEPTH = 32,      /* of modules in modules */
    ATEN_PARTS = 64,      /* of a split */
    ATEN_BYTE = 1,        /* types of the schema */
    ATEN_LONG = 5,
    ATEN_HALF = 6,
    ATEN_FLOAT = 7,
    ATEN_DOUBLE = 8,
    ATEN_TRUTH = 12,
    ATEN_BF16 = 13
};

/* A name of the program. */
struct aten_name {
    const char *name; /* the JSON's */
    struct trace_symbol symbol;
    int storage;                   /* names with the same share their numbers */
    const struct aten_name *whole; /* what it is a slice of, all along each axis, or NULL */
    int last;                      /* node that reads it last, -1 for none */
};

struct program {
    struct trace trace;
    const json_t *graph;
    struct aten_name *name; /* [names] by name */
    size_t names;
    const json_t *node;
    int at;         /* its number */
    const char *op; /* "conv2d" of torch.ops.aten.conv2d.default; not terminated there */
    int storages;
    int inputs;           /* that are images */
    const json_t *result; /* what is taken as the logits, of so many, and why */
    size_t results;
    const char *why;
    json_int_t rounds; /* a type other than float32 that the images or activations have; else 0 */
};

/* The name of a type of real numbers; NULL for others. */
static inline const char *aten_real(json_int_t type)
{
    return type == ATEN_FLOAT    ? "float32"
           : type == ATEN_DOUBLE ? "float64"
           : type == ATEN_HALF   ? "float16"
           : type == ATEN_BF16   ? "bfloat16"
                                 : NULL;
}

/* What a function of ATen becomes. */
struct aten_maker {
    const char *name;
    int (*make)(struct program *p, struct err *e) ERR_CHECKED;
    bool view;   /* the result shows the numbers of its input */
    bool scores; /* takes products of matrices that are not made yet, see trace_make() */
};

/* --- exported.c --- */

struct aten_name *aten_find(const struct program *p, const char *name);

/* Of an argument: {"as_tensor": {"name": "x"}}, {"as_sym_int": {"as_name": "n"}}; NULL for others.
 */
struct aten_name *aten_named(const struct program *p, const json_t *arg);

/* The i-th result of the node, and how many it has. */
struct aten_name *aten_result(const struct program *p, size_t i);
size_t aten_results(const struct program *p);

/* --- aten_inline.c --- */

/* Puts the nodes of graphs inside a graph in their places; false where these do not fit. */
bool aten_inline(struct program *p, json_t *graph);

/* --- aten.c --- */

/* By the name without namespace, overload and the underscore of an operation in place; NULL where
 * it is not known. of_sizes: of Python's operators on sizes. */
const struct aten_maker *aten_maker(bool of_sizes, const char *name, size_t n);

#endif
