#include "engine/engine.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct engine {
    const struct engine_backend *backend;
    void *self;
};

/* The one place that knows which backends this build has. NULL stands for one that
 * was not built. */
static const struct {
    const char *name;
    const struct engine_backend *backend;
} table[] = {
    {"auto", &engine_cpu},
    {"cpu", &engine_cpu},
    {"ref", &engine_ref},
    {"cuda", NULL},
};

/* Index into the table, or -1. */
static int find(const char *device)
{
    size_t n = strcspn(device, ":");
    const char *digits = device[n] ? device + n + 1 : "0";
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strlen(table[i].name) != n || memcmp(table[i].name, device, n) != 0)
            continue;
        if (device[n] && strcmp(table[i].name, "cuda") != 0)
            return -1;
        return *digits && !digits[strspn(digits, "0123456789")] ? (int)i : -1;
    }
    return -1;
}

bool engine_is_device(const char *name)
{
    return find(name) >= 0;
}

int engine_open(struct engine **g, const struct net *net, const struct engine_opts *o,
                struct err *e)
{
    *g = NULL;
    int i = find(o->device);
    if (i < 0)
        return err_set(e, "device '%s' is not one of auto, cpu, ref, cuda, cuda:N", o->device);
    if (!table[i].backend) {
        err_record(e, "%s: this build has no CUDA backend", o->device);
        e->no_device = true;
        return -1;
    }
    struct engine *en = mem_zero(1, sizeof *en);
    en->backend = table[i].backend;
    if (en->backend->open(&en->self, net, o, e) != 0) {
        free(en);
        return -1;
    }
    *g = en;
    return 0;
}

void engine_close(struct engine *g)
{
    if (!g)
        return;
    g->backend->close(g->self);
    free(g);
}

const char *engine_about(const struct engine *g)
{
    return g->backend->about(g->self);
}

int engine_batch_size(const struct engine *g)
{
    return g->backend->batch_size(g->self);
}

int engine_run(struct engine *g, const struct engine_calls *c, struct err *e)
{
    return g->backend->run(g->self, c, e);
}

int engine_steps(const struct engine *g, const struct engine_step **s)
{
    return g->backend->steps ? g->backend->steps(g->self, s) : 0;
}
