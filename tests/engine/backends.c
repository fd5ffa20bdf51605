/* The backend cpu against ref on random networks, with every set of kernels. */
#include "compare.h"

/* The sets, and what bf16 adds; those that do not run here are refused. */
static const char *const kernels[] = {"avx512", "avx2", "plain", "amx"};
enum { SETS = 3, HALF_SETS = 4 };

/* `r`'s input by one set of kernels; false where it is refused. */
static bool go(struct run *s, const struct run *r, const char *set, enum engine_precision precision,
               int threads, bool exact)
{
    struct err e = {0};
    setenv("HEATPIPE_CPU", set, 1);
    *s = run_like(r, "cpu", precision, threads);
    s->opts.exact = exact;
    bool went = run_go(s, &e) == 0;
    unsetenv("HEATPIPE_CPU");
    CHECK(went || strncmp(e.msg, "HEATPIPE_CPU", 12) == 0);
    if (!went)
        run_close(s);
    return went;
}

/* f32 by every set, with Winograd and without. All but `plain` give the same bits. */
static void check_sets(const struct run *ref)
{
    for (int exact = 0; exact < 2; exact++) {
        struct run first = {0};
        for (int i = 0; i < SETS; i++) {
            struct run s;
            if (!go(&s, ref, kernels[i], ENGINE_F32, 1 + i, exact))
                continue;
            compare(ref, &s, exact ? 2e-5 : 1e-4, difference, kernels[i]);
            if (i == SETS - 1)
                run_close(&s);
            else if (!first.net)
                first = s;
            else {
                CHECK(same_run(&first, &s));
                run_close(&s);
            }
        }
        run_close(&first);
    }
}

static void check_half(const struct run *ref)
{
    struct run first = {0};
    for (int i = 0; i < HALF_SETS; i++) {
        struct run s;
        /* Tiles in plain C take long. */
        if (i == SETS && net_macs(ref->net) * ref->images > 60000000)
            continue;
        if (!go(&s, ref, kernels[i], ENGINE_BF16, 2, false))
            continue;
        compare(ref, &s, ref->opts.gradients ? 0.3 : 0.03, difference_rms, "bf16");
        if (first.net && i < SETS - 1)
            CHECK(same_run(&first, &s));
        if (first.net || i >= SETS - 1)
            run_close(&s);
        else
            first = s;
    }
    run_close(&first);
}

/* The same bits for any number of threads, of which many take smaller batches. */
static void check_threads(const struct run *ref)
{
    static const int threads[] = {2, 3, 8, 9, 17};
    struct err e = {0};
    struct run one = run_like(ref, "cpu", ENGINE_F32, 1);
    CHECK(run_go(&one, &e) == 0);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct run more = run_like(ref, "cpu", ENGINE_F32, threads[i]);
        CHECK(run_go(&more, &e) == 0);
        CHECK(same_run(&one, &more));
        run_close(&more);
    }
    run_close(&one);
    if (e.msg[0])
        fprintf(stderr, "  %s\n", e.msg);
}

/* One network, one choice of what is asked for, in all backends. */
static void check(const struct net *n, int images, int features, bool maps, int gradients)
{
    static int turn;
    struct err e = {0};
    struct engine_opts o = {.device = "ref",
                            .threads = 2,
                            .features = features,
                            .class_maps = maps,
                            .gradients = gradients};
    struct run ref = run_new(n, images, o);
    CHECK(run_go(&ref, &e) == 0);
    check_sets(&ref);
    if (turn % 2 == 0)
        check_half(&ref);
    if (turn++ % 3 == 0 || images > 64)
        check_threads(&ref);
    run_close(&ref);
}

