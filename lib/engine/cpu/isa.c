#include "engine/cpu/isa.h"

#include <stdlib.h>
#include <string.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

void isa_thread(void)
{
#ifdef __SSE__
    _mm_setcsr(_mm_getcsr() | 0x8040U);
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

int isa_kernels(const struct conv_kernels **k, struct err *e)
{
    static const struct conv_kernels *const set[] = {&conv_avx512, &conv_avx2, &conv_plain};
    const char *name = getenv("HEATPIPE_CPU");
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (runs_here(set[i]) && (!name || strcmp(name, set[i]->name) == 0)) {
            *k = set[i];
            return 0;
        }
    return err_set(e, "HEATPIPE_CPU: expected avx512, avx2 or plain, and one that this processor "
                      "runs, found '%s'", name);
}
