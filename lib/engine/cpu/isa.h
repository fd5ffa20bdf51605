/* Which kernels this processor runs. */
#ifndef HP_CPU_ISA_H
#define HP_CPU_ISA_H

#include "base/err.h"
#include "engine/cpu/conv.h"

/* The best set of kernels for this processor, or the one that HEATPIPE_CPU in the
 * environment names. -1 where that is not one of those that run here. */
int isa_kernels(const struct conv_kernels **k, struct err *e);

/* Makes the calling thread take denormals as 0 and flush results to it: they take many
 * times as long. */
void isa_thread(void);

#endif
