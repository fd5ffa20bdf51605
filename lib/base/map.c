#include "base/map.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAP_CHUNK = 1 << 16 };

int map_rest(struct map *m, struct in *in, size_t limit, struct err *e)
{
    unsigned char *b = NULL;
    size_t n = 0, room = 0;
    for (;;) {
        if (room - n < MAP_CHUNK) {
            room = 2 * room + MAP_CHUNK;
            b = mem_grow(b, room, 1);
        }
        int64_t r = in_some(in, b + n, room - n, e);
        if (r == 0)
            break;
        n += r > 0 ? (size_t)r : 0;
        if (r > 0 && n <= limit)
            continue;
        if (r > 0)
            err_record(e, "%s: expected at most %zu bytes, found more", in_name(in), limit);
        free(b);
        return -1;
    }
    *m = (struct map){b, n, false};
    return 0;
}

int map_open(struct map *m, const char *path, size_t limit, struct err *e)
{
    struct stat st;
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_errno(e, "%s", path);
        size_t n = (size_t)st.st_size;
        void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        if (p != MAP_FAILED) {
            *m = (struct map){p, n, true};
            return 0;
        }
    }
    struct in *in;
    if (in_open(&in, path, e) != 0)
        return -1;
    int r = map_rest(m, in, limit, e);
    in_close(in);
    return r;
}

/* The folder of a file, as a descriptor; -1 and errno. */
static int open_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? mem_printf("%.*s/", (int)(slash - path), path) : mem_dup(".");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    return fd;
}

/* All is asked of the open file, which nobody can put another one in the place of. */
static int check_beside(int fd, const char *name, size_t limit, size_t *n, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(e, "%s", name);
    if (!S_ISREG(st.st_mode))
        return err_set(e, "%s: expected a regular file, found another kind", name);
    if (st.st_nlink != 1)
        return err_set(e,
                       "%s: expected a file of one name, found one with %lld hard links, which may "
                       "be any file: copy it",
                       name, (long long)st.st_nlink);
    if ((uint64_t)st.st_size > limit)
        return err_set(e, "%s: expected at most %zu bytes, found more", name, limit);
    *n = (size_t)st.st_size;
    return 0;
}

static int map_descriptor(struct map *m, int fd, const char *name, size_t n, struct err *e)
{
    if (n == 0) {
        *m = (struct map){mem_alloc(1, 1), 0, false};
        return 0;
    }
    void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(e, "%s", name);
    *m = (struct map){p, n, true};
    return 0;
}

int map_beside(struct map *m, const char *path, const char *name, size_t limit, struct err *e)
{
    size_t n;
    if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(e, "'%.200s': expected the plain name of a file in the same folder", name);
    const int folder = open_folder(path);
    /* A pipe is opened without waiting for its other end. */
    const int fd =
        folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int r = fd >= 0 ? 0
            : errno == ELOOP
                ? err_set(e, "%s: expected a regular file, found a symbolic link", name)
                : err_errno(e, "%s", name);
    if (folder >= 0)
        close(folder);
    if (fd < 0)
        return r;
    r = check_beside(fd, name, limit, &n, e) != 0 ? -1 : map_descriptor(m, fd, name, n, e);
    close(fd);
    return r;
}

void map_close(struct map *m)
{
    if (m->mapped)
        munmap((void *)m->p, m->n);
    else
        free((void *)m->p);
    *m = (struct map){0};
}
