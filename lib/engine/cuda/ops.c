/* What the kernels compute of operations, forwards and backwards: a row for each kind. */
#include "engine/cuda/cuda.h"

#include "base/mem.h"
#include "graph/rules.h"
#include "graph/windows.h"

#include <stdlib.h>
#include <string.h>

/* --- shapes --- */

static const struct graph_value *value(const struct cuda_call *c, int v)
{
    return &c->cuda->work.graph->value[v];
}

static enum kernel_type type(const struct cuda_call *c)
{
    return c->cuda->type;
}

/* Images. */
static int batch(const struct cuda_call *c)
{
    return c->cuda->work.batch;
}

static int pad(const struct cuda_call *c, int v)
{
    return c->cuda->plan.pad[v];
}

/* Cells of a value in all images. */
static size_t cells(const struct cuda_call *c, int v)
{
    return (size_t)batch(c) * (size_t)plan_cells(&c->cuda->plan, v);
}

static bool relu(const struct cuda_call *c)
{
    return c->op->act == GRAPH_RELU;
}

static struct kernel_operand operand(const struct cuda_call *c, int v)
{
    const struct graph_value *x = value(c, v);
    return (struct kernel_operand){x->h, x->w, x->c, pad(c, v)};
}

static struct kernel_axis axis(const struct graph_axis *a, int in, int out)
{
    return (struct kernel_axis){in, out, a->k, a->stride, a->before, a->gap};
}

static struct kernel_window window(const struct cuda_call *c)
{
    const struct graph_value *x = value(c, c->op->in[0]), *y = value(c, c->op->out);
    const struct graph_axis ay = cuda_axis(c->op, &c->op->y), ax = cuda_axis(c->op, &c->op->x);
    const bool windows = c->op->kind == GRAPH_MEAN_POOL;
    return (struct kernel_window){axis(&ay, x->h, y->h), axis(&ax, x->w, y->w),
                                  !windows       ? KERNEL_GRID
                                  : c->op->inner ? KERNEL_INNER
                                                 : KERNEL_WHOLE};
}

/* --- convolutions that cuDNN does not do --- */

static cudaError_t conv(const struct cuda_call *c)
{
    const struct graph_op *op = c->op;
    const int groups = cuda_groups(op), from = value(c, op->in[0])->c, to = value(c, op->out)->c;
    const struct kernel_groups g = {pad(c, op->in[0]), to, pad(c, op->out), to / groups,
                                    from / groups};
    return kernel_conv(type(c), c->in[0], c->step->w, c->step->b, c->in[1], relu(c), batch(c), g,
                       window(c), c->out, c->stream);
}

static cudaError_t conv_back(const struct cuda_call *c)
{
    const struct graph_op *op = c->op;
    const int groups = cuda_groups(op), from = value(c, op->in[0])->c, to = value(c, op->out)->c;
    const struct kernel_groups g = {pad(c, op->out), from, pad(c, op->in[0]), from / groups,
                                    to / groups};
    return kernel_conv_back(c->dy, c->step->w, batch(c), g, window(c), c->add, c->dx, c->stream);
}

/* --- the others --- */

static cudaError_t norm(const struct cuda_call *c)
{
    return kernel_scale(type(c), c->in[0], c->step->w, c->step->b, c->in[1], relu(c),
                        cells(c, c->op->out), pad(c, c->op->out), c->out, c->stream);
}

/* What dx was is added as the residual is forwards. */
static cudaError_t norm_back(const struct cuda_call *c)
{
    return kernel_scale(KERNEL_F32, c->dy, c->step->w, NULL, c->add ? c->dx : NULL, false,
                        cells(c, c->op->out), pad(c, c->op->out), c->dx, c->stream);
}

static cudaError_t max_pool(const struct cuda_call *c)
{
    return kernel_max(type(c), c->in[0], batch(c), pad(c, c->op->out), window(c), c->out,
                      c->stream);
}

