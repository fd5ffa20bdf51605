/* The kernels for 64-bit ARM. */
#include "engine/cpu/conv.h"
#include "engine/cpu/simd_neon.h"

#ifdef __aarch64__

#define REGS 4
#include "engine/cpu/kernels.inc"

#include "engine/cpu/ops.inc"

const struct conv_kernels conv_neon = {"neon", pack, run, &ops};

#else

const struct conv_kernels conv_neon = {"neon", NULL, NULL, NULL};

#endif
