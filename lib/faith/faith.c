#include "faith/faith.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/real.h"
#include "cam/resize.h"
#include "faith/fill.h"
#include "faith/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUEUE_BYTES = 64 << 20, /* of changed images that wait, where several maps fit */
    QUEUE_IMAGES = 2048,
    WAITING = 64 /* images whose values wait */
};

/* Shares of the pixels that ROAD replaces, in percent. */
static const int road_percent[] = {20, 40, 60, 80};

/* What a series changes: the points have count[n] pixels or cells, rising. */
struct points {
    bool used;
    int first; /* its place among the points of a map */
    int n;
    int *count;
    double *share;
};

/* The size of a map, and the way from there to that of the image. */
struct sized {
    struct faith_size size;
    struct resize *resize;
};

/* A map at the size of the image, by cells, and scaled to [0, 1] at the size of the image; whether
 * all is equal, and whether it is blank. */
struct drawn {
    float *pixels, *cells, *unit;
    bool flat, blank;
};

/* An image whose scores are not all known. Point 0 is the image itself; those of map m follow from
 * 1 + m * points. */
struct waiting {
    struct faith_image image;
    struct drawn *drawn; /* [maps] */
    double *given;       /* (maps, metrics) values of those that need no series */
    int *same;           /* [variants] the one that it equals, itself, or -1 where there is none */
    double *score;       /* [variants] of those that equal themselves */
};

/* Whose score an image in the queue gives. */
struct place {
    int waiting, variant;
};

struct faith {
    struct faith_opts opts; /* without the sizes; its metrics are a copy */
    struct fill_shape shape;
    size_t pixels, cells, size; /* size: floats of an image */
    int classes;
    unsigned needs;
    struct points points[SERIES_COUNT];
    int each;                    /* points of a map */
    int variants;                /* of an image */
    struct sized *sized;         /* [maps] */
    uint32_t *cell_of;           /* [pixels] */
    float *image;                /* that is being added, normalised */
    float *fill[FAITH_DROP + 1]; /* of it, where a series needs it; the noise of FAITH_LINEAR */
    uint32_t *ties[2];           /* of it: of pixels, of cells */
    const float *const *map;
    struct drawn reference; /* of it, where a metric needs it */
    float *queue;           /* (room, size) */
    struct place *place;
    uint64_t *hash; /* [room] */
    int queued, room;
    float *logits;           /* (room, classes) */
    double *p, *rest;        /* [classes] */
    struct waiting *waiting; /* [WAITING] */
    int count;
    uint64_t *seen_hash; /* [seen] of the image that is being added, and which variant */
    int *seen_variant;   /* -1: free */
    size_t seen;         /* a power of two */
    int64_t passed, asked;
};

/* --- plan --- */

static void set_points(struct faith *f, enum series s)
{
    const struct series_rule *r = series_rule(s);
    struct points *p = &f->points[s];
    const int all = (int)(r->cells ? f->cells : f->pixels);
    const int steps = f->opts.steps < all ? f->opts.steps : all;
    p->used = f->needs >> s & 1;
    p->n = !p->used                  ? 0
           : r->steps == FAITH_EVERY ? steps + 1
           : r->steps == FAITH_ROAD  ? (int)(sizeof road_percent / sizeof *road_percent)
                                     : 1;
    p->first = f->each;
    f->each += p->n;
    p->count = mem_zero((size_t)p->n + 1, sizeof *p->count);
    p->share = mem_zero((size_t)p->n + 1, sizeof *p->share);
    for (int i = 0; i < p->n; i++) {
        /* Rounded down in ROAD, as usual there. */
        p->count[i] = r->steps == FAITH_EVERY  ? (int)(((int64_t)2 * i * all + steps) / (2 * steps))
                      : r->steps == FAITH_ROAD ? (int)((int64_t)all * road_percent[i] / 100)
                                               : all;
        p->share[i] = (double)p->count[i] / all;
    }
}

static void set_fills(struct faith *f)
{
    for (int s = 0; s < SERIES_COUNT; s++) {
        const enum faith_fill fill = series_rule((enum series)s)->fill;
        const bool needed = fill <= FAITH_BLUR || (fill == FAITH_LINEAR && f->opts.noise > 0);
        if (f->points[s].used && needed && !f->fill[fill])
            f->fill[fill] = mem_alloc(f->size, sizeof **f->fill);
    }
}

