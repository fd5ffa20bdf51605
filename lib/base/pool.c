#include "base/pool.h"

#include "base/mem.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

int pool_cores(void)
{
    long n = -1;
#ifdef __linux__
    cpu_set_t set;
    /* More processors than a set holds are an error there. */
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
#endif
    if (n < 0)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

int pool_thread(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    pthread_attr_t a;
    pthread_attr_init(&a);
    int r = pthread_attr_setstacksize(&a, POOL_STACK);
    if (r == 0)
        r = pthread_create(thread, &a, run, arg);
    pthread_attr_destroy(&a);
    return r;
}

void pool_parts(int threads, void *(*part)(void *shared), void *shared)
{
    pthread_t *thread = mem_alloc(threads > 0 ? (size_t)threads : 1, sizeof *thread);
    int started = 0;
    while (started < threads - 1 && pool_thread(&thread[started], part, shared) == 0)
        started++;
    part(shared);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    free(thread);
}

struct pool {
    const struct pool_work *work;
    pthread_mutex_t lock;
    int64_t next, n;
    int64_t failed; /* the first part that failed, or -1 */
    struct err err; /* why */
};

static int64_t take(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    int64_t i = p->failed < 0 && p->next < p->n ? p->next++ : -1;
    pthread_mutex_unlock(&p->lock);
    return i;
}

static void *run(void *arg)
{
    struct pool *p = arg;
    const struct pool_work *w = p->work;
    void *hand = w->make ? w->make(w->self) : NULL;
    for (int64_t i; (i = take(p)) >= 0;) {
        struct err e = {0};
        if (w->part(w->self, hand, i, &e) == 0)
            continue;
        pthread_mutex_lock(&p->lock);
        if (p->failed < 0 || i < p->failed) {
            p->failed = i;
            p->err = e;
        }
        pthread_mutex_unlock(&p->lock);
    }
    if (w->discard)
        w->discard(hand);
    return NULL;
}

int pool_run(const struct pool_work *w, int64_t n, int threads, struct err *e)
{
    struct pool p = {.work = w, .n = n, .failed = -1};
    pthread_mutex_init(&p.lock, NULL);
    pool_parts(threads < n ? threads : (int)n, run, &p);
    pthread_mutex_destroy(&p.lock);
    if (p.failed < 0)
        return 0;
    *e = p.err;
    return -1;
}
