#include "rows/fields.h"

#include "base/mem.h"
#include "base/text.h"
#include "stats/prediction.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

int fields_open_at(struct tsv_in **t, const char *file, const char *const *columns, int *col,
                   struct err *e)
{
    if (tsv_open(t, file, e) != 0)
        return -1;
    for (int i = 0; columns[i]; i++) {
        int at = tsv_need(*t, columns[i], e);
        if (at < 0) {
            tsv_close(*t);
            return -1;
        }
        if (col)
            col[i] = at;
    }
    return 0;
}

int fields_open(struct tsv_in **t, const char *file, const char *const *columns, struct err *e)
{
    return fields_open_at(t, file, columns, NULL, e);
}

int fields_each(const char *file, const char *const *columns, int *col, fields_row *row, void *to,
                struct err *e)
{
    struct tsv_in *t;
    int r;
    if (fields_open_at(&t, file, columns, col, e) != 0)
        return -1;
    while ((r = tsv_next_shown(t, e)) > 0)
        if ((r = row(to, t, col, e)) != 0)
            break;
    tsv_close(t);
    return r;
}

static bool missing(const struct tsv_in *t, int col)
{
    return col < 0 || tsv_is_na(t, col);
}

int field_whole(const struct tsv_in *t, int col, int64_t max, int64_t *v, struct err *e)
{
    return tsv_int(t, col, 0, max, v, e);
}

int field_whole_na(const struct tsv_in *t, int col, int64_t max, int64_t *v, struct err *e)
{
    *v = -1;
    return missing(t, col) ? 0 : field_whole(t, col, max, v, e);
}

int field_class(const struct tsv_in *t, int col, int *cls, struct err *e)
{
    int64_t v;
    if (field_whole(t, col, STATS_CLASSES - 1, &v, e) != 0)
        return -1;
    *cls = (int)v;
    return 0;
}

int field_class_na(const struct tsv_in *t, int col, int *cls, struct err *e)
{
    *cls = -1;
    return missing(t, col) ? 0 : field_class(t, col, cls, e);
}

int field_matrix_class(struct tsv_field f)
{
    if (f.n < 2 || f.n > 6 || f.p[0] != 'p' || (f.n > 2 && f.p[1] == '0'))
        return -1;
    int v = 0;
    for (size_t i = 1; i < f.n; i++) {
        if (f.p[i] < '0' || f.p[i] > '9')
            return -1;
        v = 10 * v + (f.p[i] - '0');
    }
    return v < STATS_CLASSES ? v : -1;
}

int field_real_na(const struct tsv_in *t, int col, double *v, struct err *e)
{
    *v = NAN;
    return col < 0 ? 0 : tsv_real_na(t, col, v, e);
}

int field_probability(const struct tsv_in *t, int col, double *v, struct err *e)
{
    if (tsv_real(t, col, v, e) != 0)
        return -1;
    if (*v >= 0 && *v <= 1)
        return 0;
    struct tsv_field name = tsv_header(t, col), f = tsv_get(t, col);
    return tsv_error(t, e, "column '%.*s': expected a probability from 0 to 1, found '%.*s'",
                     (int)name.n, name.p, (int)(f.n > 60 ? 60 : f.n), f.p);
}

int field_probability_na(const struct tsv_in *t, int col, double *v, struct err *e)
{
    *v = NAN;
    return missing(t, col) ? 0 : field_probability(t, col, v, e);
}

char *field_string_na(const struct tsv_in *t, int col)
{
    return missing(t, col) ? NULL : tsv_string(t, col);
}

char *field_shown(const struct tsv_in *t, int col, const char *kind, int64_t number)
{
    char *name = field_string_na(t, col), *shown;
    if (name)
        shown = text_clean(name, '?');
    else
        shown = number < 0 ? mem_dup("-") : mem_printf("%s %" PRId64, kind, number);
    free(name);
    return shown;
}
