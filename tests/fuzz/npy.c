/* A stream of .npy records: read in turn, counted, and asked for by number. */
#include "fuzz.h"

#include "stream/npy.h"

enum { ROOM = 1 << 16, ITEMS = 3 };

static void read_all(const char *path, uint8_t *room)
{
    struct err e;
    struct npy_in *n;
    if (npy_open(&n, path, &e) <= 0)
        return;
    const struct npy_item *item = npy_item(n);
    int64_t r = 1;
    while (item->bytes <= ROOM / ITEMS && r > 0) {
        r = npy_read(n, room, ITEMS, &e);
        if (r > 0)
            fuzz_touch(room, (size_t)(r * item->bytes));
    }
    npy_close(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t size)
{
    struct err e;
    struct npy_in *n;
    uint8_t *room = malloc(ROOM);
    if (!room)
        abort();
    read_all(fuzz_input(p, size), room);
    if (npy_open(&n, fuzz_file(0, p, size), &e) > 0) {
        err_ignore(npy_expect(n, NPY_F32, 3, (const int64_t[]){-1, 2, 2}, &e));
        int64_t count = npy_count(n, &e);
        if (count > 0 && npy_item(n)->bytes <= ROOM &&
            (npy_at(n, count - 1, room, &e) != 0 || npy_at(n, count / 2, room, &e) != 0))
            abort();
        npy_close(n);
    }
    free(room);
    return 0;
}
