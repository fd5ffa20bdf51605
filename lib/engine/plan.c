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

/* Whether a gradient that reached the value an operation made goes on to any of its inputs. */
static bool goes_on(const struct graph_op *op, const bool *depends)
{
    bool any = false;
    for (int k = 0; k < op->ins; k++)
        any = any || depends[op->in[k]];
    return any;
}

/* The operation after which a value is needed no more. What is asked for is kept to
 * the end, and so is what the backward pass reads. */
static void last_uses(const struct plan *p, const struct engine_opts *o)
{
    const struct graph *n = p->graph;
    int *use = p->use;
    bool *depends = mem_alloc((size_t)n->values, sizeof *depends);
    engine_mark_backward(n, o, depends);
    for (int i = 0; i < n->ops; i++)
        for (int k = 0; k < n->op[i].ins; k++)
            use[n->op[i].in[k]] = i;
    for (int i = 0; i < n->ops; i++) {
        const struct graph_op *op = &n->op[i];
        unsigned keeps = graph_op_keeps(op);
        if ((keeps & GRAPH_KEEPS_RESULT) && depends[op->out])
            use[op->out] = INT_MAX;
        for (int k = 0; (keeps & GRAPH_KEEPS_INPUT) && goes_on(op, depends) && k < op->ins; k++)
            use[op->in[k]] = INT_MAX;
    }
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_ACTIVATION)
            use[o->wants[i].value] = INT_MAX;
    use[p->from] = INT_MAX;
    if (graph_closed(n).value >= 0)
        use[graph_closed(n).value] = INT_MAX;
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
    for (int i = op->out; i <= p->from && !block; i++)
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

static void find_wide(struct plan *p)
{
    const struct graph *n = p->graph;
    for (int i = 0; i < n->values; i++)
        p->wide[i] = p->use[i] >= p->layout.wide_from;
    for (int i = p->layout.wide_from; i < n->ops; i++)
        p->wide[n->op[i].out] = true;
}

static int take_act(struct plan *p, int value)
{
    return take(&p->acts, plan_size(p, value), p->wide[value]);
}

/* Whether every element of the result is made of that of this input and of no other of it. */
static bool each_by_each(const struct graph *g, const struct graph_op *op, int input)
{
    switch (op->kind) {
    case GRAPH_NORM:
    case GRAPH_FUNCTION:
    case GRAPH_OFFSET:
    case GRAPH_ADD:
    case GRAPH_MULTIPLY:
        return plan_alike(g, op->in[input], op->out);
    default:
        return false;
    }
}

/* Whether the result may be written over this input. */
static bool covers(const struct plan *p, const struct graph_op *op, int input)
{
    return each_by_each(p->graph, op, input) ||
           (p->layout.in_place && graph_addend(op) == op->in[input] &&
            graph_addend(op) != op->in[0]);
}

static struct plan_group group_of(const struct plan *p, int at)
{
    return p->layout.group ? p->layout.group[at] : (struct plan_group){at, at};
}

/* Whether the operation's group makes the value, and it alone reads it. */
static bool is_its_own(const struct plan *p, int at, int value)
{
    bool made = false;
    for (int i = group_of(p, at).first; i < at; i++) {
        made = made || p->graph->op[i].out == value;
        for (int k = 0; k < p->graph->op[i].ins; k++)
            if (p->graph->op[i].in[k] == value)
                return false;
    }
    return made;
}

/* The value that the result of an operation may be written over: what is read by it
 * for the last time and no longer needed where it is written. -1 for none. */
static int written_over(const struct plan *p, int at)
{
    const struct graph_op *op = &p->graph->op[at];
    const struct plan_group group = group_of(p, at);
    for (int k = op->ins - 1; k >= 0; k--) {
        int in = op->in[k];
        if (covers(p, op, k) && p->use[in] == at && p->wide[in] == p->wide[op->out] &&
            p->full[in] == p->full[op->out] && (group.first == group.last || is_its_own(p, at, in)))
            return in;
    }
    return -1;
}

/* Gives back what the operations of a group have read for the last time; `over` [values]: what was
 * written over. */
static void release(struct plan *p, struct plan_group group, const bool *over)
{
    for (int i = group.first; i <= group.last; i++) {
        const struct graph_op *op = &p->graph->op[i];
        for (int k = 0; k < op->ins; k++)
            if (p->use[op->in[k]] <= group.last && !over[op->in[k]])
                p->acts.taken[p->act[op->in[k]]] = false;
    }
}

static void forward(struct plan *p, const struct engine_opts *o)
{
    const struct graph *n = p->graph;
    bool *written = mem_zero((size_t)n->values, sizeof *written);
    last_uses(p, o);
    find_wide(p);
    p->act[0] = take_act(p, 0);
    for (int i = 0; i < p->steps; i++) {
        const struct graph_op *op = p->step[i].op = &n->op[i];
        name_step(p, i, p->step[i].name, sizeof p->step[i].name);
        const int over = written_over(p, i);
        p->act[op->out] = over >= 0 ? p->act[over] : take_act(p, op->out);
        if (over >= 0)
            written[over] = true;
        if (group_of(p, i).last == i)
            release(p, group_of(p, i), written);
    }
    free(written);
}

static int take_grad(struct plan *p, int value)
{
    return take(&p->grads, plan_size(p, value), true);
}

