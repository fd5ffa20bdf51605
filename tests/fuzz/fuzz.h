/* What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput; with
 * driver.c it replays files, with -fsanitize=fuzzer it looks for new ones. */
#ifndef HP_FUZZ_H
#define HP_FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { FUZZ_FILES = 2 };

static inline int fuzz_fd(int which, const uint8_t *p, size_t n)
{
    static int fd[FUZZ_FILES] = {-1, -1};
    if (fd[which] < 0)
        fd[which] = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd[which] < 0 || ftruncate(fd[which], 0) != 0 || pwrite(fd[which], p, n, 0) != (ssize_t)n ||
        lseek(fd[which], 0, SEEK_SET) != 0) {
        perror("memfd");
        abort();
    }
    return fd[which];
}

/* The bytes as a file in memory; its name holds until the next call for `which`. */
static inline const char *fuzz_file(int which, const uint8_t *p, size_t n)
{
    static char name[FUZZ_FILES][64];
    snprintf(name[which], sizeof name[which], "/proc/self/fd/%d", fuzz_fd(which, p, n));
    return name[which];
}

/* The bytes on standard input, which readers call "-". */
static inline const char *fuzz_input(const uint8_t *p, size_t n)
{
    if (dup2(fuzz_fd(0, p, n), STDIN_FILENO) != STDIN_FILENO)
        abort();
    return "-";
}

/* Reads every byte, so that the sanitizers see each access. */
static inline void fuzz_touch(const void *p, size_t n)
{
    static volatile unsigned char sink;
    const unsigned char *b = p;
    unsigned char sum = 0;
    for (size_t i = 0; i < n; i++)
        sum ^= b[i];
    sink = sum;
    (void)sink;
}

/* Little-endian numbers of the containers that targets build. */
static inline void fuzz_put(uint8_t *p, uint64_t v, int width)
{
    for (int i = 0; i < width; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

#endif
