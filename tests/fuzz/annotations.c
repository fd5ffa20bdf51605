/* Tables of Tiny ImageNet: the input's first byte parts the annotations, the ids and the words. */
#include "fuzz.h"

#include "data/annotations.h"

#include <sys/stat.h>

enum { TABLES = 3 };

static void put(const char *path, const uint8_t *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0)
        abort();
}

static void read_all(void)
{
    struct err e;
    struct annotations a;
    if (annotations_read(&a, "val", NULL, &e) != 1)
        return;
    for (size_t i = 0; i < a.n; i++)
        if (a.image[i].label < 0 || a.image[i].label >= a.names->classes)
            abort();
    for (int i = 0; i < a.names->classes; i++)
        fuzz_touch(a.names->name[i], strlen(a.names->name[i]));
    annotations_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const table[TABLES] = {"val/" ANNOTATIONS_FILE, "wnids.txt", "words.txt"};
    const char *tmp = getenv("TMPDIR");
    char folder[256];
    if (n < 1)
        return 0;
    snprintf(folder, sizeof folder, "%.200s/hp-XXXXXX", tmp ? tmp : "/tmp");
    const int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (before < 0 || !mkdtemp(folder) || chdir(folder) != 0 || mkdir("val", 0777) != 0 ||
        mkdir("val/images", 0777) != 0)
        abort();
    const uint8_t *at = p + 1, *end = p + n;
    for (int i = 0; i < TABLES; i++) {
        const uint8_t *to = memchr(at, p[0], (size_t)(end - at));
        put(table[i], at, (size_t)((to ? to : end) - at));
        at = to ? to + 1 : end;
    }
    read_all();
    for (int i = 0; i < TABLES; i++)
        unlink(table[i]);
    if (rmdir("val/images") != 0 || rmdir("val") != 0 || fchdir(before) != 0 || rmdir(folder) != 0)
        abort();
    close(before);
    return 0;
}