static cudaError_t max_pool_back(const struct cuda_call *c)
{
    return kernel_max_back(type(c), c->in[0], c->dy, batch(c), pad(c, c->op->out), window(c),
                           c->add, c->dx, c->stream);
}

static cudaError_t means(const struct cuda_call *c)
{
    return kernel_means(type(c), c->in[0], batch(c), pad(c, c->op->out), window(c), c->out,
                        c->stream);
}

static cudaError_t means_back(const struct cuda_call *c)
{
    return kernel_means_back(c->dy, batch(c), pad(c, c->op->out), window(c), c->add, c->dx,
                             c->stream);
}

static cudaError_t pair(const struct cuda_call *c)
{
    const struct graph_op *op = c->op;
    return kernel_pair(type(c), op->kind == GRAPH_MULTIPLY, relu(c), c->in[0],
                       operand(c, op->in[0]), c->in[1], operand(c, op->in[1]), batch(c),
                       operand(c, op->out), c->out, c->stream);
}

static cudaError_t pair_back(const struct cuda_call *c)
{
    const struct graph_op *op = c->op;
    const int other = !c->input;
    return kernel_pair_back(type(c), op->kind == GRAPH_MULTIPLY ? c->in[other] : NULL,
                            operand(c, op->in[other]), c->dy, operand(c, op->out), batch(c),
                            operand(c, op->in[c->input]), c->add, c->dx, c->stream);
}

static struct kernel_matmul matrices(const struct cuda_call *c)
{
    const int *in = c->op->in, out = c->op->out;
    return (struct kernel_matmul){batch(c),
                                  plan_cells(&c->cuda->plan, out),
                                  plan_cells(&c->cuda->plan, in[1]),
                                  value(c, out)->c / c->op->groups,
                                  c->op->groups,
                                  pad(c, in[0]),
                                  pad(c, in[1]),
                                  pad(c, out)};
}

static cudaError_t matmul(const struct cuda_call *c)
{
    return kernel_matmul(type(c), c->in[0], c->in[1], matrices(c), c->out, c->stream);
}

static cudaError_t matmul_back(const struct cuda_call *c)
{
    return kernel_matmul_back(type(c), c->input, c->in[!c->input], c->dy, matrices(c), c->add,
                              c->dx, c->stream);
}

/* Of what is added, an addend or numbers of the operation's own. */
static cudaError_t copy_back(const struct cuda_call *c)
{
    const struct kernel_operand all = operand(c, c->op->out);
    return kernel_pair_back(type(c), NULL, all, c->dy, all, batch(c), all, c->add, c->dx,
                            c->stream);
}

static cudaError_t function(const struct cuda_call *c)
{
    const struct graph_op *op = c->op;
    return kernel_function(type(c), (int)op->function, op->p, op->q, c->in[0], cells(c, op->out),
                           pad(c, op->out), value(c, op->out)->c, c->out, c->stream);
}

static cudaError_t function_back(const struct cuda_call *c)
{
    const struct graph_op *op = c->op;
    return kernel_function_back(type(c), (int)op->function, op->p, op->q, c->in[0], c->dy,
                                cells(c, op->out), pad(c, op->out), value(c, op->out)->c, c->add,
                                c->dx, c->stream);
}

static cudaError_t concat(const struct cuda_call *c)
{
    const int *in = c->op->in, out = c->op->out;
    return kernel_concat(type(c), c->in[0], value(c, in[0])->c, pad(c, in[0]), c->in[1],
                         value(c, in[1])->c, pad(c, in[1]), cells(c, out), pad(c, out), c->out,
                         c->stream);
}

static cudaError_t concat_back(const struct cuda_call *c)
{
    const int in = c->op->in[c->input], out = c->op->out;
    return kernel_slice(c->dy, c->input ? value(c, c->op->in[0])->c : 0, pad(c, out), cells(c, in),
                        value(c, in)->c, pad(c, in), c->add, c->dx, c->stream);
}

