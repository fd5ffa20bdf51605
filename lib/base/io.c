#include "base/io.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

enum { IN_BUFFER = 1 << 17, OUT_BUFFER = 1 << 17, OUT_OPEN = 64 };

/* --- input --- */

struct in {
    int fd;    /* -1 while parked */
    dev_t dev; /* of a regular file, as `ino` */
    ino_t ino;
    int64_t offset; /* where reading goes on, once it has been parked */
    char *name;
    int64_t size;
    size_t pos, end;
    unsigned char *buf;
};

const char *io_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

int in_open(struct in **in, const char *path, struct err *e)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "%s", path);
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    if (!known || S_ISDIR(st.st_mode)) {
        if (known)
            errno = EISDIR;
        err_errno(e, "%s", io_name(path));
        if (!standard)
            close(fd);
        return -1;
    }
    struct in *n = mem_zero(1, sizeof *n);
    n->fd = fd;
    n->name = mem_dup(io_name(path));
    n->size = S_ISREG(st.st_mode) ? st.st_size : -1;
    n->dev = st.st_dev;
    n->ino = st.st_ino;
    n->buf = mem_alloc(IN_BUFFER, 1);
    *in = n;
    return 0;
}

void in_close(struct in *in)
{
    if (!in)
        return;
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    free(in->name);
    free(in->buf);
    free(in);
}

bool in_park(struct in *in, size_t again)
{
    const off_t at = in->size >= 0 && in->fd > STDIN_FILENO ? lseek(in->fd, 0, SEEK_CUR) : -1;
    if (at < 0)
        return false;
    in->offset = at - (off_t)(in->end - in->pos + again);
    in->pos = in->end = 0;
    close(in->fd);
    in->fd = -1;
    free(in->buf);
    in->buf = NULL;
    return true;
}

/* Opens a file again that was parked. */
static int in_unpark(struct in *in, struct err *e)
{
    struct stat st;
    if (in->fd >= 0)
        return 0;
    int fd = open(in->name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "%s", in->name);
    if (fstat(fd, &st) != 0 || lseek(fd, in->offset, SEEK_SET) < 0) {
        err_record_errno(e, "%s", in->name);
        close(fd);
        return -1;
    }
    if (st.st_dev != in->dev || st.st_ino != in->ino || st.st_size != in->size) {
        close(fd);
        return err_set(e, "%s: expected the file that was there before, found another", in->name);
    }
    in->fd = fd;
    in->buf = mem_alloc(IN_BUFFER, 1);
    return 0;
}

const char *in_name(const struct in *in)
{
    return in->name;
}

int64_t in_size(const struct in *in)
{
    return in->size;
}

/* A pipe that holds a byte once waiting has been cancelled; -1 where none could be made. */
static int cancelled[2] = {-1, -1};
static pthread_once_t cancelled_once = PTHREAD_ONCE_INIT;

static void make_cancelled(void)
{
    if (pipe(cancelled) != 0)
        cancelled[0] = cancelled[1] = -1;
    for (int i = 0; i < 2 && cancelled[i] >= 0; i++) {
        fcntl(cancelled[i], F_SETFD, FD_CLOEXEC);
        fcntl(cancelled[i], F_SETFL, O_NONBLOCK);
    }
}

void in_cancel_all(void)
{
    pthread_once(&cancelled_once, make_cancelled);
    while (cancelled[1] >= 0 && write(cancelled[1], "", 1) < 0 && errno == EINTR)
        ;
}

/* Standard output while it is a pipe that is written to, else -1: poll() passes over that. */
static atomic_int piped = -1;

/* Until there is something to be read; -1 where waiting is cancelled, or where nobody reads
 * standard output any more: without input no write would meet that. */
static int in_wait(const struct in *in, struct err *e)
{
    struct pollfd p[] = {{.fd = in->fd, .events = POLLIN}, {.events = POLLIN}, {.events = 0}};
    if (in->size >= 0)
        return 0;
    pthread_once(&cancelled_once, make_cancelled);
    p[1].fd = cancelled[0];
    p[2].fd = atomic_load(&piped);
    while (poll(p, 3, -1) < 0 && errno == EINTR)
        ;
    if (p[0].revents != 0)
        return 0;
    if (p[1].revents != 0)
        return err_set(e, "%s: reading was cancelled", in->name);
    errno = EPIPE;
    return p[2].revents & (POLLERR | POLLHUP) ? err_errno(e, "standard output: write") : 0;
}

