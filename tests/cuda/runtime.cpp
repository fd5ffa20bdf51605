#include "inside.h"
#include "standin.h"

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define __asan_poison_memory_region(p, n) (void)(p)
#define __asan_unpoison_memory_region(p, n) (void)(p)
#endif

struct CUevent_st {
    bool done = false;
    double time = 0;
};

struct CUstream_st {
    std::deque<std::function<void()>> work;
    int device = -1; /* the standard one is of any */
};

dim3 threadIdx, blockIdx, blockDim, gridDim;

std::recursive_mutex standin_lock;
long standin_objects;

namespace
{

using Guard = std::lock_guard<std::recursive_mutex>;

const size_t PAGE = 4096;

struct Region {
    char *base;
    size_t mapped, bytes;
    char *user;
};

/* Built at first use: the library may be entered before its own constructors. */
struct State {
    Settings settings;
    bool set = false;
    std::map<std::string, long> calls;
    std::map<char *, Region> device, host; /* by `user` */
    std::map<cudaStream_t, std::unique_ptr<CUstream_st>> streams;
    CUstream_st standard;
    size_t used = 0;
    int working = 0;
};

State &state()
{
    static State *s = new State;
    return *s;
}

// Initial-exec: of a library that dlopen loads, LeakSanitizer guesses where other thread-local
// variables lie, and now and then crashes.
#define THREAD_LOCAL thread_local __attribute__((tls_model("initial-exec")))
THREAD_LOCAL cudaError_t last_error = cudaSuccess;
THREAD_LOCAL int current_device = 0;

cudaError_t result(cudaError_t e)
{
    if (e != cudaSuccess)
        last_error = e;
    return e;
}

double now()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void parse(const char *text)
{
    State &s = state();
    s.settings = Settings();
    s.calls.clear();
    s.set = true;
    std::string all = text ? text : "";
    for (size_t at = 0; at < all.size();) {
        size_t end = std::min(all.find(',', at), all.size());
        std::string word = all.substr(at, end - at);
        size_t eq = std::min(word.find('='), word.size());
        std::string name = word.substr(0, eq), value = eq < word.size() ? word.substr(eq + 1) : "";
        if (name == "early")
            s.settings.early = true;
        else if (name == "open")
            s.settings.open = true;
        else if (name == "none")
            s.settings.none = true;
        else if (name == "devices")
            s.settings.devices = atoi(value.c_str());
        else if (name == "capability")
            s.settings.capability = atoi(value.c_str());
        else if (name == "driver")
            s.settings.driver = atoi(value.c_str());
        else if (name == "memory")
            s.settings.memory = strtoull(value.c_str(), nullptr, 10);
        else if (name == "engines")
            s.settings.engines = value;
        else if (name == "fail") {
            size_t colon = value.find(':');
            s.settings.fail = value.substr(0, colon);
            s.settings.fail_at = atol(value.c_str() + colon + 1);
            s.settings.fail_on = value.back() == '+';
        } else
            standin_abort("no such setting: %s", word.c_str());
        at = end + 1;
    }
}

/* --- memory --- */

void protect(int how)
{
    if (!state().settings.open)
        for (auto &r : state().device)
            mprotect(r.second.base, r.second.mapped, how);
}

/* While one exists, the device works. */
struct Working {
    Working()
    {
        if (state().working++ == 0)
            protect(PROT_READ | PROT_WRITE);
    }
    ~Working()
    {
        if (--state().working == 0)
            protect(PROT_NONE);
    }
};

/* `bytes` that end where a page ends, filled with NaNs. */
Region region(size_t bytes, int protection)
{
    Region r;
    size_t whole = (bytes + 255) / 256 * 256;
    r.bytes = bytes;
    r.mapped = (whole + PAGE - 1) / PAGE * PAGE;
    char *p = (char *)mmap(nullptr, r.mapped + 2 * PAGE, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        standin_abort("out of host memory");
    r.base = p + PAGE; /* a page that nobody may touch on either side */
    /* Unlike what is between them, so that the kernel need not join and part the three at
     * each change of protection. */
    madvise(p, PAGE, MADV_DONTDUMP);
    madvise(r.base + r.mapped, PAGE, MADV_DONTDUMP);
    r.user = r.base + r.mapped - whole;
    mprotect(r.base, r.mapped, PROT_READ | PROT_WRITE);
    memset(r.base, 0xff, r.mapped);
    mprotect(r.base, r.mapped, protection);
    __asan_poison_memory_region(r.base, (size_t)(r.user - r.base));
    __asan_poison_memory_region(r.user + bytes, whole - bytes);
    return r;
}

void unmap(const Region &r)
{
    __asan_unpoison_memory_region(r.base, r.mapped);
    munmap(r.base - PAGE, r.mapped + 2 * PAGE);
}

const Region *find(const std::map<char *, Region> &all, const void *p, size_t bytes)
{
    auto i = all.upper_bound((char *)p);
    if (i == all.begin())
        return nullptr;
    const Region &r = (--i)->second;
    return (char *)p + bytes <= r.user + r.bytes ? &r : nullptr;
}

/* --- streams --- */

CUstream_st &stream_of(cudaStream_t s)
{
    if (!s)
        return state().standard;
    auto i = state().streams.find(s);
    if (i == state().streams.end())
        standin_abort("a stream that does not exist");
    if (i->second->device != current_device)
        standin_abort("a stream of another device than the thread's");
    return *i->second;
}

void drain(CUstream_st &s)
{
    if (s.work.empty())
        return;
    Working working;
    while (!s.work.empty()) {
        std::function<void()> work = std::move(s.work.front());
        s.work.pop_front();
        work();
    }
}

void drain_all()
{
    drain(state().standard);
    for (auto &s : state().streams)
        drain(*s.second);
}

/* --- kernels --- */

const size_t STACK = 256 * 1024;

/* A stack on which threads of a block run, one after another until one of them waits.
 * It is entered once and goes on for ever. */
struct Fiber {
    char *stack = (char *)mmap(nullptr, STACK, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *state[5];
    bool entered = false, waiting = false, running = false;
    dim3 thread;
    void *fake = nullptr;
};

struct Block {
    std::function<void()> *thread;
    unsigned total, next;
    bool reverse;
};

Block *block;
std::vector<Fiber *> &fibers = *new std::vector<Fiber *>;
Fiber *current;
void *scheduler[5];
void *scheduler_fake;
const void *scheduler_bottom;
size_t scheduler_size;

void before_switch(void **fake, const void *bottom, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(fake, bottom, size);
#else
    (void)fake, (void)bottom, (void)size;
#endif
}

void after_switch(void *fake, const void **bottom, size_t *size)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, bottom, size);
#else
    (void)fake, (void)bottom, (void)size;
#endif
}

/* Out of the sanitizers' sight: at any longjmp() and before whatever does not return they
 * ask the kernel where the stack is, which takes longer than all that a thread does. And
 * out of the optimizer's: a call returns with other registers than it left. */
#define UNSEEN __attribute__((noipa, no_sanitize_address, no_sanitize_undefined))

UNSEEN void leap(void **to)
{
    __builtin_longjmp(to, 1);
}

UNSEEN void jump(void **from, void **to)
{
    if (__builtin_setjmp(from) == 0)
        leap(to);
}

UNSEEN void enter(void **from, const ucontext_t *to)
{
    if (__builtin_setjmp(from) == 0)
        setcontext(to);
}

void to_scheduler(Fiber *f)
{
    before_switch(&f->fake, scheduler_bottom, scheduler_size);
    jump(f->state, scheduler);
    after_switch(f->fake, &scheduler_bottom, &scheduler_size);
}

void fiber_main()
{
    after_switch(nullptr, &scheduler_bottom, &scheduler_size);
    Fiber *f = current;
    for (;;) {
        while (block->next < block->total) {
            unsigned i = block->next++;
            if (block->reverse)
                i = block->total - 1 - i;
            f->thread =
                dim3(i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y);
            threadIdx = f->thread;
            (*block->thread)();
        }
        f->running = false;
        to_scheduler(f);
    }
}

void to_fiber(Fiber *f)
{
    current = f;
    threadIdx = f->thread;
    before_switch(&scheduler_fake, f->stack, STACK);
    if (f->entered)
        jump(scheduler, f->state);
    else {
        f->entered = true;
        ucontext_t start;
        getcontext(&start);
        start.uc_stack.ss_sp = f->stack;
        start.uc_stack.ss_size = STACK;
        start.uc_link = nullptr;
        makecontext(&start, fiber_main, 0);
        enter(scheduler, &start);
    }
    after_switch(scheduler_fake, nullptr, nullptr);
}

/* All threads of one block. */
void run_block(std::function<void()> &thread, bool reverse)
{
    Block b = {&thread, blockDim.x * blockDim.y * blockDim.z, 0, reverse};
    block = &b;
    size_t used = 0;
    while (b.next < b.total) {
        if (used == fibers.size())
            fibers.push_back(new Fiber);
        Fiber *f = fibers[used++];
        f->running = true;
        f->waiting = false;
        to_fiber(f);
    }
    for (;;) {
        size_t waiting = 0, running = 0;
        for (size_t i = 0; i < used; i++) {
            running += fibers[i]->running;
            waiting += fibers[i]->running && fibers[i]->waiting;
        }
        if (running == 0)
            break;
        if (waiting != b.total)
            standin_abort("%zu of %u threads of a block at __syncthreads()", waiting, b.total);
        for (size_t i = 0; i < used; i++) {
            Fiber *f = fibers[reverse ? i : used - 1 - i];
            f->waiting = false;
            to_fiber(f);
        }
    }
    block = nullptr;
}

void run_grid(dim3 grid, dim3 threads, std::function<void()> &thread)
{
    bool reverse = !state().settings.early;
    gridDim = grid;
    blockDim = threads;
    size_t total = (size_t)grid.x * grid.y * grid.z;
    for (size_t j = 0; j < total; j++) {
        size_t i = reverse ? total - 1 - j : j;
        blockIdx = dim3((unsigned)(i % grid.x), (unsigned)(i / grid.x % grid.y),
                        (unsigned)(i / grid.x / grid.y));
        run_block(thread, reverse);
    }
}

} // namespace

