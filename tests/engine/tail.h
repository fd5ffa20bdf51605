/* The graph behind each value of a network, fed with the value: the logits of the network. */
#ifndef HP_TAIL_H
#define HP_TAIL_H

#include "compare.h"

enum { TAIL_IMAGES = 21 };

/* Logits of `g` from its value 0, as floats. */
static inline void tail_go(const struct graph *g, const struct run *like, const float *images,
                           float *logits)
{
    const struct engine_opts o = {.device = like->opts.device,
                                  .precision = like->opts.precision,
                                  .threads = 2,
                                  .images = true};
    const struct engine_batch b = {.n = TAIL_IMAGES, .images = (float *)images, .logits = logits};
    struct engine *engine;
    struct err e = {0};
    CHECK(engine_open(&engine, g, &o, &e) == 0);
    CHECK(engine_forward(engine, &b, &e) == 0);
    if (e.msg[0])
        fprintf(stderr, "  %s\n", e.msg);
    engine_close(engine);
}

/* How many values of `n` have a tail. */
static inline int check_tails_of(const struct graph *n, const char *device,
                                 enum engine_precision precision, double tolerance)
{
    const size_t count = TAIL_IMAGES * (size_t)graph_classes(n);
    float *logits = mem_alloc(count, sizeof *logits);
    int tails = 0;

    for (int v = 0; v <= graph_closed(n).value; v++) {
        const struct engine_opts o = {.device = device, .precision = precision, .threads = 2};
        struct err e = {0};
        struct graph *tail = graph_tail(n, v, &e);
        if (!tail)
            continue;
        struct run whole = run_new(n, TAIL_IMAGES, o, v, 0, false);
        CHECK(run_go(&whole, &e) == 0);
        CHECK(graph_classes(tail) == graph_classes(n) && tail->ops <= n->ops);
        tail_go(tail, &whole, whole.features, logits);
        double gap = difference(logits, whole.logits, count);
        CHECK(gap <= tolerance);
        if (gap > tolerance)
            fprintf(stderr, "  %s, tail of value %d of %d: %.2g\n", device, v, n->values, gap);
        run_close(&whole);
        graph_free(tail);
        tails++;
    }
    free(logits);
    return tails;
}

static inline void check_tails(const char *device, enum engine_precision precision,
                               double tolerance)
{
    /* Image, stem, and the end of each block, in these; in the others what they scale, too. */
    static const int widths[] = {16, 24, 0};
    random_state = 801;
    struct graph *nets[] = {net_random(9, 8, widths, 2, 5), net_large_stem(30, 27, widths, 1, 3),
                            net_preact(9, 10, widths, 2, 5, false),
                            net_unfolded(9, 7, widths, 2, 4)};
    static const int least[] = {6, 5, 6, 6};
    for (int i = 0; i < 4; i++) {
        CHECK(check_tails_of(nets[i], device, precision, tolerance) >= least[i]);
        graph_free(nets[i]);
    }
    for (int round = 0; round < 4; round++) {
        random_state = (uint64_t)round + 811;
        struct graph *n = net_mixed(random_int(3, 14), random_int(3, 14), 7, 6, round % 2);
        CHECK(check_tails_of(n, device, precision, tolerance) >= 2);
        graph_free(n);
    }
}

#endif
