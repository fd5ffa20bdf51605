#include "writers.h"

#include "base/mem.h"
#include "base/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
    struct sheet sheet;
    char *path;
    int64_t number;
};

/* One thread and what it letters with. */
struct worker {
    struct writers *writers;
    struct pen *pen;
    pthread_t thread;
};

struct writers {
    int threads;
    struct worker *worker;
    pthread_mutex_t lock;
    pthread_cond_t work, space;
    struct job *queue; /* ring of `room` */
    int room, first, n;
    int64_t jobs; /* handed over */
    bool over;
    int64_t failed; /* number of the first that failed, or -1 */
    struct err err; /* why */
};

static int draw(const struct job *j, struct pen *pen, struct err *e)
{
    struct out *o;
    if (out_open(&o, j->path, e) != 0)
        return -1;
    if (sheet_draw(&j->sheet, pen, o, e) != 0) {
        out_abort(o);
        return -1;
    }
    return out_close(o, e);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct writers *c = w->writers;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (c->n == 0 && !c->over)
            pthread_cond_wait(&c->work, &c->lock);
        if (c->n == 0)
            break;
        struct job j = c->queue[c->first];
        c->first = (c->first + 1) % c->room;
        c->n--;
        pthread_cond_signal(&c->space);
        bool skip = c->failed >= 0;
        pthread_mutex_unlock(&c->lock);

        struct err e = {0};
        int r = skip ? 0 : draw(&j, w->pen, &e);
        sheet_clear(&j.sheet);
        free(j.path);

        pthread_mutex_lock(&c->lock);
        if (r != 0 && (c->failed < 0 || j.number < c->failed)) {
            c->failed = j.number;
            c->err = e;
            pthread_cond_signal(&c->space);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void writers_free(struct writers *c)
{
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->space);
    free(c->queue);
    for (int i = 0; i < c->threads; i++)
        pen_free(c->worker[i].pen);
    free(c->worker);
    free(c);
}

int writers_new(struct writers **writers, int threads, struct err *e)
{
    struct writers *c = mem_zero(1, sizeof *c);
    pen_prepare(threads);
    c->failed = -1;
    c->room = 2 * threads;
    c->queue = mem_alloc((size_t)c->room, sizeof *c->queue);
    c->worker = mem_zero((size_t)threads, sizeof *c->worker);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->space, NULL);
    for (; c->threads < threads; c->threads++) {
        struct worker *w = &c->worker[c->threads];
        w->writers = c;
        if (pen_new(&w->pen, e) != 0)
            break;
        if (pool_thread(&w->thread, run, w) != 0) {
            pen_free(w->pen);
            err_record(e, "cannot start a thread");
            break;
        }
    }
    if (c->threads == 0) {
        writers_free(c);
        return -1;
    }
    *writers = c;
    return 0;
}

bool writers_draw(struct writers *c, struct sheet *s, char *path)
{
    pthread_mutex_lock(&c->lock);
    while (c->n == c->room && c->failed < 0)
        pthread_cond_wait(&c->space, &c->lock);
    bool failed = c->failed >= 0;
    if (!failed) {
        c->queue[(c->first + c->n++) % c->room] = (struct job){*s, path, c->jobs++};
        pthread_cond_signal(&c->work);
    }
    pthread_mutex_unlock(&c->lock);
    if (failed) {
        sheet_clear(s);
        free(path);
    }
    return !failed;
}

int writers_finish(struct writers *c, struct err *e)
{
    pthread_mutex_lock(&c->lock);
    c->over = true;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < c->threads; i++)
        pthread_join(c->worker[i].thread, NULL);
    bool failed = c->failed >= 0;
    if (failed)
        *e = c->err;
    writers_free(c);
    return failed ? -1 : 0;
}
