/* A checkpoint as the programs use it: every tensor is read, a network is tried. */
#ifndef HP_FUZZ_CHECKPOINT_H
#define HP_FUZZ_CHECKPOINT_H

#include "fuzz.h"

#include "ckpt/ckpt.h"
#include "net/net.h"

static inline void fuzz_checkpoint(const uint8_t *p, size_t n)
{
    struct err e;
    struct ckpt *c;
    if (ckpt_open(&c, fuzz_file(0, p, n), &e) != 0)
        return;
    for (int i = 0; i < ckpt_count(c); i++) {
        const struct ckpt_tensor *t = ckpt_at(c, i);
        fuzz_touch(t->data, (size_t)t->count * sizeof *t->data);
        if (strlen(t->name) == 0 || ckpt_find(c, t->name) != t)
            abort();
    }
    const struct net_opts opts = {.h = 32, .w = 32, .std = {1, 1, 1}};
    struct net *net;
    if (net_build(&net, c, &opts, &e) == 0) {
        if (net_macs(net) < 0 || net_last(net) < 0)
            abort();
        net_free(net);
    }
    ckpt_close(c);
}

#endif
