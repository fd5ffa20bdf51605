/* The backend cpu against ref on random networks, with every set of kernels. */
#include "any_net.h"
#include "by_op.h"
#include "engine/cpu/isa.h"
#include "forward.h"
#include "settle.h"
#include "tail.h"

/* Networks of any kind: fewer under the sanitizers, where each takes many times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { BAND_ROUNDS = 8, ANY_ROUNDS = 30 };
#else
enum { BAND_ROUNDS = 40, ANY_ROUNDS = 100 };
#endif

/* How far one operation in bf16 is from its rule, by root mean square: weights and results are
 * rounded to 8 bits, gradients are in f32. */
#define BF16_FORWARD 0.01
#define BF16_BACKWARD 0.001

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
        for (int i = 0; i < ISA_SETS; i++) {
            struct run s;
            if (!go(&s, ref, isa_name[i], ENGINE_F32, 1 + i, exact))
                continue;
            compare(ref, &s, SETTLE_GAP, difference, isa_name[i]);
            if (i == ISA_SETS - 1)
                run_close(&s);
            else if (!first.graph)
                first = s;
            else {
                CHECK(same_run(&first, &s));
                run_close(&s);
            }
        }
        run_close(&first);
    }
}

/* bf16 by the sets that give the same bits, by `plain` and by tiles: in turn one of these three
 * kinds is compared with the rules. */
static void check_bf16(const struct run *ref)
{
    static int turn;
    const int kind = turn++ % 3;
    struct run first = {0};
    for (int i = 0; i < ISA_NAMES; i++) {
        const struct by_op of = {"cpu", ENGINE_BF16, 2, BF16_FORWARD, BF16_BACKWARD};
        const int its = i < ISA_SETS - 1 ? 0 : i == ISA_SETS - 1 ? 1 : 2;
        struct err e = {0};
        struct run s;
        /* Tiles in plain C take long. */
        if ((its > 0 && its != kind) ||
            (strcmp(isa_name[i], "amx") == 0 && graph_macs(ref->graph) * ref->images > 60000000))
            continue;
        if (!go(&s, ref, isa_name[i], ENGINE_BF16, 2, false))
            continue;
        if (its == 0 && first.graph)
            CHECK(same_run(&first, &s));
        if (its == kind && (its > 0 || !first.graph)) {
            struct run all = by_op_run(ref, &of);
            setenv("HEATPIPE_CPU", isa_name[i], 1);
            CHECK(run_go(&all, &e) == 0);
            unsetenv("HEATPIPE_CPU");
            by_op_same(&s, &all);
            by_op_compare(&all, &of);
            run_close(&all);
        }
        if (first.graph)
            run_close(&s);
        else
            first = s;
    }
    run_close(&first);
}

/* The same bits for any number of threads, of which many take smaller batches, and for batches
 * as small as it takes for each of them to have one. */
static void check_threads(const struct run *ref)
{
    static const int threads[] = {2, 3, 8, 9, 17};
    struct err e = {0};
    struct run one = run_like(ref, "cpu", ENGINE_F32, 1);
    CHECK(run_go(&one, &e) == 0);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct run more = run_like(ref, "cpu", ENGINE_F32, threads[i]);
        more.opts.few = i % 2 == 0 ? ref->images : 0;
        CHECK(run_go(&more, &e) == 0);
        CHECK(same_run(&one, &more));
        run_close(&more);
    }
    run_close(&one);
    if (e.msg[0])
        fprintf(stderr, "  %s\n", e.msg);
}

/* One network, one choice of what is asked for, in all backends. `pixels`: of settle(),
 * for gradients; NULL for any. */
static void check(const struct graph *n, const uint8_t *pixels, int images, int features, bool maps,
                  int gradients)
{
    static int turn;
    struct err e = {0};
    const struct engine_opts o = {.device = "ref", .threads = 2};
    struct run ref = run_new(n, images, o, features, gradients, maps);
    if (pixels)
        memcpy(ref.pixels, pixels, (size_t)images * graph_size(n, 0));
    CHECK(run_go(&ref, &e) == 0);
    check_sets(&ref);
    if (turn % 2 == 0)
        check_bf16(&ref);
    if (turn++ % 3 == 0 || images > 64)
        check_threads(&ref);
    run_close(&ref);
}

