#include "cam/about.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 64 };

/* `value`: the layer of the maps, or that before which a finer one is looked for. */
static void put(struct run *r, const struct graph *g, int value, const char *layer, int h, int w,
                const struct method *method, enum cam_score score)
{
    char finer[NAME];
    bool asked = !cam_has_places(h, w) && g;

    if (asked && !graph_finer(g, value, CAM_GRID, finer, sizeof finer))
        snprintf(finer, sizeof finer, RUN_NONE);

    run_put(r, "layer", "%s", layer);
    run_put(r, "method", "%s", method->word);
    run_put(r, "score", "%s", cam_score_word(score));
    run_put(r, "map_size", "%dx%d", h, w);
    run_put(r, "finer_layer", asked ? "%s" : NULL, finer);
}

void about_layer(struct run *r, const struct graph *g, int value, const char *name,
                 const struct method *method, enum cam_score score)
{
    const struct graph_value *v = &g->value[value];

    put(r, g, value, value == graph_closed(g).value ? ABOUT_LAST : name, v->h, v->w, method, score);
}

void about_stored(struct run *r, const struct graph *g, int h, int w, const struct method *method,
                  enum cam_score score)
{
    put(r, g, g ? graph_closed(g).value : -1, ABOUT_LAST, h, w, method, score);
}
