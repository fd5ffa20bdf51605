#include "cam/masked.h"

#include "base/mem.h"
#include "base/real.h"
#include "cam/ablation.h"
#include "cam/without.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct masked {
    struct passes_opts opts;
    struct without *without; /* where channels are ablated */
    struct engine *engine;
    int channels, cells, classes;
    struct graph_grid grid; /* cells of a channel that have places */
    size_t image;           /* elements of what passes begin with */
    /* Where they mask the image: */
    struct resize *resize;
    float *unit, *mask; /* [grid] of a channel, normalised; [pixels] */
    float *zero;        /* [classes] logits of the image of zeros */
    /* Of a run: */
    double *p, *rest; /* [classes] */
    int64_t passes;
};

/* A pass: an image of the batch, and the channel that changes it. Behind those that ablate its
 * channels an image has one more, the number of channels, that changes nothing: their scores are
 * compared with one that was computed in the same way. */
struct pass {
    int image, channel;
};

struct work {
    struct masked *m;
    const struct passes_batch *b;
    int (*take)(void *ctx, int i, const float *weight, struct err *e);
    void *ctx;
    /* The channel whose pass is that of channel k of image i, (n, channels), which is k itself
     * where it has one of its own; NONE where it needs none. Set before the run. */
    int *like;
    int *passes;  /* [n] of an image */
    float *least; /* [n] of its activations */
    struct pass next;
    int begun;         /* image that m->without has, or NONE */
    struct pass last;  /* image whose scores come in, and how many of them are there */
    double *score;     /* [planes][channels] of this image */
    double *unchanged; /* [planes] without a change, of an image of zeros under a mask */
    float *weight;     /* the same */
};

enum { NONE = -1 };

/* Whether channels mask the image; else they are ablated. */
static bool masks(const struct masked *m)
{
    return m->opts.how.method->passes == METHOD_MASKS;
}

/* --- what passes begin with --- */

static const float *channel_of(const struct masked *m, const struct passes_batch *b, int image,
                               int channel)
{
    return b->activations +
           ((size_t)image * (size_t)m->channels + (size_t)channel) * (size_t)m->cells;
}

static int places_of(const struct masked *m)
{
    return m->grid.h * m->grid.w;
}

static void range_of(const float *v, size_t n, float *min, float *max)
{
    *min = *max = v[0];
    for (size_t i = 1; i < n; i++) {
        *min = v[i] < *min ? v[i] : *min;
        *max = v[i] > *max ? v[i] : *max;
    }
}

/* A channel in [0, 1], so that channels which differ by unit and offset alone become the same bit
 * by bit; its range. */
static float unit_of(const struct masked *m, const float *channel, float *unit)
{
    float min, max;
    const int places = places_of(m);
    channel += m->grid.first;
    range_of(channel, (size_t)places, &min, &max);
    float range = max - min;
    for (int i = 0; i < places; i++)
        unit[i] = range > 0 ? (channel[i] - min) / range : 0;
    return range;
}

/* The mask of a channel at the size of the image. */
static void mask_of(struct masked *m, const float *channel)
{
    const size_t pixels = graph_cells(m->opts.graph, 0);
    const float range = unit_of(m, channel, m->unit);
    float min, max;
    resize_run(m->resize, m->unit, m->mask);
    range_of(m->mask, pixels, &min, &max);
    float scale = max - min;
    /* The library adds it to the range of the channel at this size. */
    if (m->opts.how.compat)
        scale += 1e-8F / range;
    for (size_t i = 0; i < pixels; i++)
        m->mask[i] = scale > 0 ? (m->mask[i] - min) / scale : 0;
}

static void mask_image(struct masked *m, const struct passes_batch *b, struct pass p, float *to)
{
    const struct graph *g = m->opts.graph;
    const size_t cells = graph_cells(g, 0), from = (size_t)p.image * graph_size(g, 0);
    mask_of(m, channel_of(m, b, p.image, p.channel));
    for (int c = 0; c < g->value[0].c; c++)
        for (size_t i = 0; i < cells; i++) {
            size_t at = (size_t)c * cells + i;
            float x = b->images ? b->images[from + at]
                                : ((float)b->pixels[from + at] / 255.0F - g->mean[c]) / g->std[c];
            to[at] = x * m->mask[i];
        }
}

/* What stands for the channel. */
static float value_of(const struct work *w, struct pass p)
{
    return ablation_value(w->least[p.image], p.channel, w->m->opts.how.compat);
}

static void ablate_channel(struct work *w, struct pass p, float *to)
{
    const struct masked *m = w->m;
    if (w->begun != p.image)
        without_image(m->without, channel_of(m, w->b, p.image, 0));
    w->begun = p.image;
    if (p.channel == m->channels)
        without_channel(m->without, NONE, 0, to);
    else
        without_channel(m->without, p.channel, value_of(w, p), to);
}

/* --- which passes there are --- */

