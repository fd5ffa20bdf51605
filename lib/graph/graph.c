#include "graph/graph.h"

#include "base/mem.h"
#include "graph/rules.h"
#include "graph/windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- building --- */

struct graph *graph_new(void)
{
    return mem_zero(1, sizeof(struct graph));
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->ops; i++) {
        free((void *)g->op[i].w);
        free((void *)g->op[i].b);
        free((void *)g->op[i].pick);
        free((void *)g->op[i].key);
    }
    for (int i = 0; i < g->values; i++) {
        free((void *)g->value[i].name);
        free((void *)g->value[i].key);
    }
    for (int i = 0; i < g->aliases; i++)
        free((void *)g->alias[i].name);
    free(g->op);
    free(g->value);
    free(g->alias);
    free(g);
}

int graph_add_value(struct graph *g, int c, int h, int w, const char *name, const char *key)
{
    g->value = mem_grow(g->value, (size_t)g->values + 1, sizeof *g->value);
    g->value[g->values] = (struct graph_value){.c = c, .h = h, .w = w, .name = name, .key = key};
    return g->values++;
}

/* What the rule of its kind has against an operation, or NULL; the shape of its value. */
static const char *refusal(const struct graph *g, const struct graph_op *op, struct graph_value *y)
{
    const struct graph_rule *r = &graph_rules[op->kind];
    if (op->ins < r->inputs || op->ins > r->inputs + r->addend)
        return r->inputs == 1 ? "one input" : "two inputs";
    const char *why = r->shape(g, op, y);
    if (why)
        return why;
    if (!r->act && op->act != GRAPH_NONE)
        return "no activation behind it";
    int addend = graph_addend(op);
    const struct graph_value *a = addend >= 0 ? &g->value[addend] : y;
    return a->c == y->c && a->h == y->h && a->w == y->w ? NULL : "an addend of the result's shape";
}

int graph_add(struct graph *g, const struct graph_op *op, struct err *e)
{
    struct graph_value y;
    const char *why = refusal(g, op, &y);
    if (why)
        return err_set(e, "%s%s%s: expected %s", graph_rules[op->kind].name, op->key ? " " : "",
                       op->key ? op->key : "", why);
    g->op = mem_grow(g->op, (size_t)g->ops + 1, sizeof *g->op);
    g->op[g->ops] = *op;
    return g->op[g->ops++].out = graph_add_value(g, y.c, y.h, y.w, NULL, NULL);
}

struct graph_op graph_conv(int in, int channels, int k, int stride)
{
    return (struct graph_op){.kind = GRAPH_CONV,
                             .in = {in},
                             .ins = 1,
                             .channels = channels,
                             .y = graph_windows(k, stride, k / 2),
                             .x = graph_windows(k, stride, k / 2),
                             .groups = 1};
}

/* --- questions --- */

static int readers(const struct graph *g, int value)
{
    int count = 0;
    for (int i = 0; i < g->ops; i++)
        for (int k = 0; k < g->op[i].ins; k++)
            count += g->op[i].in[k] == value;
    return count;
}

struct graph_closed graph_closed(const struct graph *g)
{
    const struct graph_closed none = {.value = -1};
    if (g->ops < 2)
        return none;
    const struct graph_op *linear = &g->op[g->ops - 1], *average = linear - 1;
    if (linear->kind != GRAPH_LINEAR || average->kind != GRAPH_AVERAGE ||
        linear->act != GRAPH_NONE || linear->in[0] != average->out || readers(g, average->out) != 1)
        return none;
    return (struct graph_closed){average->in[0], average, linear};
}

void graph_mark_made_of(const struct graph *g, bool *marked)
{
    for (int i = 0; i < g->ops; i++)
        for (int k = 0; k < g->op[i].ins; k++)
            marked[g->op[i].out] = marked[g->op[i].out] || marked[g->op[i].in[k]];
}

