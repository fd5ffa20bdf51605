/* Makes one call of a function of libc fail: preloaded into a program, linked into none.
 *
 *   FAULT_CALL   the name of the function: read, open, malloc, ...
 *   FAULT_AT     the call that fails, from 1; with a "+" behind it, every one from
 *                there on; 0: none, all are counted
 *   FAULT_HOW    "error" (as the table says; the default), "short" (one byte at most is
 *                read or written), "eintr" (interrupted before anything was done)
 *   FAULT_FROM   whose calls count: "program" (the default) or a part of a library's
 *                file name, such as "libpng"
 *   FAULT_COUNT  a file that gets the number of calls when main has returned
 *
 * Calls are told by the address that they return to. Those of other libraries are left
 * alone unless named, because a failure inside one is not always its caller's to see:
 * GLib, for one, ends a program that is out of memory, and Pango draws without the font
 * that Fontconfig could not read. What libc does on behalf of a function that is listed
 * here (the buffers of vasprintf, the stack of a thread) counts as that function.
 * Calls before main and behind its end do not count. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum how { HOW_ERROR, HOW_SHORT, HOW_EINTR };
enum verdict { PASS, FAIL, SHORT };

enum { RANGES = 64 };

static struct {
    char call[32], from[64];
    long at;
    bool onwards;
    enum how how;
    struct {
        uintptr_t begin, end;
    } range[RANGES]; /* of the code whose calls count */
    int ranges;
    bool ready;
    atomic_bool inside; /* main */
    atomic_long count;
} fault;

static int add_object(struct dl_phdr_info *info, size_t size, void *first)
{
    bool program = *(bool *)first;
    (void)size;
    *(bool *)first = false;
    bool wanted =
        strcmp(fault.from, "program") == 0 ? program : strstr(info->dlpi_name, fault.from) != NULL;
    for (int i = 0; wanted && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || fault.ranges == RANGES)
            continue;
        fault.range[fault.ranges].begin = info->dlpi_addr + p->p_vaddr;
        fault.range[fault.ranges++].end = info->dlpi_addr + p->p_vaddr + p->p_memsz;
    }
    return 0;
}

static void prepare(void)
{
    const char *call = getenv("FAULT_CALL"), *at = getenv("FAULT_AT");
    const char *how = getenv("FAULT_HOW"), *from = getenv("FAULT_FROM");
    if (!call)
        return;
    snprintf(fault.call, sizeof fault.call, "%s", call);
    snprintf(fault.from, sizeof fault.from, "%s", from ? from : "program");
    fault.at = at ? strtol(at, NULL, 10) : 0;
    fault.onwards = at && strchr(at, '+');
    fault.how = how && strcmp(how, "short") == 0   ? HOW_SHORT
                : how && strcmp(how, "eintr") == 0 ? HOW_EINTR
                                                   : HOW_ERROR;
    bool first = true;
    dl_iterate_phdr(add_object, &first);
    fault.ready = true;
}

/* Counts the call; what is to become of it. */
static enum verdict judge(const char *call, const void *back)
{
    if (!fault.ready || !atomic_load(&fault.inside) || strcmp(call, fault.call) != 0)
        return PASS;
    uintptr_t to = (uintptr_t)back;
    bool counts = false;
    for (int i = 0; i < fault.ranges && !counts; i++)
        counts = to >= fault.range[i].begin && to < fault.range[i].end;
    if (!counts)
        return PASS;
    long n = atomic_fetch_add(&fault.count, 1) + 1;
    /* An interrupted call is made again: every second one goes through. */
    if (fault.at == 0 || (fault.onwards ? n < fault.at : n != fault.at) ||
        (fault.how == HOW_EINTR && fault.onwards && (n - fault.at) % 2 == 1))
        return PASS;
    return fault.how == HOW_SHORT ? SHORT : FAIL;
}

static int broken(int code)
{
    errno = fault.how == HOW_EINTR ? EINTR : code;
    return -1;
}

/* --- main, between a beginning and an end --- */

static int (*program_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **env)
{
    prepare();
    atomic_store(&fault.inside, true);
    int r = program_main(argc, argv, env);
    atomic_store(&fault.inside, false);
    const char *file = getenv("FAULT_COUNT");
    FILE *f = file ? fopen(file, "w") : NULL;
    if (f) {
        fprintf(f, "%ld\n", atomic_load(&fault.count));
        fclose(f);
    }
    return r;
}

/* libc's own function of that name, into a pointer to it. */
static void real(const char *name, void *next)
{
    void *p = dlsym(RTLD_NEXT, name);
    if (!p)
        abort();
    memcpy(next, &p, sizeof p);
}

