#include "rows/tables.h"

#include "base/io.h"
#include "base/mem.h"
#include "rows/fields.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    COL_TRUE,
    COL_PRED,
    COL_COUNT,
    COL_TRUE_NAME,
    COL_PRED_NAME,
    COL_RATE,
    COL_REVERSE,
    COL_SAME_SUPERCLASS,
    COLS
};

static const char *const column[COLS] = {"true",      "pred", "count",         "true_name",
                                         "pred_name", "rate", "reverse_count", "same_group"};

/* That the classes are those of the run, and whether they share a superclass. */
static int check_classes(struct pair_row *p, const struct tsv_in *t, const struct classes *known,
                         struct err *e)
{
    const int cls[] = {p->truth, p->pred};
    for (int i = 0; i < 2; i++)
        if (!classes_find(known, cls[i]))
            return tsv_error(t, e, "expected a class of %s, found %d", known->file, cls[i]);
    int a = known->row[p->truth].superclass, b = known->row[p->pred].superclass;
    if (p->same_superclass < 0 && a >= 0 && b >= 0)
        p->same_superclass = a == b;
    return 0;
}

static char *name_of(const struct tsv_in *t, int col)
{
    char *name = field_string_na(t, col);
    return name ? name : mem_dup("NA");
}

static int read_row(struct pairs *p, const struct tsv_in *t, const int *col,
                    const struct classes *known, struct err *e)
{
    struct pair_row r = {.line = tsv_line(t)};
    int64_t same;
    if (field_class(t, col[COL_TRUE], &r.truth, e) != 0 ||
        field_class(t, col[COL_PRED], &r.pred, e) != 0 ||
        field_whole(t, col[COL_COUNT], FIELD_COUNT_MAX, &r.count, e) != 0 ||
        field_whole_na(t, col[COL_REVERSE], FIELD_COUNT_MAX, &r.reverse, e) != 0 ||
        field_real_na(t, col[COL_RATE], &r.rate, e) != 0 ||
        field_whole_na(t, col[COL_SAME_SUPERCLASS], 1, &same, e) != 0)
        return -1;
    r.same_superclass = (int)same;
    if (r.truth == r.pred)
        return tsv_error(t, e, "expected two different classes, found %d twice", r.truth);
    if (known && check_classes(&r, t, known, e) != 0)
        return -1;
    if (r.count == 0)
        return 0;
    r.true_name = name_of(t, col[COL_TRUE_NAME]);
    r.pred_name = name_of(t, col[COL_PRED_NAME]);
    pairs_add(p, &r);
    return 0;
}

static int open_pairs(struct tsv_in **t, const char *file, unsigned need, struct err *e)
{
    const char *list[COLS + 1];
    int n = 0;
    for (int i = COL_TRUE; i <= COL_COUNT; i++)
        list[n++] = column[i];
    for (int i = COL_TRUE_NAME; i <= COL_PRED_NAME && need & PAIR_NAMES; i++)
        list[n++] = column[i];
    for (int i = COL_RATE; i <= COL_REVERSE && need & PAIR_RATES; i++)
        list[n++] = column[i];
    list[n] = NULL;
    return fields_open(t, file, list, e);
}

int pairs_read(struct pairs *p, const char *file, unsigned need, const struct classes *known,
               struct err *e)
{
    struct tsv_in *t;
    int col[COLS], r;
    *p = (struct pairs){.file = io_name(file)};
    if (open_pairs(&t, file, need, e) != 0)
        return -1;
    for (int i = 0; i < COLS; i++)
        col[i] = tsv_find(t, column[i]);
    while ((r = tsv_next_shown(t, e)) > 0)
        if (read_row(p, t, col, known, e) != 0) {
            r = -1;
            break;
        }
    if (r == 0)
        r = pairs_sort(p, tsv_name(t), e);
    tsv_close(t);
    if (r == 0 && known && p->errors != known->total - known->correct)
        return err_set(e,
                       "%s: expected the %" PRId64 " errors of %s, found %" PRId64
                       ": is the table whole (confmat --pairs --top 0) and of the same run?",
                       p->file, known->total - known->correct, known->file, p->errors);
    return r;
}
