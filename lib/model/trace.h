/* Programs that say what they compute, node by node, become operations of a graph: the part that
 * no format of files has to itself. A reader (model/aten.c: torch.export, model/onnx.c: ONNX)
 * goes through the nodes of its program, keeps a symbol for each name and calls the function of
 * this header that each node is.
 *
 * A program's tensors have shapes of their own (batch, tokens, heads, ...), the graph's values
 * are (c, h, w) of one image. So a symbol is a value and a view of it: reshape, permute, slice,
 * expand and the like change the view alone; a function that needs its input in another form
 * than the value has appends an operation that moves the elements. */
#ifndef HP_TRACE_H
#define HP_TRACE_H

#include "model/build.h"
#include "model/constants.h"

#include <glib.h>

enum { TRACE_DIMS = 8, TRACE_FACTORS = 16, TRACE_INTS = 16, TRACE_NAME = 80 };

/* How many images a program takes that takes any number: a prime that no size holds, so that
 * arithmetic on shapes is plain arithmetic. */
enum { TRACE_IMAGES = 1000000007 };

/* The stride of the factor that counts images. */
enum { TRACE_EACH_IMAGE = -1 };

/* A digit of an index: n of them, so many elements apart in (c, h, w) of one image or in the
 * storage of a constant; 0: the same element each time. Never n = 1. */
struct trace_factor {
    int64_t n, stride;
};

/* A logical shape: each axis is the product of its factors, the outermost first; one of size 1 has
 * none. factor[] holds those of axis 0, then those of axis 1, ... */
struct trace_view {
    int dims;
    int count[TRACE_DIMS]; /* of factors */
    struct trace_factor factor[TRACE_FACTORS];
    int64_t offset;
};

enum trace_kind {
    TRACE_NOTHING,  /* not made yet, or of no interest */
    TRACE_VALUE,    /* activations */
    TRACE_CONSTANT, /* a tensor of the checkpoint */
    TRACE_NUMBERS,  /* small whole numbers that are known: shapes, axes, indices */
    TRACE_SCORES    /* the products of queries and keys: of use to attention alone */
};

/* What a name of a program stands for. */
struct trace_symbol {
    enum trace_kind kind;
    int uses;    /* how often nodes and results of the program name it; the reader's to set, before
                    the node that makes it: trace_bind() keeps it */
    bool shared; /* what it is a view of is read by others, too */
    struct trace_view view;
    int value;   /* of the graph; of SCORES their number */
    float scale; /* of activations and scores: a factor still to be applied */
    bool soft;   /* of scores: their softmax is taken */
    bool log;    /* of activations: a log-softmax is still to be taken; only results may have one */
    bool mask;   /* of activations: truths, 0 and 1, that a comparison made */
    const struct ckpt_tensor *tensor; /* of a constant */
    int64_t number[TRACE_INTS];       /* of NUMBERS, in order */
    uint64_t of;                      /* bits of trace.constant[] that it was made of */
};

/* What the inputs of a node are made of. */
struct trace_made_of {
    uint64_t constants; /* as in a symbol */
    bool pixels;        /* activations that no layer with weights has mixed yet */
};

struct trace_scores;

/* A module of the program and the value that it made at last: what the operation that makes it had
 * taken in by then. */
struct trace_layer {
    char *path;
    int value, ins;
    enum graph_act act;
    bool normed;
};

struct trace {
    struct build *b;
    int64_t images;        /* of the program's input: their number, or TRACE_IMAGES */
    const char *node, *op; /* what refusals name: the node's name and the operation's; the reader
                              sets them before each node */
    struct trace_scores *scores;
    size_t scores_n;
    struct trace_layer *layer;
    size_t layers;
    GHashTable *by_path;      /* numbers of layers */
    int64_t elements, listed; /* of all values and of all lists of a graph, which are limited */
    int64_t products, pooled; /* multiply-accumulates and cells of all windows of pools, too */
    int64_t made, read;       /* numbers of constants that the program makes, and reads for that */
    const struct ckpt_tensor *constant[CONSTANTS_MOST]; /* [constants] of pixels, by their names */
    int constants;
};

/* --- the reader's side --- */

/* Value 0 has that many channels, and the size that the program was exported for: -1 where it is
 * open. Another size than the one that value 0 has is refused; where it has none, it gets it. */
int trace_sizes(struct build *b, int channels, int64_t h, int64_t w, struct err *e) ERR_CHECKED;

