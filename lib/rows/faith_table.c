#include "rows/tables.h"

#include "base/io.h"
#include "base/mem.h"
#include "rows/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LAYER,
    METHOD,
    METRIC,
    BETTER,
    MEAN,
    LOW,
    HIGH,
    IMAGES,
    DIFFERENCE_LOW,
    DIFFERENCE_HIGH,
    SAME_AS,
    LAST_STAGE,
    COLUMNS
};

static const struct faith_value no_row = {-1, NAN, NAN, NAN, false};

/* Metrics of where objects are, which look at no changed image. */
static bool of_mask(const char *metric)
{
    return strcmp(metric, "pointing") == 0 || strcmp(metric, "mass_inside") == 0;
}

/* The metric of a row, which is added where it is new. -1 where it is better otherwise than in an
 * earlier row. */
static int metric_of(struct faithfulness *f, char *word, bool higher)
{
    int k = 0;
    while (k < f->metrics && strcmp(f->metric[k].word, word) != 0)
        k++;
    if (k < f->metrics) {
        free(word);
        return f->metric[k].higher == higher ? k : -1;
    }
    f->metric = mem_extend(f->metric, (size_t)k, (size_t)k + 1, sizeof *f->metric);
    f->metric[f->metrics++] =
        (struct faith_metric){.word = word, .higher = higher, .mask = of_mask(word)};
    for (int i = 0; i < f->maps; i++) {
        f->map[i].value = mem_grow(f->map[i].value, (size_t)k + 1, sizeof *f->map[i].value);
        f->map[i].value[k] = no_row;
    }
    return k;
}

static struct faith_map *map_of(struct faithfulness *f, char *layer, char *method)
{
    int i = faithfulness_find(f, layer, method);
    if (i >= 0) {
        free(layer);
        free(method);
        return &f->map[i];
    }
    f->map = mem_extend(f->map, (size_t)f->maps, (size_t)f->maps + 1, sizeof *f->map);
    struct faith_map *m = &f->map[f->maps++];
    *m = (struct faith_map){.layer = layer, .method = method};
    m->value = mem_alloc((size_t)f->metrics, sizeof *m->value);
    for (int k = 0; k < f->metrics; k++)
        m->value[k] = no_row;
    return m;
}

/* Caller frees; NULL of a map that knows nothing of the network. */
static char *layer_of(const struct tsv_in *t, const int *col)
{
    return tsv_is_na(t, col[LAYER]) ? NULL : field_shown(t, col[LAYER], "layer", -1);
}

/* A row of a map that equals another, whose rows stand before it. */
static int count_equal(struct faithfulness *f, const struct tsv_in *t, const int *col,
                       struct err *e)
{
    char *layer = layer_of(t, col), *method = field_shown(t, col[SAME_AS], "method", -1);
    const int i = faithfulness_find(f, layer, method);
    free(layer);
    free(method);
    if (i < 0)
        return tsv_error(t, e, "column 'same_as': expected the method of an earlier row");
    f->map[i].equal++;
    return 0;
}

static int read_row(void *to, const struct tsv_in *t, const int *col, struct err *e)
{
    struct faithfulness *f = to;
    struct faith_value v;
    double low, high;
    int64_t last;
    if (!tsv_is_na(t, col[SAME_AS]))
        return count_equal(f, t, col, e);
    char *better = field_string_na(t, col[BETTER]);
    const bool higher = better && strcmp(better, "higher") == 0;
    const bool known = higher || (better && strcmp(better, "lower") == 0);
    free(better);
    if (!known)
        return tsv_error(t, e, "column 'better': expected higher or lower");
    if (field_real_na(t, col[MEAN], &v.mean, e) != 0 ||
        field_real_na(t, col[LOW], &v.low, e) != 0 ||
        field_real_na(t, col[HIGH], &v.high, e) != 0 ||
        field_real_na(t, col[DIFFERENCE_LOW], &low, e) != 0 ||
        field_real_na(t, col[DIFFERENCE_HIGH], &high, e) != 0 ||
        field_whole(t, col[IMAGES], INT64_MAX, &v.images, e) != 0 ||
        field_whole(t, col[LAST_STAGE], 1, &last, e) != 0)
        return -1;
    v.ahead = higher ? low > 0 : high < 0;
    if (isnan(v.mean) != (v.images == 0))
        return tsv_error(t, e, "column 'mean': expected %s of %" PRId64 " images, found %s",
                         v.images ? "a mean" : "NA", v.images, v.images ? "NA" : "a number");
    if (tsv_is_na(t, col[METRIC]) || tsv_is_na(t, col[METHOD]))
        return tsv_error(t, e, "expected a metric and a method, found none");
    const int k = metric_of(f, field_shown(t, col[METRIC], "metric", -1), higher);
    if (k < 0)
        return tsv_error(t, e, "column 'better': expected the same as for an earlier map");
    char *layer = layer_of(t, col);
    struct faith_map *m = map_of(f, layer, field_shown(t, col[METHOD], "method", -1));
    m->value[k] = v;
    m->last = last == 1;
    f->images = v.images > f->images ? v.images : f->images;
    return 0;
}

/* What is compared has to be there. */
static int check_whole(const struct faithfulness *f, const char *file, struct err *e)
{
    for (int i = 0; i < f->maps; i++)
        for (int k = 0; k < f->metrics; k++)
            if (f->map[i].value[k].images < 0)
                return err_set(e, "%s: expected a row of %s for %s, found none", io_name(file),
                               f->metric[k].word, f->map[i].method);
    return 0;
}

int faithfulness_read(struct faithfulness *f, const char *file, struct err *e)
{
    static const char *const need[] = {
        "layer",  "method",         "metric",          "better",  "mean",       "low", "high",
        "images", "difference_low", "difference_high", "same_as", "last_stage", NULL};
    int col[COLUMNS];
    *f = (struct faithfulness){.known = false};
    if (!file)
        return 0;
    if (fields_each(file, need, col, read_row, f, e) != 0 || check_whole(f, file, e) != 0)
        return -1;
    faithfulness_compute(f);
    f->known = f->metrics > 0 && f->methods + f->blank > 0;
    return 0;
}
