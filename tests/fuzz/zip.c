/* A zip archive: its directory and every record. */
#include "archive.h"

#include "ckpt/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct err e;
    struct zip z;
    if (zip_open(&z, p, n, "fuzz", &e) != 0)
        return 0;
    for (size_t i = 0; i < z.records; i++) {
        struct zip_record *r = &z.record[i];
        fuzz_touch(r->name, r->name_n);
        if (zip_read(&z, r, &e) == 0)
            fuzz_touch(r->bytes, (size_t)r->n);
    }
    if (zip_find(&z, "archive/data.pkl") && z.records == 0)
        abort();
    zip_close(&z);
    return 0;
}
