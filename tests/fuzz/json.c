/* The header of a .safetensors file: the input becomes the JSON, with its length
 * before it and some numbers behind it. */
#include "checkpoint.h"

enum { LENGTH = 8, TENSOR_BYTES = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    uint8_t *b = calloc(1, LENGTH + n + TENSOR_BYTES);
    if (!b)
        abort();
    fuzz_put(b, n, LENGTH);
    if (n)
        memcpy(b + LENGTH, p, n);
    fuzz_checkpoint(b, LENGTH + n + TENSOR_BYTES);
    free(b);
    return 0;
}
