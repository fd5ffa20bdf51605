#include "neighbors/nearest.h"

#include "base/mem.h"
#include "base/pool.h"
#include "engine/products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUERIES = 4096,         /* compared with the whole set together, at most, */
    BLOCK_BYTES = 16 << 20, /* and of as many bytes, as is a block of the set */
    SLACK = 16,             /* candidates beyond k, for what rounding may swap */
    RANKED = 64             /* queries ranked by a thread at a time */
};

/* Squares of longer vectors are beyond float. */
static const double LONGEST = 1e18;

struct candidate {
    float score; /* higher is nearer */
    int64_t item;
};

/* A heap with the worst candidate first. */
struct heap {
    int n;
    struct candidate *at; /* [room] */
};

struct search {
    const struct vectors *queries, *set;
    const struct nearest_opts *opts;
    bool same; /* the queries are the set */
    int length, room;
    int most_queries, most; /* compared together, and of the set */
    struct products *products;
    float *x, *y;  /* (most_queries, length) and (most, length), as multiplied */
    float *half;   /* [most] half the squared norms, or 0 */
    int64_t first; /* query of the block */
    int64_t from;  /* vector of the set's block */
    int block;     /* vectors of it */
    struct heap *heap;
    struct neighbor *list; /* (most_queries, room) */
    int queried;           /* of the block */
};

/* --- heaps --- */

/* Whether a is worse than b: further, or as far with a higher item. */
static bool worse(const struct candidate *a, const struct candidate *b)
{
    return a->score < b->score || (a->score == b->score && a->item > b->item);
}

static void sink(struct heap *h, int i)
{
    struct candidate c = h->at[i];

    for (int child; (child = 2 * i + 1) < h->n; i = child) {
        child += child + 1 < h->n && worse(&h->at[child + 1], &h->at[child]);
        if (!worse(&h->at[child], &c))
            break;
        h->at[i] = h->at[child];
    }
    h->at[i] = c;
}

static void add(struct heap *h, int room, struct candidate c)
{
    if (h->n == room) {
        h->at[0] = c;
        sink(h, 0);
        return;
    }
    int i = h->n++;
    for (int up; i > 0 && worse(&c, &h->at[up = (i - 1) / 2]); i = up)
        h->at[i] = h->at[up];
    h->at[i] = c;
}

/* --- candidates --- */

static void take_products(void *ctx, int64_t i, const float *products)
{
    struct search *s = ctx;
    struct heap *h = &s->heap[i];
    int64_t self = s->same ? s->first + i - s->from : -1;

    for (int j = 0; j < s->block; j++) {
        const struct candidate c = {products[j] - s->half[j], s->from + j};
        if (j != self && (h->n < s->room || worse(&h->at[0], &c)))
            add(h, s->room, c);
    }
}

