#include "engine/cpu/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

const char *const isa_name[ISA_NAMES] = {"avx512", "avx2", "neon", "plain", "amx", "bfmmla"};

void isa_thread(void)
{
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040U);
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | 1U << 24));
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

/* Whether there are products of matrices of bf16. */
static bool has_bfmmla(void)
{
#if defined(__aarch64__) && defined(__linux__)
    const unsigned long bf16 = 1UL << 14; /* HWCAP2_BF16, which old headers lack */
    return conv_bfmmla.run && (getauxval(AT_HWCAP2) & bf16);
#elif defined(__aarch64__) && defined(__APPLE__)
    int has = 0;
    size_t size = sizeof has;
    return conv_bfmmla.run &&
           sysctlbyname("hw.optional.arm.FEAT_BF16", &has, &size, NULL, 0) == 0 && has;
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
    return k->run; /* what is compiled at all, every processor of the kind has */
}

static const struct conv_kernels *const set[ISA_NAMES] = {&conv_avx512, &conv_avx2, &conv_neon,
                                                          &conv_plain,  &conv_amx,  &conv_bfmmla};

void isa_built(char *buf, size_t n)
{
    size_t at = 0;
    *buf = '\0';
    for (int i = 0; i < ISA_NAMES; i++) {
        if (!set[i]->run || at + strlen(isa_name[i]) + 3 > n)
            continue;
        at += (size_t)sprintf(buf + at, "%s%s", at ? ", " : "", isa_name[i]);
    }
}

int isa_kernels(const struct conv_kernels **k, const struct conv_kernels **tiles, struct err *e)
{
    const char *name = getenv("HEATPIPE_CPU");
    if (name && !*name)
        name = NULL;
    const bool amx = name && strcmp(name, conv_amx.name) == 0,
               bfmmla = name && strcmp(name, conv_bfmmla.name) == 0;
    *k = *tiles = NULL;
    for (int i = 0; i < ISA_SETS && !*k; i++)
        if (runs_here(set[i]) && (!name || amx || bfmmla || strcmp(name, set[i]->name) == 0))
            *k = set[i];
    if ((!name || amx) && *k == &conv_avx512 && has_amx())
        *tiles = &conv_amx;
    else if (amx)
        *tiles = &conv_amx_plain;
    else if ((!name || bfmmla) && has_bfmmla())
        *tiles = &conv_bfmmla;
    if (!*k || (bfmmla && !*tiles))
        return err_set(e,
                       "HEATPIPE_CPU: expected amx, avx512, avx2, bfmmla, neon or plain, and one "
                       "that this processor runs, found '%s'",
                       name);
    return 0;
}
