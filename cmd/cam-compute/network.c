#include "about.h"
#include "closed.h"
#include "job.h"
#include "sink.h"

#include "base/mem.h"
#include "base/prog.h"
#include "ckpt/ckpt.h"
#include "data/data.h"
#include "net/net.h"
#include "net/normal.h"

#include <stdlib.h>
#include <string.h>

/* Score vectors that go backward together. A row with more maps passes the network
 * more than once, so that memory stays bounded. */
enum { TOGETHER = 8 };

struct network {
    const struct job *job;
    struct ckpt *ckpt;
    struct net *net;
    struct data *data;
    struct engine *engine;
    struct sink *sink;
    struct run about;
    int layer; /* a value of the network */
    int classes, channels, cells;
    size_t pixels, row_bytes;
    /* read */
    struct row *next; /* the row whose parts are being handed out */
    uint8_t *image;
    int parts, together;
    bool ended; /* the table is, or `why` says what is wrong with the next row */
    bool failed;
    struct err why;
    /* write */
    struct closed *closed; /* NULL where gradients are needed */
    float *raw, *weight;
    double *p, *rest;
};

/* The row that an image carries through the engine. */
static struct row *row_at(const struct network *n, void *tags, int i)
{
    return (struct row *)((char *)tags + (size_t)i * n->row_bytes);
}

static int rows_load(struct network *n, struct err *e)
{
    struct row *row = n->next;
    struct data_item item;
    struct err why;
    int got = rows_next(n->job->rows, row, e);

    if (got <= 0)
        return got;
    if (data_at(n->data, row->id, n->image, &item, &why) != 0)
        return rows_error(n->job->rows, row, e, "%s", why.msg);
    return 1;
}

static int read_images(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct network *n = ctx;
    int count = 0;

    while (count < max && !n->ended) {
        if (n->next->part == 0) {
            /* What is there is computed before more is waited for. */
            if (count > 0 && !rows_ready(n->job->rows))
                break;
            int got = rows_load(n, &n->why);
            n->failed = got < 0;
            n->ended = got <= 0;
            if (n->ended)
                break;
        }
        memcpy(b->pixels + (size_t)count * n->pixels, n->image, n->pixels);
        memcpy(row_at(n, b->tag, count), n->next, n->row_bytes);
        n->next->part = (n->next->part + 1) % n->parts;
        count++;
    }
    /* The rows before a bad one are not lost. */
    if (count > 0 || !n->failed)
        return count;
    *e = n->why;
    return -1;
}

static int check_logits(const struct network *n, const struct row *row, const float *logits,
                        struct err *e)
{
    if (cam_finite(logits, n->classes))
        return 0;
    return rows_error(n->job->rows, row, e,
                      "id %lld: expected finite logits, found one that is not", (long long)row->id);
}

static int seed_scores(void *ctx, struct engine_batch *b, struct err *e)
{
    const struct network *n = ctx;
    const struct rows *rows = n->job->rows;
    const size_t classes = (size_t)n->classes;
    /* Several threads come here, so the room is the call's own. */
    double *p = mem_alloc(2 * classes, sizeof *p);
    int r = 0;

    for (int i = 0; i < b->n && r == 0; i++) {
        const struct row *row = row_at(n, b->tag, i);
        const float *logits = b->logits + (size_t)i * classes;
        r = check_logits(n, row, logits, e);
        if (r == 0 && n->job->score != CAM_LOGIT)
            cam_softmax(logits, n->classes, p, p + classes);
        for (int g = 0; g < n->together && r == 0; g++) {
            int plane = row->part * n->together + g;
            if (plane == rows_planes(rows))
                break;
            struct aim aim = rows_aim(rows, row, plane);
            cam_seed(n->job->score, p, p + classes, n->classes, aim.cls, aim.minus,
                     b->seeds + ((size_t)i * (size_t)n->together + (size_t)g) * classes);
        }
    }
    free(p);
    return r;
}

/* Planes of one part from activations and gradients. */
static void map_part(struct network *n, const struct row *row, const float *features,
                     const float *grads)
{
    for (int g = 0; g < n->together; g++) {
        int plane = row->part * n->together + g;
        if (plane == rows_planes(n->job->rows))
            break;
        cam_map(n->job->method, features, grads, n->channels, n->cells, n->weight,
                n->raw + (size_t)plane * (size_t)n->cells);
        grads += (size_t)n->channels * (size_t)n->cells;
    }
}

static int put_batch(struct network *n, const struct engine_batch *b, struct err *e)
{
    const size_t item = (size_t)n->channels * (size_t)n->cells;

    for (int i = 0; i < b->n; i++) {
        const struct row *row = row_at(n, b->tag, i);
        const float *logits = b->logits + (size_t)i * (size_t)n->classes;
        const float *features = b->features + (size_t)i * item;
        struct maps m = {n->raw, NULL, NULL};
        if (check_logits(n, row, logits, e) != 0)
            return -1;
        if (n->closed)
            closed_maps(n->closed, row, features, logits, &m);
        else
            map_part(n, row, features, b->grads + (size_t)i * (size_t)n->together * item);
        if (row->part + 1 < n->parts)
            continue;
        if (!n->closed && job_probabilities(n->job)) {
            cam_softmax(logits, n->classes, n->p, n->rest);
            m.rest = n->rest;
        }
        if (sink_put(n->sink, row, &m, e) != 0)
            return -1;
    }
    return sink_flush(n->sink, e);
}

