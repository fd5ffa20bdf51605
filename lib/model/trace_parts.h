/* What the files of trace.h share: views, and values in the form that an operation needs. */
#ifndef HP_TRACE_PARTS_H
#define HP_TRACE_PARTS_H

#include "model/trace.h"

/* Queries and keys whose products a symbol stands for, and what is added to these: a constant
 * (heads, queries, keys), or NULL. */
struct trace_scores {
    struct trace_symbol q, k;
    const struct ckpt_tensor *bias;
};

/* --- trace_attention.c --- */

/* Products times a constant that is the same for all queries and keys; -1, without a message, where
 * it is not. */
int trace_factor(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *c,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Whether a constant can still be added to products. */
bool trace_biased(const struct trace *t, const struct trace_symbol *x);

/* Products of activations and a constant of their shape, or of one that is repeated. */
int trace_bias(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *c,
               struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* --- trace_known.c --- */

/* Counts products and numbers that are read; refused where they are more than the file is worth. */
int trace_work(struct trace *t, int64_t n, struct err *e) ERR_CHECKED;

/* The numbers of a constant in C order; whole numbers and truths as numbers. Caller frees. */
float *trace_known_all(struct trace *t, const struct trace_symbol *x, struct err *e) ERR_CHECKED;

/* x, if it is a tensor of the file, as a mask, which may have infinite numbers. */
struct trace_symbol trace_known_mask(struct trace *t, const struct trace_symbol *x);

/* Where the part of x begins that an index of its first k axes names, in parts. */
int trace_known_place(const struct trace *t, const struct trace_symbol *x, const float *index,
                      int k, int64_t *at, struct err *e) ERR_CHECKED;

/* --- trace_live.c --- */

/* A constant as activations, axis `dim` of which are the channels; value `like` is there. */
int trace_live(struct trace *t, const struct trace_symbol *c, int dim, int like,
               struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* Whether a constant is one number, which is 0. */
bool trace_is_nothing(const struct trace *t, const struct trace_symbol *x);

/* --- trace_choice.c --- */

/* `yes` where a mask of activations is 1, else `no`. */
int trace_choose(struct trace *t, const struct trace_symbol *mask, const struct trace_symbol *yes,
                 const struct trace_symbol *no, struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* --- trace_view.c --- */

/* Building: an axis begins, and the last axis gets a factor. false: there is no room. */
bool view_axis(struct trace_view *v);
bool view_factor(struct trace_view *v, int64_t n, int64_t stride);

/* The factors of an axis, behind those that are there. */
bool view_copy(struct trace_view *v, const struct trace_view *from, int dim);

int64_t view_size(const struct trace_view *v, int dim);

/* The same without the images; and whether an axis counts images. */
int64_t view_each(const struct trace_view *v, int dim);
bool view_has_images(const struct trace_view *v, int dim);

const struct trace_factor *view_factors(const struct trace_view *v, int dim);

bool view_same(const struct trace_view *a, const struct trace_view *b);

/* Whether it shows each of `n` elements once. */
bool view_covers(const struct trace_view *v, int64_t n);

/* The same elements in the same order with other sizes. false where factors do not fit in. */
bool view_reshape(const struct trace_view *v, const int64_t *size, int n, struct trace_view *out);

/* Axis `dim` with n channels `cells` apart instead of what it had. */
bool view_with(const struct trace_view *v, int dim, int64_t n, int64_t cells,
               struct trace_view *out);

/* The places of elements, into place[]: those of axis `dim` run slowest, those of the others in
 * their order; images do not count. */
void view_places(const struct trace_view *v, int dim, int *place);

/* --- trace_shape.c --- */

/* y: a constant as it is for one image, where an axis repeats it for each. false: no room. */
bool trace_of_one(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y);

/* y: x with axes of size 1 in front until there are `dims`. */
int trace_lengthen(const struct trace *t, const struct trace_symbol *x, int dims,
                   struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* --- trace_ops.c --- */

/* x as (images, c, h, w), its value's channels and cells; and the value of an appended operation in
 * that form. */
int trace_planes(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                 struct err *e) ERR_CHECKED;
int trace_made_planes(struct trace *t, const struct graph_op *op, const struct origin *from,
                      struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* --- trace_windows.c --- */

/* A convolution of images in parts, such as windows, that stand along the axis of the images. */
int trace_conv_parts(struct trace *t, const struct trace_symbol *x, const struct trace_symbol *w,
                     const struct trace_symbol *bias, const struct trace_windows *win, int groups,
                     struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* --- trace.c --- */

/* Appends an operation and says no by the node's name. Returns the value. */
int trace_append(struct trace *t, const struct graph_op *op, const struct origin *from,
                 struct err *e) ERR_CHECKED;

/* Takes the last operation off again. */
void trace_take_back(struct trace *t);

/* Whether nothing else reads what the symbol stands for; and the operation that made its value if
 * so and it may still be changed, with the origin of its numbers, else NULL. */
bool trace_sole(const struct trace_symbol *x);
struct graph_op *trace_maker(const struct trace *t, const struct trace_symbol *x,
                             struct origin **from);

/* The form that settling aims at: cells in the order of the axes, channels `dim`. false: no room.
 */
bool trace_ordered(const struct trace_view *v, int dim, struct trace_view *out);

/* y: a result that is a value seen through a view. */
struct trace_symbol trace_value(int value, const struct trace_view *view);

/* y: x under another view. */
struct trace_symbol trace_viewed(const struct trace_symbol *x, const struct trace_view *view);

/* Refuses what is not a symbol of that kind: "expected activations as its input". */
int trace_expect(const struct trace *t, const struct trace_symbol *x, enum trace_kind kind,
                 const char *what, struct err *e) ERR_CHECKED;

/* A copy of a tensor that lives as long as the build. */
const struct ckpt_tensor *trace_keep(struct trace *t, const struct ckpt_tensor *tensor);

/* A view of a constant as a tensor that can be read in C order. */
int trace_tensor(struct trace *t, const struct trace_symbol *x, const struct ckpt_tensor **out,
                 struct err *e) ERR_CHECKED;

/* A constant of `n` elements. */
int trace_vector(struct trace *t, const struct trace_symbol *x, int64_t n, const char *what,
                 const struct ckpt_tensor **out, struct err *e) ERR_CHECKED;

/* A key without ".weight" or ".running_var". Caller frees. */
char *trace_key(const struct ckpt_tensor *w);

/* Elements of a value in another order, place[shape[0] * shape[1] * shape[2]], which becomes the
 * graph's: a pick where they are whole channels. Returns the value of (c, h, w) = shape. */
int trace_move(struct trace *t, int value, int *place, const int64_t shape[3], struct err *e)
    ERR_CHECKED;

/* How exactly a value has to be laid out. */
enum trace_form {
    TRACE_CHANNELS, /* axis `dim` are the channels, the others the cells in any order */
    TRACE_ORDER     /* the cells are in the order of the axes, and of their height and width where
                       there are two of them */
};

/* y is x as activations without a factor to be applied, axis `dim` of which are its value's
 * channels. Moves elements where it has to. */
int trace_settle(struct trace *t, const struct trace_symbol *x, int dim, enum trace_form form,
                 struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* The same with cells of h by w. */
int trace_settle_at(struct trace *t, const struct trace_symbol *x, int dim, int h, int w,
                    struct trace_symbol *y, struct err *e) ERR_CHECKED;

/* y is x without a factor to be applied, and shows each element of its value once, for operations
 * that work element by element. */
int trace_whole(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                struct err *e) ERR_CHECKED;

/* The axis that is most likely the channels'. */
int trace_channels(const struct trace *t, const struct trace_symbol *x);

/* Height and width of cells that the axes but `dim` make. */
void trace_cells(const struct trace_view *v, int dim, int64_t *h, int64_t *w);

#endif
