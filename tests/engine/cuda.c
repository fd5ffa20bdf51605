/* The CUDA backend against ref, on the stand-in of a GPU (tests/cuda/standin.h) or on a
 * GPU. */
#include "any_net.h"
#include "compare.h"
#include "forward.h"
#include "settle.h"
#include "tail.h"

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

static void (*standin_set)(const char *settings);
static long (*standin_calls)(const char *name);
static long (*standin_live)(void);

/* A GPU has no settings, and keeps no count. */
static void set_nothing(const char *settings)
{
    (void)settings;
}

static long count_nothing(void)
{
    return 0;
}

/* The backend given or, without one, the stand-in beside this test's: ../cuda/standin.so. */
static bool load(const char *given)
{
    char self[PATH_MAX], path[PATH_MAX + 32];
    if (given) {
        setenv("HEATPIPE_CUDA", given, 1);
        standin_set = set_nothing;
        standin_live = count_nothing;
        return true;
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return false;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(path, sizeof path, "%s/../cuda/standin.so", self);
    setenv("HEATPIPE_CUDA", path, 1);
    void *object = dlopen(path, RTLD_NOW);
    if (!object) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&standin_set = dlsym(object, "standin_set");
    *(void **)&standin_calls = dlsym(object, "standin_calls");
    *(void **)&standin_live = dlsym(object, "standin_live");
    return standin_set && standin_calls && standin_live;
}

/* As much memory as keeps batches of random networks small, and those of the smallest
 * one; the rest is kept for workspaces. */
#define SMALL "memory=149600000"
#define SMALLEST "memory=149400000"

static void run_or_say(struct run *r, const char *settings)
{
    struct err e = {0};
    standin_set(settings);
    if (run_go(r, &e) != 0)
        fprintf(stderr, "  %s\n", e.msg);
    CHECK(standin_live() == 0);
}

/* What is run beside f32: the same early and with one stream, and other precisions. */
enum { EARLY = 1, ONE_STREAM = 2, F16 = 4, BF16 = 8, F16_OLD = 16, ALL_WAYS = 31 };

/* The same bits as `late`. */
static void check_same(const struct run *late, const char *device, int threads,
                       const char *settings)
{
    struct run r = run_like(late, device, ENGINE_F32, threads);
    run_or_say(&r, settings);
    CHECK(same_run(late, &r));
    run_close(&r);
}

static void check_half(const struct run *ref, enum engine_precision p, const char *settings,
                       double tolerance, const char *what)
{
    struct run r = run_like(ref, "cuda", p, 0);
    struct err e = {0};
    standin_set(settings);
    const bool done = run_go(&r, &e) == 0;
    CHECK(standin_live() == 0);
    if (done)
        compare(ref, &r, tolerance, difference_rms, what);
    else
        CHECK(p == ENGINE_BF16 && e.no_device && strstr(e.msg, "has no bf16")); /* a GPU of 7.5 */
    run_close(&r);
}

/* One network, one choice of what is asked for, in f32 and in these ways. `pixels`: of settle(),
 * for gradients; NULL for any. */
static void check(const struct graph *n, const uint8_t *pixels, int images, int features, bool maps,
                  int gradients, int ways)
{
    struct err e = {0};
    const struct engine_opts o = {.device = "ref"};
    struct run ref = run_new(n, images, o, features, gradients, maps);
    if (pixels)
        memcpy(ref.pixels, pixels, (size_t)images * graph_size(n, 0));
    CHECK(run_go(&ref, &e) == 0);
    struct run late = run_like(&ref, "cuda", ENGINE_F32, 0);
    run_or_say(&late, SMALL);
    compare(&ref, &late, 1e-4, difference, "f32");
    if (ways & EARLY)
        check_same(&late, "cuda:0", 0, SMALL ",early");
    if (ways & ONE_STREAM)
        check_same(&late, "cuda", 1, SMALL);
    run_close(&late);
    if (ways & F16)
        check_half(&ref, ENGINE_F16, SMALL, gradients ? 0.3 : 0.005, "f16");
    if (ways & BF16)
        check_half(&ref, ENGINE_BF16, SMALL, gradients ? 0.3 : 0.03, "bf16");
    /* No tensor cores for f32, so gradients are exact but for the activations. */
    if (ways & F16_OLD)
        check_half(&ref, ENGINE_F16, SMALL ",capability=75", gradients ? 0.3 : 0.005,
                   "f16 on compute capability 7.5");
    run_close(&ref);
}

static void check_random(void)
{
    static const int pick[] = {16, 32, 48, 3, 8, 17, 20, 40};
    for (int round = 0; round < 5; round++) {
        random_state = (uint64_t)round + 1;
        int widths[4] = {0}, stages = random_int(1, 3);
        for (int s = 0; s < stages; s++)
            widths[s] = pick[random_int(0, 7)];
        struct graph *n = net_random(random_int(5, 15), random_int(5, 15), widths, random_int(1, 2),
                                     random_int(2, 70));
        int last = graph_closed(n).value;
        check(n, NULL, random_int(1, 40), random_int(1, last), true, 0, ALL_WAYS);
        check(n, NULL, random_int(1, 40), -1, false, 0, ALL_WAYS);
        uint8_t *pixels = settle(n, 6);
        check(n, pixels, random_int(1, 6), random_int(0, last), false, 2, ALL_WAYS);
        check(n, pixels, random_int(1, 6), last, true, 1, ALL_WAYS);
        free(pixels);
        graph_free(n);
    }
    /* Gradients at every value, in one of the ways in turn. */
    random_state = 99;
    const int widths[] = {8, 12, 0};
    enum { NETS = 4 };
    struct graph *nets[NETS] = {
        net_random(8, 7, widths, 2, 5), net_preact(18, 15, widths, 1, 5, true),
        net_preact(8, 7, widths, 1, 5, false), net_unfolded(8, 7, widths, 1, 5)};
    for (int i = 0; i < NETS; i++) {
        uint8_t *pixels = settle(nets[i], 3);
        for (int v = 0; v <= graph_closed(nets[i]).value; v++)
            check(nets[i], pixels, 3, v, false, 3, 1 << (v + i) % 5);
        free(pixels);
        graph_free(nets[i]);
    }
}

/* Everything that is wanted of every value, in one run: activations, gradients, and class maps
 * where the network has them. */
static void check_any_wants(const struct graph *n, int vectors, enum engine_precision precision,
                            const char *settings)
{
    enum { IMAGES = 3 };
    const int last = graph_closed(n).value;
    int wants = 0;
    struct engine_want *want = mem_alloc((size_t)n->values * 2 + 1, sizeof *want);
    for (int v = 0; v < n->values; v++) {
        engine_add_want(want, &wants, v, ENGINE_ACTIVATION);
        if (vectors > 0)
            engine_add_want(want, &wants, v, ENGINE_GRADIENT);
    }
    if (last >= 0)
        engine_add_want(want, &wants, last, ENGINE_CLASS_MAPS);
    const struct engine_opts o = {
        .device = "ref", .wants = want, .want_count = wants, .vectors = vectors};
    struct run ref = run_with(n, IMAGES, o);
    struct err e = {0};
    CHECK(run_go(&ref, &e) == 0);
    struct run got = run_like(&ref, "cuda", precision, 0);
    run_or_say(&got, settings);
    double (*differ)(const float *, const float *, size_t) =
        precision == ENGINE_F32 ? difference : difference_rms;
    const double tolerance = precision == ENGINE_F32 ? 1e-4 : 0.03;
    CHECK(differ(got.logits, ref.logits, IMAGES * (size_t)graph_classes(n)) <= tolerance);
    for (int i = 0; i < wants; i++) {
        const double d = differ(got.results[i].values, ref.results[i].values,
                                IMAGES * engine_result_size(n, &ref.opts, i));
        CHECK(d <= tolerance);
        if (!(d <= tolerance))
            fprintf(stderr, "  %s, %s of value %d of %d: %.2g\n", settings,
                    want[i].what == ENGINE_GRADIENT ? "gradient" : "result", want[i].value,
                    n->values, d);
    }
    run_close(&got);
    run_close(&ref);
    free(want);
}

/* A value alone, whose buffers others share that are all kept above: the same bits in any order. */
static void check_one(const struct graph *n, int value, bool gradients, const char *settings)
{
    char early[64];
    struct err e = {0};
    const struct engine_opts o = {.device = "ref"};
    struct run ref = run_new(n, random_int(1, 9), o, value, gradients ? 1 : 0, false);
    CHECK(run_go(&ref, &e) == 0);
    struct run late = run_like(&ref, "cuda", ENGINE_F32, 0),
               soon = run_like(&ref, "cuda", ENGINE_F32, 1);
    snprintf(early, sizeof early, "%s,early", settings);
    run_or_say(&late, settings);
    run_or_say(&soon, early);
    compare(&ref, &late, 1e-4, difference, settings);
    CHECK(same_run(&late, &soon));
    run_close(&ref);
    run_close(&late);
    run_close(&soon);
}

/* Networks of every kind of operation, by cuDNN and where it has no engine. */
static void check_any(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        random_state = (uint64_t)round + 1001;
        const enum any_kinks kinks = round % 2 ? ANY_KINKS : ANY_SMOOTH;
        const char *settings = round % 3 ? SMALLEST : SMALLEST ",none";
        struct graph *n = net_any(random_int(3, 11), random_int(3, 11), random_int(3, 14), kinks);
        check_any_wants(n, kinks == ANY_SMOOTH ? random_int(1, 2) : 0, ENGINE_F32, settings);
        check_any_wants(n, 0, round % 4 < 2 ? ENGINE_F16 : ENGINE_BF16, SMALLEST);
        const int value = random_int(0, n->values - 1);
        check_one(n, value, kinks == ANY_SMOOTH, settings);
        graph_free(n);
    }
}

