/* The kernels for any processor. */
#include "engine/cpu/simd_plain.h"

#define REGS 2
#define ROWS 6
#include "engine/cpu/kernels.inc"

#include "engine/cpu/cells.inc"

const struct conv_kernels conv_plain = {"plain", pack, run, &cells};
