/* Where the time goes, by events between steps. */
#include "engine/cuda/cuda.h"

#include "base/mem.h"

#include <stdio.h>

int cuda_mark(struct worker *w, int *event, struct err *e)
{
    if (!w->event)
        return 0;
    return cuda_check(w, cudaEventRecord(w->event[(*event)++], w->stream), "cudaEventRecord", e);
}

int cuda_keep_times(struct worker *w, int images, struct err *e)
{
    struct cuda *c = w->cuda;
    /* What the rehearsal takes is mostly for loading kernels. */
    for (int i = 0; w->event && c->ready && images > 0 && i + 1 < c->events; i++) {
        float ms = 0;
        if (cuda_check(w, cudaEventElapsedTime(&ms, w->event[i], w->event[i + 1]),
                       "cudaEventElapsedTime", e) != 0)
            return -1;
        c->timed[i].seconds += (double)ms / 1e3;
    }
    return 0;
}

static void time_step(struct cuda *c, const char *name, int64_t macs, int64_t bytes)
{
    struct engine_step *s = &c->timed[c->events++];
    snprintf(s->name, sizeof s->name, "%s", name);
    s->macs = s->done = macs;
    s->bytes = bytes;
}

/* Elements that an operation reads and writes, weights left out. */
static int64_t moved(const struct cuda *c, const struct graph_op *op)
{
    size_t elements = plan_size(&c->plan, op->out);
    for (int k = 0; k < op->ins; k++)
        elements += plan_size(&c->plan, op->in[k]);
    return (int64_t)elements;
}

void cuda_open_times(struct cuda *c)
{
    const struct graph *n = c->work.graph;
    const int last = graph_closed(n).value;
    const bool end = c->plan.end.value >= 0, maps = engine_wants(&c->work.opts, ENGINE_CLASS_MAPS);
    c->timed = mem_zero((size_t)c->plan.steps + 4, sizeof *c->timed);
    int64_t size = (int64_t)cuda_element(c);
    int64_t input = (int64_t)cuda_input_bytes(c);
    time_step(c, "copy in, normalise", 0, input + (int64_t)plan_size(&c->plan, 0) * size);
    for (int i = 0; i < c->plan.steps; i++) {
        const struct graph_op *op = c->plan.step[i].op;
        time_step(c, c->plan.step[i].name, graph_op_macs(n, op), moved(c, op) * size);
    }
    /* Whatever of it there is. */
    int64_t head = end ? graph_op_macs(n, c->plan.end.linear) : 0;
    if (maps)
        head += (int64_t)graph_classes(n) * (int64_t)graph_size(n, last);
    time_step(c, "pooling, linear layer, maps", head,
              (int64_t)plan_size(&c->plan, c->plan.from) * size);
    time_step(c, "copy out", 0, (int64_t)work_returned(c->work.graph, &c->work.opts));
    c->events++;
}