/* Activations of all values, gradients of all before the end, and class maps, in one run. */
static void check_wants(void)
{
    random_state = 97;
    struct graph *n = net_preact(8, 7, (const int[]){8, 12, 0}, 1, 5, false);
    int last = graph_closed(n).value, wants = 0;
    struct engine_want *want = mem_alloc((size_t)n->values * 2 + 1, sizeof *want);
    for (int v = 0; v < n->values; v++)
        engine_add_want(want, &wants, v, ENGINE_ACTIVATION);
    for (int v = last; v >= 0; v--)
        engine_add_want(want, &wants, v, ENGINE_GRADIENT);
    engine_add_want(want, &wants, last, ENGINE_CLASS_MAPS);
    const struct engine_opts o = {
        .device = "ref", .wants = want, .want_count = wants, .vectors = 2};
    uint8_t *pixels = settle(n, 4);
    struct run ref = run_with(n, 4, o);
    struct err e = {0};
    memcpy(ref.pixels, pixels, 4 * graph_size(n, 0));
    CHECK(run_go(&ref, &e) == 0);
    struct run got = run_like(&ref, "cuda", ENGINE_F32, 0);
    run_or_say(&got, SMALL);
    for (int i = 0; i < wants; i++)
        CHECK(difference(got.results[i].values, ref.results[i].values,
                         4 * engine_result_size(n, &ref.opts, i)) <= 1e-4);
    run_close(&got);
    run_close(&ref);
    free(pixels);
    free(want);
    graph_free(n);
    /* A network whose logits do not depend on its second value. */
    n = net_of_image(4, 4);
    net_add_conv(n, 0, 8, 3, 1, -1, true);
    net_add_head(n, net_add_conv(n, 0, 8, 3, 1, -1, true), 4);
    struct run none = run_new(n, 2, (struct engine_opts){.device = "cuda"}, 1, 1, false);
    run_or_say(&none, SMALL);
    for (size_t i = 0; i < 2 * none.feature_size; i++)
        CHECK(none.grads[i] == 0);
    run_close(&none);
    graph_free(n);
}

