/* What each kind of operation is: one row of a table, where a new kind is added. The plain C
 * that computes it is the specification of the backends; lib/engine/ref runs it. */
#ifndef HP_GRAPH_RULES_H
#define HP_GRAPH_RULES_H

#include "graph/graph.h"

/* What a backward pass reads of the forward pass. */
enum { GRAPH_KEEPS_NOTHING = 0, GRAPH_KEEPS_INPUT = 1, GRAPH_KEEPS_RESULT = 2 };

/* All values of one image as (c, h, w), and the gradients of a score with respect to them. */
struct graph_image {
    float **value; /* [values] */
    float **grad;  /* [values], or NULL in a forward pass */
    double *plane; /* [graph_plane()] room for sums */
};

struct graph_rule {
    const char *name; /* as in tables: "conv" */
    int inputs;       /* how many it has, but for an addend */
    bool addend;      /* whether it takes one */
    bool act;         /* whether an activation may follow */
    unsigned keeps;
    /* Shape of the result, from inputs and attributes: NULL, or what the rule expects of them. */
    const char *(*shape)(const struct graph *g, const struct graph_op *op, struct graph_value *y);
    /* How many weights; NULL for an operation that has neither weights nor biases. */
    int64_t (*weights)(const struct graph *g, const struct graph_op *op);
    /* Multiply-accumulates for an image of an operation in the graph; NULL for none. */
    int64_t (*macs)(const struct graph *g, const struct graph_op *op);
    /* Computes the operation's value. Sums are in double and rounded once. */
    void (*forward)(const struct graph *g, const struct graph_op *op, const struct graph_image *x);
    /* Adds to the gradient of in[i] what that of the value, before the activation, passes back;
     * an addend's is the same and not asked for. */
    void (*backward)(const struct graph *g, const struct graph_op *op, const struct graph_image *x,
                     int i);
};

extern const struct graph_rule graph_rules[GRAPH_KINDS];

/* The same of activations. */
struct graph_act_rule {
    const char *name;
    unsigned keeps;
    double (*forward)(double x);          /* NULL: leaves it as it is, here and below */
    float (*backward)(float y, float dy); /* dx from the result and its gradient */
};

extern const struct graph_act_rule graph_act_rules[GRAPH_ACTS];

/* The same of functions: f(x) and its derivative. */
struct graph_function_rule {
    const char *name;
    double (*value)(double x, double p, double q);
    double (*slope)(double x, double p, double q);
};

extern const struct graph_function_rule graph_function_rules[GRAPH_FUNCTIONS];

/* Weights of an operation, all channels together; 0 for one without. */
int64_t graph_op_weights(const struct graph *g, const struct graph_op *op);

/* What a backward pass through an operation keeps, its activation's share included. */
unsigned graph_op_keeps(const struct graph_op *op);

/* Cells of the largest value; twice as many where there is attention. */
size_t graph_plane(const struct graph *g);

/* Computes the value of an operation whose inputs are there. */
void graph_forward(const struct graph *g, const struct graph_op *op, const struct graph_image *x);

/* The gradient of the operation's value loses what the activation stops, and is passed on: added
 * to those of the inputs that are `wanted`. */
void graph_backward(const struct graph *g, const struct graph_op *op, const struct graph_image *x,
                    const bool *wanted);

#endif
