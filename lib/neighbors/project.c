#include "neighbors/project.h"

#include "base/mem.h"
#include "engine/products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    NEIGHBOURS = 15, /* UMAP's default */
    EPOCHS = 200,
    NEGATIVES = 5,   /* points pushed away for each that is pulled */
    ITERATIONS = 12, /* of the principal components */
    SAMPLE = 1000,   /* images of which trust is measured */
    ROWS = 256,      /* vectors read at a time */
    PLANE = 2
};

static const double EXTENT = 10, NOISE = 1e-4;

/* --- random numbers --- */

static uint32_t random_bits(uint64_t *state)
{
    /* PCG-XSH-RR, O'Neill 2014. */
    uint64_t s = *state;
    *state = s * 6364136223846793005U + 1442695040888963407U;
    uint32_t x = (uint32_t)(((s >> 18) ^ s) >> 27), turn = (uint32_t)(s >> 59);
    return x >> turn | x << (-turn & 31);
}

/* 0 to n - 1. */
static uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((uint64_t)random_bits(state) * n >> 32);
}

static double random_unit(uint64_t *state)
{
    return random_bits(state) / 4294967296.0;
}

/* --- principal components --- */

struct components {
    const struct vectors *v;
    int length;
    double *mean;        /* [length] */
    double *axis[PLANE]; /* [length] */
};

/* Calls `add` with each vector. */
static int each_vector(const struct components *c,
                       void (*add)(void *ctx, int64_t i, const float *x), void *ctx, struct err *e)
{
    int64_t all = vectors_count(c->v);
    float *x = mem_alloc(ROWS * (size_t)c->length, sizeof *x);
    int r = 0;

    for (int64_t at = 0; at < all && r == 0; at += ROWS) {
        int n = all - at < ROWS ? (int)(all - at) : ROWS;
        r = vectors_read(c->v, at, n, x, e);
        for (int i = 0; i < n && r == 0; i++)
            add(ctx, at + i, x + (size_t)i * (size_t)c->length);
    }
    free(x);
    return r;
}

static void add_mean(void *ctx, int64_t i, const float *x)
{
    const struct components *c = ctx;

    (void)i;
    for (int k = 0; k < c->length; k++)
        c->mean[k] += x[k] / (double)vectors_count(c->v);
}

static double along(const struct components *c, int axis, const float *x)
{
    double sum = 0;

    for (int k = 0; k < c->length; k++)
        sum += (x[k] - c->mean[k]) * c->axis[axis][k];
    return sum;
}

struct turned {
    const struct components *c;
    double *next[PLANE]; /* the axes times the covariance */
};

static void add_turned(void *ctx, int64_t i, const float *x)
{
    const struct turned *t = ctx;

    (void)i;
    for (int a = 0; a < PLANE; a++) {
        double s = along(t->c, a, x);
        for (int k = 0; k < t->c->length; k++)
            t->next[a][k] += s * (x[k] - t->c->mean[k]);
    }
}

/* Orthonormal axes, whose largest element is positive. */
static void straighten(const struct components *c)
{
    for (int a = 0; a < PLANE; a++) {
        double *x = c->axis[a], dot = 0, norm = 0;
        int most = 0;
        for (int k = 0; k < c->length && a > 0; k++)
            dot += x[k] * c->axis[0][k];
        for (int k = 0; k < c->length; k++) {
            x[k] -= a > 0 ? dot * c->axis[0][k] : 0;
            norm += x[k] * x[k];
            most = fabs(x[k]) > fabs(x[most]) ? k : most;
        }
        norm = norm > 0 ? copysign(sqrt(norm), x[most]) : 1;
        for (int k = 0; k < c->length; k++)
            x[k] /= norm;
    }
}

/* By orthogonal iteration: a start, so that a few rounds are enough. */
static int find_axes(struct components *c, uint64_t *random, struct err *e)
{
    const size_t n = (size_t)c->length;
    struct turned t = {.c = c};
    int r = each_vector(c, add_mean, c, e);

    for (int a = 0; a < PLANE; a++) {
        t.next[a] = mem_alloc(n, sizeof *t.next[a]);
        for (size_t k = 0; k < n; k++)
            c->axis[a][k] = random_unit(random) - 0.5;
    }
    straighten(c);
    for (int i = 0; i < ITERATIONS && r == 0; i++) {
        for (int a = 0; a < PLANE; a++)
            memset(t.next[a], 0, n * sizeof *t.next[a]);
        r = each_vector(c, add_turned, &t, e);
        for (int a = 0; a < PLANE; a++)
            memcpy(c->axis[a], t.next[a], n * sizeof *t.next[a]);
        straighten(c);
    }
    for (int a = 0; a < PLANE; a++)
        free(t.next[a]);
    return r;
}

