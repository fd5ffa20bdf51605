/* A network as data: operations that read values and make one each. Who builds graphs is
 * lib/model; who runs them, lib/engine. */
#ifndef HP_GRAPH_H
#define HP_GRAPH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What each one is and does is its row in graph_rules[] (graph/rules.h). */
enum graph_kind {
    GRAPH_CONV,      /* y = conv(x) + bias [+ addend], then the activation */
    GRAPH_NORM,      /* y = w[c] x + b[c] [+ addend], then the activation: a batch norm that no
                        convolution before it can take in */
    GRAPH_MAX_POOL,  /* maximum over windows; padding never wins */
    GRAPH_MEAN_POOL, /* mean over windows; cells of the padding count as 0, or not at all */
    GRAPH_GRID_POOL, /* mean over a grid of y.k by x.k areas, as even as can be: adaptive pooling */
    GRAPH_AVERAGE,   /* over all cells: (c, h, w) -> (c, 1, 1) */
    GRAPH_LINEAR,    /* y = W x + bias, of values of one cell */
    GRAPH_ADD,       /* y = x + addend, then the activation; one of both may have one cell or one
                        channel where the other has more */
    GRAPH_MULTIPLY,  /* y = x * factor in the same way */
    GRAPH_FUNCTION,  /* y = f(x), element by element */
    GRAPH_CONCAT,    /* the channels of x, then those of another */
    GRAPH_PICK,      /* channels of x, in any order and any number */
    GRAPH_FLATTEN,   /* (c, h, w) -> (c h w, 1, 1) */
    GRAPH_SOFTMAX,   /* over the channels of each cell */
    GRAPH_LAYER_NORM, /* y = w[c] (x - mean) / sqrt(variance + p) + b[c], mean and variance over the
                         channels of each cell */
    GRAPH_OFFSET,     /* y = x + w, a number for each element */
    GRAPH_ATTENTION,  /* (3 c, h, w) -> (c, h, w): the channels of x are those of queries, keys and
                         values, each `groups` heads of c / groups channels; for each head and cell
                         y = sum over all cells i of softmax over i (p query' key[i] [+
                         w[head][cell][i]]) value[i] */
    GRAPH_GATHER,     /* elements of x, in any order and number, and zeros: (channels, y.k, x.k) */
    GRAPH_MATMUL, /* x (groups k, h, w) and a second m (groups c, of k cells) -> (groups c, h, w):
                     in each group and cell y[i] = sum over j of m[i][j] x[j], as if m were the
                     weights of a convolution */
    GRAPH_RESIZE, /* (c, h, w) -> (c, y.k, x.k), each row a weighted sum of y.stride rows of x that
                     follow one another, from row pick[row] on, and columns in the same way:
                     interpolation, between cells and without */
    GRAPH_KINDS
};

enum graph_act { GRAPH_NONE, GRAPH_RELU, GRAPH_ACTS };

/* Functions of one number, f(x), with up to two numbers p and q of their own. */
enum graph_function {
    GRAPH_CLIP,       /* min(max(x, p), q); with p = 0 and q infinite it is ReLU */
    GRAPH_LEAKY_RELU, /* x above 0, else p x */
    GRAPH_SIGMOID,    /* 1 / (1 + exp(-x)) */
    GRAPH_TANH,
    GRAPH_SILU,         /* x sigmoid(x) */
    GRAPH_HARD_SIGMOID, /* min(max(p x + q, 0), 1) */
    GRAPH_HARD_SWISH,   /* x min(max(x / 6 + 1 / 2, 0), 1) */
    GRAPH_GELU,         /* x Phi(x), Phi the distribution of a standard normal number */
    GRAPH_GELU_TANH,    /* the same with the usual approximation of Phi by tanh */
    GRAPH_ELU,          /* x above 0, else p (exp(x) - 1) */
    GRAPH_SOFTPLUS,     /* log(1 + exp(x)) */
    GRAPH_MISH,         /* x tanh(softplus(x)) */
    GRAPH_ROOT,         /* sqrt(x), 0 of x below 0; its slope at 0 is 0, as that of norms */
    GRAPH_INVERSE,      /* 1 / x */
    GRAPH_EXP,          /* e to the power of x; of x above 88 that of 88 */
    GRAPH_LOG,          /* the natural logarithm; of x below 2^-126 that of 2^-126 */
    GRAPH_POWER,        /* x to the power of p; of x up to 0 it is 0 or, where p is below 0,
                           that of 2^-126. No function but the inverse makes a number infinite, as
                           a mask of zeros could not hide that. */
    GRAPH_ERF,          /* the error function */
    GRAPH_DROPOUT,      /* 0 for the part p of all numbers, else x / (1 - p): graph/dropout.h */
    GRAPH_FUNCTIONS
};

