/* Networks of torch.export: nodes of ATen operations become operations of a graph. A node that is
 * not known is refused by its name. torch/_export/serde/schema.py says what the JSON holds. */
#include "model/build.h"

#include "base/mem.h"
#include "base/text.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 8, WINDOW = 15 };

/* What a name of the program stands for. */
enum symbol_kind {
    SYMBOL_VALUE,  /* a value of the graph: (N, c, h, w), or (N, c) where it is flat */
    SYMBOL_GROUPS, /* the same as (N, groups, c / groups, h, w), or with both swapped */
    SYMBOL_TENSOR, /* a tensor of the checkpoint */
    SYMBOL_BATCH   /* a number of images */
};

struct symbol {
    const char *name; /* the JSON's */
    enum symbol_kind kind;
    int value;
    bool flat;
    int groups;
    bool swapped;
    const struct ckpt_tensor *tensor;
    int uses; /* in nodes and results */
};

struct node {
    const json_t *json;
    const char *name, *target; /* "conv2d" of torch.ops.aten.conv2d.default */
    size_t target_n;
};

struct program {
    struct build *b;
    const json_t *graph;
    struct symbol *symbol; /* [symbols] by name */
    size_t symbols;
    struct node node;
    int image; /* how many inputs are images */
};

/* --- names --- */

