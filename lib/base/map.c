#include "base/map.h"

#include "base/mem.h"

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

void map_close(struct map *m)
{
    if (m->mapped)
        munmap((void *)m->p, m->n);
    else
        free((void *)m->p);
    *m = (struct map){0};
}
