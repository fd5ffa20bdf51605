#include "errors.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "base/real.h"
#include "faith/order.h"
#include "faith/stage.h"
#include "faith/turn.h"
#include "image/grey.h"
#include "model/score.h"
#include "rows/predictions.h"
#include "sink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In which order cells are deleted. */
enum { MARGIN, RANDOM, CENTER, ORDERS };
static const char *const order_word[ORDERS] = {"margin", "random", "center"};

/* The numbers of cells are powers of two up to half of all. */
enum { POWERS = 10, CELLS = 1 << POWERS };

/* Errors whose changed images pass the network together. */
enum { BLOCK_ERRORS = 64, BLOCK_BYTES = 64 << 20 };

struct error {
    int64_t id, line;
    int pred, truth;
};

struct errors {
    const struct errors_opts *opts;
    struct ids *ids; /* or NULL */
    struct stage_opts from;
    struct stage *stage;
    struct tsv_in *in;
    struct error *error; /* [count] */
    size_t count;
    int classes, h, w, powers;
    struct turn *turn;
    float *key[ORDERS]; /* [cells] */
    char *word[2 * POWERS];
    struct sink_metric metric[2 * POWERS + 2];
    struct sink_opts to;
    struct sink *sink;
    double *value; /* (block, orders, metrics) */
    int block;     /* errors that are held until their changed images were seen */
    /* with a network: */
    struct session session;
    uint8_t *pixels;
    float *images, *logits;
    bool *gone; /* [cells] */
};

/* --- reading --- */

static int read_errors(struct errors *r, struct err *e)
{
    const unsigned need = 1u << PREDICTION_ID | 1u << PREDICTION_TRUE | 1u << PREDICTION_PRED;
    struct seen *seen = seen_new();
    struct prediction_cols cols = {
        .classes = r->classes, .names = io_name(r->opts->class_maps), .seen = seen};
    struct prediction a;
    int64_t rows = 0;
    int got =
        tsv_open(&r->in, r->opts->table, e) != 0 ? -1 : prediction_find(&cols, r->in, need, 0, e);

    while (got == 0 && (got = prediction_next(&cols, r->in, &a, e)) > 0) {
        got = 0;
        rows++;
        if (a.truth < 0 || a.truth == a.pred || !shard_has(&r->opts->shard, a.id))
            continue;
        r->error = mem_extend(r->error, r->count, r->count + 1, sizeof *r->error);
        r->error[r->count++] = (struct error){a.id, tsv_line(r->in), a.pred, a.truth};
    }
    if (got == 0)
        got = seen_end(seen, prog_say, e);
    seen_free(seen);
    if (got < 0)
        return -1;
    if (rows == 0)
        prog_no_rows(tsv_name(r->in), "nothing checked");
    else if (r->count == 0 && prog_alone())
        prog_say("%s: no wrong predictions: nothing checked", tsv_name(r->in));
    r->count =
        order_keep((uint64_t)r->opts->seed, r->error, r->count, sizeof *r->error, r->opts->count);
    return 0;
}

/* --- one error --- */

static int error_about(const struct errors *r, const struct error *x, const struct err *why,
                       struct err *e)
{
    return err_set(e, "%s:%lld: id %lld: %s", tsv_name(r->in), (long long)x->line, (long long)x->id,
                   why->msg);
}

static double *values_of(const struct errors *r, int i, int order)
{
    return r->value + ((size_t)i * ORDERS + (size_t)order) * (size_t)r->to.metrics;
}

/* Makes the first n cells of the order grey: 0 of the normalised image. */
static void put_image(struct errors *r, int n, float *out)
{
    const struct graph *g = r->session.model->graph;
    const struct graph_value *v = &g->value[0];

    turn_choose(r->turn, n, r->gone);
    for (int c = 0; c < v->c; c++)
        for (int y = 0, i = c * v->h * v->w; y < v->h; y++)
            for (int x = 0; x < v->w; x++, i++) {
                int cell = order_cell(y, v->h, r->h) * r->w + order_cell(x, v->w, r->w);
                out[i] = r->gone[cell] ? 0 : graph_pixel(g, c, r->pixels[i]);
            }
}

