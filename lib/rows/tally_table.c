#include "rows/tables.h"

#include "base/text.h"
#include "rows/fields.h"
#include "rows/predictions.h"

#include <stdlib.h>

static char *class_text(const struct tsv_in *t, int name_col, int cls)
{
    char *shown = field_shown(t, name_col, "class", cls), *text = text_isolated(shown);
    free(shown);
    return text;
}

static int read_rows(struct tally *tally, struct tsv_in *t, const struct prediction_cols *cols,
                     struct err *e)
{
    struct prediction a;
    int r, name_col = tsv_find(t, "pred_name");
    while ((r = prediction_next(cols, t, &a, e)) > 0) {
        struct tally_row *row = tally_add(tally, &a);
        if (!row->text)
            row->text = class_text(t, name_col, a.pred);
    }
    return r;
}

int tally_read(struct tally *tally, const char *file, void (*say)(const char *fmt, ...),
               struct err *e)
{
    struct prediction_cols cols = {.classes = STATS_CLASSES, .all = true};
    struct tsv_in *t;
    *tally = (struct tally){0};
    if (tsv_open(&t, file, e) != 0)
        return -1;
    int r =
        prediction_find(&cols, t, 1u << PREDICTION_PRED | 1u << PREDICTION_CONF,
                        1u << PREDICTION_ID | 1u << PREDICTION_TRUE | 1u << PREDICTION_ENTROPY, e);
    if (r == 0) {
        cols.seen = seen_new();
        r = read_rows(tally, t, &cols, e);
        if (r == 0)
            r = seen_end(cols.seen, say, e);
        seen_free(cols.seen);
    }
    tsv_close(t);
    tally_end(tally);
    return r;
}
