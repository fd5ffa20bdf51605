/* Device time of every step of a network, and what it was spent on, as TSV. */
#include "base/mem.h"
#include "base/prog.h"
#include "ckpt/ckpt.h"
#include "engine/engine.h"

#include <stdio.h>

static const char *model;
static const char *device = "cuda";
static int precision;
static int64_t images = 10240;

static const struct opt options[] = {
    {"model", 'm', OPT_STRING, &model, "FILE", "The checkpoint.", 0, 0},
    {"device", 0, OPT_STRING, &device, "NAME", "cuda[:N].", 0, 0},
    {"precision", 'p', OPT_CHOICE, &precision, "f32|bf16|f16", "Arithmetic.", 0, 0},
    {"images", 'n', OPT_INT, &images, "N", "Images of noise, 32 by 32.", 1, 1 << 30},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const struct prog prog = {"cuda_steps", "Time the steps of a network", NULL, options, NULL};

static int64_t left;

static int read_noise(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    static uint32_t state = 1;
    (void)ctx;
    (void)e;
    int n = left < max ? (int)left : max;
    for (size_t i = 0; i < (size_t)n * 3 * 32 * 32; i++) {
        state = state * 1664525U + 1013904223U;
        b->pixels[i] = (uint8_t)(state >> 24);
    }
    left -= n;
    return n;
}

static int write_nothing(void *ctx, const struct engine_batch *b, struct err *e)
{
    (void)ctx;
    (void)b;
    (void)e;
    return 0;
}

static int run(struct err *e)
{
    const struct net_opts no = {32, 32, {.5071F, .4867F, .4409F}, {.2673F, .2564F, .2762F}};
    struct engine_opts eo = {.device = device, .features = -1, .class_maps = true, .timed = true};
    const struct engine_calls calls = {.read = read_noise, .write = write_nothing};
    const struct engine_step *s;
    struct ckpt *c;
    struct net *n;
    struct engine *g;
    eo.precision = (enum engine_precision)precision;
    if (ckpt_open(&c, model, e) != 0 || net_build(&n, c, &no, e) != 0)
        return -1;
    ckpt_close(c);
    if (engine_open(&g, n, &eo, e) != 0)
        return -1;
    prog_say("%s", engine_about(g));
    left = images;
    if (engine_run(g, &calls, e) != 0)
        return -1;
    int steps = engine_steps(g, &s);
    double all = 0, count = (double)images;
    for (int i = 0; i < steps; i++)
        all += s[i].seconds;
    printf("step\tms\tshare\tgflop\tmb\ttflop_per_s\tgb_per_s\n");
    for (int i = 0; i < steps; i++) {
        double flop = 2.0 * (double)s[i].done * count, bytes = (double)s[i].bytes * count;
        double t = s[i].seconds > 0 ? s[i].seconds : 1e-9;
        printf("%s\t%.3f\t%.4f\t%.1f\t%.1f\t%.1f\t%.0f\n", s[i].name, s[i].seconds * 1e3,
               s[i].seconds / all, flop / 1e9, bytes / 1e6, flop / t / 1e12, bytes / t / 1e9);
    }
    printf("all\t%.3f\t1\t\t\t\t\n", all * 1e3);
    engine_close(g);
    net_free(n);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    prog_start(&prog, argc, argv);
    if (!model)
        prog_usage("expected --model FILE");
    if (run(&e) != 0)
        prog_fail(&e);
    return PROG_OK;
}