static int by_name(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static struct symbol *find(const struct program *p, const char *name)
{
    const struct symbol key = {.name = name};
    return name ? bsearch(&key, p->symbol, p->symbols, sizeof key, by_name) : NULL;
}

/* "FILE: node conv2d_3 (conv2d): ..." */
#define refuse(p, e, ...) (record((p), (e), __VA_ARGS__), err_value())
static void __attribute__((format(printf, 3, 4)))
record(const struct program *p, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    err_record(e, "%s: node %.80s (%.*s): %s" CKPT_WAY_ON, ckpt_name(p->b->ckpt), p->node.name,
               (int)(p->node.target_n < 80 ? p->node.target_n : 80), p->node.target, text);
    free(text);
}

/* --- arguments --- */

static const json_t *argument(const struct program *p, const char *name)
{
    const json_t *inputs = json_object_get(p->node.json, "inputs"), *in;
    size_t i;
    json_array_foreach((json_t *)inputs, i, in)
    {
        const char *s = json_string_value(json_object_get(in, "name"));
        if (s && strcmp(s, name) == 0)
            return json_object_get(in, "arg");
    }
    return NULL;
}

static struct symbol *symbol_of(const struct program *p, const json_t *arg)
{
    const json_t *tensor = json_object_get(arg, "as_tensor");
    return find(p, json_string_value(json_object_get(tensor, "name")));
}

static struct symbol *input(const struct program *p, const char *name)
{
    return symbol_of(p, argument(p, name));
}

/* A whole number, `usual` where it is not given. */
static bool whole(const struct program *p, const char *name, int usual, int *out)
{
    const json_t *arg = argument(p, name), *x = json_object_get(arg, "as_int");
    *out = usual;
    if (!arg || json_object_get(arg, "as_none"))
        return true;
    const json_int_t n = json_integer_value(x);
    *out = n >= INT_MIN && n <= INT_MAX ? (int)n : INT_MAX;
    return json_is_integer(x);
}

static bool truth(const struct program *p, const char *name)
{
    return json_is_true(json_object_get(argument(p, name), "as_bool"));
}

static float real(const struct program *p, const char *name, double usual)
{
    const json_t *arg = argument(p, name), *x = json_object_get(arg, "as_float");
    if (!x)
        x = json_object_get(arg, "as_int");
    return (float)(json_is_number(x) ? json_number_value(x) : usual);
}

/* Two numbers, or one for both; `usual` where they are not given. */
static bool two(const struct program *p, const char *name, int usual, int out[2])
{
    const json_t *arg = argument(p, name), *list = json_object_get(arg, "as_ints");
    const size_t n = json_array_size(list);
    out[0] = out[1] = usual;
    if (!arg || json_object_get(arg, "as_none") || (list && n == 0))
        return true;
    if (!list || n > 2)
        return false;
    for (size_t i = 0; i < 2; i++) {
        const json_t *x = json_array_get(list, n == 1 ? 0 : i);
        const json_int_t v = json_integer_value(x);
        if (!json_is_integer(x) || v < 0 || v > INT_MAX / 4)
            return false;
        out[i] = (int)v;
    }
    return true;
}

/* --- results --- */

static const json_t *output(const struct program *p, size_t i)
{
    const json_t *outs = json_object_get(p->node.json, "outputs");
    const json_t *list = json_object_get(json_array_get(outs, 0), "as_tensors");
    return list ? json_array_get(list, i) : json_object_get(json_array_get(outs, i), "as_tensor");
}

static size_t output_count(const struct program *p)
{
    const json_t *outs = json_object_get(p->node.json, "outputs");
    const json_t *list = json_object_get(json_array_get(outs, 0), "as_tensors");
    return json_array_size(list ? list : outs);
}

/* The i-th result of the node is what `as` says. */
static int bind(struct program *p, size_t i, const struct symbol *as, struct err *e)
{
    struct symbol *s = find(p, json_string_value(json_object_get(output(p, i), "name")));
    if (!s)
        return refuse(p, e, "expected a result with a name, found none");
    const struct symbol made = *as;
    *s = (struct symbol){.name = s->name,
                         .uses = s->uses,
                         .kind = made.kind,
                         .value = made.value,
                         .flat = made.flat,
                         .groups = made.groups,
                         .swapped = made.swapped,
                         .tensor = made.tensor};
    /* An operation in place changes what its input's name stands for. */
    if (p->node.target[p->node.target_n - 1] == '_') {
        struct symbol *in = input(p, "self");
        in = in ? in : input(p, "input");
        if (in && in->kind == SYMBOL_VALUE)
            in->value = s->value;
    }
    return 0;
}

static int bind_value(struct program *p, int value, bool flat, struct err *e)
{
    const struct symbol s = {.kind = SYMBOL_VALUE, .value = value, .flat = flat};
    return value < 0 ? -1 : bind(p, 0, &s, e);
}

static int append(struct program *p, const struct graph_op *op, const struct origin *from,
                  struct err *e)
{
    struct err why;
    int out = build_add(p->b, op, from, &why);
    return out < 0 ? refuse(p, e, "%s", why.msg) : out;
}

/* An input that is a value of the graph. */
static int value_in(const struct program *p, const char *name, struct symbol **s, struct err *e)
{
    *s = input(p, name);
    return *s && (*s)->kind == SYMBOL_VALUE
               ? 0
               : refuse(p, e, "expected activations as '%s', found something else", name);
}

/* A tensor of the checkpoint, NULL where none is given and none needed. */
static int tensor_in(const struct program *p, const char *name, bool needed,
                     const struct ckpt_tensor **t, struct err *e)
{
    const json_t *arg = argument(p, name);
    const struct symbol *s = input(p, name);
    *t = s && s->kind == SYMBOL_TENSOR ? s->tensor : NULL;
    if (*t || (!needed && (!arg || json_object_get(arg, "as_none"))))
        return 0;
    return refuse(p, e, "expected a tensor of the file as '%s', found none", name);
}

/* The operation that made a value, if nothing else reads it and it may still be changed. */
static struct graph_op *sole(const struct program *p, const struct symbol *s, int *index)
{
    const struct graph *g = p->b->graph;
    for (int i = g->ops - 1; i >= 0 && s->uses == 1; i--)
        if (g->op[i].out == s->value) {
            *index = i;
            return g->op[i].act == GRAPH_NONE ? &g->op[i] : NULL;
        }
    return NULL;
}

/* --- convolutions and what follows them --- */

static char *weight_key(const struct ckpt_tensor *t)
{
    static const char end[] = ".weight";
    const size_t n = strlen(t->name), tail = sizeof end - 1;
    return n > tail && strcmp(t->name + n - tail, end) == 0
               ? mem_printf("%.*s", (int)(n - tail), t->name)
               : mem_dup(t->name);
}

static bool axes(struct graph_op *op, const int k[2], const int stride[2], const int pad[2],
                 const int dilation[2])
{
    struct graph_axis *a[2] = {&op->y, &op->x};
    for (int i = 0; i < 2; i++)
        *a[i] = (struct graph_axis){k[i], stride[i], pad[i], pad[i], dilation[i] - 1};
    return dilation[0] >= 1 && dilation[1] >= 1;
}

static int conv2d(struct program *p, struct err *e)
{
    struct symbol *x;
    const struct ckpt_tensor *w, *bias;
    int stride[2], pad[2], dilation[2], groups;
    if (value_in(p, "input", &x, e) != 0 || tensor_in(p, "weight", true, &w, e) != 0 ||
        tensor_in(p, "bias", false, &bias, e) != 0)
        return -1;
    struct graph_op op = {.kind = GRAPH_CONV, .in = {x->value}, .ins = 1};
    if (w->ndim != 4 || x->flat || !two(p, "stride", 1, stride) || !two(p, "padding", 0, pad) ||
        !two(p, "dilation", 1, dilation) || !whole(p, "groups", 1, &groups) || groups < 1 ||
        w->shape[0] > BUILD_CHANNELS || w->shape[2] > WINDOW || w->shape[3] > WINDOW)
        return refuse(p, e,
                      "expected windows of at most %d by %d with whole strides and padding, "
                      "found something else",
                      WINDOW, WINDOW);
    const int k[] = {(int)w->shape[2], (int)w->shape[3]};
    if (!axes(&op, k, stride, pad, dilation) ||
        w->shape[1] * groups != p->b->graph->value[x->value].c ||
        (bias && bias->count != w->shape[0]))
        return refuse(p, e, "expected weights for %d channels, found another shape",
                      p->b->graph->value[x->value].c);
    op.channels = (int)w->shape[0];
    op.groups = groups;
    op.key = weight_key(w);
    const struct origin from = {.w = w, .b = bias};
    return bind_value(p, append(p, &op, &from, e), false, e);
}

static int batch_norm(struct program *p, struct err *e)
{
    static const char *const names[NORM_TENSORS] = {"weight", "bias", "running_mean",
                                                    "running_var"};
    struct symbol *x;
    struct norm norm;
    if (value_in(p, "input", &x, e) != 0)
        return -1;
    for (int i = 0; i < NORM_TENSORS; i++)
        if (tensor_in(p, names[i], i >= NORM_MEAN, &norm.t[i], e) != 0)
            return -1;
    const int channels = p->b->graph->value[x->value].c;
    for (int i = 0; i < NORM_TENSORS; i++)
        if (norm.t[i] && (norm.t[i]->ndim != 1 || norm.t[i]->count != channels))
            return refuse(p, e, "expected %d numbers as '%s', found another shape", channels,
                          names[i]);
    if (truth(p, "training"))
        return refuse(p, e,
                      "expected a norm that is done with training, found one in training: "
                      "export model.eval()");
    const double eps = (double)real(p, "eps", 1e-5);
    int at;
    struct graph_op *made = sole(p, x, &at);
    if (made && made->kind == GRAPH_CONV && made->ins == 1 &&
        !norm_is_there(&p->b->origin[at].norm)) {
        p->b->origin[at].norm = norm;
        p->b->origin[at].eps = eps;
        return bind_value(p, x->value, x->flat, e);
    }
    const struct origin from = {.norm = norm, .eps = eps};
    const struct graph_op op = {.kind = GRAPH_NORM, .in = {x->value}, .ins = 1};
    return bind_value(p, append(p, &op, &from, e), x->flat, e);
}

static int function(struct program *p, enum graph_function f, float a, float b, struct err *e)
{
    struct symbol *x;
    const struct origin none = {.w = NULL};
    int at;
    if (value_in(p, argument(p, "self") ? "self" : "input", &x, e) != 0)
        return -1;
    struct graph_op *made = sole(p, x, &at);
    if (f == GRAPH_CLIP && a == 0 && isinf(b) && made &&
        (made->kind == GRAPH_CONV || made->kind == GRAPH_NORM || made->kind == GRAPH_ADD ||
         made->kind == GRAPH_LINEAR)) {
        made->act = GRAPH_RELU;
        return bind_value(p, x->value, x->flat, e);
    }
    const struct graph_op op = {
        .kind = GRAPH_FUNCTION, .in = {x->value}, .ins = 1, .function = f, .p = a, .q = b};
    return bind_value(p, append(p, &op, &none, e), x->flat, e);
}

/* --- sums and products --- */

/* x * w + b with the same two numbers everywhere. */
static int scale(struct program *p, const struct symbol *x, float w, float b, struct err *e)
{
    const struct origin from = {.constant = true, .factor = w, .offset = b};
    const struct graph_op op = {.kind = GRAPH_NORM, .in = {x->value}, .ins = 1};
    return bind_value(p, append(p, &op, &from, e), x->flat, e);
}

/* The later of two values takes the other in, where it is a convolution or norm that nothing
 * else reads. */
static bool join(struct program *p, const struct symbol *host, const struct symbol *other,
                 struct err *e)
{
    const struct graph *g = p->b->graph;
    const struct graph_value *a = &g->value[host->value], *b = &g->value[other->value];
    int at;
    struct graph_op *made = host->value > other->value ? sole(p, host, &at) : NULL;
    if (!made || made->ins > 1 || (made->kind != GRAPH_CONV && made->kind != GRAPH_NORM) ||
        a->c != b->c || a->h != b->h || a->w != b->w)
        return false;
    made->in[made->ins++] = other->value;
    (void)e;
    return true;
}

static int add(struct program *p, struct err *e)
{
    struct symbol *x, *y = input(p, "other");
    const struct origin none = {.w = NULL};
    if (value_in(p, "self", &x, e) != 0)
        return -1;
    if (real(p, "alpha", 1) != 1)
        return refuse(p, e, "expected a plain sum, found one with a factor");
    if (!y)
        return scale(p, x, 1, real(p, "other", NAN), e);
    if (y->kind != SYMBOL_VALUE || x->flat != y->flat)
        return refuse(p, e, "expected two activations of one shape, found something else");
    if (join(p, x, y, e))
        return bind_value(p, x->value, x->flat, e);
    if (join(p, y, x, e))
        return bind_value(p, y->value, x->flat, e);
    const struct graph_op op = {.kind = GRAPH_ADD, .in = {x->value, y->value}, .ins = 2};
    return bind_value(p, append(p, &op, &none, e), x->flat, e);
}

static int multiply(struct program *p, struct err *e)
{
    struct symbol *x, *y = input(p, "other");
    const struct origin none = {.w = NULL};
    if (value_in(p, "self", &x, e) != 0)
        return -1;
    if (!y)
        return scale(p, x, real(p, "other", NAN), 0, e);
    if (y->kind != SYMBOL_VALUE || x->flat != y->flat)
        return refuse(p, e, "expected two activations, found something else");
    const struct graph_op op = {.kind = GRAPH_MULTIPLY, .in = {x->value, y->value}, .ins = 2};
    return bind_value(p, append(p, &op, &none, e), x->flat, e);
}

/* --- pooling --- */

/* Rounds the number of windows up: the last may reach beyond the padding, but has to begin in the
 * image or the padding before it. */
static void round_up(struct graph_axis *a, int cells)
{
    const int span = (a->k - 1) * (a->gap + 1) + 1, room = cells + a->before + a->after - span;
    const int windows = (room + a->stride - 1) / a->stride + 1;
    if ((windows - 1) * a->stride < cells + a->before)
        a->after += (windows - 1) * a->stride - room;
}

static int pool(struct program *p, enum graph_kind kind, struct err *e)
{
    struct symbol *x;
    const struct origin none = {.w = NULL};
    int k[2], stride[2], pad[2], dilation[2];
    if (value_in(p, "self", &x, e) != 0)
        return -1;
    const struct graph_value *v = &p->b->graph->value[x->value];
    struct graph_op op = {.kind = kind, .in = {x->value}, .ins = 1};
    if (x->flat || !two(p, "kernel_size", 0, k) || !two(p, "stride", 0, stride) ||
        !two(p, "padding", 0, pad) || !two(p, "dilation", 1, dilation) || k[0] < 1 || k[1] < 1)
        return refuse(p, e,
                      "expected windows with whole strides and padding, found something else");
    for (int i = 0; i < 2; i++)
        stride[i] = stride[i] ? stride[i] : k[i];
    if (!axes(&op, k, stride, pad, dilation))
        return refuse(p, e, "expected a dilation of at least 1, found less");
    op.inner = kind == GRAPH_MEAN_POOL && argument(p, "count_include_pad") &&
               !truth(p, "count_include_pad");
    if (truth(p, "ceil_mode")) {
        const struct graph_axis y = op.y, x_axis = op.x;
        round_up(&op.y, v->h);
        round_up(&op.x, v->w);
        if (kind == GRAPH_MEAN_POOL && !op.inner &&
            (y.after != op.y.after || x_axis.after != op.x.after))
            return refuse(p, e,
                          "expected means of whole windows, found ceil_mode with "
                          "count_include_pad");
    }
    if (kind == GRAPH_MEAN_POOL && k[0] == v->h && k[1] == v->w && pad[0] == 0 && pad[1] == 0)
        op = (struct graph_op){.kind = GRAPH_AVERAGE, .in = {x->value}, .ins = 1};
    return bind_value(p, append(p, &op, &none, e), false, e);
}

static int average(struct program *p, const struct symbol *x, bool flat, struct err *e)
{
    const struct origin none = {.w = NULL};
    const struct graph_op op = {.kind = GRAPH_AVERAGE,
                                .in = {x->value},
                                .ins = 1,
                                .y = graph_windows(1, 1, 0),
                                .x = graph_windows(1, 1, 0)};
    return bind_value(p, append(p, &op, &none, e), flat, e);
}

static int adaptive(struct program *p, struct err *e)
{
    struct symbol *x;
    const struct origin none = {.w = NULL};
    int size[2];
    if (value_in(p, "self", &x, e) != 0)
        return -1;
    if (x->flat || !two(p, "output_size", 0, size))
        return refuse(p, e, "expected two sizes, found something else");
    const struct graph_value *v = &p->b->graph->value[x->value];
    if (size[0] == 1 && size[1] == 1)
        return average(p, x, false, e);
    if (size[0] == v->h && size[1] == v->w)
        return bind_value(p, x->value, false, e);
    struct graph_op op = {.kind = GRAPH_GRID_POOL, .in = {x->value}, .ins = 1};
    op.y.k = size[0];
    op.x.k = size[1];
    return bind_value(p, append(p, &op, &none, e), false, e);
}

/* Over both axes of the image. */
static int mean(struct program *p, struct err *e)
{
    struct symbol *x;
    const json_t *dims = json_object_get(argument(p, "dim"), "as_ints");
    unsigned axes_of = 0;
    if (value_in(p, "self", &x, e) != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(dims); i++) {
        const json_int_t d = json_integer_value(json_array_get(dims, i));
        axes_of |= d == 2 || d == -2 ? 1 : d == 3 || d == -1 ? 2 : 4;
    }
    if (x->flat || axes_of != 3)
        return refuse(p, e, "expected the mean over height and width, found another");
    return average(p, x, !truth(p, "keepdim"), e);
}

/* --- shapes --- */

static int flatten(struct program *p, const struct symbol *x, struct err *e)
{
    const struct origin none = {.w = NULL};
    const struct graph_op op = {.kind = GRAPH_FLATTEN, .in = {x->value}, .ins = 1};
    if (x->flat || graph_cells(p->b->graph, x->value) == 1)
        return bind_value(p, x->value, true, e);
    return bind_value(p, append(p, &op, &none, e), true, e);
}

static int flatten_node(struct program *p, struct err *e)
{
    struct symbol *x;
    int first, last;
    if (value_in(p, "self", &x, e) != 0)
        return -1;
    if (!whole(p, "start_dim", 0, &first) || !whole(p, "end_dim", -1, &last) || first != 1 ||
        (last != -1 && last != 3))
        return refuse(p, e, "expected all axes but the first, found others");
    return flatten(p, x, e);
}

/* A size of a view: a number, or -1 for the number of images. */
static int size_at(const struct program *p, const json_t *list, size_t i)
{
    const json_t *x = json_array_get(list, i), *n = json_object_get(x, "as_int");
    n = n ? n : x;
    (void)p;
    return json_is_integer(n) && json_integer_value(n) <= INT_MAX ? (int)json_integer_value(n) : -1;
}

/* Channels picked so that the first axis of (a, b) runs fastest. */
static int shuffled(struct program *p, const struct symbol *s, struct err *e)
{
    const int c = p->b->graph->value[s->value].c, each = c / s->groups;
    const struct origin none = {.w = NULL};
    struct graph_op op = {.kind = GRAPH_PICK, .in = {s->value}, .ins = 1, .channels = c};
    int *pick = mem_alloc((size_t)c, sizeof *pick);
    for (int i = 0; i < c; i++)
        pick[i] = i % s->groups * each + i / s->groups;
    op.pick = pick;
    return bind_value(p, append(p, &op, &none, e), false, e);
}

static int view(struct program *p, struct err *e)
{
    const struct symbol *x = input(p, "self");
    const json_t *arg = argument(p, argument(p, "size") ? "size" : "shape");
    const json_t *list = json_object_get(arg, "as_sym_ints");
    list = list ? list : json_object_get(arg, "as_ints");
    const size_t n = json_array_size(list);
    if (!x || x->kind > SYMBOL_GROUPS)
        return refuse(p, e, "expected activations, found something else");
    const struct graph_value *v = &p->b->graph->value[x->value];
    if (x->kind == SYMBOL_VALUE && n == 2)
        return flatten(p, x, e);
    if (x->kind == SYMBOL_VALUE && !x->flat && n == 5 && size_at(p, list, 1) >= 1 &&
        v->c % size_at(p, list, 1) == 0 && size_at(p, list, 3) == v->h &&
        size_at(p, list, 4) == v->w) {
        struct symbol s = *x;
        s.kind = SYMBOL_GROUPS;
        s.groups = size_at(p, list, 1);
        s.swapped = false;
        return bind(p, 0, &s, e);
    }
    if (x->kind == SYMBOL_GROUPS && n == 4)
        return x->swapped ? shuffled(p, x, e) : bind_value(p, x->value, false, e);
    if (x->kind == SYMBOL_VALUE && n == 4 && size_at(p, list, 2) == v->h &&
        size_at(p, list, 3) == v->w)
        return bind_value(p, x->value, false, e);
    return refuse(p, e, "expected a view of channels, or all axes in one, found another");
}

static int transpose(struct program *p, struct err *e)
{
    const struct symbol *x = input(p, "self");
    int a, b;
    if (!x || x->kind != SYMBOL_GROUPS || !whole(p, "dim0", 0, &a) || !whole(p, "dim1", 0, &b) ||
        a + b != 3 || a * b != 2)
        return refuse(p, e, "expected groups of channels to be shuffled, found something else");
    struct symbol s = *x;
    s.swapped = !x->swapped;
    return bind(p, 0, &s, e);
}

static int pick(struct program *p, const struct symbol *x, int from, int n, size_t out,
                struct err *e)
{
    const struct origin none = {.w = NULL};
    struct graph_op op = {.kind = GRAPH_PICK, .in = {x->value}, .ins = 1, .channels = n};
    int *list = mem_alloc((size_t)n + 1, sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = from + i;
    op.pick = list;
    const struct symbol s = {
        .kind = SYMBOL_VALUE, .value = append(p, &op, &none, e), .flat = x->flat};
    return s.value < 0 ? -1 : bind(p, out, &s, e);
}

static int chunk(struct program *p, struct err *e)
{
    struct symbol *x;
    int dim, chunks;
    if (value_in(p, "self", &x, e) != 0)
        return -1;
    if (!whole(p, "dim", 0, &dim) || dim != 1 || !whole(p, "chunks", 0, &chunks) || chunks < 1)
        return refuse(p, e, "expected parts of the channels, found others");
    const int c = p->b->graph->value[x->value].c, each = (c + chunks - 1) / chunks;
    int r = 0;
    for (size_t i = 0; i < output_count(p) && r == 0; i++) {
        const int from = (int)i * each, n = c - from < each ? c - from : each;
        r = n < 1 ? refuse(p, e, "expected channels for each part, found none")
                  : pick(p, x, from, n, i, e);
    }
    return r;
}

static int concat(struct program *p, struct err *e)
{
    const json_t *list = json_object_get(argument(p, "tensors"), "as_tensors");
    const struct origin none = {.w = NULL};
    int dim, value = -1;
    bool flat = false;
    if (!whole(p, "dim", 0, &dim) || dim != 1 || json_array_size(list) == 0)
        return refuse(p, e, "expected channels to be joined, found another axis");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const struct symbol *x = find(p, json_string_value(json_object_get(item, "name")));
        if (!x || x->kind != SYMBOL_VALUE)
            return refuse(p, e, "expected activations, found something else");
        const struct graph_op op = {.kind = GRAPH_CONCAT, .in = {value, x->value}, .ins = 2};
        flat = x->flat;
        value = value < 0 ? x->value : build_join(p->b, &op);
        if (value < 0)
            value = append(p, &op, &none, e);
        if (value < 0)
            return -1;
    }
    return bind_value(p, value, flat, e);
}

static int linear(struct program *p, struct err *e)
{
    struct symbol *x;
    const struct ckpt_tensor *w, *bias;
    if (value_in(p, "input", &x, e) != 0 || tensor_in(p, "weight", true, &w, e) != 0 ||
        tensor_in(p, "bias", false, &bias, e) != 0)
        return -1;
    if (!x->flat || w->ndim != 2 || w->shape[1] != p->b->graph->value[x->value].c ||
        w->shape[0] > BUILD_CHANNELS || (bias && bias->count != w->shape[0]))
        return refuse(p, e, "expected weights for %d numbers of an image, found another shape",
                      p->b->graph->value[x->value].c);
    const struct graph_op op = {.kind = GRAPH_LINEAR,
                                .in = {x->value},
                                .ins = 1,
                                .channels = (int)w->shape[0],
                                .y = graph_windows(1, 1, 0),
                                .x = graph_windows(1, 1, 0),
                                .key = weight_key(w)};
    const struct origin from = {.w = w, .b = bias};
    return bind_value(p, append(p, &op, &from, e), true, e);
}

static int softmax(struct program *p, struct err *e)
{
    struct symbol *x;
    const struct origin none = {.w = NULL};
    int dim;
    if (value_in(p, "self", &x, e) != 0)
        return -1;
    if (!whole(p, "dim", 1, &dim) || (dim != 1 && !(x->flat && dim == -1)))
        return refuse(p, e, "expected a softmax over the channels, found another axis");
    const struct graph_op op = {.kind = GRAPH_SOFTMAX, .in = {x->value}, .ins = 1};
    return bind_value(p, append(p, &op, &none, e), x->flat, e);
}

/* The input under another name. */
static int same(struct program *p, struct err *e)
{
    const struct symbol *x = input(p, argument(p, "self") ? "self" : "input");
    return x ? bind(p, 0, x, e) : refuse(p, e, "expected activations, found something else");
}

static int dropout(struct program *p, struct err *e)
{
    return truth(p, "train")
               ? refuse(p, e, "expected no dropout, found one in training: export model.eval()")
               : same(p, e);
}

static int batch_size(struct program *p, struct err *e)
{
    int dim;
    return whole(p, "dim", 0, &dim) && dim == 0
               ? 0
               : refuse(p, e,
                        "expected the number of images, found another size: export the model "
                        "with images of a fixed size");
}

/* --- the table --- */

static int max_pool(struct program *p, struct err *e)
{
    return pool(p, GRAPH_MAX_POOL, e);
}

static int mean_pool(struct program *p, struct err *e)
{
    return pool(p, GRAPH_MEAN_POOL, e);
}

static int relu(struct program *p, struct err *e)
{
    return function(p, GRAPH_CLIP, 0, INFINITY, e);
}

static int relu6(struct program *p, struct err *e)
{
    return function(p, GRAPH_CLIP, 0, 6, e);
}

static int hardtanh(struct program *p, struct err *e)
{
    return function(p, GRAPH_CLIP, real(p, "min_val", -1), real(p, "max_val", 1), e);
}

static int clamp(struct program *p, struct err *e)
{
    return function(p, GRAPH_CLIP, real(p, "min", -INFINITY), real(p, "max", INFINITY), e);
}

static int leaky_relu(struct program *p, struct err *e)
{
    return function(p, GRAPH_LEAKY_RELU, real(p, "negative_slope", .01), 0, e);
}

static int sigmoid(struct program *p, struct err *e)
{
    return function(p, GRAPH_SIGMOID, 0, 0, e);
}

static int hyperbolic(struct program *p, struct err *e)
{
    return function(p, GRAPH_TANH, 0, 0, e);
}

static int silu(struct program *p, struct err *e)
{
    return function(p, GRAPH_SILU, 0, 0, e);
}

static int hardsigmoid(struct program *p, struct err *e)
{
    return function(p, GRAPH_HARD_SIGMOID, 1 / 6.F, .5F, e);
}

static int hardswish(struct program *p, struct err *e)
{
    return function(p, GRAPH_HARD_SWISH, 0, 0, e);
}

static int gelu(struct program *p, struct err *e)
{
    const char *how = json_string_value(json_object_get(argument(p, "approximate"), "as_string"));
    return function(p, how && strcmp(how, "tanh") == 0 ? GRAPH_GELU_TANH : GRAPH_GELU, 0, 0, e);
}

static int elu(struct program *p, struct err *e)
{
    if (real(p, "scale", 1) != 1 || real(p, "input_scale", 1) != 1)
        return refuse(p, e, "expected no other scale than alpha, found one");
    return function(p, GRAPH_ELU, real(p, "alpha", 1), 0, e);
}

static int softplus(struct program *p, struct err *e)
{
    return real(p, "beta", 1) != 1 ? refuse(p, e, "expected a beta of 1, found another")
                                   : function(p, GRAPH_SOFTPLUS, 0, 0, e);
}

static int mish(struct program *p, struct err *e)
{
    return function(p, GRAPH_MISH, 0, 0, e);
}

/* Names of ATen without the underscore of an operation in place. */
static const struct {
    const char *name;
    int (*make)(struct program *p, struct err *e);
} makers[] = {
    {"conv2d", conv2d},
    {"batch_norm", batch_norm},
    {"relu", relu},
    {"relu6", relu6},
    {"hardtanh", hardtanh},
    {"clamp", clamp},
    {"leaky_relu", leaky_relu},
    {"sigmoid", sigmoid},
    {"tanh", hyperbolic},
    {"silu", silu},
    {"hardsigmoid", hardsigmoid},
    {"hardswish", hardswish},
    {"gelu", gelu},
    {"elu", elu},
    {"softplus", softplus},
    {"mish", mish},
    {"add", add},
    {"mul", multiply},
    {"max_pool2d", max_pool},
    {"avg_pool2d", mean_pool},
    {"adaptive_avg_pool2d", adaptive},
    {"mean", mean},
    {"flatten", flatten_node},
    {"view", view},
    {"reshape", view},
    {"transpose", transpose},
    {"chunk", chunk},
    {"cat", concat},
    {"linear", linear},
    {"softmax", softmax},
    {"dropout", dropout},
    {"feature_dropout", dropout},
    {"contiguous", same},
    {"clone", same},
    {"detach", same},
    {"alias", same},
    {"sym_size", batch_size},
};

/* "conv2d" of "torch.ops.aten.relu_.default" without the underscore at its end; what follows the
 * last point is an overload. */
static int run_node(struct program *p, struct err *e)
{
    static const char space[] = "torch.ops.aten.";
    const char *t = json_string_value(json_object_get(p->node.json, "target"));
    const char *name = json_string_value(json_object_get(p->node.json, "name"));
    p->node.name = name ? name : "without a name";
    p->node.target = t ? t : "?";
    p->node.target_n = strlen(p->node.target);
    if (!t || strncmp(t, space, sizeof space - 1) != 0)
        return refuse(p, e, "expected an operation of ATen, found another");
    p->node.target = t + sizeof space - 1;
    p->node.target_n = strcspn(p->node.target, ".");
    const size_t n =
        p->node.target_n - (p->node.target_n > 1 && p->node.target[p->node.target_n - 1] == '_');
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strlen(makers[i].name) == n && memcmp(makers[i].name, p->node.target, n) == 0)
            return makers[i].make(p, e);
    return refuse(p, e, "this operation is not computed here");
}

