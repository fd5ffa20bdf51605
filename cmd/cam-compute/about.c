#include "about.h"

#include "ckpt/ckpt.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 64 };

static void put(struct run *r, const struct job *j, const char *layer, struct extent grid,
                const char *finer)
{
    static const char *const method[] = {"gradcam", "hirescam", "xgradcam"};
    static const char *const score[] = {"logit", "logprob", "prob"};
    run_put(r, "layer", "%s", layer);
    run_put(r, "method", "%s", method[j->method]);
    run_put(r, "score", "%s", score[j->score]);
    run_put(r, "map_size", "%dx%d", grid.h, grid.w);
    run_put(r, "finer_layer", finer ? "%s" : NULL, finer);
}

static bool is_coarse(struct extent grid)
{
    return !cam_has_places(grid.h, grid.w);
}

void about_network(struct run *r, const struct job *j, const struct net *n, int layer)
{
    const struct net_value *v = &n->value[layer];
    const struct extent grid = {v->h, v->w};
    char finer[NAME];
    bool found = is_coarse(grid) && net_finer(n, layer, CAM_GRID, finer, sizeof finer);
    char last[NAME]; /* "layer4" for "layer4.2" */
    snprintf(last, sizeof last, "%.*s", (int)strcspn(v->name, "."), v->name);
    put(r, j, j->layer ? j->layer : last, grid, found ? finer : NULL);
}

int about_stored(struct run *r, const struct job *j, struct extent grid, struct err *e)
{
    char finer[NAME];
    bool found = false;
    if (is_coarse(grid) && j->model) {
        const struct ckpt_opts from = {.state = j->assume.state};
        const struct net_opts o = {
            .h = j->input.h, .w = j->input.w, .std = {1, 1, 1}, .assume = &j->assume};
        struct ckpt *c;
        struct net *n;
        if (ckpt_open(&c, j->model, &from, e) != 0)
            return -1;
        int built = net_build(&n, c, &o, e);
        ckpt_close(c);
        if (built != 0)
            return -1;
        found = net_finer(n, net_last(n), CAM_GRID, finer, sizeof finer);
        net_free(n);
    }
    put(r, j, "last stage", grid, found ? finer : NULL);
    return 0;
}
