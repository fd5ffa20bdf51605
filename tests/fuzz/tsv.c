/* A table: every field as every type. */
#include "fuzz.h"

#include "stream/tsv.h"

static void read_row(const struct tsv_in *t)
{
    struct err e;
    for (int c = 0; c < tsv_columns(t); c++) {
        struct tsv_field f = tsv_get(t, c);
        int64_t i;
        double v;
        fuzz_touch(f.p, f.n);
        tsv_is_na(t, c);
        if (tsv_int(t, c, 0, 1000, &i, &e) == 0 && (i < 0 || i > 1000))
            abort();
        if (tsv_int(t, c, INT64_MIN, INT64_MAX, &i, &e) == 0 && tsv_real(t, c, &v, &e) != 0)
            abort();
        err_ignore(tsv_real_na(t, c, &v, &e));
        char *s = tsv_string(t, c);
        if (strlen(s) > f.n)
            abort();
        free(s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct err e;
    struct tsv_in *t;
    if (tsv_open(&t, fuzz_file(0, p, n), &e) != 0)
        return 0;
    tsv_find(t, "id");
    err_ignore(tsv_need(t, "true", &e));
    while (tsv_next(t, &e) == 1) {
        tsv_ready(t);
        read_row(t);
        if (tsv_line(t) < 2)
            abort();
    }
    tsv_close(t);
    return 0;
}
