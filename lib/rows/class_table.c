#include "rows/tables.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "rows/fields.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    COL_CLASS,
    COL_NAME,
    COL_SUPERCLASS,
    COL_SUPERCLASS_NAME,
    COL_TOTAL,
    COL_CORRECT,
    COL_PREDICTED,
    COL_PRECISION,
    COL_F1,
    COL_MEAN_CONF,
    COL_TOP_WRONG,
    COL_TOP_WRONG_NAME,
    COL_TOP_WRONG_COUNT,
    COL_TOP_WRONG_TIED,
    COLS
};

static const char *const column[COLS] = {
    "class",           "name",          "group", "group_name", "total",     "correct",
    "predicted",       "precision",     "f1",    "mean_conf",  "top_wrong", "top_wrong_name",
    "top_wrong_count", "top_wrong_tied"};

static struct class_row *class_at(struct classes *c, int cls)
{
    if (cls >= c->n) {
        c->row = mem_extend(c->row, (size_t)c->n, (size_t)cls + 1, sizeof *c->row);
        for (; c->n <= cls; c->n++)
            c->row[c->n] = (struct class_row){.superclass = -1};
    }
    return &c->row[cls];
}

static int read_counts(struct class_row *r, const struct tsv_in *t, const int *col, struct err *e)
{
    if (field_whole(t, col[COL_TOTAL], FIELD_COUNT_MAX, &r->total, e) != 0 ||
        field_whole(t, col[COL_CORRECT], FIELD_COUNT_MAX, &r->correct, e) != 0)
        return -1;
    if (r->correct > r->total)
        return tsv_error(t, e, "expected at most %" PRId64 " correct predictions, found %" PRId64,
                         r->total, r->correct);
    return 0;
}

static int read_figures(struct class_row *r, const struct tsv_in *t, const int *col, struct err *e)
{
    if (field_class_na(t, col[COL_SUPERCLASS], &r->superclass, e) != 0)
        return -1;
    char *superclass = field_string_na(t, col[COL_SUPERCLASS_NAME]);
    r->superclass_name = superclass ? superclass : mem_dup("NA");
    r->superclass_shown = field_shown(t, col[COL_SUPERCLASS_NAME], "superclass", r->superclass);
    return field_whole_na(t, col[COL_PREDICTED], FIELD_COUNT_MAX, &r->predicted, e) != 0 ||
                   field_real_na(t, col[COL_PRECISION], &r->precision, e) != 0 ||
                   field_real_na(t, col[COL_F1], &r->f1, e) != 0 ||
                   field_real_na(t, col[COL_MEAN_CONF], &r->mean_conf, e) != 0
               ? -1
               : 0;
}

/* The most frequent wrong prediction: by its class, or by its name alone. */
static int read_top_wrong(struct class_row *r, const struct tsv_in *t, const int *col,
                          struct err *e)
{
    int wrong;
    r->top_wrong_count = -1;
    if (field_class_na(t, col[COL_TOP_WRONG], &wrong, e) != 0)
        return -1;
    char *name = field_string_na(t, col[COL_TOP_WRONG_NAME]);
    bool counted = col[COL_TOP_WRONG_COUNT] >= 0 && !tsv_is_na(t, col[COL_TOP_WRONG_COUNT]);
    if (wrong < 0 && (col[COL_TOP_WRONG] >= 0 || !name || !counted)) {
        free(name);
        return 0;
    }
    r->top_wrong_name = name;
    char *shown = field_shown(t, col[COL_TOP_WRONG_NAME], "class", wrong);
    r->top_wrong_text = text_isolated(shown);
    free(shown);
    if (col[COL_TOP_WRONG_COUNT] < 0)
        return tsv_need(t, column[COL_TOP_WRONG_COUNT], e) < 0 ? -1 : 0;
    int64_t tied;
    if (field_whole(t, col[COL_TOP_WRONG_COUNT], FIELD_COUNT_MAX, &r->top_wrong_count, e) != 0 ||
        field_whole_na(t, col[COL_TOP_WRONG_TIED], FIELD_COUNT_MAX, &tied, e) != 0)
        return -1;
    r->top_wrong_tied = tied > 0 ? tied : 0;
    return 0;
}

static int read_row(struct classes *c, const struct tsv_in *t, const int *col, struct err *e)
{
    int cls;
    if (field_class(t, col[COL_CLASS], &cls, e) != 0)
        return -1;
    struct class_row *r = class_at(c, cls);
    if (r->present)
        return tsv_error(t, e, "expected every class once, found %d again", cls);
    r->present = true;
    char *name = field_string_na(t, col[COL_NAME]);
    r->name = name ? name : mem_dup("NA");
    r->shown = field_shown(t, col[COL_NAME], "class", cls);
    r->text = text_isolated(r->shown);
    if (read_counts(r, t, col, e) != 0 || read_figures(r, t, col, e) != 0 ||
        read_top_wrong(r, t, col, e) != 0)
        return -1;
    c->total += r->total;
    c->correct += r->correct;
    c->present++;
    return 0;
}

int classes_read(struct classes *c, const char *file, bool names, struct err *e)
{
    static const char *const need[] = {"class", "name", "total", "correct", NULL};
    static const char *const need_counts[] = {"class", "total", "correct", NULL};
    struct tsv_in *t;
    int col[COLS], r;
    *c = (struct classes){.file = io_name(file)};
    if (fields_open(&t, file, names ? need : need_counts, e) != 0)
        return -1;
    for (int i = 0; i < COLS; i++)
        col[i] = tsv_find(t, column[i]);
    while ((r = tsv_next_shown(t, e)) > 0)
        if (read_row(c, t, col, e) != 0) {
            r = -1;
            break;
        }
    tsv_close(t);
    if (r == 0 && c->present == 0)
        return err_set(e, "%s:1: expected a row for each class, found none", c->file);
    c->superclasses = classes_count_superclasses(c);
    return r;
}
