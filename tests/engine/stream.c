/* The stream of batches: order, errors, slow input, and the choice of devices. */
#include "../unit/check.h"
#include "random_net.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static void check_order(const struct graph *n, const char *device)
{
    for (int images = 0; images < 40; images += 13)
        for (int threads = 1; threads <= 5; threads += 2) {
            struct err e = {0};
            struct engine_opts o = {.device = device, .threads = threads};
            struct run r = run_new(n, images, o, -1, 0, false);
            CHECK(run_go(&r, &e) == 0);
            CHECK(r.written == images);
            run_close(&r);
        }
}

/* The size of a batch there. */
static int batch_of(const struct graph *n, const char *device)
{
    struct err e = {0};
    struct engine *g;
    const int last = graph_closed(n).value;
    const struct engine_want want[] = {{last, ENGINE_ACTIVATION}, {last, ENGINE_GRADIENT}};
    const struct engine_opts o = {
        .device = device, .threads = 1, .wants = want, .want_count = 2, .vectors = 1};
    CHECK(engine_open(&g, n, &o, &e) == 0);
    int size = engine_batch_size(g);
    engine_close(g);
    return size;
}

/* Batches before the one that fails are written, and its error comes back. */
static void check_errors(const struct graph *n, const char *device)
{
    int batch = batch_of(n, device), images = 6 * batch + 4;
    for (int threads = 1; threads <= 3; threads++) {
        struct err e = {0};
        struct engine_opts o = {.device = device, .threads = threads};
        struct run r = run_new(n, images, o, graph_closed(n).value, 1, false);
        r.fail_read = 4 * batch;
        CHECK(run_go(&r, &e) == -1);
        CHECK_STR(e.msg, "read failed");
        CHECK(r.written == 3 * batch);
        run_close(&r);

        r = run_new(n, images, o, graph_closed(n).value, 1, false);
        r.fail_seed = 3 * batch + 2;
        CHECK(run_go(&r, &e) == -1);
        CHECK_STR(e.msg, "seed failed");
        CHECK(r.written == 3 * batch);
        run_close(&r);

        r = run_new(n, images, o, graph_closed(n).value, 1, false);
        r.fail_write = 2 * batch;
        CHECK(run_go(&r, &e) == -1);
        CHECK_STR(e.msg, "write failed");
        CHECK(r.written == 2 * batch);
        run_close(&r);
    }
}

/* Input that comes only once all that came before was written. */
struct slow {
    struct run run;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int batches;
    bool waited_in_vain;
};

static int slow_read(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct slow *s = ctx;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 600;
    pthread_mutex_lock(&s->lock);
    while (s->run.written < s->run.next && !s->waited_in_vain)
        s->waited_in_vain = pthread_cond_timedwait(&s->changed, &s->lock, &until) != 0;
    pthread_mutex_unlock(&s->lock);
    return run_read(&s->run, b, max < 3 ? max : 3, e);
}

static int slow_write(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct slow *s = ctx;
    pthread_mutex_lock(&s->lock);
    int r = run_write(&s->run, b, e);
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return r;
}

static void check_slow(const struct graph *n)
{
    struct err e = {0};
    struct engine *g;
    struct engine_opts o = {.device = "cpu", .threads = 3};
    struct slow s = {.run = run_new(n, 20, o, -1, 0, false)};
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.changed, NULL);
    const struct engine_calls calls = {
        .ctx = &s, .tag_bytes = sizeof(int), .read = slow_read, .write = slow_write};
    CHECK(engine_open(&g, n, &o, &e) == 0);
    CHECK(engine_run(g, &calls, &e) == 0);
    CHECK(!s.waited_in_vain);
    CHECK(s.run.written == 20);
    engine_close(g);
    run_close(&s.run);
}

/* Input that never comes: a run that fails elsewhere ends its waiting. */
struct stuck {
    struct run run;
    int pipe[2];
    atomic_int cancelled;
};

static int stuck_read(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct stuck *s = ctx;
    char byte;
    if (s->run.next > 0 && read(s->pipe[0], &byte, 1) != 1)
        return err_set(e, "the input ended");
    return run_read(&s->run, b, max < 3 ? max : 3, e);
}

