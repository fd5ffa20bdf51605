#include "engine/work.h"

#include "base/mem.h"
#include "base/pool.h"
#include "image/grey.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum slot_state { SLOT_FREE, SLOT_BUSY, SLOT_DONE };

/* A batch on its way. */
struct slot {
    struct engine_batch batch;
    enum slot_state state;
    bool failed;
    struct err err;
};

/* A run. `reading` is held by the one thread that reads, so that one that waits for slow
 * input keeps nobody from writing; `lock` guards everything else. */
struct shift {
    struct work *work;
    const struct engine_calls *calls;
    pthread_mutex_t reading, lock;
    pthread_cond_t changed;
    int64_t next_read, next_write; /* numbers of batches; slot = number % slots */
    int next_thread;
    bool ended; /* nothing more to read; guarded by `reading` */
    bool writing, stop, failed;
    struct err err;
};

/* --- memory --- */

size_t work_returned(const struct graph *g, const struct engine_opts *o)
{
    size_t bytes = (size_t)graph_classes(g) * (1 + (size_t)o->vectors) * sizeof(float);
    for (int i = 0; i < o->want_count; i++)
        bytes += engine_result_bytes(g, o, i);
    return bytes;
}

int work_check(const struct graph *g, const struct engine_opts *o, struct err *e)
{
    size_t each = work_returned(g, o);
    if (each <= WORK_IMAGE_BYTES)
        return 0;
    /* Never the limit itself. */
    double mib = (double)each / (1 << 20), limit = WORK_IMAGE_BYTES >> 20;
    int digits = mib < limit + .05 ? 6 : 1;
    return err_set(
        e, "expected results of at most %d MiB for an image, found %.*f MiB: %d classes%s%s%s",
        WORK_IMAGE_BYTES >> 20, digits, mib, graph_classes(g),
        engine_wants(o, ENGINE_CLASS_MAPS) ? ", a map of each" : "",
        engine_wants(o, ENGINE_ACTIVATION) ? ", features" : "",
        o->vectors > 0 ? ", gradients of each score asked for" : "");
}

int work_threads(const struct graph *g, const struct engine_opts *o)
{
    int threads = o->threads > 0 ? o->threads : pool_cores();
    size_t each = work_returned(g, o);
    /* A thread computes one image while another one waits to be written. */
    size_t most = each > WORK_BATCH_BYTES ? WORK_ALL_BYTES / (2 * each) : (size_t)threads;
    most = most > 1 ? most : 1;
    return (size_t)threads < most ? threads : (int)most;
}

static void *room(const struct work *w, size_t bytes, struct err *e)
{
    return w->alloc ? w->alloc(w->self, bytes, e) : mem_aligned(bytes, 1);
}

static void release(const struct work *w, void *p)
{
    if (w->release)
        w->release(w->self, p);
    else
        free(p);
}

static size_t image_bytes(const struct work *w)
{
    return graph_size(w->graph, 0) * (w->opts.images ? sizeof(float) : 1);
}

/* Bytes of an image as `read` gives it: of pixels, all three colours. */
static size_t read_bytes(const struct work *w)
{
    return w->opts.images ? image_bytes(w) : ENGINE_COLOURS * graph_cells(w->graph, 0);
}

static size_t seed_count(const struct work *w)
{
    return (size_t)w->opts.vectors * (size_t)graph_classes(w->graph);
}

/* Where a batch's images begin. */
static char *input_of(const struct work *w, const struct engine_batch *b)
{
    return w->opts.images ? (char *)b->images : (char *)b->pixels;
}

static int slot_open(struct slot *s, const struct work *w, struct err *e)
{
    struct engine_batch *b = &s->batch;
    size_t n = (size_t)w->batch;
    b->results = mem_zero((size_t)w->opts.want_count + 1, sizeof *b->results);
    void *input = room(w, n * read_bytes(w), e);
    if (w->opts.images)
        b->images = input;
    else
        b->pixels = input;
    b->logits = input ? room(w, n * (size_t)graph_classes(w->graph) * sizeof(float), e) : NULL;
    if (!b->logits)
        return -1;
    for (int i = 0; i < w->opts.want_count; i++) {
        b->results[i].values = room(w, n * engine_result_bytes(w->graph, &w->opts, i), e);
        if (!b->results[i].values)
            return -1;
    }
    b->seeds = w->opts.vectors > 0 ? room(w, n * seed_count(w) * sizeof(float), e) : NULL;
    return w->opts.vectors > 0 && !b->seeds ? -1 : 0;
}

