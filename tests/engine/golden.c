/* The bundled example against PyTorch: tests/golden/engine/make.py. */
#include "../unit/check.h"
#include "ckpt/ckpt.h"
#include "data/data.h"
#include "engine/cpu/isa.h"
#include "model/model.h"
#include "random_net.h"
#include "stream/npy.h"

static float *load(const char *folder, const char *name, int64_t items, int64_t *each)
{
    struct err e = {0};
    struct npy_in *in;
    char path[512];
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    if (npy_open(&in, path, &e) != 1) {
        fprintf(stderr, "%s: %s\n", path, e.msg);
        exit(1);
    }
    *each = npy_item(in)->count;
    float *v = mem_alloc((size_t)(items * *each), sizeof *v);
    for (int64_t at = 0, n; at < items; at += n) {
        n = npy_read(in, v + at * *each, items - at, &e);
        if (n <= 0) {
            fprintf(stderr, "%s: %s\n", path, e.msg);
            exit(1);
        }
    }
    npy_close(in);
    return v;
}

static int seed_best(void *ctx, struct engine_batch *b, struct err *e)
{
    struct run *r = ctx;
    (void)e;
    size_t classes = (size_t)graph_classes(r->graph);
    for (size_t i = 0; i < (size_t)b->n; i++) {
        size_t best = 0;
        for (size_t k = 1; k < classes; k++)
            if (b->logits[i * classes + k] > b->logits[i * classes + best])
                best = k;
        b->seeds[i * classes + best] = 1;
    }
    return 0;
}

/* golden [FOLDER MODEL DATA IMAGES GRADIENT_IMAGES]: of another model, for which
 * make.py has run. */
int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "tests/golden/engine";
    const char *model = argc > 2 ? argv[2] : "examples/shapes100/model.pth";
    const char *images = argc > 3 ? argv[3] : "examples/shapes100/test.bin";
    int count = argc > 4 ? atoi(argv[4]) : 20, few = argc > 5 ? atoi(argv[5]) : 1;

    struct err e = {0};
    struct ckpt *c;
    struct data *d;
    struct model *m;
    const struct data_opts none = {0};
    struct model_opts o = {
        .h = 32, .w = 32, .mean = {.5071F, .4867F, .4409F}, .std = {.2673F, .2564F, .2762F}};
    if (ckpt_open(&c, model, NULL, &e) != 0 || model_open(&m, c, &o, &e) != 0 ||
        data_open(&d, images, &none, &e) != 0) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    ckpt_close(c);
    const struct graph *n = m->graph;

    int64_t each;
    float *logits = load(folder, "logits", count, &each);
    CHECK(each == graph_classes(n));
    struct engine_opts eo = {.device = "cpu"};
    struct run all = run_new(n, count, eo, -1, 0, false);
    for (int i = 0; i < count; i++) {
        struct data_item item;
        CHECK(data_at(d, i, all.pixels + (size_t)i * graph_size(n, 0), &item, &e) == 0);
    }
    CHECK(run_go(&all, &e) == 0);
    CHECK_NEAR(difference(all.logits, logits, (size_t)(count * each)), 0, 2e-5);

    /* Every set of kernels against f64. */
    float *exact = load(folder, "logits64", count, &each);
    CHECK(each == graph_classes(n));
    for (int i = 0; i < 2 * ISA_SETS; i++) {
        setenv("HEATPIPE_CPU", isa_name[i / 2], 1);
        struct run r = run_like(&all, "cpu", ENGINE_F32, 0);
        r.opts.exact = i % 2;
        bool went = run_go(&r, &e) == 0;
        CHECK(went || strncmp(e.msg, "HEATPIPE_CPU", 12) == 0);
        double far = difference(r.logits, exact, (size_t)(count * each));
        if (went)
            CHECK_NEAR(far, 0, i % 2 ? 1e-6 : 3e-6);
        if (went && argc > 1)
            printf("%s%s: logits %.2g\n", isa_name[i / 2], i % 2 ? " exact" : "", far);
        run_close(&r);
    }
    unsetenv("HEATPIPE_CPU");

    static const char *const layers[] = {"layer2", "layer3.0", "layer4"};
    for (size_t l = 0; l < 3; l++) {
        float *want = load(folder, layers[l], 2, &each);
        /* ref, and every set of kernels. */
        for (int i = 0; i <= ISA_SETS; i++) {
            eo.device = i < ISA_SETS ? "cpu" : "ref";
            struct run r = run_new(n, few, eo, graph_layer(n, layers[l], &e), 1, false);
            memcpy(r.pixels, all.pixels, (size_t)few * graph_size(n, 0));
            r.seed = seed_best;
            if (i < ISA_SETS)
                setenv("HEATPIPE_CPU", isa_name[i], 1);
            bool went = run_go(&r, &e) == 0;
            unsetenv("HEATPIPE_CPU");
            CHECK(went || (i < ISA_SETS && strncmp(e.msg, "HEATPIPE_CPU", 12) == 0));
            CHECK(each == few * (int64_t)r.feature_size);
            double features = difference(r.features, want, (size_t)each);
            double gradients = difference(r.grads, want + each, (size_t)each);
            if (went) {
                CHECK_NEAR(features, 0, 2e-5);
                CHECK_NEAR(gradients, 0, 1e-4);
            }
            if (went && argc > 1)
                printf("%s %s: features %.2g, gradients %.2g\n", i < ISA_SETS ? isa_name[i] : "ref",
                       layers[l], features, gradients);
            run_close(&r);
        }
        free(want);
    }
    free(logits);
    free(exact);
    run_close(&all);
    data_close(d);
    model_close(m);
    return CHECK_DONE();
}
