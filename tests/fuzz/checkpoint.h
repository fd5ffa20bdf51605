/* A checkpoint as the programs use it: every tensor is read, a network is tried. */
#ifndef HP_FUZZ_CHECKPOINT_H
#define HP_FUZZ_CHECKPOINT_H

#include "fuzz.h"

#include "ckpt/ckpt.h"
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

static inline void fuzz_network(struct ckpt *c, bool unfolded)
{
    const struct model_opts opts = {.h = 32, .w = 32, .std = {1, 1, 1}, .unfolded = unfolded};
    struct err e;
    struct model *m;
    if (model_open(&m, c, &opts, &e) != 0)
        return;
    char *found = model_describe(m), words[ASSUME_WORDS];
    assume_write(words, &m->assumed);
    if (graph_macs(m->graph) < 0 || graph_classes(m->graph) < 1 || !*found || !*words)
        abort();
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
    fuzz_network(c, false);
    fuzz_network(c, true);
    ckpt_close(c);
}

#endif
