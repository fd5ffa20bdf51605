#include "cam/choice.h"

#include "cam/cam.h"

#include <string.h>

/* What is averaged before the linear layer or, in a network that ends otherwise, the last layer
 * that is neither pooled nor linear. */
static int last_stage(const struct graph *g)
{
    int last = graph_closed(g).value;

    for (int i = 0; last < 0 && i < g->ops; i++) {
        const struct graph_op *op = &g->op[g->ops - 1 - i];
        if (g->value[op->out].name && (op->kind == GRAPH_CONV || op->kind == GRAPH_NORM))
            last = op->out;
    }
    return last;
}

void choice_make(struct layer_choice *c, const struct graph *g, const char *name)
{
    *c = (struct layer_choice){.name = name, .value = -1};
    if (!name || strcmp(name, CHOICE_AUTO) != 0)
        return;
    const int last = last_stage(g);
    const struct graph_value *v = &g->value[last];
    int at = cam_has_places(v->h, v->w) ? last : graph_finer(g, last, CAM_GRID);
    c->value = at < 0 ? last : at;
    if (c->value != last) {
        c->last_h = v->h;
        c->last_w = v->w;
    }
    if (c->value == graph_closed(g).value) {
        c->name = NULL;
    } else {
        graph_layer_name(g, c->value, c->room, sizeof c->room);
        c->name = c->room;
    }
}

void choice_put(const struct layer_choice *c, struct run *r)
{
    if (c->last_h > 0)
        run_put(r, "last_stage_size", "%dx%d", c->last_h, c->last_w);
}
