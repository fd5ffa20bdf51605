#include "rows/items.h"
#include "job.h"
#include "sink.h"

#include "base/io.h"
#include "base/mem.h"
#include "cam/about.h"
#include "cam/closed.h"
#include "ckpt/ckpt.h"
#include "model/model.h"
#include "stats/prediction.h"

#include <stdlib.h>
#include <string.h>

/* What is read. Of maps that were made before (--cams), `plane` says for each plane of a
 * row which plane of an item it is; from others maps are made in closed form. */
struct stored {
    const struct job *job;
    struct items *items, *logits; /* logits may be NULL */
    struct ids *ids;              /* may be NULL */
    struct items *weights;        /* of each image's channels, or NULL: all have s->linear */
    struct model_head linear;
    struct closed_head head;
    struct extent layer;
    struct run about;
    struct targets *planes;
    int *plane;
    struct closed *closed;
    struct aim *aim; /* [planes] of a row, as all below */
    float *raw;
    double *bias, *p, *rest;
};

/* The number of items must be that of the maps or features, where both are known. */
static int check_count(const struct stored *s, const char *name, int64_t count, struct err *e)
{
    int64_t items = items_count(s->items);

    if (count < 0 || items < 0 || count == items)
        return 0;
    return err_set(e, "%s: expected %lld items as in %s, found %lld", name, (long long)items,
                   items_name(s->items), (long long)count);
}

/* The same of all, once pipes are at their ends. */
static int check_counts(const struct stored *s, struct err *e)
{
    const struct job *j = s->job;

    if ((s->ids && check_count(s, io_name(j->ids), ids_count(s->ids), e) != 0) ||
        (s->logits && check_count(s, io_name(j->logits), items_count(s->logits), e) != 0) ||
        (s->weights && check_count(s, io_name(j->weights), items_count(s->weights), e) != 0))
        return -1;
    return 0;
}

/* --- the linear layer --- */

/* A whole tensor of a linear layer: an item for each of *n classes, of `channels` numbers or
 * of one where that is 0. *n = 0 takes the classes that there are. Caller frees. */
static int load_tensor(float **v, int *n, int channels, const char *path, struct err *e)
{
    const int64_t shape[] = {channels};
    const size_t each = channels ? (size_t)channels : 1;
    struct items *t;

    if (items_open(&t, path, channels ? 1 : 0, shape, e) != 0)
        return -1;
    int64_t count = items_count(t);
    int r = 0;
    if (*n == 0 ? count < 1 || count > STATS_CLASSES : count != *n)
        r = err_set(e, "%s: expected a file with an item for each %s, found %lld", items_name(t),
                    *n == 0 ? "class" : "class of the maps", (long long)count);
    else
        *n = (int)count;
    *v = mem_alloc((size_t)*n * each + 1, sizeof **v);
    for (int i = 0; i < *n && r == 0; i++) {
        const float *item = items_get(t, i, e);
        if (item)
            memcpy(*v + (size_t)i * each, item, each * sizeof *item);
        else
            r = -1;
    }
    items_close(t);
    return r;
}

/* Weights that each image has of its own: what Grad-CAM makes of gradients. */
static int open_weights(struct stored *s, struct err *e)
{
    const struct job *j = s->job;
    const int64_t shape[] = {-1, s->linear.channels};

    if (j->method != method_at(METHOD_GRADCAM))
        return err_set(e,
                       "%s: expected the weights of a linear layer for --method %s, found those "
                       "of each image",
                       io_name(j->weights), j->method->word);
    if (j->biases)
        return err_set(e,
                       "%s: expected the weights of a linear layer for --biases, found those of "
                       "each image",
                       io_name(j->weights));
    if (items_open(&s->weights, j->weights, 2, shape, e) != 0 ||
        check_count(s, io_name(j->weights), items_count(s->weights), e) != 0)
        return -1;
    int64_t classes = items_item(s->weights)->shape[0];
    if (classes > STATS_CLASSES)
        return err_set(e, "%s: expected at most %d classes, found %lld", io_name(j->weights),
                       STATS_CLASSES, (long long)classes);
    s->linear.classes = (int)classes;
    return 0;
}

/* From --weights and --biases; without weights the classes are those of the maps. */
static int load_files(struct stored *s, struct err *e)
{
    const struct job *j = s->job;
    struct model_head *h = &s->linear;
    int axes = j->weights ? items_axes(j->weights, e) : 0;

    h->channels = (int)items_item(s->items)->shape[0];
    h->classes = j->weights ? 0 : s->head.classes;
    if (axes < 0)
        return -1;
    if (axes == 2)
        return open_weights(s, e);
    if (j->weights && load_tensor(&h->w, &h->classes, h->channels, j->weights, e) != 0)
        return -1;
    return j->biases ? load_tensor(&h->b, &h->classes, 0, j->biases, e) : 0;
}

static int build(const struct job *j, struct model **m, struct ckpt *c, struct err *e)
{
    const struct model_opts o = {
        .h = j->input.h, .w = j->input.w, .std = {1, 1, 1}, .assume = &j->assume};

    return model_open(m, c, &o, e);
}