/* --- plans --- */

/* Which engines were taken: tensor cores forwards in f16 and bf16 and for gradients
 * beside them, none in f32. */
static void check_engines(const struct graph *n)
{
    static const struct {
        enum engine_precision precision;
        const char *settings, *forward, *backward;
    } want[] = {
        {ENGINE_F32, SMALL, NULL, NULL}, /* without cuDNN */
        {ENGINE_F16, SMALL, "forward\tf16\ttensor cores\n", "backward\tf32\ttensor cores\n"},
        {ENGINE_BF16, SMALL, "forward\tbf16\ttensor cores\n", "backward\tf32\ttensor cores\n"},
        {ENGINE_F16, SMALL ",capability=75", "forward\tf16\ttensor cores\n",
         "backward\tf32\tno tensor cores\n"},
    };
    char folder[] = "/tmp/heatpipe-test-XXXXXX", path[64], settings[256], line[256];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/engines", folder);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct engine_opts o = {.device = "cuda", .precision = want[i].precision};
        struct run r = run_new(n, 1, o, 1, 1, false);
        snprintf(settings, sizeof settings, "%s,engines=%s", want[i].settings, path);
        run_or_say(&r, settings);
        int forward = 0, backward = 0;
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f)) {
            bool is_forward = line[0] == 'f';
            forward += is_forward;
            backward += !is_forward;
            if (want[i].forward)
                CHECK_STR(line, is_forward ? want[i].forward : want[i].backward);
        }
        if (f)
            fclose(f);
        CHECK((forward > 0) == (want[i].forward != NULL));
        CHECK((backward > 0) == (want[i].backward != NULL));
        unlink(path);
        run_close(&r);
    }
    rmdir(folder);
}

