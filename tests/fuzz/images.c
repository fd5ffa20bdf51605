/* Images in .npy with a file of labels: the input's first two bytes are the length
 * of the labels, which stand before the images. */
#include "images.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 2)
        return 0;
    size_t labels = p[0] | (size_t)p[1] << 8;
    p += 2;
    n -= 2;
    if (labels > n)
        labels = n;
    struct data_opts opts = {.labels = fuzz_file(1, p, labels)};
    const struct data_opts none = {0};
    fuzz_images(fuzz_file(0, p + labels, n - labels), labels ? &opts : &none);
    fuzz_images(fuzz_input(p + labels, n - labels), labels ? &opts : &none);
    return 0;
}