/* The first channel of an image whose mask is that of each, like[channels]. */
static void like_masks(struct masked *m, const struct passes_batch *b, int image, int *like)
{
    const size_t n = (size_t)m->channels, cells = (size_t)places_of(m);
    float *unit = mem_alloc(n * cells, sizeof *unit), *range = mem_alloc(n, sizeof *range);
    uint64_t *hash = mem_alloc(n, sizeof *hash);
    for (size_t k = 0; k < n; k++) {
        range[k] = unit_of(m, channel_of(m, b, image, (int)k), unit + k * cells);
        hash[k] = real_hash(unit + k * cells, cells);
        like[k] = range[k] > 0 ? (int)k : NONE;
        /* With an epsilon masks depend on the range, too. */
        for (size_t j = 0; j < k && like[k] == (int)k; j++)
            if (like[j] == (int)j && hash[j] == hash[k] &&
                memcmp(unit + j * cells, unit + k * cells, cells * sizeof *unit) == 0 &&
                (!m->opts.how.compat || range[j] == range[k]))
                like[k] = (int)j;
    }
    free(unit);
    free(range);
    free(hash);
}

static void like_ablated(const struct work *w, int image, int *like)
{
    const struct masked *m = w->m;
    for (int k = 0; k < m->channels; k++) {
        const struct pass p = {image, k};
        const float *a = channel_of(m, w->b, image, k), value = value_of(w, p);
        like[k] = NONE;
        for (int i = 0; i < m->cells && like[k] == NONE; i++)
            like[k] = a[i] == value ? NONE : k;
    }
}

static void find_passes(struct work *w)
{
    const struct masked *m = w->m;
    for (int i = 0; i < w->b->n; i++) {
        int *like = w->like + (size_t)i * (size_t)m->channels;
        w->least[i] =
            ablation_least(channel_of(m, w->b, i, 0), (size_t)m->channels * (size_t)m->cells);
        if (masks(m))
            like_masks(w->m, w->b, i, like);
        else
            like_ablated(w, i, like);
        for (int k = 0; k < m->channels; k++)
            w->passes[i] += like[k] == k;
        w->passes[i] += w->passes[i] > 0 && !masks(m);
    }
}

/* The next pass at or after w->next; false at the end. */
static bool next_pass(struct work *w)
{
    const struct masked *m = w->m;
    for (; w->next.image < w->b->n; w->next.image++, w->next.channel = 0) {
        const int *like = w->like + (size_t)w->next.image * (size_t)m->channels;
        while (w->next.channel < m->channels && like[w->next.channel] != w->next.channel)
            w->next.channel++;
        if (w->next.channel < m->channels ||
            (w->next.channel == m->channels && w->passes[w->next.image] > 0 && !masks(m)))
            return true;
    }
    return false;
}

/* --- the passes --- */

static int read_passes(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct work *w = ctx;
    int count = 0;
    (void)e;
    for (; count < max && next_pass(w); count++, w->next.channel++) {
        float *to = b->images + (size_t)count * w->m->image;
        if (masks(w->m))
            mask_image(w->m, w->b, w->next, to);
        else
            ablate_channel(w, w->next, to);
        ((struct pass *)b->tag)[count] = w->next;
    }
    return count;
}

/* Scores of the maps of an image, to[planes] at a distance of `step`. */
static void scores_of(const struct work *w, int image, const float *logits, double *to, size_t step)
{
    const struct masked *m = w->m;
    const struct aim *aim = w->b->aim + (size_t)image * (size_t)w->b->planes;
    bool finite = real_finite(logits, (size_t)m->classes);
    if (finite && m->opts.how.score != CAM_LOGIT)
        cam_softmax(logits, m->classes, m->p, m->rest);
    for (int i = 0; i < w->b->planes; i++)
        to[(size_t)i * step] = finite && aim[i].cls >= 0
                                   ? cam_value(m->opts.how.score, logits, m->p, m->rest, m->classes,
                                               aim[i].cls, aim[i].minus)
                                   : NAN;
}

/* Softmax over the channels. */
static void weigh_masks(const double *score, int channels, float *weight)
{
    double most = score[0], sum = 0;
    for (int k = 1; k < channels; k++)
        most = score[k] > most ? score[k] : most;
    for (int k = 0; k < channels; k++)
        sum += exp(score[k] - most);
    for (int k = 0; k < channels; k++)
        weight[k] = (float)(exp(score[k] - most) / sum);
}

/* From the scores of passes to the weights of all channels. */
static void weigh(const struct work *w, int image)
{
    const struct masked *m = w->m;
    const size_t channels = (size_t)m->channels, planes = (size_t)w->b->planes;
    const int *like = w->like + (size_t)image * channels;
    const float *logits = w->b->logits + (size_t)image * (size_t)m->classes;
    const struct aim *aim = w->b->aim + (size_t)image * planes;
    const double *unchanged = w->unchanged;
    const bool images = masks(m);
    if (images)
        scores_of(w, image, m->zero, w->unchanged, 1);
    else if (w->passes[image] == 0)
        scores_of(w, image, logits, w->unchanged, 1);
    for (size_t i = 0; i < planes; i++) {
        double *score = w->score + i * channels;
        float *weight = w->weight + i * channels;
        for (size_t k = 0; k < channels; k++)
            score[k] = like[k] == NONE ? unchanged[i] : score[like[k]];
        if (images)
            weigh_masks(score, m->channels, weight);
        for (size_t k = 0; k < channels && !images; k++)
            weight[k] = ablation_weight(unchanged[i], unchanged[i] - score[k], m->opts.how.compat);
        if (aim[i].cls == aim[i].minus)
            memset(weight, 0, channels * sizeof *weight);
    }
}