/* --- the names of layers --- */

/* "layer1.0" of the module that a node stands in, at most two deep; NULL for none. Caller frees. */
static char *module_of(const json_t *node)
{
    const json_t *meta = json_object_get(node, "metadata");
    const char *stack = json_string_value(json_object_get(meta, "nn_module_stack"));
    const char *last = stack ? strrchr(stack, ';') : NULL;
    const char *path = last ? strchr(last, ',') : NULL;
    if (!path)
        return NULL;
    size_t n = strcspn(++path, ",");
    size_t first = strcspn(path, "."), second = first;
    if (first < n)
        second = first + 1 + strcspn(path + first + 1, ".");
    n = second < n ? second : n;
    return n > 0 ? mem_printf("%.*s", (int)n, path) : NULL;
}

/* A module and the last value that it made. */
struct module {
    char *path;
    int value;
};

struct modules {
    struct module *at;
    size_t n;
};

static void note_module(struct program *p, struct modules *m)
{
    const struct symbol *s = find(p, json_string_value(json_object_get(output(p, 0), "name")));
    char *path = module_of(p->node.json);
    if (!path || !s || s->kind != SYMBOL_VALUE || s->flat || s->value == 0) {
        free(path);
        return;
    }
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->at[i].path, path) == 0) {
            m->at[i].value = s->value;
            free(path);
            return;
        }
    m->at = mem_extend(m->at, m->n, m->n + 1, sizeof *m->at);
    m->at[m->n++] = (struct module){path, s->value};
}

