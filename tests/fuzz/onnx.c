/* An ONNX file, mutated as it stands. */
#include "checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_checkpoint(p, n);
    return 0;
}