/* The declaration is libc's own, which no header gives. */
int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    int (*next)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                void (*)(void), void *);
    real("__libc_start_main", &next);
    program_main = run;
    return next(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

/* --- functions that fail with -1 and errno --- */

/* A list of parameters takes no parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define WRAP(ret, name, params, args, code)                                                        \
    ret name params                                                                                \
    {                                                                                              \
        static ret(*next) params;                                                                  \
        if (!next)                                                                                 \
            real(#name, &next);                                                                    \
        if (judge(#name, __builtin_return_address(0)) != PASS)                                     \
            return (ret)broken(code);                                                              \
        return next args;                                                                          \
    }

/* The same where fewer bytes than asked for can be moved. */
#define WRAP_BYTES(name, params, args, short_args, n, code)                                        \
    ssize_t name params                                                                            \
    {                                                                                              \
        static ssize_t(*next) params;                                                              \
        if (!next)                                                                                 \
            real(#name, &next);                                                                    \
        enum verdict v = judge(#name, __builtin_return_address(0));                                \
        if (v == FAIL)                                                                             \
            return broken(code);                                                                   \
        return v == SHORT && (n) > 1 ? next short_args : next args;                                \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

WRAP_BYTES(read, (int fd, void *b, size_t n), (fd, b, n), (fd, b, 1), n, EIO)
WRAP_BYTES(pread, (int fd, void *b, size_t n, off_t at), (fd, b, n, at), (fd, b, 1, at), n, EIO)
WRAP_BYTES(write, (int fd, const void *b, size_t n), (fd, b, n), (fd, b, 1), n, ENOSPC)
WRAP_BYTES(pwrite, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at), (fd, b, 1, at), n,
           ENOSPC)

WRAP(int, rename, (const char *from, const char *to), (from, to), EIO)
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), EIO)
WRAP(off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence), EIO)
WRAP(int, stat, (const char *path, struct stat *st), (path, st), EIO)
WRAP(int, lstat, (const char *path, struct stat *st), (path, st), EIO)
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), EIO)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), EACCES)
WRAP(int, munmap, (void *p, size_t n), (p, n), ENOMEM)
WRAP(int, madvise, (void *p, size_t n, int how), (p, n, how), EINVAL)
WRAP(int, fsync, (int fd), (fd), EIO)
WRAP(int, sched_getaffinity, (pid_t pid, size_t n, cpu_set_t *set), (pid, n, set), EINVAL)

/* The file is closed whatever close says. */
int close(int fd)
{
    static int (*next)(int);
    if (!next)
        real("close", &next);
    enum verdict v = judge("close", __builtin_return_address(0));
    int r = next(fd);
    return v == PASS ? r : broken(EIO);
}

int open(const char *path, int flags, ...)
{
    static int (*next)(const char *, int, ...);
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    if (!next)
        real("open", &next);
    if (judge("open", __builtin_return_address(0)) != PASS)
        return broken(EMFILE);
    return next(path, flags, mode);
}

int fcntl(int fd, int what, ...)
{
    static int (*next)(int, int, ...);
    va_list ap;
    va_start(ap, what);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (!next)
        real("fcntl", &next);
    if (judge("fcntl", __builtin_return_address(0)) != PASS)
        return broken(EINVAL);
    return next(fd, what, arg);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    static void *(*next)(void *, size_t, int, int, int, off_t);
    if (!next)
        real("mmap", &next);
    if (judge("mmap", __builtin_return_address(0)) != PASS) {
        broken(ENOMEM);
        return MAP_FAILED;
    }
    return next(at, n, prot, flags, fd, offset);
}

char *realpath(const char *path, char *to)
{
    static char *(*next)(const char *, char *);
    if (!next)
        real("realpath", &next);
    if (judge("realpath", __builtin_return_address(0)) != PASS) {
        broken(ENOMEM);
        return NULL;
    }
    return next(path, to);
}

int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!next)
        real("pthread_create", &next);
    return judge("pthread_create", __builtin_return_address(0)) != PASS ? EAGAIN
                                                                        : next(t, attr, run, arg);
}

int vasprintf(char **s, const char *fmt, va_list ap)
{
    static int (*next)(char **, const char *, va_list);
    if (!next)
        real("vasprintf", &next);
    if (judge("vasprintf", __builtin_return_address(0)) != PASS)
        return broken(ENOMEM);
    return next(s, fmt, ap);
}

/* --- memory: one name for all of it --- */

/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define WRAP_MEMORY(name, params, args)                                                            \
    void *name params                                                                              \
    {                                                                                              \
        static void *(*next)params;                                                                \
        if (!next)                                                                                 \
            real(#name, &next);                                                                    \
        if (judge("malloc", __builtin_return_address(0)) != PASS) {                                \
            errno = ENOMEM;                                                                        \
            return NULL;                                                                           \
        }                                                                                          \
        return next args;                                                                          \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

WRAP_MEMORY(malloc, (size_t n), (n))
WRAP_MEMORY(calloc, (size_t n, size_t size), (n, size))
WRAP_MEMORY(realloc, (void *p, size_t n), (p, n))
WRAP_MEMORY(aligned_alloc, (size_t to, size_t n), (to, n))

int posix_memalign(void **p, size_t to, size_t n)
{
    static int (*next)(void **, size_t, size_t);
    if (!next)
        real("posix_memalign", &next);
    return judge("malloc", __builtin_return_address(0)) != PASS ? ENOMEM : next(p, to, n);
}