struct placed {
    const struct components *c;
    float *xy;
};

static void place(void *ctx, int64_t i, const float *x)
{
    const struct placed *p = ctx;

    for (int a = 0; a < PLANE; a++)
        p->xy[PLANE * i + a] = (float)along(p->c, a, x);
}

static int start(const struct vectors *v, float *xy, uint64_t *random, struct err *e)
{
    struct components c = {.v = v, .length = vectors_length(v)};
    const size_t n = (size_t)c.length, points = PLANE * (size_t)vectors_count(v);
    const struct placed p = {&c, xy};
    float most = 0;

    c.mean = mem_zero(n, sizeof *c.mean);
    for (int a = 0; a < PLANE; a++)
        c.axis[a] = mem_alloc(n, sizeof *c.axis[a]);
    int r = find_axes(&c, random, e);
    if (r == 0)
        r = each_vector(&c, place, (void *)&p, e);
    for (size_t i = 0; i < points && r == 0; i++)
        most = fabsf(xy[i]) > most ? fabsf(xy[i]) : most;
    /* Equal vectors start apart, or nothing would part them. */
    for (size_t i = 0; i < points && r == 0; i++)
        xy[i] =
            (float)((most > 0 ? xy[i] * EXTENT / most : 0) + NOISE * (random_unit(random) - 0.5));
    free(c.mean);
    for (int a = 0; a < PLANE; a++)
        free(c.axis[a]);
    return r;
}

/* --- the graph of neighbours --- */

struct fuzzy {
    int64_t n;
    int k;
    uint32_t *item; /* (n, k) */
    float *weight;  /* (n, k) distances, then how much a neighbour is one */
};

struct edge {
    uint32_t from, to;
    float weight;
};

static int take_list(void *ctx, int64_t query, const struct neighbor *list, int n, struct err *e)
{
    const struct fuzzy *f = ctx;

    (void)e;
    for (int i = 0; i < n; i++) {
        f->item[query * f->k + i] = (uint32_t)list[i].item;
        f->weight[query * f->k + i] = (float)list[i].distance;
    }
    return 0;
}

static double weight_sum(const float *d, int k, double nearest, double width)
{
    double sum = 0;

    for (int i = 0; i < k; i++)
        sum += d[i] > nearest ? exp(-(d[i] - nearest) / width) : 1;
    return sum;
}

/* Weights of one vector's neighbours, which sum to log2(k): 1 for the nearest. */
static void weigh(float *d, int k)
{
    double nearest = d[0], low = 0, high = INFINITY, width = 1, mean = 0;

    for (int i = 0; i < k; i++)
        mean += d[i] / (double)k;
    for (int step = 0; step < 64; step++) {
        if (weight_sum(d, k, nearest, width) > log2(k))
            high = width;
        else
            low = width;
        width = isinf(high) ? 2 * width : (low + high) / 2;
    }
    width = fmax(width, 1e-3 * mean);
    for (int i = 0; i < k; i++)
        d[i] = d[i] > nearest ? (float)exp(-(d[i] - nearest) / width) : 1;
}

/* How much i is a neighbour of j: -1 where it is none. */
static float weight_back(const struct fuzzy *f, uint32_t j, uint32_t i)
{
    for (int k = 0; k < f->k; k++)
        if (f->item[(size_t)j * (size_t)f->k + (size_t)k] == i)
            return f->weight[(size_t)j * (size_t)f->k + (size_t)k];
    return -1;
}

/* Fuzzy union; each edge in both directions: edges[2 * n * k] at most. */
static size_t unite(const struct fuzzy *f, struct edge *edges)
{
    size_t count = 0;

    for (uint32_t i = 0; i < f->n; i++)
        for (int k = 0; k < f->k; k++) {
            uint32_t j = f->item[(size_t)i * (size_t)f->k + (size_t)k];
            float a = f->weight[(size_t)i * (size_t)f->k + (size_t)k], b = weight_back(f, j, i);
            if (b < 0) {
                edges[count++] = (struct edge){i, j, a};
                edges[count++] = (struct edge){j, i, a};
            } else {
                edges[count++] = (struct edge){i, j, a + b - a * b};
            }
        }
    return count;
}

