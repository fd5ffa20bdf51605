#include "check.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* A list keeps its items while it grows, and grows at the powers of two alone. */
static void test_extend(void)
{
    enum { ITEMS = 5000 };
    int *list = NULL;
    CHECK(!mem_extend(list, 0, 0, sizeof *list));
    for (size_t n = 0; n < ITEMS; n++) {
        uintptr_t was = (uintptr_t)list;
        list = mem_extend(list, n, n + 1, sizeof *list);
        CHECK((uintptr_t)list == was || n == 0 || (n >= 8 && (n & (n - 1)) == 0));
        list[n] = (int)n;
    }
    list = mem_extend(list, ITEMS, (size_t)3 * ITEMS, sizeof *list);
    for (int i = ITEMS; i < 3 * ITEMS; i++)
        list[i] = i;
    bool kept = true;
    for (int i = 0; i < 3 * ITEMS; i++)
        kept = kept && list[i] == i;
    CHECK(kept);
    free(list);
}

int main(void)
{
    test_extend();
    return CHECK_DONE();
}
