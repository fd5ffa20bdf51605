#include "layers.h"

#include "base/io.h"
#include "cam/choice.h"
#include "stream/tsv.h"

#include <string.h>

static int put_layers(struct tsv_out *t, const struct graph *g, struct err *e)
{
    const int closed = graph_closed(g).value, end = closed < 0 ? g->values : closed + 1;
    struct layer_choice best;
    char stage[sizeof best.room];
    choice_make(&best, g, CHOICE_AUTO);
    for (int i = 1; i < end; i++) {
        const struct graph_value *v = &g->value[i];
        if (!v->name)
            continue;
        graph_layer_name(g, i, stage, sizeof stage);
        tsv_put_string(t, v->name);
        tsv_put_string(t, strcmp(stage, v->name) == 0 ? NULL : stage);
        tsv_put_int(t, v->c);
        tsv_put_int(t, v->h);
        tsv_put_int(t, v->w);
        tsv_put_int(t, i == closed);
        tsv_put_int(t, i == best.value);
        if (tsv_end(t, e) != 0)
            return -1;
    }
    return 0;
}

static int write_layers(const struct graph *g, struct err *e)
{
    struct out *out;
    if (out_open(&out, "-", e) != 0)
        return -1;
    struct tsv_out *t = tsv_begin(out, "layer stage channels height width last_stage auto");
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