static cudaError_t pick(const struct cuda_call *c)
{
    const int in = c->op->in[0], out = c->op->out;
    return kernel_pick(type(c), c->in[0], pad(c, in), c->step->w, cells(c, out), value(c, out)->c,
                       pad(c, out), c->out, c->stream);
}

static cudaError_t pick_back(const struct cuda_call *c)
{
    const int in = c->op->in[0], out = c->op->out, *first = c->step->w;
    return kernel_pick_back(c->dy, pad(c, out), first, first + value(c, in)->c + 1, cells(c, in),
                            value(c, in)->c, pad(c, in), c->add, c->dx, c->stream);
}

/* Elements as stored, gaps among them. */
static int stored(const struct cuda_call *c, int v)
{
    return (int)plan_size(&c->cuda->plan, v);
}

static cudaError_t gather(const struct cuda_call *c)
{
    const int in = stored(c, c->op->in[0]), out = stored(c, c->op->out);
    return kernel_pick(type(c), c->in[0], in, c->step->w, batch(c), out, out, c->out, c->stream);
}

static cudaError_t gather_back(const struct cuda_call *c)
{
    const int in = stored(c, c->op->in[0]), out = stored(c, c->op->out), *first = c->step->w;
    return kernel_pick_back(c->dy, out, first, first + in + 1, batch(c), in, in, c->add, c->dx,
                            c->stream);
}

static cudaError_t flatten(const struct cuda_call *c)
{
    const int in = c->op->in[0];
    return kernel_flatten(type(c), c->in[0], batch(c), plan_cells(&c->cuda->plan, in),
                          value(c, in)->c, pad(c, in), pad(c, c->op->out), c->out, c->stream);
}

static cudaError_t flatten_back(const struct cuda_call *c)
{
    const int in = c->op->in[0];
    return kernel_flatten_back(c->dy, batch(c), plan_cells(&c->cuda->plan, in), value(c, in)->c,
                               pad(c, in), pad(c, c->op->out), c->add, c->dx, c->stream);
}

static cudaError_t softmax(const struct cuda_call *c)
{
    const int out = c->op->out;
    return kernel_softmax(type(c), c->in[0], cells(c, out), value(c, out)->c, pad(c, out), c->out,
                          c->stream);
}

static cudaError_t softmax_back(const struct cuda_call *c)
{
    const int out = c->op->out;
    return kernel_softmax_back(type(c), c->out, c->dy, cells(c, out), value(c, out)->c, pad(c, out),
                               c->add, c->dx, c->stream);
}

static cudaError_t offset(const struct cuda_call *c)
{
    return kernel_offset(type(c), c->in[0], c->step->w, batch(c),
                         plan_size(&c->cuda->plan, c->op->out), c->out, c->stream);
}

static cudaError_t layer_norm(const struct cuda_call *c)
{
    const int out = c->op->out;
    return kernel_layer_norm(type(c), c->in[0], c->step->w, c->step->b, c->op->p, cells(c, out),
                             value(c, out)->c, pad(c, out), c->out, c->stream);
}

static cudaError_t layer_norm_back(const struct cuda_call *c)
{
    const int out = c->op->out;
    return kernel_layer_norm_back(type(c), c->in[0], c->step->w, c->op->p, c->dy, cells(c, out),
                                  value(c, out)->c, pad(c, out), c->add, c->dx, c->stream);
}

static struct kernel_attention heads(const struct cuda_call *c)
{
    const int in = c->op->in[0], out = c->op->out;
    return (struct kernel_attention){batch(c),      plan_cells(&c->cuda->plan, out),
                                     c->op->groups, value(c, out)->c / c->op->groups,
                                     pad(c, in),    pad(c, out),
                                     c->op->p,      c->op->biased ? c->step->w : NULL};
}

static cudaError_t attention(const struct cuda_call *c)
{
    return kernel_attention(type(c), c->in[0], heads(c), c->out, c->stream);
}

static cudaError_t attention_back(const struct cuda_call *c)
{
    return kernel_attention_back(type(c), c->in[0], c->dy, heads(c), c->room, c->add, c->dx,
                                 c->stream);
}

