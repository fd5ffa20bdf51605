/* The comma-separated tables, under the names and headers that scripts on the
 * reference's files look for; further columns come after these. Quoting is that of
 * RFC 4180, lines end in LF. */
#include "report.h"
#include "words.h"

#include "base/prog.h"
#include "rows/selection.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void put_string(const char *s)
{
    size_t n = strlen(s);
    bool quote = strpbrk(s, ",\"\r\n") || (n > 0 && (s[0] == ' ' || s[n - 1] == ' '));
    if (!quote) {
        words_raw(s, n);
        return;
    }
    words_put("\"");
    for (const char *p = s; *p; p++) {
        words_raw(p, 1);
        if (*p == '"')
            words_put("\"");
    }
    words_put("\"");
}

/* As a field behind others; NaN is NA. */
static void put_percent(double share)
{
    if (isnan(share))
        words_put(",NA");
    else
        words_put(",%.9g", 100 * share);
}

static void put_count(int64_t n)
{
    if (n < 0)
        words_put(",NA");
    else
        words_put(",%" PRId64, n);
}

static void put_known(const char *s)
{
    put_string(s ? s : "NA");
}

void csv_write_classes(const struct classes *c)
{
    struct class_list order = classes_ranked(c, CLASSES_WITH_EMPTY);
    words_open("-");
    words_put("Class ID,Class Name,Correct,Total,Accuracy (%%),Superclass,Precision (%%),F1 (%%),"
              "Predicted,Mean Confidence (%%),Most Frequent Wrong Prediction,Its Count,"
              "Others As Frequent\n");
    for (int i = 0; i < order.n; i++) {
        const struct class_row *row = &c->row[order.cls[i]];
        words_put("%d,", order.cls[i]);
        put_string(row->name);
        words_put(",%" PRId64 ",%" PRId64, row->correct, row->total);
        put_percent(class_accuracy(row));
        words_put(",");
        put_string(row->superclass_name);
        put_percent(row->precision);
        put_percent(row->f1);
        put_count(row->predicted);
        put_percent(row->mean_conf);
        words_put(",");
        put_known(class_has_top_wrong(row) ? row->top_wrong_name : NULL);
        put_count(row->top_wrong_count);
        put_count(row->top_wrong_count < 0 ? -1 : row->top_wrong_tied);
        words_put("\n");
    }
    free(order.cls);
    words_close();
}

void csv_write_pairs(const struct pairs *p)
{
    size_t tied, n = pairs_listed(p, PAIRS_TOP, &tied);
    words_open("-");
    words_put("true_class,pred_class,count,true_name,pred_name,rate,reverse_count,"
              "same_superclass,unlisted_as_frequent\n");
    for (size_t i = 0; i < n; i++) {
        const struct pair_row *row = &p->row[i];
        words_put("%d,%d,%" PRId64 ",", row->truth, row->pred, row->count);
        put_string(row->true_name);
        words_put(",");
        put_string(row->pred_name);
        if (isnan(row->rate))
            words_put(",NA");
        else
            words_put(",%.9g", row->rate);
        put_count(row->reverse);
        put_count(row->same_superclass);
        put_count(row->count == p->row[n - 1].count ? (int64_t)tied : 0);
        words_put("\n");
    }
    words_close();
}

void csv_write_errors(const char *errors, const char *labels)
{
    struct selected_errors *rows;
    struct selected_error row;
    struct skipped flagged = {0};
    struct err e;
    int r;
    if (labels && skipped_read(&flagged, labels, &e) != 0)
        prog_fail(&e);
    if (selection_errors_open(&rows, errors, &e) != 0)
        prog_fail(&e);
    words_open("-");
    words_put("id,file,true_class,true_name,pred_class,pred_name,confidence (%%),"
              "confidence of true class (%%),flagged\n");
    while ((r = selection_errors_next(rows, &row, &e)) > 0) {
        words_put("%" PRId64 ",", row.id);
        put_known(row.file);
        words_put(",%d,", row.truth);
        put_known(row.true_name);
        words_put(",%d,", row.pred);
        put_known(row.pred_name);
        put_percent(row.conf);
        put_percent(row.p_true);
        put_count(labels ? skipped_has(&flagged, row.id) : -1);
        words_put("\n");
    }
    if (r < 0)
        prog_fail(&e);
    selection_errors_close(rows);
    skipped_free(&flagged);
    words_close();
}
