/* The backend cpu against ref on random networks. */
#include "compare.h"

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
    CHECK(same_run(&one, &more));

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
