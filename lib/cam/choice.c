#include "cam/choice.h"

#include "base/mem.h"
#include "base/prog.h"
#include "cam/cam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The operation that makes a value; NULL for the image. */
static const struct graph_op *maker(const struct graph *g, int value)
{
    for (int i = g->ops - 1; i >= 0; i--)
        if (g->op[i].out == value)
            return &g->op[i];
    return NULL;
}

/* Whether it makes numbers of an image of such numbers. A convolution of what was pooled before,
 * as MobileNetV3 has one, does so in front of a linear layer. */
static bool is_of_numbers(const struct graph *g, const struct graph_op *op, int linear)
{
    return op->kind == GRAPH_LINEAR ||
           (graph_cells(g, op->out) == 1 && op->ins == 1 &&
            (op->kind == GRAPH_FUNCTION || op->kind == GRAPH_NORM || op->kind == GRAPH_LAYER_NORM ||
             (op->kind == GRAPH_CONV && linear > 0 && graph_cells(g, op->in[0]) == 1)));
}

/* What the network ends in, where it is not pooling and one linear layer. */
static void describe_end(const struct graph *g, char *end, size_t room)
{
    const struct graph_op *op = &g->op[g->ops - 1], *before = op;
    int linear = 0;

    for (; op && is_of_numbers(g, op, linear); op = maker(g, op->in[0])) {
        linear += op->kind == GRAPH_LINEAR;
        before = op;
    }
    if (linear > 1)
        snprintf(end, room, "%d linear layers", linear);
    else if (linear == 0)
        snprintf(end, room, op && op->kind == GRAPH_CONV ? "a convolution" : "pooling alone");
    else if (op && op->kind == GRAPH_FLATTEN)
        snprintf(end, room, "a linear layer without pooling");
    else if (op && op->kind == GRAPH_GATHER)
        snprintf(end, room, "a linear layer of one token");
    else if (op && op->kind == GRAPH_AVERAGE && before->kind == GRAPH_LINEAR)
        snprintf(end, room, "a linear layer of tokens that have no place, too");
    else if (op && op->kind == GRAPH_AVERAGE)
        snprintf(end, room, "more than a linear layer behind pooling");
    else
        snprintf(end, room, "a linear layer without pooling");
}

/* Of a network that ends in pooling and one linear layer. */
static void choose_closed(struct layer_choice *c, const struct graph *g)
{
    const int last = graph_last_stage(g);
    struct graph_grid grid;

    graph_grid(g, last, &grid);
    const int finer = cam_has_places(grid.h, grid.w) ? -1 : graph_finer(g, last, CAM_GRID);
    c->value = finer < 0 ? last : finer;
    if (finer < 0)
        return;
    c->last_h = grid.h;
    c->last_w = grid.w;
}

/* Of any other. */
static void choose_latest(struct layer_choice *c, const struct graph *g)
{
    c->value = graph_latest(g, CAM_GRID);
    if (c->value < 0)
        c->value = graph_latest(g, 1);
    describe_end(g, c->end, sizeof c->end);
}

void choice_make(struct layer_choice *c, const struct graph *g, const char *name)
{
    const bool closed = graph_last_stage(g) >= 0;

    *c = (struct layer_choice){.name = name, .value = -1};
    if (name && strcmp(name, CHOICE_AUTO) != 0)
        return;
    if (closed)
        choose_closed(c, g);
    else
        choose_latest(c, g);
    c->kept = c->last_h > 0 && !name;
    if (closed && c->last_h == 0) {
        c->name = NULL;
    } else if (c->value >= 0) {
        graph_layer_name(g, c->value, c->room, sizeof c->room);
        c->name = c->kept ? NULL : c->room;
    }
}

static void say_early(const struct graph *g, const char *name, bool compat)
{
    struct err e;
    const int value = graph_layer(g, name, &e);

    if (value < 0 || !graph_early(g, value, name))
        return;
    const struct graph_op *op = maker(g, value);
    const bool sum = graph_addend(op) >= 0;
    const char *exact = graph_exact_name(g, value);
    if (sum || compat)
        prog_say("the layer %s is the result behind the %s that follows%s%s%s", name,
                 sum                     ? "sum"
                 : op->act != GRAPH_NONE ? "activation"
                                         : "norm",
                 exact ? ", " : "", exact ? exact : "",
                 compat ? "; pytorch-grad-cam takes that of the module itself" : "");
}

void choice_say(const struct layer_choice *c, const struct graph *g, bool compat)
{
    for (const char *at = c->name; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char *name = mem_printf("%.*s", (int)strcspn(at, ","), at);
        say_early(g, name, compat);
        free(name);
    }
    if (c->name && g->detached)
        prog_say("the program stops gradients by detach() or no_grad(), which go on here: maps by "
                 "gradients differ from PyTorch's where it does so behind their layer");
    if (c->value < 0 || !prog_alone())
        return;
    if (*c->end)
        prog_say("the network ends in %s, not in pooling and one linear layer: maps of the layer "
                 "%s, by a backward pass",
                 c->end, c->name);
    else if (c->kept && c->last_h * c->last_w == 1)
        prog_say(
            "the last stage has one cell, so that its maps are the same everywhere: --layer auto "
            "takes %s",
            c->room);
    else if (c->last_h > 0 && !c->kept)
        prog_say("the last stage has %d by %d cells, too few to show where the network looks: "
                 "maps of the layer %s, by a backward pass",
                 c->last_h, c->last_w, c->name);
}

void choice_put(const struct layer_choice *c, struct run *r)
{
    if (c->last_h > 0 && !c->kept)
        run_put(r, "last_stage_size", "%dx%d", c->last_h, c->last_w);
    if (*c->end)
        run_put(r, "network_end", "%s", c->end);
}
