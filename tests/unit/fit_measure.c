/* Few images are all looked at, however little they may fit; of more, the first ones show that they
 * fit too little. */
#include "check.h"

#include "base/mem.h"
#include "fit/measure.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 8, MANY = 24, SIDE = 32 };

static int image_at(void *ctx, int64_t i, uint8_t *to, struct err *e)
{
    (void)ctx;
    (void)e;
    for (int at = 0; at < 3 * SIDE * SIDE; at++)
        to[at] = (uint8_t)((unsigned)at * 2654435761U >> (i + 8) % 24);
    return 0;
}

static struct fit_figures figures_of(const struct model *m, int64_t count, double most)
{
    const struct fit_images images = {count, SIDE, SIDE, image_at, NULL, NULL};
    struct fit_figures f = {0};
    struct err e;
    CHECK(fit_measure(&f, m, &images, most, "cpu", 1, &e) == 0);
    return f;
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
        const struct fit_figures all = figures_of(m, count, INFINITY),
                                 most = figures_of(m, count, DBL_MAX);
        CHECK(all.images == count && most.images == count);
        CHECK(all.divergence > 0 && fabs(all.divergence - most.divergence) < 1e-9);
        CHECK(isinf(all.begun) && (count == FEW ? isinf(most.begun) : isfinite(most.begun)));
    }
    CHECK(figures_of(m, FEW, 0).images == FEW);
    CHECK(figures_of(m, MANY, 0).images == FEW);
    model_close(m);
    ckpt_close(c);
    free(path);
    return CHECK_DONE();
}