/* --- ref, which the others are compared with --- */

static float *copied(const float *from, size_t n)
{
    float *p = mem_alloc(n, sizeof *p);
    memcpy(p, from, n * sizeof *p);
    return p;
}

/* The same network with a convolution of 1 by 1, most of whose weights are 0, for each
 * scale. */
static struct graph *with_diagonals(const struct graph *n)
{
    struct graph *d = net_of_image(n->value[0].h, n->value[0].w);
    for (int i = 0; i < n->ops; i++) {
        const struct graph_op *op = &n->op[i];
        size_t weights = (size_t)graph_op_weights(n, op), channels = (size_t)n->value[op->out].c;
        struct graph_op to = *op;
        struct err e;
        to.w = weights ? copied(op->w, weights) : NULL;
        to.b = weights ? copied(op->b, channels) : NULL;
        if (op->kind == GRAPH_NORM) {
            float *w = mem_zero(channels * channels, sizeof *w);
            for (size_t c = 0; c < channels; c++)
                w[c * channels + c] = op->w[c];
            free((void *)to.w);
            to.kind = GRAPH_CONV;
            to.channels = (int)channels;
            to.y = to.x = graph_windows(1, 1, 0);
            to.groups = 1;
            to.w = w;
        }
        CHECK(graph_add(d, &to, &e) == op->out);
    }
    return d;
}

static void check_ref_scale(const struct graph *n)
{
    struct graph *d = with_diagonals(n);
    for (int v = 0; v <= graph_closed(n).value; v++) {
        struct err e = {0};
        const struct engine_opts o = {.device = "ref"};
        struct run r = run_new(n, 3, o, v, 2, false), s = run_new(d, 3, o, v, 2, false);
        memcpy(s.pixels, r.pixels, 3 * graph_size(n, 0));
        CHECK(run_go(&r, &e) == 0 && run_go(&s, &e) == 0);
        compare(&r, &s, 1e-5, difference, "diagonals");
        run_close(&r);
        run_close(&s);
    }
    graph_free(d);
}

/* y = the largest in each window of a plane, and dx += dy at the first that is. */
static void windows(const struct graph *n, const struct graph_op *op, const float *x,
                    const float *dy, float *y, float *dx)
{
    const struct graph_value *from = &n->value[op->in[0]], *to = &n->value[op->out];
    for (int i = 0; i < to->h * to->w; i++) {
        int y0 = i / to->w * op->y.stride - op->y.before, at = -1;
        int x0 = i % to->w * op->x.stride - op->x.before;
        for (int p = from->h * from->w - 1; p >= 0; p--) {
            int down = p / from->w - y0, across = p % from->w - x0;
            bool inside = down >= 0 && down < op->y.k && across >= 0 && across < op->x.k;
            at = inside && (at < 0 || x[p] >= x[at]) ? p : at;
        }
        y[i] = x[at];
        dx[at] += dy[i];
    }
}

/* Of the only operation that reads its input. */
static void check_ref_max(const struct graph *n, const struct graph_op *op)
{
    enum { IMAGES = 3, VECTORS = 2 };
    struct err e = {0};
    const struct engine_opts o = {.device = "ref"};
    struct run r = run_new(n, IMAGES, o, op->in[0], VECTORS, false),
               s = run_new(n, IMAGES, o, op->out, VECTORS, false);
    memcpy(s.pixels, r.pixels, IMAGES * graph_size(n, 0));
    CHECK(run_go(&r, &e) == 0 && run_go(&s, &e) == 0);
    size_t in = (size_t)n->value[op->in[0]].h * (size_t)n->value[op->in[0]].w;
    size_t out = (size_t)n->value[op->out].h * (size_t)n->value[op->out].w;
    size_t planes = (size_t)n->value[op->in[0]].c;
    float *y = mem_alloc(out, sizeof *y), *dx = mem_alloc(in, sizeof *dx);
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t j = 0; j < VECTORS; j++)
            for (size_t c = 0; c < planes; c++) {
                size_t at = (i * VECTORS + j) * planes + c;
                memset(dx, 0, in * sizeof *dx);
                windows(n, op, r.features + (i * planes + c) * in, s.grads + at * out, y, dx);
                CHECK(same(s.features + (i * planes + c) * out, y, out));
                CHECK(difference(r.grads + at * in, dx, in) < 1e-6);
            }
    free(y);
    free(dx);
    run_close(&r);
    run_close(&s);
}

