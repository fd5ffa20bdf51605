/* Few images are all looked at, however little they may fit; of more, the first ones show that they
 * fit too little; of sixteen or fewer, four do. Weights that are kept from one engine to the next
 * change nothing, and are those of the network at hand. */
#include "check.h"

#include "base/mem.h"
#include "fit/measure.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FEW = 8, SOME = 16, MANY = 24, SIDE = 32 };

static int image_at(void *ctx, int64_t i, uint8_t *to, struct err *e)
{
    (void)ctx;
    (void)e;
    for (int at = 0; at < 3 * SIDE * SIDE; at++)
        to[at] = (uint8_t)((unsigned)at * 2654435761U >> (i + 8) % 24);
    return 0;
}

static struct fit_figures figures_of(const struct model *m, int64_t count, double most,
                                     struct engine_kept *kept)
{
    const struct fit_images images = {count, SIDE, SIDE, image_at, NULL, NULL};
    struct fit_figures f = {0};
    struct err e;
    CHECK(fit_measure(&f, m, &images, most, &(struct fit_device){"cpu", 1, kept}, &e) == 0);
    return f;
}

static bool same(double a, double b)
{
    return !(a < b) && !(b < a);
}

static void check_kept(struct model *m)
{
    struct engine_kept *kept = engine_keep();
    float *w = (float *)m->graph->op[0].w;
    double before = 0;
    for (int i = 0; i < 3; i++) {
        w[0] += i == 2 ? 1.0F : 0;
        const struct fit_figures a = figures_of(m, FEW, INFINITY, kept),
                                 b = figures_of(m, FEW, INFINITY, NULL);
        CHECK(same(a.divergence, b.divergence));
        CHECK(i == 0 || same(a.divergence, before) == (i == 1));
        before = a.divergence;
    }
    engine_keep_end(kept);
}

int main(void)
{
    const char *root = getenv("ROOT");
    char *path = mem_printf("%s/tests/golden/fit/imagenet.safetensors", root ? root : ".");
    struct assume assume = {0};
    struct model_opts o = {
        .h = SIDE, .w = SIDE, .std = {1, 1, 1}, .assume = &assume, .unfolded = true};
    struct ckpt *c;
    struct model *m;
    struct err e;
    CHECK(ckpt_open(&c, path, NULL, &e) == 0);
    CHECK(model_open(&m, c, &o, &e) == 0);
    for (int64_t count = FEW; count <= MANY; count += MANY - FEW) {
        const struct fit_figures all = figures_of(m, count, INFINITY, NULL),
                                 most = figures_of(m, count, DBL_MAX, NULL);
        CHECK(all.images == count && most.images == count);
        CHECK(all.divergence > 0 && fabs(all.divergence - most.divergence) < 1e-9);
        CHECK(isinf(all.begun) && (count == FEW ? isinf(most.begun) : isfinite(most.begun)));
    }
    CHECK(figures_of(m, FEW, 0, NULL).images == FEW);
    CHECK(figures_of(m, SOME, 0, NULL).images == SOME / 4);
    CHECK(figures_of(m, MANY, 0, NULL).images == FEW);
    check_kept(m);
    model_close(m);
    ckpt_close(c);
    free(path);
    return CHECK_DONE();
}
