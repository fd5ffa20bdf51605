/* A GPU: CUDA runtime calls whose failures say the call, its status and the device. */
#ifndef HP_CUDA_DEVICE_H
#define HP_CUDA_DEVICE_H

#include "base/err.h"

#include <cuda_runtime.h>

#include <stdbool.h>
#include <stddef.h>

/* Compute capability of the oldest devices in use, as major * 10 + minor. */
enum { DEVICE_OLDEST = 75, DEVICE_OLDEST_BF16 = 80 };

struct device {
    int ordinal;
    char name[256];
    int capability; /* major * 10 + minor */
    size_t total;   /* bytes of memory */
};

/* Looks for device `ordinal`, quickly. One that is not there, or too old, sets
 * e->no_device. */
int device_find(struct device *d, int ordinal, struct err *e) ERR_CHECKED;

/* The same, and makes it the thread's own. */
int device_open(struct device *d, int ordinal, struct err *e) ERR_CHECKED;

/* Creates what the device needs to run at all, early, and makes it the thread's own:
 * whether that went well; what failed is left to be found by device_open(). */
bool device_warm(int ordinal);

/* Makes the device the calling thread's own. */
int device_enter(const struct device *d, struct err *e) ERR_CHECKED;

/* 0 where `s` is success, else -1 and "cuda: CALL: STATUS (NAME, device N)". */
int device_check(const struct device *d, cudaError_t s, const char *call, struct err *e)
    ERR_CHECKED;

/* `bytes` of device memory, not cleared, or of host memory that copies can run from,
 * zeroed. NULL on failure; `short_of` is set where it was for want of memory. */
void *device_alloc(const struct device *d, size_t bytes, bool *short_of, struct err *e) ERR_CHECKED;
void *device_alloc_host(const struct device *d, size_t bytes, bool *short_of, struct err *e)
    ERR_CHECKED;

/* Copies from ordinary host memory; complete when it returns. */
int device_upload(const struct device *d, void *to, const void *from, size_t bytes, struct err *e)
    ERR_CHECKED;

#endif
