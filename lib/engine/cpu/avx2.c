/* The kernels for AVX2 with FMA. */
#include "engine/cpu/conv.h"
#include "engine/cpu/simd_avx2.h"

#ifdef __x86_64__

#define REGS 2
#include "engine/cpu/kernels.inc"

#include "engine/cpu/ops.inc"

const struct conv_kernels conv_avx2 = {"avx2", pack, run, &ops};

#else

const struct conv_kernels conv_avx2 = {"avx2", NULL, NULL, NULL};

#endif
