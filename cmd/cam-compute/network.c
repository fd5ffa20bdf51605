#include "job.h"
#include "sink.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/real.h"
#include "cam/about.h"
#include "cam/augment.h"
#include "cam/choice.h"
#include "cam/layer.h"
#include "faith/stability.h"
#include "faith/order.h"
#include "faith/randomise.h"

#include <stdlib.h>
#include <string.h>

/* Score vectors that go backward together. A row with more maps passes the network
 * more than once, so that memory stays bounded. */
enum { TOGETHER = 8 };

struct network {
    const struct job *job;
    struct session session;
    struct sink *sink;
    struct run about;
    struct layer_choice choice;
    struct layer *layer;
    struct engine_want *want;
    int wants;
    int classes, cells;
    struct extent grid;
    bool other_class; /* maps are of another class than asked for */
    size_t pixels, row_bytes;
    /* read */
    struct aims_row *next; /* the row whose parts are being handed out, view by view */
    uint8_t *image;
    int parts, together; /* passes of a view, and planes of one */
    int views;           /* of an image: itself and, smoothed or for its stability, changed ones */
    bool ended;          /* the table is, or `why` says what is wrong with the next row */
    bool failed;
    struct err why;
    /* write */
    int64_t *id;     /* [batch] */
    struct aim *aim; /* (batch, together) */
    float *raw;      /* (planes, cells) */
    double *bias;    /* [planes] */
    double *rest;    /* [classes] */
    float *twins;    /* (planes, cells), or NULL */
    bool has_rest, has_twins;
    struct stability *stability; /* or NULL; with it: */
    struct moved *moved;         /* [planes] */
};

/* The row that an image carries through the engine. */
static struct aims_row *row_at(const struct network *n, void *tags, int i)
{
    return (struct aims_row *)((char *)tags + (size_t)i * n->row_bytes);
}

static int rows_load(struct network *n, struct err *e)
{
    struct aims_row *row = n->next;
    struct data_item item;
    struct err why;
    int got = aims_next(n->job->rows, row, e);

    if (got <= 0)
        return got;
    if (data_at(n->session.data, row->id, n->image, &item, &why) != 0)
        return aims_error(n->job->rows, row, e, "%s", why.msg);
    return 1;
}

/* The view of the next row's part, as the engine wants it. */
static void put_image(const struct network *n, struct engine_batch *b, int at)
{
    const struct graph *g = n->session.model->graph;

    if (b->images)
        augment_image(n->next->part / n->parts, g, n->image,
                      b->images + (size_t)at * graph_size(g, 0));
    else
        stability_view(n->next->part / n->parts, n->image, data_h(n->session.data),
                       data_w(n->session.data), b->pixels + (size_t)at * n->pixels);
}

static int read_images(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct network *n = ctx;
    int count = 0;

    while (count < max && !n->ended) {
        if (n->next->part == 0) {
            /* What is there is computed before more is waited for. */
            if (count > 0 && !aims_ready(n->job->rows))
                break;
            int got = rows_load(n, &n->why);
            n->failed = got < 0;
            n->ended = got <= 0;
            if (n->ended)
                break;
        }
        put_image(n, b, count);
        memcpy(row_at(n, b->tag, count), n->next, n->row_bytes);
        n->next->part = (n->next->part + 1) % (n->parts * n->views);
        count++;
    }
    /* The rows before a bad one are not lost. */
    if (count > 0 || !n->failed)
        return count;
    *e = n->why;
    return -1;
}

static int check_logits(const struct network *n, const struct aims_row *row, const float *logits,
                        struct err *e)
{
    if (real_finite(logits, (size_t)n->classes))
        return 0;
    return aims_error(n->job->rows, row, e,
                      "id %lld: expected finite logits, found one that is not", (long long)row->id);
}

/* The planes of one part of a row: the first, and how many. */
static int part_planes(const struct network *n, const struct aims_row *row, int *first)
{
    *first = row->part % n->parts * n->together;
    int left = aims_planes(n->job->rows) - *first;

    return left < n->together ? left : n->together;
}

