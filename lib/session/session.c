#include "session/session.h"

#include <string.h>

void session_parse(struct session_opts *o)
{
    struct err e;

    if (o->assume && assume_parse(&o->assumed, o->assume, &e) != 0)
        prog_usage("--assume: %s", e.msg);
    if (o->resize && !data_parse_size(o->resize, &o->resize_h, &o->resize_w))
        prog_usage("--resize: expected HxW with sides from 1 to 1024, found '%s'", o->resize);
    if (o->device && !engine_is_device(o->device))
        prog_usage("--device: expected auto, cpu, ref or cuda[:N], found '%s'", o->device);
    if (normal_check(o->mean, o->std, &e) != 0)
        prog_usage("%s", e.msg);
}

int session_checkpoint(struct ckpt **c, const struct session_opts *o, struct err *e)
{
    const struct ckpt_opts from = {.state = o->assumed.state, .extras = true};

    return ckpt_open(c, o->model, &from, e);
}

int session_model(struct model **m, struct ckpt *c, const struct session_opts *o, int h, int w,
                  struct err *e)
{
    const struct model_opts with = {
        .h = h, .w = w, .std = {1, 1, 1}, .assume = &o->assumed, .note = prog_note};

    return model_open(m, c, &with, e);
}

int session_head(struct model_head *h, const struct session_opts *o, int image_h, int image_w,
                 struct err *e)
{
    struct ckpt *c;
    struct model *m = NULL;

    if (session_checkpoint(&c, o, e) != 0)
        return -1;
    int r = model_head(h, c, &o->assumed, e);
    if (r == 0 && assume_network(&o->assumed))
        r = session_model(&m, c, o, image_h, image_w, e);
    model_close(m);
    ckpt_close(c);
    return r;
}

static void settle_pixels(struct session *s)
{
    struct graph *g = s->model->graph;
    struct normal_use *u = &s->pixels;
    const char *kind = data_kind(s->data);

    normal_choose(u, s->model, s->ckpt, kind, s->opts->mean, s->opts->std);
    memcpy(g->mean, u->mean, sizeof g->mean);
    memcpy(g->std, u->std, sizeof g->std);
    if (*u->conflict)
        prog_say("%s", u->conflict);
    if (prog_verbose())
        prog_say("%s images, mean %g %g %g, standard deviation %g %g %g (%s)", kind,
                 (double)u->mean[0], (double)u->mean[1], (double)u->mean[2], (double)u->std[0],
                 (double)u->std[1], (double)u->std[2], u->from);
}

int session_open(struct session *s, const struct session_opts *o, const struct data_opts *d,
                 struct err *e)
{
    struct data_opts images = *d;

    s->opts = o;
    images.resize_h = o->resize_h;
    images.resize_w = o->resize_w;
    if (engine_warm(o->device, e) != 0 || session_checkpoint(&s->ckpt, o, e) != 0 ||
        data_open(&s->data, o->data, &images, e) != 0 ||
        session_model(&s->model, s->ckpt, o, data_h(s->data), data_w(s->data), e) != 0)
        return -1;
    data_advise(s->data, s->model->side);
    settle_pixels(s);
    return 0;
}

struct engine_opts session_engine_opts(const struct session *s)
{
    return (struct engine_opts){.device = s->opts->device,
                                .precision = (enum engine_precision)s->opts->precision,
                                .exact = s->opts->exact,
                                .threads = (int)s->opts->threads,
                                .note = prog_note};
}

int session_engine(struct session *s, const struct engine_opts *wanted, struct err *e)
{
    struct engine_opts o = *wanted;
    const struct engine_opts own = session_engine_opts(s);
    double start = prog_clock();

    o.device = own.device;
    o.precision = own.precision;
    o.exact = own.exact;
    o.threads = own.threads;
    o.note = own.note;
    if (engine_open(&s->engine, s->model->graph, &o, e) != 0)
        return -1;
    if (prog_verbose())
        prog_say("%s (ready in %.2f s)", engine_about(s->engine), prog_clock() - start);
    return 0;
}

void session_drop_checkpoint(struct session *s)
{
    ckpt_close(s->ckpt);
    s->ckpt = NULL;
}

void session_close(struct session *s)
{
    engine_close(s->engine);
    model_close(s->model);
    session_drop_checkpoint(s);
    data_close(s->data);
    *s = (struct session){0};
}