static int64_t in_sys(struct in *in, void *buf, size_t n, struct err *e)
{
    ssize_t r;
    if (in_wait(in, e) != 0)
        return -1;
    do
        r = read(in->fd, buf, n);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return err_errno(e, "%s: read", in->name);
    return r;
}

static size_t in_take(struct in *in, void *buf, size_t n)
{
    size_t have = in->end - in->pos;
    if (have > n)
        have = n;
    memcpy(buf, in->buf + in->pos, have);
    in->pos += have;
    return have;
}

int64_t in_some(struct in *in, void *buf, size_t n, struct err *e)
{
    if (in_unpark(in, e) != 0)
        return -1;
    if (in->pos < in->end)
        return (int64_t)in_take(in, buf, n);
    return in_sys(in, buf, n, e);
}

int64_t in_read(struct in *in, void *buf, size_t n, struct err *e)
{
    unsigned char *p = buf;
    if (in_unpark(in, e) != 0)
        return -1;
    size_t got = in_take(in, p, n);
    while (got < n) {
        if (n - got >= IN_BUFFER) {
            int64_t r = in_sys(in, p + got, n - got, e);
            if (r < 0)
                return -1;
            if (r == 0)
                break;
            got += (size_t)r;
            continue;
        }
        int64_t r = in_sys(in, in->buf, IN_BUFFER, e);
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        in->pos = 0;
        in->end = (size_t)r;
        got += in_take(in, p + got, n - got);
    }
    return (int64_t)got;
}

int64_t in_peek(struct in *in, const unsigned char **p, size_t n, struct err *e)
{
    if (in_unpark(in, e) != 0)
        return -1;
    if (in->pos > 0) {
        memmove(in->buf, in->buf + in->pos, in->end - in->pos);
        in->end -= in->pos;
        in->pos = 0;
    }
    while (in->end < n) {
        int64_t r = in_sys(in, in->buf + in->end, IN_BUFFER - in->end, e);
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        in->end += (size_t)r;
    }
    *p = in->buf;
    return (int64_t)(in->end < n ? in->end : n);
}

int in_at(struct in *in, void *buf, size_t n, int64_t offset, struct err *e)
{
    unsigned char *p = buf;
    size_t got = 0;
    if (in_unpark(in, e) != 0)
        return -1;
    while (got < n) {
        ssize_t r = pread(in->fd, p + got, n - got, offset + (int64_t)got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_errno(e, "%s: read", in->name);
        if (r == 0)
            return err_set(e, "%s: expected %zu bytes at offset %lld, found %zu", in->name, n,
                           (long long)offset, got);
        got += (size_t)r;
    }
    return 0;
}

int io_slurp(const char *path, size_t limit, unsigned char **buf, size_t *n, struct err *e)
{
    struct in *in;
    if (in_open(&in, path, e) != 0)
        return -1;
    size_t room = in->size >= 0 ? (size_t)in->size + 1 : IN_BUFFER;
    unsigned char *b = NULL;
    size_t got = 0;
    /* Room for one byte beyond the limit shows that there is more. */
    for (;;) {
        if (room > limit + 1)
            room = limit + 1;
        b = mem_grow(b, room, 1);
        int64_t r = in_read(in, b + got, room - got, e);
        got += r > 0 ? (size_t)r : 0;
        if (r < 0 || got > limit) {
            if (r >= 0)
                err_set(e, "%s: expected at most %zu bytes, found more", in->name, limit);
            free(b);
            in_close(in);
            return -1;
        }
        if (got < room)
            break;
        room += room / 2 + 1;
    }
    in_close(in);
    *buf = b;
    *n = got;
    return 0;
}

int io_occupy(int fd)
{
    /* The wrong end of a pipe: what is written or read there is an error, as if the descriptor
     * were closed. Unlike /dev/null there is one everywhere. */
    int end[2];
    if (pipe(end) != 0)
        return -1;
    int own = end[fd == STDIN_FILENO];
    int r = own == fd ? 0 : dup2(own, fd);
    for (int i = 0; i < 2; i++)
        if (end[i] != fd)
            close(end[i]);
    return r < 0 ? -1 : 0;
}

/* Which regular file a path names, there or yet to be made. */
struct identity {
    dev_t dev;
    ino_t ino;
    char *name; /* in the folder that dev and ino are of; NULL where the file is there */
};

/* False for "-", and for what is no regular file. Caller frees id->name. */
static bool identify(const char *path, struct identity *id)
{
    struct stat st;
    id->name = NULL;
    if (strcmp(path, "-") == 0)
        return false;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode))
        return false;
    if (!there) {
        const char *slash = strrchr(path, '/');
        char *folder = slash ? mem_printf("%.*s", (int)(slash + 1 - path), path) : mem_dup(".");
        bool found = stat(folder, &st) == 0;
        free(folder);
        if (!found)
            return false;
        id->name = mem_dup(slash ? slash + 1 : path);
    }
    id->dev = st.st_dev;
    id->ino = st.st_ino;
    return true;
}

