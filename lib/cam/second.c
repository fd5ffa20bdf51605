#include "cam/second.h"

#include "base/mem.h"
#include "cam/seed.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Vectors of an image that go backward in a pass. */
enum { TOGETHER = 8 };

/* What classes that get no pass may contribute, see find_classes(): half a unit in the last place
 * of a float. */
static const double NEGLIGIBLE = 0x1p-24;

struct second {
    struct passes_opts opts;
    struct graph *tail;
    struct engine *engine;
    struct engine_want want; /* of the layer, value 0 of the tail */
    int channels, cells, classes;
    size_t image; /* elements of the layer */
    int64_t passes;
};

/* What has to go backward of each image: numbers of classes or of planes. */
struct queue {
    int most;   /* of an image */
    int *item;  /* (n, most) */
    int *count; /* [n] */
};

/* A pass: the image, and the first of its items. */
struct pass {
    int image, first;
};

struct work {
    struct second *s;
    const struct passes_batch *b;
    struct queue classes, planes;
    int *likely;   /* [n] how many classes, the first ones, matter to maps of all classes */
    double *found; /* J A, as classes.item */
    int (*take)(void *ctx, int i, const float *weight, struct err *e);
    void *ctx;
    struct pass next;
    struct pass last; /* the image whose weights come in, and how many of its items are there */
    float *weight;    /* (planes, channels) of this image */
};

static const int *items_of(const struct queue *q, int image)
{
    return q->item + (size_t)image * (size_t)q->most;
}

static void queue_new(struct queue *q, int n, int most)
{
    q->most = most;
    q->item = mem_alloc((size_t)n * (size_t)most, sizeof *q->item);
    q->count = mem_zero((size_t)n, sizeof *q->count);
}

static void queue_add(struct queue *q, int image, int item)
{
    q->item[(size_t)image * (size_t)q->most + (size_t)q->count[image]++] = item;
}

/* The numbers that are marked. */
static void queue_add_marked(struct queue *q, int image, const bool *marked, int n)
{
    for (int k = 0; k < n; k++)
        if (marked[k])
            queue_add(q, image, k);
}

static void queue_free(struct queue *q)
{
    free(q->item);
    free(q->count);
}

/* How many items go backward in a pass. */
static int together(const struct queue *q, struct pass p)
{
    int left = q->count[p.image] - p.first;
    return left < TOGETHER ? left : TOGETHER;
}

/* --- what goes backward --- */

struct rank {
    double p;
    int cls;
};

static int by_probability(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return x->cls - y->cls;
}

/* The classes whose part v = J A of an image is needed, the most probable one (top) first and those
 * of its aims alone last; none where the second derivative is 0 anyway.
 *
 * It reaches the seed of class k as p_k (v_k - v_top) / 2 and, by the mean of v, all seeds
 * together as the sum of that. The seed itself has magnitudes whose sum is at least 2 (1 - p_top);
 * for a probability both have the factor p_c. v is the logits z less what the biases make of them,
 * so that v_k - v_top is of the size of z_k - z_top: the least probable classes, of which the sum
 * of p_k (z_top - z_k) is below 2^-24 (1 - p_top), change nothing that a float holds when they
 * count as v_k = v_top. By a probability c itself counts whatever p_c is, for it scales the map. */
static void find_classes(struct work *w, int image)
{
    const struct second *s = w->s;
    const struct passes_batch *b = w->b;
    const struct method_how *how = &s->opts.how;
    const int n = s->classes;
    const float *z = b->logits + (size_t)image * (size_t)n;
    const struct aim *aim = b->aim + (size_t)image * (size_t)b->planes;
    double *p = mem_alloc(2 * (size_t)n, sizeof *p), *rest = p + n, left_out = 0;
    struct rank *rank = mem_alloc((size_t)n, sizeof *rank);
    bool *needed = mem_zero((size_t)n, sizeof *needed);
    bool any = false;
    cam_softmax(z, n, p, rest);
    for (int k = 0; k < n; k++)
        rank[k] = (struct rank){p[k], k};
    qsort(rank, (size_t)n, sizeof *rank, by_probability);
    const int top = rank[n - 1].cls;
    for (int k = 0; k < n - 1; k++) {
        left_out += rank[k].p * ((double)z[top] - z[rank[k].cls]);
        needed[rank[k].cls] = left_out > NEGLIGIBLE * rest[top];
    }
    queue_add(&w->classes, image, top);
    queue_add_marked(&w->classes, image, needed, n);
    w->likely[image] = w->classes.count[image];
    memset(needed, 0, (size_t)n * sizeof *needed);
    for (int i = 0; i < b->planes; i++)
        if (aim[i].cls >= 0 && seed_bends(how, aim[i])) {
            any = true;
            needed[aim[i].cls] = how->score == CAM_PROB;
            if (aim[i].minus >= 0)
                needed[aim[i].minus] = how->score == CAM_PROB;
        }
    for (int k = 0; k < w->likely[image]; k++)
        needed[items_of(&w->classes, image)[k]] = false;
    queue_add_marked(&w->classes, image, needed, n);
    /* Of one class nothing can be told apart. */
    if (!any || w->classes.count[image] == 1)
        w->classes.count[image] = 0;
    free(p);
    free(rank);
    free(needed);
}

