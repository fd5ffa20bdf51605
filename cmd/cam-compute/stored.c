#include "job.h"
#include "sink.h"

#include "base/mem.h"
#include "base/prog.h"
#include "base/real.h"
#include "cam/about.h"
#include "cam/stored.h"
#include "stats/prediction.h"

#include <stdlib.h>

enum { DOUBT_ROWS = 8 }; /* fewer tell nothing, and one in so many is right by chance */

struct job_stored {
    const struct job *job;
    struct model_head linear; /* of the checkpoint */
    struct stored_opts opts;
    struct stored *stored;
    struct extent grid;
    int *plane; /* of maps that are made: [planes] of a row, planes of an item */
    int pred;   /* the plane of the predicted class, or -1 */
    struct aim *aim;
    float *raw;
    struct run about;
};

static int open_tensors(struct job_stored *s, struct err *e)
{
    const struct job *j = s->job;

    s->opts = (struct stored_opts){.class_maps = j->class_maps,
                                   .features = j->features,
                                   .cams = j->cams,
                                   .logits = j->logits,
                                   .ids = j->ids,
                                   .weights = j->weights,
                                   .biases = j->biases,
                                   .how = j->how,
                                   .probabilities = j->stats != NULL,
                                   .twins = j->stats != NULL,
                                   .most_classes = STATS_CLASSES};
    if (j->session.model) {
        if (session_head(&s->linear, &j->session, e) != 0)
            return -1;
        s->opts.linear = &s->linear;
        s->opts.linear_from = j->session.model;
    }
    if (stored_open(&s->stored, &s->opts, e) != 0)
        return -1;
    stored_grid(s->stored, &s->grid.h, &s->grid.w);
    return 0;
}

/* Which planes of the items the rows' targets are. The classes: of maps that are made neither
 * rows nor items tell them, unless `all` is a target. -1 on error. */
static int find_planes(struct job_stored *s, struct targets *made, const char *list, struct err *e)
{
    const struct job *j = s->job;
    const int planes = stored_planes(s->stored);
    const char *name = stored_name(s->stored);
    int classes = targets_classes(made, planes, STATS_CLASSES);

    if (classes < 0)
        return err_set(e, "%s: expected a plane for each word of %s (%s), found %d planes", name,
                       j->planes ? "--planes" : "--target", list, planes);
    if (stored_classes(s->stored) > 0)
        classes = stored_classes(s->stored);
    if (aims_open(j->rows, j->table, classes, j->stats && !stored_probabilities(s->stored), e) !=
            0 ||
        targets_lay_out(made, classes, e) != 0)
        return -1;
    if (targets_planes(made) != planes)
        return err_set(e, "%s: expected %d planes, as %s of %d classes makes, found %d", name,
                       targets_planes(made), list, classes, planes);
    s->plane = mem_alloc((size_t)aims_planes(j->rows), sizeof *s->plane);
    for (int i = 0; i < aims_planes(j->rows); i++) {
        const char *word = aims_word(j->rows, i);
        int first = targets_find(made, word);
        if (first < 0)
            return err_set(e, "--target: expected words of --planes (%s), found '%s'", list, word);
        s->plane[i] = first + aims_offset(j->rows, i);
    }
    return 0;
}

static int open_rows(struct job_stored *s, struct err *e)
{
    const struct job *j = s->job;
    struct targets *made;
    const char *list = j->planes ? j->planes : j->targets;

    if (!j->cams)
        return aims_open(j->rows, j->table, stored_classes(s->stored),
                         j->stats && !stored_probabilities(s->stored), e);
    if (targets_parse(&made, list, e) != 0)
        return -1;
    int r = find_planes(s, made, list, e);
    targets_free(made);
    return r;
}

/* The checkpoint tells which layers come before the last stage. */
static int open_about(struct job_stored *s, struct err *e)
{
    const struct job *j = s->job;
    struct model *m = NULL;

    if (!j->run)
        return 0;
    if (j->session.model && !cam_has_places(s->grid.h, s->grid.w)) {
        struct ckpt *c;
        if (session_checkpoint(&c, &j->session, e) != 0)
            return -1;
        int built = session_outline(&m, c, &j->session, j->input.h, j->input.w, e);
        ckpt_close(c);
        if (built != 0)
            return -1;
    }
    about_stored(&s->about, m ? m->graph : NULL, s->grid.h, s->grid.w, &j->how);
    job_about(j, &s->about);
    model_close(m);
    return 0;
}

