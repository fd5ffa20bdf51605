#include "engine/cuda/device.h"

#include <stdio.h>
#include <string.h>

static int absent(struct err *e, const char *why)
{
    err_record(e, "cuda: no usable device: %s", why);
    e->no_device = true;
    return -1;
}

/* No driver, or one that is older than the runtime. */
static int absent_driver(struct err *e)
{
    int driver = 0, runtime = 0;
    char why[96] = "no NVIDIA driver was found";
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (driver > 0)
        snprintf(why, sizeof why, "the NVIDIA driver is for CUDA %d.%d, expected %d.%d or later",
                 driver / 1000, driver / 10 % 100, runtime / 1000, runtime / 10 % 100);
    return absent(e, why);
}

static void describe(const struct device *d, const char *call, const char *status, struct err *e)
{
    err_record(e, "cuda: %s: %s (%s, device %d)", call, status, d->name, d->ordinal);
}

int device_check(const struct device *d, cudaError_t s, const char *call, struct err *e)
{
    if (s == cudaSuccess)
        return 0;
    cudaGetLastError(); /* so that a later call does not report it again */
    describe(d, call, cudaGetErrorString(s), e);
    return -1;
}

/* Makes the device's context, in which threads that wait for it sleep. */
static cudaError_t use(int ordinal)
{
    cudaError_t s =
        cudaInitDevice(ordinal, cudaDeviceScheduleBlockingSync, cudaInitDeviceFlagsAreValid);
    if (s == cudaSuccess)
        s = cudaSetDevice(ordinal);
    return s == cudaSuccess ? cudaFree(NULL) : s;
}

int device_find(struct device *d, int ordinal, struct err *e)
{
    int count = 0;
    struct cudaDeviceProp p;
    *d = (struct device){.ordinal = ordinal};
    cudaError_t s = cudaGetDeviceCount(&count);
    if (s == cudaErrorInsufficientDriver)
        return absent_driver(e);
    if (s != cudaSuccess)
        return absent(e, cudaGetErrorString(s));
    if (ordinal >= count) {
        char why[64];
        snprintf(why, sizeof why, "device %d asked for, %d found", ordinal, count);
        return absent(e, why);
    }
    s = cudaGetDeviceProperties(&p, ordinal);
    if (s != cudaSuccess)
        return absent(e, cudaGetErrorString(s));
    snprintf(d->name, sizeof d->name, "%s", p.name);
    d->total = p.totalGlobalMem;
    d->capability = p.major * 10 + p.minor;
    if (d->capability < DEVICE_OLDEST) {
        char why[400];
        snprintf(why, sizeof why, "%s has compute capability %d.%d, expected %d.%d or later",
                 d->name, p.major, p.minor, DEVICE_OLDEST / 10, DEVICE_OLDEST % 10);
        return absent(e, why);
    }
    return 0;
}

int device_open(struct device *d, int ordinal, struct err *e)
{
    if (device_find(d, ordinal, e) != 0)
        return -1;
    cudaError_t s = use(ordinal);
    if (s == cudaSuccess)
        return 0;
    /* Full, taken, out of order: it cannot be used. */
    char why[400];
    snprintf(why, sizeof why, "%s (%s, device %d)", cudaGetErrorString(s), d->name, ordinal);
    cudaGetLastError();
    return absent(e, why);
}

bool device_warm(int ordinal)
{
    int count = 0;
    bool there =
        cudaGetDeviceCount(&count) == cudaSuccess && ordinal < count && use(ordinal) == cudaSuccess;
    cudaGetLastError();
    return there;
}

int device_enter(const struct device *d, struct err *e)
{
    return device_check(d, cudaSetDevice(d->ordinal), "cudaSetDevice", e);
}

static void *allocated(const struct device *d, cudaError_t s, const char *call, void *p,
                       size_t bytes, bool *short_of, struct err *e)
{
    char what[96];
    snprintf(what, sizeof what, "%s of %zu bytes", call, bytes);
    if (device_check(d, s, what, e) == 0)
        return p;
    *short_of = s == cudaErrorMemoryAllocation;
    return NULL;
}

void *device_alloc(const struct device *d, size_t bytes, bool *short_of, struct err *e)
{
    void *p = NULL;
    cudaError_t s = cudaMalloc(&p, bytes ? bytes : 1);
    return allocated(d, s, "cudaMalloc", p, bytes, short_of, e);
}

void *device_alloc_host(const struct device *d, size_t bytes, bool *short_of, struct err *e)
{
    void *p = NULL;
    cudaError_t s = cudaHostAlloc(&p, bytes ? bytes : 1, cudaHostAllocPortable);
    if (s == cudaSuccess)
        memset(p, 0, bytes);
    return allocated(d, s, "cudaHostAlloc", p, bytes, short_of, e);
}

int device_upload(const struct device *d, void *to, const void *from, size_t bytes, struct err *e)
{
    return device_check(d, cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice),
                        "cudaMemcpy to the device", e);
}