/* A value is called by the first of the modules that end with it, and by the last, too. */
static void name_layers(struct program *p, struct modules *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct graph_value *v = &p->b->graph->value[m->at[i].value];
        if (!v->name) {
            v->name = m->at[i].path;
        } else {
            free((void *)v->key);
            v->key = m->at[i].path;
        }
    }
    free(m->at);
}

/* --- the whole --- */

/* "FILE: models/model.json: ..." */
static int broken(const struct program *p, const char *what, struct err *e)
{
    return err_set(e, "%s: models/model.json: expected %s, found something else",
                   ckpt_name(p->b->ckpt), what);
}

static void add_names(struct program *p, const json_t *table)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)table, name, value)
    {
        p->symbol = mem_extend(p->symbol, p->symbols, p->symbols + 1, sizeof *p->symbol);
        p->symbol[p->symbols++] = (struct symbol){.name = name, .kind = SYMBOL_BATCH};
    }
}

static void count_use(struct program *p, const json_t *arg)
{
    const json_t *list = json_object_get(arg, "as_tensors"), *item;
    struct symbol *s = symbol_of(p, arg);
    size_t i;
    if (s)
        s->uses++;
    json_array_foreach((json_t *)list, i, item)
    {
        s = find(p, json_string_value(json_object_get(item, "name")));
        if (s)
            s->uses++;
    }
}