/* `images`: how many the program was exported for, TRACE_IMAGES for any number. */
void trace_open(struct trace *t, struct build *b, int64_t images);

/* Frees all but what is the graph's and the build's. */
void trace_close(struct trace *t);

/* "FILE: node conv2d_3 (conv2d): ..." and the way on; an expression of value -1. */
#define trace_refuse(t, e, ...) (trace_record((t), (e), __VA_ARGS__), err_value())
void trace_record(const struct trace *t, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether images whose second axis has that size are rows of pixels (images, h, w, c), as
 * TensorFlow and Keras have them, rather than planes. */
static inline bool trace_is_last(int64_t second)
{
    return second != 3 && second != 1;
}

/* The image as (images, c, h, w) or, with `last`, as (images, h, w, c): value 0, or its channels in
 * the order that is assumed. */
int trace_image(struct trace *t, bool last, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* A tensor as it is. */
struct trace_symbol trace_constant(const struct ckpt_tensor *tensor);

/* Whole numbers: of no axis (n is 1) or of one. */
struct trace_symbol trace_scalar(int64_t number);
struct trace_symbol trace_numbers(const int64_t *number, int n);

/* x under another name: what dropout, Identity and the like make. */
struct trace_symbol trace_alias(const struct trace_symbol *x);

/* `to` becomes what `made` is and keeps its uses. */
void trace_bind(struct trace_symbol *to, const struct trace_symbol *made);

/* What pixels are normalised by. Before a node is computed the reader adds up its inputs, and
 * afterwards passes that on to each result; the model is told what meets the pixels. */
void trace_made_of(const struct trace *t, const struct trace_symbol *x, struct trace_made_of *of);
void trace_pass_on(const struct trace *t, const struct trace_made_of *of, struct trace_symbol *y);

/* Sizes. An axis counts from the end where it is negative; -1 where there is no such axis. */
int64_t trace_size(const struct trace_symbol *x, int dim);

/* Whether both have the same axes, of the same sizes. */
bool trace_same_sizes(const struct trace_symbol *a, const struct trace_symbol *b);
int trace_axis(const struct trace_symbol *x, int64_t dim);
int64_t trace_count(const struct trace_symbol *x); /* elements */

/* Whether a whole number of a program for any number of images was made of that number: no size
 * that is computed here is so large. */
bool trace_counts_images(const struct trace *t, int64_t number);

/* Whether the quotient of two such numbers was made of the number of images and is too small to
 * tell. */
bool trace_loses_images(const struct trace *t, int64_t number, int64_t divisor);

/* A constant of one element, or a whole number. */
int trace_number(const struct trace *t, const struct trace_symbol *x, double *out, struct err *e)
    ERR_CHECKED;

/* The node that made s stands in the module of that path, "layer1.0" (n bytes); call it for the
 * modules around that one, too. A value has the paths of all modules that end with it as names;
 * value.name is the last of at most two parts. */
void trace_layer(struct trace *t, const char *path, size_t n, const struct trace_symbol *s);

/* All images' logits: the last operation's value, one number for each class. A softmax at the end
 * is taken off: what it reads are the logits. */
int trace_result(struct trace *t, const struct trace_symbol *x, struct err *e) ERR_CHECKED;

/* --- operations ---
 * Each makes *y of its inputs, or refuses. Symbols that may be missing are NULL. Inputs are not
 * changed; y may be one of them. */

/* Windows of convolutions and pools: height, then width. */
struct trace_windows {
    int k[2], stride[2], before[2], after[2], dilation[2];
    bool ceil;  /* of pools: a last window that is not whole counts, too */
    bool inner; /* of means: cells of the padding do not count */
};

/* Windows of k by k, `stride` apart, without padding and dilation. */
struct trace_windows trace_windows(int k, int stride);

/* x (N, c, h, w), w (out, c / groups, k, k), bias (out). win->k is the weights'. */
int trace_conv(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
               const struct trace_symbol *bias, const struct trace_windows *win, int groups,
               struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The same along one axis, x (N, c, w), w (out, c / groups, k): as of images of one row, which the
 * second axis of `win` is for. */
int trace_conv_row(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                   const struct trace_symbol *bias, const struct trace_windows *win, int groups,
                   struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Transposed: w (c, out / groups, k, k); `more` zeros behind what the windows' padding takes off.
 */
int trace_conv_back(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                    const struct trace_symbol *bias, const struct trace_windows *win,
                    const int more[2], int groups, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* The windows of x (N, c, h, w) as columns (N, c k k, windows), and the sums of such columns in an
 * image of that size. */
int trace_unfold(struct trace *t, const struct trace_symbol *x, const struct trace_windows *win,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_fold(struct trace *t, const struct trace_symbol *x, const int64_t size[2],
               const struct trace_windows *win, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* A batch norm over axis 1: weight, bias, mean, variance (NORM_TENSORS). */
int trace_batch_norm(struct trace *t, const struct trace_symbol *x,
                     const struct trace_symbol *const norm[NORM_TENSORS], double eps,
                     struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* A norm over groups of axis 1 and all cells of each: weight and bias of each channel, or NULL. */
int trace_group_norm(struct trace *t, const struct trace_symbol *x, int64_t groups,
                     const struct trace_symbol *w, const struct trace_symbol *bias, double eps,
                     struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* A layer norm over the last `axes` axes: weight and bias of each of their elements, or NULL. */
int trace_layer_norm_of(struct trace *t, const struct trace_symbol *x, int axes,
                        const struct trace_symbol *w, const struct trace_symbol *bias, double eps,
                        struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The same over the last axis alone. */
int trace_layer_norm(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                     const struct trace_symbol *bias, double eps, struct trace_symbol *y,
                     struct err *e) ERR_CHECKED;

/* x / (bias + alpha times the mean square of `size` channels around each)^beta; of an even number
 * of channels one more lies behind. x (N, c, h, w). */
int trace_local_norm(struct trace *t, const struct trace_symbol *x, int64_t size, double alpha,
                     double beta, double bias, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The root of the sum of squares over axes. */
int trace_length(struct trace *t, const struct trace_symbol *x, const int64_t *dim, int dims,
                 bool keep, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* x to any power but 0 and whole ones above 1,024. Activations below 0 have whole ones alone. */
int trace_power(struct trace *t, const struct trace_symbol *x, double exponent,
                struct trace_symbol *y, struct err *e) ERR_CHECKED;

int trace_function(struct trace *t, const struct trace_symbol *x, enum graph_function f, double p,
                   double q, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* scale * (x above 0, else alpha (exp(factor x) - 1)). */
int trace_elu(struct trace *t, const struct trace_symbol *x, double alpha, double scale,
              double factor, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* log(1 + exp(beta x)) / beta */
int trace_softplus(struct trace *t, const struct trace_symbol *x, double beta,
                   struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* e^x and the natural logarithm. That of a sigmoid or a softmax which nothing else reads is made of
 * what these were made of. */
int trace_exponential(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                      struct err *e) ERR_CHECKED;
int trace_logarithm(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                    struct err *e) ERR_CHECKED;

/* x to the powers of a constant, with broadcasting: one number, or several of activations that are
 * never negative. */
int trace_powers(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *exponent,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* A positive number to the power of x. */
int trace_raise(struct trace *t, double base, const struct trace_symbol *x, struct trace_symbol *y,
                struct err *e) ERR_CHECKED;

/* x above 0, else slope[channel] x; the slopes have one element or those of axis 1. */
int trace_prelu(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *slope,
                struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* x + factor y, x * y, x / y, with broadcasting: activations, constants and numbers. */
int trace_add(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
              double factor, struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_multiply(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                   struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_divide(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* x * factor + offset, both the same everywhere. */
int trace_scale(struct trace *t, const struct trace_symbol *x, double factor, double offset,
                struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* kind: GRAPH_MAX_POOL or GRAPH_MEAN_POOL, of x (N, c, h, w). */
int trace_pool(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
               const struct trace_windows *win, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The same of x (N, c, w): by the second axis of `win`. */
int trace_pool_row(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
                   const struct trace_windows *win, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* The same of x (N, c, d, h, w): `deep` are the windows along d, by 1. */
int trace_pool_deep(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
                    const struct trace_windows *deep, const struct trace_windows *win,
                    struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Adaptive pooling to h by w. */
int trace_grid_pool(struct trace *t, enum graph_kind kind, const struct trace_symbol *x, int h,
                    int w, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* An axis of images that are resized: cell o of the result lies at (o + shift) step + back, where
 * cells of the input lie at 0, 1, ... */
struct trace_sampling {
    int64_t cells; /* of the result */
    double shift, step, back;
    double factor; /* unless 0, 1 / step, by which nearest cells divide: it rounds otherwise */
};

enum trace_filter { TRACE_NEAREST, TRACE_LINEAR, TRACE_CUBIC };

enum trace_round { TRACE_DOWN, TRACE_UP, TRACE_HALF_DOWN, TRACE_HALF_UP };

struct trace_resizing {
    enum trace_filter filter;
    enum trace_round round; /* to the nearest */
    double cubic;           /* Keys' number: -0.75 or -0.5 */
    bool smooth; /* where there are fewer cells, the filter is as much wider: antialiasing */
    bool inside; /* what lies outside has no part; else the edge is repeated */
    struct trace_sampling axis[2]; /* height and width */
};

/* x (N, c, h, w), activations or a constant. */
int trace_resize(struct trace *t, const struct trace_symbol *x, const struct trace_resizing *r,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The mean, or the maximum, over axes; `keep`: which have size 1 then, else they go. Of constants
 * the mean. */
int trace_reduce(struct trace *t, enum graph_kind kind, const struct trace_symbol *x,
                 const int64_t *dim, int dims, bool keep, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* The logarithm of the sum of e^x over axes, of activations. */
int trace_log_sum(struct trace *t, const struct trace_symbol *x, const int64_t *dim, int dims,
                  bool keep, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The minimum over axes, of activations. */
int trace_least(struct trace *t, const struct trace_symbol *x, const int64_t *dim, int dims,
                bool keep, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Over the last axis: w (out, in), bias (out). */
int trace_linear(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                 const struct trace_symbol *bias, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* The product of the last two axes, or with one axis of a vector: with a constant b (in, out) a
 * linear layer, one for each of what both have in front; that of queries and
 * keys is made where it turns out not to be followed by a softmax and the values. */
int trace_matmul(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* A sum of products of two operands over the letters that the result has not, as
 * "byhwc,hkc->byhwk": no letter twice in one of them. */
int trace_einsum(struct trace *t, const char *equation, const struct trace_symbol *a,
                 const struct trace_symbol *b, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* q, k, v (..., tokens, d), softmax(scale q k' + mask) v; the mask is a constant or NULL. */
int trace_attention(struct trace *t, const struct trace_symbol *q, const struct trace_symbol *k,
                    const struct trace_symbol *v, const struct trace_symbol *mask, double scale,
                    struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* x, if it is products that are not made yet, as activations: for whatever knows no others. */
int trace_make(struct trace *t, struct trace_symbol *x, struct err *e) ERR_CHECKED;

int trace_softmax(struct trace *t, const struct trace_symbol *x, int64_t dim, bool log,
                  struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* --- constants of constants, computed at once: trace_known.c ---
 * Truths are 0 and 1. Infinite numbers become 1e30. */

bool trace_is_known(const struct trace_symbol *x);

/* Whether the program made it, so that it may change it. */
bool trace_is_computed(const struct trace_symbol *x);

/* Whether each axis takes steps of one length through memory, as in any tensor of PyTorch; and
 * whether these are those of its elements in order. */
bool trace_is_strided(const struct trace_symbol *x);
bool trace_is_dense(const struct trace_symbol *x);

/* A tensor of one number; one of its own with the numbers of another. */
int trace_known_full(struct trace *t, const int64_t *size, int dims, double value,
                     struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_known_copy(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                     struct err *e) ERR_CHECKED;

/* x, a view of such a tensor, becomes `value` or, where `to` is not NULL, that. */
int trace_known_set(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *to,
                    double value, struct err *e) ERR_CHECKED;

enum trace_pairing {
    TRACE_SUM,
    TRACE_DIFFERENCE,
    TRACE_PRODUCT,
    TRACE_QUOTIENT,
    TRACE_EQUAL,
    TRACE_DIFFERENT,
    TRACE_LESS,
    TRACE_AT_MOST,
    TRACE_MORE,
    TRACE_AT_LEAST,
    TRACE_BOTH,
    TRACE_EITHER
};

/* With broadcasting. */
int trace_known_two(struct trace *t, enum trace_pairing how, const struct trace_symbol *a,
                    const struct trace_symbol *b, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;
int trace_known_number(struct trace *t, enum trace_pairing how, const struct trace_symbol *a,
                       double number, struct trace_symbol *y, struct err *e) ERR_CHECKED;
/* (x - zero) scale, both of a shape that x's is broadcast from; zero may be NULL. */
int trace_known_scaled(struct trace *t, const struct trace_symbol *x,
                       const struct trace_symbol *zero, const struct trace_symbol *scale,
                       struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_known_where(struct trace *t, const struct trace_symbol *mask,
                      const struct trace_symbol *yes, const struct trace_symbol *no,
                      struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_known_function(struct trace *t, const struct trace_symbol *x,
                         double (*f)(double x, double p, double q), double p, double q,
                         struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* For trace_known_function(): x without what follows the point, sine and cosine. */
double trace_truncated(double x, double p, double q);
double trace_sine(double x, double p, double q);
double trace_cosine(double x, double p, double q);

/* These numbers. */
int trace_known_numbers(struct trace *t, const int64_t *size, int dims, const double *number,
                        struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* from, from + step, ...: n numbers. */
int trace_known_range(struct trace *t, double from, double step, int64_t n, struct trace_symbol *y,
                      struct err *e) ERR_CHECKED;

/* Joined along an axis. */
int trace_known_concat(struct trace *t, const struct trace_symbol *const *x, int n, int64_t dim,
                       struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The mean over axes that are marked, which have size 1 then. */
int trace_known_mean(struct trace *t, const struct trace_symbol *x, unsigned gone,
                     struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The softmax over an axis. */
int trace_known_softmax(struct trace *t, const struct trace_symbol *x, int dim,
                        struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Whether they are truths: what a comparison made, or of that type. */
bool trace_is_truth(const struct trace_symbol *x);

/* Whether it is a constant of zeros and ones. */
bool trace_known_truths(struct trace *t, const struct trace_symbol *x);

/* x without what is behind the point; x itself where nothing is. Beyond `least` and `most` it is
 * refused. */
int trace_known_whole(struct trace *t, const struct trace_symbol *x, double least, double most,
                      struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Whether the first axis can be cut into `parts` that are equal, and all are the same. */
bool trace_known_repeats(struct trace *t, const struct trace_symbol *x, int64_t parts);

/* x with its axis `dim` replaced by those of the indices. */
int trace_known_index(struct trace *t, const struct trace_symbol *x, int64_t dim,
                      const struct trace_symbol *index, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* A norm of channels, axis 1, as trace_batch_norm() has it; without mean and variance by those of
 * each channel's own numbers: weight standardisation. */
int trace_known_norm(struct trace *t, const struct trace_symbol *x,
                     const struct trace_symbol *const norm[NORM_TENSORS], double eps,
                     struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Parts of x: indices (..., k) of its first k axes. */
int trace_known_gather(struct trace *t, const struct trace_symbol *x,
                       const struct trace_symbol *index, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* x with parts replaced: indices (..., k) of its first k axes, and as many parts. */
int trace_known_scatter(struct trace *t, const struct trace_symbol *x,
                        const struct trace_symbol *index, const struct trace_symbol *parts,
                        struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* A convolution by windows of one cell: x (N, c, h, w), w (out, c, 1, 1), bias (out) or NULL. */
int trace_known_conv(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                     const struct trace_symbol *bias, const struct trace_windows *win,
                     struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The sums of what comes up to each place of an axis. */
int trace_known_sums(struct trace *t, const struct trace_symbol *x, int64_t dim,
                     struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Over the last axis: w (out, in), bias (out) or NULL. */
int trace_known_linear(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                       const struct trace_symbol *bias, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* --- choices by activations: trace_choice.c --- */

/* Of activations a mask, of constants truths; and of masks what is made of both. */
int trace_compare(struct trace *t, enum trace_pairing how, const struct trace_symbol *a,
                  const struct trace_symbol *b, struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_compare_number(struct trace *t, enum trace_pairing how, const struct trace_symbol *x,
                         double number, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The larger of two, or the smaller, element by element: activations, or a constant as one of them.
 * Where they are equal each has half of the gradient, as in PyTorch. */
int trace_larger(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                 bool smaller, struct trace_symbol *y, struct err *e) ERR_CHECKED;

int trace_absolute(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                   struct err *e) ERR_CHECKED;

/* 1, 0 or -1. */
int trace_sign(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* x above `threshold`, else `value`. */
int trace_threshold(struct trace *t, const struct trace_symbol *x, double threshold, double value,
                    struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* x - shift above width, x + shift below -width, else 0: hard and soft shrinkage, and ONNX's. */
int trace_shrink(struct trace *t, const struct trace_symbol *x, double width, double shift,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* x / (1 + |x|) */
int trace_softsign(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                   struct err *e) ERR_CHECKED;

/* --- shapes: of activations, constants and, where it makes sense, of whole numbers --- */

/* At most one size is -1: what remains. */
int trace_reshape(struct trace *t, const struct trace_symbol *x, const int64_t *size, int n,
                  struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Axes first to last become one. */
int trace_flatten(struct trace *t, const struct trace_symbol *x, int64_t first, int64_t last,
                  struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Axis i of y is axis order[i] of x. */
int trace_permute(const struct trace *t, const struct trace_symbol *x, const int64_t *order, int n,
                  struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_swap(const struct trace *t, const struct trace_symbol *x, int64_t a, int64_t b,
               struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* A new axis of size 1 at `dim` of y, and without axis `dim`, where it has size 1. */
int trace_unsqueeze(const struct trace *t, const struct trace_symbol *x, int64_t dim,
                    struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_squeeze(const struct trace *t, const struct trace_symbol *x, int64_t dim,
                  struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Of an axis every step-th from `from` up to `to`, which count from the end where negative and
 * may lie beyond it; and the i-th alone, without the axis. */
int trace_slice(struct trace *t, const struct trace_symbol *x, int64_t dim, int64_t from,
                int64_t to, int64_t step, struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_select(const struct trace *t, const struct trace_symbol *x, int64_t dim, int64_t i,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Axes of size 1 are repeated; a size of -1 leaves the axis. Axes are added in front. */
int trace_expand(const struct trace *t, const struct trace_symbol *x, const int64_t *size, int n,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* As often as times[] says along each axis, the last n. Axes of size 1 are repeated in place, as a
 * class token is for each image; others are joined. */
int trace_repeat(struct trace *t, const struct trace_symbol *x, const int64_t *times, int n,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Parts of x: indices (..., k), constants, of its first k axes. */
int trace_gather(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *index,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* x with its axis `dim` replaced by those of the indices, constants. */
int trace_take(struct trace *t, const struct trace_symbol *x, int64_t dim,
               const struct trace_symbol *index, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Of an axis n elements from `from` on, `step` apart, which may be negative; and all from its end
 * on. */
int trace_every(struct trace *t, const struct trace_symbol *x, int64_t dim, int64_t from,
                int64_t step, int64_t n, struct trace_symbol *y, struct err *e) ERR_CHECKED;
int trace_flip(struct trace *t, const struct trace_symbol *x, int64_t dim, struct trace_symbol *y,
               struct err *e) ERR_CHECKED;

/* `yes` where the mask, a constant or what a comparison made, is not 0, else `no`: activations or
 * constants. */
int trace_where(struct trace *t, const struct trace_symbol *mask, const struct trace_symbol *yes,
                const struct trace_symbol *no, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Joined along an axis: activations, constants among them, or whole numbers. */
int trace_concat(struct trace *t, const struct trace_symbol *const *x, int n, int64_t dim,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Joined along a new axis `dim` of the result. */
int trace_stack(struct trace *t, const struct trace_symbol *const *x, int n, int64_t dim,
                struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Axis 1 as (groups, channels), of which channels become the outer ones. */
int trace_shuffle(struct trace *t, const struct trace_symbol *x, int64_t groups,
                  struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Squares of r by r channels, those of (c, r, r), become cells, or the reverse. */
int trace_unshuffle(struct trace *t, const struct trace_symbol *x, int64_t r, bool back,
                    struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The same with a number instead of zeros; -INFINITY is 1e30 below. */
int trace_pad_with(struct trace *t, const struct trace_symbol *x, const int64_t *before,
                   const int64_t *after, double value, struct trace_symbol *y, struct err *e)
    ERR_CHECKED;

/* The same with what a border makes of the elements: mirrored at the ends, which are not repeated;
 * the ends repeated; those of the other end. */
enum trace_border { TRACE_ZEROS, TRACE_MIRRORED, TRACE_REPEATED, TRACE_ROUND };
int trace_pad_by(struct trace *t, const struct trace_symbol *x, const int64_t *before,
                 const int64_t *after, enum trace_border border, struct trace_symbol *y,
                 struct err *e) ERR_CHECKED;

/* Elements of axis dim[i] move on by shift[i], those at the end to the front. */
int trace_roll(struct trace *t, const struct trace_symbol *x, const int64_t *shift,
               const int64_t *dim, int n, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Zeros before and behind each axis, before[dims] and after[dims]; fewer where negative. */
int trace_pad(struct trace *t, const struct trace_symbol *x, const int64_t *before,
              const int64_t *after, struct trace_symbol *y, struct err *e) ERR_CHECKED;

#endif