/* The pixels as the network sees them. */
static int read_image(struct errors *r, const struct error *x, struct err *e)
{
    struct data_item item;
    struct err why;

    if (!r->opts->session)
        return 0;
    if (data_at(r->session.data, x->id, r->pixels, &item, &why) != 0)
        return error_about(r, x, &why, e);
    const struct graph *g = r->session.model->graph;
    if (g->value[0].c == 1)
        image_grey(r->pixels, graph_cells(g, 0), r->pixels);
    return 0;
}

/* Error `x`, the i-th of a block. */
static int check_error(struct errors *r, const struct error *x, int i, struct err *e)
{
    const int cells = r->h * r->w;
    struct turn_image image = {.pred = x->pred, .truth = x->truth};
    struct err why;

    if (stage_get(r->stage, x->id, x->pred, &image.maps, &image.logits, &why) != 0)
        return error_about(r, x, &why, e);
    if (read_image(r, x, e) != 0)
        return -1;
    for (int k = 0; k < cells; k++)
        r->key[MARGIN][k] = image.maps[x->pred * cells + k] - image.maps[x->truth * cells + k];
    for (int o = 0; o < ORDERS; o++) {
        double *value = values_of(r, i, o);
        turn_begin(r->turn, &image, r->key[o],
                   order_state((uint64_t)r->opts->seed, x->id, ORDER_CELLS));
        for (int p = 0; p < r->powers; p++)
            *value++ = turn_share(r->turn, 1 << p);
        int needed = turn_cells(r->turn);
        *value++ = needed > 0;
        *value = needed > 0 ? needed : NAN;
        if (!r->opts->session)
            continue;
        const size_t size = graph_size(r->session.model->graph, 0);
        float *out = r->images + (size_t)(i * ORDERS + o) * (size_t)r->powers * size;
        for (int p = 0; p < r->powers; p++, out += size)
            put_image(r, 1 << p, out);
    }
    return 0;
}

/* --- blocks --- */

/* Whether the true class is predicted of the changed images of a block. */
static int see_images(struct errors *r, const struct error *x, int n, struct err *e)
{
    const int each = ORDERS * r->powers;
    const struct engine_batch b = {.n = n * each, .images = r->images, .logits = r->logits};

    if (engine_forward(r->session.engine, &b, e) != 0)
        return -1;
    for (int i = 0; i < n * each; i++) {
        const struct error *of = &x[i / each];
        const float *logits = r->logits + (size_t)i * (size_t)r->classes;
        if (!real_finite(logits, (size_t)r->classes))
            return err_set(e, "%s:%lld: id %lld: expected finite logits, found one that is not",
                           tsv_name(r->in), (long long)of->line, (long long)of->id);
        double *value = values_of(r, i / each, i % each / r->powers) + r->powers + 2;
        value[i % r->powers] = score_best(logits, r->classes) == of->truth;
    }
    return 0;
}

static int check_block(struct errors *r, size_t from, int n, struct err *e)
{
    for (int i = 0; i < n; i++)
        if (check_error(r, &r->error[from + (size_t)i], i, e) != 0)
            return -1;
    if (r->opts->session && see_images(r, &r->error[from], n, e) != 0)
        return -1;
    for (int i = 0; i < n; i++) {
        const struct error *x = &r->error[from + (size_t)i];
        const int cls[] = {x->truth, x->pred};
        if (sink_put(r->sink, x->id, cls, values_of(r, i, 0), e) != 0)
            return -1;
        prog_progress("errors", (int64_t)from + i + 1, (int64_t)r->count);
    }
    return 0;
}

/* --- opening --- */

static void name_metrics(struct errors *r)
{
    struct sink_metric *m = r->metric;

    while (r->powers < POWERS && 2 << r->powers <= r->h * r->w)
        r->powers++;
    for (int p = 0; p < r->powers; p++) {
        r->word[p] = mem_printf("turned_%d", 1 << p);
        *m++ = (struct sink_metric){r->word[p], true};
    }
    *m++ = (struct sink_metric){"turned", true};
    *m++ = (struct sink_metric){"cells", false};
    for (int p = 0; p < r->powers && r->opts->session; p++) {
        r->word[r->powers + p] = mem_printf("image_turned_%d", 1 << p);
        *m++ = (struct sink_metric){r->word[r->powers + p], true};
    }
    r->to = (struct sink_opts){.classes = "true pred",
                               .map = order_word,
                               .maps = ORDERS,
                               .metric = r->metric,
                               .metrics = (int)(m - r->metric),
                               .baseline = RANDOM,
                               .summary = r->opts->summary,
                               .resamples = r->opts->resamples,
                               .seed = r->opts->seed};
}

