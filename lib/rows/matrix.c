#include "rows/matrix.h"

#include "base/mem.h"
#include "rows/fields.h"
#include "rows/sums.h"

#include <stdlib.h>

/* An error of the library with the place in the table. */
static int at_row(const struct tsv_in *t, struct err *e)
{
    struct err inner = *e;
    return tsv_error(t, e, "%s", inner.msg);
}

static int break_down(struct matrix_rows *in, const struct tsv_in *t, int by,
                      const struct prediction *a, struct err *e)
{
    if (in->by_number) {
        double value;
        if (tsv_real_na(t, by, &value, e) != 0)
            return -1;
        breakdown_number(in->breakdown, value, a);
        return 0;
    }
    struct tsv_field f = tsv_get(t, by);
    if (breakdown_text(in->breakdown, tsv_is_na(t, by) ? NULL : f.p, f.n, a, e) != 0)
        return at_row(t, e);
    return 0;
}

int matrix_read_predictions(struct matrix_rows *in, struct tsv_in *t, unsigned need, unsigned want,
                            struct err *e)
{
    need |= 1u << PREDICTION_TRUE | 1u << PREDICTION_PRED;
    *(in->skip.n > 0 ? &need : &want) |= 1u << PREDICTION_ID;
    if (prediction_find(&in->cols, t, need, want, e) != 0)
        return -1;
    int by = in->by ? tsv_need_word(t, in->by, "", e) : -1;
    if (in->by && by < 0)
        return -1;
    int true_name = tsv_find(t, "true_name"), pred_name = tsv_find(t, "pred_name");
    int true_superclass = tsv_find(t, "true_group"), pred_superclass = tsv_find(t, "pred_group");
    struct prediction a;
    int r;
    while ((r = prediction_next(&in->cols, t, &a, e)) > 0) {
        in->rows++;
        if (skipped_has(&in->skip, a.id)) {
            in->skipped++;
            continue;
        }
        ids_add(&in->ids, in->cols.col[PREDICTION_ID] < 0 ? -1 : a.id);
        if (a.truth < 0) {
            in->unlabelled++;
            continue;
        }
        if (naming_learn(in->naming, t, a.truth, true_name, true_superclass, e) != 0 ||
            naming_learn(in->naming, t, a.pred, pred_name, pred_superclass, e) != 0)
            return -1;
        if (confusion_prediction(in->matrix, &a, e) != 0)
            return at_row(t, e);
        if (by >= 0 && break_down(in, t, by, &a, e) != 0)
            return -1;
    }
    return r;
}

static int add_entry(struct matrix_rows *in, const struct tsv_in *t, int truth, int pred, int col,
                     struct err *e)
{
    int64_t n;
    if (tsv_int(t, col, 0, INT64_MAX, &n, e) != 0)
        return -1;
    if (n > 0 && confusion_add(in->matrix, truth, pred, n, e) != 0)
        return at_row(t, e);
    return 0;
}

static int read_long(struct matrix_rows *in, struct tsv_in *t, int count, struct err *e)
{
    if (prediction_find(&in->cols, t, 1u << PREDICTION_TRUE | 1u << PREDICTION_PRED, 0, e) != 0)
        return -1;
    int true_name = tsv_find(t, "true_name"), pred_name = tsv_find(t, "pred_name");
    int r;
    while ((r = tsv_next_shown(t, e)) > 0) {
        int truth, pred;
        if (prediction_class(&in->cols, t, in->cols.col[PREDICTION_TRUE], &truth, e) != 0 ||
            prediction_class(&in->cols, t, in->cols.col[PREDICTION_PRED], &pred, e) != 0 ||
            naming_learn(in->naming, t, truth, true_name, -1, e) != 0 ||
            naming_learn(in->naming, t, pred, pred_name, -1, e) != 0 ||
            add_entry(in, t, truth, pred, count, e) != 0)
            return -1;
        in->rows++;
    }
    return r;
}