/* Stored maps hold none where a row had no such class. */
static int check_planes(const struct job_stored *s, const struct aims_row *row, struct err *e)
{
    const size_t cells = (size_t)s->grid.h * (size_t)s->grid.w;

    for (int i = 0; i < aims_planes(s->job->rows); i++)
        if (!real_finite(s->raw + (size_t)i * cells, cells))
            return aims_error(
                s->job->rows, row, e, "id %lld: expected a map of '%s' in %s, found none",
                (long long)row->id, aims_word(s->job->rows, i), stored_name(s->stored));
    return 0;
}

static int map_row(struct job_stored *s, const struct aims_row *row, struct sink *sink,
                   struct err *e)
{
    const struct aims *rows = s->job->rows;
    const int planes = aims_planes(rows);
    struct stored_more more;
    struct err why;

    for (int i = 0; i < planes; i++)
        s->aim[i] = aims_aim(rows, row, i);
    if ((s->plane ? stored_copy(s->stored, row->id, s->plane, planes, s->raw, &more, &why)
                  : stored_maps(s->stored, row->id, s->aim, planes, s->raw, &more, &why)) != 0)
        return aims_error(rows, row, e, "id %lld: %s", (long long)row->id, why.msg);
    if (s->plane && check_planes(s, row, e) != 0)
        return -1;
    if (!s->plane)
        stored_look(s->stored, s->pred < 0 ? row->pred : s->aim[s->pred].cls);
    const struct maps m = {
        .raw = s->raw, .rest = more.rest, .bias = more.bias, .twins = more.twins};
    return sink_put(sink, row, &m, e);
}

/* Features have the shape of class maps of more classes. Trained biases are small, so that the map
 * of the predicted class has the largest mean in nearly all rows. */
static void say_doubt(const struct job_stored *s)
{
    const struct stored_doubt *d = stored_doubt(s->stored);

    if (d->told >= DOUBT_ROWS && d->first < d->told / DOUBT_ROWS)
        prog_say("%s: of %lld rows, the map of the predicted class has the largest mean of %d "
                 "maps in %lld: are these --features, or maps of other images?",
                 stored_name(s->stored), (long long)d->told, stored_classes(s->stored),
                 (long long)d->first);
    else if (d->items > 0 && !d->below && stored_classes(s->stored) > 1)
        prog_say("%s: no map of any class has a negative value in %lld rows: are these --features?",
                 stored_name(s->stored), (long long)d->items);
}

static int map_rows(struct job_stored *s, struct aims_row *row, struct sink *sink, struct err *e)
{
    int got;

    while ((got = aims_next(s->job->rows, row, e)) > 0) {
        if (map_row(s, row, sink, e) != 0)
            return -1;
        if (!aims_ready(s->job->rows) && sink_flush(sink, e) != 0)
            return -1;
    }
    return got < 0 ? -1 : stored_end(s->stored, e);
}

static int run(struct job_stored *s, struct err *e)
{
    const struct job *j = s->job;
    struct sink *sink;

    if (open_tensors(s, e) != 0 || open_rows(s, e) != 0 || open_about(s, e) != 0)
        return -1;
    const struct sink_opts o = {.layer = s->grid, .input = j->input, .about = &s->about};
    if (sink_open(&sink, j, &o, e) != 0)
        return -1;
    size_t planes = (size_t)aims_planes(j->rows);
    s->pred = aims_find(j->rows, "pred");
    s->aim = mem_alloc(planes, sizeof *s->aim);
    s->raw = mem_alloc(planes * (size_t)s->grid.h * (size_t)s->grid.w, sizeof *s->raw);
    if (!j->cams)
        about_say(&j->how, true, false);
    struct aims_row *row = mem_zero(1, aims_bytes(j->rows));
    int r = map_rows(s, row, sink, e);
    if (r == 0)
        r = sink_close(sink, e);
    else
        sink_abort(sink);
    if (r == 0)
        say_doubt(s);
    free(row);
    return r;
}

int stored_run(const struct job *j, struct err *e)
{
    struct job_stored s = {.job = j};
    int r = run(&s, e);

    stored_close(s.stored);
    free(s.linear.w);
    free(s.linear.b);
    free(s.plane);
    free(s.aim);
    free(s.raw);
    run_free(&s.about);
    return r;
}
