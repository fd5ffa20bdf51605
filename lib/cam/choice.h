/* The layer of the maps where the user leaves the choice to the program. */
#ifndef HP_CAM_CHOICE_H
#define HP_CAM_CHOICE_H

#include "graph/graph.h"
#include "stream/run.h"

#include <stdbool.h>

/* The name that stands for the last stage, where maps come in closed form, if its cells tell where
 * in the image something lies (cam_has_places); else for the latest layer whose cells do, and where
 * there is none, for the last layer with places. */
#define CHOICE_AUTO "auto"

struct layer_choice {
    const char *name; /* as graph_layer(); NULL for the last stage in closed form */
    int value;        /* of CHOICE_AUTO; -1 where the network has no layers */
    int last_h;       /* the grid of the last stage, where that is too coarse and CHOICE_AUTO */
    int last_w;       /* takes an earlier layer; else 0 */
    bool kept;        /* and nothing was asked for, so that the last stage stays */
    char end[64];     /* what the network ends in, where CHOICE_AUTO found that there is no closed
                         form: "3 linear layers"; else "" */
    char room[128];   /* of the name, or of the earlier layer's where the last stage stays */
};

/* Any other name than CHOICE_AUTO stands for itself, and NULL for the last stage or, where that has
 * no closed form, for CHOICE_AUTO. */
void choice_make(struct layer_choice *c, const struct graph *g, const char *name);

/* Says which layer was taken because there is no closed form or the last stage is too coarse; that
 * a last stage of one cell stays without CHOICE_AUTO; and where a named module ends before its
 * layer, in front of a sum or, with `compat`, of a norm or an activation; and of maps by a backward
 * pass that the program stops gradients. */
void choice_say(const struct layer_choice *c, const struct graph *g, bool compat);

/* Adds why an earlier layer was taken, where one was; see heatpipe-tsv(5). */
void choice_put(const struct layer_choice *c, struct run *r);

#endif