void __syncthreads()
{
    Fiber *f = current;
    f->waiting = true;
    to_scheduler(f);
    threadIdx = f->thread;
}

/* --- for the tests and the other half --- */

void standin_abort(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "stand-in: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    abort();
}

const Settings &standin_settings()
{
    if (!state().set)
        parse(getenv("CUDA_STANDIN"));
    return state().settings;
}

bool standin_fails(const char *call)
{
    Guard guard(standin_lock);
    const Settings &s = standin_settings();
    long n = ++state().calls[call];
    return s.fail == call && (s.fail_on ? n >= s.fail_at : n == s.fail_at);
}

void standin_queue(cudaStream_t stream, std::function<void()> work)
{
    Guard guard(standin_lock);
    CUstream_st &s = stream_of(stream);
    s.work.push_back(std::move(work));
    if (standin_settings().early)
        drain(s);
}

void standin_check(const void *p, size_t bytes, const char *what)
{
    if (!find(state().device, p, bytes))
        standin_abort("%s: %zu bytes are not inside an allocation of the device", what, bytes);
}

cudaError_t standin_launch(const cudaLaunchConfig_t *c, std::function<void()> thread)
{
    if (standin_fails("cudaLaunchKernel"))
        return result(cudaErrorLaunchFailure);
    dim3 g = c->gridDim, b = c->blockDim;
    size_t threads = (size_t)b.x * b.y * b.z;
    if (threads == 0 || threads > 1024 || b.z > 64 || (size_t)g.x * g.y * g.z == 0 ||
        g.x > 2147483647 || g.y > 65535 || g.z > 65535)
        return result(cudaErrorInvalidConfiguration);
    standin_queue(c->stream, [=]() mutable { run_grid(g, b, thread); });
    return cudaSuccess;
}

