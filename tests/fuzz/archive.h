/* Zip archives under mutation: with sums of zero, which the reader takes for none
 * written, so that changed bytes get behind the sums. */
#ifndef HP_FUZZ_ARCHIVE_H
#define HP_FUZZ_ARCHIVE_H

#include "fuzz.h"

#ifdef FUZZ_ENGINE
size_t LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed)
{
    n = LLVMFuzzerMutate(p, n, max);
    if (seed % 8 == 0)
        return n;
    for (size_t i = 0; i + 20 <= n; i++)
        if (memcmp(p + i, "PK\1\2", 4) == 0)
            memset(p + i + 16, 0, 4);
        else if (memcmp(p + i, "PK\3\4", 4) == 0)
            memset(p + i + 14, 0, 4);
    return n;
}
#endif

#endif
