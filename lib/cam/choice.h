/* The layer of the maps where the user leaves the choice to the program. */
#ifndef HP_CAM_CHOICE_H
#define HP_CAM_CHOICE_H

#include "graph/graph.h"
#include "stream/run.h"

#include <stdbool.h>

/* The name that stands for the deepest layer whose cells tell where in the image something
 * lies (cam_has_places); where there is none, for the last stage. */
#define CHOICE_AUTO "auto"

struct layer_choice {
    const char *name; /* as graph_layer(); NULL for the last stage in closed form */
    int value;        /* of CHOICE_AUTO */
    int last_h;       /* the grid of the last stage, where that is too coarse and CHOICE_AUTO */
    int last_w;       /* took an earlier layer; else 0 */
    char room[64];    /* of the name */
};

/* Any other name than CHOICE_AUTO, and NULL, stand for themselves. */
void choice_make(struct layer_choice *c, const struct graph *g, const char *name);

/* Adds why an earlier layer was taken, where one was; see heatpipe-tsv(5). */
void choice_put(const struct layer_choice *c, struct run *r);

#endif