static int build(const struct vectors *v, const struct project_opts *o, struct edge **edges,
                 size_t *count, struct err *e)
{
    int64_t n = vectors_count(v);
    struct fuzzy f = {.n = n, .k = n - 1 < NEIGHBOURS ? (int)n - 1 : NEIGHBOURS};
    const size_t all = (size_t)n * (size_t)f.k;
    const struct nearest_opts near = {
        .k = f.k, .metric = o->metric, .threads = o->threads, .progress = o->progress};

    f.item = mem_alloc(all, sizeof *f.item);
    f.weight = mem_alloc(all, sizeof *f.weight);
    int r = nearest_find(v, NULL, &near, take_list, &f, e);
    if (r == 0) {
        for (int64_t i = 0; i < n; i++)
            weigh(f.weight + i * f.k, f.k);
        *edges = mem_alloc(2 * all, sizeof **edges);
        *count = unite(&f, *edges);
    }
    free(f.item);
    free(f.weight);
    return r;
}

/* --- the descent --- */

static float clip(float x)
{
    return x > 4 ? 4 : x < -4 ? -4 : x;
}

static void push(float *p, const float *q, float rate)
{
    float dx = p[0] - q[0], dy = p[1] - q[1], d2 = dx * dx + dy * dy,
          g = 2 / ((.001F + d2) * (1 + d2));

    p[0] += rate * clip(g * dx);
    p[1] += rate * clip(g * dy);
}

static void pull(float *p, float *q, float rate)
{
    float dx = p[0] - q[0], dy = p[1] - q[1], g = -2 / (1 + dx * dx + dy * dy);
    float x = rate * clip(g * dx), y = rate * clip(g * dy);

    p[0] += x;
    p[1] += y;
    q[0] -= x;
    q[1] -= y;
}

/* An edge is drawn in a share of the epochs that is its weight over the largest, which is 1. */
static void descend(const struct edge *edges, size_t count, int64_t n, float *xy, uint64_t *random)
{
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        float rate = 1 - (float)epoch / EPOCHS;
        for (size_t i = 0; i < count; i++) {
            const struct edge *g = &edges[i];
            if ((int)(g->weight * (float)(epoch + 1)) == (int)(g->weight * (float)epoch))
                continue;
            float *p = xy + PLANE * (size_t)g->from, *q = xy + PLANE * (size_t)g->to;
            pull(p, q, rate);
            for (int k = 0; k < NEGATIVES; k++) {
                uint32_t j = random_below(random, (uint32_t)n);
                if (j != g->from)
                    push(p, xy + PLANE * (size_t)j, rate);
            }
        }
    }
}

/* --- trust --- */

struct trust {
    const float *xy;
    int64_t n;
    int k, sample;
    int64_t *image;  /* [sample] */
    uint32_t *near;  /* (sample, k) neighbours on the plane */
    float *score;    /* (sample, k) as the products tell how near they are */
    int64_t *nearer; /* (sample, k) vectors that are nearer */
    int64_t from;    /* the block of the set */
    int block;
    const float *half; /* of the block */
};

static void plane_neighbours(const struct trust *t, int s)
{
    const float *p = t->xy + PLANE * t->image[s];
    uint32_t *near = t->near + (size_t)s * (size_t)t->k;
    float *far = mem_alloc((size_t)t->k, sizeof *far);
    int held = 0;

    for (int64_t j = 0; j < t->n; j++) {
        float dx = t->xy[PLANE * j] - p[0], dy = t->xy[PLANE * j + 1] - p[1], d = dx * dx + dy * dy;
        if (j == t->image[s] || (held == t->k && d >= far[held - 1]))
            continue;
        int at = held < t->k ? held++ : held - 1;
        for (; at > 0 && far[at - 1] > d; at--) {
            far[at] = far[at - 1];
            near[at] = near[at - 1];
        }
        far[at] = d;
        near[at] = (uint32_t)j;
    }
    free(far);
}

static void count_nearer(void *ctx, int64_t s, const float *products)
{
    const struct trust *t = ctx;
    const float *score = t->score + s * t->k;
    int64_t *nearer = t->nearer + s * t->k;
    int64_t self = t->image[s] - t->from;

    for (int j = 0; j < t->block; j++)
        for (int k = 0; k < t->k && j != self; k++)
            nearer[k] += products[j] - t->half[j] > score[k];
}