static void check_ref(void)
{
    random_state = 501;
    struct graph *n = net_preact(9, 6, (const int[]){8, 12, 0}, 2, 5, false);
    check_ref_scale(n);
    graph_free(n);
    n = net_unfolded(9, 6, (const int[]){8, 12, 0}, 2, 5);
    check_ref_scale(n);
    graph_free(n);
    for (int round = 0; round < 12; round++) {
        n = net_of_image(random_int(5, 12), random_int(5, 12));
        int x = net_add_conv(n, 0, 6, 3, 1, -1, round % 2);
        int k = random_int(2, 5);
        x = net_add_max(n, x, k, random_int(1, 3), random_int(0, k / 2));
        net_add_head(n, x, 4);
        check_ref_max(n, &n->op[1]);
        graph_free(n);
    }
}

/* --- sums --- */

/* Whether the sums of images are those of a value (images, c, cells). */
static bool sums_right(const struct graph *g, int value, const float *x, int images,
                       const double *sums)
{
    size_t cells = graph_cells(g, value);
    for (int i = 0; i < images * g->value[value].c; i++, sums += 2) {
        double sum = 0, square = 0;
        for (size_t p = 0; p < cells; p++, x++) {
            sum += (double)*x;
            square += (double)*x * *x;
        }
        if (sums[0] != sum || sums[1] != square)
            return false;
    }
    return true;
}

/* Everything that is wanted of every value, in one run, and alone: the same bits. */
static void check_device_wants(const struct graph *n, int images, const char *device,
                               const char *set, enum engine_precision precision, int vectors)
{
    struct err e = {0};
    int last = graph_closed(n).value, wants = 0, gradients = vectors ? last + 1 : 0;
    struct engine_want *want = mem_alloc((size_t)n->values * 3 + 2, sizeof *want);
    for (int v = n->values - 1; v >= 0; v--) {
        engine_add_want(want, &wants, v, ENGINE_SUMS);
        engine_add_want(want, &wants, v, ENGINE_ACTIVATION);
    }
    engine_add_want(want, &wants, last, ENGINE_CLASS_MAPS);
    want[wants++] = (struct engine_want){last, ENGINE_SUMS}; /* once more */
    for (int v = 0; v < gradients; v++)
        engine_add_want(want, &wants, v, ENGINE_GRADIENT);
    const struct engine_opts o = {.device = device,
                                  .precision = precision,
                                  .threads = 1,
                                  .wants = want,
                                  .want_count = wants,
                                  .vectors = vectors};
    struct run all = run_with(n, images, o);
    setenv("HEATPIPE_CPU", set, 1);
    bool went = run_go(&all, &e) == 0;
    CHECK(went || strncmp(e.msg, "HEATPIPE_CPU", 12) == 0);
    for (int i = 0; went && i < wants; i++) {
        struct engine_opts one = o;
        one.threads = 3;
        one.wants = &want[i];
        one.want_count = 1;
        one.vectors = want[i].what == ENGINE_GRADIENT ? vectors : 0;
        struct run r = run_with(n, images, one);
        memcpy(r.pixels, all.pixels, (size_t)images * graph_size(n, 0));
        CHECK(run_go(&r, &e) == 0);
        CHECK(same(r.logits, all.logits, (size_t)images * (size_t)graph_classes(n)));
        CHECK(same_bytes(r.results[0].values, all.results[i].values,
                         (size_t)images * run_bytes(&r, 0)));
        if (want[i].what == ENGINE_ACTIVATION)
            CHECK(
                sums_right(n, want[i].value, r.results[0].values, images, all.results[i - 1].sums));
        if (want[i].what == ENGINE_ACTIVATION && want[i].value == graph_logits(n))
            CHECK(same(r.results[0].values, all.logits, (size_t)images * (size_t)graph_classes(n)));
        run_close(&r);
    }
    unsetenv("HEATPIPE_CPU");
    run_close(&all);
    free(want);
}

static void check_wants(const struct graph *n, int images, int vectors)
{
    check_device_wants(n, images, "ref", "", ENGINE_F32, vectors);
    for (int i = 0; i < ISA_NAMES; i++) {
        if (i < ISA_SETS)
            check_device_wants(n, images, "cpu", isa_name[i], ENGINE_F32, vectors);
        check_device_wants(n, images, "cpu", isa_name[i], ENGINE_BF16, vectors);
    }
}