/* Residual networks. */
static void check_random(int rounds)
{
    static const int pick[] = {16, 32, 48, 64, 80, 3, 8, 17, 20, 40};
    for (int round = 0; round < rounds; round++) {
        random_state = (uint64_t)round + 1;
        int widths[5] = {0}, stages = random_int(1, 3), side = round % 3 ? 18 : 33;
        for (int s = 0; s < stages; s++)
            widths[s] = pick[random_int(0, round % 2 ? 4 : 9)];
        struct net *n = net_random(random_int(1, side), random_int(1, side), widths,
                                   random_int(1, 2), random_int(2, 21));
        int images = random_int(1, 18), last = net_last(n);
        check(n, images, random_int(1, last), true, 0);
        check(n, random_int(1, 6), random_int(0, last), false, 2);
        check(n, random_int(1, 6), last, true, 1);
        check(n, images, -1, false, 0);
        net_free(n);
    }
}

/* Other ones. */
static void check_mixed(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        random_state = (uint64_t)round + 101;
        bool spare = round % 3 == 0;
        int side = spare ? 4 : 24;
        struct net *n = net_mixed(random_int(1, side), random_int(1, side), random_int(1, 9),
                                  random_int(2, 40), spare);
        int last = net_last(n);
        check(n, random_int(1, spare ? 80 : 20), random_int(1, last), round % 2, 0);
        if (!spare)
            check(n, random_int(1, 4), round % 2 ? 0 : random_int(0, last), false, 2);
        net_free(n);
    }
}

/* Several groups, a last batch that is not full, a last group that is not. */
static void check_batches(void)
{
    static const int images[] = {16, 17, 64, 65, 79, 150};
    for (int i = 0; i < 6; i++) {
        random_state = (uint64_t)i + 201;
        struct net *n = net_random(random_int(4, 9), random_int(4, 9), (const int[]){16, 24, 70, 0},
                                   1, random_int(3, 20));
        int last = net_last(n);
        check(n, images[i], random_int(1, last), true, 0);
        check(n, images[i], i % 2 ? random_int(0, last) : 1, i % 2, i % 2 + 1);
        net_free(n);
    }
}

/* Where operations are run for a batch at once from the first on, from the middle on, or
 * never; and gradients of so many scores that groups are small. */
static void check_wide(void)
{
    static const struct {
        int h, w, widths[5], images, vectors, before; /* the last value, features are */
    } net[] = {
        {1, 1, {64, 80}, 70, 2, 3},  {1, 1, {512}, 35, 1, 1},        {8, 8, {256}, 3, 150, 0},
        {38, 38, {12}, 6, 30, 1},    {33, 40, {16}, 18, 1, 2},       {8, 8, {16, 160}, 40, 1, 5},
        {4, 5, {20, 128}, 66, 3, 5}, {2, 3, {64, 64, 33}, 49, 2, 8},
    };
    for (size_t i = 0; i < sizeof net / sizeof *net; i++) {
        random_state = i + 301;
        struct net *n = net_random(net[i].h, net[i].w, net[i].widths, 1, 7);
        int last = net_last(n);
        check(n, net[i].images, last - net[i].before, true, net[i].vectors);
        net_free(n);
    }
}

/* Features and gradients of every value. */
static void check_values(void)
{
    random_state = 99;
    struct net *n = net_random(10, 9, (const int[]){16, 24, 0}, 2, 5);
    for (int v = 0; v <= net_last(n); v++)
        check(n, 3, v, v % 2, 3);
    net_free(n);
    n = net_mixed(7, 8, 12, 3, false);
    for (int v = 0; v <= net_last(n); v++)
        check(n, 20, v, v % 2, 2);
    net_free(n);
}

/* What is exact takes no Winograd, for which there would be use here. */
static void check_exact(void)
{
    struct err e = {0};
    struct net *n = net_random(16, 16, (const int[]){64, 0}, 1, 5);
    for (int exact = 0; exact < 2; exact++) {
        const struct engine_opts o = {.device = "cpu", .features = -1, .exact = exact};
        struct engine *g;
        CHECK(engine_open(&g, n, &o, &e) == 0);
        CHECK((strstr(engine_about(g), ", 0 of 3 convolutions by Winograd") != NULL) == exact);
        engine_close(g);
    }
    net_free(n);
}

int main(void)
{
    flips_allowed = 3;
    check_random(9);
    check_mixed(15);
    check_batches();
    check_wide();
    check_values();
    check_exact();
    return CHECK_DONE();
}
