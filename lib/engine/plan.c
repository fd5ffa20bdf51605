#include "engine/plan.h"

#include "base/mem.h"
#include "engine/work.h"

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
 * the end, and so is what the gradients pass: the results of ReLUs and the inputs of
 * maxima. */
static void last_uses(const struct plan *p, const struct engine_opts *o, int *use)
{
    const struct net *n = p->net;
    bool *depends = mem_zero((size_t)n->values, sizeof *depends);
    if (o->gradients > 0)
        work_depends(n, o->features, depends);
    for (int i = 0; i < n->values; i++)
        use[i] = 0;
    for (int i = 0; i < n->ops; i++) {
        use[n->op[i].in] = i;
        if (n->op[i].res >= 0)
            use[n->op[i].res] = i;
    }
    for (int i = 0; i < n->ops; i++) {
        const struct net_op *op = &n->op[i];
        if (op->relu && depends[op->out])
            use[op->out] = INT_MAX;
        if (op->kind == NET_MAX && depends[op->in])
            use[op->in] = INT_MAX;
    }
    if (o->features >= 0)
        use[o->features] = INT_MAX;
    use[p->last] = INT_MAX;
    free(depends);
}

/* The 1 by 1 convolution beside a block. */
static bool is_shortcut(const struct net_op *op)
{
    return op->kind == NET_CONV && op->k == 1 && !op->relu && op->res < 0;
}

/* A name for the operation: its part in the block that its value, or the next that has a
 * name, ends; that name alone where the block has no other. */
static void name_step(const struct plan *p, int at, char *name, size_t size)
{
    static const char *const kinds[] = {
        [NET_CONV] = "conv", [NET_MAX] = "max", [NET_SCALE] = "scale"};
    const struct net *n = p->net;
    const struct net_op *op = &n->op[at];
    const char *block = NULL;
    int first = at, place = 1;
    for (int i = op->out; i <= p->last && !block; i++)
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
        snprintf(name, size, "%s%s%s%d", block ? block : "", block ? " " : "", kinds[op->kind],
                 place);
}

static void find_wide(struct plan *p, const int *use)
{
    const struct net *n = p->net;
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
    const struct net_op *op = &p->net->op[at];
    bool scale = op->kind == NET_SCALE; /* reads no element after it has written it */
    const int from[] = {scale || (p->layout.in_place && op->res != op->in) ? op->res : -1,
                        scale ? op->in : -1};
    for (int i = 0; i < 2; i++)
        if (from[i] >= 0 && use[from[i]] == at && p->wide[from[i]] == p->wide[op->out])
            return p->act[from[i]];
    return -1;
}

static void forward(struct plan *p, const struct engine_opts *o)
{
    const struct net *n = p->net;
    int *use = mem_alloc((size_t)n->values, sizeof *use);
    last_uses(p, o, use);
    find_wide(p, use);
    p->act[0] = take_act(p, 0);
    for (int i = 0; i < p->steps; i++) {
        const struct net_op *op = p->step[i].op = &n->op[i];
        name_step(p, i, p->step[i].name, sizeof p->step[i].name);
        int over = written_over(p, i, use);
        p->act[op->out] = over >= 0 ? over : take_act(p, op->out);
        if (use[op->in] == i && p->act[op->in] != over)
            p->acts.taken[p->act[op->in]] = false;
        if (op->res >= 0 && use[op->res] == i && p->act[op->res] != over)
            p->acts.taken[p->act[op->res]] = false;
    }
    free(use);
}

static int take_grad(struct plan *p, int value)
{
    return take(&p->grads, plan_size(p, value), true);
}

/* Gradients of the values between the last stage and the one asked for. A value that
 * two operations read sums what comes from both. */
static void backward(struct plan *p, int from)
{
    const struct net *n = p->net;
    bool *depends = mem_alloc((size_t)n->values, sizeof *depends);
    int *first = mem_alloc((size_t)n->values, sizeof *first); /* to read a value */
    work_depends(n, from, depends);
    bool *passed_by = mem_zero((size_t)n->values, sizeof *passed_by);
    passed_by[p->last] = true;
    for (int i = n->ops - 1; i >= 0; i--) {
        const struct net_op *op = &n->op[i];
        if (op->out == from || !passed_by[op->out])
            continue;
        first[op->in] = i;
        passed_by[op->in] = depends[op->in];
        if (op->res >= 0) {
            first[op->res] = i;
            passed_by[op->res] = depends[op->res];
        }
    }
    free(passed_by);
    p->grad[p->last] = take_grad(p, p->last);
    for (int i = p->steps - 1; i >= 0; i--) {
        const struct net_op *op = p->step[i].op;
        if (op->out == from || p->grad[op->out] < 0)
            continue;
        struct plan_back s = {.op = op, .dy = p->grad[op->out], .dx = -1, .sum = -1, .res_sum = -1};
        bool to_res = op->res >= 0 && depends[op->res];
        bool passed = false; /* whether dy's buffer goes to what is read or added */
        if (depends[op->in]) {
            s.sum = p->grad[op->in];
            s.in_whole = first[op->in] == i;
            passed = op->kind == NET_SCALE && s.sum < 0 && !to_res;
            s.dx = passed ? s.dy : s.sum >= 0 && p->layout.in_place ? s.sum : take_grad(p, op->in);
            if (s.sum < 0)
                p->grad[op->in] = s.dx;
            else if (s.dx != s.sum)
                p->grads.taken[s.dx] = false;
        }
        if (to_res) {
            s.res_sum = p->grad[op->res];
            s.res_whole = first[op->res] == i;
            passed = s.res_sum < 0;
            if (passed)
                p->grad[op->res] = s.dy;
        }
        if (!passed)
            p->grads.taken[s.dy] = false;
        p->back = mem_grow(p->back, (size_t)p->backs + 1, sizeof *p->back);
        p->back[p->backs++] = s;
    }
    free(first);
    free(depends);
}

static bool ends_well(const struct net *n)
{
    bool well = n->ops >= 2;
    for (int i = 0; i < n->ops; i++) {
        enum net_kind kind = n->op[i].kind;
        well = well && (kind == NET_POOL) == (i == n->ops - 2) &&
               (kind == NET_LINEAR) == (i == n->ops - 1);
    }
    return well;
}

int plan_open(struct plan *p, const struct net *net, const struct engine_opts *o,
              const struct plan_layout *l, struct err *e)
{
    *p = (struct plan){.net = net, .layout = *l};
    if (!ends_well(net))
        return err_set(e, "expected a network that ends in global pooling and one linear layer");
    p->steps = net->ops - 2;
    p->last = net->op[p->steps].in;
    p->linear = &net->op[p->steps + 1];
    size_t values = (size_t)net->values;
    p->pad = mem_alloc(values, sizeof *p->pad);
    p->wide = mem_alloc(values, sizeof *p->wide);
    p->step = mem_zero((size_t)p->steps + 1, sizeof *p->step);
    p->act = mem_alloc(values, sizeof *p->act);
    p->grad = mem_alloc(values, sizeof *p->grad);
    for (int i = 0; i < net->values; i++) {
        p->pad[i] = (net->value[i].c + l->multiple - 1) / l->multiple * l->multiple;
        p->act[i] = p->grad[i] = -1;
    }
    forward(p, o);
    if (o->gradients > 0)
        backward(p, o->features);
    return 0;
}

void plan_close(struct plan *p)
{
    free(p->pad);
    free(p->act);
    free(p->grad);
    free(p->step);
    free(p->back);
    free(p->wide);
    pool_close(&p->acts);
    pool_close(&p->grads);
    *p = (struct plan){0};
}
