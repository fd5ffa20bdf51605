#include "engine/cuda/plan.h"

#include "base/mem.h"
#include "engine/work.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static int take(struct plan_pool *p, size_t elements)
{
    int i = 0;
    while (i < p->count && p->taken[i])
        i++;
    if (i == p->count) {
        p->elements = mem_grow(p->elements, (size_t)i + 1, sizeof *p->elements);
        p->taken = mem_grow(p->taken, (size_t)i + 1, sizeof *p->taken);
        p->elements[i] = 0;
        p->count++;
    }
    p->taken[i] = true;
    if (elements > p->elements[i])
        p->elements[i] = elements;
    return i;
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

/* A result never shares its buffer with what it is made from: cuDNN's graphs do not
 * promise that they may. */
static void forward(struct plan *p, const struct engine_opts *o)
{
    const struct net *n = p->net;
    int *use = mem_alloc((size_t)n->values, sizeof *use);
    last_uses(p, o, use);
    p->act[0] = take(&p->acts, plan_size(p, 0));
    for (int i = 0; i < n->ops; i++) {
        const struct net_op *op = &n->op[i];
        if (op->kind != NET_CONV && op->kind != NET_MAX)
            continue;
        p->act[op->out] = take(&p->acts, plan_size(p, op->out));
        p->step = mem_grow(p->step, (size_t)p->steps + 1, sizeof *p->step);
        struct plan_step *s = &p->step[p->steps++];
        s->op = op;
        name_step(n, i, s->name, sizeof s->name);
        if (use[op->in] == i)
            p->acts.taken[p->act[op->in]] = false;
        if (op->res >= 0 && use[op->res] == i)
            p->acts.taken[p->act[op->res]] = false;
    }
    free(use);
}

/* Gradients of the values between the last stage and the one asked for. A value that
 * two operations read sums what comes from both. */
static void backward(struct plan *p, int from)
{
    const struct net *n = p->net;
    bool *depends = mem_alloc((size_t)n->values, sizeof *depends);
    work_depends(n, from, depends);
    p->grad[p->last] = take(&p->grads, plan_size(p, p->last));
    for (int i = p->steps - 1; i >= 0; i--) {
        const struct net_op *op = p->step[i].op;
        if (op->out == from || p->grad[op->out] < 0)
            continue;
        struct plan_back s = {op, p->grad[op->out], -1, -1, -1};
        bool passed = false; /* whether dy's buffer goes to the value added */
        if (depends[op->in]) {
            s.dx = take(&p->grads, plan_size(p, op->in));
            s.sum = p->grad[op->in];
            if (s.sum >= 0)
                p->grads.taken[s.dx] = false;
            else
                p->grad[op->in] = s.dx;
        }
        if (op->res >= 0 && depends[op->res]) {
            s.res_sum = p->grad[op->res];
            passed = s.res_sum < 0;
            if (passed)
                p->grad[op->res] = s.dy;
        }
        if (!passed)
            p->grads.taken[s.dy] = false;
        p->back = mem_grow(p->back, (size_t)p->backs + 1, sizeof *p->back);
        p->back[p->backs++] = s;
    }
    free(depends);
}

int plan_open(struct plan *p, const struct net *net, const struct engine_opts *o, int multiple,
              struct err *e)
{
    *p = (struct plan){.net = net, .last = net_last(net), .linear = &net->op[net->ops - 1]};
    int tails = 0;
    for (int i = 0; i < net->ops; i++)
        tails += net->op[i].kind == NET_POOL || net->op[i].kind == NET_LINEAR;
    if (p->last < 0 || tails != 2 || p->linear->kind != NET_LINEAR)
        return err_set(e,
                       "cuda: expected a network that ends in global pooling and one linear layer");
    size_t values = (size_t)net->values;
    p->pad = mem_alloc(values, sizeof *p->pad);
    p->act = mem_alloc(values, sizeof *p->act);
    p->grad = mem_alloc(values, sizeof *p->grad);
    for (int i = 0; i < net->values; i++) {
        p->pad[i] = (net->value[i].c + multiple - 1) / multiple * multiple;
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
    free(p->acts.elements);
    free(p->acts.taken);
    free(p->grads.elements);
    free(p->grads.taken);
    *p = (struct plan){0};
}