static void set_cells(struct faith *f)
{
    const struct faith_size c = f->opts.cells;
    f->cell_of = mem_alloc(f->pixels, sizeof *f->cell_of);
    for (int y = 0, i = 0; y < f->shape.h; y++)
        for (int x = 0; x < f->shape.w; x++, i++)
            f->cell_of[i] =
                (uint32_t)(order_cell(y, f->shape.h, c.h) * c.w + order_cell(x, f->shape.w, c.w));
}

static void set_room(struct faith *f)
{
    size_t n = f->each > 0 ? (size_t)QUEUE_BYTES / (f->size * sizeof *f->queue) : 1;
    n = n < QUEUE_IMAGES ? n : QUEUE_IMAGES;
    /* A map's images are made in one go, and that of the image itself goes before them. */
    f->room = (int)n > f->each + 1 ? (int)n : f->each + 1;
    f->queue = mem_alloc((size_t)f->room * f->size, sizeof *f->queue);
    f->place = mem_alloc((size_t)f->room, sizeof *f->place);
    f->hash = mem_alloc((size_t)f->room, sizeof *f->hash);
    f->logits = mem_alloc((size_t)f->room * (size_t)f->classes, sizeof *f->logits);
    f->p = mem_alloc((size_t)f->classes, sizeof *f->p);
    f->rest = mem_alloc((size_t)f->classes, sizeof *f->rest);
    for (f->seen = 2; f->seen < 2 * (size_t)f->variants;)
        f->seen *= 2;
    f->seen_hash = mem_alloc(f->seen, sizeof *f->seen_hash);
    f->seen_variant = mem_alloc(f->seen, sizeof *f->seen_variant);
}

/* Room for what waits of an image; many points of many maps fill the queue long before all of
 * WAITING images wait. */
static void set_waiting(const struct faith *f, struct waiting *w)
{
    if (w->same)
        return;
    w->given = mem_alloc((size_t)f->opts.maps * (size_t)f->opts.metrics + 1, sizeof *w->given);
    w->same = mem_alloc((size_t)f->variants, sizeof *w->same);
    w->score = mem_alloc((size_t)f->variants, sizeof *w->score);
    w->drawn = mem_zero((size_t)f->opts.maps + 1, sizeof *w->drawn);
}

static void *copy(const void *list, size_t n, size_t size)
{
    void *to = mem_alloc(n + 1, size);
    memcpy(to, list, n * size);
    return to;
}

struct faith *faith_open(const struct faith_opts *o)
{
    struct faith *f = mem_zero(1, sizeof *f);
    f->opts = *o;
    f->opts.metric = copy(o->metric, (size_t)o->metrics, sizeof *o->metric);
    f->opts.size = NULL;
    f->shape = (struct fill_shape){3, o->image.h, o->image.w};
    f->pixels = (size_t)o->image.h * (size_t)o->image.w;
    f->size = 3 * f->pixels;
    f->cells = (size_t)o->cells.h * (size_t)o->cells.w;
    f->classes = o->graph ? graph_classes(o->graph) : 0;
    for (int i = 0; i < o->metrics; i++)
        f->needs |= metric_rule(o->metric[i])->needs;
    for (int s = 0; s < SERIES_COUNT; s++)
        set_points(f, (enum series)s);
    f->variants = 1 + o->maps * f->each;
    f->sized = mem_alloc((size_t)o->maps + 1, sizeof *f->sized);
    for (int m = 0; m < o->maps; m++)
        f->sized[m] = (struct sized){
            o->size[m], resize_new(o->size[m].h, o->size[m].w, o->image.h, o->image.w)};
    f->image = mem_alloc(f->size, sizeof *f->image);
    f->ties[0] = mem_alloc(f->pixels, sizeof **f->ties);
    f->ties[1] = mem_alloc(f->cells, sizeof **f->ties);
    set_fills(f);
    set_cells(f);
    set_room(f);
    f->waiting = mem_zero(WAITING, sizeof *f->waiting);
    return f;
}

