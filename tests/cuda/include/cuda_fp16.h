/* Half precision for kernels that are compiled for the host. */
#ifndef STANDIN_CUDA_FP16_H
#define STANDIN_CUDA_FP16_H

#include "standin_floats.h"

struct __half {
    unsigned short bits;
};

static inline float __half2float(__half v)
{
    return f16_to_float(v.bits);
}

static inline __half __float2half_rn(float v)
{
    return __half{f16_from_float(v)};
}

#endif
