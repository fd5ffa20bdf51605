/* What the two halves of the stand-in share. */
#ifndef STANDIN_INSIDE_H
#define STANDIN_INSIDE_H

#include <cuda_runtime.h>

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

struct Settings {
    bool early = false, open = false, none = false;
    int devices = 1, capability = 90, driver = 13000;
    size_t memory = (size_t)16 << 30;
    std::string fail, engines;
    long fail_at = 0;
    bool fail_on = false;
};

extern std::recursive_mutex standin_lock;
const Settings &standin_settings();

/* Counts the call; whether it is one that has to fail. */
bool standin_fails(const char *call);

/* A use that is undefined. */
[[noreturn]] void standin_abort(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Queues what runs on the device. */
void standin_queue(cudaStream_t s, std::function<void()> work);

/* Ends the program where [p, p + bytes) is not inside one allocation of the device. */
void standin_check(const void *p, size_t bytes, const char *what);

/* Objects that exist. */
extern long standin_objects;

#endif
