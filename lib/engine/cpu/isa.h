/* Which kernels this processor runs. */
#ifndef HP_CPU_ISA_H
#define HP_CPU_ISA_H

#include "base/err.h"
#include "engine/cpu/conv.h"

#include <stddef.h>

/* What HEATPIPE_CPU may name: sets of kernels, better ones first, then kernels for tiles. */
enum { ISA_SETS = 4, ISA_NAMES = 6 };
extern const char *const isa_name[ISA_NAMES];

/* The names of those that are compiled in, "avx512, avx2, plain, amx", into buf[n]. */
void isa_built(char *buf, size_t n);

/* The best kernels for this processor, or those that HEATPIPE_CPU in the environment names. amx
 * and bfmmla are the best set with kernels for tiles; amx, in plain C where the processor has none.
 * `tiles` is NULL without. -1 where the name is none of those that run here. */
int isa_kernels(const struct conv_kernels **k, const struct conv_kernels **tiles, struct err *e)
    ERR_CHECKED;

/* Makes the calling thread take denormals as 0 and flush results to it: they take many
 * times as long. */
void isa_thread(void);

#endif
