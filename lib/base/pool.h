/* Work in numbered parts on several threads. */
#ifndef HP_POOL_H
#define HP_POOL_H

#include "base/err.h"

#include <pthread.h>
#include <stdint.h>

enum { POOL_STACK = 8 << 20 }; /* bytes: what programs have on Linux, and more than elsewhere */

/* pthread_create() with a stack of that size, whatever the system's limits. */
int pool_thread(pthread_t *thread, void *(*run)(void *arg), void *arg);

/* Number of processors this process may use, at least 1. */
int pool_cores(void);

/* Calls `part` in as many threads as there can be, up to `threads`, the caller's among them, and
 * returns when all have. What they share hands out the work. */
void pool_parts(int threads, void *(*part)(void *shared), void *shared);

/* What is done with numbered parts. A thread that takes part has a hand, memory of its own, which
 * may be NULL where make is. */
struct pool_work {
    void *self;
    void *(*make)(void *self);
    void (*discard)(void *hand);
    int (*part)(void *self, void *hand, int64_t i, struct err *e) ERR_CHECKED;
};

/* Runs parts 0 to n - 1, begun in this order, on up to `threads` threads, the caller's among
 * them. After an error no part begins; that of the first part that failed is returned. */
int pool_run(const struct pool_work *w, int64_t n, int threads, struct err *e) ERR_CHECKED;

#endif