/* The aims of these planes. */
static void aims_of(const struct network *n, const struct aims_row *row, int first, int planes,
                    struct aim *aim)
{
    for (int i = 0; i < planes; i++) {
        aim[i] = aims_aim(n->job->rows, row, first + i);
        /* Of a margin, the one that leads. */
        if (n->other_class)
            aim[i].cls =
                randomise_class(aim[i].cls, n->classes,
                                order_state((uint64_t)n->job->seed, row->id, ORDER_CLASSES));
    }
}

static int seed_scores(void *ctx, struct engine_batch *b, struct err *e)
{
    const struct network *n = ctx;
    struct aim aim[TOGETHER];
    int first;

    for (int i = 0; i < b->n; i++) {
        const struct aims_row *row = row_at(n, b->tag, i);
        if (check_logits(n, row, b->logits + (size_t)i * (size_t)n->classes, e) != 0)
            return -1;
        int planes = part_planes(n, row, &first);
        aims_of(n, row, first, planes, aim);
        layer_seed(n->layer, b, i, aim, planes);
    }
    return 0;
}

/* Images whose maps come in. */
struct batch {
    struct network *network;
    const struct engine_batch *of;
};

static void add_view(const struct network *n, int view, const float *map, int planes, float *sum)
{
    const size_t cells = (size_t)n->cells;

    if (view == 0)
        memset(sum, 0, (size_t)planes * cells * sizeof *sum);
    for (int i = 0; i < planes; i++)
        augment_add(view, map + (size_t)i * cells, n->grid.h, n->grid.w, sum + (size_t)i * cells);
}

/* The planes of a part of the image itself, of which those by another score and the probabilities
 * come along. */
static void keep_maps(struct network *n, const struct layer_maps *m, int first, int planes)
{
    const size_t cells = (size_t)n->cells, at = (size_t)first * cells;

    if (n->job->augment)
        add_view(n, 0, m->raw, planes, n->raw + at);
    else
        memcpy(n->raw + at, m->raw, (size_t)planes * cells * sizeof *n->raw);
    memcpy(n->bias + first, m->bias, (size_t)planes * sizeof *n->bias);
    n->has_twins = m->twins;
    if (m->twins)
        memcpy(n->twins + at, m->twins, (size_t)planes * cells * sizeof *n->twins);
    n->has_rest = m->rest;
    if (m->rest)
        memcpy(n->rest, m->rest, (size_t)n->classes * sizeof *n->rest);
}

/* The planes of a part of a moved image. */
static int compare_maps(struct network *n, const struct aims_row *row, const struct layer_maps *m,
                        int first, int planes, struct err *e)
{
    const int view = row->part / n->parts;
    const size_t cells = (size_t)n->cells;

    if (!real_finite(m->raw, (size_t)planes * cells))
        return aims_error(n->job->rows, row, e,
                          "id %lld: expected a finite map of the moved image, found an overflow",
                          (long long)row->id);
    for (int i = 0; i < planes; i++) {
        struct moved *to = &n->moved[first + i];
        const float *raw = n->raw + (size_t)(first + i) * cells;
        double same = NAN;
        if (cam_has_places(n->grid.h, n->grid.w))
            same = stability_compare(n->stability, view, raw, m->raw + (size_t)i * cells);
        if (view == STABILITY_MIRROR)
            *to = (struct moved){same, 0};
        else
            to->shift += same / (STABILITY_VIEWS - STABILITY_SHIFTS);
    }
    return 0;
}

