/* Labels of images, in .npy, as a table or one a line. */
#include "fuzz.h"

#include "data/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct err e;
    int *label;
    int64_t count;
    if (labels_load(&label, &count, fuzz_file(0, p, n), &e) != 0)
        return 0;
    for (int64_t i = 0; i < count; i++)
        if (label[i] < -1)
            abort();
    free(label);
    return 0;
}