/* along[classes] for an aim of an image, whatever the image's other aims are. */
static void find_along(const struct work *w, int image, struct aim aim, double *along)
{
    const struct queue *q = &w->classes;
    const int *cls = items_of(q, image);
    const double *found = w->found + (size_t)image * (size_t)q->most;
    for (int k = 0; k < w->s->classes; k++)
        along[k] = q->count[image] > 0 ? found[0] : 0;
    for (int k = 0; k < q->count[image]; k++)
        if (k < w->likely[image] || cls[k] == aim.cls || cls[k] == aim.minus)
            along[cls[k]] = found[k];
}

/* --- the passes --- */

static int read_passes(const struct work *w, const struct queue *q, struct pass *next,
                       struct engine_batch *b, int max)
{
    const struct second *s = w->s;
    int count = 0;
    while (count < max && next->image < w->b->n) {
        if (next->first >= q->count[next->image]) {
            *next = (struct pass){next->image + 1, 0};
            continue;
        }
        memcpy(b->images + (size_t)count * s->image,
               w->b->activations + (size_t)next->image * s->image, s->image * sizeof *b->images);
        ((struct pass *)b->tag)[count++] = *next;
        next->first += TOGETHER;
    }
    return count;
}

static int read_classes(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct work *w = ctx;
    (void)e;
    return read_passes(w, &w->classes, &w->next, b, max);
}

static int read_planes(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct work *w = ctx;
    (void)e;
    return read_passes(w, &w->planes, &w->next, b, max);
}

static float *seeds_of(const struct second *s, const struct engine_batch *b, int i)
{
    return b->seeds + (size_t)i * TOGETHER * (size_t)s->classes;
}

static int seed_classes(void *ctx, struct engine_batch *b, struct err *e)
{
    const struct work *w = ctx;
    (void)e;
    for (int i = 0; i < b->n; i++) {
        const struct pass p = ((const struct pass *)b->tag)[i];
        const int *cls = items_of(&w->classes, p.image) + p.first;
        float *seed = seeds_of(w->s, b, i);
        for (int k = 0; k < together(&w->classes, p); k++, seed += w->s->classes)
            seed[cls[k]] = 1;
    }
    return 0;
}

static int seed_planes(void *ctx, struct engine_batch *b, struct err *e)
{
    const struct work *w = ctx;
    const struct second *s = w->s;
    const size_t n = (size_t)s->classes;
    /* Several threads come here, so the room is the call's own. */
    double *p = mem_alloc(3 * n, sizeof *p), *rest = p + n, *along = rest + n;
    (void)e;
    for (int i = 0; i < b->n; i++) {
        const struct pass at = ((const struct pass *)b->tag)[i];
        const struct seed_scores scores = {.classes = s->classes,
                                           .logits = w->b->logits + (size_t)at.image * n,
                                           .p = p,
                                           .rest = rest,
                                           .along = along};
        const int *plane = items_of(&w->planes, at.image) + at.first;
        const struct aim *aim = w->b->aim + (size_t)at.image * (size_t)w->b->planes;
        float *seed = seeds_of(s, b, i);
        cam_softmax(scores.logits, s->classes, p, rest);
        for (int k = 0; k < together(&w->planes, at); k++, seed += n) {
            find_along(w, at.image, aim[plane[k]], along);
            seed_make(&s->opts.how, &scores, aim[plane[k]], seed);
        }
    }
    free(p);
    return 0;
}

/* The gradient of vector `k` of pass `i`. */
static const float *gradient_of(const struct second *s, const struct engine_batch *b, int i, int k)
{
    return b->results[0].values + ((size_t)i * TOGETHER + (size_t)k) * s->image;
}

static int write_classes(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct work *w = ctx;
    const struct second *s = w->s;
    (void)e;
    for (int i = 0; i < b->n; i++) {
        const struct pass p = ((const struct pass *)b->tag)[i];
        const float *a = w->b->activations + (size_t)p.image * s->image;
        double *found = w->found + (size_t)p.image * (size_t)w->classes.most + p.first;
        const int count = together(&w->classes, p);
        for (int k = 0; k < count; k++) {
            const float *g = gradient_of(s, b, i, k);
            found[k] = 0;
            for (size_t j = 0; j < s->image; j++)
                found[k] += (double)g[j] * a[j];
        }
        w->s->passes += count;
    }
    return 0;
}

