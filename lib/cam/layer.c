#include "cam/layer.h"

#include "base/mem.h"
#include "base/real.h"
#include "cam/about.h"
#include "cam/closed.h"
#include "cam/fullgrad.h"
#include "cam/masked.h"
#include "cam/second.h"
#include "graph/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One of the layers whose maps are made. */
struct part {
    int value, cells; /* that have places, behind `first` others */
    int h, w, first;
    float *acts, *grads;       /* (channels, cells) of an image, where there are others; or NULL */
    struct closed *closed;     /* or NULL */
    struct masked *masked;     /* or NULL */
    struct second *second;     /* or NULL */
    struct fullgrad *full;     /* or NULL: of the whole network, value 0 */
    float *held;               /* maps (n, planes, cells) of a batch by passes, or NULL */
    const float *given;        /* weights (planes, channels) of an image by passes, or NULL */
    int activation, gradients; /* results of an engine; gradients: -1 for none */
    float *weight;             /* [channels] */
    struct resize *resize;     /* to the image, where maps are finished */
};

struct layer {
    const struct graph *graph;
    struct layer_opts opts;
    struct part *part; /* [parts] */
    int parts;
    bool finished, probabilities;
    int h, w;
    int vectors;  /* of an image in a pass */
    float *raw;   /* (room, h, w) of an image */
    float *twins; /* the same by another score, or NULL */
    double *bias; /* [room] */
    int room;
    float *map;       /* (most cells of a part): one before it is finished */
    float *image;     /* (h, w): the same of the image's size */
    double *p, *rest; /* [classes] */
};

/* --- opening --- */

/* Passes of its own, where the method makes some at this layer. */
static int open_passes(const struct layer *l, struct part *p, struct err *e)
{
    const struct layer_opts *o = &l->opts;
    const bool second = (o->how.method->needs & METHOD_SECOND) && o->how.score != CAM_LOGIT;
    struct passes_opts m = {.graph = l->graph, .value = p->value, .how = o->how};

    if (!second && !o->how.method->passes)
        return 0;
    if (!o->passes)
        return err_set(e,
                       "--method %s: expected a program that makes passes for it, as cam-compute "
                       "does, found another",
                       o->how.method->word);
    m.engine = *o->passes;
    return second ? second_open(&p->second, &m, e) : masked_open(&p->masked, &m, e);
}

/* What passes cannot tell: gradients of a score that bends between the layer and the logits. */
static int check_linear(const struct layer *l, int value, struct err *e)
{
    const struct graph_op *op = graph_curve(l->graph, value);

    if (!op)
        return 0;
    return err_set(e,
                   "--method %s: expected logits that are piecewise linear in the layer %s, found "
                   "%s%s%s between them",
                   l->opts.how.method->word, graph_name(l->graph, value),
                   graph_rules[op->kind].name, op->key ? " " : "", op->key ? op->key : "");
}

static int add_part(struct layer *l, int value, struct err *e)
{
    const struct graph *g = l->graph;
    const struct graph_closed end = graph_closed(g);
    const struct graph_value *v = &g->value[value];
    const size_t channels = (size_t)v->c;
    struct graph_grid grid;

    graph_grid(g, value, &grid);
    struct part p = {.value = value,
                     .cells = grid.h * grid.w,
                     .h = grid.h,
                     .w = grid.w,
                     .first = grid.first,
                     .gradients = -1};
    for (int i = 0; i < l->parts; i++)
        if (l->part[i].value == value)
            return err_set(e, "--layer: expected each layer once, found '%s' twice in '%s'",
                           graph_name(g, value), l->opts.names);
    if (value == graph_last_stage(g) && l->opts.how.method->closed != METHOD_NETWORK) {
        const struct closed_head head = {graph_classes(g), v->c, p.cells, end.linear->w,
                                         end.linear->b};
        p.closed = closed_new(&l->opts.how, &head);
    } else if (((l->opts.how.method->needs & METHOD_SECOND) && check_linear(l, value, e) != 0) ||
               open_passes(l, &p, e) != 0) {
        return -1;
    }
    if (l->opts.how.method->needs & METHOD_BIASES)
        p.full = fullgrad_new(g);
    p.weight = mem_alloc(channels, sizeof *p.weight);
    if (p.first > 0) {
        p.acts = mem_alloc(channels * (size_t)p.cells, sizeof *p.acts);
        p.grads = mem_alloc(channels * (size_t)p.cells, sizeof *p.grads);
    }
    l->part = mem_grow(l->part, (size_t)l->parts + 1, sizeof *l->part);
    l->part[l->parts++] = p;
    return 0;
}

