/* Inside the building of a residual network: from keys and shapes to operations, then the
 * numbers. Functions that fail say so by -1 or NULL. */
#ifndef HP_BUILD_H
#define HP_BUILD_H

#include "model/family.h"
#include "model/model.h"
#include "model/structure.h"

enum {
    BUILD_CHANNELS = 1 << 16, /* of a value, and classes */
    BUILD_ELEMENTS = 1 << 22  /* of a value of one image */
};

/* The tensors of a batch norm. */
enum { NORM_WEIGHT, NORM_BIAS, NORM_MEAN, NORM_VAR, NORM_TENSORS };

struct norm {
    const struct ckpt_tensor *t[NORM_TENSORS]; /* all NULL where there is none */
};

static inline bool norm_is_there(const struct norm *n)
{
    return n->t[NORM_VAR] != NULL;
}

/* A tensor (channels, cells) that is added to an offset's cells from one on. */
enum { BUILD_PIECES = 6 };

struct piece {
    const struct ckpt_tensor *tensor; /* NULL behind the last */
    int64_t from;
};

/* Where the numbers of an operation come from. Unfolded, a norm is an operation of its own. */
struct origin {
    const struct ckpt_tensor *w; /* weights; NULL: 1, for norms */
    const struct ckpt_tensor *b; /* biases; NULL: 0 */
    bool inverse;                /* 1 / w is taken */
    struct norm norm;            /* folded into it, or the operation itself */
    int pad_from;                /* channels of the input of a shortcut that pads, else 0 */
    int pad_before;              /* zeros before them */
    double eps;                  /* of the norm; 0: the one that is assumed */
    bool constant;               /* all weights and biases are these, without tensors */
    float factor, offset; /* a factor without `constant`, unless 0, multiplies what tensors give */
    struct piece piece[BUILD_PIECES]; /* of an offset */
    bool framed;                      /* a gather that adds rows and columns of zeros alone: */
    int frame[4];                     /* top, left, bottom, right */
};

struct build {
    struct model *model;
    struct graph *graph; /* the model's */
    struct ckpt *ckpt;
    const struct model_opts *opts;
    struct found found;
    const struct structure_reading *reading; /* where no family names the keys, else NULL */
    struct assume assume;                    /* with what is usual filled in */
    bool *used;                              /* [ckpt_count] */
    struct origin *origin;                   /* [graph->ops] */
    struct ckpt_tensor **view;               /* [views] of tensors, which origins may be, too */
    size_t views;
    int64_t numbers;
    bool normed;    /* there are batch norms */
    bool padded;    /* there are shortcuts without keys */
    bool shifted;   /* there are windows with TensorFlow's padding */
    bool pooled;    /* and some of them pool */
    bool ended;     /* several cells are pooled at last */
    bool averaged;  /* there are shortcuts with keys behind a mean */
    bool plain;     /* there are no shortcuts where such would be */
    bool convolved; /* there are shortcuts with keys */
};

/* --- keys.c --- */

/* A place in the network: its key's parts. */
struct place {
    int stage; /* 0: not in a block */
    int block;
    const char *conv, *norm;
};

/* An error about a network that is not computed, as an expression of value -1: the message, and
 * the way on. */
