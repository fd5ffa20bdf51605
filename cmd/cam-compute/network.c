#include "job.h"
#include "sink.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "cam/about.h"
#include "cam/layer.h"
#include "ckpt/ckpt.h"
#include "data/data.h"
#include "model/model.h"
#include "model/normal.h"

#include <stdlib.h>
#include <string.h>

/* Score vectors that go backward together. A row with more maps passes the network
 * more than once, so that memory stays bounded. */
enum { TOGETHER = 8 };

struct network {
    const struct job *job;
    struct ckpt *ckpt;
    struct model *model;
    struct data *data;
    struct engine *engine;
    struct sink *sink;
    struct run about;
    struct layer *layer;
    struct engine_want want[2];
    int wants, activation, gradients; /* results of the layer; gradients: -1 for none */
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
    struct aim *aim; /* [planes] */
    float *raw;      /* (planes, cells) */
    double *bias;    /* [planes] */
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

/* The planes of one part of a row: the first, and how many. */
static int part_planes(const struct network *n, const struct row *row, int *first)
{
    int left = rows_planes(n->job->rows) - row->part * n->together;

    *first = row->part * n->together;
    return left < n->together ? left : n->together;
}

static int seed_scores(void *ctx, struct engine_batch *b, struct err *e)
{
    const struct network *n = ctx;
    const size_t classes = (size_t)n->classes;
    struct aim aim[TOGETHER];
    int first;

    for (int i = 0; i < b->n; i++) {
        const struct row *row = row_at(n, b->tag, i);
        const float *logits = b->logits + (size_t)i * classes;
        if (check_logits(n, row, logits, e) != 0)
            return -1;
        int planes = part_planes(n, row, &first);
        for (int g = 0; g < planes; g++)
            aim[g] = rows_aim(n->job->rows, row, first + g);
        layer_seed(n->layer, logits, aim, planes,
                   b->seeds + (size_t)i * (size_t)n->together * classes);
    }
    return 0;
}

static int put_batch(struct network *n, const struct engine_batch *b, struct err *e)
{
    const size_t item = (size_t)n->channels * (size_t)n->cells;

    for (int i = 0; i < b->n; i++) {
        const struct row *row = row_at(n, b->tag, i);
        const float *logits = b->logits + (size_t)i * (size_t)n->classes;
        const float *grads = n->gradients < 0 ? NULL
                                              : b->results[n->gradients].values +
                                                    (size_t)i * (size_t)n->together * item;
        bool closed = layer_closed(n->layer);
        int first, planes = part_planes(n, row, &first);
        if (check_logits(n, row, logits, e) != 0)
            return -1;
        for (int g = 0; g < planes; g++)
            n->aim[g] = rows_aim(n->job->rows, row, first + g);
        if (job_probabilities(n->job))
            cam_softmax(logits, n->classes, n->p, n->rest);
        layer_maps(n->layer, n->aim, planes, b->results[n->activation].values + (size_t)i * item,
                   grads, n->p, n->rest, n->raw + (size_t)first * (size_t)n->cells, n->bias);
        if (row->part + 1 < n->parts)
            continue;
        struct maps m = {n->raw, job_probabilities(n->job) ? n->rest : NULL,
                         closed ? n->bias : NULL};
        if (sink_put(n->sink, row, &m, e) != 0)
            return -1;
    }
    return sink_flush(n->sink, e);
}

static int write_maps(void *ctx, const struct engine_batch *b, struct err *e)
{
    return put_batch(ctx, b, e);
}

/* The next row may never come. */
static void cancel(void *ctx)
{
    (void)ctx;
    in_cancel_all();
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
    const struct ckpt_opts from = {.state = j->assume.state, .extras = true};
    struct model_opts o = {
        .h = data_h(n->data), .w = data_w(n->data), .assume = &j->assume, .note = prog_note};
    if (ckpt_open(&n->ckpt, j->model, &from, e) != 0 || model_open(&n->model, n->ckpt, &o, e) != 0)
        return -1;
    struct normal_use pixels;
    normal_choose(&pixels, n->model, n->ckpt, data_kind(n->data), j->mean, j->std);
    if (*pixels.conflict)
        prog_say("%s", pixels.conflict);
    memcpy(n->model->graph->mean, pixels.mean, sizeof pixels.mean);
    memcpy(n->model->graph->std, pixels.std, sizeof pixels.std);
    data_advise(n->data, model_usual_side(n->model));
    ckpt_close(n->ckpt); /* the network has its own weights */
    n->ckpt = NULL;
    if (layer_open(&n->layer, n->model->graph, j->layer, j->score, j->method, e) != 0)
        return -1;
    const struct graph_value *v = layer_about(n->layer);
    n->classes = graph_classes(n->model->graph);
    n->channels = v->c;
    n->cells = v->h * v->w;
    n->pixels = 3 * (size_t)o.h * (size_t)o.w;
    return rows_open(j->rows, j->table, n->classes, false, e);
}

static int run(struct network *n, struct err *e)
{
    const struct job *j = n->job;

    if (engine_warm(j->device, e) != 0 || open_network(n, e) != 0)
        return -1;
    int planes = rows_planes(j->rows);
    bool gradients = layer_gradients(n->layer);
    /* Without gradients all planes are made at once. */
    n->together = !gradients || planes < TOGETHER ? planes : TOGETHER;
    n->parts = (planes + n->together - 1) / n->together;
    int value = layer_value(n->layer);
    n->activation = engine_add_want(n->want, &n->wants, value, ENGINE_ACTIVATION);
    n->gradients = gradients ? engine_add_want(n->want, &n->wants, value, ENGINE_GRADIENT) : -1;
    struct engine_opts o = {.device = j->device,
                            .precision = j->precision,
                            .exact = j->exact,
                            .threads = j->threads,
                            .wants = n->want,
                            .want_count = n->wants,
                            .vectors = gradients ? n->together : 0,
                            .note = prog_note};
    if (engine_open(&n->engine, n->model->graph, &o, e) != 0)
        return -1;
    if (prog_verbose())
        prog_say("%s", engine_about(n->engine));
    const struct graph_value *v = layer_about(n->layer);
    about_layer(&n->about, n->model->graph, layer_value(n->layer), j->layer, j->method, j->score);
    if (sink_open(&n->sink, j, (struct extent){v->h, v->w},
                  (struct extent){data_h(n->data), data_w(n->data)}, &n->about, e) != 0)
        return -1;
    n->row_bytes = rows_bytes(j->rows);
    n->next = mem_zero(1, n->row_bytes);
    n->image = mem_alloc(n->pixels, 1);
    if (layer_closed(n->layer))
        job_say_closed(j);
    n->aim = mem_alloc((size_t)n->together, sizeof *n->aim);
    n->raw = mem_alloc((size_t)planes * (size_t)n->cells, sizeof *n->raw);
    n->bias = mem_alloc((size_t)planes, sizeof *n->bias);
    n->p = mem_alloc((size_t)n->classes, sizeof *n->p);
    n->rest = mem_alloc((size_t)n->classes, sizeof *n->rest);
    const struct engine_calls calls = {.ctx = n,
                                       .tag_bytes = n->row_bytes,
                                       .read = read_images,
                                       .seed = gradients ? seed_scores : NULL,
                                       .write = write_maps,
                                       .cancel = cancel};
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
    layer_close(n.layer);
    free(n.next);
    free(n.image);
    free(n.aim);
    free(n.raw);
    free(n.bias);
    free(n.p);
    free(n.rest);
    run_free(&n.about);
    model_close(n.model);
    if (n.ckpt)
        ckpt_close(n.ckpt);
    if (n.data)
        data_close(n.data);
    return r;
}
