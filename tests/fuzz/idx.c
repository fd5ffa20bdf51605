/* Images in MNIST's layout, plain and packed, as a file and as a stream. */
#include "images.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_data(p, n);
    return 0;
}