static void check_timed(const struct graph *n)
{
    struct err e = {0};
    struct engine *g;
    const struct engine_opts o = {.device = "cuda", .timed = true};
    struct run r = run_new(n, 5, o, -1, 0, false);
    const struct engine_calls calls = {
        .ctx = &r, .tag_bytes = sizeof(int), .read = run_read, .write = run_write};
    const struct engine_step *s = NULL;
    standin_set(SMALL);
    CHECK(engine_open(&g, n, &o, &e) == 0);
    CHECK(engine_run(g, &calls, &e) == 0);
    int steps = engine_steps(g, &s);
    int64_t macs = 0;
    double seconds = 0;
    for (int i = 0; i < steps; i++) {
        CHECK(s[i].seconds >= 0 && s[i].name[0] && s[i].bytes > 0);
        seconds += s[i].seconds;
        macs += s[i].macs;
    }
    CHECK(steps == n->ops - 2 + 3); /* convolutions; in, head, out */
    CHECK(macs == graph_macs(n));
    CHECK(seconds > 0);
    engine_close(g);
    run_close(&r);
}

/* --- devices and memory --- */

static char noted[4096];

static void note(const char *text)
{
    size_t at = strlen(noted);
    snprintf(noted + at, sizeof noted - at, "%s\n", text);
}

/* Opens; whether the device is missed, and the message, are as expected. */
static void check_absent(const struct graph *n, const char *settings, const char *device,
                         enum engine_precision p, const char *message)
{
    struct err e = {0};
    struct engine *g;
    struct engine_opts o = {.device = device, .precision = p};
    standin_set(settings);
    /* Before any file is read, but for what depends on the precision or the context. */
    if (engine_warm(device, ENGINE_F16, &e) != 0) {
        CHECK(e.no_device);
        CHECK_STR(e.msg, message);
        standin_set(settings);
        e = (struct err){0};
    } else {
        CHECK(!strstr(message, "device 2") && !strstr(message, "capability"));
    }
    CHECK(engine_open(&g, n, &o, &e) == -1);
    CHECK(e.no_device);
    CHECK_STR(e.msg, message);
    CHECK(standin_live() == 0);
}

