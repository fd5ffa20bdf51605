#include "engine/backend.h"

#include "base/mem.h"
#include "engine/cpu/isa.h"
#include "engine/plugin.h"
#include "engine/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine {
    const struct engine_backend *backend;
    void *self;
};

/* The one place that knows which backends there are. */
enum kind { AUTO, CPU, REF, CUDA };

static const char *const table[] = {[AUTO] = "auto", [CPU] = "cpu", [REF] = "ref", [CUDA] = "cuda"};

/* Index into the table, or -1. */
static int find(const char *device)
{
    size_t n = strcspn(device, ":");
    const char *digits = device[n] ? device + n + 1 : "0";
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strlen(table[i]) != n || memcmp(table[i], device, n) != 0)
            continue;
        if (device[n] && i != CUDA)
            return -1;
        return *digits && !digits[strspn(digits, "0123456789")] ? (int)i : -1;
    }
    return -1;
}

bool engine_is_device(const char *name)
{
    return find(name) >= 0;
}

void engine_kernels(char *buf, size_t n)
{
    isa_built(buf, n);
}

void engine_devices(char *buf, size_t n)
{
    char cuda[128];
    struct err e = {0};
    if (!plugin_installed())
        snprintf(buf, n, "%s, %s", table[CPU], table[REF]);
    else
        snprintf(buf, n, "%s, %s, %s (%s)", table[CPU], table[REF], table[CUDA],
                 plugin_built(cuda, sizeof cuda, &e) == 0 ? cuda : e.msg);
}

int engine_warm(const char *device, enum engine_precision p, struct err *e)
{
    int i = find(device);
    if (i == CUDA && plugin_find(device, e) != 0)
        return -1;
    if (i == AUTO || i == CUDA)
        plugin_warm(device, p);
    return 0;
}

static int open_backend(struct engine *g, const struct engine_backend *b, const struct graph *graph,
                        const struct engine_opts *o, struct err *e)
{
    g->backend = b;
    return b && b->supports(graph, o, e) == 0 ? b->open(&g->self, graph, o, e) : -1;
}

/* The kernels for the CPU, else the plain C that computes every graph. */
static int open_cpu(struct engine *g, const struct graph *graph, const struct engine_opts *o,
                    struct err *e)
{
    struct err none = {0};
    if (engine_cpu.supports(graph, o, e) == 0 || e->no_device ||
        engine_ref.supports(graph, o, &none) != 0)
        return open_backend(g, &engine_cpu, graph, o, e);
    if (o->note)
        o->note(e->msg);
    return open_backend(g, &engine_ref, graph, o, e);
}

/* A usable GPU that computes what is wanted, else the CPU. A GPU whose memory others have taken
 * is not usable either; what else fails on one is an error. */
static int open_auto(struct engine *g, const struct graph *graph, const struct engine_opts *o,
                     struct err *e)
{
    struct err why = {0};
    const struct engine_backend *gpu = plugin_backend(&why);
    bool computes = gpu && gpu->supports(graph, o, &why) == 0;
    if (computes && open_backend(g, gpu, graph, o, &why) == 0)
        return 0;
    if (computes && !why.no_device) {
        *e = why;
        return -1;
    }
    bool installed = plugin_installed();
    if (o->note && installed)
        o->note(why.msg);
    if (open_cpu(g, graph, o, e) == 0)
        return 0;
    struct err cpu = *e;
    if (cpu.no_device && installed) {
        err_record(e, "%.500s; %.500s", cpu.msg, why.msg);
        e->no_device = true;
    }
    return -1;
}

/* What no backend computes. */
static int check_wants(const struct graph *g, const struct engine_opts *o, struct err *e)
{
    for (int i = 0; i < o->want_count; i++) {
        const struct engine_want *w = &o->wants[i];
        if (w->value < 0 || w->value >= g->values)
            return err_set(e, "expected a wanted value below %d, found %d", g->values, w->value);
        if (w->what == ENGINE_CLASS_MAPS && w->value != graph_closed(g).value)
            return err_set(e, "expected maps of all classes to be wanted of the last stage of a "
                              "network that ends in an average over all cells and one linear "
                              "layer, found another");
    }
    if (engine_wants(o, ENGINE_GRADIENT) != (o->vectors > 0))
        return err_set(e,
                       "expected score vectors where gradients are wanted and only there, found "
                       "%d",
                       o->vectors);
    return work_check(g, o, e);
}

int engine_open(struct engine **g, const struct graph *graph, const struct engine_opts *o,
                struct err *e)
{
    *g = NULL;
    int i = find(o->device), r;
    if (i < 0)
        return err_set(e, "device '%s' is not one of auto, cpu, ref, cuda, cuda:N", o->device);
    if (check_wants(graph, o, e) != 0)
        return -1;
    struct engine *en = mem_zero(1, sizeof *en);
    if (i == AUTO)
        r = open_auto(en, graph, o, e);
    else if (i == CUDA)
        r = open_backend(en, plugin_backend(e), graph, o, e);
    else
        r = open_backend(en, i == CPU ? &engine_cpu : &engine_ref, graph, o, e);
    if (r != 0) {
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

int engine_forward(struct engine *g, const struct engine_batch *b, struct err *e)
{
    return g->backend->forward(g->self, b, e);
}

int engine_steps(const struct engine *g, const struct engine_step **s)
{
    return g->backend->steps ? g->backend->steps(g->self, s) : 0;
}
