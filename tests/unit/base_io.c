/* Files appear under their name only when complete. */
#include "check.h"

#include "base/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[200];

/* Files in the folder. */
static int files(void)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *f; (f = readdir(d));)
        n += f->d_name[0] != '.';
    closedir(d);
    return n;
}

static bool holds(const char *path, const char *text)
{
    struct err e;
    unsigned char *b = NULL;
    size_t n = 0;
    if (io_slurp(path, 100, &b, &n, &e) != 0)
        return false;
    bool same = n == strlen(text) && memcmp(b, text, n) == 0;
    free(b);
    return same;
}

static void test_atomic(void)
{
    struct err e;
    struct out *o = NULL;
    char path[256];
    snprintf(path, sizeof path, "%s/a", dir);
    CHECK(out_open(&o, path, &e) == 0);
    CHECK(out_printf(o, &e, "%s", "first") == 0);
    CHECK(access(path, F_OK) != 0);
    CHECK(out_close(o, &e) == 0);
    CHECK(holds(path, "first") && files() == 1);

    CHECK(out_open(&o, path, &e) == 0);
    CHECK(out_write(o, "second", 6, &e) == 0 && out_flush(o, &e) == 0);
    CHECK(holds(path, "first") && files() == 2);
    out_abort(o);
    CHECK(holds(path, "first") && files() == 1);

    /* The end of a program: what is begun is removed, and nothing more can be. */
    pid_t child = fork();
    if (child == 0) {
        struct out *next = NULL;
        bool good =
            out_open(&o, path, &e) == 0 && out_write(o, "third", 5, &e) == 0 && files() == 2;
        out_abort_all();
        _exit(!(good && files() == 1 && out_open(&next, path, &e) == -1 && files() == 1));
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(holds(path, "first") && files() == 1);

    CHECK(out_open(&o, path, &e) == 0);
    CHECK(out_write(o, "0123456789", 10, &e) == 0);
    CHECK(out_patchable(o) && out_patch(o, "ab", 2, 4, &e) == 0);
    CHECK(out_close(o, &e) == 0 && holds(path, "0123ab6789"));
    unlink(path);
}

/* Several files get their names together or not at all. */
static void test_together(void)
{
    struct err e;
    struct out *o[3] = {NULL, NULL, NULL};
    char a[256], b[256];
    snprintf(a, sizeof a, "%s/a", dir);
    snprintf(b, sizeof b, "%s/b", dir);
    CHECK(out_open(&o[0], a, &e) == 0 && out_open(&o[2], b, &e) == 0);
    CHECK(out_printf(o[0], &e, "one") == 0 && out_printf(o[2], &e, "two") == 0);
    CHECK(out_close_all(o, 3, &e) == 0 && holds(a, "one") && holds(b, "two"));

    /* A folder has come in the way of the second name. */
    unlink(a);
    unlink(b);
    CHECK(out_open(&o[0], a, &e) == 0 && out_open(&o[2], b, &e) == 0);
    CHECK(mkdir(b, 0777) == 0);
    CHECK(out_close_all(o, 3, &e) == -1 && strstr(e.msg, "/b: Is a directory"));
    CHECK(rmdir(b) == 0 && files() == 0);
}

/* What a link names is replaced, not the link. */
static void test_link(void)
{
    struct err e;
    struct out *o = NULL;
    char path[256], link[256];
    snprintf(path, sizeof path, "%s/target", dir);
    snprintf(link, sizeof link, "%s/link", dir);
    CHECK(out_open(&o, path, &e) == 0 && out_close(o, &e) == 0);
    CHECK(symlink("target", link) == 0);
    CHECK(out_open(&o, link, &e) == 0 && out_write(o, "x", 1, &e) == 0 && out_close(o, &e) == 0);
    struct stat st;
    CHECK(lstat(link, &st) == 0 && S_ISLNK(st.st_mode) && holds(path, "x"));
    unlink(link);
    unlink(path);
}

/* Two outputs to one file are refused under whatever names, and while both are open. */
static void test_one_file(void)
{
    struct err e;
    struct out *a = NULL, *b = NULL;
    char path[256], other[300], hard[256];
    snprintf(path, sizeof path, "%s/one", dir);
    snprintf(other, sizeof other, "%s/../%s/one", dir, strrchr(dir, '/') + 1);
    snprintf(hard, sizeof hard, "%s/hard", dir);
    for (int there = 0; there < 2; there++) {
        CHECK(out_open(&a, path, &e) == 0);
        CHECK(out_open(&b, path, &e) == -1 && out_open(&b, other, &e) == -1);
        CHECK(strstr(e.msg, "expected a file of its own for each output, found that of"));
        CHECK(out_open(&b, hard, &e) == (there ? -1 : 0));
        if (!there)
            out_abort(b);
        CHECK(files() == 1 + 2 * there);
        CHECK(out_close(a, &e) == 0);
        CHECK(there || link(path, hard) == 0);
    }
    /* What is no regular file takes any number. */
    CHECK(out_open(&a, "/dev/null", &e) == 0 && out_open(&b, "/dev/null", &e) == 0);
    CHECK(out_close(a, &e) == 0 && out_close(b, &e) == 0);
    CHECK(out_open(&a, path, &e) == 0);
    out_abort(a);
    CHECK(out_open(&a, path, &e) == 0 && out_close(a, &e) == 0);
    unlink(path);
    unlink(hard);

    /* Standard output is one of them; once closed it gives its number to no file. */
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_WRONLY | O_CREAT, 0666);
        bool good = dup2(fd, STDOUT_FILENO) >= 0 && out_open(&a, "-", &e) == 0 &&
                    out_open(&b, path, &e) == -1 && out_open(&b, "-", &e) == -1 &&
                    out_write(a, "words", 5, &e) == 0 && out_close(a, &e) == 0 &&
                    open(path, O_RDONLY) > STDERR_FILENO && write(STDOUT_FILENO, "x", 1) == -1 &&
                    out_open(&b, "-", &e) == -1;
        _exit(!good);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(holds(path, "words"));
    unlink(path);
}