/* Sums of each value and of its squares, over what it is. */
static void check_sums(const struct graph *n, enum engine_precision p)
{
    enum { IMAGES = 3 };
    struct err e = {0};
    int wants = 0;
    struct engine_want *want = mem_alloc((size_t)n->values * 2, sizeof *want);
    for (int v = 0; v < n->values; v++) {
        engine_add_want(want, &wants, v, ENGINE_SUMS);
        engine_add_want(want, &wants, v, ENGINE_ACTIVATION);
    }
    const struct engine_opts o = {
        .device = "cuda", .precision = p, .wants = want, .want_count = wants};
    struct run r = run_with(n, IMAGES, o);
    standin_set(SMALL);
    CHECK(run_go(&r, &e) == 0);
    for (int v = 0; v < n->values; v++) {
        const size_t cells = graph_cells(n, v);
        const double *sums = r.results[2 * v].sums;
        const float *x = r.results[2 * v + 1].values;
        for (int i = 0; i < IMAGES * n->value[v].c; i++, sums += 2) {
            double sum = 0, all = 0, square = 0;
            for (size_t k = 0; k < cells; k++, x++) {
                sum += (double)*x;
                all += fabs((double)*x);
                square += (double)*x * *x;
            }
            CHECK(fabs(sums[0] - sum) <= 1e-12 * all && fabs(sums[1] - square) <= 1e-12 * square);
        }
    }
    run_close(&r);
    free(want);
    CHECK(standin_live() == 0);
}

static void check_devices(const struct graph *n)
{
    check_absent(n, "devices=0", "cuda", ENGINE_F32,
                 "cuda: no usable device: no CUDA-capable device is detected");
    check_absent(n, "fail=cudaGetDeviceCount:1", "cuda", ENGINE_F32,
                 "cuda: no usable device: unknown error");
    check_absent(n, "driver=0", "cuda", ENGINE_F32,
                 "cuda: no usable device: no NVIDIA driver was found");
    check_absent(n, "driver=12040", "cuda", ENGINE_F32,
                 "cuda: no usable device: the NVIDIA driver is for CUDA 12.4, expected 13.0 or "
                 "later");
    check_absent(n, "devices=2", "cuda:2", ENGINE_F32,
                 "cuda: no usable device: device 2 asked for, 2 found");
    check_absent(n, "devices=2", "cuda:99999999999999", ENGINE_F32,
                 "cuda: no usable device: device 2147483647 asked for, 2 found");
    check_absent(n, "capability=70", "cuda", ENGINE_F32,
                 "cuda: no usable device: stand-in has compute capability 7.0, expected 7.5 or "
                 "later");
    check_absent(n, "capability=75", "cuda", ENGINE_BF16, "cuda: stand-in has no bf16: use f16");
    check_absent(
        n, "fail=cudaSetDevice:1+", "cuda", ENGINE_F32,
        "cuda: no usable device: CUDA-capable device(s) is/are busy or unavailable (stand-in, "
        "device 0)");
    check_absent(n, "fail=cudaInitDevice:1+", "cuda", ENGINE_F32,
                 "cuda: no usable device: out of memory (stand-in, device 0)");

    static const struct {
        const char *settings, *about, *note;
    } autos[] = {
        {"devices=0", "cpu: ", "cuda: no usable device: no CUDA-capable device is detected\n"},
        {"memory=1000",
         "cpu: ", "cuda: cudaMalloc of 5184 bytes: out of memory (stand-in, device 0)\n"},
        {SMALL, "cuda: stand-in (device 0, compute capability 9.0), f32, ", ""},
    };
    for (size_t i = 0; i < sizeof autos / sizeof *autos; i++) {
        struct err e = {0};
        struct engine *g;
        struct engine_opts o = {.device = "auto", .note = note};
        standin_set(autos[i].settings);
        noted[0] = '\0';
        CHECK(engine_warm("auto", ENGINE_F16, &e) == 0);
        CHECK(engine_open(&g, n, &o, &e) == 0);
        CHECK(strncmp(engine_about(g), autos[i].about, strlen(autos[i].about)) == 0);
        CHECK_STR(noted, autos[i].note);
        engine_close(g);
        CHECK(standin_live() == 0);
    }
}

