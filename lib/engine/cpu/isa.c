#include "engine/cpu/isa.h"

#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>
#endif

void isa_thread(void)
{
#ifdef __x86_64__
    _mm_setcsr(_mm_getcsr() | 0x8040U);
#endif
}

/* Whether there are tiles of bf16 and the system lets this process use them. */
static bool has_amx(void)
{
#if defined(__x86_64__) && defined(__linux__)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    const unsigned bf16 = 1U << 22, tile = 1U << 24;
    unsigned a, b, c, d;
    return conv_amx.run && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & bf16) && (d & tile) &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

static bool runs_here(const struct conv_kernels *k)
{
#ifdef __x86_64__
    if (k == &conv_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (k == &conv_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return k == &conv_plain;
}

int isa_kernels(const struct conv_kernels **k, const struct conv_kernels **tiles, struct err *e)
{
    enum { SETS = 3 };
    static const struct conv_kernels *const set[SETS] = {&conv_avx512, &conv_avx2, &conv_plain};
    const char *name = getenv("HEATPIPE_CPU");
    if (name && !*name)
        name = NULL;
    bool amx = name && strcmp(name, "amx") == 0;
    *k = NULL;
    for (int i = 0; i < SETS && !*k; i++)
        if (runs_here(set[i]) && (!name || amx || strcmp(name, set[i]->name) == 0))
            *k = set[i];
    if (!*k)
        return err_set(e,
                       "HEATPIPE_CPU: expected amx, avx512, avx2 or plain, and one that this "
                       "processor runs, found '%s'",
                       name);
    bool real = *k == &conv_avx512 && (!name || amx) && has_amx();
    *tiles = real ? &conv_amx : amx ? &conv_amx_plain : NULL;
    return 0;
}
