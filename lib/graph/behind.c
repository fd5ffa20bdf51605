/* Convolutions that read a graph's first value may be left to who knows it. */
#include "graph/behind.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool is_begun(const struct graph_op *op)
{
    return op->kind == GRAPH_CONV && op->ins == 1 && op->in[0] == 0 && op->groups == 1 &&
           (op->act == GRAPH_NONE || op->act == GRAPH_RELU);
}

/* Whether another operation reads value 0, too. */
static bool is_read(const struct graph *g)
{
    for (int i = 0; i < g->ops; i++)
        for (int k = 0; k < g->op[i].ins; k++)
            if (g->op[i].in[k] == 0 && !is_begun(&g->op[i]))
                return true;
    return false;
}

/* Whether there are convolutions, and all that will be given is of one size. */
static bool fits(const struct graph *g, bool read)
{
    const struct graph_value *size = read ? &g->value[0] : NULL;
    bool some = false;
    for (int i = 0; i < g->ops; i++) {
        if (!is_begun(&g->op[i]))
            continue;
        const struct graph_value *y = &g->value[g->op[i].out];
        size = size ? size : y;
        if (y->h != size->h || y->w != size->w)
            return false;
        some = true;
    }
    return some;
}

/* The channels of value 0 from `first` on. */
static struct graph_op pick(int first, int channels, int out)
{
    int *from = mem_alloc((size_t)channels, sizeof *from);
    for (int i = 0; i < channels; i++)
        from[i] = first + i;
    return (struct graph_op){
        .kind = GRAPH_PICK, .ins = 1, .out = out, .channels = channels, .pick = from};
}

/* What was value 0 is value 1, which the first operation makes. */
static void make_first(struct graph *g)
{
    g->op = mem_grow(g->op, (size_t)g->ops + 1, sizeof *g->op);
    g->value = mem_grow(g->value, (size_t)g->values + 1, sizeof *g->value);
    memmove(g->op + 1, g->op, (size_t)g->ops++ * sizeof *g->op);
    memmove(g->value + 1, g->value, (size_t)g->values++ * sizeof *g->value);
    for (int i = 0; i < g->aliases; i++)
        g->alias[i].value++;
    for (int i = 1; i < g->ops; i++) {
        struct graph_op *op = &g->op[i];
        op->out++;
        for (int k = 0; k < op->ins; k++)
            op->in[k] += op->in[k] > 0 || !is_begun(op);
    }
    g->op[0] = pick(0, g->value[1].c, 1);
    g->value[0] = (struct graph_value){.c = g->value[1].c, .h = g->value[1].h, .w = g->value[1].w};
}

bool graph_begin_behind(struct graph *g, struct graph_begun *b)
{
    const bool read = is_read(g);
    *b = (struct graph_begun){.from = g->value[0], .itself = read};
    b->from.name = b->from.key = NULL;
    if (!fits(g, read))
        return false;
    if (read) {
        make_first(g);
    } else {
        free((void *)g->value[0].name);
        free((void *)g->value[0].key);
        g->value[0] = (struct graph_value){0};
    }
    b->conv = mem_alloc((size_t)g->ops, sizeof *b->conv);
    for (int i = 0; i < g->ops; i++) {
        struct graph_op *op = &g->op[i];
        if (!is_begun(op))
            continue;
        const struct graph_value *y = &g->value[op->out];
        b->conv[b->convs++] = *op;
        *op = pick(g->value[0].c, y->c, op->out);
        g->value[0].c += y->c;
        g->value[0].h = y->h;
        g->value[0].w = y->w;
    }
    return true;
}

void graph_begun_free(struct graph_begun *b)
{
    for (int i = 0; i < b->convs; i++) {
        free((void *)b->conv[i].w);
        free((void *)b->conv[i].b);
        free((void *)b->conv[i].key);
    }
    free(b->conv);
    *b = (struct graph_begun){0};
}