static void test_failures(void)
{
    struct err e;
    struct out *o = NULL;
    char path[256];
    snprintf(path, sizeof path, "%s/none/a", dir);
    CHECK(out_open(&o, path, &e) == -1);
    CHECK(strstr(e.msg, "/none/a: No such file or directory"));
    CHECK(out_open(&o, "/dev/full", &e) == 0 && out_write(o, "x", 1, &e) == 0);
    CHECK(out_close(o, &e) == -1);
    CHECK_STR(e.msg, "/dev/full: write: No space left on device");
    struct in *in = NULL;
    CHECK(in_open(&in, dir, &e) == -1 && strstr(e.msg, ": Is a directory"));
}

static void test_reader(void)
{
    struct err e;
    struct in *in = NULL;
    struct out *o = NULL;
    char path[256];
    snprintf(path, sizeof path, "%s/r", dir);
    enum { N = 300000 };
    unsigned char *b = malloc(N), *c = malloc(N);
    for (int i = 0; i < N; i++)
        b[i] = (unsigned char)(i * 7 + i / 251);
    CHECK(out_open(&o, path, &e) == 0 && out_write(o, b, N, &e) == 0 && out_close(o, &e) == 0);
    CHECK(in_open(&in, path, &e) == 0 && in_size(in) == N);
    const unsigned char *p = NULL;
    CHECK(in_peek(in, &p, 65536, &e) == 65536 && memcmp(p, b, 65536) == 0);
    CHECK(in_read(in, c, 10, &e) == 10);
    CHECK(in_peek(in, &p, 65536, &e) == 65536 && memcmp(p, b + 10, 65536) == 0);
    CHECK(in_read(in, c + 10, N, &e) == N - 10 && memcmp(b, c, N) == 0);
    CHECK(in_read(in, c, 1, &e) == 0);
    CHECK(in_at(in, c, 5, N - 5, &e) == 0 && memcmp(c, b + N - 5, 5) == 0);
    CHECK(in_at(in, c, 6, N - 5, &e) == -1);
    in_close(in);
    unsigned char *s = NULL;
    size_t n = 0;
    CHECK(io_slurp(path, N, &s, &n, &e) == 0 && n == N);
    free(s);
    CHECK(io_slurp(path, N - 1, &s, &n, &e) == -1);
    free(b);
    free(c);
    unlink(path);
}

static void *wait_for_bytes(void *arg)
{
    struct err *e = arg;
    struct in *in = NULL;
    char path[256], byte;
    snprintf(path, sizeof path, "%s/fifo", dir);
    if (in_open(&in, path, e) == 0 && in_read(in, &byte, 1, e) == 1)
        err_record(e, "a byte");
    in_close(in);
    return NULL;
}

/* The last test: nothing waits for a pipe any more. */
static void test_cancel(void)
{
    struct err e = {0};
    char path[256], want[300];
    pthread_t thread;
    snprintf(path, sizeof path, "%s/fifo", dir);
    snprintf(want, sizeof want, "%s: reading was cancelled", path);
    CHECK(mkfifo(path, 0600) == 0);
    int fd = open(path, O_RDWR); /* never at its end */
    for (int late = 0; late < 2; late++) {
        CHECK(pthread_create(&thread, NULL, wait_for_bytes, &e) == 0);
        if (!late)
            in_cancel_all();
        pthread_join(thread, NULL);
        CHECK_STR(e.msg, want);
    }
    /* What is there is still read, and files are. */
    CHECK(write(fd, "x", 1) == 1);
    wait_for_bytes(&e);
    CHECK_STR(e.msg, "a byte");
    close(fd);
    unlink(path);
    test_reader();
}

/* What a child reads from a pipe that stays open, while its standard output is `to`. */
static int read_with_output(int to, const char *path)
{
    struct err e = {0};
    struct in *in = NULL;
    struct out *o = NULL;
    char byte = 0;
    alarm(60); /* a failure instead of a wait */
    if (dup2(to, STDOUT_FILENO) < 0 || in_open(&in, path, &e) != 0 || out_open(&o, "-", &e) != 0)
        return 3;
    const int64_t r = in_read(in, &byte, 1, &e);
    return r == 1 ? 0 : e.closed ? 1 : 2;
}

/* Nobody reads standard output any more: waiting for input ends, and what is there is still read.
 * Files have no reader. */
static void test_closed_output(void)
{
    char path[256], file[256];
    int end[2], status;
    snprintf(path, sizeof path, "%s/fifo", dir);
    snprintf(file, sizeof file, "%s/file", dir);
    CHECK(mkfifo(path, 0600) == 0 && pipe(end) == 0);
    int fd = open(path, O_RDWR); /* never at its end */
    close(end[0]);
    int regular = open(file, O_CREAT | O_WRONLY, 0600);
    const struct {
        int to;
        bool there;
        int want;
    } cases[] = {{end[1], false, 1}, {end[1], true, 0}, {regular, true, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(!cases[i].there || write(fd, "x", 1) == 1);
        pid_t child = fork();
        if (child == 0)
            _exit(read_with_output(cases[i].to, path));
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
              WEXITSTATUS(status) == cases[i].want);
    }
    close(regular);
    close(end[1]);
    close(fd);
    unlink(file);
    unlink(path);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/io.XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    test_atomic();
    test_together();
    test_link();
    test_one_file();
    test_failures();
    test_reader();
    test_closed_output();
    test_cancel();
    rmdir(dir);
    return CHECK_DONE();
}