/* The scores of those on the plane, by the same products, so that equal vectors tie. */
static void take_scores(void *ctx, int64_t s, const float *products)
{
    const struct trust *t = ctx;

    for (int k = 0; k < t->k; k++) {
        int64_t j = t->near[s * t->k + k] - t->from;
        if (j >= 0 && j < t->block)
            t->score[s * t->k + k] = products[j] - t->half[j];
    }
}

/* Gives `take` the products of the sample x with all vectors, a block at a time. */
static int each_block(struct trust *t, const struct vectors *v, enum nearest_metric metric,
                      struct products *products, const float *x,
                      void (*take)(void *ctx, int64_t s, const float *products), struct err *e)
{
    float *y = mem_alloc(ROWS * (size_t)vectors_length(v), sizeof *y), half[ROWS];
    int r = 0;

    t->half = half;
    for (t->from = 0; t->from < t->n && r == 0; t->from += ROWS) {
        t->block = t->n - t->from < ROWS ? (int)(t->n - t->from) : ROWS;
        r = nearest_load(v, t->from, t->block, metric, y, half, e);
        if (r == 0) {
            products_set(products, y, t->block);
            products_run(products, x, t->sample, take, t);
        }
    }
    t->half = NULL;
    free(y);
    return r;
}

static int measure(struct trust *t, const struct vectors *v, enum nearest_metric metric,
                   struct products *products, struct err *e)
{
    const size_t length = (size_t)vectors_length(v);
    float *x = mem_alloc((size_t)t->sample * length, sizeof *x);
    int r = 0;

    for (int s = 0; s < t->sample && r == 0; s++) {
        plane_neighbours(t, s);
        r = nearest_load(v, t->image[s], 1, metric, x + (size_t)s * length, NULL, e);
    }
    if (r == 0 && (each_block(t, v, metric, products, x, take_scores, e) != 0 ||
                   each_block(t, v, metric, products, x, count_nearer, e) != 0))
        r = -1;
    free(x);
    return r;
}

static int find_trust(const struct vectors *v, const struct project_opts *o, const float *xy,
                      struct project_trust *result, struct err *e)
{
    struct trust t = {.xy = xy, .n = vectors_count(v)};
    struct products *products;
    double lost = 0;

    t.sample = t.n < SAMPLE ? (int)t.n : SAMPLE;
    t.k = 2 * NEIGHBOURS < t.n ? NEIGHBOURS : (int)(t.n - 1) / 2;
    *result = (struct project_trust){NAN, t.k, t.sample};
    if (t.k < 1)
        return 0;
    if (products_open(&products, vectors_length(v), o->threads, e) != 0)
        return -1;
    const size_t all = (size_t)t.sample * (size_t)t.k;
    t.image = mem_alloc((size_t)t.sample, sizeof *t.image);
    t.near = mem_alloc(all, sizeof *t.near);
    t.score = mem_alloc(all, sizeof *t.score);
    t.nearer = mem_zero(all, sizeof *t.nearer);
    for (int s = 0; s < t.sample; s++)
        t.image[s] = s * t.n / t.sample;
    int r = measure(&t, v, o->metric, products, e);
    for (size_t i = 0; i < all; i++)
        lost += t.nearer[i] + 1 > t.k ? (double)(t.nearer[i] + 1 - t.k) : 0;
    double n = (double)t.n, k = t.k;
    result->value = 1 - 2 * lost / ((double)t.sample * k * (2 * n - 3 * k - 1));
    products_close(products);
    free(t.image);
    free(t.near);
    free(t.score);
    free(t.nearer);
    return r;
}

/* --- the whole --- */

int project(const struct vectors *v, const struct project_opts *o, float *xy,
            struct project_trust *t, struct err *e)
{
    int64_t n = vectors_count(v);
    uint64_t random = o->seed;
    struct edge *edges = NULL;
    size_t count = 0;

    if (n < 2 || n > UINT32_MAX)
        return err_set(e, "%s: expected 2 to %u embeddings, found %lld", vectors_name(v),
                       UINT32_MAX, (long long)n);
    random_bits(&random);
    if (start(v, xy, &random, e) != 0 || build(v, o, &edges, &count, e) != 0)
        return -1;
    descend(edges, count, n, xy, &random);
    free(edges);
    return find_trust(v, o, xy, t, e);
}
