/* A PNG image. Mutated chunks get the sums that belong to them. */
#include "picture.h"

#ifdef FUZZ_ENGINE
#include <zlib.h>

enum { SIGNATURE = 8, AROUND = 12 }; /* a chunk's length, kind and sum */

size_t LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed);

static size_t get4(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed)
{
    n = LLVMFuzzerMutate(p, n, max);
    if (seed % 8 == 0)
        return n;
    for (size_t at = SIGNATURE; at + AROUND <= n;) {
        size_t length = get4(p + at);
        if (length > n - at - AROUND)
            break;
        uint32_t sum = (uint32_t)crc32(crc32(0, NULL, 0), p + at + 4, (uInt)length + 4);
        for (int i = 0; i < 4; i++)
            p[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += AROUND + length;
    }
    return n;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_picture(p, n);
    return 0;
}