static int write_maps(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct network *n = ctx;

    if (put_batch(n, b, e) != 0) {
        /* Another thread may be waiting for rows that never come. */
        sink_abort(n->sink);
        prog_fail(e);
    }
    return 0;
}

static int open_network(struct network *n, struct err *e)
{
    const struct job *j = n->job;
    const struct data_opts d = {
        .resize_h = j->resize.h, .resize_w = j->resize.w, .note = prog_note};

    if (data_open(&n->data, j->data, &d, e) != 0)
        return -1;
    if (data_count(n->data) < 0)
        return err_set(e, "%s: expected a file or a folder, found a pipe: images are taken by id",
                       data_name(n->data));
    const struct ckpt_opts from = {.state = j->assume.state};
    struct net_opts o = {
        .h = data_h(n->data), .w = data_w(n->data), .assume = &j->assume, .note = prog_note};
    if (ckpt_open(&n->ckpt, j->model, &from, e) != 0 || net_build(&n->net, n->ckpt, &o, e) != 0)
        return -1;
    ckpt_close(n->ckpt); /* the network has its own weights */
    n->ckpt = NULL;
    struct normal_use pixels;
    normal_choose(&pixels, n->net, data_kind(n->data), j->mean, j->std);
    memcpy(n->net->mean, pixels.mean, sizeof pixels.mean);
    memcpy(n->net->std, pixels.std, sizeof pixels.std);
    n->layer = j->layer ? net_layer(n->net, j->layer, e) : net_last(n->net);
    if (n->layer < 0)
        return -1;
    n->classes = n->net->classes;
    n->channels = n->net->value[n->layer].c;
    n->cells = n->net->value[n->layer].h * n->net->value[n->layer].w;
    n->pixels = 3 * (size_t)o.h * (size_t)o.w;
    return rows_open(j->rows, j->table, n->classes, false, e);
}

/* The linear layer behind the pooling. */
static struct closed_head head_of(const struct network *n)
{
    const struct net_op *op = &n->net->op[n->net->ops - 1];

    return (struct closed_head){n->classes, n->channels, n->cells, op->w, op->b};
}

static int run(struct network *n, struct err *e)
{
    const struct job *j = n->job;

    if (engine_warm(j->device, e) != 0 || open_network(n, e) != 0)
        return -1;
    int planes = rows_planes(j->rows);
    bool last = n->layer == net_last(n->net);
    n->together = planes < TOGETHER ? planes : TOGETHER;
    n->parts = last ? 1 : (planes + n->together - 1) / n->together;
    struct engine_opts o = {.device = j->device,
                            .precision = j->precision,
                            .exact = j->exact,
                            .threads = j->threads,
                            .features = n->layer,
                            .gradients = last ? 0 : n->together,
                            .note = prog_note};
    if (engine_open(&n->engine, n->net, &o, e) != 0)
        return -1;
    if (prog_verbose())
        prog_say("%s", engine_about(n->engine));
    const struct net_value *v = &n->net->value[n->layer];
    about_network(&n->about, j, n->net, n->layer);
    if (sink_open(&n->sink, j, (struct extent){v->h, v->w},
                  (struct extent){data_h(n->data), data_w(n->data)}, &n->about, e) != 0)
        return -1;
    n->row_bytes = rows_bytes(j->rows);
    n->next = mem_zero(1, n->row_bytes);
    n->image = mem_alloc(n->pixels, 1);
    if (last) {
        struct closed_head head = head_of(n);
        closed_say(j);
        n->closed = closed_new(j, &head);
    } else {
        n->raw = mem_alloc((size_t)planes * (size_t)n->cells, sizeof *n->raw);
        n->weight = mem_alloc((size_t)n->channels, sizeof *n->weight);
        n->p = mem_alloc((size_t)n->classes, sizeof *n->p);
        n->rest = mem_alloc((size_t)n->classes, sizeof *n->rest);
    }
    struct engine_calls calls = {n, n->row_bytes, read_images, last ? NULL : seed_scores,
                                 write_maps};
    if (engine_run(n->engine, &calls, e) != 0)
        return -1;
    struct sink *sink = n->sink;
    n->sink = NULL;
    return sink_close(sink, e);
}

int network_run(const struct job *j, struct err *e)
{
    struct network n = {.job = j};
    int r = run(&n, e);

    sink_abort(n.sink);
    if (n.engine)
        engine_close(n.engine);
    closed_free(n.closed);
    free(n.next);
    free(n.image);
    free(n.raw);
    free(n.weight);
    free(n.p);
    free(n.rest);
    run_free(&n.about);
    if (n.net)
        net_free(n.net);
    if (n.ckpt)
        ckpt_close(n.ckpt);
    if (n.data)
        data_close(n.data);
    return r;
}
