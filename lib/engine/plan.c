#include "engine/plan.h"

#include "base/mem.h"
#include "graph/rules.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static int take(struct plan_pool *p, size_t elements, bool wide)
{
    int i = 0;
    while (i < p->count && (p->taken[i] || p->wide[i] != wide))
        i++;
    if (i == p->count) {
        p->elements = mem_grow(p->elements, (size_t)i + 1, sizeof *p->elements);
        p->wide = mem_grow(p->wide, (size_t)i + 1, sizeof *p->wide);
        p->taken = mem_grow(p->taken, (size_t)i + 1, sizeof *p->taken);
        p->elements[i] = 0;
        p->wide[i] = wide;
        p->count++;
    }
    p->taken[i] = true;
    if (elements > p->elements[i])
        p->elements[i] = elements;
    return i;
}

static void pool_close(struct plan_pool *p)
{
    free(p->elements);
    free(p->wide);
    free(p->taken);
}

/* The operation after which a value is needed no more. What is asked for is kept to
 * the end, and so is what the backward pass reads. */
static void last_uses(const struct plan *p, const struct engine_opts *o, int *use)
{
    const struct graph *n = p->graph;
    bool *depends = mem_alloc((size_t)n->values, sizeof *depends);
    engine_mark_backward(n, o, depends);
    for (int i = 0; i < n->values; i++)
        use[i] = 0;
    for (int i = 0; i < n->ops; i++)
        for (int k = 0; k < n->op[i].ins; k++)
            use[n->op[i].in[k]] = i;
    for (int i = 0; i < n->ops; i++) {
        const struct graph_op *op = &n->op[i];
        unsigned keeps = graph_op_keeps(op);
        if ((keeps & GRAPH_KEEPS_RESULT) && depends[op->out])
            use[op->out] = INT_MAX;
        if ((keeps & GRAPH_KEEPS_INPUT) && depends[op->in[0]])
            use[op->in[0]] = INT_MAX;
    }
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_ACTIVATION)
            use[o->wants[i].value] = INT_MAX;
    use[p->end.value] = INT_MAX;
    free(depends);
}

/* The 1 by 1 convolution beside a block. */
static bool is_shortcut(const struct graph_op *op)
{
    return op->kind == GRAPH_CONV && op->y.k == 1 && op->x.k == 1 && op->act == GRAPH_NONE &&
           op->ins == 1;
}

/* A name for the operation: its part in the block that its value, or the next that has a
 * name, ends; that name alone where the block has no other. */
static void name_step(const struct plan *p, int at, char *name, size_t size)
{
    const struct graph *n = p->graph;
    const struct graph_op *op = &n->op[at];
    const char *block = NULL;
    int first = at, place = 1;
    for (int i = op->out; i <= p->end.value && !block; i++)
        block = n->value[i].name;
    while (first > 0 && !n->value[n->op[first - 1].out].name)
        first--;
    for (int i = first; i < at; i++)
        place += n->op[i].kind == op->kind && !is_shortcut(&n->op[i]);
    if (first == at && n->value[op->out].name)
        snprintf(name, size, "%s", block);
    else if (is_shortcut(op))
        snprintf(name, size, "%s%sdownsample", block ? block : "", block ? " " : "");
    else
        snprintf(name, size, "%s%s%s%d", block ? block : "", block ? " " : "",
                 graph_rules[op->kind].name, place);
}

static void find_wide(struct plan *p, const int *use)
{
    const struct graph *n = p->graph;
    for (int i = 0; i < n->values; i++)
        p->wide[i] = use[i] >= p->layout.wide_from;
    for (int i = p->layout.wide_from; i < n->ops; i++)
        p->wide[n->op[i].out] = true;
}

static int take_act(struct plan *p, int value)
{
    return take(&p->acts, plan_size(p, value), p->wide[value]);
}

/* The buffer that the result of an operation may be written over: of what is read by it
 * for the last time and no longer needed where it is written. -1 for none. */
static int written_over(const struct plan *p, int at, const int *use)
{
    const struct graph_op *op = &p->graph->op[at];
    bool scale = op->kind == GRAPH_NORM; /* reads no element after it has written it */
    const int from[] = {
        scale || (p->layout.in_place && graph_addend(op) != op->in[0]) ? graph_addend(op) : -1,
        scale ? op->in[0] : -1};
    for (int i = 0; i < 2; i++)
        if (from[i] >= 0 && use[from[i]] == at && p->wide[from[i]] == p->wide[op->out])
            return p->act[from[i]];
    return -1;
}

static void forward(struct plan *p, const struct engine_opts *o)
{
    const struct graph *n = p->graph;
    int *use = mem_alloc((size_t)n->values, sizeof *use);
    last_uses(p, o, use);
    find_wide(p, use);
    p->act[0] = take_act(p, 0);
    for (int i = 0; i < p->steps; i++) {
        const struct graph_op *op = p->step[i].op = &n->op[i];
        name_step(p, i, p->step[i].name, sizeof p->step[i].name);
        int over = written_over(p, i, use);
        p->act[op->out] = over >= 0 ? over : take_act(p, op->out);
        if (use[op->in[0]] == i && p->act[op->in[0]] != over)
            p->acts.taken[p->act[op->in[0]]] = false;
        if (graph_addend(op) >= 0 && use[graph_addend(op)] == i && p->act[graph_addend(op)] != over)
            p->acts.taken[p->act[graph_addend(op)]] = false;
    }
    free(use);
}

