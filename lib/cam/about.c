#include "cam/about.h"

#include "base/prog.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 64 };

/* `value`: the layer of the maps, or that before which a finer one is looked for. */
static void put_grid(struct run *r, const struct graph *g, int value, int h, int w)
{
    char finer[NAME] = RUN_NONE;
    bool asked = !cam_has_places(h, w) && g;
    int at = asked ? graph_finer(g, value, CAM_GRID) : -1;

    if (at >= 0)
        graph_layer_name(g, at, finer, sizeof finer);

    run_put(r, "map_size", "%dx%d", h, w);
    run_put(r, "finer_layer", asked ? "%s" : NULL, finer);
}

static void put(struct run *r, const struct graph *g, int value, const char *layer, int h, int w,
                const struct method_how *how)
{
    run_put(r, "layer", "%s", layer);
    run_put(r, "method", "%s", how->method->word);
    run_put(r, "score", "%s", cam_score_word(how->score));
    put_grid(r, g, value, h, w);
}

void about_layer(struct run *r, const struct graph *g, int value, const char *names, int h, int w,
                 const struct method_how *how)
{
    bool last = value == graph_last_stage(g) && !(names && strchr(names, ','));

    put(r, g, value, last ? ABOUT_LAST : names, h, w, how);
}

void about_class_maps(struct run *r, const struct graph *g)
{
    const int value = graph_last_stage(g);
    struct graph_grid grid;

    graph_grid(g, value, &grid);
    put_grid(r, g, value, grid.h, grid.w);
}

void about_stored(struct run *r, const struct graph *g, int h, int w, const struct method_how *how)
{
    put(r, g, g ? graph_last_stage(g) : -1, ABOUT_LAST, h, w, how);
}

void about_say(const struct method_how *how, bool closed, bool rectified)
{
    const char *same = method_same(how, closed, rectified);

    if (!prog_verbose())
        return;
    if (closed)
        prog_say("last stage: maps in closed form, without gradients");
    if (same)
        prog_say("%s makes the same maps as %s", how->method->word, same);
    if (!method_asks_class(how->method))
        prog_say("%s makes the same map for every class", how->method->word);
}
