/* Memory. An allocation that fails ends the program with status 1: no caller
 * could go on. Sizes that come from input are checked by the reader first. */
#ifndef HP_MEM_H
#define HP_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* All return memory that the caller frees with free(). n * size is checked. */
void *mem_alloc(size_t n, size_t size) __attribute__((warn_unused_result));
void *mem_zero(size_t n, size_t size) __attribute__((warn_unused_result));
void *mem_grow(void *p, size_t n, size_t size) __attribute__((warn_unused_result));
/* A list that grows: p[n], which came from here too or is empty, with room for `need` items. The
 * room is a power of two, so that growing costs no more than filling. */
void *mem_extend(void *p, size_t n, size_t need, size_t size) __attribute__((warn_unused_result));

char *mem_dup(const char *s) __attribute__((warn_unused_result));
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2), warn_unused_result));
char *mem_vprintf(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0), warn_unused_result));

/* n * size bytes on a 64-byte boundary, zeroed. */
void *mem_aligned(size_t n, size_t size) __attribute__((warn_unused_result));

/* The same, not zeroed, for what is read all the time: in large pages where the system
 * has them. */
void *mem_large(size_t n, size_t size) __attribute__((warn_unused_result));

/* Makes sure that `bytes` more can be had, for what ends the program by a signal where they
 * cannot: libraries that are not ours. `what` names it in the message. */
void mem_need(size_t bytes, const char *what);

#endif