/* `of`: the values that matter. */
static bool is_curved(const struct graph_op *op, const bool *of)
{
    switch (op->kind) {
    case GRAPH_SOFTMAX:
    case GRAPH_LAYER_NORM:
    case GRAPH_ATTENTION:
        return of[op->in[0]];
    case GRAPH_MULTIPLY:
    case GRAPH_MATMUL:
        return of[op->in[0]] && of[op->in[1]];
    case GRAPH_FUNCTION:
        return of[op->in[0]] && op->function != GRAPH_CLIP && op->function != GRAPH_LEAKY_RELU &&
               op->function != GRAPH_HARD_SIGMOID;
    default:
        return false;
    }
}

const struct graph_op *graph_curve(const struct graph *g, int value)
{
    bool *of = mem_zero((size_t)g->values, sizeof *of);
    int i = 0;
    of[value] = true;
    graph_mark_made_of(g, of);
    while (i < g->ops && !is_curved(&g->op[i], of))
        i++;
    free(of);
    return i < g->ops ? &g->op[i] : NULL;
}

static bool is_rectified(const struct graph_op *op, const bool *rectified)
{
    bool inputs = true;
    for (int k = 0; k < op->ins; k++)
        inputs = inputs && rectified[op->in[k]];
    if (op->act == GRAPH_RELU)
        return true;
    switch (op->kind) {
    case GRAPH_MAX_POOL:
    case GRAPH_MEAN_POOL:
    case GRAPH_GRID_POOL:
    case GRAPH_AVERAGE:
    case GRAPH_ADD:
    case GRAPH_MULTIPLY:
    case GRAPH_CONCAT:
    case GRAPH_PICK:
    case GRAPH_FLATTEN:
    case GRAPH_GATHER:
    case GRAPH_MATMUL:
        return inputs;
    case GRAPH_RESIZE:
        for (size_t i = 0; i < graph_share_count(op); i++)
            inputs = inputs && op->w[i] >= 0;
        return inputs;
    case GRAPH_SOFTMAX:
        return true;
    case GRAPH_FUNCTION:
        return op->function == GRAPH_SIGMOID || op->function == GRAPH_HARD_SIGMOID ||
               op->function == GRAPH_SOFTPLUS || op->function == GRAPH_ROOT ||
               op->function == GRAPH_EXP || op->function == GRAPH_POWER ||
               ((op->function == GRAPH_INVERSE || op->function == GRAPH_ERF) && inputs) ||
               (op->function == GRAPH_CLIP && op->p >= 0);
    default:
        return false;
    }
}

bool *graph_rectified(const struct graph *g)
{
    bool *rectified = mem_zero((size_t)g->values, sizeof *rectified);
    for (int i = 0; i < g->ops; i++)
        rectified[g->op[i].out] = is_rectified(&g->op[i], rectified);
    return rectified;
}

/* --- what lies behind a value --- */

/* What messages call a value. */
static const char *value_name(const struct graph *g, int value, char *said, size_t room)
{
    if (value == 0)
        return "the image";
    if (graph_name(g, value))
        return graph_name(g, value);
    snprintf(said, room, "value %d", value);
    return said;
}

/* Which values the logits are made of, themselves included. */
static void mark_needed(const struct graph *g, bool *needed)
{
    needed[graph_logits(g)] = true;
    for (int i = g->ops - 1; i >= 0; i--)
        for (int k = 0; k < g->op[i].ins && needed[g->op[i].out]; k++)
            needed[g->op[i].in[k]] = true;
}

static const float *copy_of(const float *from, size_t n)
{
    float *to = from ? mem_alloc(n, sizeof *to) : NULL;
    return to ? memcpy(to, from, n * sizeof *to) : NULL;
}

/* The list of an operation that has one, which its attributes and its result's shape tell the
 * length of. */
