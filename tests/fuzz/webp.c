/* A WebP image. */
#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_picture(p, n);
    return 0;
}