static bool attends(const struct graph *g)
{
    for (int i = 0; i < g->ops; i++)
        if (g->op[i].kind == GRAPH_ATTENTION || g->op[i].kind == GRAPH_MATMUL)
            return true;
    return false;
}

bool layer_serves(const struct graph *g, int value, const struct method *m)
{
    if (m->needs & METHOD_BIASES)
        return !attends(g);
    if (value == graph_last_stage(g))
        return true;
    return !((m->needs & METHOD_SECOND) && graph_curve(g, value)) &&
           !(m->passes == METHOD_ABLATES && !graph_alone(g, value));
}

/* A layer of each name. */
static int add_parts(struct layer *l, struct err *e)
{
    const char *at = l->opts.names;

    if (l->opts.how.method->needs & METHOD_BIASES)
        return at ? err_set(e,
                            "--method %s: expected no --layer: its maps are of the whole network",
                            l->opts.how.method->word)
               : attends(l->graph)
                   ? err_set(e, "--method %s: expected a network of images, found one of tokens",
                             l->opts.how.method->word)
                   : add_part(l, 0, e);
    if (!at) {
        int last = graph_last_stage(l->graph);
        if (last < 0)
            return err_set(e, "expected a network that ends in an average over all cells and one "
                              "linear layer, found another: give a layer");
        return add_part(l, last, e);
    }
    for (;;) {
        size_t n = strcspn(at, ",");
        char *name = mem_printf("%.*s", (int)n, at);
        int value = graph_layer(l->graph, name, e);
        free(name);
        if (value < 0 || add_part(l, value, e) != 0)
            return -1;
        if (!at[n])
            return 0;
        at += n + 1;
    }
}

/* The image's size, and the way of each part to it. */
static void open_finish(struct layer *l)
{
    const struct graph_value *image = &l->graph->value[0];
    int most = 0;

    l->h = image->h;
    l->w = image->w;
    for (int i = 0; i < l->parts; i++) {
        l->part[i].resize = resize_new(l->part[i].h, l->part[i].w, l->h, l->w);
        most = l->part[i].cells > most ? l->part[i].cells : most;
    }
    l->map = mem_alloc((size_t)most, sizeof *l->map);
    l->image = mem_alloc((size_t)l->h * (size_t)l->w, sizeof *l->image);
}

int layer_open(struct layer **out, const struct graph *g, const struct layer_opts *o, struct err *e)
{
    const size_t classes = (size_t)graph_classes(g);
    struct layer *l = mem_zero(1, sizeof *l);

    l->graph = g;
    l->opts = *o;
    l->probabilities = o->probabilities || o->twins || method_needs_logits(&o->how);
    if (add_parts(l, e) != 0) {
        layer_close(l);
        return -1;
    }
    l->finished = o->finished || l->parts > 1;
    l->h = l->part->h;
    l->w = l->part->w;
    if (l->finished)
        open_finish(l);
    l->p = mem_alloc(classes, sizeof *l->p);
    l->rest = mem_alloc(classes, sizeof *l->rest);
    *out = l;
    return 0;
}

void layer_close(struct layer *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->parts; i++) {
        closed_free(l->part[i].closed);
        masked_close(l->part[i].masked);
        second_close(l->part[i].second);
        fullgrad_free(l->part[i].full);
        resize_free(l->part[i].resize);
        free(l->part[i].weight);
        free(l->part[i].acts);
        free(l->part[i].grads);
    }
    free(l->part);
    free(l->raw);
    free(l->twins);
    free(l->bias);
    free(l->map);
    free(l->image);
    free(l->p);
    free(l->rest);
    free(l);
}