/* Hands out the images whose weights are all there. */
static int take_done(struct work *w, struct err *e)
{
    const size_t size = (size_t)w->b->planes * (size_t)w->s->channels;
    for (; w->last.image < w->b->n && w->last.first == w->planes.count[w->last.image];
         w->last = (struct pass){w->last.image + 1, 0}) {
        if (w->take(w->ctx, w->last.image, w->weight, e) != 0)
            return -1;
        for (size_t i = 0; i < size; i++)
            w->weight[i] = NAN;
    }
    return 0;
}

static int write_planes(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct work *w = ctx;
    const struct second *s = w->s;
    for (int i = 0; i < b->n; i++) {
        const struct pass p = ((const struct pass *)b->tag)[i];
        const int *plane = items_of(&w->planes, p.image) + p.first;
        const int count = together(&w->planes, p);
        struct method_item x = {.acts = w->b->activations + (size_t)p.image * s->image,
                                .channels = s->channels,
                                .cells = s->cells};
        /* Images before it that have no aim with a class. */
        if (take_done(w, e) != 0)
            return -1;
        for (int k = 0; k < count; k++) {
            x.grads = gradient_of(s, b, i, k);
            s->opts.how.method->weights(&s->opts.how, &x,
                                        w->weight + (size_t)plane[k] * (size_t)s->channels);
        }
        w->last.first += count;
        w->s->passes += count;
    }
    return take_done(w, e);
}

int64_t second_passes(const struct second *s)
{
    return s->passes;
}

static int run_both(struct work *w, struct err *e)
{
    const size_t tag = sizeof(struct pass);
    const struct engine_calls classes = {.ctx = w,
                                         .tag_bytes = tag,
                                         .read = read_classes,
                                         .seed = seed_classes,
                                         .write = write_classes};
    const struct engine_calls planes = {.ctx = w,
                                        .tag_bytes = tag,
                                        .read = read_planes,
                                        .seed = seed_planes,
                                        .write = write_planes};
    if (engine_run(w->s->engine, &classes, e) != 0)
        return -1;
    w->next = (struct pass){0, 0};
    return engine_run(w->s->engine, &planes, e) == 0 ? take_done(w, e) : -1;
}

int second_run(struct second *s, const struct passes_batch *b,
               int (*take)(void *ctx, int i, const float *weight, struct err *e), void *ctx,
               struct err *e)
{
    const size_t weights = (size_t)b->planes * (size_t)s->channels;
    struct work w = {.s = s, .b = b, .take = take, .ctx = ctx};
    queue_new(&w.classes, b->n, s->classes);
    queue_new(&w.planes, b->n, b->planes);
    w.likely = mem_alloc((size_t)b->n, sizeof *w.likely);
    w.found = mem_alloc((size_t)b->n * (size_t)s->classes, sizeof *w.found);
    w.weight = mem_alloc(weights, sizeof *w.weight);
    for (size_t i = 0; i < weights; i++)
        w.weight[i] = NAN;
    for (int i = 0; i < b->n; i++) {
        find_classes(&w, i);
        for (int k = 0; k < b->planes; k++)
            if (b->aim[i * b->planes + k].cls >= 0)
                queue_add(&w.planes, i, k);
    }
    int r = run_both(&w, e);
    queue_free(&w.classes);
    queue_free(&w.planes);
    free(w.likely);
    free(w.found);
    free(w.weight);
    return r;
}

/* --- opening --- */

int second_open(struct second **out, const struct passes_opts *o, struct err *e)
{
    const struct graph_value *v = &o->graph->value[o->value];
    struct graph *tail = graph_tail(o->graph, o->value, e);
    if (!tail)
        return -1;
    struct second *s = mem_zero(1, sizeof *s);
    struct engine_opts engine = passes_engine(o);
    s->opts = *o;
    s->tail = tail;
    s->want = (struct engine_want){0, ENGINE_GRADIENT};
    s->channels = v->c;
    s->cells = v->h * v->w;
    s->classes = graph_classes(o->graph);
    s->image = graph_size(o->graph, o->value);
    engine.wants = &s->want;
    engine.want_count = 1;
    engine.vectors = TOGETHER;
    if (engine_open(&s->engine, tail, &engine, e) != 0) {
        second_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

void second_close(struct second *s)
{
    if (!s)
        return;
    engine_close(s->engine);
    graph_free(s->tail);
    free(s);
}
