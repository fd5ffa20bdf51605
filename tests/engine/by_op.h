/* Results in half precision, compared operation by operation: what a device made of an operation's
 * inputs goes through the operation's rule, and that is compared with what the device made of its
 * result. So roundings do not add up, and each ReLU and each maximum is decided as the device
 * decided it: by whole networks the gradients of two devices that are both right may be anything
 * apart, since one ReLU that rounding turns over changes all that lies before it. */
#ifndef HP_BY_OP_H
#define HP_BY_OP_H

#include "compare.h"

/* Of a device, and the most that is right, by root mean square over that of the rule's. */
struct by_op {
    const char *device;
    enum engine_precision precision;
    int threads;
    double forward, backward;
};

/* A run with the images and vectors of `like` that wants all there is of each value: value v's
 * activation is result v, its gradient the result as many as there are values further on. */
static inline struct run by_op_run(const struct run *like, const struct by_op *of)
{
    const struct graph *g = like->graph;
    struct engine_want *want = mem_alloc(2 * (size_t)g->values + 1, sizeof *want);
    struct engine_opts o = like->opts;
    o.device = of->device;
    o.precision = of->precision;
    o.threads = of->threads;
    o.wants = want;
    o.want_count = 0;
    for (int v = 0; v < g->values; v++)
        engine_add_want(want, &o.want_count, v, ENGINE_ACTIVATION);
    for (int v = 0; v < g->values && o.vectors > 0; v++)
        engine_add_want(want, &o.want_count, v, ENGINE_GRADIENT);
    if (like->maps)
        engine_add_want(want, &o.want_count, graph_closed(g).value, ENGINE_CLASS_MAPS);
    struct run r = run_with(g, like->images, o);
    memcpy(r.pixels, like->pixels, (size_t)r.images * graph_size(g, 0));
    free(want);
    return r;
}

/* Sums of squares: of differences, of what is right, of what it was summed up from. */
struct by_op_gap {
    double apart, all, terms;
};

static inline void by_op_add(struct by_op_gap *d, const float *is, const float *right, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d->apart += ((double)is[i] - right[i]) * ((double)is[i] - right[i]);
        d->all += (double)right[i] * right[i];
    }
}

/* Beside terms of 1 what cancels is known to a millionth in f32. */
static inline bool by_op_right(const struct by_op_gap *d, double most)
{
    return isfinite(d->all) && sqrt(d->apart) <= most * sqrt(d->all) + 1e-6 * sqrt(d->terms);
}

static inline void by_op_end(const struct by_op_gap *d, double most, const struct run *r, int value,
                             const char *what)
{
    const bool right = by_op_right(d, most);
    CHECK(right);
    if (!right)
        fprintf(stderr, "  %s %s of value %d of %d, %dx%d, by its operation: %.2g\n",
                engine_precision_word(r->opts.precision), what, value, r->graph->values,
                r->graph->value[0].h, r->graph->value[0].w, sqrt(d->apart / fmax(d->all, 1e-30)));
}

/* The images of a run, one at a time: all values of it, and room for those that rules make. */
struct by_op_image {
    const struct run *run;
    int at;
    struct graph_image x;
    float *room;
    bool *wanted; /* all */
};

static inline void by_op_at(struct by_op_image *i, int at)
{
    i->at = at;
    for (int v = 0; v < i->run->graph->values; v++)
        i->x.value[v] = i->run->results[v].values + (size_t)at * graph_size(i->run->graph, v);
}

static inline float *by_op_grad(const struct by_op_image *i, int vector, int value)
{
    const struct run *r = i->run;
    return r->results[r->graph->values + value].values +
           (size_t)(i->at * r->opts.vectors + vector) * graph_size(r->graph, value);
}

/* The pixels that all else is made of. */
static inline struct by_op_gap by_op_pixels(struct by_op_image *i)
{
    const struct graph *g = i->run->graph;
    const size_t size = graph_size(g, 0);
    struct by_op_gap gap = {0, 0, 0};
    for (int at = 0; at < i->run->images; at++) {
        const uint8_t *pixel = i->run->pixels + (size_t)at * size;
        by_op_at(i, at);
        for (size_t p = 0; p < size; p++)
            i->room[p] = graph_pixel(g, (int)(p / graph_cells(g, 0)), pixel[p]);
        by_op_add(&gap, i->x.value[0], i->room, size);
    }
    return gap;
}

static inline struct by_op_gap by_op_result(struct by_op_image *i, const struct graph_op *op)
{
    const struct graph *g = i->run->graph;
    struct by_op_gap gap = {0, 0, 0};
    for (int at = 0; at < i->run->images; at++) {
        by_op_at(i, at);
        float *is = i->x.value[op->out];
        i->x.value[op->out] = i->room;
        graph_forward(g, op, &i->x);
        by_op_add(&gap, is, i->room, graph_size(g, op->out));
    }
    return gap;
}

/* The same with weights of so many bits: where sums nearly cancel, what rounding them does is large
 * beside the result. */
static inline struct by_op_gap by_op_rounded(struct by_op_image *i, const struct graph_op *op,
                                             int bits)
{
    const size_t n = (size_t)graph_op_weights(i->run->graph, op);
    const double split = ldexp(1, 53 - bits) + 1;
    float *w = mem_alloc(n, sizeof *w);
    struct graph_op rounded = *op;
    for (size_t k = 0; k < n; k++) {
        const double c = split * (double)op->w[k];
        w[k] = (float)(c - (c - (double)op->w[k]));
    }
    rounded.w = w;
    const struct by_op_gap gap = by_op_result(i, &rounded);
    free(w);
    return gap;
}