static int take_grad(struct plan *p, int value)
{
    return take(&p->grads, plan_size(p, value), true);
}

/* Whether a gradient that reached the value an operation made goes on to any of its inputs. */
static bool goes_on(const struct graph_op *op, const bool *depends)
{
    return depends[op->in[0]] || (op->ins > 1 && depends[op->in[1]]);
}

/* The first operation to read a value through which the value's gradient comes, first[values]. */
static void find_first(const struct plan *p, const bool *depends, int *first)
{
    const struct graph *n = p->graph;
    bool *reached = mem_zero((size_t)n->values, sizeof *reached);
    reached[p->end.value] = true;
    for (int i = n->ops - 1; i >= 0; i--) {
        const struct graph_op *op = &n->op[i];
        if (!reached[op->out] || !goes_on(op, depends))
            continue;
        for (int k = 0; k < op->ins; k++) {
            first[op->in[k]] = i;
            reached[op->in[k]] = depends[op->in[k]];
        }
    }
    free(reached);
}

/* An operation backwards. A value that two operations read sums what comes from both. */
static void add_back(struct plan *p, int at, const bool *depends, const int *first)
{
    const struct graph_op *op = p->step[at].op;
    int in = op->in[0], addend = graph_addend(op);
    struct plan_back s = {.op = op, .dy = p->grad[op->out], .dx = -1, .sum = -1, .res_sum = -1};
    bool to_res = addend >= 0 && depends[addend];
    bool passed = false; /* whether dy's buffer goes to what is read or added */
    if (depends[in]) {
        s.sum = p->grad[in];
        s.in_whole = first[in] == at;
        passed = op->kind == GRAPH_NORM && s.sum < 0 && !to_res;
        s.dx = passed ? s.dy : s.sum >= 0 && p->layout.in_place ? s.sum : take_grad(p, in);
        if (s.sum < 0)
            p->grad[in] = s.dx;
        else if (s.dx != s.sum)
            p->grads.taken[s.dx] = false;
    }
    if (to_res) {
        s.res_sum = p->grad[addend];
        s.res_whole = first[addend] == at;
        passed = s.res_sum < 0;
        if (passed)
            p->grad[addend] = s.dy;
    }
    if (!passed)
        p->grads.taken[s.dy] = false;
    p->passed[op->out] = true;
    p->back = mem_grow(p->back, (size_t)p->backs + 1, sizeof *p->back);
    p->back[p->backs++] = s;
}

/* Gradients of the values between the last stage and those asked for. */
static void backward(struct plan *p, const struct engine_opts *o)
{
    size_t values = (size_t)p->graph->values;
    bool *depends = mem_alloc(values, sizeof *depends);
    int *first = mem_alloc(values, sizeof *first);
    engine_mark_backward(p->graph, o, depends);
    if (depends[p->end.value]) {
        find_first(p, depends, first);
        p->grad[p->end.value] = take_grad(p, p->end.value);
    }
    for (int i = p->steps - 1; i >= 0; i--)
        if (p->grad[p->step[i].op->out] >= 0 && goes_on(p->step[i].op, depends))
            add_back(p, i, depends, first);
    free(first);
    free(depends);
}

int plan_check(const char *backend, const struct graph *g, const struct engine_opts *o,
               struct err *e)
{
    const struct graph_closed end = graph_closed(g);
    if (end.value < 0)
        return err_set(e,
                       "%s: expected a network that ends in an average over all cells and one "
                       "linear layer: use ref",
                       backend);
    for (const struct graph_op *op = g->op; op < end.average; op++)
        if (op->kind != GRAPH_CONV && op->kind != GRAPH_NORM && op->kind != GRAPH_MAX_POOL)
            return err_set(e, "%s: operation %s within a network is not computed here: use ref",
                           backend, graph_rules[op->kind].name);
    for (const struct graph_op *op = g->op; op < end.average; op++)
        if (!graph_square(op) || (op->kind == GRAPH_CONV && op->groups != 1))
            return err_set(e,
                           "%s: groups, dilation, and windows that are not square are not computed "
                           "here: use ref",
                           backend);
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_GRADIENT && o->wants[i].value > end.value)
            return err_set(e,
                           "%s: gradients of values behind the last stage are not computed here: "
                           "use ref",
                           backend);
    return 0;
}

void plan_open(struct plan *p, const struct graph *g, const struct engine_opts *o,
               const struct plan_layout *l)
{
    *p = (struct plan){.graph = g, .layout = *l, .end = graph_closed(g)};
    size_t values = (size_t)g->values;
    p->steps = g->ops - 2;
    p->pad = mem_alloc(values, sizeof *p->pad);
    p->wide = mem_alloc(values, sizeof *p->wide);
    p->step = mem_zero((size_t)p->steps + 1, sizeof *p->step);
    p->act = mem_alloc(values, sizeof *p->act);
    p->grad = mem_alloc(values, sizeof *p->grad);
    p->passed = mem_zero(values, sizeof *p->passed);
    for (int i = 0; i < g->values; i++) {
        p->pad[i] = (g->value[i].c + l->multiple - 1) / l->multiple * l->multiple;
        p->act[i] = p->grad[i] = -1;
    }
    forward(p, o);
    if (o->vectors > 0)
        backward(p, o);
}

void plan_close(struct plan *p)
{
    free(p->pad);
    free(p->act);
    free(p->grad);
    free(p->passed);
    free(p->step);
    free(p->back);
    free(p->wide);
    pool_close(&p->acts);
    pool_close(&p->grads);
    *p = (struct plan){0};
}