static void slot_close(struct slot *s, const struct work *w)
{
    struct engine_batch *b = &s->batch;
    release(w, b->pixels);
    release(w, b->images);
    release(w, b->logits);
    release(w, b->seeds);
    for (int i = 0; b->results && i < w->opts.want_count; i++)
        release(w, b->results[i].values);
    free(b->results);
}

void work_open(struct work *w)
{
    w->worker = mem_zero((size_t)w->threads, sizeof *w->worker);
}

static void slots_close(struct work *w)
{
    for (int i = 0; i < w->slots; i++)
        slot_close(&w->slot[i], w);
    free(w->slot);
    w->slot = NULL;
    w->slots = 0;
}

void work_close(struct work *w)
{
    slots_close(w);
    for (int i = 0; w->worker && i < w->threads; i++)
        if (w->worker[i])
            w->discard(w->worker[i]);
    free(w->worker);
    w->worker = NULL;
}

/* Batches for a run, kept from one to the next but for their tags. */
static int slots_open(struct work *w, struct err *e)
{
    if (w->slots > 0)
        return 0;
    /* One batch more than threads, so that none waits while another writes. */
    w->slots = w->threads > 1 ? w->threads + 1 : 1;
    w->slot = mem_zero((size_t)w->slots, sizeof *w->slot);
    for (int i = 0; i < w->slots; i++)
        if (slot_open(&w->slot[i], w, e) != 0) {
            slots_close(w);
            return -1;
        }
    return 0;
}

static void tags_open(struct work *w, size_t bytes)
{
    for (int i = 0; i < w->slots; i++) {
        struct slot *s = &w->slot[i];
        s->state = SLOT_FREE;
        s->failed = false;
        s->batch.tag = bytes ? mem_aligned((size_t)w->batch, bytes) : NULL;
    }
}

static void tags_close(struct work *w)
{
    for (int i = 0; i < w->slots; i++) {
        free(w->slot[i].batch.tag);
        w->slot[i].batch.tag = NULL;
    }
}

/* --- the stream --- */

/* Under `lock`. */
static void stop_with(struct shift *s, const struct err *e)
{
    bool first = !s->stop;
    if (first) {
        s->err = *e;
        s->failed = true;
    }
    s->stop = true;
    pthread_cond_broadcast(&s->changed);
    if (first && s->calls->cancel)
        s->calls->cancel(s->calls->ctx);
}

/* The next batch of the stream, or NULL where there is none. */
static struct slot *next_batch(struct shift *s)
{
    const struct work *w = s->work;
    pthread_mutex_lock(&s->reading);
    struct slot *t = &w->slot[s->next_read % w->slots];
    pthread_mutex_lock(&s->lock);
    while (!s->ended && !s->stop && t->state != SLOT_FREE)
        pthread_cond_wait(&s->changed, &s->lock);
    bool go = !s->ended && !s->stop;
    if (go)
        t->state = SLOT_BUSY;
    pthread_mutex_unlock(&s->lock);