static int load_checkpoint(struct stored *s, struct err *e)
{
    const struct ckpt_opts from = {.state = s->job->assume.state};
    struct ckpt *c;
    struct model *m = NULL;

    if (ckpt_open(&c, s->job->model, &from, e) != 0)
        return -1;
    int r = model_head(&s->linear, c, &s->job->assume, e);
    /* What is assumed about the network has to apply to it, although one layer is all that is
     * needed of it. */
    if (r == 0 && assume_network(&s->job->assume))
        r = build(s->job, &m, c, e);
    model_close(m);
    ckpt_close(c);
    return r;
}

/* The linear layer, for features or for biases alone. */
static int load_head(struct stored *s, struct err *e)
{
    const struct job *j = s->job;
    const struct npy_item *item = items_item(s->items);
    struct closed_head *h = &s->head;

    if ((j->model ? load_checkpoint(s, e) : load_files(s, e)) != 0)
        return -1;
    if (j->features) {
        if (s->linear.channels != item->shape[0])
            return err_set(e,
                           "%s: expected features of %d channels as the linear layer of %s, found "
                           "%lld",
                           items_name(s->items), s->linear.channels, j->model,
                           (long long)item->shape[0]);
        h->w = s->linear.w;
        h->classes = s->linear.classes;
        h->channels = s->linear.channels;
    } else if (s->linear.classes != h->classes) {
        return err_set(e, "%s: expected maps of %d classes as the linear layer of %s, found %d",
                       items_name(s->items), s->linear.classes, j->model, h->classes);
    }
    h->b = s->linear.b;
    return 0;
}

/* --- opening --- */

/* Which planes of the items the rows' targets are. */
static int find_planes(struct stored *s, struct err *e)
{
    const struct rows *rows = s->job->rows;

    if (targets_lay_out(s->planes, s->head.classes, e) != 0)
        return -1;
    s->plane = mem_alloc((size_t)rows_planes(rows), sizeof *s->plane);
    for (int i = 0; i < rows_planes(rows); i++) {
        const char *word = rows_word(rows, i);
        int first = targets_find(s->planes, word);
        if (first < 0)
            return err_set(e, "--target: expected words of --planes (%s), found '%s'",
                           s->job->planes ? s->job->planes : s->job->targets, word);
        s->plane[i] = first + i - rows_find(rows, word);
    }
    return 0;
}

/* Of maps that were made before neither rows nor items tell the number of classes, unless
 * `all` is a target. */
static int count_classes(struct stored *s, struct err *e)
{
    const char *list = s->job->planes ? s->job->planes : s->job->targets;
    int planes = s->head.classes;

    if (targets_parse(&s->planes, list, e) != 0)
        return -1;
    s->head.classes = targets_classes(s->planes, planes, STATS_CLASSES);
    if (s->head.classes >= 0)
        return 0;
    return err_set(e, "%s: expected a plane for each word of %s (%s), found %d planes",
                   items_name(s->items), s->job->planes ? "--planes" : "--target", list, planes);
}

static int open_logits(struct stored *s, struct err *e)
{
    /* Made maps may be of any number of classes. */
    int64_t classes = s->planes ? -1 : s->head.classes;

    if (items_open(&s->logits, s->job->logits, 1, &classes, e) != 0)
        return -1;
    s->head.classes = (int)items_item(s->logits)->shape[0];
    return check_count(s, io_name(s->job->logits), items_count(s->logits), e);
}

static int open_inputs(struct stored *s, struct err *e)
{
    const struct job *j = s->job;
    const int64_t any[] = {-1, -1, -1};

    if (items_open(&s->items,
                   j->features ? j->features
                   : j->cams   ? j->cams
                               : j->class_maps,
                   3, any, e) != 0)
        return -1;
    const struct npy_item *item = items_item(s->items);
    s->layer = (struct extent){(int)item->shape[1], (int)item->shape[2]};
    s->head.cells = (int)(item->shape[1] * item->shape[2]);
    s->head.classes = (int)item->shape[0];
    if ((j->cams && count_classes(s, e) != 0) ||
        ((j->model || j->weights || j->biases) && load_head(s, e) != 0))
        return -1;
    if (j->ids && (ids_open(&s->ids, j->ids, e) != 0 ||
                   check_count(s, io_name(j->ids), ids_count(s->ids), e) != 0))
        return -1;
    if (j->logits && open_logits(s, e) != 0)
        return -1;
    bool known = s->logits || s->head.b;
    if (rows_open(j->rows, j->table, s->head.classes, j->stats && !known, e) != 0)
        return -1;
    return s->planes ? find_planes(s, e) : 0;
}