/* Values are numbered in order of computation; value 0 is the normalised image. */
struct graph_value {
    int c, h, w;
    const char *name; /* "conv1" (the stem), "layer1.0", ... where it is a layer's output, that
                         maps are made of; NULL inside a layer */
    const char *key;  /* the same under the checkpoint's names, "conv2_x.0", where they differ */
    bool early;       /* the module called so ends before a norm, a sum or an activation that the
                         operation computes, too */
};

enum { GRAPH_INPUTS = 2 };

/* Windows along an axis. */
struct graph_axis {
    int k;             /* cells of a window */
    int stride;        /* how far apart windows are */
    int before, after; /* cells in front of the image and behind it that windows may reach into */
    int gap;           /* cells between two of a window: dilation less 1 */
};

struct graph_op {
    enum graph_kind kind;
    /* Values read. A second one of conv and norm is the addend: of the result's shape and added
     * to it before the activation. */
    int in[GRAPH_INPUTS];
    int ins; /* how many there are */
    int out; /* value made */
    /* Attributes */
    int channels; /* of the result, where the operation has the choice: conv, linear, pick,
                     gather */
    struct graph_axis y, x;
    int groups;  /* of conv and matmul: group i of the input's channels makes group i of the
                    result's; of attention the heads */
    bool inner;  /* of mean_pool: divides by the cells of a window that lie in the image */
    bool biased; /* of attention: w is added to the products */
    enum graph_act act;
    enum graph_function function;
    float p, q;      /* of the function; p of layer norm and attention */
    const int *pick; /* of pick [channels]: which of the input's; of gather [channels * y.k * x.k]:
                        which element of the input, -1 for 0; of resize [y.k + x.k]: the first
                        row of each row, then the first column of each column */
    const float *w;  /* conv (oc, ic / groups, y.k, x.k), linear (oc, ic), norm and layer norm (c),
                        offset (c, h, w), attention that is biased (groups, cells, cells), resize
                        (y.k, y.stride), then (x.k, x.stride), which was not learnt and is set
                        with the attributes; else NULL */
    const float *b;  /* conv and linear (oc), norm and layer norm (c); else NULL */
    const char *key; /* of its weights without ".weight", or NULL */
};

/* A further name of a value. */
struct graph_alias {
    int value;
    const char *name;
    bool early; /* as graph_value.early */
};

/* Owns its arrays, the numbers and the strings. */
struct graph {
    int ops, values, aliases;
    struct graph_op *op;       /* in order of computation */
    struct graph_value *value; /* [values] */
    struct graph_alias *alias; /* [aliases] */
    bool detached;         /* the program stops gradients somewhere, through which they go here */
    float mean[3], std[3]; /* bytes become value 0 by (byte / 255 - mean) / std */
};

/* --- building --- */

/* An empty graph; caller frees with graph_free. */
struct graph *graph_new(void) __attribute__((warn_unused_result));
void graph_free(struct graph *g);

/* A value that no operation makes: the image. `name` and `key` become the graph's, or NULL. */
int graph_add_value(struct graph *g, int c, int h, int w, const char *name, const char *key);

/* Appends an operation whose inputs and attributes are set, and the value that it makes, of the
 * shape that its rule gives and without a name. Numbers and key become the graph's; they may be
 * set later. Returns the value; -1 where the rule refuses the inputs: nothing is appended. */
int graph_add(struct graph *g, const struct graph_op *op, struct err *e) ERR_CHECKED;

/* Gives a value, but for the image, a further name by which graph_layer() finds it, and which it
 * has no other. The name is copied. `early`: as graph_value.early. */
void graph_call(struct graph *g, int value, const char *name, bool early);

/* A convolution of windows of k by k and so many channels that keeps the size but for the
 * stride, without activation or addend; to be altered and appended. */
struct graph_op graph_conv(int in, int channels, int k, int stride);

/* Makes one convolution of those, and of norms, that read one value and are added to each other:
 * the branches of RepVGG. Values that have a name stay. All operations have their numbers. */
void graph_merge(struct graph *g);

/* Windows of `k` cells, `stride` apart, that may reach `pad` cells beyond either end. */
static inline struct graph_axis graph_windows(int k, int stride, int pad)
{
    return (struct graph_axis){.k = k, .stride = stride, .before = pad, .after = pad, .gap = 0};
}

/* --- questions --- */

/* Value added to the result of a convolution or norm before the activation, or -1. */
static inline int graph_addend(const struct graph_op *op)
{
    return op->ins > 1 && (op->kind == GRAPH_CONV || op->kind == GRAPH_NORM) ? op->in[1] : -1;
}

/* Whether windows are square, the same on both axes and at both ends, and whole: those of most
 * networks, which op->y then describes. */
static inline bool graph_square(const struct graph_op *op)
{
    const struct graph_axis *a = &op->y, *b = &op->x;
    return a->k == b->k && a->stride == b->stride && a->before == b->before &&
           a->before == a->after && a->before == b->after && a->gap == 0 && b->gap == 0;
}