/* --- questions --- */

static bool needs_gradients(const struct layer *l, const struct part *p)
{
    return !p->closed && !p->second && (l->opts.how.method->needs & METHOD_GRADIENTS);
}

bool layer_closed(const struct layer *l)
{
    return l->parts == 1 && l->part->closed;
}

bool layer_gradients(const struct layer *l)
{
    for (int i = 0; i < l->parts; i++)
        if (needs_gradients(l, &l->part[i]))
            return true;
    return false;
}

bool layer_rectified(const struct layer *l)
{
    bool *rectified = graph_rectified(l->graph), all = true;

    for (int i = 0; i < l->parts; i++)
        all = all && rectified[l->part[i].value];
    free(rectified);
    return all;
}

/* Whether it makes passes of its own. */
static bool passes(const struct part *p)
{
    return p->masked || p->second;
}

bool layer_makes_passes(const struct layer *l)
{
    for (int i = 0; i < l->parts; i++)
        if (passes(&l->part[i]))
            return true;
    return false;
}

int64_t layer_passes(const struct layer *l)
{
    int64_t n = 0;

    for (int i = 0; i < l->parts; i++) {
        const struct part *p = &l->part[i];
        n += p->masked ? masked_passes(p->masked) : p->second ? second_passes(p->second) : 0;
    }
    return n;
}

bool layer_finished(const struct layer *l)
{
    return l->finished;
}

void layer_grid(const struct layer *l, int *h, int *w)
{
    *h = l->h;
    *w = l->w;
}

void layer_about(const struct layer *l, struct run *r)
{
    about_layer(r, l->graph, l->part->value, l->part->full ? ABOUT_NETWORK : l->opts.names, l->h,
                l->w, &l->opts.how);
}

/* --- maps --- */

int layer_wants(const struct layer *l)
{
    return l->part->full ? fullgrad_wants(l->part->full) + 2 : 2 * l->parts;
}

int layer_want(struct layer *l, int planes, struct engine_want *list, int *count)
{
    for (int i = 0; i < l->parts; i++) {
        struct part *p = &l->part[i];
        p->activation = engine_add_want(list, count, p->value, ENGINE_ACTIVATION);
        if (p->full)
            fullgrad_want(p->full, list, count);
        if (needs_gradients(l, p))
            p->gradients = engine_add_want(list, count, p->value, ENGINE_GRADIENT);
    }
    return l->vectors = layer_gradients(l) ? planes : 0;
}

static const float *logits_of(const struct layer *l, const struct engine_batch *b, int i)
{
    return b->logits + (size_t)i * (size_t)graph_classes(l->graph);
}

void layer_seed(const struct layer *l, struct engine_batch *b, int i, const struct aim *aim,
                int planes)
{
    const struct method_how *how = &l->opts.how;
    const size_t classes = (size_t)graph_classes(l->graph);
    struct seed_scores s = {.classes = (int)classes, .logits = logits_of(l, b, i)};
    float *seeds = b->seeds + (size_t)i * (size_t)l->vectors * classes;
    /* Several threads come here, so the room is the call's own. */
    double *room = NULL;

    if (method_needs_logits(how)) {
        room = mem_alloc(2 * classes, sizeof *room);
        cam_softmax(s.logits, s.classes, room, room + classes);
        s.p = room;
        s.rest = room + classes;
    }
    for (int k = 0; k < planes; k++, seeds += classes)
        if (aim[k].cls >= 0)
            seed_make(how, &s, aim[k], seeds);
    free(room);
}

/* A batch whose maps are asked for. */
struct asked {
    struct layer *layer;
    const struct engine_batch *batch;
    const int64_t *id;     /* [n] */
    const struct aim *aim; /* (n, planes) */
    int planes;
    int (*take)(void *ctx, int i, const struct layer_maps *m, struct err *e);
    void *ctx;
    struct part *part; /* whose passes run */
};

/* The cells that have places, of all channels of a value; `room` for them where there are
 * others. */
