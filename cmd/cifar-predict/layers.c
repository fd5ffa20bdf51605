#include "layers.h"

#include "base/io.h"
#include "base/mem.h"
#include "cam/choice.h"
#include "cam/layer.h"
#include "cam/method.h"
#include "stream/tsv.h"

#include <stdlib.h>
#include <string.h>

/* Those that have maps of the layer, with commas between them. */
static void put_methods(struct tsv_out *t, const struct graph *g, int layer)
{
    char *all = NULL;
    for (int i = 0; i < METHOD_COUNT; i++) {
        if (!layer_serves(g, layer, method_at(i)))
            continue;
        char *more = mem_printf("%s%s%s", all ? all : "", all ? "," : "", method_at(i)->word);
        free(all);
        all = more;
    }
    tsv_put_string(t, all);
    free(all);
}

static int put_layers(struct tsv_out *t, const struct graph *g, struct err *e)
{
    struct graph_grid *grid = graph_grids(g);
    struct layer_choice best;
    char stage[sizeof best.room];
    int r = 0;
    choice_make(&best, g, CHOICE_AUTO);
    for (int i = 1; i < g->values && r == 0; i++) {
        if (grid[i].h == 0 || !graph_name(g, i))
            continue;
        graph_layer_name(g, i, stage, sizeof stage);
        tsv_put_string(t, graph_name(g, i));
        tsv_put_string(t, strcmp(stage, graph_name(g, i)) == 0 ? NULL : stage);
        tsv_put_int(t, g->value[i].c);
        tsv_put_int(t, grid[i].h);
        tsv_put_int(t, grid[i].w);
        tsv_put_int(t, i == graph_last_stage(g));
        tsv_put_int(t, i == best.value);
        put_methods(t, g, i);
        r = tsv_end(t, e);
    }
    free(grid);
    return r;
}

static int write_layers(const struct graph *g, struct err *e)
{
    struct out *out;
    if (out_open(&out, "-", e) != 0)
        return -1;
    struct tsv_out *t = tsv_begin(out, "layer stage channels height width last_stage auto methods");
    int r = put_layers(t, g, e);
    tsv_free(t);
    if (r == 0)
        return out_close(out, e);
    out_abort(out);
    return -1;
}

int layers_list(const struct session_opts *s, const struct data_opts *with, struct err *e)
{
    struct data_opts o = *with;
    struct data *d = NULL;
    struct ckpt *c = NULL;
    struct model *m = NULL;
    o.note = o.warn = NULL;
    int r = session_checkpoint(&c, s, e);
    if (r == 0)
        r = session_network(&d, &m, c, s, &o, e);
    if (r == 0)
        r = write_layers(m->graph, e);
    model_close(m);
    ckpt_close(c);
    data_close(d);
    return r;
}