extern "C" {

void standin_set(const char *settings)
{
    Guard guard(standin_lock);
    parse(settings);
}

long standin_calls(const char *name)
{
    Guard guard(standin_lock);
    return state().calls[name];
}

long standin_live(void)
{
    Guard guard(standin_lock);
    return standin_objects +
           (long)(state().device.size() + state().host.size() + state().streams.size());
}

/* --- the runtime --- */

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = standin_settings().driver;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    if (standin_fails("cudaGetDeviceCount"))
        return result(cudaErrorUnknown);
    if (standin_settings().driver < 13000)
        return result(cudaErrorInsufficientDriver);
    *count = standin_settings().devices;
    return *count ? cudaSuccess : result(cudaErrorNoDevice);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    if (standin_fails("cudaGetDeviceProperties"))
        return result(cudaErrorUnknown);
    if (device < 0 || device >= standin_settings().devices)
        return result(cudaErrorInvalidDevice);
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "stand-in");
    p->major = standin_settings().capability / 10;
    p->minor = standin_settings().capability % 10;
    p->totalGlobalMem = standin_settings().memory;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    if (standin_fails("cudaSetDevice"))
        return result(cudaErrorDevicesUnavailable);
    if (device < 0 || device >= standin_settings().devices)
        return result(cudaErrorInvalidDevice);
    current_device = device;
    return cudaSuccess;
}