/* The checkpoint tells which layers come before the last stage. */
static int open_about(struct stored *s, struct err *e)
{
    const struct job *j = s->job;
    struct model *m = NULL;

    if (!j->run)
        return 0;
    if (j->model && !cam_has_places(s->layer.h, s->layer.w)) {
        const struct ckpt_opts from = {.state = j->assume.state};
        struct ckpt *c;
        if (ckpt_open(&c, j->model, &from, e) != 0)
            return -1;
        int built = build(j, &m, c, e);
        ckpt_close(c);
        if (built != 0)
            return -1;
    }
    about_stored(&s->about, m ? m->graph : NULL, s->layer.h, s->layer.w, j->method, j->score);
    model_close(m);
    return 0;
}

/* --- maps --- */

static int copy_planes(struct stored *s, const struct row *row, const float *item, struct err *e)
{
    const size_t cells = (size_t)s->head.cells;

    for (int i = 0; i < rows_planes(s->job->rows); i++) {
        const float *plane = item + (size_t)s->plane[i] * cells;
        if (!cam_finite(plane, s->head.cells))
            return rows_error(s->job->rows, row, e,
                              "id %lld: expected a map of '%s' in %s, found none",
                              (long long)row->id, rows_word(s->job->rows, i), items_name(s->items));
        memcpy(s->raw + (size_t)i * cells, plane, cells * sizeof *plane);
    }
    return 0;
}

static int map_row(struct stored *s, const struct row *row, struct sink *sink, struct err *e)
{
    const struct rows *rows = s->job->rows;
    const int planes = rows_planes(rows);
    const bool wanted = job_probabilities(s->job);
    const float *logits = NULL, *item = NULL, *w = NULL;
    int64_t index = s->ids ? ids_find(s->ids, row->id) : row->id;
    struct err why;

    if (index < 0)
        return rows_error(rows, row, e, "id %lld: expected one of the ids in %s, found none",
                          (long long)row->id, io_name(s->job->ids));
    item = (s->planes ? items_get_any : items_get)(s->items, index, &why);
    if (item && s->logits && wanted)
        logits = items_get(s->logits, index, &why);
    if (item && s->weights && !(w = items_get(s->weights, index, &why)))
        item = NULL;
    if (!item || (s->logits && wanted && !logits))
        return rows_error(rows, row, e, "id %lld: %s", (long long)row->id, why.msg);
    if (w)
        closed_weights(s->closed, w);
    if (!logits && wanted && s->closed)
        logits = closed_logits(s->closed, item);
    if (logits)
        cam_softmax(logits, s->head.classes, s->p, s->rest);
    struct maps m = {s->raw, logits ? s->rest : NULL, s->head.b ? s->bias : NULL};
    if (s->planes) {
        if (copy_planes(s, row, item, e) != 0)
            return -1;
    } else {
        for (int i = 0; i < planes; i++)
            s->aim[i] = rows_aim(rows, row, i);
        closed_maps(s->closed, s->aim, planes, item, s->p, s->rest, s->raw, s->bias);
    }
    return sink_put(sink, row, &m, e);
}

static int map_rows(struct stored *s, struct row *row, struct sink *sink, struct err *e)
{
    int got;

    while ((got = rows_next(s->job->rows, row, e)) > 0) {
        if (map_row(s, row, sink, e) != 0)
            return -1;
        if (!rows_ready(s->job->rows) && sink_flush(sink, e) != 0)
            return -1;
    }
    if (got < 0 || items_drain(s->items, e) != 0 || (s->logits && items_drain(s->logits, e) != 0))
        return -1;
    return check_counts(s, e);
}

static int run(struct stored *s, struct err *e)
{
    struct sink *sink;

    if (open_inputs(s, e) != 0 || open_about(s, e) != 0 ||
        sink_open(&sink, s->job, s->layer, s->job->input, &s->about, e) != 0)
        return -1;
    size_t planes = (size_t)rows_planes(s->job->rows), classes = (size_t)s->head.classes;
    s->aim = mem_alloc(planes, sizeof *s->aim);
    s->raw = mem_alloc(planes * (size_t)s->head.cells, sizeof *s->raw);
    s->bias = mem_alloc(planes, sizeof *s->bias);
    s->p = mem_alloc(classes, sizeof *s->p);
    s->rest = mem_alloc(classes, sizeof *s->rest);
    if (!s->planes) {
        job_say_closed(s->job);
        s->closed = closed_new(s->job->score, &s->head);
    }
    struct row *row = mem_zero(1, rows_bytes(s->job->rows));
    int r = map_rows(s, row, sink, e);
    if (r == 0)
        r = sink_close(sink, e);
    else
        sink_abort(sink);
    free(row);
    return r;
}

int stored_run(const struct job *j, struct err *e)
{
    struct stored s = {.job = j};
    int r = run(&s, e);

    items_close(s.items);
    items_close(s.logits);
    items_close(s.weights);
    ids_close(s.ids);
    targets_free(s.planes);
    closed_free(s.closed);
    free(s.plane);
    free(s.aim);
    free(s.raw);
    free(s.bias);
    free(s.p);
    free(s.rest);
    free(s.linear.w);
    free(s.linear.b);
    run_free(&s.about);
    return r;
}
