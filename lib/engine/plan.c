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

/* A name for the operation: "conv1" for the stem, else its part in the block that its
 * value, or the next that has a name, ends. */
static void name_step(const struct net *n, int at, char *name, size_t size)
{
    const struct net_op *op = &n->op[at];
    const char *block = NULL;
    int place = 1;
    for (int i = op->out; i < n->values && !block; i++)
        block = n->value[i].name;
    for (int i = at - 1; i >= 0 && !n->value[n->op[i].out].name; i--)
        place += !is_shortcut(&n->op[i]);
    block = block ? block : "";
    if (at == 0)
        snprintf(name, size, "%s", *block ? block : "conv1");
    else if (op->kind == NET_MAX)
        snprintf(name, size, "%s max", block);
    else if (is_shortcut(op))
        snprintf(name, size, "%s downsample", block);
    else
        snprintf(name, size, "%s conv%d", block, place);
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

static void forward(struct plan *p, const struct engine_opts *o)
{
    const struct net *n = p->net;
    int *use = mem_alloc((size_t)n->values, sizeof *use);
    last_uses(p, o, use);
    find_wide(p, use);
    p->act[0] = take_act(p, 0);
    for (int i = 0; i < n->ops; i++) {
        const struct net_op *op = &n->op[i];
        if (op->kind != NET_CONV && op->kind != NET_MAX)
            continue;
        bool over = p->layout.in_place && op->res >= 0 && use[op->res] == i &&
                    p->wide[op->res] == p->wide[op->out];
        p->act[op->out] = over ? p->act[op->res] : take_act(p, op->out);
        p->step = mem_grow(p->step, (size_t)p->steps + 1, sizeof *p->step);
        struct plan_step *s = &p->step[p->steps++];
        s->op = op;
        name_step(n, i, s->name, sizeof s->name);
        if (use[op->in] == i)
            p->acts.taken[p->act[op->in]] = false;
        if (op->res >= 0 && use[op->res] == i && !over)
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
        int at = (int)(op - n->op);
        if (op->out == from || p->grad[op->out] < 0)
            continue;
        struct plan_back s = {.op = op, .dy = p->grad[op->out], .dx = -1, .sum = -1, .res_sum = -1};
        bool passed = false; /* whether dy's buffer goes to the value added */
        if (depends[op->in]) {
            s.sum = p->grad[op->in];
            s.in_whole = first[op->in] == at;
            s.dx = s.sum >= 0 && p->layout.in_place ? s.sum : take_grad(p, op->in);
            if (s.sum < 0)
                p->grad[op->in] = s.dx;
            else if (s.dx != s.sum)
                p->grads.taken[s.dx] = false;
        }
        if (op->res >= 0 && depends[op->res]) {
            s.res_sum = p->grad[op->res];
            s.res_whole = first[op->res] == at;
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

int plan_open(struct plan *p, const struct net *net, const struct engine_opts *o,
              const struct plan_layout *l, struct err *e)
{
    *p = (struct plan){
        .net = net, .layout = *l, .last = net_last(net), .linear = &net->op[net->ops - 1]};
    int tails = 0;
    for (int i = 0; i < net->ops; i++)
        tails += net->op[i].kind == NET_POOL || net->op[i].kind == NET_LINEAR;
    if (p->last < 0 || tails != 2 || p->linear->kind != NET_LINEAR)
        return err_set(e, "expected a network that ends in global pooling and one linear layer");
    size_t values = (size_t)net->values;
    p->pad = mem_alloc(values, sizeof *p->pad);
    p->wide = mem_alloc(values, sizeof *p->wide);
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
