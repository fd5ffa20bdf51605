#include "base/mem.h"

#include "base/prog.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t mem_product(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX)
        prog_die(PROG_ERROR, "out of memory: %zu items of %zu bytes", n, size);
    return bytes ? bytes : 1;
}

static void *mem_check(void *p, size_t bytes)
{
    if (!p)
        prog_die(PROG_ERROR, "out of memory: %zu bytes", bytes);
    return p;
}

void *mem_alloc(size_t n, size_t size)
{
    size_t bytes = mem_product(n, size);
    return mem_check(malloc(bytes), bytes);
}

void *mem_zero(size_t n, size_t size)
{
    size_t bytes = mem_product(n, size);
    return mem_check(calloc(1, bytes), bytes);
}

void *mem_grow(void *p, size_t n, size_t size)
{
    size_t bytes = mem_product(n, size);
    return mem_check(realloc(p, bytes), bytes);
}

/* Of a list of n items. */
static size_t room_for(size_t n)
{
    size_t room = n ? 8 : 0;
    while (room < n)
        room *= 2;
    return room;
}

void *mem_extend(void *p, size_t n, size_t need, size_t size)
{
    return need <= room_for(n) ? p : mem_grow(p, room_for(need), size);
}

char *mem_dup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(mem_alloc(n, 1), s, n);
}

char *mem_vprintf(const char *fmt, va_list ap)
{
    char *s = NULL;
    if (vasprintf(&s, fmt, ap) < 0)
        prog_die(PROG_ERROR, "out of memory: a text");
    return s;
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = mem_vprintf(fmt, ap);
    va_end(ap);
    return s;
}

void *mem_aligned(size_t n, size_t size)
{
    size_t bytes = mem_product(n, size);
    size_t padded = (bytes + 63) & ~(size_t)63;
    void *p = mem_check(aligned_alloc(64, padded), bytes);
    return memset(p, 0, padded);
}

void *mem_large(size_t n, size_t size)
{
    enum { PAGE = 2 << 20 };
    size_t bytes = mem_product(n, size), page = bytes < PAGE ? 64 : PAGE;
    size_t padded = (bytes + page - 1) / page * page;
    void *p = mem_check(aligned_alloc(page, padded), bytes);
#ifdef MADV_HUGEPAGE
    if (page == PAGE)
        madvise(p, padded, MADV_HUGEPAGE);
#endif
    return p;
}

void mem_need(size_t bytes, const char *what)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        prog_die(PROG_ERROR, "out of memory: %zu MB for %s", bytes >> 20, what);
    munmap(p, bytes);
}
