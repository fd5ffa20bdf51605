/* bfloat16 for kernels that are compiled for the host. */
#ifndef STANDIN_CUDA_BF16_H
#define STANDIN_CUDA_BF16_H

#include "standin_floats.h"

struct __nv_bfloat16 {
    unsigned short bits;
};

static inline float __bfloat162float(__nv_bfloat16 v)
{
    return bf16_to_float(v.bits);
}

static inline __nv_bfloat16 __float2bfloat16_rn(float v)
{
    return __nv_bfloat16{bf16_from_float(v)};
}

#endif