/* The first operation to read a value through which the value's gradient comes, first[values]. */
static void find_first(const struct plan *p, const bool *depends, int *first)
{
    const struct graph *n = p->graph;
    bool *reached = mem_zero((size_t)n->values, sizeof *reached);
    reached[p->from] = true;
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

/* Whether the gradient of this input is that of the result. */
static bool is_same(const struct graph *g, const struct graph_op *op, int input)
{
    return (input > 0 && graph_addend(op) == op->in[input]) || op->kind == GRAPH_OFFSET ||
           (op->kind == GRAPH_ADD && plan_alike(g, op->in[input], op->out));
}

/* Whether a later input of the operation is the same value. */
static bool comes_again(const struct graph_op *op, int input)
{
    for (int k = input + 1; k < op->ins; k++)
        if (op->in[k] == op->in[input])
            return true;
    return false;
}

/* Whether the gradient of this input may take the buffer of the result's, which is not read again:
 * `last` says so. */
static bool takes_over(const struct plan *p, const struct graph_op *op, int input)
{
    const struct graph *g = p->graph;
    return p->grad[op->in[input]] < 0 && !comes_again(op, input) &&
           (is_same(g, op, input) || (input == 0 && each_by_each(g, op, input)) ||
            (op->kind == GRAPH_MULTIPLY && each_by_each(g, op, input)));
}

/* An operation backwards to one input. A value that two operations read sums what comes from
 * both. */
static void add_back(struct plan *p, const struct graph_op *op, int input, bool last,
                     const int *first)
{
    const int in = op->in[input], sum = p->grad[in], at = (int)(op - p->graph->op);
    const bool adds = p->layout.adds >> op->kind & 1U;
    struct plan_back s = {.op = op,
                          .input = input,
                          .dy = p->grad[op->out],
                          .sum = sum,
                          .same = is_same(p->graph, op, input),
                          .whole = first[in] == at && !comes_again(op, input)};
    const bool over = last && takes_over(p, op, input);
    if (over || (s.same && sum >= 0))
        s.dx = s.dy;
    else
        s.dx = sum >= 0 && adds ? sum : take_grad(p, in);
    if (sum < 0)
        p->grad[in] = s.dx;
    else if (s.dx != sum && s.dx != s.dy)
        p->grads.taken[s.dx] = false;
    if (last && !over)
        p->grads.taken[s.dy] = false;
    p->passed[op->out] = true;
    p->back = mem_grow(p->back, (size_t)p->backs + 1, sizeof *p->back);
    p->back[p->backs++] = s;
}

/* To all inputs that are asked for, in order, but for one that takes the result's buffer over:
 * that is the last. */
static void add_backs(struct plan *p, const struct graph_op *op, const bool *depends,
                      const int *first)
{
    int last = -1;
    for (int k = 0; k < op->ins; k++)
        if (depends[op->in[k]] && (last < 0 || takes_over(p, op, k) || !takes_over(p, op, last)))
            last = k;
    for (int k = 0; k < op->ins; k++)
        if (depends[op->in[k]] && k != last)
            add_back(p, op, k, false, first);
    add_back(p, op, last, true, first);
}

/* Gradients of the values between what the backward pass begins at and those asked for. */
static void backward(struct plan *p, const struct engine_opts *o)
{
    size_t values = (size_t)p->graph->values;
    bool *depends = mem_alloc(values, sizeof *depends);
    int *first = mem_alloc(values, sizeof *first);
    engine_mark_backward(p->graph, o, depends);
    if (depends[p->from]) {
        find_first(p, depends, first);
        p->grad[p->from] = take_grad(p, p->from);
    }
    for (int i = p->steps - 1; i >= 0; i--)
        if (p->grad[p->step[i].op->out] >= 0 && goes_on(p->step[i].op, depends))
            add_backs(p, p->step[i].op, depends, first);
    free(first);
    free(depends);
}

/* Averages and linear layers are sums whose results lie in few elements. */
static void find_full(struct plan *p)
{
    for (const struct graph_op *op = p->graph->op; op < p->graph->op + p->graph->ops; op++) {
        bool all = true;
        for (int k = 0; k < op->ins; k++)
            all = all && p->full[op->in[k]];
        p->full[op->out] = all || op->kind == GRAPH_AVERAGE || op->kind == GRAPH_LINEAR;
    }
}

/* Whether the operations of the closed form stay the backend's own. */
static bool keeps_end(const struct graph *g, const struct engine_opts *o)
{
    const int last = graph_closed(g).value;
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_GRADIENT && o->wants[i].value > last)
            return false;
    return last >= 0;
}

void plan_open(struct plan *p, const struct graph *g, const struct engine_opts *o,
               const struct plan_layout *l)
{
    const bool end = keeps_end(g, o);
    *p = (struct plan){.graph = g, .layout = *l, .end = {.value = -1}};
    if (end)
        p->end = graph_closed(g);
    p->from = end ? p->end.value : graph_logits(g);
    p->steps = end ? g->ops - 2 : g->ops;
    size_t values = (size_t)g->values;
    p->pad = mem_alloc(values, sizeof *p->pad);
    p->wide = mem_alloc(values, sizeof *p->wide);
    p->full = mem_zero(values, sizeof *p->full);
    p->step = mem_zero((size_t)p->steps + 1, sizeof *p->step);
    p->use = mem_zero(values, sizeof *p->use);
    p->act = mem_alloc(values, sizeof *p->act);
    p->grad = mem_alloc(values, sizeof *p->grad);
    p->passed = mem_zero(values, sizeof *p->passed);
    for (int i = 0; i < g->values; i++) {
        p->pad[i] = (g->value[i].c + l->multiple - 1) / l->multiple * l->multiple;
        p->act[i] = p->grad[i] = -1;
    }
    find_full(p);
    forward(p, o);
    if (o->vectors > 0)
        backward(p, o);
}

void plan_close(struct plan *p)
{
    free(p->pad);
    free(p->use);
    free(p->act);
    free(p->grad);
    free(p->passed);
    free(p->step);
    free(p->back);
    free(p->wide);
    free(p->full);
    pool_close(&p->acts);
    pool_close(&p->grads);
    *p = (struct plan){0};
}
