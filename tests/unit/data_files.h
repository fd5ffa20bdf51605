/* Files for tests of readers: made below $TMPDIR, named relative to it. */
#ifndef HP_DATA_FILES_H
#define HP_DATA_FILES_H

#include "base/io.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Goes to a new folder below $TMPDIR; `golden` is then the way to a folder of
 * tests/golden. */
static char golden_root[4096];

static inline void files_begin(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = mem_printf("%s/hp-XXXXXX", tmp ? tmp : "/tmp");
    if (!getcwd(golden_root, sizeof golden_root) || !mkdtemp(dir) || chdir(dir) != 0) {
        perror(dir);
        exit(1);
    }
    free(dir);
}

static inline void files_end(void)
{
    char here[4096];
    if (getcwd(here, sizeof here) && chdir(golden_root) == 0)
        rmdir(here);
}

static inline void file_put(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(name, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) {
        perror(name);
        exit(1);
    }
}

static inline void file_text(const char *name, const char *text)
{
    file_put(name, text, strlen(text));
}

/* The same as a file in memory, for loops over thousands; returns its name. */
static inline const char *memory_put(const void *bytes, size_t n)
{
    static char name[64];
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("test", 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes, n, 0) != (ssize_t)n) {
        perror(name);
        exit(1);
    }
    return name;
}

/* A golden file's bytes; caller frees. */
static inline unsigned char *golden_get(const char *name, size_t *n)
{
    struct err e;
    unsigned char *b;
    char *path = mem_printf("%s/tests/golden/%s", golden_root, name);
    if (io_slurp(path, 1 << 20, &b, n, &e) != 0) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    free(path);
    return b;
}

/* A copy of a golden file under another name here. */
static inline void golden_put(const char *name, const char *as)
{
    size_t n;
    unsigned char *b = golden_get(name, &n);
    file_put(as, b, n);
    free(b);
}

/* xorshift64: the same numbers everywhere. */
static inline uint64_t file_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

/* Damages bytes as a fuzzer would: flips, special values, cuts, blocks moved. */
static inline size_t file_damage(unsigned char *b, size_t n, uint64_t *state)
{
    static const unsigned char special[] = {0, 1, 0x7f, 0x80, 0xff, '.', '(', 'R', 'q', 'h'};
    unsigned times = 1 + (unsigned)(file_random(state) % 4);
    while (times-- > 0 && n > 0) {
        uint64_t r = file_random(state);
        size_t at = (size_t)(file_random(state) % n);
        switch (r % 8) {
        case 0:
            n = at;
            break;
        case 1: {
            size_t from = (size_t)(file_random(state) % n);
            size_t len = (size_t)(file_random(state) % 32);
            len = len < n - from ? len : n - from;
            len = len < n - at ? len : n - at;
            memmove(b + at, b + from, len);
            break;
        }
        case 2:
        case 3:
            b[at] = special[(r >> 8) % sizeof special];
            break;
        case 4:
            b[at] = (unsigned char)(r >> 8);
            break;
        default:
            b[at] ^= (unsigned char)(1 << (r >> 8) % 8);
            break;
        }
    }
    return n;
}

#endif