static void stuck_cancel(void *ctx)
{
    struct stuck *s = ctx;
    if (atomic_fetch_add(&s->cancelled, 1) == 0)
        close(s->pipe[1]);
}

static void check_cancel(const struct graph *n, const char *device)
{
    for (int threads = 2; threads <= 4; threads++)
        for (int seed = 0; seed < 2; seed++) {
            struct err e = {0};
            struct engine *g;
            struct stuck s = {
                .run = run_new(n, 20, (struct engine_opts){.device = device, .threads = threads}, 1,
                               1, false)};
            *(seed ? &s.run.fail_seed : &s.run.fail_write) = seed ? 1 : 0;
            s.run.written = seed ? 0 : 1; /* out of order */
            CHECK(pipe(s.pipe) == 0);
            const struct engine_calls calls = {.ctx = &s,
                                               .tag_bytes = sizeof(int),
                                               .read = stuck_read,
                                               .seed = run_seed,
                                               .write = run_write,
                                               .cancel = stuck_cancel};
            CHECK(engine_open(&g, n, &s.run.opts, &e) == 0);
            CHECK(engine_run(g, &calls, &e) == -1);
            CHECK_STR(e.msg, seed ? "seed failed" : "out of order");
            CHECK(s.cancelled == 1);
            engine_close(g);
            close(s.pipe[0]);
            run_close(&s.run);
        }
}

static void check_devices(const struct graph *n)
{
    static const char *const good[] = {"auto", "cpu", "ref", "cuda", "cuda:0", "cuda:12"};
    static const char *const bad[] = {"", "gpu", "cpu:1", "cuda:", "cuda:x", "cuda:1x", "autos"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(engine_is_device(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!engine_is_device(bad[i]));

    struct engine *g;
    struct err e = {0};
    struct engine_opts o = {.device = "cuda:1"};
    setenv("HEATPIPE_CUDA", "none", 1);
    CHECK(engine_open(&g, n, &o, &e) == -1);
    CHECK(e.no_device);
    CHECK_STR(e.msg, "no CUDA backend is installed: expected it in ./none");

    e = (struct err){0};
    o.device = "ref";
    o.precision = ENGINE_BF16;
    CHECK(engine_open(&g, n, &o, &e) == -1);
    CHECK(e.no_device);
    o.device = "cpu";
    o.precision = ENGINE_F16;
    CHECK(engine_open(&g, n, &o, &e) == -1);
    CHECK(e.no_device);

    o = (struct engine_opts){.device = "auto", .threads = 2};
    CHECK(engine_warm("auto", ENGINE_F16, &e) == 0);
    CHECK(engine_open(&g, n, &o, &e) == 0);
    CHECK(strncmp(engine_about(g), "cpu: ", 5) == 0);
    CHECK(strstr(engine_about(g), "2 threads"));
    CHECK(engine_batch_size(g) > 0);
    engine_close(g);

    setenv("HEATPIPE_CPU", "plain", 1);
    CHECK(engine_open(&g, n, &o, &e) == 0);
    CHECK(strncmp(engine_about(g), "cpu: plain, f32, ", 17) == 0);
    engine_close(g);
    setenv("HEATPIPE_CPU", "avx1024", 1);
    CHECK(engine_open(&g, n, &o, &e) == -1);
    CHECK(!e.no_device);
    CHECK_STR(e.msg, "HEATPIPE_CPU: expected amx, avx512, avx2, bfmmla, neon or plain, and one "
                     "that this processor runs, found 'avx1024'");
    unsetenv("HEATPIPE_CPU");
}

int main(void)
{
    struct graph *n = net_random(8, 8, (const int[]){16, 0}, 1, 4);
    check_order(n, "ref");
    check_order(n, "cpu");
    check_errors(n, "ref");
    check_errors(n, "cpu");
    check_slow(n);
    check_cancel(n, "ref");
    check_cancel(n, "cpu");
    check_devices(n);
    graph_free(n);
    return CHECK_DONE();
}