static int open_stage(struct errors *r, struct err *e)
{
    const struct errors_opts *o = r->opts;
    if (o->ids && ids_open(&r->ids, o->ids, e) != 0)
        return -1;
    r->from = (struct stage_opts){.class_maps = o->class_maps,
                                  .logits = o->logits,
                                  .biases = o->biases,
                                  .ids_name = o->ids,
                                  .ids = r->ids};
    if (stage_open(&r->stage, &r->from, e) != 0)
        return -1;
    r->classes = stage_classes(r->stage);
    stage_grid(r->stage, &r->h, &r->w);
    const int cells = r->h * r->w;
    if (cells < 2 || cells > CELLS)
        return err_set(e, "%s: expected maps of 2 to %d cells, found %d", io_name(o->class_maps),
                       CELLS, cells);
    r->turn = turn_new(r->classes, cells);
    for (int i = 0; i < ORDERS; i++)
        r->key[i] = mem_zero((size_t)cells, sizeof **r->key);
    turn_center(r->h, r->w, r->key[CENTER]);
    return 0;
}

/* The network, as far as it is asked for. */
static int open_network(struct errors *r, struct err *e)
{
    const struct data_opts d = {.note = prog_note};
    const struct engine_opts engine = {.images = true};
    struct session *s = &r->session;

    r->block = 1;
    if (!r->opts->session)
        return 0;
    if (session_open(s, r->opts->session, &d, e) != 0 || data_by_id(s->data, e) != 0)
        return -1;
    session_drop_checkpoint(s);
    const struct graph *g = s->model->graph;
    if (graph_classes(g) != r->classes)
        return err_set(e, "%s: expected a network of %d classes as in %s, found %d",
                       io_name(r->opts->session->model), r->classes, io_name(r->opts->class_maps),
                       graph_classes(g));
    if (r->h > g->value[0].h || r->w > g->value[0].w)
        return err_set(e, "%s: expected maps of at most %dx%d, the size of the images, found %dx%d",
                       io_name(r->opts->class_maps), g->value[0].h, g->value[0].w, r->h, r->w);
    if (session_engine(s, &engine, e) != 0)
        return -1;
    const size_t each = (size_t)ORDERS * (size_t)r->powers;
    const size_t fit = BLOCK_BYTES / (each * graph_size(g, 0) * sizeof *r->images);
    r->block = fit < 1 ? 1 : fit < BLOCK_ERRORS ? (int)fit : BLOCK_ERRORS;
    const size_t images = (size_t)r->block * each;
    r->images = mem_alloc(images * graph_size(g, 0), sizeof *r->images);
    r->logits = mem_alloc(images * (size_t)r->classes, sizeof *r->logits);
    r->pixels = mem_alloc(graph_cells(g, 0), ENGINE_COLOURS);
    r->gone = mem_alloc((size_t)r->h * (size_t)r->w, sizeof *r->gone);
    return 0;
}

static int run(struct errors *r, struct err *e)
{
    if (open_stage(r, e) != 0)
        return -1;
    name_metrics(r);
    if (open_network(r, e) != 0 || read_errors(r, e) != 0 || sink_open(&r->sink, &r->to, e) != 0)
        return -1;
    r->value = mem_alloc((size_t)r->block * ORDERS * (size_t)r->to.metrics, sizeof *r->value);
    for (size_t from = 0; from < r->count; from += (size_t)r->block) {
        const size_t left = r->count - from;
        if (check_block(r, from, left < (size_t)r->block ? (int)left : r->block, e) != 0)
            return -1;
    }
    prog_progress_end();
    if (stage_end(r->stage, e) != 0)
        return -1;
    struct sink *sink = r->sink;
    r->sink = NULL;
    return sink_close(sink, NULL, e);
}

int errors_run(const struct errors_opts *o, struct err *e)
{
    struct errors r = {.opts = o};
    const int result = run(&r, e);

    sink_abort(r.sink);
    session_close(&r.session);
    stage_close(r.stage);
    ids_close(r.ids);
    turn_free(r.turn);
    for (int i = 0; i < ORDERS; i++)
        free(r.key[i]);
    for (int i = 0; i < 2 * POWERS; i++)
        free(r.word[i]);
    tsv_close(r.in);
    free(r.error);
    free(r.value);
    free(r.pixels);
    free(r.images);
    free(r.logits);
    free(r.gone);
    return result;
}
