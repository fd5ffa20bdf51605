#include "cam/without.h"

#include "base/mem.h"
#include "graph/behind.h"

#include <stdlib.h>
#include <string.h>

/* A convolution of the layer. */
struct begun {
    const struct graph_op *op;
    int channels, taps;
    float *w;    /* (channels of the layer, channels, taps) */
    float *base; /* (channels, cells) of the image, before the activation */
};

struct without {
    struct graph *tail;
    struct graph_begun parts;
    struct begun *conv; /* [parts.convs] */
    int cells;          /* of what the convolutions make */
    float *patch;       /* (taps, pitch): what each tap reads of a channel */
    size_t pitch;       /* cells in whole vectors */
    const float *acts;
};

/* What tap (ky, kx) reads of a channel in each cell of the result. */
static void read_tap(const struct without *w, const struct graph_op *op, int ky, int kx,
                     const float *channel, float *to)
{
    const struct graph_value *from = &w->parts.from, *y = &w->tail->value[0];
    const int oy = ky * (op->y.gap + 1) - op->y.before, ox = kx * (op->x.gap + 1) - op->x.before;
    for (int r = 0; r < y->h; r++)
        for (int c = 0; c < y->w; c++) {
            const int iy = r * op->y.stride + oy, ix = c * op->x.stride + ox;
            const bool inside = iy >= 0 && iy < from->h && ix >= 0 && ix < from->w;
            *to++ = inside ? channel[iy * from->w + ix] : 0;
        }
}

static void read_patch(const struct without *w, const struct graph_op *op, const float *channel)
{
    float *to = w->patch;
    for (int ky = 0; ky < op->y.k; ky++)
        for (int kx = 0; kx < op->x.k; kx++, to += w->pitch)
            read_tap(w, op, ky, kx, channel, to);
}

enum { VECTOR = 4 }; /* cells at once, whose sums stay in registers */

/* to[cells] = from[cells] + what the patch adds to a channel of the result. */
static void add_patch(const struct without *w, int taps, const float *weight, const float *from,
                      float *to)
{
    const size_t cells = (size_t)w->cells;
    for (size_t i = 0; i < cells; i += VECTOR) {
        const size_t n = cells - i < VECTOR ? cells - i : VECTOR;
        float sum[VECTOR] = {0};
        memcpy(sum, from + i, n * sizeof *sum);
        for (int t = 0; t < taps; t++) {
            const float *patch = w->patch + (size_t)t * w->pitch + i;
            for (int j = 0; j < VECTOR; j++)
                sum[j] += weight[t] * patch[j];
        }
        memcpy(to + i, sum, n * sizeof *sum);
    }
}

/* to[channels][cells] = from + what values of channel `k` of the layer make. */
static void add_channel(const struct without *w, const struct begun *b, int k, const float *values,
                        const float *from, float *to)
{
    const size_t cells = (size_t)w->cells;
    const float *weight = b->w + (size_t)k * (size_t)b->channels * (size_t)b->taps;
    read_patch(w, b->op, values);
    for (int o = 0; o < b->channels; o++, weight += b->taps, from += cells, to += cells)
        add_patch(w, b->taps, weight, from, to);
}

void without_image(struct without *w, const float *acts)
{
    const size_t cells = (size_t)w->cells;
    const size_t from = (size_t)w->parts.from.h * (size_t)w->parts.from.w;
    w->acts = acts;
    for (int i = 0; i < w->parts.convs; i++) {
        const struct begun *b = &w->conv[i];
        for (size_t j = 0; j < (size_t)b->channels * cells; j++)
            b->base[j] = b->op->b[j / cells];
        for (int k = 0; k < w->parts.from.c; k++)
            add_channel(w, b, k, acts + (size_t)k * from, b->base, b->base);
    }
}

static void rectify(float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = v[i] > 0 ? v[i] : 0;
}

void without_channel(const struct without *w, int channel, float value, float *to)
{
    const struct graph_value *from = &w->parts.from;
    const size_t cells = (size_t)from->h * (size_t)from->w;
    const bool changed = channel >= 0;
    float *change = mem_alloc(cells, sizeof *change);
    for (size_t i = 0; i < cells && changed; i++)
        change[i] = value - w->acts[(size_t)channel * cells + i];
    if (w->parts.itself) {
        memcpy(to, w->acts, (size_t)from->c * cells * sizeof *to);
        for (size_t i = 0; i < cells && changed; i++)
            to[(size_t)channel * cells + i] = value;
        to += (size_t)from->c * cells;
    }
    for (int i = 0; i < w->parts.convs; i++) {
        const struct begun *b = &w->conv[i];
        const size_t n = (size_t)b->channels * (size_t)w->cells;
        if (changed)
            add_channel(w, b, channel, change, b->base, to);
        else
            memcpy(to, b->base, n * sizeof *to);
        if (b->op->act == GRAPH_RELU)
            rectify(to, n);
        to += n;
    }
    free(change);
}

/* A channel of the layer after the other. */
static float *turned(const struct graph_op *op, int channels, int taps, int layer)
{
    float *w = mem_alloc((size_t)channels * (size_t)taps * (size_t)layer, sizeof *w), *to = w;
    for (int k = 0; k < layer; k++)
        for (int o = 0; o < channels; o++, to += taps)
            memcpy(to, op->w + ((size_t)o * (size_t)layer + (size_t)k) * (size_t)taps,
                   (size_t)taps * sizeof *to);
    return w;
}

int without_open(struct without **out, const struct graph *graph, int value, struct err *e)
{
    struct graph *tail = graph_tail(graph, value, e);
    if (!tail)
        return -1;
    struct without *w = mem_zero(1, sizeof *w);
    size_t most = 0;
    w->tail = tail;
    if (!graph_begin_behind(tail, &w->parts))
        w->parts.itself = true;
    w->cells = tail->value[0].h * tail->value[0].w;
    w->conv = mem_alloc((size_t)w->parts.convs + 1, sizeof *w->conv);
    for (int i = 0; i < w->parts.convs; i++) {
        const struct graph_op *op = &w->parts.conv[i];
        struct begun *b = &w->conv[i];
        *b = (struct begun){.op = op, .channels = op->channels, .taps = op->y.k * op->x.k};
        b->w = turned(op, b->channels, b->taps, w->parts.from.c);
        b->base = mem_alloc((size_t)b->channels * (size_t)w->cells, sizeof *b->base);
        most = (size_t)b->taps > most ? (size_t)b->taps : most;
    }
    w->pitch = ((size_t)w->cells + VECTOR - 1) / VECTOR * VECTOR;
    w->patch = mem_zero(most * w->pitch + 1, sizeof *w->patch);
    *out = w;
    return 0;
}

void without_close(struct without *w)
{
    if (!w)
        return;
    for (int i = 0; i < w->parts.convs; i++) {
        free(w->conv[i].w);
        free(w->conv[i].base);
    }
    free(w->conv);
    free(w->patch);
    graph_begun_free(&w->parts);
    graph_free(w->tail);
    free(w);
}

const struct graph *without_graph(const struct without *w)
{
    return w->tail;
}

size_t without_size(const struct without *w)
{
    return graph_size(w->tail, 0);
}
