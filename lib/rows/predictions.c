#include "rows/predictions.h"

#include "rows/fields.h"

#include <math.h>

static const char *const column[PREDICTION_COLS] = {
    [PREDICTION_ID] = "id",           [PREDICTION_TRUE] = "true",      [PREDICTION_PRED] = "pred",
    [PREDICTION_CONF] = "conf",       [PREDICTION_RANK] = "rank_true", [PREDICTION_LOSS] = "loss",
    [PREDICTION_ENTROPY] = "entropy",
};

int prediction_find(struct prediction_cols *c, const struct tsv_in *t, unsigned need, unsigned want,
                    struct err *e)
{
    for (int i = 0; i < PREDICTION_COLS; i++) {
        c->col[i] = -1;
        if (need & 1u << i) {
            c->col[i] = tsv_need(t, column[i], e);
            if (c->col[i] < 0)
                return -1;
        } else if (want & 1u << i) {
            c->col[i] = tsv_find(t, column[i]);
        }
    }
    return 0;
}

int prediction_class(const struct prediction_cols *c, const struct tsv_in *t, int col, int *cls,
                     struct err *e)
{
    int64_t v;
    if (tsv_int(t, col, 0, STATS_CLASSES - 1, &v, e) != 0)
        return -1;
    if (v >= c->classes) {
        struct tsv_field name = tsv_header(t, col);
        return tsv_error(t, e, "column '%.*s': expected a class of %s, below %d, found %d",
                         (int)name.n, name.p, c->names, c->classes, (int)v);
    }
    *cls = (int)v;
    return 0;
}

int prediction_read(const struct prediction_cols *c, const struct tsv_in *t, struct prediction *a,
                    struct err *e)
{
    *a = (struct prediction){.truth = -1, .pred = -1, .conf = NAN, .loss = NAN, .entropy = NAN};
    int truth = c->col[PREDICTION_TRUE];
    bool labelled = truth >= 0 && !tsv_is_na(t, truth);
    if (c->col[PREDICTION_ID] >= 0 &&
        tsv_int(t, c->col[PREDICTION_ID], 0, INT64_MAX, &a->id, e) != 0)
        return -1;
    if (!labelled && !c->all)
        return 0;
    if (labelled && prediction_class(c, t, truth, &a->truth, e) != 0)
        return -1;
    if (prediction_class(c, t, c->col[PREDICTION_PRED], &a->pred, e) != 0)
        return -1;
    if (c->col[PREDICTION_CONF] >= 0 &&
        field_probability(t, c->col[PREDICTION_CONF], &a->conf, e) != 0)
        return -1;
    if (labelled && c->col[PREDICTION_RANK] >= 0) {
        int64_t rank;
        if (tsv_int(t, c->col[PREDICTION_RANK], 1, STATS_CLASSES, &rank, e) != 0)
            return -1;
        a->rank = (int)rank;
    }
    if (labelled && c->col[PREDICTION_LOSS] >= 0 &&
        tsv_real(t, c->col[PREDICTION_LOSS], &a->loss, e) != 0)
        return -1;
    if (c->col[PREDICTION_ENTROPY] >= 0 &&
        tsv_real(t, c->col[PREDICTION_ENTROPY], &a->entropy, e) != 0)
        return -1;
    return 0;
}

int prediction_next(const struct prediction_cols *c, struct tsv_in *t, struct prediction *a,
                    struct err *e)
{
    for (;;) {
        int r = tsv_next_shown(t, e);
        if (r <= 0)
            return r;
        if (prediction_read(c, t, a, e) != 0)
            return -1;
        struct tsv_field row = tsv_row(t);
        if (!c->seen || c->col[PREDICTION_ID] < 0 ||
            !seen_row(c->seen, a->id, a->truth, a->pred, row.p, row.n, tsv_name(t), tsv_line(t)))
            return 1;
    }
}