cudaError_t cudaInitDevice(int device, unsigned, unsigned flags)
{
    if (standin_fails("cudaInitDevice"))
        return result(cudaErrorMemoryAllocation);
    if (flags != cudaInitDeviceFlagsAreValid)
        standin_abort("cudaInitDevice: flags that are not valid");
    return device >= 0 && device < standin_settings().devices ? cudaSuccess
                                                              : result(cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceSynchronize(void)
{
    if (standin_fails("cudaDeviceSynchronize"))
        return result(cudaErrorLaunchFailure);
    Guard guard(standin_lock);
    drain_all();
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    if (standin_fails("cudaMemGetInfo"))
        return result(cudaErrorUnknown);
    Guard guard(standin_lock);
    *total = standin_settings().memory;
    *available = *total - state().used;
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **p, size_t bytes)
{
    if (standin_fails("cudaMalloc"))
        return result(cudaErrorMemoryAllocation);
    Guard guard(standin_lock);
    if (bytes > standin_settings().memory - state().used)
        return result(cudaErrorMemoryAllocation);
    Region r = region(bytes, state().settings.open || state().working ? PROT_READ | PROT_WRITE
                                                                      : PROT_NONE);
    state().used += bytes;
    state().device[r.user] = r;
    *p = r.user;
    return cudaSuccess;
}

cudaError_t cudaFree(void *p)
{
    if (standin_fails("cudaFree"))
        return result(cudaErrorUnknown);
    if (!p)
        return cudaSuccess;
    Guard guard(standin_lock);
    drain_all();
    auto i = state().device.find((char *)p);
    if (i == state().device.end())
        standin_abort("cudaFree of what was not allocated");
    state().used -= i->second.bytes;
    unmap(i->second);
    state().device.erase(i);
    return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned)
{
    if (standin_fails("cudaHostAlloc"))
        return result(cudaErrorMemoryAllocation);
    Guard guard(standin_lock);
    Region r = region(bytes, PROT_READ | PROT_WRITE);
    state().host[r.user] = r;
    *p = r.user;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *p)
{
    if (standin_fails("cudaFreeHost"))
        return result(cudaErrorUnknown);
    if (!p)
        return cudaSuccess;
    Guard guard(standin_lock);
    drain_all();
    auto i = state().host.find((char *)p);
    if (i == state().host.end())
        standin_abort("cudaFreeHost of what was not allocated");
    unmap(i->second);
    state().host.erase(i);
    return cudaSuccess;
}

/* From ordinary memory, behind what the standard stream holds, but not behind streams
 * that do not block. */
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    if (standin_fails("cudaMemcpy"))
        return result(cudaErrorLaunchFailure);
    Guard guard(standin_lock);
    if (kind != cudaMemcpyHostToDevice)
        standin_abort("cudaMemcpy: only to the device");
    drain(state().standard);
    standin_check(to, bytes, "cudaMemcpy");
    Working working;
    memcpy(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    if (standin_fails("cudaMemcpyAsync"))
        return result(cudaErrorInvalidValue);
    Guard guard(standin_lock);
    bool in = kind == cudaMemcpyHostToDevice;
    if (!in && kind != cudaMemcpyDeviceToHost)
        standin_abort("cudaMemcpyAsync: neither to nor from the device");
    standin_check(in ? to : from, bytes, "cudaMemcpyAsync");
    if (!find(state().host, in ? from : to, bytes))
        standin_abort("cudaMemcpyAsync: %zu bytes of the host are not pinned", bytes);
    standin_queue(stream, [=] { memcpy(to, from, bytes); });
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
    if (standin_fails("cudaStreamCreateWithFlags"))
        return result(cudaErrorUnknown);
    if (flags != cudaStreamNonBlocking)
        standin_abort("only streams that do not block are here");
    Guard guard(standin_lock);
    auto made = std::make_unique<CUstream_st>();
    made->device = current_device;
    *s = made.get();
    state().streams[*s] = std::move(made);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    if (standin_fails("cudaStreamDestroy"))
        return result(cudaErrorUnknown);
    Guard guard(standin_lock);
    drain(stream_of(s));
    state().streams.erase(s);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    if (standin_fails("cudaStreamSynchronize"))
        return result(cudaErrorLaunchFailure);
    Guard guard(standin_lock);
    drain(stream_of(s));
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *e)
{
    if (standin_fails("cudaEventCreate"))
        return result(cudaErrorUnknown);
    Guard guard(standin_lock);
    standin_objects++;
    *e = new CUevent_st;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    if (standin_fails("cudaEventDestroy"))
        return result(cudaErrorUnknown);
    Guard guard(standin_lock);
    standin_objects--;
    delete e;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    if (standin_fails("cudaEventRecord"))
        return result(cudaErrorUnknown);
    Guard guard(standin_lock);
    e->done = false;
    standin_queue(s, [=] {
        e->done = true;
        e->time = now();
    });
    return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    if (standin_fails("cudaEventElapsedTime"))
        return result(cudaErrorUnknown);
    Guard guard(standin_lock);
    if (!from->done || !to->done)
        return result(cudaErrorNotReady);
    *ms = (float)((to->time - from->time) * 1e3);
    return cudaSuccess;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t e = last_error;
    last_error = cudaSuccess;
    return e;
}

const char *cudaGetErrorString(cudaError_t e)
{
    switch (e) {
    case cudaSuccess:
        return "no error";
    case cudaErrorInvalidValue:
        return "invalid argument";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInvalidConfiguration:
        return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
        return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorDevicesUnavailable:
        return "CUDA-capable device(s) is/are busy or unavailable";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
        return "invalid device ordinal";
    case cudaErrorLaunchFailure:
        return "unspecified launch failure";
    default:
        return "unknown error";
    }
}
}
