/* Replays inputs of a fuzz target, each in a process of its own within 64 MB of memory
 * beyond the input's size, and within ten times the 2 s of processor time that
 * heatpipe-input(5) promises: no processor in use is so slow, and what grows with the
 * square of an input soon takes longer.
 *
 *   TARGET [FILE|FOLDER ...]   (default: tests/fuzz/corpus/TARGET) */
#include "fuzz.h"

#include "base/io.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MEMORY = 64 << 20, INPUT_MAX = 1 << 28 };

/* The sanitizers slow programs down and map memory for themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(FUZZ_COVERAGE)
enum { SECONDS = 200, LIMIT_MEMORY = 0 };
#else
enum { SECONDS = 20, LIMIT_MEMORY = 1 };
#endif

static int inputs, failures;

/* Writable private memory of this process in bytes. */
static size_t data_size(void)
{
    unsigned long pages[6];
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%lu %lu %lu %lu %lu %lu", &pages[0], &pages[1], &pages[2], &pages[3],
                     &pages[4], &pages[5]) != 6) {
        perror("/proc/self/statm");
        exit(1);
    }
    fclose(f);
    return pages[5] * (size_t)sysconf(_SC_PAGESIZE);
}

/* Ends when the target has returned; nothing else leaves by exit(0). */
static void run(const unsigned char *p, size_t n)
{
    const struct rlimit core = {0, 0}, cpu = {SECONDS, SECONDS + 1};
    const struct rlimit data = {data_size() + n + MEMORY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_CORE, &core) != 0 || setrlimit(RLIMIT_CPU, &cpu) != 0 ||
        (LIMIT_MEMORY && setrlimit(RLIMIT_DATA, &data) != 0)) {
        perror("setrlimit");
        exit(1);
    }
    LLVMFuzzerTestOneInput(p, n);
    exit(0);
}

static void replay(const char *path)
{
    struct err e;
    unsigned char *p;
    size_t n;
    if (io_slurp(path, INPUT_MAX, &p, &n, &e) != 0) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    /* Exactly as large as the input: a byte beyond it is seen. */
    p = mem_grow(p, n, 1);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run(p, n);
    free(p);
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fork");
        exit(1);
    }
    inputs++;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    failures++;
    if (WIFEXITED(status))
        fprintf(stderr, "%s: the reader ended the program with status %d\n", path,
                WEXITSTATUS(status));
    else if (WTERMSIG(status) == SIGXCPU)
        fprintf(stderr, "%s: took more than %d s\n", path, SECONDS);
    else
        fprintf(stderr, "%s: died of signal %d\n", path, WTERMSIG(status));
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void replay_all(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        perror(path);
        exit(1);
    }
    if (!S_ISDIR(st.st_mode)) {
        replay(path);
        return;
    }
    struct dirent **entry;
    int n = scandir(path, &entry, visible, alphasort);
    for (int i = 0; i < n; i++) {
        char *inner = mem_printf("%s/%s", path, entry[i]->d_name);
        replay_all(inner);
        free(inner);
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay_all(argv[i]);
    if (argc == 1) {
        const char *slash = strrchr(argv[0], '/');
        char *folder = mem_printf("tests/fuzz/corpus/%s", slash ? slash + 1 : argv[0]);
        replay_all(folder);
        free(folder);
    }
    if (inputs == 0)
        fprintf(stderr, "expected inputs, found none\n");
    return failures > 0 || inputs == 0;
}