/* Hands out the images whose passes are all there. */
static int take_done(struct work *w, struct err *e)
{
    for (; w->last.image < w->b->n && w->last.channel == w->passes[w->last.image];
         w->last.image++, w->last.channel = 0) {
        weigh(w, w->last.image);
        if (w->take(w->ctx, w->last.image, w->weight, e) != 0)
            return -1;
    }
    return 0;
}

static int write_passes(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct work *w = ctx;
    const struct masked *m = w->m;
    for (int i = 0; i < b->n; i++) {
        const struct pass p = ((const struct pass *)b->tag)[i];
        if (take_done(w, e) != 0)
            return -1;
        const float *logits = b->logits + (size_t)i * (size_t)m->classes;
        if (p.channel == m->channels)
            scores_of(w, p.image, logits, w->unchanged, 1);
        else
            scores_of(w, p.image, logits, w->score + p.channel, (size_t)m->channels);
        w->last.channel++;
    }
    w->m->passes += b->n;
    return take_done(w, e);
}

int64_t masked_passes(const struct masked *m)
{
    return m->passes;
}

int masked_run(struct masked *m, const struct passes_batch *b,
               int (*take)(void *ctx, int i, const float *weight, struct err *e), void *ctx,
               struct err *e)
{
    const size_t n = (size_t)b->n, channels = (size_t)m->channels;
    struct work w = {.m = m, .b = b, .take = take, .ctx = ctx, .begun = NONE};
    const struct engine_calls calls = {
        .ctx = &w, .tag_bytes = sizeof(struct pass), .read = read_passes, .write = write_passes};
    w.like = mem_alloc(n * channels, sizeof *w.like);
    w.passes = mem_zero(n, sizeof *w.passes);
    w.least = mem_alloc(n, sizeof *w.least);
    w.score = mem_alloc((size_t)b->planes * channels, sizeof *w.score);
    w.unchanged = mem_alloc((size_t)b->planes, sizeof *w.unchanged);
    w.weight = mem_alloc((size_t)b->planes * channels, sizeof *w.weight);
    find_passes(&w);
    int r = engine_run(m->engine, &calls, e);
    /* Where no image has a pass, nothing was written. */
    if (r == 0)
        r = take_done(&w, e);
    free(w.like);
    free(w.passes);
    free(w.least);
    free(w.score);
    free(w.unchanged);
    free(w.weight);
    return r;
}

/* --- opening --- */

static int open_all(struct masked *m, struct err *e)
{
    const struct passes_opts *o = &m->opts;
    const struct graph *g = o->graph;
    const struct graph_value *v = &g->value[o->value], *image = &g->value[0];
    const bool images = masks(m);
    if (!images && without_open(&m->without, g, o->value, e) != 0)
        return -1;
    const struct engine_opts engine = passes_engine(o);
    if (engine_open(&m->engine, images ? g : without_graph(m->without), &engine, e) != 0)
        return -1;
    m->channels = v->c;
    m->cells = v->h * v->w;
    m->classes = graph_classes(g);
    m->image = images ? graph_size(g, 0) : without_size(m->without);
    m->p = mem_alloc((size_t)m->classes, sizeof *m->p);
    m->rest = mem_alloc((size_t)m->classes, sizeof *m->rest);
    if (!images)
        return 0;
    graph_grid(g, o->value, &m->grid);
    m->resize = resize_aligned(m->grid.h, m->grid.w, image->h, image->w);
    m->unit = mem_alloc((size_t)places_of(m), sizeof *m->unit);
    m->mask = mem_alloc(graph_cells(g, 0), sizeof *m->mask);
    m->zero = mem_alloc((size_t)m->classes, sizeof *m->zero);
    float *zeros = mem_zero(m->image, sizeof *zeros);
    const struct engine_batch b = {.n = 1, .images = zeros, .logits = m->zero};
    int r = engine_forward(m->engine, &b, e);
    free(zeros);
    return r;
}

int masked_open(struct masked **out, const struct passes_opts *o, struct err *e)
{
    struct masked *m = mem_zero(1, sizeof *m);
    m->opts = *o;
    if (open_all(m, e) != 0) {
        masked_close(m);
        return -1;
    }
    *out = m;
    return 0;
}

void masked_close(struct masked *m)
{
    if (!m)
        return;
    engine_close(m->engine);
    without_close(m->without);
    resize_free(m->resize);
    free(m->unit);
    free(m->mask);
    free(m->zero);
    free(m->p);
    free(m->rest);
    free(m);
}
