#include "faith/randomise.h"

#include "base/mem.h"
#include "graph/rules.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name of the layer that an operation belongs to: that of the first named value which it or
 * one after it makes, where the last stage does not lie before. */
static const char *name_of(const struct graph *g, int op, size_t *n)
{
    const int last = graph_closed(g).value;

    for (int v = g->op[op].out; v < (last < 0 ? g->values : last + 1); v++)
        if (g->value[v].name) {
            *n = strcspn(g->value[v].name, ".");
            return g->value[v].name;
        }
    const char *key = g->op[g->ops - 1].key;
    key = key ? key : "linear";
    *n = strlen(key);
    return key;
}

/* Whether a layer begins with this operation. */
static bool begins(const struct graph *g, int op)
{
    size_t n, before;

    if (op == 0)
        return true;
    const char *a = name_of(g, op, &n), *b = name_of(g, op - 1, &before);
    return n != before || memcmp(a, b, n) != 0;
}

/* The operations of layer `i` from the top: from *first up to the one before the result. */
static int ops_of(const struct graph *g, int i, int *first)
{
    int end = g->ops;

    for (*first = end - 1; *first > 0; --*first) {
        if (!begins(g, *first))
            continue;
        if (i-- == 0)
            break;
        end = *first;
    }
    return end;
}

int randomise_layers(const struct graph *g)
{
    int count = 0;

    for (int op = 0; op < g->ops; op++)
        count += begins(g, op);
    return count;
}

void randomise_name(const struct graph *g, int i, char *name, size_t room)
{
    int first;
    size_t n;

    ops_of(g, i, &first);
    const char *found = name_of(g, first, &n);
    snprintf(name, room, "%.*s", (int)n, found);
}

/* v[n] anew; the old one is freed. */
static const float *draw(const float *v, size_t n, uint64_t *state)
{
    double sum = 0, squares = 0, pair[2];
    float *out = mem_alloc(n, sizeof *out);

    for (size_t i = 0; i < n; i++)
        sum += v[i];
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - mean) * (v[i] - mean);
    const double deviation = sqrt(squares / (double)n);
    for (size_t i = 0; i < n; i++) {
        if (i % 2 == 0)
            random_normal(state, pair);
        out[i] = (float)(mean + deviation * pair[i % 2]);
    }
    free((void *)v);
    return out;
}

void randomise_layer(struct graph *g, int i, uint64_t seed)
{
    int first, end = ops_of(g, i, &first);

    for (int k = first; k < end; k++) {
        struct graph_op *op = &g->op[k];
        const int64_t weights = graph_op_weights(g, op);
        /* What is added to products may be a mask, which was not learnt. */
        if (weights == 0 || op->kind == GRAPH_ATTENTION)
            continue;
        uint64_t state = seed ^ random_next(&(uint64_t){(uint64_t)k});
        op->w = draw(op->w, (size_t)weights, &state);
        if (op->b)
            op->b = draw(op->b, (size_t)g->value[op->out].c, &state);
    }
}

int randomise_down_to(struct graph *g, const char *name, uint64_t seed, struct err *e)
{
    const int layers = randomise_layers(g);
    char list[512] = "", found[64];
    size_t at = 0;
    int last = 0;

    for (; last < layers; last++) {
        randomise_name(g, last, found, sizeof found);
        if (strcmp(found, name) == 0 || (last == 0 && strcmp(name, RANDOMISE_TOP) == 0))
            break;
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", found);
    }
    if (last == layers)
        return err_set(e, "layer '%s' is not one of %s", name, list);
    for (int i = 0; i <= last; i++)
        randomise_layer(g, i, seed);
    return 0;
}

int randomise_class(int cls, int classes, uint64_t state)
{
    const int other = (int)random_below(random_next(&state), (uint32_t)classes - 1);

    return other < cls ? other : other + 1;
}
