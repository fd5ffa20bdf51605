#include "rows/tables.h"

#include "base/io.h"
#include "rows/predictions.h"

#include <inttypes.h>

static int read_rows(struct confidence *a, struct tsv_in *t, const struct prediction_cols *cols,
                     const struct skipped *flagged, struct err *e)
{
    struct prediction row;
    int r;
    a->highest_flagged = flagged && a->ids ? 0 : -1;
    while ((r = prediction_next(cols, t, &row, e)) > 0) {
        if (row.truth < 0)
            continue;
        /* Any number divides the images into halves. */
        if (cols->col[PREDICTION_ID] < 0)
            row.id = tsv_line(t);
        confidence_add(a, &row);
        if (a->highest_flagged >= 0 && confidence_highest_error(&row))
            a->highest_flagged += skipped_has(flagged, row.id);
    }
    return r;
}

static int check(const struct confidence *a, const char *name, const struct classes *c,
                 const struct pairs *pairs, struct err *e)
{
    if (a->images != c->total || a->correct_all != c->correct)
        return err_set(e,
                       "%s: expected %" PRId64 " images, %" PRId64
                       " of them predicted correctly, as in %s, found %" PRId64 " and %" PRId64
                       ": are both of the same run?",
                       name, c->total, c->correct, c->file, a->images, a->correct_all);
    if (a->strange > 0)
        return err_set(e, "%s: expected the %zu pairs of %s, found more: are both of the same run?",
                       name, pairs->n, pairs->file);
    for (size_t i = 0; i < pairs->n; i++) {
        const struct pair_row *p = &pairs->row[i];
        if (p->first_half > p->count)
            return err_set(e,
                           "%s: expected the errors of %s, found more of class %d predicted as "
                           "%d: are both of the same run?",
                           name, pairs->file, p->truth, p->pred);
    }
    return 0;
}

int confidence_read(struct confidence *a, const char *file, struct classes *c, struct pairs *pairs,
                    const struct skipped *flagged, struct err *e)
{
    struct prediction_cols cols = {.classes = c->n, .names = c->file};
    struct tsv_in *t;
    if (tsv_open(&t, file, e) != 0)
        return -1;
    int r = prediction_find(&cols, t,
                            1u << PREDICTION_TRUE | 1u << PREDICTION_PRED | 1u << PREDICTION_CONF,
                            1u << PREDICTION_ID, e);
    if (r == 0) {
        cols.seen = seen_new();
        confidence_begin(a, c, pairs, cols.col[PREDICTION_ID] >= 0);
        r = read_rows(a, t, &cols, flagged, e);
        confidence_end(a);
        if (r == 0)
            r = seen_end(cols.seen, NULL, e);
        seen_free(cols.seen);
    }
    tsv_close(t);
    return r == 0 ? check(a, io_name(file), c, pairs, e) : -1;
}