/* Batches follow the memory that is free, and are halved where that was not enough. */
static void check_memory(const struct graph *n)
{
    struct err e = {0};
    struct engine *g;
    struct engine_opts o = {.device = "cuda", .note = note};
    int before = 1 << 30;
    for (long megabytes = 1024; megabytes >= 142; megabytes -= 147) {
        char settings[64];
        snprintf(settings, sizeof settings, "memory=%ld", megabytes << 20);
        standin_set(settings);
        CHECK(engine_open(&g, n, &o, &e) == 0);
        CHECK(engine_batch_size(g) <= before && engine_batch_size(g) >= 1);
        before = engine_batch_size(g);
        engine_close(g);
    }
    CHECK(before < 512);
    CHECK(standin_live() == 0);

    struct run want = run_new(n, 7, (struct engine_opts){.device = "ref"}, -1, 0, false);
    CHECK(run_go(&want, &e) == 0);
    /* The last one is put down to memory because there is little of it. */
    static const char *const once[] = {SMALL ",fail=cudaMalloc:9", SMALL ",fail=cudnnCreate:1",
                                       SMALL ",fail=cudnnBackendExecute:2"};
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        struct run got = run_like(&want, "cuda", ENGINE_F16, 0);
        got.opts.note = note;
        noted[0] = '\0';
        run_or_say(&got, once[i]);
        CHECK(strstr(noted, "cuda: out of memory with batches of "));
        compare(&want, &got, 0.005, difference_rms, once[i]);
        run_close(&got);
    }
    run_close(&want);
}

/* --- failures --- */

/* Every call of each kind fails once, and once with all that follow: the run ends with
 * the right results or with a message; nothing is left on the device. */
static void check_faults(const struct graph *n)
{
    static const char *const call[] = {
        "cudaGetDeviceCount",
        "cudaGetDeviceProperties",
        "cudaSetDevice",
        "cudaInitDevice",
        "cudaMemGetInfo",
        "cudaMalloc",
        "cudaHostAlloc",
        "cudaMemcpy",
        "cudaMemcpyAsync",
        "cudaLaunchKernel",
        "cudaDeviceSynchronize",
        "cudaStreamCreateWithFlags",
        "cudaStreamSynchronize",
        "cudaEventCreate",
        "cudaEventRecord",
        "cudaEventElapsedTime",
        "cudnnCreate",
        "cudnnSetStream",
        "cudnnBackendCreateDescriptor",
        "cudnnBackendSetAttribute",
        "cudnnBackendGetAttribute",
        "cudnnBackendFinalize",
        "cudnnBackendExecute",
    };
    struct err e = {0};
    const struct engine_opts o = {.device = "ref"};
    struct run want = run_new(n, 5, o, 1, 2, true);
    CHECK(run_go(&want, &e) == 0);
    for (size_t i = 0; i < sizeof call / sizeof *call; i++) {
        bool timed = strstr(call[i], "Event");
        /* f32 does without cuDNN. */
        struct run whole = run_like(&want, "cuda", ENGINE_F16, 0);
        whole.opts.timed = timed;
        run_or_say(&whole, SMALLEST);
        compare(&want, &whole, 0.3, difference_rms, call[i]);
        long calls = standin_calls(call[i]);
        CHECK(calls > 0);
        /* There are thousands of the descriptors' attributes. */
        long each = calls > 60 ? calls / 40 : 1, failed = 0;
        for (long at = 1; at <= calls; at += each)
            for (int on = 0; on < 2; on++) {
                char settings[128];
                struct run r = run_like(&want, "cuda", ENGINE_F16, 0);
                r.opts.timed = timed;
                snprintf(settings, sizeof settings,
                         SMALLEST ",open"
                                  ",fail=%s:%ld%s",
                         call[i], at, on ? "+" : "");
                standin_set(settings);
                e = (struct err){0};
                if (run_go(&r, &e) != 0) {
                    failed++;
                    CHECK(strncmp(e.msg, "cuda: ", 6) == 0);
                    bool absent = strstr(e.msg, "no usable device") != NULL;
                    CHECK(e.no_device == absent);
                } else {
                    compare(&whole, &r, 1e-3, difference_rms, settings);
                }
                if (standin_live() != 0)
                    fprintf(stderr, "  %s: %ld left\n", settings, standin_live());
                CHECK(standin_live() == 0);
                run_close(&r);
            }
        run_close(&whole);
        /* What only asks how much memory is free is not missed. */
        CHECK((failed > 0) == (strcmp(call[i], "cudaMemGetInfo") != 0));
    }
    run_close(&want);
}

