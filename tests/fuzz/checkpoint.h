/* A checkpoint as the programs use it: every tensor is read, a network is tried. */
#ifndef HP_FUZZ_CHECKPOINT_H
#define HP_FUZZ_CHECKPOINT_H

#include "fuzz.h"

#include "ckpt/ckpt.h"
#include "graph/rules.h"
#include "model/model.h"

static inline void fuzz_line(void *ctx, const char *line)
{
    (void)ctx;
    fuzz_touch(line, strlen(line));
}

static inline void fuzz_tensor(struct ckpt *c, const struct ckpt_tensor *t)
{
    struct err e;
    size_t bytes = (size_t)t->count * (size_t)ckpt_type_bytes(t->type);
    void *p = malloc(bytes + 1);
    float *f = malloc((size_t)t->count * sizeof *f + 1);
    if (p && ckpt_read_raw(c, t, p, &e) == 0)
        fuzz_touch(p, bytes);
    if (f && ckpt_read(c, t, f, &e) == 0)
        fuzz_touch(f, (size_t)t->count * sizeof *f);
    free(p);
    free(f);
    if (ckpt_find(c, t->name) != t)
        abort();
}

/* What a small network makes of an image: its operations reach into what they read. */
static inline void fuzz_forward(const struct graph *g)
{
    enum { ELEMENTS = 1 << 16, MACS = 1 << 20 };
    size_t elements = 0;
    for (int v = 0; v < g->values && elements <= ELEMENTS; v++)
        elements += graph_size(g, v);
    if (elements > ELEMENTS || graph_macs(g) > MACS)
        return;
    struct graph_image x = {.value = malloc((size_t)g->values * sizeof *x.value),
                            .plane = malloc(graph_plane(g) * sizeof *x.plane)};
    for (int v = 0; v < g->values && x.value; v++)
        x.value[v] = calloc(graph_size(g, v), sizeof(float));
    for (int i = 0; i < g->ops && x.value && x.plane; i++)
        graph_forward(g, &g->op[i], &x);
    if (x.value)
        fuzz_touch(x.value[graph_logits(g)], (size_t)graph_classes(g) * sizeof(float));
    for (int v = 0; v < g->values && x.value; v++)
        free(x.value[v]);
    free((void *)x.value);
    free(x.plane);
}

/* As images of 32 by 32, or of the size that a program says itself: side 0. */
static inline void fuzz_network(struct ckpt *c, int side, bool unfolded)
{
    const struct model_opts opts = {.h = side, .w = side, .std = {1, 1, 1}, .unfolded = unfolded};
    struct err e;
    struct model *m;
    if (model_open(&m, c, &opts, &e) != 0)
        return;
    char *found = model_describe(m), words[ASSUME_WORDS];
    assume_write(words, &m->assumed);
    if (graph_macs(m->graph) < 0 || graph_cells(m->graph, graph_logits(m->graph)) != 1 || !*found ||
        (!*words && !m->assumed.grey))
        abort();
    fuzz_forward(m->graph);
    free(found);
    model_close(m);
}

static inline void fuzz_checkpoint(const uint8_t *p, size_t n)
{
    const struct ckpt_opts opts = {.extras = true};
    struct err e;
    struct ckpt *c;
    if (ckpt_open_memory(&c, p, n, "fuzz", &opts, &e) != 0)
        return;
    for (int i = 0; i < ckpt_count(c); i++)
        fuzz_tensor(c, ckpt_at(c, i));
    for (int i = 0; i < ckpt_extras(c); i++) {
        fuzz_line(NULL, ckpt_extra(c, i)->path);
        fuzz_line(NULL, ckpt_extra(c, i)->text);
    }
    ckpt_check(c, fuzz_line, NULL);
    fuzz_network(c, 32, false);
    fuzz_network(c, 32, true);
    fuzz_network(c, 0, false);
    fuzz_network(c, 0, true);
    ckpt_close(c);
}

#endif