static void count_uses(struct program *p)
{
    const json_t *node, *in;
    size_t i, k;
    json_array_foreach(json_object_get(p->graph, "nodes"), i, node)
        json_array_foreach(json_object_get(node, "inputs"), k, in)
            count_use(p, json_object_get(in, "arg"));
    json_array_foreach(json_object_get(p->graph, "outputs"), i, in) count_use(p, in);
}

/* A size of the image as the program was exported. */
static int64_t image_size(const json_t *sizes, size_t i)
{
    const json_t *x = json_object_get(json_array_get(sizes, i), "as_int");
    return json_is_integer(x) ? json_integer_value(x) : -1;
}

static int take_image(struct program *p, const char *name, struct err *e)
{
    struct symbol *s = find(p, name);
    const struct graph_value *v = &p->b->graph->value[0];
    const json_t *values = json_object_get(p->graph, "tensor_values");
    const json_t *sizes = json_object_get(json_object_get(values, name), "sizes");
    if (!s || p->image++ > 0)
        return broken(p, "one input", e);
    if (json_array_size(sizes) != 4 || image_size(sizes, 1) != 3)
        return broken(p, "images of 3 channels as the input", e);
    const int64_t h = image_size(sizes, 2), w = image_size(sizes, 3);
    if (h != v->h || w != v->w)
        return err_set(e,
                       "%s: expected images of %lldx%lld, for which the program was exported, "
                       "found %dx%d",
                       ckpt_name(p->b->ckpt), (long long)h, (long long)w, v->h, v->w);
    s->kind = SYMBOL_VALUE;
    s->value = 0;
    return 0;
}