/* Values that are kept a microbatch at a time and values of whole batches. */
static void check_all_wants(void)
{
    random_state = 601;
    struct graph *n = net_preact(9, 10, (const int[]){8, 40, 0}, 1, 5, false);
    check_wants(n, 19, 2);
    graph_free(n);
    n = net_large_stem(30, 27, (const int[]){16, 64, 0}, 1, 3);
    check_wants(n, 9, 1);
    graph_free(n);
    /* Some values of which are of no use, and have gradients of 0. */
    n = net_mixed(6, 7, 8, 12, true);
    check_wants(n, 70, 1);
    graph_free(n);
}

/* --- what is not computed --- */

static void refused(const struct graph *n, struct engine_opts o, const char *message)
{
    struct err e = {0};
    struct engine *g = NULL;
    CHECK(engine_open(&g, n, &o, &e) == -1);
    CHECK(g == NULL);
    CHECK_STR(e.msg, message);
}

static char noted[256];

static void take_note(const char *text)
{
    snprintf(noted, sizeof noted, "%s", text);
}

/* "auto" goes on with ref, and says what cpu does not compute. */
static void falls_back(const struct graph *n, const char *note)
{
    struct err e = {0};
    struct engine *g = NULL;
    const struct engine_opts o = {.device = "auto", .note = take_note};
    noted[0] = 0;
    CHECK(engine_open(&g, n, &o, &e) == 0);
    if (g && strncmp(engine_about(g), "cuda", 4) != 0) {
        CHECK(strncmp(engine_about(g), "ref", 3) == 0);
        CHECK_STR(noted, note);
    }
    engine_close(g);
}

static void check_refusals(void)
{
    struct graph *n = net_random(8, 8, (const int[]){8, 0}, 1, 5);
    int last = graph_closed(n).value;
    struct engine_want want = {n->values, ENGINE_ACTIVATION};
    struct engine_opts o = {.device = "cpu", .wants = &want, .want_count = 1};
    refused(n, o, "expected a wanted value below 6, found 6");
    want = (struct engine_want){last - 1, ENGINE_CLASS_MAPS};
    refused(n, o,
            "expected maps of all classes to be wanted of the last stage of a network that ends in "
            "an average over all cells and one linear layer, found another");
    want = (struct engine_want){last, ENGINE_GRADIENT};
    refused(n, o, "expected score vectors where gradients are wanted and only there, found 0");
    want.what = ENGINE_SUMS;
    o.vectors = 1;
    refused(n, o, "expected score vectors where gradients are wanted and only there, found 1");
    graph_free(n);
    n = net_of_image(33, 34);
    net_add_head(n, net_add_conv(n, 0, 4, 33, 1, -1, true), 4);
    refused(n, (struct engine_opts){.device = "cpu"},
            "cpu: windows of 33 by 33 are too large: use ref");
    falls_back(n, "cpu: windows of 33 by 33 are too large: use ref");
    graph_free(n);
}

/* --- networks --- */

/* Residual networks. */
static void check_random(int rounds)
{
    static const int pick[] = {16, 32, 48, 64, 80, 3, 8, 17, 20, 40};
    for (int round = 0; round < rounds; round++) {
        random_state = (uint64_t)round + 1;
        int widths[5] = {0}, stages = random_int(1, 3), side = round % 3 ? 18 : 33;
        for (int s = 0; s < stages; s++)
            widths[s] = pick[random_int(0, round % 2 ? 4 : 9)];
        struct graph *n = net_random(random_int(1, side), random_int(1, side), widths,
                                     random_int(1, 2), random_int(2, 21));
        int images = random_int(1, 18), last = graph_closed(n).value;
        check(n, NULL, images, random_int(1, last), true, 0);
        check(n, NULL, images, -1, false, 0);
        uint8_t *pixels = settle(n, 6);
        check(n, pixels, random_int(1, 6), random_int(0, last), false, 2);
        check(n, pixels, random_int(1, 6), last, true, 1);
        free(pixels);
        graph_free(n);
    }
}

