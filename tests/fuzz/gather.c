/* Two files of shards, put together: the first byte tells whether they are tables, or ids and
 * tensors, the next two how many bytes the first file has. */
#include "fuzz.h"

#include "stream/gather.h"

#include <stdbool.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static int quiet = -1;
    struct err e;
    int64_t all = 0;
    if (n < 3)
        return 0;
    if (quiet < 0 && ((quiet = open("/dev/null", O_WRONLY | O_CLOEXEC)) < 0 ||
                      dup2(quiet, STDOUT_FILENO) != STDOUT_FILENO))
        abort();
    const bool tables = p[0] & 1;
    const size_t rest = n - 3, told = p[1] | (size_t)p[2] << 8, cut = told < rest ? told : rest;
    const char *first = fuzz_file(0, p + 3, cut), *second = fuzz_file(1, p + 3 + cut, rest - cut);
    const char *const path[] = {tables ? first : second, second};
    const struct gather_opts o = {.path = path, .n = tables ? 2 : 1, .shards = p[0] >> 1 & 3};
    if (tables)
        err_ignore(gather_rows(&o, &all, &e));
    else
        err_ignore(gather_items(&o, first, &all, &e));
    if (all < 0)
        abort();
    return 0;
}
