#include "rows/tables.h"

#include "base/mem.h"
#include "rows/fields.h"

#include <math.h>

enum {
    COLUMN,
    IMAGES,
    ERRORS,
    MEDIAN_CORRECT,
    MEDIAN_WRONG,
    AUC,
    AUC_LOW,
    AUC_HIGH,
    P,
    WITHIN_P,
    CLASS_ACCURACY,
    CLASS_LOW,
    CLASS_HIGH,
    CLASS_CHANCE,
    CLASS_P,
    COLUMNS
};

struct reading {
    struct tested_columns *list;
    const struct classes *known;
};

static int read_row(void *to, const struct tsv_in *t, const int *col, struct err *e)
{
    const struct reading *in = to;
    struct tested_columns *l = in->list;
    const struct classes *known = in->known;
    struct tested_column c = {.images = 0};
    if (field_whole(t, col[IMAGES], FIELD_COUNT_MAX, &c.images, e) != 0 ||
        field_whole(t, col[ERRORS], c.images, &c.errors, e) != 0 ||
        field_real_na(t, col[MEDIAN_CORRECT], &c.median[0], e) != 0 ||
        field_real_na(t, col[MEDIAN_WRONG], &c.median[1], e) != 0 ||
        field_probability_na(t, col[AUC], &c.auc, e) != 0 ||
        field_probability_na(t, col[AUC_LOW], &c.low, e) != 0 ||
        field_probability_na(t, col[AUC_HIGH], &c.high, e) != 0 ||
        field_probability_na(t, col[P], &c.p, e) != 0 ||
        field_probability_na(t, col[WITHIN_P], &c.within_p, e) != 0 ||
        field_probability_na(t, col[CLASS_ACCURACY], &c.guessed, e) != 0 ||
        field_probability_na(t, col[CLASS_LOW], &c.guessed_low, e) != 0 ||
        field_probability_na(t, col[CLASS_HIGH], &c.guessed_high, e) != 0 ||
        field_probability_na(t, col[CLASS_CHANCE], &c.chance, e) != 0 ||
        field_probability_na(t, col[CLASS_P], &c.guessed_p, e) != 0)
        return -1;
    const int64_t errors = known->total - known->correct;
    if (c.images > known->total || c.errors > errors)
        return tsv_error(t, e,
                         "expected at most %lld images and %lld errors, as in %s, found %lld and "
                         "%lld: are both of the same run?",
                         (long long)known->total, (long long)errors, known->file,
                         (long long)c.images, (long long)c.errors);
    c.name = field_shown(t, col[COLUMN], "column", l->n + 1);
    l->at = mem_extend(l->at, (size_t)l->n, (size_t)l->n + 1, sizeof *l->at);
    l->at[l->n++] = c;
    return 0;
}

int tested_columns_read(struct tested_columns *l, const char *file, const struct classes *known,
                        struct err *e)
{
    static const char *const need[] = {"column",           "images",
                                       "errors",           "median_correct",
                                       "median_wrong",     "auc",
                                       "auc_low",          "auc_high",
                                       "p_adjusted",       "within_p_adjusted",
                                       "class_accuracy",   "class_low",
                                       "class_high",       "class_chance",
                                       "class_p_adjusted", NULL};
    struct reading in = {l, known};
    int col[COLUMNS];
    *l = (struct tested_columns){.known = false};
    if (!file)
        return 0;
    const int r = fields_each(file, need, col, read_row, &in, e);
    l->known = r == 0;
    return r;
}
