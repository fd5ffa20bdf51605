/* What is found out about the checkpoint while its network runs. */
#ifndef INSPECT_H
#define INSPECT_H

#include "ckpt/ckpt.h"

#include <pthread.h>

struct inspection {
    const struct ckpt *ckpt;
    pthread_t thread;
    char sha256[CKPT_SHA256]; /* once waited for */
};

/* Begins in a thread of its own; the checkpoint has to stay open. */
struct inspection *inspection_start(const struct ckpt *c);
void inspection_wait(struct inspection *i);

/* Only once waited for; NULL is none. */
void inspection_free(struct inspection *i);

#endif