void faith_close(struct faith *f)
{
    if (!f)
        return;
    for (int s = 0; s < SERIES_COUNT; s++) {
        free(f->points[s].count);
        free(f->points[s].share);
    }
    for (int m = 0; m < f->opts.maps; m++)
        resize_free(f->sized[m].resize);
    free(f->sized);
    free((void *)f->opts.metric);
    free(f->cell_of);
    free(f->image);
    for (size_t i = 0; i < sizeof f->fill / sizeof *f->fill; i++)
        free(f->fill[i]);
    free(f->ties[0]);
    free(f->ties[1]);
    free(f->queue);
    free(f->place);
    free(f->hash);
    free(f->logits);
    free(f->p);
    free(f->rest);
    free(f->seen_hash);
    free(f->seen_variant);
    for (int i = 0; i < WAITING; i++) {
        free(f->waiting[i].given);
        free(f->waiting[i].same);
        free(f->waiting[i].score);
        free(f->waiting[i].drawn);
    }
    free(f->waiting);
    free(f);
}

/* --- scores --- */

static double score_of(struct faith *f, const float *logits, struct aim aim)
{
    if (f->opts.score != CAM_LOGIT)
        cam_softmax(logits, f->classes, f->p, f->rest);
    return cam_value(f->opts.score, logits, f->p, f->rest, f->classes, aim.cls, aim.minus);
}

static int run_queue(struct faith *f, struct err *e)
{
    const struct engine_batch b = {.n = f->queued, .images = f->queue, .logits = f->logits};
    if (f->queued == 0)
        return 0;
    if (engine_forward(f->opts.engine, &b, e) != 0)
        return -1;
    for (int i = 0; i < f->queued; i++) {
        const float *logits = f->logits + (size_t)i * (size_t)f->classes;
        struct waiting *w = &f->waiting[f->place[i].waiting];
        if (!real_finite(logits, (size_t)f->classes))
            return err_set(e, "id %lld: expected finite logits, found one that is not",
                           (long long)w->image.id);
        w->score[f->place[i].variant] = score_of(f, logits, w->image.aim);
    }
    f->passed += f->queued;
    f->queued = 0;
    return 0;
}

/* --- values --- */

static double known(const struct waiting *w, int variant)
{
    const int same = w->same[variant];
    return same < 0 ? NAN : w->score[same];
}

static double most_of(enum cam_score score, struct aim aim)
{
    return score == CAM_PROB ? 1 : score == CAM_LOGPROB && aim.minus < 0 ? 0 : INFINITY;
}

static void value_map(const struct faith *f, const struct waiting *w, int m, double *score,
                      double *value)
{
    struct scores series[SERIES_COUNT];
    for (int k = 0; k < f->each; k++)
        score[k] = known(w, 1 + m * f->each + k);
    for (int s = 0; s < SERIES_COUNT; s++)
        series[s] = (struct scores){f->points[s].n, f->points[s].share, score + f->points[s].first};
    const struct subject subject = {
        .score = known(w, 0), .most = most_of(f->opts.score, w->image.aim), .series = series};
    for (int i = 0; i < f->opts.metrics; i++) {
        const struct metric_rule *r = metric_rule(f->opts.metric[i]);
        /* A margin between a class and itself is always 0, and a flat map has no order. */
        const bool none = w->drawn[m].flat || w->image.aim.cls == w->image.aim.minus;
        value[i] = r->needs & NEEDS_GIVEN ? w->given[m * f->opts.metrics + i]
                   : none                 ? NAN
                                          : r->value(&subject, r->needs);
    }
}

/* Gives away what waits. */
static int finish(struct faith *f, struct err *e)
{
    int r = run_queue(f, e);
    const size_t metrics = (size_t)f->opts.metrics;
    double *value = mem_alloc((size_t)f->opts.maps * metrics + 1, sizeof *value);
    double *score = mem_alloc((size_t)f->each + 1, sizeof *score);
    for (int i = 0; i < f->count; i++) {
        struct waiting *w = &f->waiting[i];
        for (int m = 0; m < f->opts.maps && r == 0; m++)
            value_map(f, w, m, score, value + (size_t)m * metrics);
        if (r == 0)
            r = f->opts.put(f->opts.ctx, &w->image, value, e);
    }
    f->count = 0;
    free(value);
    free(score);
    return r;
}

/* --- changed images --- */

/* Value 0 of the network. */
static void normalise(const struct faith *f, const uint8_t *pixels)
{
    const struct graph *g = f->opts.graph;
    for (int c = 0; c < f->shape.c; c++)
        for (size_t i = 0; i < f->pixels; i++) {
            const size_t at = (size_t)c * f->pixels + i;
            f->image[at] = graph_pixel(g, c, pixels[at]);
        }
}

