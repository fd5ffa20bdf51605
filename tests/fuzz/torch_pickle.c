/* The pickle of a checkpoint: the input becomes data.pkl of an archive that holds a
 * few storages. */
#include "checkpoint.h"

enum { LOCAL = 30, CENTRAL = 46, END = 22, NAME = 8, STORAGES = 4, STORAGE_BYTES = 4096 };

struct archive {
    uint8_t *p, *directory;
    size_t n, directory_n, records;
};

static void add(struct archive *a, const char *name, const uint8_t *bytes, size_t n)
{
    uint8_t *local = a->p + a->n, *entry = a->directory + a->directory_n;
    fuzz_put(local, 0x04034b50, 4);
    fuzz_put(local + 18, n, 4);
    fuzz_put(local + 22, n, 4);
    fuzz_put(local + 26, NAME, 2);
    memcpy(local + LOCAL, name, NAME);
    memcpy(local + LOCAL + NAME, bytes, n);
    fuzz_put(entry, 0x02014b50, 4);
    fuzz_put(entry + 20, n, 4);
    fuzz_put(entry + 24, n, 4);
    fuzz_put(entry + 28, NAME, 2);
    fuzz_put(entry + 42, a->n, 4);
    memcpy(entry + CENTRAL, name, NAME);
    a->n += LOCAL + NAME + n;
    a->directory_n += CENTRAL + NAME;
    a->records++;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t storage[STORAGE_BYTES];
    size_t room = (1 + STORAGES) * (size_t)(LOCAL + CENTRAL + 2 * NAME + STORAGE_BYTES) + n + END;
    struct archive a = {.p = calloc(1, room), .directory = calloc(1 + STORAGES, CENTRAL + NAME)};
    if (!a.p || !a.directory)
        abort();
    for (size_t i = 0; i + 4 <= STORAGE_BYTES; i += 4)
        memcpy(storage + i, &(float){(float)i / 100}, 4);
    add(&a, "data.pkl", p, n);
    for (int i = 0; i < STORAGES; i++) {
        char name[NAME + 1];
        snprintf(name, sizeof name, "data/%03d", i);
        add(&a, name, storage, STORAGE_BYTES);
    }
    memcpy(a.p + a.n, a.directory, a.directory_n);
    uint8_t *end = a.p + a.n + a.directory_n;
    fuzz_put(end, 0x06054b50, 4);
    fuzz_put(end + 8, a.records, 2);
    fuzz_put(end + 10, a.records, 2);
    fuzz_put(end + 12, a.directory_n, 4);
    fuzz_put(end + 16, a.n, 4);
    fuzz_checkpoint(a.p, a.n + a.directory_n + END);
    free(a.p);
    free(a.directory);
    return 0;
}