static bool identical(const struct identity *a, const struct identity *b)
{
    return a->dev == b->dev && a->ino == b->ino && !a->name == !b->name &&
           (!a->name || strcmp(a->name, b->name) == 0);
}

bool io_is_stream(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

bool io_same_file(const char *a, const char *b)
{
    struct identity x, y;
    if (!a || !b || !identify(a, &x))
        return false;
    bool same = identify(b, &y) && identical(&x, &y);
    free(x.name);
    free(y.name);
    return same;
}

/* --- output --- */

struct out {
    int fd;
    int slot; /* in `temporary`, or -1 */
    char *name, *path;
    bool patchable, failed, sealed;
    bool standard;      /* output */
    bool regular;       /* a regular file, there or yet to be made */
    struct identity id; /* of it */
    struct out *next;   /* in `open_outs` */
    int64_t start;      /* offset in the file at which this output began */
    size_t used;
    unsigned char *buf;
};

/* All that are open: two outputs to one file would destroy each other. */
static struct out *open_outs;
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

static bool out_same(const struct out *a, const struct out *b)
{
    return (a->standard && b->standard) || (a->regular && b->regular && identical(&a->id, &b->id));
}

/* Lists an output unless another one goes to its file. */
static int out_enter(struct out *o, struct err *e)
{
    pthread_mutex_lock(&open_lock);
    const struct out *other = open_outs;
    while (other && !out_same(o, other))
        other = other->next;
    if (other) {
        err_record(e, "%s: expected a file of its own for each output, found that of %s", o->name,
                   other->name);
    } else {
        o->next = open_outs;
        open_outs = o;
    }
    pthread_mutex_unlock(&open_lock);
    return other ? -1 : 0;
}

static void out_leave(const struct out *o)
{
    pthread_mutex_lock(&open_lock);
    struct out **at = &open_outs;
    while (*at && *at != o)
        at = &(*at)->next;
    if (*at)
        *at = o->next;
    pthread_mutex_unlock(&open_lock);
}

/* Names a signal handler may unlink at any moment. They are never freed: a slot
 * is published by the store to `used` and withdrawn by it. */
static struct {
    atomic_bool used;
    char name[PATH_MAX];
} temporary[OUT_OPEN];
static pthread_mutex_t temporary_lock = PTHREAD_MUTEX_INITIALIZER;

/* Once the program is ending no file is begun: `beginning` counts the threads between
 * looking and listing, which hold signals back. */
static atomic_bool ending;
static atomic_int beginning;

/* The folder of out_folder(): its descriptor, or -1, and its name. */
static atomic_int folder_fd = -1;
static char folder_name[PATH_MAX];

int out_folder(const char *path)
{
    int old = atomic_exchange(&folder_fd, -1);
    if (old >= 0)
        close(old);
    if (!path)
        return 0;
    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof folder_name)
        return -1;
    memcpy(folder_name, path, strlen(path) + 1);
    /* Open from now on: when files cannot be opened any more, this one still goes. */
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    atomic_store(&folder_fd, fd);
    return fd < 0 ? -1 : 0;
}

void out_folder_renamed(const char *path)
{
    int fd = atomic_exchange(&folder_fd, -1);
    if (strlen(path) < sizeof folder_name)
        memcpy(folder_name, path, strlen(path) + 1);
    atomic_store(&folder_fd, fd);
}

/* With the files in it, by system calls alone: opendir() takes memory, which a signal may have
 * interrupted. Systems but Linux have no such call, and there the folder stays. */
