#include "rows.h"

#include "base/prog.h"

struct tsv_in *rows_open(const char *file)
{
    struct err e;
    struct tsv_in *t;
    if (tsv_open(&t, file, &e) != 0)
        prog_fail(&e);
    return t;
}

bool rows_next(struct tsv_in *t)
{
    struct err e;
    int r = tsv_next_shown(t, &e);
    if (r < 0)
        prog_fail(&e);
    return r == 1;
}

int rows_need(const struct tsv_in *t, const char *name)
{
    struct err e;
    int col = tsv_need(t, name, &e);
    if (col < 0)
        prog_fail(&e);
    return col;
}

int64_t rows_whole(const struct tsv_in *t, int col, int64_t max)
{
    struct err e;
    int64_t v;
    if (tsv_int(t, col, 0, max, &v, &e) != 0)
        prog_fail(&e);
    return v;
}

double rows_share(const struct tsv_in *t, int col)
{
    struct err e;
    double v;
    if (tsv_real(t, col, &v, &e) != 0)
        prog_fail(&e);
    if (v >= 0 && v <= 1)
        return v;
    struct tsv_field name = tsv_header(t, col);
    tsv_record(t, &e, "column '%.*s': expected a share from 0 to 1, found %.9g", (int)name.n,
               name.p, v);
    prog_fail(&e);
}
