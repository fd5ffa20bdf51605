/* Packed weights that are kept from one engine to the next (engine_keep() in engine/engine.h). */
#ifndef HP_CPU_KEPT_H
#define HP_CPU_KEPT_H

#include "engine/cpu/conv.h"
#include "engine/engine.h"

/* Room for the packed weights of an open convolution, `bytes`, up to kept_release(). Says whether
 * they are there, made of equal numbers for the same kernels and form, or the caller packs them
 * before another engine is opened. */
float *kept_take(struct engine_kept *k, const struct conv *c, size_t bytes, bool *packed);
void kept_release(struct engine_kept *k, const float *u);

#endif