/* Patches of images, as vision transformers begin with. */
static void check_patches(int side, int h, int w)
{
    random_state = (uint64_t)side;
    struct graph *n = net_of_image(h, w);
    struct graph_op op = graph_conv(0, 24, side, side);
    op.y = op.x = graph_windows(side, side, 0);
    op.act = GRAPH_RELU;
    net_add_head(n, net_add_conv(n, net_add(n, &op, 1.4 / side, 0.1), 20, 1, 1, -1, true), 4);
    check(n, NULL, 5, 1, true, 0);
    uint8_t *pixels = settle(n, 3);
    check(n, pixels, 3, 0, false, 1);
    free(pixels);
    graph_free(n);
}

/* With a stem for larger images, with ReLUs before convolutions, with batch norms that are
 * not folded. */
static void check_forms(int rounds)
{
    static const int pick[] = {16, 32, 48, 64, 3, 8, 20};
    for (int round = 0; round < rounds; round++) {
        random_state = (uint64_t)round + 401;
        int widths[4] = {0}, stages = random_int(1, 3), h = random_int(1, 35),
            w = random_int(1, 35), blocks = random_int(1, 2), classes = random_int(2, 12);
        for (int s = 0; s < stages; s++)
            widths[s] = pick[random_int(0, 6)];
        struct graph *n = round % 4 == 0   ? net_large_stem(h, w, widths, blocks, classes)
                          : round % 4 == 3 ? net_unfolded(h, w, widths, blocks, classes)
                                           : net_preact(h, w, widths, blocks, classes, round % 2);
        int images = random_int(1, 18), last = graph_closed(n).value;
        check(n, NULL, images, random_int(1, last), true, 0);
        uint8_t *pixels = settle(n, 6);
        check(n, pixels, random_int(1, 6), random_int(0, last), false, 2);
        check(n, pixels, random_int(1, 6), round % 8 < 4 ? last : 0, true, 1);
        free(pixels);
        graph_free(n);
    }
}

/* Other ones. */
static void check_mixed(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        random_state = (uint64_t)round + 101;
        bool spare = round % 3 == 0;
        int side = spare ? 4 : 24;
        struct graph *n = net_mixed(random_int(1, side), random_int(1, side), random_int(1, 9),
                                    random_int(2, 40), spare);
        int last = graph_closed(n).value;
        check(n, NULL, random_int(1, spare ? 80 : 20), random_int(1, last), round % 2, 0);
        if (!spare) {
            uint8_t *pixels = settle(n, 4);
            check(n, pixels, random_int(1, 4), round % 2 ? 0 : random_int(0, last), false, 2);
            free(pixels);
        }
        graph_free(n);
    }
}

/* Several microbatches, a last batch that is not full, a last microbatch that is not. */
static void check_batches(void)
{
    static const int images[] = {16, 17, 64, 65, 79, 150};
    for (int i = 0; i < 6; i++) {
        random_state = (uint64_t)i + 201;
        struct graph *n = net_random(random_int(4, 9), random_int(4, 9),
                                     (const int[]){16, 24, 70, 0}, 1, random_int(3, 20));
        int last = graph_closed(n).value;
        check(n, NULL, images[i], random_int(1, last), true, 0);
        uint8_t *pixels = settle(n, images[i]);
        check(n, pixels, images[i], i % 2 ? random_int(0, last) : 1, i % 2, i % 2 + 1);
        free(pixels);
        graph_free(n);
    }
}

/* Where operations are run for a batch at once from the first on, from the middle on, or
 * never; and gradients of so many scores that microbatches are small. */
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
        struct graph *n = net_random(net[i].h, net[i].w, net[i].widths, 1, 7);
        int last = graph_closed(n).value;
        uint8_t *pixels = settle(n, net[i].images);
        check(n, pixels, net[i].images, last - net[i].before, true, net[i].vectors);
        free(pixels);
        graph_free(n);
    }
}

/* Networks of every kind of operation, with every kind of end. */
static void check_any(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        random_state = (uint64_t)round + 901;
        const bool smooth = round % 2;
        struct graph *n = net_any(random_int(1, 12), random_int(1, 12), random_int(3, 14),
                                  smooth ? ANY_SMOOTH : ANY_KINKS);
        const bool maps = graph_closed(n).value >= 0;
        const int images = round % 5 == 0 ? random_int(17, 70) : random_int(1, 12);
        check(n, NULL, images, random_int(0, n->values - 1), maps, 0);
        for (int i = 0; smooth && i < 3; i++)
            check(n, NULL, random_int(1, 9), i == 2 ? 0 : random_int(0, n->values - 1), maps,
                  random_int(1, 2));
        graph_free(n);
    }
}

