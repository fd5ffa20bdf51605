/* The backend cpu against ref on random networks. */
#include "../unit/check.h"
#include "random_net.h"

#include <string.h>

static void compare(const struct run *r, const struct run *s, double tolerance,
                    double (*differ)(const float *, const float *, size_t), const char *what)
{
    size_t m = (size_t)r->images;
    CHECK(s->written == s->images);
    double d[4] = {differ(s->logits, r->logits, m * (size_t)r->net->classes), 0, 0, 0};
    if (r->features)
        d[1] = differ(s->features, r->features, m * r->feature_size);
    if (r->maps)
        d[2] = differ(s->maps, r->maps, m * r->map_size);
    if (r->grads)
        d[3] = differ(s->grads, r->grads, m * (size_t)r->opts.gradients * r->feature_size);
    bool right = true;
    for (int i = 0; i < 4; i++)
        right = right && d[i] <= tolerance;
    CHECK(right);
    if (!right)
        fprintf(stderr,
                "  %s, %dx%d, value %d of %d: logits %.2g features %.2g maps %.2g gradients %.2g\n",
                what, r->net->value[0].h, r->net->value[0].w, r->opts.features, r->net->values,
                d[0], d[1], d[2], d[3]);
}

static bool same(const float *a, const float *b, size_t n)
{
    return !a || !b ? a == b : memcmp(a, b, n * sizeof *a) == 0;
}

/* One network, one choice of what is asked for, in all backends. */
static void check(const struct net *n, int images, int features, bool maps, int gradients)
{
    struct err e = {0};
    struct engine_opts o = {.device = "ref",
                            .threads = 2,
                            .features = features,
                            .class_maps = maps,
                            .gradients = gradients};
    struct run ref = run_new(n, images, o);
    CHECK(run_go(&ref, &e) == 0);
    struct run one = run_like(&ref, "cpu", ENGINE_F32, 1),
               more = run_like(&ref, "cpu", ENGINE_F32, 3);
    CHECK(run_go(&one, &e) == 0);
    CHECK(run_go(&more, &e) == 0);
    compare(&ref, &one, 1e-4, difference, "f32");
    size_t m = (size_t)images;
    CHECK(same(one.logits, more.logits, m * (size_t)n->classes));
    CHECK(same(one.features, more.features, m * one.feature_size));
    CHECK(same(one.maps, more.maps, m * one.map_size));
    CHECK(same(one.grads, more.grads, m * (size_t)gradients * one.feature_size));

    struct run half = run_like(&ref, "cpu", ENGINE_BF16, 2);
    if (run_go(&half, &e) == 0)
        compare(&ref, &half, gradients ? 0.3 : 0.03, difference_rms, "bf16");
    else
        CHECK(e.no_device && strstr(e.msg, "AVX512_BF16"));
    run_close(&ref);
    run_close(&one);
    run_close(&more);
    run_close(&half);
    if (e.msg[0] && !e.no_device)
        fprintf(stderr, "  %s\n", e.msg);
}

int main(void)
{
    static const int pick[] = {16, 32, 48, 64, 80, 3, 8, 17, 20, 40};
    for (int round = 0; round < 10; round++) {
        random_state = (uint64_t)round + 1;
        int widths[5] = {0}, stages = random_int(1, 3);
        for (int s = 0; s < stages; s++)
            widths[s] = pick[random_int(0, round % 2 ? 4 : 9)];
        struct net *n = net_random(random_int(8, 33), random_int(8, 33), widths, random_int(1, 2),
                                   random_int(2, 21));
        int images = random_int(1, 24), last = net_last(n);
        check(n, images, random_int(1, last), true, 0);
        check(n, random_int(1, 6), random_int(0, last), false, 2);
        check(n, random_int(1, 6), last, true, 1);
        check(n, images, -1, false, 0);
        net_free(n);
    }
    /* Gradients at every value. */
    random_state = 99;
    struct net *n = net_random(10, 9, (const int[]){16, 24, 0}, 2, 5);
    for (int v = 0; v <= net_last(n); v++)
        check(n, 3, v, false, 3);
    net_free(n);
    return CHECK_DONE();
}
