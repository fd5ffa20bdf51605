#include "about.h"
#include "closed.h"
#include "items.h"
#include "job.h"
#include "sink.h"

#include "base/io.h"
#include "base/mem.h"
#include "ckpt/ckpt.h"
#include "net/net.h"

#include <stdlib.h>

/* What is read; `ids` and `logits` may be NULL. */
struct stored {
    const struct job *job;
    struct items *items, *logits;
    struct ids *ids;
    struct net_head linear;
    struct closed_head head;
    struct extent layer;
    struct run about;
};

/* The linear layer of the checkpoint, for features or for biases alone. */
static int load_head(struct stored *s, struct err *e)
{
    const struct npy_item *item = items_item(s->items);
    const struct ckpt_opts from = {.state = s->job->assume.state};
    struct closed_head *h = &s->head;
    struct ckpt *c;

    if (ckpt_open(&c, s->job->model, &from, e) != 0)
        return -1;
    int r = net_head(&s->linear, c, &s->job->assume, e);
    ckpt_close(c);
    if (r != 0)
        return -1;
    if (s->job->features) {
        if (s->linear.channels != item->shape[0])
            return err_set(e,
                           "%s: expected features of %d channels as the linear layer of %s, found "
                           "%lld",
                           items_name(s->items), s->linear.channels, s->job->model,
                           (long long)item->shape[0]);
        h->w = s->linear.w;
        h->classes = s->linear.classes;
        h->channels = s->linear.channels;
    } else if (s->linear.classes != h->classes) {
        return err_set(e, "%s: expected maps of %d classes as the linear layer of %s, found %d",
                       items_name(s->items), s->linear.classes, s->job->model, h->classes);
    }
    h->b = s->linear.b;
    return 0;
}

/* The number of items must be that of the maps or features, where both are known. */
static int check_count(const struct stored *s, const char *name, int64_t count, struct err *e)
{
    int64_t items = items_count(s->items);

    if (count < 0 || items < 0 || count == items)
        return 0;
    return err_set(e, "%s: expected %lld items as in %s, found %lld", name, (long long)items,
                   items_name(s->items), (long long)count);
}

static int open_inputs(struct stored *s, struct err *e)
{
    const struct job *j = s->job;
    const int64_t any[] = {-1, -1, -1};

    if (items_open(&s->items, j->features ? j->features : j->class_maps, 3, any, e) != 0)
        return -1;
    const struct npy_item *item = items_item(s->items);
    s->layer = (struct extent){(int)item->shape[1], (int)item->shape[2]};
    s->head.cells = (int)(item->shape[1] * item->shape[2]);
    s->head.classes = (int)item->shape[0];
    if (j->model && load_head(s, e) != 0)
        return -1;
    if (j->ids && (ids_open(&s->ids, j->ids, e) != 0 ||
                   check_count(s, io_name(j->ids), ids_count(s->ids), e) != 0))
        return -1;
    if (j->logits) {
        const int64_t classes[] = {s->head.classes};
        if (items_open(&s->logits, j->logits, 1, classes, e) != 0 ||
            check_count(s, io_name(j->logits), items_count(s->logits), e) != 0)
            return -1;
    }
    bool known = s->logits || s->head.b;
    return rows_open(j->rows, j->table, s->head.classes, j->stats && !known, e);
}

static int map_row(struct stored *s, struct closed *c, const struct row *row, struct sink *sink,
                   struct err *e)
{
    const struct rows *rows = s->job->rows;
    const float *logits = NULL, *item = NULL;
    int64_t index = s->ids ? ids_find(s->ids, row->id) : row->id;
    struct err why;
    struct maps m;

    if (index < 0)
        return rows_error(rows, row, e, "id %lld: expected one of the ids in %s, found none",
                          (long long)row->id, io_name(s->job->ids));
    item = items_get(s->items, index, &why);
    if (item && s->logits && job_probabilities(s->job))
        logits = items_get(s->logits, index, &why);
    if (!item || (s->logits && job_probabilities(s->job) && !logits))
        return rows_error(rows, row, e, "id %lld: %s", (long long)row->id, why.msg);
    closed_maps(c, row, item, logits, &m);
    return sink_put(sink, row, &m, e);
}

static int map_rows(struct stored *s, struct closed *c, struct row *row, struct sink *sink,
                    struct err *e)
{
    int got;

    while ((got = rows_next(s->job->rows, row, e)) > 0) {
        if (map_row(s, c, row, sink, e) != 0)
            return -1;
        if (!rows_ready(s->job->rows) && sink_flush(sink, e) != 0)
            return -1;
    }
    if (got < 0 || items_drain(s->items, e) != 0)
        return -1;
    return s->logits ? items_drain(s->logits, e) : 0;
}

static int run(struct stored *s, struct err *e)
{
    struct sink *sink;

    if (open_inputs(s, e) != 0 ||
        (s->job->run && about_stored(&s->about, s->job, s->layer, e) != 0) ||
        sink_open(&sink, s->job, s->layer, s->job->input, &s->about, e) != 0)
        return -1;
    closed_say(s->job);
    struct closed *c = closed_new(s->job, &s->head);
    struct row *row = mem_zero(1, rows_bytes(s->job->rows));
    int r = map_rows(s, c, row, sink, e);
    if (r == 0)
        r = sink_close(sink, e);
    else
        sink_abort(sink);
    closed_free(c);
    free(row);
    return r;
}

int stored_run(const struct job *j, struct err *e)
{
    struct stored s = {.job = j};
    int r = run(&s, e);

    items_close(s.items);
    items_close(s.logits);
    ids_close(s.ids);
    free(s.linear.w);
    free(s.linear.b);
    run_free(&s.about);
    return r;
}