/* Cells of a value, and its elements. */
static inline size_t graph_cells(const struct graph *g, int value)
{
    return (size_t)g->value[value].h * (size_t)g->value[value].w;
}

static inline size_t graph_size(const struct graph *g, int value)
{
    return (size_t)g->value[value].c * graph_cells(g, value);
}

/* The logits, which the last operation makes, and how many there are. */
static inline int graph_logits(const struct graph *g)
{
    return g->op[g->ops - 1].out;
}

static inline int graph_classes(const struct graph *g)
{
    return g->value[graph_logits(g)].c;
}

/* The pattern at the end of a network under which its last stage has maps in closed form: an
 * average over all cells that nothing but one linear layer without an activation reads, which makes
 * the logits (Zhou et al. 2016). Where it is not there, value is -1 and the operations are NULL. */
struct graph_closed {
    int value; /* the last stage: what is averaged */
    const struct graph_op *average, *linear;
};
struct graph_closed graph_closed(const struct graph *g);

/* --- layers: layers.c --- */

/* Where in the image the cells of a value lie: h by w of them in rows, behind `first` others that
 * have no place, as class tokens have none. h is 0 of a value without places: the pooled last
 * stage, means that scale channels, what is flattened or linear, or made of such values alone. */
struct graph_grid {
    int h, w, first;
};
bool graph_grid(const struct graph *g, int value, struct graph_grid *grid);

/* The same of all values. Caller frees. */
struct graph_grid *graph_grids(const struct graph *g) __attribute__((warn_unused_result));

/* The last stage: that of graph_closed(), if each of its cells has a place; else -1. */
int graph_last_stage(const struct graph *g);

/* What stands for an image as a whole, a number for each channel: what the last linear layer reads
 * or, in a network without one, the last convolution, whose means over all cells these are then.
 * -1 where there is neither. */
int graph_embedding(const struct graph *g);

/* The value that a layer's name stands for, among those with places: "conv1", "layer3" (its last
 * block), "layer3.0", the checkpoint's own name of it, or a further name; GRAPH_LAST, unless a
 * layer is called so, for the last stage. -1 and the list of names where there is none. */
#define GRAPH_LAST "last"
int graph_layer(const struct graph *g, const char *name, struct err *e) ERR_CHECKED;

/* Whether the module of that name, which graph_layer() finds as `value`, ends before it: see
 * graph_value.early. */
bool graph_early(const struct graph *g, int value, const char *name);

/* A name of the value whose module ends with it, or NULL. */
const char *graph_exact_name(const struct graph *g, int value);

/* The name of a value, or else the first further one; NULL where it has none. */
const char *graph_name(const struct graph *g, int value);

/* What a layer, which has a name, is called, into name[room]: "layer2" where it is the last block
 * of a stage, else "layer2.0". */
void graph_layer_name(const struct graph *g, int value, char *name, size_t room);

/* The deepest layer before value `layer` whose grid has at least `side` cells on either side,
 * none of them a mere copy; -1 where there is none. */
int graph_finer(const struct graph *g, int layer, int side);

/* The latest layer of such a grid on all cells of which the logits depend, or -1: behind the last
 * attention the logits depend on a class token alone. A grid of copies, by a pool to more cells
 * than there were, does not count. In a network of tokens it is the norm that this attention reads,
 * if its grid is fine enough. */
int graph_latest(const struct graph *g, int side);

/* --- parts --- */

/* Which values are made, by whatever detour, of those marked: marks them too. */
void graph_mark_made_of(const struct graph *g, bool *marked);

/* What lies between a value and the logits, as a graph of its own, which shares nothing with `g`:
 * its value 0 is that value, and names and keys stay. An engine with opts.images runs it. NULL
 * where the logits are not made of the value, or not of it alone: the error names the operation
 * that reads a value before it. Caller frees. */
struct graph *graph_tail(const struct graph *g, int value, struct err *e) ERR_CHECKED;

/* Whether it is there. */
bool graph_alone(const struct graph *g, int value);

/* Value 0 of a byte of channel `c`. */
static inline float graph_pixel(const struct graph *g, int c, uint8_t byte)
{
    return (float)((byte / 255.0 - g->mean[c]) / g->std[c]);
}

/* The first operation behind a value that is not piecewise linear in it; NULL where there is none.
 */
const struct graph_op *graph_curve(const struct graph *g, int value);

/* Which values are never negative: behind a ReLU, a sigmoid and the like, or made of such values by
 * pooling, joining, adding and multiplying. [values]; caller frees. */
bool *graph_rectified(const struct graph *g) __attribute__((warn_unused_result));

/* Multiply-accumulates per image, of an operation and of all. */
int64_t graph_op_macs(const struct graph *g, const struct graph_op *op);
int64_t graph_macs(const struct graph *g);

#endif
