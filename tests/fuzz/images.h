/* Images as the programs read them: from a file and from a stream. */
#ifndef HP_FUZZ_IMAGES_H
#define HP_FUZZ_IMAGES_H

#include "fuzz.h"

#include "data/data.h"

enum { IMAGES_READ = 20 };

static inline void fuzz_images(const char *path, const struct data_opts *opts)
{
    struct err e;
    struct data *d;
    if (data_open(&d, path, opts, &e) != 0)
        return;
    size_t n = 3 * (size_t)data_h(d) * (size_t)data_w(d);
    uint8_t *pixels = malloc(n ? n : 1);
    if (!pixels)
        abort();
    struct data_item item;
    for (int i = 0; i < IMAGES_READ && data_next(d, pixels, &item, &e) == 1; i++) {
        fuzz_touch(pixels, n);
        names_class(data_names(d), item.label);
    }
    if (data_count(d) > 0)
        err_ignore(data_at(d, data_count(d) - 1, pixels, &item, &e));
    free(pixels);
    data_close(d);
}

static inline void fuzz_data(const uint8_t *p, size_t n)
{
    const struct data_opts none = {0};
    fuzz_images(fuzz_file(0, p, n), &none);
    fuzz_images(fuzz_input(p, n), &none);
}

#endif
