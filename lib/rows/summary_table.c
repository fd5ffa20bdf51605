#include "rows/tables.h"

#include "base/io.h"
#include "rows/fields.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { IMAGES, CORRECT, UNLABELLED, TOP5, MEASURES };

static const char *const measure[MEASURES] = {"images", "correct", "unlabelled", "top5_accuracy"};

/* The value of the current row: a count of images, or a share of 1. */
static int read_value(const struct tsv_in *t, int col, bool count, double *v, struct err *e)
{
    if (count) {
        int64_t n;
        if (field_whole(t, col, FIELD_COUNT_MAX, &n, e) != 0)
            return -1;
        *v = (double)n;
        return 0;
    }
    if (tsv_real(t, col, v, e) != 0)
        return -1;
    if (*v >= 0 && *v <= 1)
        return 0;
    struct tsv_field f = tsv_get(t, col);
    return tsv_error(t, e, "column 'value': expected a share from 0 to 1, found '%.*s'",
                     (int)(f.n < 40 ? f.n : 40), f.p);
}

static int read_rows(struct tsv_in *t, double value[MEASURES], struct err *e)
{
    int name = tsv_find(t, "measure"), col = tsv_find(t, "value"), r;
    while ((r = tsv_next_shown(t, e)) > 0) {
        struct tsv_field f = tsv_get(t, name);
        for (int i = 0; i < MEASURES; i++)
            if (strlen(measure[i]) == f.n && memcmp(measure[i], f.p, f.n) == 0 &&
                !tsv_is_na(t, col) && read_value(t, col, i != TOP5, &value[i], e) != 0)
                return -1;
    }
    for (int i = IMAGES; i <= CORRECT && r == 0; i++)
        if (isnan(value[i]))
            return tsv_error(t, e, "expected a measure '%s', found none", measure[i]);
    return r;
}

int summary_read(struct summary *s, const char *file, const struct classes *known, struct err *e)
{
    static const char *const need[] = {"measure", "value", NULL};
    double value[MEASURES] = {NAN, NAN, NAN, NAN};
    struct tsv_in *t;
    *s = (struct summary){NULL, NAN, NAN, NAN, NAN};
    if (!file)
        return 0;
    if (fields_open(&t, file, need, e) != 0)
        return -1;
    int r = read_rows(t, value, e);
    tsv_close(t);
    if (r != 0)
        return -1;
    *s = (struct summary){io_name(file), value[IMAGES], value[CORRECT], value[UNLABELLED],
                          value[TOP5]};
    if (known && ((int64_t)s->images != known->total || (int64_t)s->correct != known->correct))
        return err_set(e,
                       "%s: expected %" PRId64 " images, %" PRId64
                       " of them predicted correctly, as in %s, found "
                       "%.0f and %.0f: are both of the same run?",
                       s->file, known->total, known->correct, known->file, s->images, s->correct);
    return 0;
}
