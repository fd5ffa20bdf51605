#include "rows/labelled.h"

#include "base/io.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

int labelled_read(struct labelled *in, struct tsv_in *t, unsigned need, struct err *e)
{
    const unsigned classes = 1u << PREDICTION_TRUE | 1u << PREDICTION_PRED;
    if (prediction_find(&in->cols, t, need | classes, 1u << PREDICTION_ID | 1u << PREDICTION_LOSS,
                        e) != 0)
        return -1;
    const int true_name = tsv_find(t, "true_name"), pred_name = tsv_find(t, "pred_name");
    const int true_group = tsv_find(t, "true_group"), pred_group = tsv_find(t, "pred_group");
    struct prediction a;
    int r;
    while ((r = prediction_next(&in->cols, t, &a, e)) > 0) {
        in->rows++;
        if (a.truth < 0) {
            in->unlabelled++;
            continue;
        }
        if (naming_learn(in->naming, t, a.truth, true_name, true_group, e) != 0 ||
            naming_learn(in->naming, t, a.pred, pred_name, pred_group, e) != 0)
            return -1;
        if (in->n == UINT32_MAX)
            return tsv_error(t, e, "expected at most %" PRIu32 " images, found more", UINT32_MAX);
        in->image = mem_extend(in->image, in->n, in->n + 1, sizeof *in->image);
        in->image[in->n++] = a;
        int most = a.truth > a.pred ? a.truth : a.pred;
        in->classes = most >= in->classes ? most + 1 : in->classes;
    }
    return r;
}

static int by_value(double a, double b)
{
    return isnan(a) || isnan(b) ? isnan(a) - isnan(b) : (a > b) - (a < b);
}

/* Rows of one image that differ, too, have one order. */
static int by_id(const void *a, const void *b)
{
    const struct prediction *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    const double values[][2] = {
        {x->truth, y->truth}, {x->pred, y->pred}, {x->conf, y->conf},
        {x->rank, y->rank},   {x->loss, y->loss}, {x->entropy, y->entropy},
    };
    int d = 0;
    for (size_t i = 0; d == 0 && i < sizeof values / sizeof *values; i++)
        d = by_value(values[i][0], values[i][1]);
    return d;
}

void labelled_sort(struct labelled *in)
{
    if (in->cols.col[PREDICTION_ID] >= 0 && in->n > 0)
        qsort(in->image, in->n, sizeof *in->image, by_id);
}

int labelled_items(const struct labelled *in, struct items *t, const char *ids_path, int64_t *item,
                   struct err *e)
{
    struct ids *ids = NULL;
    int64_t count = items_count(t);
    int r = 0;
    if (count < 0)
        return err_set(e, "%s: expected a file, which is read several times, found a pipe",
                       items_name(t));
    if (ids_path && ids_open(&ids, ids_path, e) != 0)
        return -1;
    if (ids && ids_count(ids) != count)
        r = err_set(e, "%s: expected %" PRId64 " ids, one for each item of %s, found %" PRId64,
                    io_name(ids_path), count, items_name(t), ids_count(ids));
    for (size_t i = 0; i < in->n && r == 0; i++) {
        int64_t id = in->image[i].id;
        item[i] = ids_find(ids, id);
        if (ids && item[i] < 0)
            r = err_set(e, "%s: expected the id %" PRId64 " of a row, found none",
                        io_name(ids_path), id);
        else if (item[i] >= count)
            r = err_set(
                e,
                "%s: expected an item for the id %" PRId64 " of a row, found %" PRId64 " items%s",
                items_name(t), id, count, ids ? "" : ": --ids FILE tells which id each item has");
    }
    ids_close(ids);
    return r;
}