static cudaError_t resize(const struct cuda_call *c)
{
    const struct graph_value *x = value(c, c->op->in[0]), *y = value(c, c->op->out);
    const struct kernel_resize r = {x->h, x->w, y->h, y->w, c->step->w};
    return kernel_resize(type(c), c->in[0], batch(c), pad(c, c->op->out), r, false, c->out,
                         c->stream);
}

static cudaError_t resize_back(const struct cuda_call *c)
{
    const struct graph_value *x = value(c, c->op->in[0]), *y = value(c, c->op->out);
    const struct kernel_resize r = {y->h, y->w, x->h, x->w, c->step->w};
    return kernel_resize(KERNEL_F32, c->dy, batch(c), pad(c, c->op->out), r, c->add, c->dx,
                         c->stream);
}

/* --- weights and lists --- */

/* Weights as kernel_conv() wants them, or kernel_conv_back(). */
static void *conv_numbers(const struct cuda *c, const struct graph_op *op, bool back, size_t *bytes)
{
    const size_t groups = (size_t)cuda_groups(op),
                 pad = (size_t)c->plan.pad[back ? op->in[0] : op->out];
    const size_t ic = (size_t)c->work.graph->value[op->in[0]].c / groups;
    const size_t oc = (size_t)c->work.graph->value[op->out].c, each = oc / groups;
    const size_t taps = (size_t)cuda_axis(op, &op->y).k * (size_t)cuda_axis(op, &op->x).k;
    const size_t reads = back ? each : ic;
    *bytes = taps * reads * pad * sizeof(float);
    float *w = mem_zero(taps * reads * pad, sizeof *w);
    for (size_t o = 0; o < oc; o++)
        for (size_t i = 0; i < ic; i++)
            for (size_t t = 0; t < taps; t++) {
                const size_t read = back ? o % each : i, made = back ? o / each * ic + i : o;
                w[(t * reads + read) * pad + made] = op->w[(o * ic + i) * taps + t];
            }
    return w;
}

float *cuda_channels(const struct cuda *c, const struct graph_op *op, const float *from)
{
    float *to = mem_zero((size_t)c->plan.pad[op->out], sizeof *to);
    for (int k = 0; k < c->work.graph->value[op->out].c; k++)
        to[k] = from[k];
    return to;
}

static void *channel_numbers(const struct cuda *c, const struct graph_op *op, bool back,
                             size_t *bytes)
{
    (void)back;
    *bytes = (size_t)c->plan.pad[op->out] * sizeof(float);
    return cuda_channels(c, op, op->w);
}

/* Where element i of a value, in the order (c, h, w), is stored. */
static size_t stored_at(const struct cuda *c, int v, size_t i)
{
    const size_t cells = graph_cells(c->work.graph, v);
    return i % cells * (size_t)c->plan.pad[v] + i / cells;
}

static void *offset_numbers(const struct cuda *c, const struct graph_op *op, bool back,
                            size_t *bytes)
{
    const size_t n = plan_size(&c->plan, op->out);
    (void)back;
    *bytes = n * sizeof(float);
    float *w = mem_zero(n, sizeof *w);
    for (size_t i = 0; i < graph_size(c->work.graph, op->out); i++)
        w[stored_at(c, op->out, i)] = op->w[i];
    return w;
}

static void *attention_numbers(const struct cuda *c, const struct graph_op *op, bool back,
                               size_t *bytes)
{
    const size_t n = (size_t)graph_op_weights(c->work.graph, op);
    (void)back;
    *bytes = n * sizeof(float);
    if (n == 0)
        return NULL;
    float *w = mem_alloc(n, sizeof *w);
    memcpy(w, op->w, *bytes);
    return w;
}

/* A list of which of `from` each of n is, or -1, turned round: what follows the from + 1 numbers
 * where each one's part begins are those that took it. */
