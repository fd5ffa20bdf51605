#include "rows/tables.h"

#include "rows/fields.h"

#include <math.h>
#include <string.h>

enum { ID, TARGET, MIRROR, SHIFT, COLUMNS };

static int read_row(void *to, const struct tsv_in *t, const int *col, struct err *e)
{
    struct stability *s = to;
    int64_t id;
    double mirror, shift;
    if (!tsv_is(tsv_get(t, col[TARGET]), "pred"))
        return 0;
    if (field_whole(t, col[ID], INT64_MAX, &id, e) != 0 ||
        field_real_na(t, col[MIRROR], &mirror, e) != 0 ||
        field_real_na(t, col[SHIFT], &shift, e) != 0)
        return -1;
    /* Blank maps have no order. */
    if (isnan(mirror) || isnan(shift))
        return 0;
    s->images++;
    if (fmin(mirror, shift) >= STABLE_CORRELATION)
        return 0;
    s->unstable++;
    examples_add(&s->examples, id, NAN);
    return 0;
}

int stability_read(struct stability *s, const char *file, struct err *e)
{
    static const char *const need[] = {"id", "target", "mirror_corr", "shift_corr", NULL};
    int col[COLUMNS];
    *s = (struct stability){.known = false};
    if (!file)
        return 0;
    const int r = fields_each(file, need, col, read_row, s, e);
    s->known = r == 0;
    return r;
}
