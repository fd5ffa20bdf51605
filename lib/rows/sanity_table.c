#include "rows/tables.h"

#include "base/mem.h"
#include "rows/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { LAYER, METHOD, CHANGED, METRIC, MEAN, LOW, HIGH, IMAGES, COLUMNS };

static int read_row(void *to, const struct tsv_in *t, const int *col, struct err *e)
{
    struct sanity *s = to;
    double value[] = {NAN, NAN, NAN};
    int64_t images;
    if (field_whole(t, col[IMAGES], INT64_MAX, &images, e) != 0)
        return -1;
    for (int i = 0; i < 3; i++) {
        if (field_real_na(t, col[MEAN + i], &value[i], e) != 0)
            return -1;
        const struct tsv_field name = tsv_header(t, col[MEAN + i]), f = tsv_get(t, col[MEAN + i]);
        if (images == 0 ? !isnan(value[i]) : !(fabs(value[i]) <= 1))
            return tsv_error(t, e, "column '%.*s': expected %s of %" PRId64 " images, found '%.*s'",
                             (int)name.n, name.p, images ? "a number from -1 to 1" : "NA", images,
                             (int)(f.n > 60 ? 60 : f.n), f.p);
    }
    /* The structural similarity stands in the table alone. */
    const bool mosaic = tsv_is(tsv_get(t, col[CHANGED]), "mosaic"),
               shown = tsv_is(tsv_get(t, col[METRIC]), mosaic ? "focus" : "rank_correlation");
    if (images == 0 || !shown)
        return 0;
    char *layer = field_shown(t, col[LAYER], "layer", -1);
    char *method = field_shown(t, col[METHOD], "method", -1);
    char *changed = field_shown(t, col[CHANGED], "layer", -1);
    char *name = mem_printf("%s %s", layer, method);
    sanity_add(s, changed, name, value[0], value[1], value[2], images);
    free(layer);
    free(method);
    free(changed);
    free(name);
    if (s->checks > SANITY_CHECKS)
        return tsv_error(t, e, "expected at most %d changes", SANITY_CHECKS);
    return 0;
}

int sanity_read(struct sanity *s, const char *file, struct err *e)
{
    static const char *const need[] = {"layer", "method", "changed", "metric", "mean",
                                       "low",   "high",   "images",  NULL};
    int col[COLUMNS];
    *s = (struct sanity){.known = false};
    if (!file)
        return 0;
    const int r = fields_each(file, need, col, read_row, s, e);
    s->known = r == 0 && s->checks > 0;
    return r;
}
