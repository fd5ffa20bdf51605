/* A checkpoint in torch.save's older format: the input stands behind the magic
 * number and the version. */
#include "checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char head[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                               "\x80\2M\xe9\3.";
    size_t head_n = sizeof head - 1;
    uint8_t *b = malloc(head_n + n);
    if (!b)
        abort();
    memcpy(b, head, head_n);
    if (n)
        memcpy(b + head_n, p, n);
    fuzz_checkpoint(b, head_n + n);
    free(b);
    return 0;
}