static int *turned(const int *list, size_t n, size_t from, size_t *bytes)
{
    *bytes = (from + 1 + n) * sizeof(int);
    int *first = mem_zero(from + 1 + n, sizeof *first), *place = first + from + 1;
    for (size_t i = 0; i < n; i++)
        if (list[i] >= 0)
            first[list[i] + 1]++;
    for (size_t k = 0; k < from; k++)
        first[k + 1] += first[k];
    /* Each part's begin moves to its end, which is where the next one's was. */
    for (size_t i = 0; i < n; i++)
        if (list[i] >= 0)
            place[first[list[i]]++] = (int)i;
    for (size_t k = from; k > 0; k--)
        first[k] = first[k - 1];
    first[0] = 0;
    return first;
}

static void *pick_numbers(const struct cuda *c, const struct graph_op *op, bool back, size_t *bytes)
{
    const size_t n = (size_t)op->channels;
    if (back)
        return turned(op->pick, n, (size_t)c->work.graph->value[op->in[0]].c, bytes);
    *bytes = n * sizeof(int);
    int *list = mem_alloc(n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = op->pick[i];
    return list;
}

/* Of elements as they are stored. */
static void *gather_numbers(const struct cuda *c, const struct graph_op *op, bool back,
                            size_t *bytes)
{
    const size_t n = plan_size(&c->plan, op->out);
    int *list = mem_alloc(n, sizeof *list), *all = list;
    for (size_t i = 0; i < n; i++)
        list[i] = -1;
    for (size_t i = 0; i < graph_size(c->work.graph, op->out); i++)
        if (op->pick[i] >= 0)
            list[stored_at(c, op->out, i)] = (int)stored_at(c, op->in[0], (size_t)op->pick[i]);
    *bytes = n * sizeof(int);
    if (back) {
        all = turned(list, n, plan_size(&c->plan, op->in[0]), bytes);
        free(list);
    }
    return all;
}

/* Shares turned round: a cell of the input is part of results that lie together, as far as each
 * row's do. Of `in` cells, the first of these and the weights; those that a cell is no part of have
 * weight 0. Caller frees both. */
static struct graph_shares turned_shares(const struct graph_shares *s, int in)
{
    struct graph_shares t = {.cells = in, .each = 1};
    int *begin = mem_alloc((size_t)in, sizeof *begin), *end = mem_zero((size_t)in, sizeof *end);
    for (int i = 0; i < in; i++)
        begin[i] = s->cells;
    for (int o = 0; o < s->cells; o++)
        for (int i = s->first[o]; i < s->first[o] + s->each; i++) {
            begin[i] = o < begin[i] ? o : begin[i];
            end[i] = o + 1;
            t.each = end[i] - begin[i] > t.each ? end[i] - begin[i] : t.each;
        }
    for (int i = 0; i < in; i++)
        begin[i] = begin[i] > s->cells - t.each ? s->cells - t.each : begin[i];
    float *w = mem_zero((size_t)in * (size_t)t.each, sizeof *w);
    for (int o = 0; o < s->cells; o++)
        for (int k = 0; k < s->each; k++) {
            const int i = s->first[o] + k;
            w[(size_t)i * (size_t)t.each + (size_t)(o - begin[i])] = s->w[o * s->each + k];
        }
    free(end);
    t.first = begin;
    t.w = w;
    return t;
}

/* What struct kernel_resize lists. */
static int *listed_shares(const struct graph_shares s[2], size_t *bytes)
{
    size_t ints = 2, floats = 0;
    for (int i = 0; i < 2; i++) {
        ints += (size_t)s[i].cells;
        floats += (size_t)s[i].cells * (size_t)s[i].each;
    }
    *bytes = ints * sizeof(int) + floats * sizeof(float);
    int *list = mem_alloc(*bytes, 1), *first = list + 2;
    float *w = (float *)(list + ints);
    for (int i = 0; i < 2; i++) {
        const size_t n = (size_t)s[i].cells, weights = n * (size_t)s[i].each;
        list[i] = s[i].each;
        memcpy(first, s[i].first, n * sizeof *first);
        memcpy(w, s[i].w, weights * sizeof *w);
        first += n;
        w += weights;
    }
    return list;
}

static void *resize_numbers(const struct cuda *c, const struct graph_op *op, bool back,
                            size_t *bytes)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]];
    const struct graph_shares s[] = {graph_rows(op), graph_columns(op)};
    if (!back)
        return listed_shares(s, bytes);
    const struct graph_shares t[] = {turned_shares(&s[0], x->h), turned_shares(&s[1], x->w)};
    int *list = listed_shares(t, bytes);
    for (int i = 0; i < 2; i++) {
        free((void *)t[i].first);
        free((void *)t[i].w);
    }
    return list;
}

