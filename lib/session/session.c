#include "session/session.h"

#include "session/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void session_parse(struct session_opts *o)
{
    struct err e;

    if (o->assume && assume_parse(&o->assumed, o->assume, &e) != 0)
        prog_usage("--assume: %s", e.msg);
    o->size = geometry_given(&o->sized);
    if (o->device && !engine_is_device(o->device))
        prog_usage("--device: expected auto, cpu, ref or cuda[:N], found '%s'", o->device);
    if (normal_check(o->mean, o->std, &e) != 0)
        prog_usage("%s", e.msg);
}

const char *session_sized(const struct session_opts *o)
{
    return o->sized.resize ? "resize" : "crop";
}

const char *session_keyed(const struct session_opts *o)
{
    return o->assume ? "assume" : o->rename ? "rename" : NULL;
}

int session_checkpoint(struct ckpt **c, const struct session_opts *o, struct err *e)
{
    const struct ckpt_opts from = {.state = o->assumed.state, .extras = true, .rename = o->rename};

    return ckpt_open(c, o->model, &from, e);
}

static int open_model(struct model **m, struct ckpt *c, const struct assume *a, int h, int w,
                      bool unproved, struct err *e)
{
    enum { SIDE = 32 };
    struct model_opts with = {
        .h = h, .w = w, .std = {1, 1, 1}, .assume = a, .unproved = unproved, .note = prog_note};
    /* What only is told of a network may be told of some size. */
    with.side = unproved ? SIDE : 0;
    const int sized = h > 0 ? 1 : model_sized(c, e);

    if (sized < 0)
        return -1;
    if (!sized)
        with.h = with.w = SIDE;
    return model_open(m, c, &with, e);
}

int session_model(struct model **m, struct ckpt *c, const struct session_opts *o, int h, int w,
                  struct err *e)
{
    return open_model(m, c, &o->assumed, h, w, false, e);
}

int session_outline(struct model **m, struct ckpt *c, const struct session_opts *o, int h, int w,
                    struct err *e)
{
    return open_model(m, c, &o->assumed, h, w, true, e);
}

int session_proved(struct model **m, struct ckpt *c, const struct assume *a, int h, int w,
                   struct err *e)
{
    return open_model(m, c, a, h, w, true, e);
}

int session_network(struct data **data, struct model **m, struct ckpt *c,
                    const struct session_opts *o, const struct data_opts *d, struct err *e)
{
    struct data_opts images = *d;
    const int sized = geometry_any(&o->size) ? 0 : model_sized(c, e);

    *data = NULL;
    *m = NULL;
    images.size = o->size;
    if (sized < 0)
        return -1;
    /* One that leaves the size open takes that of the images. */
    if (sized && session_model(m, c, o, 0, 0, e) == 0) {
        images.size.h = (*m)->graph->value[0].h;
        images.size.w = (*m)->graph->value[0].w;
    }
    if (data_open(data, o->data, &images, e) != 0)
        return -1;
    return *m ? 0 : session_outline(m, c, o, data_h(*data), data_w(*data), e);
}

int session_head(struct model_head *h, const struct session_opts *o, struct err *e)
{
    struct ckpt *c;
    struct model *m = NULL;

    if (session_checkpoint(&c, o, e) != 0)
        return -1;
    int r = session_outline(&m, c, o, 0, 0, e);
    /* What stands before it needs no proof. */
    if (r == 0 && m->heads > 1 && o->assumed.reading == 0)
        r = err_set(e,
                    "%s: expected --assume reading=N, since several linear layers may be the head",
                    ckpt_name(c));
    if (r == 0 && model_head(h, m) != 0)
        r = err_set(e, "%s: expected a linear layer that makes the logits, found another end",
                    ckpt_name(c));
    model_close(m);
    ckpt_close(c);
    return r;
}

static void set_pixels(struct session *s)
{
    struct graph *g = s->model->graph;
    const struct normal_use *u = &s->pixels;
    char mean[NORMAL_TEXT], std[NORMAL_TEXT];

    memcpy(g->mean, u->mean, sizeof g->mean);
    memcpy(g->std, u->std, sizeof g->std);
    if (*u->conflict)
        prog_say("%s", u->conflict);
    if (prog_verbose())
        prog_say("%s images, mean %s, standard deviation %s (%s)", data_kind(s->data),
                 normal_text(mean, "%g", u->mean, u->channels),
                 normal_text(std, "%g", u->std, u->channels), u->from);
}

int session_open(struct session *s, const struct session_opts *o, const struct data_opts *d,
                 struct err *e)
{
    s->opts = o;
    s->assumed = o->assumed;
    if (engine_warm(o->device, (enum engine_precision)o->precision, e) != 0 ||
        session_checkpoint(&s->ckpt, o, e) != 0 ||
        session_network(&s->data, &s->model, s->ckpt, o, d, e) != 0)
        return -1;
    data_advise(s->data, s->model->side);
    if (normal_choose(&s->pixels, s->model, s->ckpt, data_kind(s->data), o->mean, o->std, e) != 0 ||
        (s->model->structure && proof_make(s, e) != 0))
        return -1;
    set_pixels(s);
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

void session_about(void)
{
    char line[1024];
    engine_kernels(line, sizeof line);
    printf("kernels    %s\n", line);
    engine_devices(line, sizeof line);
    printf("devices    %s\n", line);
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
    free(s->proof);
    *s = (struct session){0};
}
