/* The comma-separated tables, under the names and headers that scripts on the
 * reference's files look for; further columns come after these. Quoting is that of
 * RFC 4180, lines end in LF. */
#include "report.h"
#include "rows.h"
#include "words.h"

#include "stats/prediction.h"

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

/* A column of names, of which there may be none. */
static void put_cell(const struct tsv_in *t, int col)
{
    char *s = col < 0 ? NULL : tsv_string(t, col);
    put_string(s ? s : "NA");
    free(s);
}

void csv_write_classes(const struct classes *c)
{
    int *rank, n = classes_ranked(c, CLASSES_WITH_EMPTY, &rank);
    words_open();
    words_put("Class ID,Class Name,Correct,Total,Accuracy (%%),Superclass,Precision (%%),F1 (%%),"
              "Predicted,Mean Confidence (%%),Most Frequent Wrong Prediction,Its Count\n");
    for (int i = 0; i < n; i++) {
        const struct class_row *row = &c->row[rank[i]];
        words_put("%d,", rank[i]);
        put_string(row->name);
        words_put(",%" PRId64 ",%" PRId64, row->correct, row->total);
        put_percent(class_accuracy(row));
        words_put(",");
        put_string(row->group_name);
        put_percent(row->precision);
        put_percent(row->f1);
        put_count(row->predicted);
        put_percent(row->mean_conf);
        words_put(",");
        put_string(row->top_wrong_name ? row->top_wrong_name : "NA");
        put_count(row->top_wrong_count);
        words_put("\n");
    }
    free(rank);
    words_close();
}

void csv_write_pairs(const struct pairs *p)
{
    words_open();
    words_put("true_class,pred_class,count,true_name,pred_name,rate,reverse_count,"
              "same_superclass\n");
    for (size_t i = 0; i < p->n && i < TOP_PAIRS; i++) {
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
        put_count(row->same_group);
        words_put("\n");
    }
    words_close();
}

void csv_write_errors(const char *errors)
{
    struct tsv_in *t = rows_open(errors);
    int id = rows_need(t, "id"), truth = rows_need(t, "true"), pred = rows_need(t, "pred");
    int conf = rows_need(t, "conf"), name[] = {tsv_find(t, "true_name"), tsv_find(t, "pred_name")};
    int path = tsv_find(t, "file"), p_true = tsv_find(t, "p_true");
    words_open();
    words_put("id,file,true_class,true_name,pred_class,pred_name,confidence (%%),"
              "confidence of true class (%%)\n");
    while (rows_next(t)) {
        words_put("%" PRId64 ",", rows_whole(t, id, INT64_MAX));
        put_cell(t, path);
        words_put(",%" PRId64 ",", rows_whole(t, truth, STATS_CLASSES - 1));
        put_cell(t, name[0]);
        words_put(",%" PRId64 ",", rows_whole(t, pred, STATS_CLASSES - 1));
        put_cell(t, name[1]);
        put_percent(rows_share(t, conf));
        put_percent(p_true < 0 || tsv_is_na(t, p_true) ? NAN : rows_share(t, p_true));
        words_put("\n");
    }
    tsv_close(t);
    words_close();
}