/* --- the table --- */

static const struct {
    const char *name;
    cudaError_t (*forward)(const struct cuda_call *c);
    cudaError_t (*backward)(const struct cuda_call *c);
    void *(*numbers)(const struct cuda *c, const struct graph_op *op, bool back, size_t *bytes);
} kind[GRAPH_KINDS] = {
    [GRAPH_CONV] = {"kernel_conv", conv, conv_back, conv_numbers},
    [GRAPH_NORM] = {"kernel_scale", norm, norm_back, channel_numbers},
    [GRAPH_MAX_POOL] = {"kernel_max", max_pool, max_pool_back, NULL},
    [GRAPH_MEAN_POOL] = {"kernel_means", means, means_back, NULL},
    [GRAPH_GRID_POOL] = {"kernel_means", means, means_back, NULL},
    [GRAPH_AVERAGE] = {"kernel_means", means, means_back, NULL},
    [GRAPH_LINEAR] = {"kernel_conv", conv, conv_back, conv_numbers},
    [GRAPH_ADD] = {"kernel_pair", pair, pair_back, NULL},
    [GRAPH_MULTIPLY] = {"kernel_pair", pair, pair_back, NULL},
    [GRAPH_FUNCTION] = {"kernel_function", function, function_back, NULL},
    [GRAPH_CONCAT] = {"kernel_concat", concat, concat_back, NULL},
    [GRAPH_PICK] = {"kernel_pick", pick, pick_back, pick_numbers},
    [GRAPH_FLATTEN] = {"kernel_flatten", flatten, flatten_back, NULL},
    [GRAPH_SOFTMAX] = {"kernel_softmax", softmax, softmax_back, NULL},
    [GRAPH_LAYER_NORM] = {"kernel_layer_norm", layer_norm, layer_norm_back, channel_numbers},
    [GRAPH_OFFSET] = {"kernel_offset", offset, copy_back, offset_numbers},
    [GRAPH_ATTENTION] = {"kernel_attention", attention, attention_back, attention_numbers},
    [GRAPH_GATHER] = {"kernel_pick", gather, gather_back, gather_numbers},
    [GRAPH_MATMUL] = {"kernel_matmul", matmul, matmul_back, NULL},
    [GRAPH_RESIZE] = {"kernel_resize", resize, resize_back, resize_numbers},
};

bool cuda_has(enum graph_kind k)
{
    return kind[k].forward != NULL;
}

size_t cuda_room_back(const struct cuda *c, const struct graph_op *op)
{
    return op->kind == GRAPH_ATTENTION ? (size_t)c->work.batch * (size_t)op->groups *
                                             graph_cells(c->work.graph, op->out) * 2 * sizeof(float)
                                       : 0;
}

void *cuda_numbers(const struct cuda *c, const struct graph_op *op, bool back, size_t *bytes)
{
    return kind[op->kind].numbers ? kind[op->kind].numbers(c, op, back, bytes) : NULL;
}

cudaError_t cuda_op_forward(const struct cuda_call *c, const char **name)
{
    *name = kind[c->op->kind].name;
    return kind[c->op->kind].forward(c);
}

cudaError_t cuda_op_backward(const struct cuda_call *c, const char **name)
{
    *name = kind[c->op->kind].name;
    return c->input == 1 && graph_addend(c->op) >= 0 ? copy_back(c) : kind[c->op->kind].backward(c);
}