static int take_maps(void *ctx, int i, const struct layer_maps *m, struct err *e)
{
    const struct batch *b = ctx;
    struct network *n = b->network;
    const struct aims_row *row = row_at(n, b->of->tag, i);
    int first, planes = part_planes(n, row, &first);

    if (row->part < n->parts)
        keep_maps(n, m, first, planes);
    else if (n->job->augment)
        add_view(n, row->part / n->parts, m->raw, planes,
                 n->raw + (size_t)first * (size_t)n->cells);
    else if (compare_maps(n, row, m, first, planes, e) != 0)
        return -1;
    if (row->part + 1 < n->parts * n->views)
        return 0;
    const struct maps all = {.raw = n->raw,
                             .rest = n->has_rest ? n->rest : NULL,
                             .bias = n->bias,
                             .twins = n->has_twins ? n->twins : NULL,
                             .moved = n->moved};
    return sink_put(n->sink, row, &all, e);
}

static int write_maps(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct network *n = ctx;
    struct batch batch = {n, b};

    for (int i = 0; i < b->n; i++) {
        const struct aims_row *row = row_at(n, b->tag, i);
        struct aim *aim = n->aim + (size_t)i * (size_t)n->together;
        int first, planes = part_planes(n, row, &first);
        if (check_logits(n, row, b->logits + (size_t)i * (size_t)n->classes, e) != 0)
            return -1;
        n->id[i] = row->id;
        aims_of(n, row, first, planes, aim);
        for (int k = planes; k < n->together; k++)
            aim[k] = (struct aim){-1, -1};
    }
    if (layer_run(n->layer, b, n->id, n->aim, n->together, take_maps, &batch, e) != 0)
        return -1;
    return sink_flush(n->sink, e);
}

/* The next row may never come. */
static void cancel(void *ctx)
{
    (void)ctx;
    in_cancel_all();
}

/* What several layers have no common unit for. */
static int check_signs(const struct network *n, struct err *e)
{
    if (!layer_finished(n->layer))
        return 0;
    if (aims_find(n->job->rows, "margin") >= 0)
        return err_set(e,
                       "--target margin: expected one layer and no --smooth aug: means of several "
                       "maps have no sign");
    return 0;
}

/* Takes from the network what it learnt, or from maps their class. */
static int randomise(struct network *n, struct err *e)
{
    const struct job *j = n->job;
    struct graph *g = n->session.model->graph;
    struct err why;

    n->other_class = j->randomise && strcmp(j->randomise, "logit") == 0;
    if (n->other_class && n->classes < 2)
        return err_set(e, "--randomise logit: expected a network of at least 2 classes, found 1");
    if (!j->randomise || n->other_class ||
        randomise_down_to(g, j->randomise, (uint64_t)j->seed, &why) == 0)
        return 0;
    return err_set(e, "--randomise: expected logit, or a layer: %s", why.msg);
}

static int open_network(struct network *n, struct err *e)
{
    const struct job *j = n->job;
    const struct data_opts d = {.note = prog_note};
    struct session *s = &n->session;

    if (session_open(s, &j->session, &d, e) != 0 || data_by_id(s->data, e) != 0)
        return -1;
    session_drop_checkpoint(s);
    n->classes = graph_classes(s->model->graph);
    if (randomise(n, e) != 0)
        return -1;
    /* Of the whole network there is no layer to choose. */
    if (j->how.method->needs & METHOD_BIASES)
        n->choice.name = j->layer;
    else
        choice_make(&n->choice, s->model->graph, j->layer);
    choice_say(&n->choice, s->model->graph, j->how.compat);
    const struct engine_opts passes = session_engine_opts(s);
    const struct layer_opts l = {.names = n->choice.name,
                                 .how = j->how,
                                 .probabilities = j->stats != NULL,
                                 .twins = j->stats != NULL,
                                 .finished = j->augment,
                                 .passes = &passes};
    if (layer_open(&n->layer, s->model->graph, &l, e) != 0)
        return -1;
    layer_grid(n->layer, &n->grid.h, &n->grid.w);
    n->cells = n->grid.h * n->grid.w;
    n->pixels = 3 * (size_t)data_h(s->data) * (size_t)data_w(s->data);
    return aims_open(j->rows, j->table, n->classes, false, e) == 0 ? check_signs(n, e) : -1;
}