/* The mean of each cell of a grid, over pixels of which each has the value of the map's own cell
 * there. */
static void mean_cells(const struct faith *f, const float *map, struct faith_size s,
                       struct faith_size grid, float *cells)
{
    const size_t n = (size_t)grid.h * (size_t)grid.w;
    if (s.h == grid.h && s.w == grid.w) {
        memcpy(cells, map, n * sizeof *cells);
        return;
    }
    double *sum = mem_zero(n, sizeof *sum);
    int *count = mem_zero(n, sizeof *count);
    for (int y = 0; y < f->shape.h; y++)
        for (int x = 0; x < f->shape.w; x++) {
            const int at = order_cell(y, f->shape.h, s.h) * s.w + order_cell(x, f->shape.w, s.w);
            const int to =
                order_cell(y, f->shape.h, grid.h) * grid.w + order_cell(x, f->shape.w, grid.w);
            sum[to] += map[at];
            count[to]++;
        }
    for (size_t i = 0; i < n; i++)
        cells[i] = (float)(sum[i] / count[i]);
    free(sum);
    free(count);
}

static bool flat(const float *v, int n)
{
    for (int i = 1; i < n; i++)
        if (v[i] != v[0])
            return false;
    return true;
}

static void draw_map(const struct faith *f, int m, struct drawn *d)
{
    const struct faith_size s = f->sized[m].size;
    const int cells = s.h * s.w;
    d->flat = flat(f->map[m], cells);
    d->blank = cam_blank(f->map[m], cells);
    d->pixels = mem_alloc(2 * f->pixels + f->cells, sizeof *d->pixels);
    d->unit = d->pixels + f->pixels;
    d->cells = d->unit + f->pixels;
    resize_run(f->sized[m].resize, f->map[m], d->pixels);
    mean_cells(f, f->map[m], s, f->opts.cells, d->cells);
    float *room = copy(f->map[m], (size_t)cells, sizeof *room);
    cam_finish(room, cells, 0, f->sized[m].resize, d->unit, (int)f->pixels);
    free(room);
}

/* What it looks like is not needed for its values; many maps wait for these. */
static void drop_map(struct drawn *d)
{
    free(d->pixels);
    d->pixels = d->unit = d->cells = NULL;
}

/* Pixels or cells in the order in which a series changes them: at[n]. */
struct orders {
    uint32_t *pixels, *cells;
};

/* Marks what point `k` of a series changes. */
static void mark(const struct faith *f, const struct series_rule *r, const struct orders *o,
                 int count, bool *changed)
{
    const size_t all = r->cells ? f->cells : f->pixels;
    const uint32_t *order = r->cells ? o->cells : o->pixels;
    bool *to = r->cells ? mem_zero(all, sizeof *to) : changed;
    memset(to, 0, all * sizeof *to);
    for (int i = 0; i < count; i++)
        to[order[r->first == FAITH_MOST ? (size_t)i : all - 1 - (size_t)i]] = true;
    if (!r->cells)
        return;
    for (size_t i = 0; i < f->pixels; i++)
        changed[i] = to[f->cell_of[i]];
    free(to);
}

/* The image, each pixel weighed by the scaled map, or by what that lacks to 1. */
static void weigh(const struct faith *f, const float *unit, bool keep, float *out)
{
    for (int c = 0; c < f->shape.c; c++)
        for (size_t i = 0; i < f->pixels; i++) {
            const size_t at = (size_t)c * f->pixels + i;
            out[at] = f->image[at] * (keep ? unit[i] : 1 - unit[i]);
        }
}

static void replace(const struct faith *f, const float *fill, const bool *changed, float *out)
{
    for (int c = 0; c < f->shape.c; c++)
        for (size_t i = 0; i < f->pixels; i++) {
            const size_t at = (size_t)c * f->pixels + i;
            out[at] = (changed[i] ? fill : f->image)[at];
        }
}

static void disturb(const struct faith *f, const bool *changed, float *out)
{
    for (size_t at = 0; at < f->size; at++)
        if (changed[at % f->pixels])
            out[at] += f->fill[FAITH_LINEAR][at];
}

