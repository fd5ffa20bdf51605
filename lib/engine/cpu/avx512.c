/* The kernels for AVX-512. */
#include "engine/cpu/conv.h"
#include "engine/cpu/simd_avx512.h"

#ifdef __x86_64__

#define REGS 4
#include "engine/cpu/kernels.inc"

#include "engine/cpu/ops.inc"

const struct conv_kernels conv_avx512 = {"avx512", pack, run, &ops};

#else

const struct conv_kernels conv_avx512 = {"avx512", NULL, NULL, NULL};

#endif
