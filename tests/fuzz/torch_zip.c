/* A checkpoint in a zip archive, mutated as it stands. */
#include "archive.h"
#include "checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_checkpoint(p, n);
    return 0;
}
