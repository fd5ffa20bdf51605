#include "engine/work.h"

#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum slot_state { SLOT_FREE, SLOT_BUSY, SLOT_DONE };

struct slot {
    struct work_batch batch;
    enum slot_state state;
    bool failed;
    struct err err;
};

/* `reading` is held by the one thread that reads, so that one that waits for slow
 * input keeps nobody from writing; `lock` guards everything else. */
struct shift {
    const struct work *work;
    const struct engine_calls *calls;
    pthread_mutex_t reading, lock;
    pthread_cond_t changed;
    struct slot *slot;
    int slots;
    size_t image_bytes;
    int64_t next_read, next_write; /* numbers of batches; slot = number % slots */
    bool ended;                    /* nothing more to read; guarded by `reading` */
    bool writing, stop, failed;
    struct err err;
};

int work_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? n : 1;
}

void work_depends(const struct graph *graph, int from, bool *depends)
{
    memset(depends, 0, (size_t)graph->values * sizeof *depends);
    depends[from] = true;
    graph_mark_made_of(graph, depends);
}

size_t work_tapped(const struct graph *graph, const struct engine_opts *o)
{
    size_t channels = 0;
    for (int i = 0; i < o->tap_count; i++)
        channels += (size_t)graph->value[o->taps[i]].c;
    return channels;
}

/* --- memory --- */

size_t work_returned(const struct graph *graph, const struct engine_opts *o)
{
    int last = graph_closed(graph).value;
    size_t classes = (size_t)graph_classes(graph), vectors = (size_t)o->gradients;
    size_t floats = classes * (1 + vectors);
    if (o->class_maps && last >= 0)
        floats += classes * (size_t)graph->value[last].h * (size_t)graph->value[last].w;
    if (o->features >= 0)
        floats += graph_size(graph, o->features) * (1 + vectors);
    return floats * sizeof(float) + work_tapped(graph, o) * 2 * sizeof(double);
}

int work_check(const struct graph *graph, const struct engine_opts *o, struct err *e)
{
    size_t each = work_returned(graph, o);
    if (each <= WORK_IMAGE_BYTES)
        return 0;
    return err_set(e,
                   "expected results of at most %d MB for an image, found %zu MB: %d classes%s%s%s",
                   WORK_IMAGE_BYTES >> 20, each >> 20, graph_classes(graph),
                   o->class_maps ? ", a map of each" : "", o->features >= 0 ? ", features" : "",
                   o->gradients > 0 ? ", gradients of each score asked for" : "");
}

int work_threads(const struct graph *graph, const struct engine_opts *o)
{
    int threads = o->threads > 0 ? o->threads : work_cores();
    size_t each = work_returned(graph, o);
    /* A thread computes one image while another one waits to be written. */
    size_t most = each > WORK_BATCH_BYTES ? WORK_ALL_BYTES / (2 * each) : (size_t)threads;
    most = most > 1 ? most : 1;
    return (size_t)threads < most ? threads : (int)most;
}

static void *room(const struct work *w, size_t n, size_t size, struct err *e)
{
    return w->alloc ? w->alloc(w->self, n * size, e) : mem_aligned(n, size);
}

static void release(const struct work *w, void *p)
{
    if (w->release)
        w->release(w->self, p);
    else
        free(p);
}

static int slot_open(struct slot *s, const struct work *w, size_t image_bytes, size_t tag_bytes,
                     struct err *e)
{
    const struct graph *graph = w->graph;
    const struct engine_opts *o = &w->opts;
    size_t n = (size_t)w->batch, classes = (size_t)graph_classes(graph);
    struct work_batch *b = &s->batch;
    if (tag_bytes)
        b->b.tag = mem_aligned(n, tag_bytes);
    b->b.pixels = room(w, n, image_bytes, e);
    b->b.logits = b->logits = room(w, n * classes, sizeof(float), e);
    if (!b->b.pixels || !b->logits)
        return -1;
    if (o->features >= 0) {
        b->features = room(w, n * graph_size(graph, o->features), sizeof(float), e);
        b->b.features = b->features;
        if (!b->features)
            return -1;
    }
    if (o->class_maps) {
        const struct graph_value *last = &graph->value[graph_closed(graph).value];
        size_t each = classes * (size_t)last->h * (size_t)last->w;
        b->b.class_maps = b->class_maps = room(w, n * each, sizeof(float), e);
        if (!b->class_maps)
            return -1;
    }
    if (o->tap_count > 0) {
        b->b.sums = b->sums = room(w, n * work_tapped(graph, o), 2 * sizeof(double), e);
        if (!b->sums)
            return -1;
    }
    if (o->gradients > 0) {
        size_t vectors = n * (size_t)o->gradients;
        b->b.seeds = room(w, vectors * classes, sizeof(float), e);
        b->b.grads = b->grads = room(w, vectors * graph_size(graph, o->features), sizeof(float), e);
        if (!b->b.seeds || !b->grads)
            return -1;
    }
    return 0;
}

