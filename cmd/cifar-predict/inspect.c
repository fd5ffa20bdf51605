#include "inspect.h"

#include "base/mem.h"
#include "base/prog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *inspect(void *arg)
{
    struct inspection *i = arg;
    ckpt_sha256(i->ckpt, i->sha256);
    return NULL;
}

struct inspection *inspection_start(const struct ckpt *c)
{
    struct inspection *i = mem_zero(1, sizeof *i);
    i->ckpt = c;
    int r = pthread_create(&i->thread, NULL, inspect, i);
    if (r != 0)
        prog_die(PROG_ERROR, "cannot start a thread: %s", strerror(r));
    return i;
}

void inspection_wait(struct inspection *i)
{
    pthread_join(i->thread, NULL);
}

void inspection_free(struct inspection *i)
{
    free(i);
}