static const float *places_of(const struct layer *l, const struct part *p, const float *v,
                              float *room)
{
    const size_t all = graph_cells(l->graph, p->value), cells = (size_t)p->cells;

    if (!room)
        return v;
    for (int k = 0; k < l->graph->value[p->value].c; k++)
        memcpy(room + (size_t)k * cells, v + (size_t)k * all + (size_t)p->first,
               cells * sizeof *room);
    return room;
}

/* Activations of image `i`. */
static struct method_item item_of(const struct asked *a, const struct part *p, int i)
{
    const struct graph *g = a->layer->graph;
    const float *acts =
        a->batch->results[p->activation].values + (size_t)i * graph_size(g, p->value);

    return (struct method_item){.acts = places_of(a->layer, p, acts, p->acts),
                                .channels = g->value[p->value].c,
                                .cells = p->cells,
                                .weight = p->weight,
                                .id = a->id[i]};
}

/* What is known of the classes of the image whose maps are being made. */
static struct seed_scores scores_of(const struct layer *l, const struct engine_batch *b, int i)
{
    return (struct seed_scores){.classes = graph_classes(l->graph),
                                .logits = logits_of(l, b, i),
                                .p = l->p,
                                .rest = l->rest};
}

/* Map `k` of image `i` at one layer. */
static void map_part(const struct asked *a, const struct part *p, int i, int k, float *raw,
                     double *bias)
{
    const struct layer *l = a->layer;
    const size_t cells = (size_t)p->cells, size = graph_size(l->graph, p->value);
    struct method_item x = item_of(a, p, i);

    if (p->closed) {
        const struct seed_scores s = scores_of(l, a->batch, i);
        closed_maps(p->closed, &a->aim[i * a->planes + k], 1, x.acts, x.id, &s, raw, bias);
        return;
    }
    if (p->full) {
        fullgrad_map(p->full, a->batch, i, l->vectors, k, l->opts.how.compat ? CAM_EPSILON : 0,
                     raw);
        return;
    }
    if (p->held) {
        memcpy(raw, p->held + ((size_t)i * (size_t)a->planes + (size_t)k) * cells,
               cells * sizeof *raw);
        return;
    }
    if (passes(p)) {
        method_weighted(&l->opts.how, &x, p->given + (size_t)k * (size_t)x.channels, raw);
        return;
    }
    if (p->gradients >= 0)
        x.grads = places_of(l, p,
                            a->batch->results[p->gradients].values +
                                ((size_t)i * (size_t)l->vectors + (size_t)k) * size,
                            p->grads);
    method_map(&l->opts.how, &x, raw);
}

/* The map of the only layer, which has a closed form, by another score. */
static void map_twin(const struct asked *a, int i, int k, float *raw)
{
    const struct layer *l = a->layer;
    const struct method_item x = item_of(a, l->part, i);
    const struct seed_scores s = scores_of(l, a->batch, i);

    closed_twins(l->part->closed, &a->aim[i * a->planes + k], 1, x.acts, x.id, &s, raw);
}

/* The mean of the finished maps of all layers. */
static void map_finished(const struct asked *a, int i, int k, float *out)
{
    const struct layer *l = a->layer;
    const float epsilon = l->opts.how.compat ? CAM_EPSILON : 0;
    const int cells = l->h * l->w;
    double bias;

    for (int j = 0; j < cells; j++)
        out[j] = 0;
    for (int n = 0; n < l->parts; n++) {
        const struct part *p = &l->part[n];
        map_part(a, p, i, k, l->map, &bias);
        if (!real_finite(l->map, (size_t)p->cells)) {
            out[0] = NAN; /* which rectifying would hide */
            return;
        }
        cam_rectify(l->map, p->cells);
        cam_normalise(l->map, p->cells, epsilon);
        resize_run(p->resize, l->map, l->image);
        for (int j = 0; j < cells; j++)
            out[j] += l->image[j] / (float)l->parts;
    }
    cam_normalise(out, cells, epsilon);
}

