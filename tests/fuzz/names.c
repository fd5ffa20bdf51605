/* Names of classes, as a table, a list or a pickle. */
#include "fuzz.h"

#include "data/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct err e;
    struct names *names;
    const char *path[] = {fuzz_file(0, p, n), "-"};
    for (int i = 0; i < 2; i++) {
        if (i == 1)
            fuzz_input(p, n);
        if (names_load(&names, path[i], NULL, &e) != 0)
            continue;
        char buf[16];
        for (int c = -1; c <= names->classes; c++) {
            const char *name = names_class(names, c), *superclass = names_superclass(names, c, buf);
            fuzz_touch(name, strlen(name));
            fuzz_touch(superclass, strlen(superclass));
        }
        names_free(names);
    }
    return 0;
}