/* Gradients through each function and through maxima of any windows. */
static void check_kinks(void)
{
    for (int round = 0; round <= GRAPH_DROPOUT; round++) {
        random_state = (uint64_t)round + 1501;
        struct graph *n = net_of_image(random_int(3, 9), random_int(3, 9));
        int x = any_conv(n, 0, ANY_SMOOTH);
        x = round < GRAPH_DROPOUT ? any_function_of(n, x, (enum graph_function)round)
                                  : any_pool(n, x, GRAPH_MAX_POOL);
        x = any_conv(n, x, ANY_SMOOTH);
        x = any_pool(n, x, round % 2 ? GRAPH_MAX_POOL : GRAPH_MEAN_POOL);
        net_add_head(n, x, 4);
        uint8_t *pixels = settle(n, 5);
        check(n, pixels, 5, 0, false, 2);
        free(pixels);
        graph_free(n);
    }
}

/* Operations on values so large that they are run for some rows at a time. */
static void check_bands(int rounds)
{
    static const enum graph_kind kind[] = {
        GRAPH_CONV,     GRAPH_CONV,     GRAPH_CONV, GRAPH_CONV,     GRAPH_FUNCTION,
        GRAPH_FUNCTION, GRAPH_NORM,     GRAPH_ADD,  GRAPH_MULTIPLY, GRAPH_PICK,
        GRAPH_CONCAT,   GRAPH_MAX_POOL, GRAPH_CONV, GRAPH_MEAN_POOL};
    for (int round = 0; round < rounds; round++) {
        random_state = (uint64_t)round + 1301;
        const enum any_kinks kinks = round % 2 ? ANY_SMOOTH : ANY_KINKS;
        struct graph *n = net_of_image(random_int(40, 70), random_int(30, 60));
        int x = 0;
        for (int i = random_int(3, 9); i > 0; i--) {
            const enum graph_kind k = kind[random_int(0, 13)];
            if ((k != GRAPH_MAX_POOL || kinks == ANY_KINKS) && n->value[x].c <= 2 * ANY_CHANNELS)
                x = net_add_kind(n, any_chance(8) ? random_int(0, x) : x, k, kinks);
        }
        net_add_head(n, x, 5);
        check(n, NULL, random_int(1, 9), round % 3 ? -1 : random_int(0, x), true, 0);
        if (kinks == ANY_SMOOTH)
            check(n, NULL, random_int(1, 3), random_int(0, x), true, 1);
        graph_free(n);
    }
}

/* Features and gradients of every value. Frees the network. */
static void check_each(struct graph *n, int images, int gradients)
{
    uint8_t *pixels = settle(n, images);
    for (int v = 0; v <= graph_closed(n).value; v++)
        check(n, pixels, images, v, v % 2, gradients);
    free(pixels);
    graph_free(n);
}

static void check_values(void)
{
    random_state = 99;
    check_each(net_random(10, 9, (const int[]){16, 24, 0}, 2, 5), 3, 3);
    check_each(net_mixed(7, 8, 12, 3, false), 20, 2);
    check_each(net_preact(18, 21, (const int[]){16, 24, 0}, 2, 5, true), 9, 2);
    check_each(net_large_stem(17, 22, (const int[]){16, 0}, 1, 5), 9, 2);
    check_each(net_unfolded(10, 9, (const int[]){16, 24, 0}, 1, 5), 9, 2);
}

/* What is exact takes no Winograd, for which there would be use here. */
static void check_exact(void)
{
    struct err e = {0};
    struct graph *n = net_random(16, 16, (const int[]){64, 0}, 1, 5);
    for (int exact = 0; exact < 2; exact++) {
        const struct engine_opts o = {.device = "cpu", .exact = exact};
        struct engine *g;
        CHECK(engine_open(&g, n, &o, &e) == 0);
        CHECK((strstr(engine_about(g), ", 0 of 3 convolutions by Winograd") != NULL) == exact);
        engine_close(g);
    }
    graph_free(n);
}

/* --- memory --- */