/* The tensor or image that an input is. */
static int take_input(struct program *p, const json_t *spec, struct err *e)
{
    static const char *const kinds[][2] = {{"parameter", "parameter_name"},
                                           {"buffer", "buffer_name"},
                                           {"tensor_constant", "tensor_constant_name"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const json_t *in = json_object_get(spec, kinds[i][0]);
        const char *name = json_string_value(json_object_get(json_object_get(in, "arg"), "name"));
        const char *key = json_string_value(json_object_get(in, kinds[i][1]));
        if (!in)
            continue;
        struct symbol *s = find(p, name);
        if (!s || !key)
            return broken(p, "names of its tensors", e);
        s->kind = SYMBOL_TENSOR;
        s->tensor = ckpt_find(p->b->ckpt, key);
        return 0;
    }
    const json_t *in = json_object_get(json_object_get(spec, "user_input"), "arg");
    const char *name = json_string_value(json_object_get(json_object_get(in, "as_tensor"), "name"));
    return name ? take_image(p, name, e) : broken(p, "tensors and one image as inputs", e);
}

static int take_inputs(struct program *p, const json_t *module, struct err *e)
{
    const json_t *specs = json_object_get(json_object_get(module, "signature"), "input_specs");
    const json_t *spec;
    size_t i;
    json_array_foreach((json_t *)specs, i, spec) if (take_input(p, spec, e) != 0) return -1;
    return p->image == 1 ? 0 : broken(p, "one image as input", e);
}

static int take_result(struct program *p, struct err *e)
{
    const json_t *outputs = json_object_get(p->graph, "outputs");
    const struct symbol *s = symbol_of(p, json_array_get(outputs, 0));
    const struct graph *g = p->b->graph;
    if (json_array_size(outputs) != 1 || !s || s->kind != SYMBOL_VALUE ||
        (!s->flat && graph_cells(g, s->value) != 1) || g->ops == 0 || s->value != graph_logits(g) ||
        g->value[s->value].c > BUILD_CHANNELS)
        return broken(p, "one result of its last operation, a number for each class,", e);
    return 0;
}

static int run_nodes(struct program *p, struct err *e)
{
    struct modules m = {.n = 0};
    const json_t *node;
    size_t i;
    int r = 0;
    json_array_foreach(json_object_get(p->graph, "nodes"), i, node)
    {
        p->node.json = node;
        if ((r = run_node(p, e)) != 0)
            break;
        note_module(p, &m);
    }
    name_layers(p, &m);
    return r;
}

static int read_program(struct program *p, const json_t *json, struct err *e)
{
    const json_t *module = json_object_get(json, "graph_module");
    const json_int_t major =
        json_integer_value(json_object_get(json_object_get(json, "schema_version"), "major"));
    if (major != SCHEMA)
        return err_set(e,
                       "%s: models/model.json: expected version %d of the schema of "
                       "torch.export, found %lld",
                       ckpt_name(p->b->ckpt), SCHEMA, (long long)major);
    p->graph = json_object_get(module, "graph");
    if (!json_is_array(json_object_get(p->graph, "nodes")))
        return broken(p, "a graph with nodes", e);
    add_names(p, json_object_get(p->graph, "tensor_values"));
    add_names(p, json_object_get(p->graph, "sym_int_values"));
    if (p->symbols > 0)
        qsort(p->symbol, p->symbols, sizeof *p->symbol, by_name);
    count_uses(p);
    return take_inputs(p, module, e) != 0 || run_nodes(p, e) != 0 ? -1 : take_result(p, e);
}

int build_exported(struct build *b, const char *text, size_t n, struct err *e)
{
    struct program p = {.b = b};
    json_error_t bad;
    json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &bad);
    if (!json)
        return err_set(e, "%s: models/model.json: byte %d: %s", ckpt_name(b->ckpt), bad.position,
                       bad.text);
    int r = read_program(&p, json, e);
    free(p.symbol);
    json_decref(json);
    return r;
}