static int open_engine(struct network *n, struct err *e)
{
    const int planes = aims_planes(n->job->rows);

    /* Without gradients all planes are made at once. */
    int most = n->job->how.method->needs & METHOD_BIASES ? 1 : TOGETHER;
    n->together = !layer_gradients(n->layer) || planes < most ? planes : most;
    n->parts = (planes + n->together - 1) / n->together;
    n->views = n->job->augment ? AUGMENT_VIEWS : n->job->stability ? STABILITY_VIEWS : 1;
    n->want = mem_alloc((size_t)layer_wants(n->layer), sizeof *n->want);
    int vectors = layer_want(n->layer, n->together, n->want, &n->wants);
    const struct engine_opts o = {
        .wants = n->want, .want_count = n->wants, .vectors = vectors, .images = n->job->augment};
    return session_engine(&n->session, &o, e);
}

static int run(struct network *n, struct err *e)
{
    const struct job *j = n->job;

    if (open_network(n, e) != 0 || open_engine(n, e) != 0)
        return -1;
    const size_t planes = (size_t)aims_planes(j->rows);
    layer_about(n->layer, &n->about);
    choice_put(&n->choice, &n->about);
    job_about(j, &n->about);
    if (j->randomise)
        run_put(&n->about, "randomised", "%s", j->randomise);
    const struct sink_opts o = {
        .layer = n->grid,
        .finished = layer_finished(n->layer),
        .input = {data_h(n->session.data), data_w(n->session.data)},
        .about = &n->about,
    };
    if (sink_open(&n->sink, j, &o, e) != 0)
        return -1;
    n->row_bytes = aims_bytes(j->rows);
    n->next = mem_zero(1, n->row_bytes);
    n->image = mem_alloc(n->pixels, 1);
    about_say(&j->how, layer_closed(n->layer), layer_rectified(n->layer));
    n->aim = mem_alloc((size_t)engine_batch_size(n->session.engine) * (size_t)n->together,
                       sizeof *n->aim);
    n->id = mem_alloc((size_t)engine_batch_size(n->session.engine), sizeof *n->id);
    n->raw = mem_alloc(planes * (size_t)n->cells, sizeof *n->raw);
    n->bias = mem_alloc(planes, sizeof *n->bias);
    n->rest = mem_alloc((size_t)n->classes, sizeof *n->rest);
    n->twins = j->stats ? mem_alloc(planes * (size_t)n->cells, sizeof *n->twins) : NULL;
    if (j->stability) {
        n->stability =
            stability_new(n->grid.h, n->grid.w, data_h(n->session.data), data_w(n->session.data));
        n->moved = mem_alloc(planes, sizeof *n->moved);
    }
    const struct engine_calls calls = {.ctx = n,
                                       .tag_bytes = n->row_bytes,
                                       .read = read_images,
                                       .seed = layer_gradients(n->layer) ? seed_scores : NULL,
                                       .write = write_maps,
                                       .cancel = cancel};
    if (engine_run(n->session.engine, &calls, e) != 0)
        return -1;
    if (layer_makes_passes(n->layer) && prog_verbose())
        prog_say("%lld passes for the weights of channels", (long long)layer_passes(n->layer));
    struct sink *sink = n->sink;
    n->sink = NULL;
    return sink_close(sink, e);
}

int network_run(const struct job *j, struct err *e)
{
    struct network n = {.job = j};
    int r = run(&n, e);

    sink_abort(n.sink);
    /* The layer may have engines of its own, which read the session's graph. */
    layer_close(n.layer);
    session_close(&n.session);
    free(n.want);
    free(n.next);
    free(n.image);
    free(n.id);
    free(n.aim);
    free(n.raw);
    free(n.bias);
    free(n.rest);
    free(n.twins);
    stability_free(n.stability);
    free(n.moved);
    run_free(&n.about);
    return r;
}
