/* What a model predicted, whether or not it was right: what can be said of images
 * without labels. */
#include "report.h"
#include "phrases.h"
#include "rows.h"
#include "words.h"

#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "stats/band.h"
#include "rows/predictions.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { LIST = 10, NAME_WIDTH = 30 };

struct tally_row {
    int cls;
    int64_t images;
    double conf; /* sum */
    char *text;
};

struct tally {
    int64_t images, labelled, band[BANDS];
    double conf, entropy; /* sums; NaN where the table has none */
    int n;
    struct tally_row *row; /* [n], by class while rows are read */
};

static struct tally_row *row_at(struct tally *t, int cls)
{
    if (cls >= t->n) {
        int n = 2 * cls + 1;
        t->row = mem_grow(t->row, (size_t)n, sizeof *t->row);
        for (; t->n < n; t->n++)
            t->row[t->n] = (struct tally_row){.cls = t->n};
    }
    return &t->row[cls];
}

static int by_images(const void *a, const void *b)
{
    const struct tally_row *x = a, *y = b;
    if (x->images != y->images)
        return x->images < y->images ? 1 : -1;
    return x->cls - y->cls;
}

static char *class_text(const struct tsv_in *t, int name_col, int cls)
{
    if (name_col < 0 || tsv_is_na(t, name_col))
        return mem_printf("class %d", cls);
    char *name = tsv_string(t, name_col), *shown = text_clean(name, '?');
    char *text = text_isolated(shown);
    free(name);
    free(shown);
    return text;
}

static void read_rows(struct tally *t, const char *file)
{
    struct err e;
    struct prediction_cols cols = {.classes = STATS_CLASSES, .all = true, .seen = seen_new()};
    struct prediction a;
    int r;
    struct tsv_in *in = rows_open(file);
    if (prediction_find(&cols, in, 1u << PREDICTION_PRED | 1u << PREDICTION_CONF,
                        1u << PREDICTION_ID | 1u << PREDICTION_TRUE | 1u << PREDICTION_ENTROPY,
                        &e) != 0)
        prog_fail(&e);
    int name_col = tsv_find(in, "pred_name");
    while ((r = prediction_next(&cols, in, &a, &e)) > 0) {
        struct tally_row *row = row_at(t, a.pred);
        if (!row->text)
            row->text = class_text(in, name_col, a.pred);
        row->images++;
        row->conf += a.conf;
        t->images++;
        t->labelled += a.truth >= 0;
        t->conf += a.conf;
        t->entropy += a.entropy;
        t->band[band_of(a.conf)]++;
    }
    if (r < 0)
        prog_fail(&e);
    seen_tell(cols.seen, prog_say);
    seen_free(cols.seen);
    tsv_close(in);
    if (t->n > 0)
        qsort(t->row, (size_t)t->n, sizeof *t->row, by_images);
    while (t->n > 0 && t->row[t->n - 1].images == 0)
        t->n--;
}

static void write_overall(const struct tally *t)
{
    words_section("Overall");
    words_line("Images              %8" PRId64, t->images);
    words_line("  with a label      %8" PRId64, t->labelled);
    words_line("Predicted classes   %8d", t->n);
    if (t->images > 0)
        words_line("Mean confidence     %8.2f %%", 100 * t->conf / (double)t->images);
    if (t->images > 0 && !isnan(t->entropy))
        words_line("Mean entropy        %8.3f nats", t->entropy / (double)t->images);
    if (t->labelled == t->images && t->images > 0)
        return;
    words_gap();
    if (t->labelled == 0)
        words_para(0, "",
                   "No image has a label, so accuracy, confusions and calibration are not known. "
                   "Labels come from class folders or from --labels of cifar-predict.");
    else
        words_para(0, "", "All that follows counts images with and without a label.");
}

static void write_confidence(const struct tally *t)
{
    words_section("Confidence of the predictions");
    for (int i = BANDS - 1; i >= 0; i--) {
        struct words_buf b;
        words_line("%-28s%8" PRId64 "   %s", say_band((enum band)i), t->band[i],
                   words_percent(&b, t->band[i], t->images));
    }
}

static void write_classes(const struct tally *t)
{
    int listed = t->n > 2 * LIST ? LIST : t->n, width = 0;
    if (t->n == 0)
        return;
    words_section(t->n > listed ? "Most frequent predictions" : "Predictions by frequency");
    for (int i = 0; i < listed; i++) {
        int w = words_width(t->row[i].text);
        width = w > width ? w : width;
    }
    width = width > NAME_WIDTH ? NAME_WIDTH : width;
    for (int i = 0; i < listed; i++) {
        const struct tally_row *a = &t->row[i];
        struct words_buf b;
        words_line("%3d. %s%*s  %6" PRId64 " (%s), mean confidence %.1f %%", i + 1, a->text,
                   words_pad(a->text, width), "", a->images,
                   words_percent(&b, a->images, t->images), 100 * a->conf / (double)a->images);
    }
    struct words_buf b;
    if (t->n > listed)
        words_para(5, "", "and %d more, the last %s with %s.", t->n - listed, t->row[t->n - 1].text,
                   words_count(&b, t->row[t->n - 1].images, "prediction", "predictions"));
}

void predictions_write(const char *file, const struct about *about)
{
    struct tally t = {0};
    read_rows(&t, file);
    words_open();
    words_title("The predictions of a classifier");
    about_write_warnings(about);
    write_overall(&t);
    if (t.images > 0)
        write_confidence(&t);
    write_classes(&t);
    about_write(about);
    say_files(about);
    words_close();
    for (int i = 0; i < t.n; i++)
        free(t.row[i].text);
    free(t.row);
}
