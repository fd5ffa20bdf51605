/* Times every step of a network, as TSV. On the CPU each is compared with the multiply-accumulate
 * peak of the processor, measured just before and after by as many threads. Times are of
 * all threads together, rates of one thread. */
#include "base/mem.h"
#include "base/pool.h"
#include "base/prog.h"
#include "engine/cpu/isa.h"
#include "session/session.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

static struct session_opts opts = {.device = "auto"};
static const char *layer, *totals_path;
static bool class_maps;
static int64_t images = 1024, side = 32, gradients;

static const struct opt options[] = {
    SESSION_MODEL_OPT(opts),
    SESSION_DEVICE_OPTS(opts),
    {"images", 'n', OPT_INT, &images, "N", "Images of noise.", 1, 1 << 30},
    {"side", 's', OPT_INT, &side, "N", "Their height and width. Default: 32.", 1, 1024},
    {"layer", 'l', OPT_STRING, &layer, "NAME",
     "The layer whose activations are kept. Default with --gradients: the last stage.", 0, 0},
    {"gradients", 'g', OPT_INT, &gradients, "N", "Gradients of N scores in that layer.", 0, 64},
    {"class-maps", 0, OPT_FLAG, &class_maps, NULL, "Maps of all classes.", 0, 0},
    {"totals", 0, OPT_STRING, &totals_path, "FILE",
     "Write what is said of the whole as TSV, a name and a value a line.", 0, 0},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const struct prog prog = {
    .name = "steps",
    .brief = "Time the steps of a network",
    .opts = options,
};

/* --- the peak --- */

/* At -O2 a loop over registers must be told to unroll. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

enum { TURNS = 200000 };

/* TURNS multiply-accumulates of each of N vectors. They tend to 1, away from denormals. */
#define SPIN(name, kind, vec, n, all, fma)                                                         \
    kind static float name(void)                                                                   \
    {                                                                                              \
        union {                                                                                    \
            vec v;                                                                                 \
            float f[sizeof(vec) / sizeof(float)];                                                  \
        } sum = {all(0.F)};                                                                        \
        vec x[n], m = all(.999F), a = all(.001F);                                                  \
        UNROLL for (int i = 0; i < (n); i++) x[i] = all((float)i);                                 \
        for (int t = 0; t < TURNS; t++)                                                            \
            UNROLL for (int i = 0; i < (n); i++) x[i] = fma(x[i], m, a);                           \
        UNROLL for (int i = 0; i < (n); i++) sum.v += x[i];                                        \
        return sum.f[0];                                                                           \
    }

typedef float plain __attribute__((vector_size(16)));
#define PLAIN_ALL(f) ((plain){f, f, f, f})
#define PLAIN_FMA(x, m, a) ((x) * (m) + (a))
/* As many as there are registers for, where multiply and add are no one instruction. */
SPIN(spin_plain, , plain, 12, PLAIN_ALL, PLAIN_FMA)
#ifdef __x86_64__
SPIN(spin_avx2, __attribute__((target("avx2,fma"))), __m256, 12, _mm256_set1_ps, _mm256_fmadd_ps)
SPIN(spin_avx512, __attribute__((target("avx512f"))), __m512, 24, _mm512_set1_ps, _mm512_fmadd_ps)
#endif

/* As the backend's kernels are. */
static const struct spin {
    const char *name;
    float (*run)(void);
    double count; /* multiply-accumulates of a call */
} spins[] = {
#ifdef __x86_64__
    {"avx512", spin_avx512, TURNS * 24. * 16},
    {"avx2", spin_avx2, TURNS * 12. * 8},
#endif
    {"plain", spin_plain, TURNS * 12. * 4},
};

enum { CALLS_LEAST = 5, CALLS = 4096 };
static const double SPIN_SECONDS = .25;

struct spinner {
    const struct spin *spin;
    pthread_barrier_t *start;
    double rate; /* multiply-accumulates per second */
};

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* By the thread's own time, so that what else runs counts less. */
static void *spin_thread(void *arg)
{
    struct spinner *s = arg;
    double took[CALLS];
    volatile float sink = 0;
    int n = 0;
    pthread_barrier_wait(s->start);
    double until = now(CLOCK_MONOTONIC) + SPIN_SECONDS;
    while (n < CALLS && (n < CALLS_LEAST || now(CLOCK_MONOTONIC) < until)) {
        double since = now(CLOCK_THREAD_CPUTIME_ID);
        sink = sink + s->spin->run();
        took[n++] = now(CLOCK_THREAD_CPUTIME_ID) - since;
    }
    qsort(took, (size_t)n, sizeof *took, compare);
    s->rate = s->spin->count / took[n / 2];
    return NULL;
}

/* Multiply-accumulates per second of a thread, the mean of all at the same time. */
static double measure_peak(const struct spin *spin)
{
    int n = (int)opts.threads;
    struct spinner *s = mem_zero((size_t)n, sizeof *s);
    pthread_t *thread = mem_alloc((size_t)n, sizeof *thread);
    pthread_barrier_t start;
    double rate = 0;
    pthread_barrier_init(&start, NULL, (unsigned)n);
    for (int i = 0; i < n; i++) {
        s[i] = (struct spinner){.spin = spin, .start = &start};
        if (pthread_create(&thread[i], NULL, spin_thread, &s[i]) != 0)
            prog_die(PROG_ERROR, "cannot start a thread");
    }
    for (int i = 0; i < n; i++) {
        pthread_join(thread[i], NULL);
        rate += s[i].rate / n;
    }
    pthread_barrier_destroy(&start);
    free(thread);
    free(s);
    return rate;
}

static const struct spin *choose_spin(struct err *e)
{
    const struct conv_kernels *k, *tiles;
    if (isa_kernels(&k, &tiles, e) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof spins / sizeof *spins; i++)
        if (strcmp(spins[i].name, k->name) == 0)
            return &spins[i];
    err_set(e, "no peak is known for %s", k->name);
    return NULL;
}

/* --- the network --- */

struct job {
    struct session session;
    int64_t left;
    int classes;
};

static int read_noise(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    static uint32_t state = 1;
    struct job *j = ctx;
    (void)e;
    int n = j->left < max ? (int)j->left : max;
    for (size_t i = 0; i < (size_t)n * 3 * (size_t)(side * side); i++) {
        state = state * 1664525U + 1013904223U;
        b->pixels[i] = (uint8_t)(state >> 24);
    }
    j->left -= n;
    return n;
}

static int seed_classes(void *ctx, struct engine_batch *b, struct err *e)
{
    const struct job *j = ctx;
    (void)e;
    for (int64_t i = 0; i < b->n * gradients; i++)
        b->seeds[i * j->classes + i % j->classes] = 1;
    return 0;
}

static int write_nothing(void *ctx, const struct engine_batch *b, struct err *e)
{
    (void)ctx;
    (void)b;
    (void)e;
    return 0;
}

/* Multiply-accumulates per image where every convolution of 3 by 3 and stride 1 is computed
 * by F(4x4, 3x3) and all others directly. */
static double stride1_count(const struct graph *n)
{
    double sum = 0;
    for (int i = 0; i < n->ops; i++) {
        const struct graph_op *op = &n->op[i];
        const struct graph_value *y = &n->value[op->out];
        const double macs = (double)graph_op_macs(n, op);
        const bool tiled = op->kind == GRAPH_CONV && op->groups == 1 && graph_square(op) &&
                           op->y.k == 3 && op->y.stride == 1;
        sum += tiled ? macs / (9. * y->h * y->w) * ceil(y->h / 4.) * ceil(y->w / 4.) * 36 : macs;
    }
    return sum;
}

/* --- the tables --- */

static const char backwards[] = " backwards";

static bool is_back(const struct engine_step *s)
{
    return strstr(s->name, backwards) != NULL;
}

struct sum {
    double seconds, macs, done, bytes; /* of all images */
};

static struct sum sum_of(const struct engine_step *s)
{
    double count = (double)images * (is_back(s) ? (double)gradients : 1);
    return (struct sum){s->seconds, (double)s->macs * count, (double)s->done * count,
                        (double)s->bytes * count};
}

static void add(struct sum *a, struct sum b)
{
    a->seconds += b.seconds;
    a->macs += b.macs;
    a->done += b.done;
    a->bytes += b.bytes;
}

static void print_row(const char *name, struct sum s, double all, double peak)
{
    double t = s.seconds > 0 ? s.seconds : 1e-9;
    printf("%s\t%.3f\t%.4f\t%.2f\t%.1f\t%.1f\t%.2f", name, s.seconds * 1e3, t / all,
           2 * s.done / 1e9, s.bytes / 1e6, 2 * s.done / t / 1e9, s.bytes / t / 1e9);
    if (peak > 0 && s.macs > 0)
        printf("\t%.3f\t%.3f\n", s.done / t / peak, s.macs / t / peak);
    else
        printf("\t\t\n");
}

/* Backward steps, and the forward steps of the same layers. */
static void pairs(const struct engine_step *s, int steps, struct sum *back, struct sum *forward)
{
    for (int i = 0; i < steps; i++) {
        if (!is_back(&s[i]))
            continue;
        size_t n = (size_t)(strstr(s[i].name, backwards) - s[i].name);
        add(back, sum_of(&s[i]));
        for (int k = 0; k < steps; k++)
            if (!is_back(&s[k]) && strncmp(s[k].name, s[i].name, n) == 0 &&
                (s[k].name[n] == ' ' || !s[k].name[n]))
                add(forward, sum_of(&s[k]));
    }
}

static FILE *totals;

static void total(const char *name, double value)
{
    if (totals)
        fprintf(totals, "%s\t%.6g\n", name, value);
}

static void say_peak(const struct spin *spin, const double peak[2])
{
    if (!spin)
        return;
    prog_say("peak of f32 multiply-accumulates (%s), each of %d thread(s): %.1f GFLOP/s before, "
             "%.1f after",
             spin->name, (int)opts.threads, 2 * peak[0] / 1e9, 2 * peak[1] / 1e9);
    total("peak_before_gflop_per_s", 2 * peak[0] / 1e9);
    total("peak_after_gflop_per_s", 2 * peak[1] / 1e9);
}

/* How long the run of a network took. */
struct took {
    double wall, cpu;
};

/* By the times of the steps, and by processor time, which holds less of what else runs. */
static void say_over(const char *name, const char *what, double floor, const struct sum *all,
                     double cpu)
{
    char key[64];
    prog_say("%.3f times what %s take at the peak (%.3f s); %.3f by processor time",
             all->seconds / floor, what, floor, cpu / floor);
    snprintf(key, sizeof key, "floor_%s_s", name);
    total(key, floor);
    snprintf(key, sizeof key, "over_floor_%s", name);
    total(key, all->seconds / floor);
    snprintf(key, sizeof key, "cpu_over_floor_%s", name);
    total(key, cpu / floor);
}

static void say_network(const struct sum *forward, const struct sum *all, const struct job *j,
                        double peak, struct took took)
{
    double n = (double)images;
    prog_say("all steps %.3f s, in %.3f s of wall time and %.3f s of processor time; per image "
             "forward %.4f Gmultiply-accumulates as computed, %.4f direct",
             all->seconds, took.wall, took.cpu, forward->done / n / 1e9, forward->macs / n / 1e9);
    total("threads", (double)opts.threads);
    total("images", n);
    total("wall_s", took.wall);
    total("cpu_s", took.cpu);
    total("steps_s", all->seconds);
    total("forward_s", forward->seconds);
    total("gmacs_per_image_done", forward->done / n / 1e9);
    total("gmacs_per_image_direct", forward->macs / n / 1e9);
    if (!(peak > 0))
        return;
    say_over("done", "the multiply-accumulates as computed", all->done / peak, all, took.cpu);
    if (gradients == 0)
        say_over("stride1",
                 "those of F(4x4, 3x3) in all layers of 3 by 3 and stride 1, and of direct "
                 "convolution in the others,",
                 stride1_count(j->session.model->graph) * n / peak, all, took.cpu);
}

static void say_back(const struct engine_step *s, int steps)
{
    struct sum back = {0}, forward = {0};
    pairs(s, steps, &back, &forward);
    if (!(forward.seconds > 0))
        return;
    double one = back.seconds / (double)gradients;
    prog_say(
        "backward: %.3f s for each of %lld gradients, %.3f times the %.3f s of the same layers "
        "forward",
        one, (long long)gradients, one / forward.seconds, forward.seconds);
    total("backward_s_per_gradient", one);
    total("forward_s_same_layers", forward.seconds);
    total("backward_over_forward", one / forward.seconds);
}

static void print_steps(const struct engine *g, const struct job *j, double peak, struct took took)
{
    const struct engine_step *s;
    int steps = engine_steps(g, &s);
    struct sum all = {0}, forward = {0};
    for (int i = 0; i < steps; i++) {
        add(&all, sum_of(&s[i]));
        if (!is_back(&s[i]))
            add(&forward, sum_of(&s[i]));
    }
    if (!steps)
        prog_say("this device keeps no times of steps");
    printf("step\tms\tshare\tgflop\tmb\tgflop_per_s\tgb_per_s\tof_peak\tof_peak_direct\n");
    for (int i = 0; i < steps; i++)
        print_row(s[i].name, sum_of(&s[i]), all.seconds, peak);
    print_row("all", all, all.seconds > 0 ? all.seconds : 1e-9, peak);
    if (steps)
        say_network(&forward, &all, j, peak, took);
    say_back(s, steps);
}

/* --- running --- */

static int find_layer(const struct graph *n, struct err *e)
{
    if (layer)
        return graph_layer(n, layer, e);
    return gradients > 0 ? graph_closed(n).value : -1;
}

static int measure(struct job *j, struct engine *g, struct err *e)
{
    const struct engine_calls calls = {
        .ctx = j, .read = read_noise, .seed = seed_classes, .write = write_nothing};
    const struct spin *spin = NULL;
    double peak[2] = {0};
    bool cpu = strncmp(engine_about(g), "cpu:", 4) == 0;
    if (cpu && !(spin = choose_spin(e)))
        return -1;
    if (spin)
        peak[0] = measure_peak(spin);
    double wall = now(CLOCK_MONOTONIC), cpu_time = now(CLOCK_PROCESS_CPUTIME_ID);
    if (engine_run(g, &calls, e) != 0)
        return -1;
    const struct took took = {now(CLOCK_MONOTONIC) - wall,
                              now(CLOCK_PROCESS_CPUTIME_ID) - cpu_time};
    if (spin)
        peak[1] = measure_peak(spin);
    say_peak(spin, peak);
    print_steps(g, j, peak[0] > peak[1] ? peak[0] : peak[1], took);
    return 0;
}

static int run(struct err *e)
{
    static const float mean[] = {.5071F, .4867F, .4409F}, std[] = {.2673F, .2564F, .2762F};
    struct job j = {.session.opts = &opts, .left = images};
    struct session *s = &j.session;
    if (session_checkpoint(&s->ckpt, &opts, e) != 0 ||
        session_model(&s->model, s->ckpt, &opts, (int)side, (int)side, e) != 0)
        return -1;
    session_drop_checkpoint(s);
    struct graph *network = s->model->graph;
    memcpy(network->mean, mean, sizeof mean);
    memcpy(network->std, std, sizeof std);
    j.classes = graph_classes(network);
    int features = find_layer(network, e);
    if (layer && features < 0)
        return -1;
    struct engine_want want[3];
    int wants = 0;
    if (features >= 0)
        engine_add_want(want, &wants, features, ENGINE_ACTIVATION);
    if (gradients > 0)
        engine_add_want(want, &wants, features, ENGINE_GRADIENT);
    if (class_maps)
        engine_add_want(want, &wants, graph_closed(network).value, ENGINE_CLASS_MAPS);
    const struct engine_opts wanted = {
        .wants = want, .want_count = wants, .vectors = (int)gradients, .timed = true};
    if (session_engine(s, &wanted, e) != 0)
        return -1;
    prog_say("%s", engine_about(s->engine));
    int r = measure(&j, s->engine, e);
    session_close(s);
    return r;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    prog_start(&prog, argc, argv);
    session_parse(&opts);
    if (!opts.model)
        prog_usage("expected --model FILE");
    if (opts.threads == 0)
        opts.threads = pool_cores();
    if (totals_path && !(totals = fopen(totals_path, "w")))
        prog_die(PROG_ERROR, "%s: cannot be written", totals_path);
    if (run(&e) != 0)
        prog_fail(&e);
    if (totals && fclose(totals) != 0)
        prog_die(PROG_ERROR, "%s: cannot be written", totals_path);
    return PROG_OK;
}
