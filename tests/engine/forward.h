/* Images that are all there, against the same images as a stream. */
#ifndef HP_FORWARD_H
#define HP_FORWARD_H

#include "compare.h"

enum { FORWARD_IMAGES = 75, FORWARD_WANTS = 5 };

/* Value 0 of a run's images as floats. */
static inline float *forward_floats(const struct run *r)
{
    const struct graph *g = r->graph;
    size_t each = graph_size(g, 0), count = (size_t)r->images * each;
    float *images = mem_alloc(count, sizeof *images);
    for (size_t i = 0; i < count; i++) {
        size_t c = i % each / graph_cells(g, 0);
        images[i] = (float)((r->pixels[i] / 255.0 - g->mean[c]) / g->std[c]);
    }
    return images;
}

/* Images from `at` on, with the run's results. */
static inline int forward_part(struct engine *g, struct run *r, int at, int count,
                               const float *images, const float *seeds, struct err *e)
{
    size_t first = (size_t)at, each = graph_size(r->graph, 0);
    union engine_result results[FORWARD_WANTS];
    for (int k = 0; k < r->opts.want_count; k++)
        results[k].values = (float *)((char *)r->results[k].values + first * run_bytes(r, k));
    const struct engine_batch b = {
        .n = count,
        .pixels = r->opts.images ? NULL : r->pixels + first * each,
        .images = r->opts.images ? (float *)images + first * each : NULL,
        .logits = r->logits + first * (size_t)graph_classes(r->graph),
        .seeds = (float *)seeds + first * run_seed_size(r),
        .results = results,
    };
    r->written = at + count;
    return engine_forward(g, &b, e);
}

/* A forward pass gives what the stream gives, bit by bit, whatever part of the images it is asked
 * for, and however often; of bytes and of the same values as floats. */
static inline void check_forward(const char *device, enum engine_precision precision, bool sums)
{
    random_state = 701;
    struct graph *n = net_random(9, 8, (const int[]){16, 24, 0}, 1, 5);
    int last = graph_closed(n).value;
    const struct engine_want want[FORWARD_WANTS] = {
        {1, ENGINE_ACTIVATION},    {2, ENGINE_GRADIENT}, {0, ENGINE_ACTIVATION},
        {last, ENGINE_CLASS_MAPS}, {last, ENGINE_SUMS},
    };
    const struct engine_opts o = {.device = device,
                                  .precision = precision,
                                  .threads = 2,
                                  .wants = want,
                                  .want_count = sums ? FORWARD_WANTS : FORWARD_WANTS - 1,
                                  .vectors = 2};
    struct run stream = run_with(n, FORWARD_IMAGES, o);
    struct err e = {0};
    CHECK(run_go(&stream, &e) == 0);
    float *seeds = mem_zero(FORWARD_IMAGES * run_seed_size(&stream), sizeof *seeds);
    for (int i = 0; i < FORWARD_IMAGES; i++)
        run_seed_image(&stream, i, seeds + (size_t)i * run_seed_size(&stream));
    for (int floats = 0; floats < 2; floats++) {
        struct run here = run_like(&stream, device, precision, 2);
        float *images = forward_floats(&here);
        struct engine *g;
        here.opts.images = floats;
        CHECK(engine_open(&g, n, &here.opts, &e) == 0);
        for (int at = 0, part = 1; at < FORWARD_IMAGES; at += part, part = part * 3 + 1) {
            int left = FORWARD_IMAGES - at;
            CHECK(forward_part(g, &here, at, left < part ? left : part, images, seeds, &e) == 0);
        }
        CHECK(same_run(&stream, &here));
        /* What is not asked for is not touched, and no image is none. */
        const struct engine_batch none = {.n = 0};
        const struct engine_batch some = {
            .n = 2, .pixels = here.pixels, .images = images, .seeds = seeds};
        CHECK(engine_forward(g, &none, &e) == 0);
        CHECK(engine_forward(g, &some, &e) == 0);
        CHECK(same_run(&stream, &here));
        engine_close(g);
        free(images);
        run_close(&here);
    }
    free(seeds);
    run_close(&stream);
    graph_free(n);
}

#endif