double nearest_product(const float *x, const float *y, int n)
{
    double sum[4] = {0};
    int i = 0;

    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            sum[k] += (double)x[i + k] * y[i + k];
    for (; i < n; i++)
        sum[0] += (double)x[i] * y[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* To length 1, where there is any. */
static void scale(float *x, int n)
{
    double norm = sqrt(nearest_product(x, x, n));

    for (int i = 0; i < n && norm > 0; i++)
        x[i] = (float)(x[i] / norm);
}

int nearest_load(const struct vectors *v, int64_t first, int n, enum nearest_metric metric,
                 float *x, float *half, struct err *e)
{
    const int length = vectors_length(v);

    if (vectors_read(v, first, n, x, e) != 0)
        return -1;
    for (int i = 0; i < n; i++, x += length) {
        if (metric == NEAREST_COSINE)
            scale(x, length);
        double square = metric == NEAREST_COSINE ? 0 : nearest_product(x, x, length);
        if (square > LONGEST * LONGEST)
            return err_set(e, "%s: item %lld: expected a vector of length up to %g, found %g",
                           vectors_name(v), (long long)(first + i), LONGEST, sqrt(square));
        if (half)
            half[i] = (float)(square / 2);
    }
    return 0;
}

static int compare_all(struct search *s, int queries, struct err *e)
{
    int64_t all = vectors_count(s->set);

    if (nearest_load(s->queries, s->first, queries, s->opts->metric, s->x, NULL, e) != 0)
        return -1;
    for (int i = 0; i < queries; i++)
        s->heap[i].n = 0;
    for (s->from = 0; s->from < all; s->from += s->block) {
        s->block = all - s->from < s->most ? (int)(all - s->from) : s->most;
        if (nearest_load(s->set, s->from, s->block, s->opts->metric, s->y, s->half, e) != 0)
            return -1;
        products_set(s->products, s->y, s->block);
        products_run(s->products, s->x, queries, take_products, s);
    }
    return 0;
}

/* --- ranks --- */

double nearest_distance(enum nearest_metric metric, const float *x, const float *y, int length)
{
    if (metric == NEAREST_COSINE) {
        /* One root: that of a square is exact, so that equal vectors are at distance 0. */
        double norms = sqrt(nearest_product(x, x, length) * nearest_product(y, y, length));
        double far = norms > 0 ? 1 - nearest_product(x, y, length) / norms : 1;
        return far > 0 ? far : 0;
    }
    double sum = 0;
    for (int i = 0; i < length; i++) {
        double d = (double)x[i] - y[i];
        sum += d * d;
    }
    return sqrt(sum);
}

static int compare(const void *a, const void *b)
{
    const struct neighbor *x = a, *y = b;

    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* The list of query `i` of the block; x and y are room for a vector. */
static int rank_one(struct search *s, int i, float *x, float *y, struct err *e)
{
    struct neighbor *list = s->list + (size_t)i * (size_t)s->room;
    const struct heap *h = &s->heap[i];

    if (vectors_read(s->queries, s->first + i, 1, x, e) != 0)
        return -1;
    for (int k = 0; k < h->n; k++) {
        if (vectors_read(s->set, h->at[k].item, 1, y, e) != 0)
            return -1;
        list[k] =
            (struct neighbor){h->at[k].item, nearest_distance(s->opts->metric, x, y, s->length)};
    }
    qsort(list, (size_t)h->n, sizeof *list, compare);
    return 0;
}

/* Room for two vectors. */
static void *make_room(void *self)
{
    const struct search *s = self;

    return mem_alloc(2 * (size_t)s->length, sizeof(float));
}

static int rank_some(void *self, void *room, int64_t part, struct err *e)
{
    struct search *s = self;
    float *x = room;
    int at = (int)part * RANKED;

    for (int i = at; i < at + RANKED && i < s->queried; i++)
        if (rank_one(s, i, x, x + s->length, e) != 0)
            return -1;
    return 0;
}

static int rank_all(struct search *s, int queries, struct err *e)
{
    const struct pool_work work = {
        .self = s, .make = make_room, .discard = free, .part = rank_some};

    s->queried = queries;
    return pool_run(&work, (queries + RANKED - 1) / RANKED,
                    s->opts->threads > 0 ? s->opts->threads : pool_cores(), e);
}

/* --- the search --- */

static int search(struct search *s,
                  int (*take)(void *ctx, int64_t query, const struct neighbor *list, int n,
                              struct err *e),
                  void *ctx, struct err *e)
{
    int64_t all = vectors_count(s->queries);

    for (; s->first < all; s->first += s->most_queries) {
        int queries = all - s->first < s->most_queries ? (int)(all - s->first) : s->most_queries;
        if (compare_all(s, queries, e) != 0 || rank_all(s, queries, e) != 0)
            return -1;
        for (int i = 0; i < queries; i++) {
            int n = s->heap[i].n < s->opts->k ? s->heap[i].n : s->opts->k;
            if (take(ctx, s->first + i, s->list + (size_t)i * (size_t)s->room, n, e) != 0)
                return -1;
        }
        if (s->opts->progress)
            s->opts->progress(s->first + queries, all);
    }
    return 0;
}

/* Vectors that are held together. */
static int held(int most, int length)
{
    int fit = BLOCK_BYTES / (length * (int)sizeof(float));

    return fit < most ? fit : most;
}

int nearest_find(const struct vectors *queries, const struct vectors *set,
                 const struct nearest_opts *o,
                 int (*take)(void *ctx, int64_t query, const struct neighbor *list, int n,
                             struct err *e),
                 void *ctx, struct err *e)
{
    struct search s = {.queries = queries,
                       .set = set ? set : queries,
                       .opts = o,
                       .same = !set,
                       .length = vectors_length(queries),
                       .room = o->k + SLACK};

    if (vectors_length(s.set) != s.length)
        return err_set(e, "%s: expected vectors of %d elements as in %s, found %d",
                       vectors_name(s.set), s.length, vectors_name(queries), vectors_length(s.set));
    if (products_open(&s.products, s.length, o->threads, e) != 0)
        return -1;
    s.most_queries = held(QUERIES, s.length);
    s.most = held(PRODUCTS_BLOCK, s.length);
    const size_t length = (size_t)s.length, room = (size_t)s.room, n = (size_t)s.most_queries;
    struct candidate *candidates = mem_alloc(n * room, sizeof *candidates);
    s.x = mem_alloc(n * length, sizeof *s.x);
    s.y = mem_alloc((size_t)s.most * length, sizeof *s.y);
    s.half = mem_alloc((size_t)s.most, sizeof *s.half);
    s.list = mem_alloc(n * room, sizeof *s.list);
    s.heap = mem_alloc(n, sizeof *s.heap);
    for (size_t i = 0; i < n; i++)
        s.heap[i].at = candidates + i * room;
    int r = search(&s, take, ctx, e);
    products_close(s.products);
    free(candidates);
    free(s.x);
    free(s.y);
    free(s.half);
    free(s.list);
    free(s.heap);
    return r;
}
