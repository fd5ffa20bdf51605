#include "data/inputs.h"

#include "base/mem.h"
#include "stream/tsv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef __APPLE__ /* POSIX's names are not there */
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

void inputs_add(struct inputs *in, const char *path)
{
    if (!in || !path || strcmp(path, "-") == 0)
        return;
    in->path = mem_extend(in->path, in->n, in->n + 1, sizeof *in->path);
    in->path[in->n++] = mem_dup(path);
}

void inputs_free(struct inputs *in)
{
    for (size_t i = 0; i < in->n; i++)
        free(in->path[i]);
    free(in->path);
    *in = (struct inputs){0};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A double would lose what follows the microseconds. */
static void put_time(struct tsv_out *t, const struct timespec *time)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%lld.%09ld", (long long)time->tv_sec, time->tv_nsec);
    tsv_put_raw(t, text, (size_t)n);
}

static int put_file(struct tsv_out *t, const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_errno(e, "%s", path);
    tsv_put_string(t, path);
    tsv_put_int(t, st.st_size);
    put_time(t, &st.st_mtim);
    tsv_put_int(t, (int64_t)st.st_ino);
    put_time(t, &st.st_ctim);
    return tsv_end(t, e);
}

int inputs_write(const struct inputs *in, struct out *o, struct err *e)
{
    if (in->n > 0)
        qsort(in->path, in->n, sizeof *in->path, by_bytes);
    struct tsv_out *t = tsv_begin(o, "path size mtime inode ctime");
    int r = 0;
    for (size_t i = 0; i < in->n && r == 0; i++)
        if (i == 0 || strcmp(in->path[i - 1], in->path[i]) != 0)
            r = put_file(t, in->path[i], e);
    tsv_free(t);
    return r;
}
