/* The first norm's statistics from the moments of patches are those that the network has. */
#include "check.h"

#include "base/mem.h"
#include "engine/engine.h"
#include "fit/stem.h"
#include "model/normal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 20, SIDE = 32 };

static uint8_t pixels[IMAGES][3 * SIDE * SIDE];

static int image_at(void *ctx, int64_t i, uint8_t *to, struct err *e)
{
    (void)ctx;
    (void)e;
    memcpy(to, pixels[i], sizeof pixels[i]);
    return 0;
}

/* Patterns with colours of their own and edges. */
static void draw(void)
{
    for (int i = 0; i < IMAGES; i++)
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < SIDE; x++)
                    pixels[i][(c * SIDE + y) * SIDE + x] =
                        (uint8_t)(40 * c + 7 * i + ((x / (i % 5 + 2) + y / (i % 3 + 3)) % 2) * 80);
}

static int read_all(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    int *next = ctx, n = 0;
    (void)e;
    for (; n < max && *next < IMAGES; n++)
        memcpy(b->pixels + (size_t)n * sizeof pixels[0], pixels[(*next)++], sizeof pixels[0]);
    return n;
}

static double sums[4][2];

static int add_sums(void *ctx, const struct engine_batch *b, struct err *e)
{
    (void)ctx;
    (void)e;
    for (int i = 0; i < b->n; i++)
        for (int k = 0; k < 4; k++) {
            sums[k][0] += b->results[0].sums[8 * i + 2 * k];
            sums[k][1] += b->results[0].sums[8 * i + 2 * k + 1];
        }
    return 0;
}

/* Has the first norm, of four channels, record what the network computes before it. */
static void record(struct model *model)
{
    struct model_norm *m = &model->norm[0];
    const struct graph_value *v = &model->graph->value[m->value];
    const struct engine_want want = {m->value, ENGINE_SUMS};
    const struct engine_opts o = {.device = "ref", .threads = 1, .wants = &want, .want_count = 1};
    int next = 0;
    const struct engine_calls calls = {.ctx = &next, .read = read_all, .write = add_sums};
    struct engine *g;
    struct err e;
    double cells = (double)IMAGES * v->h * v->w;
    memset(sums, 0, sizeof sums);
    CHECK(v->c == 4);
    CHECK(engine_open(&g, model->graph, &o, &e) == 0);
    CHECK(engine_run(g, &calls, &e) == 0);
    engine_close(g);
    for (int k = 0; k < 4; k++) {
        double mean = sums[k][0] / cells;
        m->mean[k] = (float)mean;
        m->var[k] = (float)(sums[k][1] / cells - mean * mean);
    }
}

/* A large window is looked at in some cells only. */
static void test(const char *file, bool bgr, double tolerance)
{
    const char *root = getenv("ROOT");
    char *path = mem_printf("%s/tests/golden/fit/%s", root ? root : ".", file);
    struct assume assume = {.bgr = bgr};
    struct model_opts o = {
        .h = SIDE, .w = SIDE, .std = {1, 1, 1}, .assume = &assume, .unfolded = true};
    const struct fit_images images = {IMAGES, SIDE, SIDE, image_at, NULL, NULL};
    struct ckpt *c;
    struct model *m;
    struct fit_stem *s;
    struct err e;
    int all;
    const struct normal *k = normal_all(3, &all);
    CHECK(ckpt_open(&c, path, NULL, &e) == 0);
    CHECK(model_open(&m, c, &o, &e) == 0);
    CHECK(fit_stem_new(&s, m, &images, &e) == 0);
    CHECK(s != NULL);
    for (int i = 0; i < all; i++) {
        struct fit_pixels p = {.bgr = bgr};
        enum fit_frame frame = FIT_FRAMES;
        memcpy(p.mean, k[i].mean, sizeof p.mean);
        memcpy(p.std, k[i].std, sizeof p.std);
        memcpy(m->graph->mean, k[i].mean, sizeof k[i].mean);
        memcpy(m->graph->std, k[i].std, sizeof k[i].std);
        record(m);
        double right = fit_stem_divergence(s, &p, -1, &frame);
        CHECK(right < tolerance);
        CHECK(frame == FIT_FRAME_NONE);
        p.std[1] *= 1.1F;
        CHECK(fit_stem_divergence(s, &p, -1, NULL) > right);
    }
    fit_stem_free(s);
    model_close(m);
    ckpt_close(c);
    free(path);
}

int main(void)
{
    draw();
    test("imagenet.safetensors", false, 1e-6);
    test("bgr.safetensors", true, 1e-6);
    test("bgr.safetensors", false, 1e-6);
    test("stem.safetensors", false, 2e-3);
    return CHECK_DONE();
}
