/* What each set of kernels makes of random networks, as a checksum of its bits: `fused` of those
 * that fuse multiply and add, which have to agree, and `plain`. Another processor prints the same
 * lines, but for sets that it does not run. */
#include "../unit/check.h"
#include "any_net.h"
#include "engine/cpu/isa.h"

enum { IMAGES = 9, VECTORS = 2 };

/* FNV-1a, of which every NaN is one: processors make different ones. */
static void add_floats(uint64_t *sum, const float *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, &f[i], sizeof u);
        *sum = (*sum ^ (isnan(f[i]) ? 0x7fc00000 : u)) * 1099511628211U;
    }
}

/* Logits, and everything that is wanted of every value; 0 where the set does not run here. */
static uint64_t sum_of(const char *set, enum engine_precision precision, int rounds)
{
    uint64_t sum = 14695981039346656037U;
    setenv("HEATPIPE_CPU", set, 1);
    for (int round = 0; round < rounds && sum; round++) {
        random_state = (uint64_t)round + 901;
        const int h = random_int(4, 14), w = random_int(4, 14);
        struct graph *n = net_any(h, w, 7, ANY_KINKS);
        struct err e = {0};
        struct engine_want *want = mem_alloc(2 * (size_t)n->values, sizeof *want);
        struct engine_opts o = {.device = "cpu", .precision = precision, .threads = 1};
        for (int v = 0; v < n->values; v++) {
            engine_add_want(want, &o.want_count, v, ENGINE_ACTIVATION);
            if (precision == ENGINE_F32)
                engine_add_want(want, &o.want_count, v, ENGINE_GRADIENT);
        }
        o.wants = want;
        o.vectors = precision == ENGINE_F32 ? VECTORS : 0;
        o.exact = round % 3 == 0;
        struct run r = run_with(n, IMAGES, o);
        if (run_go(&r, &e) == 0) {
            add_floats(&sum, r.logits, IMAGES * (size_t)graph_classes(n));
            for (int i = 0; i < o.want_count; i++)
                add_floats(&sum, r.results[i].values, IMAGES * run_bytes(&r, i) / sizeof(float));
        } else {
            CHECK(round == 0 && strncmp(e.msg, "HEATPIPE_CPU", 12) == 0);
            sum = 0;
        }
        run_close(&r);
        free(want);
        graph_free(n);
    }
    return sum;
}

/* What HEATPIPE_CPU may name here. */
static void print_names(void)
{
    const struct conv_kernels *k, *tiles;
    struct err e = {0};
    for (int i = 0; i < ISA_NAMES; i++) {
        setenv("HEATPIPE_CPU", isa_name[i], 1);
        if (isa_kernels(&k, &tiles, &e) == 0)
            printf("runs %s\n", isa_name[i]);
    }
}

/* bits [ROUNDS]: with 0, which kernels run here. */
int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? atoi(argv[1]) : 24;
    if (rounds == 0)
        print_names();
    static const char *const name[] = {[ENGINE_F32] = "f32", [ENGINE_BF16] = "bf16"};
    for (enum engine_precision p = ENGINE_F32; rounds > 0 && p <= ENGINE_BF16; p++) {
        uint64_t fused = 0;
        for (int i = 0; i < ISA_SETS; i++) {
            const bool plain = strcmp(isa_name[i], "plain") == 0;
            const uint64_t sum = sum_of(isa_name[i], p, rounds);
            CHECK(plain || !sum || !fused || sum == fused);
            if (sum && (plain || !fused))
                printf("%s %s %016llx\n", plain ? "plain" : "fused", name[p],
                       (unsigned long long)sum);
            fused = plain ? fused : sum ? sum : fused;
        }
    }
    return CHECK_DONE();
}