static void slot_close(struct slot *s, const struct work *w)
{
    free(s->batch.b.tag);
    release(w, s->batch.b.pixels);
    release(w, s->batch.b.seeds);
    release(w, s->batch.logits);
    release(w, s->batch.features);
    release(w, s->batch.class_maps);
    release(w, s->batch.grads);
    release(w, s->batch.sums);
}

/* --- the stream --- */

/* Under `lock`. */
static void stop_with(struct shift *s, const struct err *e)
{
    if (!s->stop) {
        s->err = *e;
        s->failed = true;
    }
    s->stop = true;
    pthread_cond_broadcast(&s->changed);
}

/* The next batch of the stream, or NULL where there is none. */
static struct slot *next_batch(struct shift *s)
{
    const struct work *w = s->work;
    pthread_mutex_lock(&s->reading);
    struct slot *t = &s->slot[s->next_read % s->slots];
    pthread_mutex_lock(&s->lock);
    while (!s->ended && !s->stop && t->state != SLOT_FREE)
        pthread_cond_wait(&s->changed, &s->lock);
    bool go = !s->ended && !s->stop;
    if (go)
        t->state = SLOT_BUSY;
    pthread_mutex_unlock(&s->lock);

    if (go) {
        int n = s->calls->read(s->calls->ctx, &t->batch.b, w->batch, &t->err);
        t->failed = n < 0;
        t->batch.b.n = n > 0 ? n : 0;
        s->ended = n <= 0;
        if (n == 0)
            go = false; /* the slot stays busy: nobody asks for it any more */
        else
            s->next_read++;
    }
    pthread_mutex_unlock(&s->reading);
    return go ? t : NULL;
}

/* Marks a batch as done and writes all batches whose turn it is, unless another
 * thread is at it, which then also writes this one. */
static void finish_batch(struct shift *s, struct slot *t)
{
    pthread_mutex_lock(&s->lock);
    t->state = SLOT_DONE;
    if (s->writing) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    s->writing = true;
    for (;;) {
        t = &s->slot[s->next_write % s->slots];
        if (s->stop || t->state != SLOT_DONE)
            break;
        if (!t->failed) {
            pthread_mutex_unlock(&s->lock);
            t->failed = s->calls->write(s->calls->ctx, &t->batch.b, &t->err) != 0;
            pthread_mutex_lock(&s->lock);
        }
        if (t->failed)
            stop_with(s, &t->err);
        t->state = SLOT_FREE;
        s->next_write++;
        pthread_cond_broadcast(&s->changed);
    }
    s->writing = false;
    pthread_mutex_unlock(&s->lock);
}

static int compute(struct shift *s, void *hand, struct work_batch *b, struct err *e)
{
    const struct work *w = s->work;
    struct engine_batch *v = &b->b;
    size_t n = (size_t)v->n, max = (size_t)w->batch;
    memset(v->pixels + n * s->image_bytes, 0, (max - n) * s->image_bytes);
    if (w->forward(hand, b, e) != 0)
        return -1;
    if (w->opts.gradients == 0)
        return 0;
    size_t each = (size_t)w->opts.gradients * (size_t)graph_classes(w->graph);
    memset(v->seeds, 0, max * each * sizeof(float));
    if (s->calls->seed(s->calls->ctx, v, e) != 0)
        return -1;
    return w->backward(hand, b, e);
}

static void *worker(void *arg)
{
    struct shift *s = arg;
    const struct work *w = s->work;
    void *hand = NULL;
    struct err e = {0};
    if (w->enter(w->self, &hand, &e) != 0) {
        pthread_mutex_lock(&s->lock);
        stop_with(s, &e);
        pthread_mutex_unlock(&s->lock);
        return NULL;
    }
    struct slot *t;
    while ((t = next_batch(s)) != NULL) {
        if (!t->failed)
            t->failed = compute(s, hand, &t->batch, &t->err) != 0;
        finish_batch(s, t);
    }
    w->leave(hand);
    return NULL;
}

int work_run(const struct work *w, const struct engine_calls *c, struct err *e)
{
    struct shift s = {.work = w, .calls = c, .image_bytes = graph_size(w->graph, 0)};
    /* One batch more than threads, so that none waits while another writes. */
    s.slots = w->threads > 1 ? w->threads + 1 : 1;
    s.slot = mem_zero((size_t)s.slots, sizeof *s.slot);
    for (int i = 0; i < s.slots && !s.failed; i++)
        s.failed = slot_open(&s.slot[i], w, s.image_bytes, c->tag_bytes, &s.err) != 0;
    pthread_mutex_init(&s.reading, NULL);
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.changed, NULL);

    pthread_t *thread = mem_alloc((size_t)w->threads, sizeof *thread);
    int started = 0;
    while (!s.failed && started < w->threads &&
           pthread_create(&thread[started], NULL, worker, &s) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    if (started == 0 && !s.failed) {
        err_record(&s.err, "cannot start a thread");
        s.failed = true;
    }

    pthread_cond_destroy(&s.changed);
    pthread_mutex_destroy(&s.lock);
    pthread_mutex_destroy(&s.reading);
    for (int i = 0; i < s.slots; i++)
        slot_close(&s.slot[i], w);
    free(s.slot);
    free(thread);
    if (s.failed)
        *e = s.err;
    return s.failed ? -1 : 0;
}
