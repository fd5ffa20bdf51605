/* Networks and images on which no ReLU, no window of a maximum and no kink of a function stands
 * where rounding decides: there the gradients of two backends differ that are both right. */
#ifndef HP_SETTLE_H
#define HP_SETTLE_H

#include "../unit/check.h"
#include "graph/rules.h"
#include "random_net.h"

/* How far the inputs of a ReLU stay from 0, and the largest of a window from the next one,
 * over the largest of all: more than a backend that passes the tests rounds in f32. */
#define SETTLE_GAP 2e-5

/* The values of all images by the rules of the graph, computed up to an operation. */
struct settled {
    struct graph *graph;
    int images;
    uint8_t *pixels;
    float **value; /* [images][values] */
    double *plane;
};

static inline const float *settled_value(const struct settled *s, int image, int value)
{
    return s->value[(size_t)image * (size_t)s->graph->values + (size_t)value];
}

static inline void settle_open(struct settled *s, struct graph *n, int images, uint8_t *pixels)
{
    const size_t values = (size_t)n->values;
    *s = (struct settled){n, images, pixels, mem_alloc((size_t)images * values, sizeof *s->value),
                          mem_alloc(graph_plane(n), sizeof *s->plane)};
    for (size_t i = 0; i < (size_t)images * values; i++)
        s->value[i] = mem_alloc(graph_size(n, (int)(i % values)), sizeof **s->value);
}

static inline void settle_close(const struct settled *s)
{
    for (size_t i = 0; i < (size_t)s->images * (size_t)s->graph->values; i++)
        free(s->value[i]);
    free(s->value);
    free(s->plane);
}

/* One operation of one image; `at` -1 for the pixels. */
static inline void settle_compute(const struct settled *s, int image, int at)
{
    const struct graph *n = s->graph;
    float **value = s->value + (size_t)image * (size_t)n->values;
    if (at >= 0) {
        const struct graph_image x = {.value = value, .plane = s->plane};
        graph_forward(n, &n->op[at], &x);
        return;
    }
    const uint8_t *pixel = s->pixels + (size_t)image * graph_size(n, 0);
    for (size_t i = 0; i < graph_size(n, 0); i++)
        value[0][i] = graph_pixel(n, (int)(i / graph_cells(n, 0)), pixel[i]);
}

static inline void settle_all(const struct settled *s, int at)
{
    for (int i = 0; i < s->images; i++)
        settle_compute(s, i, at);
}

static inline double settle_most(const struct settled *s, int value)
{
    double most = 0;
    for (int i = 0; i < s->images; i++)
        for (size_t k = 0; k < graph_size(s->graph, value); k++)
            most = fmax(most, fabs((double)settled_value(s, i, value)[k]));
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
static inline void settle_relu(const struct settled *s, int at)
{
    struct graph_op *op = &s->graph->op[at];
    const struct graph_value *v = &s->graph->value[op->out];
    op->act = GRAPH_NONE;
    settle_all(s, at);
    op->act = GRAPH_RELU;
    size_t cells = (size_t)v->h * (size_t)v->w, channels = (size_t)v->c;
    size_t count = (size_t)s->images * cells;
    double gap = settle_most(s, op->out) * SETTLE_GAP;
    float *x = mem_alloc(count, sizeof *x), *b = (float *)op->b;
    for (size_t c = 0; c < channels; c++) {
        for (int i = 0; i < s->images; i++)
            memcpy(x + (size_t)i * cells, settled_value(s, i, op->out) + c * cells,
                   cells * sizeof *x);
        qsort(x, count, sizeof *x, settle_order);
        b[c] += (float)settle_move(x, count, 1.01 * gap);
    }
    free(x);
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
        for (int k = 0; k < op->y.k; k++)
            for (int l = 0; l < op->x.k; l++) {
                const int i = y0 + k * (op->y.gap + 1), j = x0 + l * (op->x.gap + 1);
                if (i < 0 || i >= from->h || j < 0 || j >= from->w)
                    continue;
                double v = x[i * from->w + j];
                next = v > most ? most : fmax(v, next);
                most = fmax(v, most);
            }
        if (most > next && most - next < gap)
            return false;
    }
    return true;
}

/* Whether no number of a plane is where the slope of a function jumps. */
static inline bool settle_smooth(const struct graph *n, const struct graph_op *op, const float *x,
                                 double gap)
{
    const struct graph_function_rule *f = &graph_function_rules[op->function];
    for (size_t i = 0; i < graph_cells(n, op->in[0]); i++)
        if (fabs(f->slope(x[i] + gap, op->p, op->q) - f->slope(x[i] - gap, op->p, op->q)) > 0.01)
            return false;
    return true;
}

/* Draws the images anew that have a tie in operation `at`, a maximum, or stand at a kink of it, a
 * function; how many. */
static inline int settle_images(const struct settled *s, int at)
{
    const struct graph *n = s->graph;
    const struct graph_op *op = &n->op[at];
    const size_t planes = (size_t)n->value[op->in[0]].c, cells = graph_cells(n, op->in[0]);
    double gap = settle_most(s, op->in[0]) * SETTLE_GAP;
    int ties = 0;
    for (int i = 0; i < s->images; i++) {
        const float *x = settled_value(s, i, op->in[0]);
        size_t c = 0;
        while (c < planes &&
               (op->kind == GRAPH_MAX_POOL ? settle_clear(n, op, x + c * cells, gap)
                                           : settle_smooth(n, op, x + c * cells, gap)))
            c++;
        if (c == planes)
            continue;
        random_pixels(s->pixels + (size_t)i * graph_size(n, 0), graph_size(n, 0));
        ties++;
    }
    return ties;
}

/* Random images for the gradients of n, whose biases are moved. Caller frees. */
static inline uint8_t *settle(struct graph *n, int images)
{
    size_t bytes = (size_t)images * graph_size(n, 0);
    uint8_t *pixels = mem_alloc(bytes, 1);
    struct settled s;
    random_pixels(pixels, bytes);
    const uint64_t state = random_state;
    settle_open(&s, n, images, pixels);
    settle_all(&s, -1);
    int tries = 0;
    for (int at = 0; at < n->ops - 2 && tries < 1000; at++) {
        if (n->op[at].act == GRAPH_RELU)
            settle_relu(&s, at);
        const bool kinks = n->op[at].kind == GRAPH_MAX_POOL || n->op[at].kind == GRAPH_FUNCTION;
        if (kinks && settle_images(&s, at) > 0) {
            at = -1;
            tries++;
        }
        settle_all(&s, at);
    }
    CHECK(tries < 1000);
    settle_close(&s);
    random_state = state + 1; /* what is drawn next does not depend on ties */
    return pixels;
}

#endif