/* A point of a series; changed[pixels] is room. */
static void change(const struct faith *f, const struct series_rule *r, const struct drawn *d,
                   const struct orders *o, int count, bool *changed, float *out)
{
    switch (r->fill) {
    case FAITH_KEEP:
    case FAITH_DROP:
        weigh(f, d->unit, r->fill == FAITH_KEEP, out);
        break;
    case FAITH_LINEAR:
        mark(f, r, o, count, changed);
        fill_linear(f->image, f->shape, changed, out);
        if (f->fill[FAITH_LINEAR])
            disturb(f, changed, out);
        break;
    default:
        mark(f, r, o, count, changed);
        replace(f, f->fill[r->fill], changed, out);
    }
}

/* All changed images of a map, to queue places from `at`. */
static void make_images(const struct faith *f, const struct drawn *d, int at)
{
    struct orders o = {mem_alloc(f->pixels, sizeof *o.pixels),
                       mem_alloc(f->cells, sizeof *o.cells)};
    bool *changed = mem_alloc(f->pixels, sizeof *changed);
    order_make(d->pixels, f->ties[0], f->pixels, o.pixels);
    order_make(d->cells, f->ties[1], f->cells, o.cells);
    for (int s = 0; s < SERIES_COUNT; s++)
        for (int k = 0; k < f->points[s].n; k++, at++) {
            float *out = f->queue + (size_t)at * f->size;
            change(f, series_rule((enum series)s), d, &o, f->points[s].count[k], changed, out);
            f->hash[at] = real_hash(out, f->size);
        }
    free(changed);
    free(o.pixels);
    free(o.cells);
}

/* The values of a map that need no changed images. */
static void measure(const struct faith *f, const struct faith_image *image, int m,
                    const struct drawn *d, double *value)
{
    const struct faith_size s = f->sized[m].size, stage = f->opts.stage;
    const struct faith_size other = f->sized[f->opts.reference].size;
    const bool same = s.h == other.h && s.w == other.w;
    struct subject subject = {.map = d->pixels,
                              .mask = image->mask,
                              .pixels = (int)f->pixels,
                              .cam = image->cam,
                              .cam_cells = stage.h * stage.w,
                              .exact = s.h == stage.h && s.w == stage.w,
                              .own = same ? f->map[m] : d->pixels,
                              .reference = same ? f->map[f->opts.reference] : f->reference.pixels,
                              .own_cells = same ? s.h * s.w : (int)f->pixels,
                              .unit = d->unit,
                              .reference_unit = f->reference.unit,
                              .h = f->shape.h,
                              .w = f->shape.w};
    float *cells = NULL;
    if (f->needs & NEEDS_CAM) {
        cells = mem_alloc((size_t)subject.cam_cells, sizeof *cells);
        mean_cells(f, f->map[m], s, stage, cells);
        subject.cells = cells;
    }
    for (int i = 0; i < f->opts.metrics; i++) {
        const struct metric_rule *r = metric_rule(f->opts.metric[i]);
        if (r->needs & NEEDS_GIVEN)
            value[i] = r->value(&subject, r->needs);
    }
    free(cells);
}

/* Maps of an image that are made by several threads: the first, and its place in the queue. */
struct batch {
    struct faith *f;
    int map, at;
};

static int make_part(void *self, void *hand, int64_t i, struct err *e)
{
    const struct batch *b = self;
    struct faith *f = b->f;
    struct waiting *w = &f->waiting[f->count];
    const int m = b->map + (int)i;
    struct drawn *d = &w->drawn[m];
    (void)hand;
    (void)e;
    draw_map(f, m, d);
    if (f->needs & NEEDS_GIVEN)
        measure(f, &w->image, m, d, w->given + (size_t)m * (size_t)f->opts.metrics);
    if (!d->flat && f->each > 0)
        make_images(f, d, b->at + (int)i * f->each);
    drop_map(d);
    return 0;
}

/* The variant of the image whose hash this is; `variant` itself where it is the first. */
static int first_of(struct faith *f, uint64_t hash, int variant)
{
    size_t at = hash & (f->seen - 1);
    while (f->seen_variant[at] >= 0 && f->seen_hash[at] != hash)
        at = (at + 1) & (f->seen - 1);
    if (f->seen_variant[at] < 0) {
        f->seen_variant[at] = variant;
        f->seen_hash[at] = hash;
    }
    return f->seen_variant[at];
}

