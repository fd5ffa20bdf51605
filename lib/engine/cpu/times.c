/* Where the time goes. */
#include "engine/cpu/cpu.h"

#include "base/mem.h"

#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

size_t cpu_timed_steps(const struct cpu *c)
{
    return TIMES + (size_t)c->plan.steps + (size_t)c->plan.backs;
}

double cpu_start(const struct worker *w)
{
    return w->seconds ? now() : 0;
}

void cpu_stop(const struct worker *w, int step, double since)
{
    if (w->seconds)
        w->seconds[step] += now() - since;
}

/* Of Winograd's forms with the largest tile. */
static void name_form(const struct conv *c, const char *of, char name[static 64])
{
    if (!conv_is_winograd(c->form))
        snprintf(name, 64, "%s %s", of, c->form == CONV_TILES ? "tiles" : "direct");
    else
        snprintf(name, 64, "%s winograd %dx%d%s", of,
                 conv_sizes(c->down.stride)[c->down.largest].out,
                 conv_sizes(c->across.stride)[c->across.largest].out,
                 c->form == CONV_WINO_STRIDE2 ? " stride 2" : "");
}

/* `size` is an element's. */
static void time_step(const struct cpu *c, struct engine_step *t, const char *name,
                      const struct step *s, size_t size)
{
    snprintf(t->name, sizeof t->name, "%s", name);
    if (!s->op)
        return;
    t->bytes =
        (int64_t)((plan_size(&c->plan, s->op->in[0]) + plan_size(&c->plan, s->op->out)) * size);
    t->macs = t->done = graph_op_macs(c->work.graph, s->op);
    if (s->slices == 0)
        return;
    name_form(&s->slice[0].conv, name, t->name);
    t->done = 0;
    for (int i = 0; i < s->slices; i++)
        t->done += conv_done(&s->slice[i].conv);
}

/* What is computed behind the steps. */
static void time_head(const struct cpu *c, struct engine_step *t)
{
    const struct graph *g = c->work.graph;
    const struct graph_closed end = graph_closed(g);
    const bool head = c->plan.end.value >= 0, maps = engine_wants(&c->work.opts, ENGINE_CLASS_MAPS);
    snprintf(t->name, sizeof t->name, "%s%s", head ? "pool, linear" : "results",
             maps ? ", class maps" : "");
    if (!head && !maps)
        return;
    t->macs = t->done = (int64_t)g->value[end.value].c * graph_classes(g) *
                        ((maps ? (int64_t)graph_cells(g, end.value) : 0) + head);
    t->bytes = (int64_t)(graph_size(g, end.value) * cpu_element(c, end.value));
}

void cpu_open_times(struct cpu *c)
{
    const struct plan *p = &c->plan;
    struct engine_step *t = c->times = mem_zero(cpu_timed_steps(c), sizeof *t);
    snprintf(t[TIME_INPUT].name, sizeof t->name, "normalise");
    t[TIME_INPUT].bytes = (int64_t)graph_size(c->work.graph, 0) *
                          (int64_t)((c->work.opts.images ? sizeof(float) : 1) + cpu_element(c, 0));
    time_head(c, &t[TIME_HEAD]);
    snprintf(t[TIME_SUMS].name, sizeof t->name, "sums");
    for (int i = 0; i < c->work.opts.want_count; i++)
        if (c->work.opts.wants[i].what == ENGINE_SUMS)
            t[TIME_SUMS].bytes += (int64_t)(plan_size(p, c->work.opts.wants[i].value) *
                                            cpu_element(c, c->work.opts.wants[i].value));
    snprintf(t[TIME_GRADS].name, sizeof t->name, "gradients in and out");
    for (int i = 0; i < p->steps; i++)
        time_step(c, &t[TIMES + i], p->step[i].name, &c->step[i],
                  cpu_element(c, p->step[i].op->out));
    for (int i = 0; i < p->backs; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.40s backwards",
                 p->step[p->back[i].op - c->work.graph->op].name);
        time_step(c, &t[TIMES + p->steps + i], name, &c->back[i], sizeof(float));
    }
}

void cpu_add_times(void *worker)
{
    struct worker *w = worker;
    struct cpu *c = w->cpu;
    if (!w->seconds)
        return;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < cpu_timed_steps(c); i++) {
        c->times[i].seconds += w->seconds[i];
        w->seconds[i] = 0;
    }
    pthread_mutex_unlock(&c->lock);
}
