#include "rows/tables.h"

#include "base/mem.h"
#include "rows/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYER, METHOD, CHANGED, METRIC, MEAN, LOW, HIGH, IMAGES, COLUMNS };

static bool is_word(const struct tsv_in *t, int col, const char *word)
{
    const struct tsv_field f = tsv_get(t, col);
    return f.n == strlen(word) && memcmp(f.p, word, f.n) == 0;
}

static int read_row(struct sanity *s, const struct tsv_in *t, const int *col, struct err *e)
{
    double mean, low, high;
    int64_t images;
    if (field_real_na(t, col[MEAN], &mean, e) != 0 || field_real_na(t, col[LOW], &low, e) != 0 ||
        field_real_na(t, col[HIGH], &high, e) != 0 ||
        field_whole(t, col[IMAGES], INT64_MAX, &images, e) != 0)
        return -1;
    if (isnan(mean) != (images == 0))
        return tsv_error(t, e, "column 'mean': expected %s of %" PRId64 " images, found %s",
                         images ? "a mean" : "NA", images, images ? "NA" : "a number");
    /* The structural similarity stands in the table alone. */
    const bool shown =
        is_word(t, col[METRIC], is_word(t, col[CHANGED], "mosaic") ? "focus" : "rank_correlation");
    if (images == 0 || !shown)
        return 0;
    char *layer = field_shown(t, col[LAYER], "layer", -1);
    char *method = field_shown(t, col[METHOD], "method", -1);
    char *changed = field_shown(t, col[CHANGED], "layer", -1);
    char *name = mem_printf("%s %s", layer, method);
    sanity_add(s, changed, name, mean, low, high, images);
    free(layer);
    free(method);
    free(changed);
    free(name);
    return 0;
}

int sanity_read(struct sanity *s, const char *file, struct err *e)
{
    static const char *const need[] = {"layer", "method", "changed", "metric", "mean",
                                       "low",   "high",   "images",  NULL};
    struct tsv_in *t;
    int col[COLUMNS], r;
    *s = (struct sanity){.known = false};
    if (!file)
        return 0;
    if (fields_open_at(&t, file, need, col, e) != 0)
        return -1;
    while ((r = tsv_next_shown(t, e)) > 0)
        if ((r = read_row(s, t, col, e)) != 0)
            break;
    tsv_close(t);
    s->known = r == 0 && s->checks > 0;
    return r;
}