/* The gradient of a value is what the operations that read it pass back. */
static inline void by_op_backward(struct by_op_image *i, int vector, struct by_op_gap *gap)
{
    const struct graph *g = i->run->graph;
    const size_t classes = (size_t)graph_classes(g);
    float *seeds = mem_zero(run_seed_size(i->run), sizeof *seeds);
    for (int v = 0; v < g->values; v++)
        memset(i->x.grad[v], 0, graph_size(g, v) * sizeof(float));
    run_seed_image(i->run, i->at, seeds);
    memcpy(i->x.grad[graph_logits(g)], seeds + (size_t)vector * classes, classes * sizeof *seeds);
    for (int j = g->ops - 1; j >= 0; j--) {
        const struct graph_op *op = &g->op[j];
        const size_t size = graph_size(g, op->out);
        float *sum = i->x.grad[op->out];
        i->x.grad[op->out] = i->room;
        memcpy(i->room, by_op_grad(i, vector, op->out), size * sizeof(float));
        graph_backward(g, op, &i->x, i->wanted);
        i->x.grad[op->out] = sum;
        for (int k = 0; k < op->ins; k++)
            for (size_t p = 0; p < size; p++)
                gap[op->in[k]].terms += (double)i->room[p] * i->room[p];
    }
    for (int v = 0; v < g->values; v++)
        by_op_add(&gap[v], by_op_grad(i, vector, v), i->x.grad[v], graph_size(g, v));
    free(seeds);
}

/* Maps of all classes, by the weights of the last layer. */
static inline void by_op_maps(const struct by_op_image *i, struct by_op_gap *gap)
{
    const struct graph *g = i->run->graph;
    const struct graph_closed end = graph_closed(g);
    const size_t cells = graph_cells(g, end.value), channels = (size_t)g->value[end.value].c;
    const float *map = i->run->maps + (size_t)i->at * i->run->map_size;
    for (size_t k = 0; k < (size_t)graph_classes(g); k++)
        for (size_t p = 0; p < cells; p++, map++) {
            double sum = 0;
            for (size_t c = 0; c < channels; c++)
                sum += (double)end.linear->w[k * channels + c] *
                       i->x.value[end.value][c * cells + p] / (double)cells;
            by_op_add(gap, map, &(float){(float)sum}, 1);
        }
}

static inline void by_op_forward(struct by_op_image *i, const struct by_op *of)
{
    const struct graph *g = i->run->graph;
    struct by_op_gap gap = by_op_pixels(i);
    by_op_end(&gap, of->forward, i->run, 0, "pixels");
    for (int j = 0; j < g->ops; j++) {
        const struct graph_op *op = &g->op[j];
        gap = by_op_result(i, op);
        if (!by_op_right(&gap, of->forward) && graph_op_weights(g, op) > 0)
            gap = by_op_rounded(i, op, of->precision == ENGINE_BF16 ? 8 : 11);
        by_op_end(&gap, of->forward, i->run, op->out, "result");
    }
}

/* A run of by_op_run() that is done. */
static inline void by_op_compare(const struct run *r, const struct by_op *of)
{
    const struct graph *g = r->graph;
    const size_t values = (size_t)g->values;
    struct by_op_gap *backward = mem_zero(values, sizeof *backward), maps = {0, 0, 0};
    struct by_op_image i = {.run = r,
                            .x = {.value = mem_alloc(values, sizeof(float *)),
                                  .grad = mem_alloc(values, sizeof(float *)),
                                  .plane = mem_alloc(graph_plane(g), sizeof(double))},
                            .wanted = mem_alloc(values, sizeof(bool))};
    size_t most = 0;
    for (int v = 0; v < g->values; v++) {
        most = graph_size(g, v) > most ? graph_size(g, v) : most;
        i.x.grad[v] = mem_alloc(graph_size(g, v), sizeof(float));
        i.wanted[v] = true;
    }
    i.room = mem_alloc(most, sizeof(float));
    by_op_forward(&i, of);
    for (int at = 0; at < r->images; at++) {
        by_op_at(&i, at);
        for (int k = 0; k < r->opts.vectors; k++)
            by_op_backward(&i, k, backward);
        if (r->maps)
            by_op_maps(&i, &maps);
    }
    for (int v = 0; v < g->values; v++) {
        by_op_end(&backward[v], of->backward, r, v, "gradient");
        free(i.x.grad[v]);
    }
    by_op_end(&maps, of->forward, r, graph_closed(g).value, "maps");
    free(i.x.value);
    free(i.x.grad);
    free(i.x.plane);
    free(i.room);
    free(i.wanted);
    free(backward);
}

/* What `r` wanted is in `all` bit by bit; gradients but for rounding in f32, where sums may cancel:
 * fewer operations are passed one by one where those of the last values are not wanted. */
static inline void by_op_same(const struct run *r, const struct run *all)
{
    const size_t images = (size_t)r->images;
    CHECK(same(r->logits, all->logits, images * (size_t)graph_classes(r->graph)));
    for (int i = 0; i < r->opts.want_count; i++)
        for (int j = 0; j < all->opts.want_count; j++) {
            const float *a = r->results[i].values, *b = all->results[j].values;
            const size_t n = images * engine_result_size(r->graph, &r->opts, i);
            if (r->want[i].value == all->want[j].value && r->want[i].what == all->want[j].what)
                CHECK(r->want[i].what == ENGINE_GRADIENT ? difference_beside(a, b, n, 1e-3) < 1e-3
                                                         : same(a, b, n));
        }
}

#endif
