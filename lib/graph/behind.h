/* A graph that begins behind the convolutions of its first value: who runs it for many values that
 * differ little computes these himself, each from the last. */
#ifndef HP_BEHIND_H
#define HP_BEHIND_H

#include "graph/graph.h"

#include <stdbool.h>

/* What the new value 0 holds, one behind the other, all of the size of the new one: the old one
 * itself where others read it, too, then what each of those convolutions makes of it. */
struct graph_begun {
    struct graph_value from; /* the old value 0 */
    bool itself;
    struct graph_op *conv; /* with weights and activation; in and out mean nothing */
    int convs;
};

/* Lets a graph begin behind all convolutions, ungrouped and without an addend, that read its value
 * 0, whose names may be lost. False, and the graph as it was, where there is none or sizes
 * differ. Caller frees what `b` holds in either case. */
bool graph_begin_behind(struct graph *g, struct graph_begun *b);
void graph_begun_free(struct graph_begun *b);

#endif