static void remove_folder(int fd)
{
#ifdef __linux__
    struct {
        uint64_t ino;
        int64_t off;
        uint16_t size;
        uint8_t type;
        char name[];
    } * f;
    _Alignas(8) char buf[4096];
    lseek(fd, 0, SEEK_SET);
    for (long n; (n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0;)
        for (long at = 0; at < n; at += f->size) {
            f = (void *)(buf + at);
            unlinkat(fd, f->name, 0);
        }
#else
    (void)fd;
#endif
    rmdir(folder_name);
}

void out_abort_all(void)
{
    atomic_store(&ending, true);
    while (atomic_load(&beginning) > 0)
        sched_yield();
    for (int i = 0; i < OUT_OPEN; i++)
        if (atomic_load(&temporary[i].used))
            unlink(temporary[i].name);
    int fd = atomic_load(&folder_fd);
    if (fd >= 0)
        remove_folder(fd);
}

/* Creates a file under a name of its own and lists it; its slot, or -1 and errno. */
static int temporary_begin(const char *path, int *fd)
{
    static unsigned serial;
    int slot = 0;
    while (slot < OUT_OPEN && atomic_load(&temporary[slot].used))
        slot++;
    errno = EMFILE;
    if (slot == OUT_OPEN)
        return -1;
    char *name = temporary[slot].name;
    for (int tries = 0; tries < 100; tries++) {
        int n = snprintf(name, PATH_MAX, "%s.tmp-%ld-%u", path, (long)getpid(), serial++);
        errno = ENAMETOOLONG;
        if (n >= PATH_MAX)
            return -1;
        *fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0) {
            atomic_store(&temporary[slot].used, true);
            return slot;
        }
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

static int temporary_open(struct out *o, struct err *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_mutex_lock(&temporary_lock);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_fetch_add(&beginning, 1);
    errno = ECANCELED;
    o->slot = atomic_load(&ending) ? -1 : temporary_begin(o->path, &o->fd);
    int code = errno;
    atomic_fetch_sub(&beginning, 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_unlock(&temporary_lock);
    errno = code;
    if (o->slot < 0)
        return err_errno(e, "%s", o->path);
    o->patchable = true;
    return 0;
}

static void out_free(struct out *o)
{
    out_leave(o);
    if (o->standard)
        atomic_store(&piped, -1);
    if (o->slot >= 0)
        atomic_store(&temporary[o->slot].used, false);
    free(o->id.name);
    free(o->name);
    free(o->path);
    free(o->buf);
    free(o);
}

static int standard_open(struct out *o, struct err *e)
{
    struct stat st;
    o->fd = STDOUT_FILENO;
    int flags = fcntl(o->fd, F_GETFL);
    if (flags < 0 || fstat(o->fd, &st) != 0)
        return err_errno(e, "%s", o->name);
    /* As where there is none: see io_occupy(). */
    errno = EBADF;
    if ((flags & O_ACCMODE) == O_RDONLY)
        return err_errno(e, "%s", o->name);
    if (S_ISFIFO(st.st_mode))
        atomic_store(&piped, o->fd);
    if (!S_ISREG(st.st_mode))
        return 0;
    o->regular = true;
    o->id = (struct identity){.dev = st.st_dev, .ino = st.st_ino};
    if (flags & O_APPEND)
        return 0;
    o->start = lseek(o->fd, 0, SEEK_CUR);
    o->patchable = true;
    return o->start < 0 ? err_errno(e, "%s", o->name) : 0;
}

static int path_open(struct out *o, const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        if (!S_ISREG(st.st_mode)) {
            o->fd = open(path, O_WRONLY | O_CLOEXEC);
            return o->fd < 0 ? err_errno(e, "%s", path) : 0;
        }
        /* A link keeps pointing: what it names is replaced, not the link. */
        o->path = realpath(path, NULL);
    } else if (errno == ENOENT) {
        o->path = mem_dup(path);
    }
    if (!o->path)
        return err_errno(e, "%s", path);
    o->regular = identify(o->path, &o->id);
    return 0;
}

int out_open(struct out **out, const char *path, struct err *e)
{
    struct out *o = mem_zero(1, sizeof *o);
    o->slot = -1;
    o->fd = -1;
    o->standard = strcmp(path, "-") == 0;
    o->name = mem_dup(o->standard ? "standard output" : path);
    if ((o->standard ? standard_open(o, e) : path_open(o, path, e)) != 0 || out_enter(o, e) != 0 ||
        (o->path && temporary_open(o, e) != 0)) {
        out_free(o);
        return -1;
    }
    o->buf = mem_alloc(OUT_BUFFER, 1);
    *out = o;
    return 0;
}

const char *out_name(const struct out *out)
{
    return out->name;
}

static int out_sys(struct out *o, const void *buf, size_t n, struct err *e)
{
    const unsigned char *p = buf;
    while (n > 0) {
        ssize_t r = write(o->fd, p, n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0) {
            o->failed = true;
            return err_errno(e, "%s: write", o->name);
        }
        p += r;
        n -= (size_t)r;
    }
    return 0;
}

int out_flush(struct out *o, struct err *e)
{
    size_t n = o->used;
    o->used = 0;
    return out_sys(o, o->buf, n, e);
}

int out_write(struct out *o, const void *buf, size_t n, struct err *e)
{
    if (n >= OUT_BUFFER - o->used) {
        if (out_flush(o, e) != 0)
            return -1;
        if (n >= OUT_BUFFER)
            return out_sys(o, buf, n, e);
    }
    memcpy(o->buf + o->used, buf, n);
    o->used += n;
    return 0;
}

int out_printf(struct out *o, struct err *e, const char *fmt, ...)
{
    char small[1024];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    int r;
    if (n < 0) {
        r = err_errno(e, "%s: write", o->name);
    } else if ((size_t)n < sizeof small) {
        r = out_write(o, small, (size_t)n, e);
    } else {
        char *big = mem_alloc((size_t)n + 1, 1);
        vsnprintf(big, (size_t)n + 1, fmt, again);
        r = out_write(o, big, (size_t)n, e);
        free(big);
    }
    va_end(again);
    va_end(ap);
    return r;
}

int out_patchable(const struct out *o)
{
    return o->patchable;
}

int out_patch(struct out *o, const void *buf, size_t n, int64_t offset, struct err *e)
{
    if (out_flush(o, e) != 0)
        return -1;
    const unsigned char *p = buf;
    while (n > 0) {
        ssize_t r = pwrite(o->fd, p, n, o->start + offset);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0) {
            o->failed = true;
            return err_errno(e, "%s: write", o->name);
        }
        p += r;
        offset += r;
        n -= (size_t)r;
    }
    return 0;
}

/* Nothing is left to do then but to rename; on failure the output is still open. */
static int out_seal(struct out *o, struct err *e)
{
    if (o->sealed)
        return 0;
    if (out_flush(o, e) != 0 || o->failed)
        return -1;
    /* close reports what a network file system could not write; standard output is
     * closed for the same reason, but its number must become no other file's. */
    int fd = o->fd;
    o->fd = -1;
    if (o->standard)
        atomic_store(&piped, -1);
    if (o->standard &&
        ((fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0 || io_occupy(STDOUT_FILENO) != 0))
        return err_errno(e, "%s", o->name);
    if (close(fd) != 0)
        return err_errno(e, "%s: close", o->name);
    o->sealed = true;
    return 0;
}

static int out_rename(struct out *o, struct err *e)
{
    if (o->slot < 0)
        return 0;
    if (rename(temporary[o->slot].name, o->path) != 0)
        return err_errno(e, "%s", o->path);
    atomic_store(&temporary[o->slot].used, false);
    o->slot = -1;
    return 0;
}

int out_close_all(struct out *const *o, int n, struct err *e)
{
    int r = 0, named = 0;
    for (int i = 0; i < n && r == 0; i++)
        r = o[i] ? out_seal(o[i], e) : 0;
    while (r == 0 && named < n) {
        r = o[named] ? out_rename(o[named], e) : 0;
        named += r == 0;
    }
    for (int i = 0; i < n; i++) {
        if (r != 0 && i < named && o[i] && o[i]->path)
            unlink(o[i]->path);
        out_abort(o[i]);
    }
    return r;
}

int out_close(struct out *o, struct err *e)
{
    return out_close_all(&o, 1, e);
}

void out_abort(struct out *o)
{
    if (!o)
        return;
    if (o->fd > STDERR_FILENO)
        close(o->fd);
    if (o->slot >= 0)
        unlink(temporary[o->slot].name);
    out_free(o);
}