static const int *list_of(const struct graph *g, const struct graph_op *op)
{
    if (!op->pick)
        return NULL;
    const size_t n = op->kind == GRAPH_PICK     ? (size_t)op->channels
                     : op->kind == GRAPH_RESIZE ? (size_t)op->y.k + (size_t)op->x.k
                                                : graph_size(g, op->out);
    int *to = mem_alloc(n, sizeof *to);
    return memcpy(to, op->pick, n * sizeof *to);
}

static const char *name_of(const char *name)
{
    return name ? mem_dup(name) : NULL;
}

/* Appends a copy of an operation whose inputs are place[] in `to`, and the value it makes. */
static int copy_op(struct graph *to, const struct graph *g, const struct graph_op *op, int *place,
                   struct err *e)
{
    struct graph_op copy = *op;
    for (int k = 0; k < op->ins; k++)
        copy.in[k] = place[op->in[k]];
    copy.w = copy.b = NULL;
    copy.key = NULL;
    int out = graph_add(to, &copy, e);
    if (out < 0)
        return -1;
    struct graph_op *added = &to->op[to->ops - 1];
    added->pick = list_of(g, op);
    added->w = copy_of(op->w, op->kind == GRAPH_RESIZE ? graph_share_count(op)
                                                       : (size_t)graph_op_weights(g, op));
    added->b = copy_of(op->b, (size_t)g->value[op->out].c);
    added->key = name_of(op->key);
    to->value[out].name = name_of(g->value[op->out].name);
    to->value[out].key = name_of(g->value[op->out].key);
    place[op->out] = out;
    return 0;
}

/* The operations between a value and the logits, op[ops] of the graph: those that make values
 * which are made of it and which the logits are made of. */
struct behind {
    int *op, ops;
};

static int find_behind(struct behind *b, const struct graph *g, int value, struct err *e)
{
    const size_t n = (size_t)g->values;
    bool *made = mem_zero(2 * n, sizeof *made), *needed = made + n;
    char of[64], read[64];
    int r = 0;
    *b = (struct behind){.op = mem_alloc((size_t)g->ops + 1, sizeof *b->op)};
    made[value] = true;
    graph_mark_made_of(g, made);
    mark_needed(g, needed);
    for (int i = 0; i < g->ops && r == 0; i++) {
        const struct graph_op *op = &g->op[i];
        if (op->out == value || !made[op->out] || !needed[op->out])
            continue;
        for (int k = 0; k < op->ins && r == 0; k++)
            if (!made[op->in[k]])
                r = err_set(e,
                            "expected what lies behind %s to be made of it alone, found that "
                            "%s%s%s reads %s",
                            value_name(g, value, of, sizeof of), graph_rules[op->kind].name,
                            op->key ? " " : "", op->key ? op->key : "",
                            value_name(g, op->in[k], read, sizeof read));
        b->op[b->ops++] = i;
    }
    free(made);
    if (r == 0 && b->ops == 0)
        r = err_set(e, "expected a value that the logits are made of, found %s",
                    value_name(g, value, of, sizeof of));
    return r;
}

bool graph_alone(const struct graph *g, int value)
{
    struct behind b;
    struct err e;
    const int r = find_behind(&b, g, value, &e);
    free(b.op);
    return r == 0;
}

struct graph *graph_tail(const struct graph *g, int value, struct err *e)
{
    int *place = mem_zero((size_t)g->values, sizeof *place);
    const struct graph_value *v = &g->value[value];
    struct graph *to = graph_new();
    struct behind b;

    memcpy(to->mean, g->mean, sizeof to->mean);
    memcpy(to->std, g->std, sizeof to->std);
    graph_add_value(to, v->c, v->h, v->w, name_of(v->name), name_of(v->key));
    int r = find_behind(&b, g, value, e);
    for (int i = 0; i < b.ops && r == 0; i++)
        r = copy_op(to, g, &g->op[b.op[i]], place, e);
    free(b.op);
    free(place);
    if (r == 0)
        return to;
    graph_free(to);
    return NULL;
}