/* A network of one convolution and so many classes, of which nobody runs it. */
static struct graph *net_of_classes(int side, int classes)
{
    struct graph *n = net_of_image(side, side);
    int x = net_add_conv(n, 0, 4, 3, 1, -1, true);
    net_add_head(n, x, classes);
    return n;
}

/* All that a batch returns is bounded: so are its images, then the threads; an image that is
 * beyond all bounds is refused. */
static void check_returned(void)
{
    static const struct {
        int side, classes, gradients, batch, threads; /* at most; batch 0: refused */
        bool maps, features;
    } want[] = {
        {4, 10, 0, 64, 40, true, true},     {1, 65536, 0, 32, 40, true, false},
        {8, 21841, 0, 2, 40, true, false},  {8, 65536, 0, 63, 40, false, false},
        {8, 65536, 0, 1, 16, true, false},  {15, 65536, 0, 1, 4, true, false},
        {16, 65536, 0, 0, 0, true, false},  {32, 16384, 0, 0, 0, true, true},
        {1, 65536, 240, 1, 4, false, true}, {1, 65536, 256, 0, 0, false, true},
        {128, 2, 200, 1, 5, false, true},   {128, 2, 300, 0, 0, false, true},
    };
    static const char *const device[] = {"cpu", "ref"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        for (int d = 0; d < 2; d++) {
            struct err e = {0};
            struct engine *g;
            struct graph *n = net_of_classes(want[i].side, want[i].classes);
            struct engine_want list[3];
            struct engine_opts o = {
                .device = device[d], .threads = 40, .wants = list, .vectors = want[i].gradients};
            if (want[i].features)
                engine_add_want(list, &o.want_count, 1, ENGINE_ACTIVATION);
            if (want[i].gradients)
                engine_add_want(list, &o.want_count, 1, ENGINE_GRADIENT);
            if (want[i].maps)
                engine_add_want(list, &o.want_count, graph_closed(n).value, ENGINE_CLASS_MAPS);
            int threads = 0;
            if (engine_open(&g, n, &o, &e) != 0) {
                CHECK(want[i].batch == 0);
                CHECK(strncmp(e.msg, "expected results of at most 64 MiB for an image", 47) == 0);
            } else {
                const char *about = strstr(engine_about(g), " thread");
                while (about && about[-1] >= '0' && about[-1] <= '9')
                    about--;
                CHECK(about && sscanf(about, "%d", &threads) == 1);
                if (engine_batch_size(g) > want[i].batch || threads > want[i].threads)
                    fprintf(stderr, "  %s, %d classes, %dx%d: batches of %d, %d threads\n",
                            device[d], want[i].classes, want[i].side, want[i].side,
                            engine_batch_size(g), threads);
                CHECK(engine_batch_size(g) <= want[i].batch && threads <= want[i].threads);
                engine_close(g);
            }
            graph_free(n);
        }
}

/* Of few images no thread takes more than its share. */
static void check_few(void)
{
    static const struct {
        int64_t few;
        int batch; /* at most */
    } want[] = {{1, 1}, {4, 1}, {9, 3}, {20, 5}, {64, 16}, {256, 64}};
    struct graph *n = net_of_classes(8, 10);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct err e = {0};
        struct engine *g;
        const struct engine_opts o = {.device = "cpu", .threads = 4, .few = want[i].few};
        CHECK(engine_open(&g, n, &o, &e) == 0);
        CHECK(engine_batch_size(g) <= want[i].batch);
        engine_close(g);
    }
    graph_free(n);
}

int main(void)
{
    check_returned();
    check_few();
    check_ref();
    check_all_wants();
    check_forward("ref", ENGINE_F32, true);
    check_forward("cpu", ENGINE_F32, true);
    check_forward("cpu", ENGINE_BF16, true);
    check_tails("ref", ENGINE_F32, 0);
    check_tails("cpu", ENGINE_F32, 0);
    check_tails("cpu", ENGINE_BF16, 0);
    check_refusals();
    check_patches(16, 35, 50);
    check_patches(32, 64, 40);
    check_random(9);
    check_forms(12);
    check_mixed(15);
    check_batches();
    check_wide();
    check_values();
    check_any(ANY_ROUNDS);
    check_kinks();
    check_bands(BAND_ROUNDS);
    check_exact();
    return CHECK_DONE();
}
