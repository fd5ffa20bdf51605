#include "rows/tables.h"

#include "base/mem.h"
#include "base/text.h"
#include "rows/fields.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE,
    AMONG,
    AMONG_NAME,
    IMAGES,
    ERRORS,
    TRUE,
    PRED,
    PAIR_ERRORS,
    TEST_IMAGES,
    ACCURACY,
    LOW,
    HIGH,
    OUTSIDE,
    P,
    CONFIRMED,
    IDS,
    COLUMNS
};

/* The first of a list of ids with commas between them. */
static int read_ids(struct examples *x, const struct tsv_in *t, int col, struct err *e)
{
    char *list = field_string_na(t, col), *at = list, *end;
    int r = 0;
    while (at && *at && x->n < EXAMPLES) {
        long long id = strtoll(at, &end, 10);
        if (end == at || id < 0 || (*end && *end != ','))
            break;
        x->id[x->n++] = id;
        at = end + (*end == ',');
    }
    if (at && *at && x->n < EXAMPLES)
        r = tsv_error(t, e, "column 'ids': expected ids with commas between them, found '%.60s'",
                      list);
    free(list);
    return r;
}

/* "+brightness,-contrast" and "0.75,0.21": as many of the one as of the other. */
static int read_columns(struct slice *s, const struct tsv_in *t, struct err *e)
{
    int names = tsv_find(t, "columns"), values = tsv_find(t, "columns_auc");
    if (names < 0 || values < 0)
        return 0;
    char *name = field_string_na(t, names), *value = field_string_na(t, values);
    char *next_name = name, *next_value = value, *end;
    int r = 0;
    while (r == 0 && (next_name || next_value) && s->columns < SLICE_COLUMNS) {
        const char *n = next_name ? strsep(&next_name, ",") : "none";
        const char *v = next_value ? strsep(&next_value, ",") : "none";
        double auc = strtod(v, &end);
        if (end == v || *end || !(auc >= 0 && auc <= 1) || (*n != '+' && *n != '-') || !n[1])
            r = tsv_error(t, e,
                          "expected columns, each after + or -, and as many probabilities in "
                          "'columns_auc', found '%.60s' and '%.60s'",
                          n, v);
        else {
            s->column[s->columns].name = text_clean(n + 1, '?');
            s->column[s->columns++].auc = auc;
        }
    }
    free(name);
    free(value);
    return r;
}

/* "superclass fish", or "all". Caller frees. */
static char *shown_set(const struct tsv_in *t, const int col[COLUMNS])
{
    char *kind = field_shown(t, col[AMONG], "images", -1);
    if (tsv_is_na(t, col[AMONG_NAME]))
        return kind;
    char *name = field_shown(t, col[AMONG_NAME], "images", -1);
    char *both = mem_printf("%s %s", kind, name);
    free(kind);
    free(name);
    return both;
}

struct reading {
    struct slice_list *list;
    const struct classes *known;
};

static int read_row(void *to, const struct tsv_in *t, const int *col, struct err *e)
{
    const struct reading *in = to;
    struct slice_list *l = in->list;
    const struct classes *known = in->known;
    struct slice s = {.truth = -1};
    int64_t confirmed;
    int r;
    if (field_whole(t, col[IMAGES], FIELD_COUNT_MAX, &s.images, e) != 0 ||
        field_whole(t, col[ERRORS], s.images, &s.errors, e) != 0 ||
        field_class(t, col[TRUE], &s.truth, e) != 0 || field_class(t, col[PRED], &s.pred, e) != 0 ||
        field_whole(t, col[PAIR_ERRORS], s.errors, &s.pair_errors, e) != 0 ||
        field_whole(t, col[TEST_IMAGES], s.images, &s.tested, e) != 0 ||
        field_probability(t, col[ACCURACY], &s.accuracy, e) != 0 ||
        field_probability(t, col[LOW], &s.low, e) != 0 ||
        field_probability(t, col[HIGH], &s.high, e) != 0 ||
        field_probability(t, col[OUTSIDE], &s.outside, e) != 0 ||
        field_probability(t, col[P], &s.p, e) != 0 ||
        field_whole(t, col[CONFIRMED], 1, &confirmed, e) != 0 ||
        read_ids(&s.examples, t, col[IDS], e) != 0)
        return -1;
    if (known && (s.truth >= known->n || s.pred >= known->n))
        return tsv_error(t, e, "expected classes of %s, found %d and %d", known->file, s.truth,
                         s.pred);
    l->tested++;
    if (!confirmed)
        return 0;
    r = read_columns(&s, t, e);
    s.name = field_shown(t, col[SLICE], "slice", l->n + 1);
    s.among = shown_set(t, col);
    l->at = mem_extend(l->at, (size_t)l->n, (size_t)l->n + 1, sizeof *l->at);
    l->at[l->n++] = s;
    return r;
}

int slices_read(struct slice_list *l, const char *file, const struct classes *known, struct err *e)
{
    static const char *const need[] = {
        "slice", "among", "among_name",       "images",      "errors",
        "true",  "pred",  "pair_errors",      "test_images", "accuracy",
        "low",   "high",  "outside_accuracy", "p_adjusted",  "confirmed",
        "ids",   NULL};
    struct reading in = {l, known};
    int col[COLUMNS];
    *l = (struct slice_list){.known = false};
    if (!file)
        return 0;
    const int r = fields_each(file, need, col, read_row, &in, e);
    l->known = r == 0;
    return r;
}