/* Makes all maps of image `i` and hands them out. */
static int take_image(struct asked *a, int i, struct err *e)
{
    struct layer *l = a->layer;
    const int cells = l->h * l->w;
    float *raw = l->raw;

    if (l->probabilities)
        cam_softmax(logits_of(l, a->batch, i), graph_classes(l->graph), l->p, l->rest);
    for (int k = 0; k < a->planes; k++, raw += cells) {
        l->bias[k] = NAN;
        if (a->aim[i * a->planes + k].cls < 0)
            for (int j = 0; j < cells; j++)
                raw[j] = NAN;
        else if (l->finished)
            map_finished(a, i, k, raw);
        else
            map_part(a, l->part, i, k, raw, &l->bias[k]);
        if (l->twins && a->aim[i * a->planes + k].cls >= 0)
            map_twin(a, i, k, l->twins + (size_t)k * (size_t)cells);
    }
    const struct layer_maps m = {.raw = l->raw,
                                 .bias = l->bias,
                                 .rest = l->probabilities ? l->rest : NULL,
                                 .twins = l->twins};
    return a->take(a->ctx, i, &m, e);
}

/* Keeps an image's maps at one of several layers. */
static int hold_weights(void *ctx, int i, const float *weight, struct err *e)
{
    const struct asked *a = ctx;
    const struct part *p = a->part;
    const size_t cells = (size_t)p->cells;
    const struct method_item x = item_of(a, p, i);

    (void)e;
    for (int k = 0; k < a->planes; k++)
        method_weighted(&a->layer->opts.how, &x, weight + (size_t)k * (size_t)x.channels,
                        p->held + ((size_t)i * (size_t)a->planes + (size_t)k) * cells);
    return 0;
}

static int take_weights(void *ctx, int i, const float *weight, struct err *e)
{
    struct asked *a = ctx;

    a->part->given = weight;
    return take_image(a, i, e);
}

/* The passes of one layer. */
static int run_passes(struct asked *a, struct part *p,
                      int (*take)(void *ctx, int i, const float *weight, struct err *e),
                      struct err *e)
{
    const struct engine_batch *b = a->batch;
    const struct passes_batch m = {.n = b->n,
                                   .pixels = b->pixels,
                                   .images = b->images,
                                   .activations = b->results[p->activation].values,
                                   .logits = b->logits,
                                   .aim = a->aim,
                                   .planes = a->planes};

    a->part = p;
    return p->masked ? masked_run(p->masked, &m, take, a, e)
                     : second_run(p->second, &m, take, a, e);
}

/* Passes of all layers but the last one that has some, whose images are handed out as they come. */
static int run_all_passes(struct asked *a, struct err *e)
{
    struct layer *l = a->layer;
    struct part *last = NULL;
    int r = 0;

    for (int i = 0; i < l->parts && r == 0; i++) {
        struct part *p = &l->part[i];
        if (!passes(p))
            continue;
        if (last) {
            last->held = mem_alloc((size_t)a->batch->n * (size_t)a->planes * (size_t)last->cells,
                                   sizeof *last->held);
            r = run_passes(a, last, hold_weights, e);
        }
        last = p;
    }
    if (r == 0)
        r = run_passes(a, last, take_weights, e);
    for (int i = 0; i < l->parts; i++) {
        free(l->part[i].held);
        l->part[i].held = NULL;
    }
    return r;
}

int layer_run(struct layer *l, const struct engine_batch *b, const int64_t *id,
              const struct aim *aim, int planes,
              int (*take)(void *ctx, int i, const struct layer_maps *m, struct err *e), void *ctx,
              struct err *e)
{
    struct asked a = {
        .layer = l, .batch = b, .id = id, .aim = aim, .planes = planes, .take = take, .ctx = ctx};

    if (planes > l->room) {
        const size_t n = (size_t)planes;
        l->raw = mem_grow(l->raw, n * (size_t)l->h * (size_t)l->w, sizeof *l->raw);
        l->bias = mem_grow(l->bias, n, sizeof *l->bias);
        if (l->opts.twins && layer_closed(l) && !l->finished)
            l->twins = mem_grow(l->twins, n * (size_t)l->part->cells, sizeof *l->twins);
        l->room = planes;
    }
    if (layer_makes_passes(l))
        return run_all_passes(&a, e);
    for (int i = 0; i < b->n; i++)
        if (take_image(&a, i, e) != 0)
            return -1;
    return 0;
}
