/* Networks and images on which no ReLU and no window of a maximum stands where rounding
 * decides: there the gradients of two backends differ that are both right. */
#ifndef HP_SETTLE_H
#define HP_SETTLE_H

#include "../unit/check.h"
#include "random_net.h"

/* How far the inputs of a ReLU stay from 0, and the largest of a window from the next one,
 * over the largest of all: more than a backend that passes the tests rounds in f32. */
#define SETTLE_GAP 2e-5

/* A value by ref, as the features of a network that ends with the first `ops` operations. */
static inline struct run settle_value(const struct graph *n, int ops, int value,
                                      const uint8_t *pixels, int images)
{
    struct err e = {0};
    struct graph cut = *n;
    size_t values = (size_t)n->values;
    cut.ops = ops;
    cut.op = memcpy(mem_alloc((size_t)ops + 1, sizeof *n->op), n->op, (size_t)ops * sizeof *n->op);
    cut.value = memcpy(mem_alloc(values, sizeof *n->value), n->value, values * sizeof *n->value);
    net_add_head(&cut, value, 1);
    struct run r = run_new(&cut, images, (struct engine_opts){.device = "ref"}, value, 0, false);
    memcpy(r.pixels, pixels, (size_t)images * graph_size(n, 0));
    CHECK(run_go(&r, &e) == 0);
    free((float *)cut.op[cut.ops - 1].w);
    free((float *)cut.op[cut.ops - 1].b);
    free(cut.op);
    free(cut.value);
    r.graph = n;
    return r;
}

static inline double settle_most(const struct run *r)
{
    double most = 0;
    for (size_t i = 0; i < (size_t)r->images * r->feature_size; i++)
        most = fmax(most, fabs((double)r->features[i]));
    return most;
}

static inline int settle_order(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The least that moves n numbers, sorted, so that none is nearer to 0 than `gap`. */
static inline double settle_move(const float *x, size_t n, double gap)
{
    double best = INFINITY;
    for (size_t i = 0; i <= n; i++) {
        /* 0 comes to lie between x[i - 1] and x[i]. */
        double least = i < n ? gap - x[i] : -INFINITY, most = i > 0 ? -gap - x[i - 1] : INFINITY;
        double move = fmin(fmax(0, least), most);
        if (least <= most && fabs(move) < fabs(best))
            best = move;
    }
    return best;
}

/* Moves the biases of operation `at`, which has a ReLU. */
static inline void settle_relu(struct graph *n, int at, const uint8_t *pixels, int images)
{
    struct graph_op *op = &n->op[at];
    const struct graph_value *v = &n->value[op->out];
    op->act = GRAPH_NONE;
    struct run r = settle_value(n, at + 1, op->out, pixels, images);
    op->act = GRAPH_RELU;
    size_t cells = (size_t)v->h * (size_t)v->w, channels = (size_t)v->c;
    size_t count = (size_t)images * cells;
    double gap = settle_most(&r) * SETTLE_GAP;
    float *x = mem_alloc(count, sizeof *x), *b = (float *)op->b;
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < count; i++)
            x[i] = r.features[(i / cells * channels + c) * cells + i % cells];
        qsort(x, count, sizeof *x, settle_order);
        b[c] += (float)settle_move(x, count, 1.01 * gap);
    }
    free(x);
    run_close(&r);
}

/* Whether the largest of each window of a plane is clear of the next one, or equals it:
 * what lies behind a ReLU is 0 in all backends. */
static inline bool settle_clear(const struct graph *n, const struct graph_op *op, const float *x,
                                double gap)
{
    const struct graph_value *from = &n->value[op->in[0]], *to = &n->value[op->out];
    for (int o = 0; o < to->h * to->w; o++) {
        int y0 = o / to->w * op->y.stride - op->y.before,
            x0 = o % to->w * op->x.stride - op->x.before;
        double most = -INFINITY, next = -INFINITY;
        for (int i = y0 < 0 ? 0 : y0; i < y0 + op->y.k && i < from->h; i++)
            for (int j = x0 < 0 ? 0 : x0; j < x0 + op->x.k && j < from->w; j++) {
                double v = x[i * from->w + j];
                next = v > most ? most : fmax(v, next);
                most = fmax(v, most);
            }
        if (most > next && most - next < gap)
            return false;
    }
    return true;
}

/* Draws the images anew that have a tie in operation `at`, a maximum; how many. */
static inline int settle_max(const struct graph *n, int at, uint8_t *pixels, int images)
{
    const struct graph_op *op = &n->op[at];
    struct run r = settle_value(n, at, op->in[0], pixels, images);
    size_t planes = (size_t)n->value[op->in[0]].c, cells = r.feature_size / planes;
    double gap = settle_most(&r) * SETTLE_GAP;
    int ties = 0;
    for (size_t i = 0; i < (size_t)images; i++) {
        size_t c = 0;
        while (c < planes && settle_clear(n, op, r.features + (i * planes + c) * cells, gap))
            c++;
        if (c == planes)
            continue;
        random_pixels(pixels + i * graph_size(n, 0), graph_size(n, 0));
        ties++;
    }
    run_close(&r);
    return ties;
}

/* Random images for the gradients of n, whose biases are moved. Caller frees. */
static inline uint8_t *settle(struct graph *n, int images)
{
    size_t bytes = (size_t)images * graph_size(n, 0);
    uint8_t *pixels = mem_alloc(bytes, 1);
    random_pixels(pixels, bytes);
    int tries = 0;
    for (int at = 0; at < n->ops - 2 && tries < 1000; at++) {
        if (n->op[at].act == GRAPH_RELU)
            settle_relu(n, at, pixels, images);
        if (n->op[at].kind == GRAPH_MAX_POOL && settle_max(n, at, pixels, images) > 0) {
            at = -1;
            tries++;
        }
    }
    CHECK(tries < 1000);
    return pixels;
}

#endif
