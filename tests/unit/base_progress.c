/* Progress: count, rate and time left, on a terminal and in a log, by a clock of the test's
 * own. */
#include "check.h"

#include "base/prog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now;

/* In place of libc's. */
int clock_gettime(clockid_t id, struct timespec *t)
{
    (void)id;
    t->tv_sec = (time_t)now;
    t->tv_nsec = (long)((now - (double)t->tv_sec) * 1e9);
    return 0;
}

/* `count` steps of `each` seconds; 100 images in each. */
static void work(char *verbose, int count, double each, int64_t total)
{
    static const struct opt none[] = {{.name = NULL}};
    static const struct prog prog = {.name = "p", .brief = "b", .opts = none};
    char name[] = "p", *argv[] = {name, verbose, NULL};
    prog_start(&prog, verbose ? 2 : 1, argv);
    for (int i = 1; i <= count; i++) {
        now += each;
        prog_progress("images", (int64_t)100 * i, total);
    }
    prog_progress_end();
}

/* Standard error of a child at work. */
static void check(bool terminal, char *verbose, int count, double each, int64_t total,
                  const char *expected)
{
    char text[4096];
    size_t n = 0;
    int end[2] = {-1, -1};
    if (terminal) {
        end[0] = posix_openpt(O_RDWR | O_NOCTTY);
        CHECK(end[0] >= 0 && grantpt(end[0]) == 0 && unlockpt(end[0]) == 0);
        end[1] = open(ptsname(end[0]), O_RDWR | O_NOCTTY);
    } else {
        CHECK(pipe(end) == 0);
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(end[1], STDERR_FILENO);
        work(verbose, count, each, total);
        exit(0);
    }
    close(end[1]);
    /* A terminal whose other side is gone gives EIO. */
    for (ssize_t r; n < sizeof text - 1 && (r = read(end[0], text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)r;
    text[n] = '\0';
    close(end[0]);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_STR(text, expected);
}

#define CLEAR "\r\033[K"

int main(void)
{
    char verbose[] = "-v";
    check(false, NULL, 100, 1, 10000, "");
    check(false, verbose, 1, 1, 10000, "");
    /* The first count only starts the clock. */
    check(false, verbose, 25, 1, 10000,
          "p: 1100/10000 images, 100/s, 89 s left\np: 2100/10000 images, 100/s, 79 s left\n");
    check(false, verbose, 3, 15, 0, "p: 200 images, 6.7/s\np: 300 images, 6.7/s\n");
    check(false, verbose, 2, 10, 8000, "p: 200/8000 images, 10/s, 13 min left\n");
    check(false, verbose, 2, 10, 80000, "p: 200/80000 images, 10/s, 2 h 13 min left\n");
    /* More than were announced. */
    check(false, verbose, 2, 10, 150, "p: 200/150 images, 10/s\n");
    check(true, NULL, 1, 5, 300, "");
    check(true, NULL, 3, 0.125, 500, CLEAR "p: 300/500 images, 800/s, 0 s left" CLEAR);
    return CHECK_DONE();
}