/* Leaves the image at place `from` in the queue if it is not there yet. */
static void keep(struct faith *f, int from, int variant)
{
    struct waiting *w = &f->waiting[f->count];
    w->same[variant] = first_of(f, f->hash[from], variant);
    f->asked++;
    if (w->same[variant] != variant)
        return;
    if (from != f->queued)
        memcpy(f->queue + (size_t)f->queued * f->size, f->queue + (size_t)from * f->size,
               f->size * sizeof *f->queue);
    f->place[f->queued++] = (struct place){f->count, variant};
}

/* Whether a map has no order, or nothing that weighs the pixels of point `k` of its. */
static bool undefined(const struct faith *f, const struct drawn *d, int k)
{
    const bool weighs = (f->points[SERIES_KEPT].used && k == f->points[SERIES_KEPT].first) ||
                        (f->points[SERIES_DROPPED].used && k == f->points[SERIES_DROPPED].first);
    return d->flat || (d->blank && weighs);
}

static int add_maps(struct faith *f, struct err *e)
{
    struct waiting *w = &f->waiting[f->count];
    for (int m = 0; m < f->opts.maps;) {
        if (f->room - f->queued < f->each && run_queue(f, e) != 0)
            return -1;
        const int fit = f->each > 0 ? (f->room - f->queued) / f->each : f->opts.maps;
        const int n = fit < f->opts.maps - m ? fit : f->opts.maps - m;
        struct batch b = {f, m, f->queued};
        const struct pool_work work = {.self = &b, .part = make_part};
        if (pool_run(&work, n, f->opts.threads, e) != 0)
            return -1;
        for (int i = 0; i < n * f->each; i++) {
            const int variant = 1 + m * f->each + i;
            if (undefined(f, &w->drawn[m + i / f->each], i % f->each))
                w->same[variant] = -1;
            else
                keep(f, b.at + i, variant);
        }
        m += n;
    }
    return 0;
}

/* The same for all maps of an image. */
static void draw_noise(const struct faith *f, int64_t id)
{
    uint64_t state = order_state(f->opts.seed, id, ORDER_NOISE);
    double pair[2] = {0, 0};
    for (size_t i = 0; i < f->size; i++) {
        if (i % 2 == 0)
            random_normal(&state, pair);
        f->fill[FAITH_LINEAR][i] = (float)(f->opts.noise * pair[i % 2]);
    }
}

/* Prepares what images are changed with, and queues the image itself. */
static void add_image(struct faith *f, const struct faith_image *image)
{
    normalise(f, image->pixels);
    for (int i = 0; i <= FAITH_BLUR; i++)
        if (f->fill[i])
            fill_make((enum faith_fill)i, f->image, f->shape, f->fill[i]);
    if (f->fill[FAITH_LINEAR])
        draw_noise(f, image->id);
    order_ties(f->opts.seed, image->id, ORDER_PIXELS, f->ties[0], f->pixels);
    order_ties(f->opts.seed, image->id, ORDER_CELLS, f->ties[1], f->cells);
    for (size_t i = 0; i < f->seen; i++)
        f->seen_variant[i] = -1;
    memcpy(f->queue + (size_t)f->queued * f->size, f->image, f->size * sizeof *f->queue);
    f->hash[f->queued] = real_hash(f->image, f->size);
    keep(f, f->queued, 0);
}

int faith_add(struct faith *f, const struct faith_image *image, const float *const *map,
              struct err *e)
{
    if (f->queued == f->room && run_queue(f, e) != 0)
        return -1;
    set_waiting(f, &f->waiting[f->count]);
    f->waiting[f->count].image = *image;
    f->waiting[f->count].image.pixels = NULL;
    f->waiting[f->count].same[0] = -1;
    f->map = map;
    if (f->each > 0)
        add_image(f, image);
    if (f->needs & NEEDS_REFERENCE)
        draw_map(f, f->opts.reference, &f->reference);
    const int r = add_maps(f, e);
    drop_map(&f->reference);
    if (r != 0)
        return -1;
    f->waiting[f->count].image.mask = NULL;
    f->waiting[f->count].image.cam = NULL;
    f->count++;
    return f->count == WAITING || f->queued > f->room / 2 ? finish(f, e) : 0;
}

int faith_end(struct faith *f, struct err *e)
{
    return finish(f, e);
}

int64_t faith_passed(const struct faith *f)
{
    return f->passed;
}

int64_t faith_asked(const struct faith *f)
{
    return f->asked;
}
