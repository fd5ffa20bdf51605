#include "rows/selection.h"

#include "base/mem.h"
#include "rows/fields.h"

#include <stdlib.h>

/* Finds columns, which the table has. */
static void find(const struct tsv_in *t, const char *const *column, int n, int *col)
{
    for (int i = 0; i < n; i++)
        col[i] = tsv_find(t, column[i]);
}

static int read_number(const struct tsv_in *t, int col, int min, int max, int *v, struct err *e)
{
    int64_t n;
    if (tsv_int(t, col, min, max, &n, e) != 0)
        return -1;
    *v = (int)n;
    return 0;
}

int selection_classes(const char *file, int classes, char **name, struct err *e)
{
    static const char *const column[] = {"true", "true_name", NULL};
    struct tsv_in *t;
    int col[2], cls, r;
    if (fields_open(&t, file, column, e) != 0)
        return -1;
    find(t, column, 2, col);
    while ((r = tsv_next_shown(t, e)) > 0) {
        r = read_number(t, col[0], 0, classes - 1, &cls, e);
        if (r != 0)
            break;
        if (!name[cls])
            name[cls] = tsv_string(t, col[1]);
    }
    tsv_close(t);
    return r;
}

/* --- pairs --- */

enum { PAIR_GROUP, PAIR_TRUE, PAIR_PRED, PAIR_TRUE_NAME, PAIR_PRED_NAME, PAIR_COLS };

static int read_pair(struct selected_pairs *p, const struct tsv_in *t, const int *col, int number,
                     int classes, struct err *e)
{
    struct selected_pair pair = {.number = number};
    if (read_number(t, col[PAIR_TRUE], 0, classes - 1, &pair.truth, e) != 0 ||
        read_number(t, col[PAIR_PRED], 0, classes - 1, &pair.pred, e) != 0)
        return -1;
    pair.true_name = tsv_string(t, col[PAIR_TRUE_NAME]);
    pair.pred_name = tsv_string(t, col[PAIR_PRED_NAME]);
    p->pair = mem_grow(p->pair, (size_t)p->n + 1, sizeof *p->pair);
    p->pair[p->n++] = pair;
    return 0;
}

int selection_pairs(struct selected_pairs *p, const char *file, int classes, struct err *e)
{
    static const char *const column[] = {"group", "true", "pred", "true_name", "pred_name", NULL};
    struct tsv_in *t;
    int col[PAIR_COLS], number, before = 0, r;
    *p = (struct selected_pairs){0};
    if (fields_open(&t, file, column, e) != 0)
        return -1;
    find(t, column, PAIR_COLS, col);
    while ((r = tsv_next_shown(t, e)) > 0) {
        r = read_number(t, col[PAIR_GROUP], 1, INT32_MAX, &number, e);
        if (r == 0 && number != before)
            r = read_pair(p, t, col, number, classes, e);
        if (r != 0)
            break;
        before = number;
    }
    tsv_close(t);
    return r;
}

void selection_pairs_free(struct selected_pairs *p)
{
    for (int i = 0; i < p->n; i++) {
        free(p->pair[i].true_name);
        free(p->pair[i].pred_name);
    }
    free(p->pair);
}

/* --- errors --- */

enum {
    ERROR_ID,
    ERROR_TRUE,
    ERROR_PRED,
    ERROR_CONF,
    ERROR_TRUE_NAME,
    ERROR_PRED_NAME,
    ERROR_FILE,
    ERROR_P_TRUE,
    ERROR_COLS
};

struct selected_errors {
    struct tsv_in *t;
    int col[ERROR_COLS];
    char *file, *true_name, *pred_name;
};

int selection_errors_open(struct selected_errors **s, const char *file, struct err *e)
{
    static const char *const need[] = {"id", "true", "pred", "conf", NULL};
    static const char *const column[] = {"id",        "true",      "pred", "conf",
                                         "true_name", "pred_name", "file", "p_true"};
    struct tsv_in *t;
    if (fields_open(&t, file, need, e) != 0)
        return -1;
    *s = mem_zero(1, sizeof **s);
    (*s)->t = t;
    find(t, column, ERROR_COLS, (*s)->col);
    return 0;
}

static void forget(struct selected_errors *s)
{
    free(s->file);
    free(s->true_name);
    free(s->pred_name);
    s->file = s->true_name = s->pred_name = NULL;
}

int selection_errors_next(struct selected_errors *s, struct selected_error *row, struct err *e)
{
    const struct tsv_in *t = s->t;
    const int *col = s->col;
    int r = tsv_next_shown(s->t, e);
    forget(s);
    if (r <= 0)
        return r;
    *row = (struct selected_error){0};
    if (field_whole(t, col[ERROR_ID], INT64_MAX, &row->id, e) != 0 ||
        field_class(t, col[ERROR_TRUE], &row->truth, e) != 0 ||
        field_class(t, col[ERROR_PRED], &row->pred, e) != 0 ||
        field_probability(t, col[ERROR_CONF], &row->conf, e) != 0 ||
        field_probability_na(t, col[ERROR_P_TRUE], &row->p_true, e) != 0)
        return -1;
    row->file = s->file = field_string_na(t, col[ERROR_FILE]);
    row->true_name = s->true_name = field_string_na(t, col[ERROR_TRUE_NAME]);
    row->pred_name = s->pred_name = field_string_na(t, col[ERROR_PRED_NAME]);
    return 1;
}

void selection_errors_close(struct selected_errors *s)
{
    forget(s);
    tsv_close(s->t);
    free(s);
}