#define build_refuse(b, e, ...) (build_record((b), (e), __VA_ARGS__), err_value())
void build_record(const struct build *b, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The tensor of a key, or NULL. Keys of a reading by structure are the builder's. */
const struct ckpt_tensor *build_find(const struct build *b, const char *key);

/* The tensor of that name and shape (-1: any length), which takes part in the network. */
const struct ckpt_tensor *build_take(struct build *b, const char *key, int ndim,
                                     const int64_t *shape, struct err *e) ERR_CHECKED;

/* The norm of a place. Without any of its keys, unless `needed`, the convolution's bias has to
 * have taken it in. */
int build_take_norm(struct build *b, const struct place *p, int64_t channels, bool needed,
                    struct norm *n, struct err *e) ERR_CHECKED;

/* The linear layer's part: "fc" or, where that is a row of layers, the only one of them
 * with weights, "fc.1". */
const char *build_linear_part(const struct build *b, char part[FAMILY_KEY]);

/* Weights (out, c), or as a convolution of one by one, and biases, which are NULL where a
 * reading by structure has none. c: -1 for any. */
int build_take_linear(struct build *b, int c, const char *part, const struct ckpt_tensor **w,
                      const struct ckpt_tensor **bias, struct err *e) ERR_CHECKED;

/* Whether there are weights of a part of a block, which may be NULL; of any shape, or of those
 * of a convolution. */
bool build_has(const struct build *b, int stage, int block, const char *part);
bool build_has_conv(const struct build *b, int stage, int block, const char *part);

/* The key of a part without ".weight". Caller frees. */
char *build_op_key(const struct build *b, int stage, int block, const char *part);

/* Integers, buffers and other networks are ignored; a layer that has no place is a network
 * that is not known. */
int build_check_rest(const struct build *b, struct err *e) ERR_CHECKED;

void build_note(const struct build *b, const char *text);

/* Of the file, behind its name, once (model_opts.again). */
void build_say(const struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- layers.c: each returns the value computed --- */

/* Appends an operation, whose key and list become the graph's, with the origin of its numbers. */
int build_add(struct build *b, const struct graph_op *op, const struct origin *from, struct err *e)
    ERR_CHECKED;

/* The value of an operation that joins the same two values, or -1. */
int build_join(const struct build *b, const struct graph_op *op);

/* What an operation is asked for beside its place. */
struct want {
    int k, stride, width; /* k and width: -1 where the shape tells */
    int addend;           /* value added, or -1 */
    enum graph_act act;
    bool grouped;     /* the shape may tell groups, too */
    int grow;         /* cells of padding beyond half a window */
    double eps;       /* of the norm; 0: the one that is assumed */
    bool valid;       /* no padding */
    bool dropped;     /* the convolution that is followed by dropout */
    char *name, *key; /* of the value; taken over */
};

/* Gives a value the names wanted, or frees them where it is none: -1. Returns the value. */
int build_name(struct build *b, int value, const struct want *w);

/* A convolution and the norm behind it, in one operation or, unfolded, in two. */
int build_conv(struct build *b, const struct place *p, int in, const struct want *w, struct err *e)
    ERR_CHECKED;

/* A batch norm of its own. */
int build_norm(struct build *b, const struct place *p, const struct norm *norm, int in,
               const struct want *w, struct err *e) ERR_CHECKED;

/* The pooling that is assumed behind the stem, which is not none. */
int build_max_pool(struct build *b, int in, struct err *e) ERR_CHECKED;

/* Every second pixel, with channels of zeros on both sides or behind: a convolution whose
 * weights are zeros and ones. */
int build_padding(struct build *b, int in, int stride, int width, struct err *e) ERR_CHECKED;

/* The average over all cells. */
int build_average(struct build *b, int in, struct err *e) ERR_CHECKED;

/* The largest over all cells. */
int build_largest(struct build *b, int in, struct err *e) ERR_CHECKED;

/* A linear layer of a value of one cell, by its key without prefix. */
int build_linear(struct build *b, int in, const char *part, enum graph_act act, struct err *e)
    ERR_CHECKED;

/* What follows a value of one cell: a norm, linear layers, the last of which makes the logits. */
int build_tail(struct build *b, int in, struct err *e) ERR_CHECKED;

/* The average over all cells and the tail. */
int build_head(struct build *b, int in, struct err *e) ERR_CHECKED;

int build_too_large(const struct ckpt *c, int h, int w, struct err *e) ERR_CHECKED;

/* Whether a value has as many elements as are computed. */
int build_check_size(const struct build *b, int value, struct err *e) ERR_CHECKED;

/* --- blocks.c --- */

/* All operations, without numbers. */
int build_operations(struct build *b, struct err *e) ERR_CHECKED;

/* --- exported.c --- */

/* All operations of a program of torch.export, without numbers. */
int build_exported(struct build *b, const char *text, size_t n, struct err *e) ERR_CHECKED;

/* --- onnx.c --- */

/* The same of an ONNX model's graph. */
struct onnx_model;
int build_onnx(struct build *b, const struct onnx_model *m, struct err *e) ERR_CHECKED;

/* --- settle.c: assumptions --- */

/* The reading by structure that is assumed, or the first one, in place of a family: -1 where there
 * is none. `s` outlives the build. */
int build_settle_reading(struct build *b, const struct structure *s, struct err *e) ERR_CHECKED;

/* The family, and what its repository does where nothing else was said. */
int build_settle(struct build *b, struct err *e) ERR_CHECKED;

/* The same of a program, which leaves the order of the colours open. */
int build_settle_program(struct build *b, struct err *e) ERR_CHECKED;

/* Whether there are colours that have an order, if one is assumed. */
int build_check_colours(const struct build *b, struct err *e) ERR_CHECKED;

/* An assumption without an effect is a mistake about the network. */
int build_check_effects(const struct build *b, struct err *e) ERR_CHECKED;

/* What was assumed goes to the model, without what the network leaves no choice of. */
void build_keep_assumed(struct build *b);

/* --- numbers.c --- */

/* What the norm of an origin adds to variances. */
double build_eps(const struct build *b, const struct origin *from);

/* All numbers, and what norms that are operations of their own have recorded. */
int build_load(struct build *b, struct err *e) ERR_CHECKED;

#endif