static int read_wide(struct matrix_rows *in, struct tsv_in *t, struct err *e)
{
    if (prediction_find(&in->cols, t, 1u << PREDICTION_TRUE, 0, e) != 0)
        return -1;
    int *cls = mem_alloc((size_t)tsv_columns(t), sizeof *cls);
    int r = 0, classes = 0;
    for (int c = 0; c < tsv_columns(t) && r == 0; c++) {
        struct tsv_field f = tsv_header(t, c);
        cls[c] = field_matrix_class(f);
        if (cls[c] < 0 && f.n > 1 && f.p[0] == 'p' && f.p[1] >= '0' && f.p[1] <= '9')
            r = err_set(e, "%s:1: expected columns 'p0' to 'p%d', found '%.*s'", tsv_name(t),
                        STATS_CLASSES - 1, f.n > 60 ? 60 : (int)f.n, f.p);
        if (cls[c] >= classes)
            classes = cls[c] + 1;
    }
    if (r == 0 && classes == 0)
        r = err_set(e,
                    "%s:1: expected a confusion matrix with columns 'true', 'p0', 'p1', ... or "
                    "'true', 'pred', 'count', found neither",
                    tsv_name(t));
    else if (r == 0 && classes > in->cols.classes)
        r = err_set(e, "%s:1: expected classes of %s, below %d, found column 'p%d'", tsv_name(t),
                    in->cols.names, in->cols.classes, classes - 1);
    else if (r == 0)
        confusion_cover(in->matrix, classes);
    int name = tsv_find(t, "true_name");
    while (r == 0 && (r = tsv_next_shown(t, e)) > 0) {
        int truth;
        r = prediction_class(&in->cols, t, in->cols.col[PREDICTION_TRUE], &truth, e);
        if (r == 0)
            r = naming_learn(in->naming, t, truth, name, -1, e);
        for (int c = 0; r == 0 && c < tsv_columns(t); c++)
            if (cls[c] >= 0)
                r = add_entry(in, t, truth, cls[c], c, e);
        if (r == 0)
            in->rows++;
    }
    free(cls);
    return r;
}

/* The table of sums ends here: there may be another one behind it. */
static void end_sums(struct matrix_rows *in, struct sums_cols *c, const struct tsv_in *t,
                     int64_t images)
{
    c->ids.n = confusion_images(in->matrix) + in->unlabelled - images;
    c->ids.unknown = c->ids.unknown || !c->has_ids;
    ids_join(&in->ids, &c->ids);
    ids_table(&in->tables, &c->ids, tsv_name(t), tsv_line(t));
    c->ids = (struct ids){0};
    c->has_ids = false;
}

static int read_sums(struct matrix_rows *in, struct tsv_in *t, struct err *e)
{
    struct sums_cols c = {.ended = false};
    if (prediction_find(&in->cols, t, 1u << PREDICTION_TRUE | 1u << PREDICTION_PRED, 0, e) != 0 ||
        sums_find(&c, t, e) != 0)
        return -1;
    int true_name = tsv_find(t, "true_name"), pred_name = tsv_find(t, "pred_name");
    int true_superclass = tsv_find(t, "true_group"), pred_superclass = tsv_find(t, "pred_group");
    int64_t images = confusion_images(in->matrix) + in->unlabelled;
    int r;
    while ((r = tsv_next_shown(t, e)) > 0) {
        int truth, pred;
        in->rows++;
        r = sums_add(&c, t, in->cols.classes, in->matrix, &in->unlabelled, e);
        if (r > 0 && (prediction_class(&in->cols, t, c.truth, &truth, e) != 0 ||
                      prediction_class(&in->cols, t, c.pred, &pred, e) != 0 ||
                      naming_learn(in->naming, t, truth, true_name, true_superclass, e) != 0 ||
                      naming_learn(in->naming, t, pred, pred_name, pred_superclass, e) != 0 ||
                      add_entry(in, t, truth, pred, c.value, e) != 0))
            r = -1;
        if (r < 0)
            return -1;
        if (c.ended) {
            end_sums(in, &c, t, images);
            images = confusion_images(in->matrix) + in->unlabelled;
        }
    }
    if (r == 0 && !c.ended)
        r = err_set(e,
                    "%s: expected a row 'unlabelled', with which a table of sums ends, found none",
                    tsv_name(t));
    return r;
}

int matrix_read(struct matrix_rows *in, struct tsv_in *t, struct err *e)
{
    if (sums_are(t))
        return read_sums(in, t, e);
    in->plain = in->ids.unknown = true;
    int count = tsv_find(t, "count");
    return count >= 0 ? read_long(in, t, count, e) : read_wide(in, t, e);
}