    if (go) {
        int n = s->calls->read(s->calls->ctx, &t->batch, w->batch, &t->err);
        t->failed = n < 0;
        t->batch.n = n > 0 ? n : 0;
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
    const struct work *w = s->work;
    pthread_mutex_lock(&s->lock);
    t->state = SLOT_DONE;
    if (s->writing) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    s->writing = true;
    for (;;) {
        t = &w->slot[s->next_write % w->slots];
        if (s->stop || t->state != SLOT_DONE)
            break;
        if (!t->failed) {
            pthread_mutex_unlock(&s->lock);
            t->failed = s->calls->write(s->calls->ctx, &t->batch, &t->err) != 0;
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

/* A network of one channel sees grey images. */
static void make_grey(const struct work *w, const struct engine_batch *b)
{
    const size_t cells = graph_cells(w->graph, 0);
    for (size_t i = 0; i < (size_t)b->n; i++)
        image_grey(b->pixels + i * read_bytes(w), cells, b->pixels + i * cells);
}

static int compute(struct shift *s, void *worker, struct engine_batch *b, struct err *e)
{
    const struct work *w = s->work;
    size_t n = (size_t)b->n, max = (size_t)w->batch;
    if (read_bytes(w) != image_bytes(w))
        make_grey(w, b);
    memset(input_of(w, b) + n * image_bytes(w), 0, (max - n) * image_bytes(w));
    if (w->forward(worker, b, e) != 0)
        return -1;
    if (w->opts.vectors == 0)
        return 0;
    memset(b->seeds, 0, max * seed_count(w) * sizeof(float));
    if (s->calls->seed(s->calls->ctx, b, e) != 0)
        return -1;
    return w->backward(worker, b, e);
}

static void compute_all(struct shift *s, void *worker)
{
    struct slot *t;
    while ((t = next_batch(s)) != NULL) {
        if (!t->failed)
            t->failed = compute(s, worker, &t->batch, &t->err) != 0;
        finish_batch(s, t);
    }
}

static void *run_worker(void *arg)
{
    struct shift *s = arg;
    struct work *w = s->work;
    struct err e = {0};
    pthread_mutex_lock(&s->lock);
    int i = s->next_thread++;
    pthread_mutex_unlock(&s->lock);
    int r = w->worker[i] ? 0 : w->make(w->self, i, &w->worker[i], &e);
    if (r == 0 && w->enter)
        r = w->enter(w->worker[i], &e);
    if (r != 0) {
        pthread_mutex_lock(&s->lock);
        stop_with(s, &e);
        pthread_mutex_unlock(&s->lock);
        return NULL;
    }
    compute_all(s, w->worker[i]);
    if (w->leave)
        w->leave(w->worker[i]);
    return NULL;
}

static void run_threads(struct shift *s)
{
    const struct work *w = s->work;
    pthread_t *thread = mem_alloc((size_t)w->threads, sizeof *thread);
    int started = 0;
    while (started < w->threads && pool_thread(&thread[started], run_worker, s) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    if (started == 0) {
        err_record(&s->err, "cannot start a thread");
        s->failed = true;
    }
    free(thread);
}

int work_run(struct work *w, const struct engine_calls *c, struct err *e)
{
    struct shift s = {.work = w, .calls = c};
    if (slots_open(w, e) != 0)
        return -1;
    tags_open(w, c->tag_bytes);
    pthread_mutex_init(&s.reading, NULL);
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.changed, NULL);
    run_threads(&s);
    pthread_cond_destroy(&s.changed);
    pthread_mutex_destroy(&s.lock);
    pthread_mutex_destroy(&s.reading);
    tags_close(w);
    if (s.failed)
        *e = s.err;
    return s.failed ? -1 : 0;
}

/* --- images that are all there --- */

/* A stream of them: of each batch the tag says where it begins. */
struct here {
    const struct work *work;
    const struct engine_batch *all;
    int next, most; /* most: of a batch, so that all threads have some */
};

static int read_here(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct here *h = ctx;
    (void)e;
    size_t each = read_bytes(h->work);
    int n = h->all->n - h->next;
    n = n > max ? max : n;
    n = n > h->most ? h->most : n;
    if (n == 0)
        return 0;
    memcpy(input_of(h->work, b), input_of(h->work, h->all) + (size_t)h->next * each,
           (size_t)n * each);
    for (int i = 0; i < n; i++)
        ((int *)b->tag)[i] = h->next + i;
    h->next += n;
    return n;
}

static size_t first_of(const struct engine_batch *b)
{
    return (size_t)((const int *)b->tag)[0];
}

static int seed_here(void *ctx, struct engine_batch *b, struct err *e)
{
    const struct here *h = ctx;
    (void)e;
    size_t each = seed_count(h->work);
    memcpy(b->seeds, h->all->seeds + first_of(b) * each, (size_t)b->n * each * sizeof(float));
    return 0;
}

static int write_here(void *ctx, const struct engine_batch *b, struct err *e)
{
    const struct here *h = ctx;
    const struct work *w = h->work;
    (void)e;
    size_t at = first_of(b), n = (size_t)b->n, classes = (size_t)graph_classes(w->graph);
    if (h->all->logits)
        memcpy(h->all->logits + at * classes, b->logits, n * classes * sizeof(float));
    for (int i = 0; h->all->results && i < w->opts.want_count; i++) {
        size_t each = engine_result_bytes(w->graph, &w->opts, i);
        if (h->all->results[i].values)
            memcpy((char *)h->all->results[i].values + at * each, b->results[i].values, n * each);
    }
    return 0;
}

int work_forward(struct work *w, const struct engine_batch *b, struct err *e)
{
    struct here h = {.work = w, .all = b, .most = (b->n + w->threads - 1) / w->threads};
    const struct engine_calls calls = {.ctx = &h,
                                       .tag_bytes = sizeof(int),
                                       .read = read_here,
                                       .seed = seed_here,
                                       .write = write_here};
    return work_run(w, &calls, e);
}
