/* The kernels for any processor. */
#include "engine/cpu/simd_plain.h"

#define REGS 2
#include "engine/cpu/kernels.inc"

#include "engine/cpu/ops.inc"

const struct conv_kernels conv_plain = {"plain", pack, run, &ops};