/* Ten times the images take no more memory. */
static void check_growth(const struct graph *n)
{
    long calls[2] = {0};
    for (int i = 0; i < 2; i++) {
        const struct engine_opts o = {.device = "cuda", .precision = ENGINE_F16};
        struct run r = run_new(n, i ? 600 : 60, o, 1, 0, true);
        run_or_say(&r, SMALLEST);
        calls[i] = standin_calls("cudaMalloc") + 1000 * standin_calls("cudaHostAlloc");
        run_close(&r);
    }
    CHECK(calls[0] == calls[1] && calls[0] > 0);
}

/* A reader or a writer that fails ends the run, with what was written before. */
static void check_callbacks(const struct graph *n)
{
    for (int which = 0; which < 3; which++) {
        static const char *const message[] = {"read failed", "seed failed", "write failed"};
        struct err e = {0};
        const struct engine_opts o = {.device = "cuda", .precision = ENGINE_F16};
        struct run r = run_new(n, 1600, o, 1, 1, false);
        r.fail_read = which == 0 ? 600 : 0;
        r.fail_seed = which == 1 ? 600 : 0;
        r.fail_write = which == 2 ? 600 : 0;
        standin_set(SMALL);
        CHECK(run_go(&r, &e) == -1);
        CHECK_STR(e.msg, message[which]);
        CHECK(r.written > 0 && r.written <= 600 + 512);
        CHECK(standin_live() == 0);
        run_close(&r);
    }
}

/* cuda [BACKEND]: with a backend's object, its device is compared with ref. */
int main(int argc, char **argv)
{
    if (!load(argc > 1 ? argv[1] : NULL))
        return 1;
    random_state = 7;
    struct graph *n = net_random(6, 5, (const int[]){8, 12, 0}, 1, 4);
    check_timed(n);
    if (argc == 1) {
        check_devices(n);
        check_engines(n);
        check_memory(n);
        check_growth(n);
        check_faults(n);
    }
    check_sums(n, ENGINE_F32);
    check_sums(n, ENGINE_F16);
    check_callbacks(n);
    check_wants();
    standin_set(SMALL);
    check_forward("cuda", ENGINE_F32, false);
    check_forward("cuda", ENGINE_F16, false);
    check_tails("cuda", ENGINE_F32, 1e-4);
    check_tails("cuda", ENGINE_F16, 0.01);
    CHECK(standin_live() == 0);
    graph_free(n);
    check_random();
    check_any(12);
    return CHECK_DONE();
}
