/* Confusion matrix of prediction rows, and what follows from it. */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "data/names.h"
#include "rows/matrix.h"
#include "rows/put.h"
#include "rows/sums.h"
#include "stats/breakdown.h"
#include "stats/confusion.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mode {
    MODE_MATRIX,
    MODE_LONG,
    MODE_CLASSES,
    MODE_PAIRS,
    MODE_SUPERCLASSES,
    MODE_SUMMARY,
    MODE_SUMS,
    MODE_BY,
    MODES
};

static bool flag[MODES];
static bool merge, repeats;
static const char *names_path, *by, *skip;
static int order_superclass;
static int64_t top, quantiles;

static const struct opt options[] = {
    {"long", 0, OPT_FLAG, &flag[MODE_LONG], NULL,
     "Write the entries that are not zero, one a row, instead of the wide matrix.", 0, 0},
    {"classes", 'c', OPT_FLAG, &flag[MODE_CLASSES], NULL,
     "Write the metrics of each class: accuracy, precision, recall, F1, mean confidence, most "
     "frequent wrong prediction.",
     0, 0},
    {"pairs", 0, OPT_FLAG, &flag[MODE_PAIRS], NULL,
     "Write the confusion pairs, the most frequent first.", 0, 0},
    {"top", 'n', OPT_INT, &top, "N",
     "With --pairs, write the N most frequent; 0 writes all and is the default.", 0, INT64_MAX},
    {"groups", 'g', OPT_FLAG, &flag[MODE_SUPERCLASSES], NULL, "Write the matrix over superclasses.",
     0, 0},
    {"summary", 0, OPT_FLAG, &flag[MODE_SUMMARY], NULL,
     "Write the metrics of all images, one a row.", 0, 0},
    {"sums", 0, OPT_FLAG, &flag[MODE_SUMS], NULL,
     "Write counts and exact sums, which --merge adds to those of other rows: every table but that "
     "of --by is then as of all rows together.",
     0, 0},
    {"by", 'b', OPT_STRING, &by, "COLUMN",
     "Write the metrics of the images by the value that each has in a column of the rows.", 0, 0},
    {"quantiles", 'q', OPT_INT, &quantiles, "N",
     "With --by, divide the numbers of the column into N groups of about as many images.", 1,
     BREAKDOWN_QUANTILES},
    {"order", 0, OPT_CHOICE, &order_superclass, "class|group",
     "Order of the wide matrix and of --classes: by class ID, the default, or by superclass "
     "and then class ID.",
     0, 0},
    {"names", 0, OPT_STRING, &names_path, "PATH",
     "Take the number of classes, their names and superclasses from a table with the columns "
     "class, name, group, group_name, from a text file with a name a line, or from a data set.",
     0, 0},
    {"skip", 0, OPT_STRING, &skip, "FILE",
     "Leave out the images of this table, by id; where it has a column flagged, those flagged 1, "
     "as label-check writes them.",
     0, 0},
    {"merge", 0, OPT_FLAG, &merge, NULL,
     "Read confusion matrices, wide or long, or tables of --sums, instead of predictions, and add "
     "them.",
     0, 0},
    {"repeats", 0, OPT_FLAG, &repeats, NULL,
     "With --merge, add tables of --sums of the same ids, too, such as those of two data sets.", 0,
     0},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "confmat predictions.tsv > confusion.tsv",
    "cifar-predict --model m.pth --data test.bin | confmat --summary",
    "confmat --pairs --top 15 predictions.tsv",
    "confmat --by true_group predictions.tsv",
    "confmat --by entropy --quantiles 5 predictions.tsv",
    "duplicates --against train.bin test.bin | confmat --skip - --summary predictions.tsv",
    "confmat --merge part1.tsv part2.tsv > confusion.tsv",
    "confmat --sums shard1.tsv > sums1.tsv",
    "confmat --merge --summary sums1.tsv sums2.tsv",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "tables of shards are read one after the other, in any order"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "confmat",
    .brief = "Count correct and wrong predictions by class",
    .operands = "[FILE ...]",
    .opts = options,
    .examples = examples,
    .lacks = lacks,
};

/* --- writing --- */

/* A square table: `head`, then a column for each class in `order`. */
static int write_wide(struct out *o, const struct confusion *m, const char *head,
                      const struct names *names, bool superclasses, const int *order, struct err *e)
{
    int classes = confusion_classes(m);
    if (classes > TSV_COLUMNS - 2)
        return err_set(e,
                       "expected at most %d classes in a table with a column for each, found %d "
                       "(--long has no such limit)",
                       TSV_COLUMNS - 2, classes);
    size_t room = strlen(head) + 7 * (size_t)classes + 1, n = strlen(head);
    char *columns = mem_alloc(room, 1);
    memcpy(columns, head, n + 1);
    for (int i = 0; i < classes; i++)
        n += (size_t)snprintf(columns + n, room - n, " p%d", order[i]);
    struct tsv_out *t = tsv_begin(o, columns);
    int64_t *count = mem_alloc((size_t)classes + 1, sizeof *count);
    int r = 0;
    for (int i = 0; i < classes && r == 0; i++) {
        size_t entries;
        const struct sparse_entry *row = confusion_row(m, order[i], &entries);
        memset(count, 0, (size_t)classes * sizeof *count);
        for (size_t k = 0; k < entries; k++)
            count[row[k].col] = row[k].value;
        tsv_put_int(t, order[i]);
        if (superclasses)
            put_superclass_name(t, names, order[i]);
        else
            put_class_name(t, names, order[i]);
        for (int k = 0; k < classes; k++)
            tsv_put_int(t, count[order[k]]);
        r = tsv_end(t, e);
    }
    free(count);
    free(columns);
    tsv_free(t);
    return r;
}

static int *numbers(int n)
{
    int *order = mem_alloc((size_t)n + 1, sizeof *order);
    for (int i = 0; i < n; i++)
        order[i] = i;
    return order;
}

static int write_long(struct out *o, const struct confusion *m, const struct names *names,
                      struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "true pred count true_name pred_name");
    size_t n;
    const struct sparse_entry *entry = confusion_entries(m, &n);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        tsv_put_int(t, entry[i].row);
        tsv_put_int(t, entry[i].col);
        tsv_put_int(t, entry[i].value);
        put_class_name(t, names, entry[i].row);
        put_class_name(t, names, entry[i].col);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

static int write_classes(struct out *o, const struct confusion *m, const struct names *names,
                         const int *order, struct err *e)
{
    struct tsv_out *t =
        tsv_begin(o, "class name group group_name total correct accuracy precision recall f1 "
                     "predicted mean_conf top_wrong top_wrong_name top_wrong_count "
                     "top_wrong_tied");
    int r = 0;
    for (int i = 0; i < confusion_classes(m) && r == 0; i++) {
        int cls = order[i], superclass = cls < names->classes ? names->superclass[cls] : -1;
        struct class_metrics f;
        confusion_class(m, cls, &f);
        tsv_put_int(t, cls);
        put_class_name(t, names, cls);
        put_class(t, superclass);
        put_superclass_name(t, names, superclass);
        tsv_put_int(t, f.total);
        tsv_put_int(t, f.correct);
        tsv_put_real(t, f.accuracy);
        tsv_put_real(t, f.precision);
        tsv_put_real(t, f.accuracy);
        tsv_put_real(t, f.f1);
        tsv_put_int(t, f.predicted);
        tsv_put_real(t, f.mean_conf);
        put_class(t, f.top_wrong);
        put_class_name(t, names, f.top_wrong);
        tsv_put_int(t, f.top_wrong_count);
        tsv_put_int(t, f.top_wrong_tied);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

static int write_pairs(struct out *o, const struct confusion *m, const struct names *names,
                       struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "true pred count true_name pred_name rate reverse_count "
                                     "both_count same_group");
    size_t n;
    struct confused_pair *p = confusion_pairs(m, names, &n);
    int r = 0;
    for (size_t i = 0; i < n && (top == 0 || (int64_t)i < top) && r == 0; i++) {
        tsv_put_int(t, p[i].truth);
        tsv_put_int(t, p[i].pred);
        tsv_put_int(t, p[i].count);
        put_class_name(t, names, p[i].truth);
        put_class_name(t, names, p[i].pred);
        tsv_put_real(t, p[i].rate);
        tsv_put_int(t, p[i].reverse);
        tsv_put_int(t, p[i].both);
        put_class(t, p[i].same_superclass);
        r = tsv_end(t, e);
    }
    free(p);
    tsv_free(t);
    return r;
}

static int write_superclasses(struct out *o, const struct confusion *m, const struct names *names,
                              struct err *e)
{
    int64_t left;
    struct confusion *g = confusion_by_superclass(m, names, &left, e);
    if (!g)
        return -1;
    if (left > 0 && prog_verbose())
        prog_say("%" PRId64 " of %" PRId64
                 " images ignored: the superclass of the true or the predicted class is not known",
                 left, confusion_images(m));
    int *order = numbers(confusion_classes(g));
    int r = write_wide(o, g, "true_group true_group_name", names, true, order, e);
    free(order);
    confusion_free(g);
    return r;
}

enum measure_kind { MEASURE_COUNT, MEASURE_REAL, MEASURE_CLASS, MEASURE_NAME };

/* One row of the summary; a value of NaN or a class of -1 is NA. */
struct measure {
    const char *name;
    enum measure_kind kind;
    double value; /* a count, a figure or a class */
};

static void put_measure(struct tsv_out *t, const struct measure *m, const struct names *names)
{
    tsv_put_string(t, m->name);
    if (m->kind == MEASURE_NAME)
        put_class_name(t, names, (int)m->value);
    else if (m->kind == MEASURE_CLASS)
        put_class(t, (int)m->value);
    else if (m->kind == MEASURE_COUNT && !isnan(m->value))
        tsv_put_int(t, (int64_t)m->value);
    else
        tsv_put_real(t, m->value);
}

static int write_summary(struct out *o, const struct confusion *m, const struct names *names,
                         int64_t unlabelled, struct err *e)
{
    struct confusion_summary s;
    confusion_summarize(m, names, &s);
    const struct measure rows[] = {
        {"images", MEASURE_COUNT, (double)s.all.images},
        {"unlabelled", MEASURE_COUNT, unlabelled < 0 ? NAN : (double)unlabelled},
        {"classes", MEASURE_COUNT, (double)s.classes},
        {"classes_with_images", MEASURE_COUNT, (double)s.classes_with_images},
        {"groups", MEASURE_COUNT, (double)s.superclasses},
        {"correct", MEASURE_COUNT, (double)s.all.correct},
        {"errors", MEASURE_COUNT, (double)s.all.errors},
        {"accuracy", MEASURE_REAL, s.all.accuracy},
        {"error_rate", MEASURE_REAL, s.all.error_rate},
        {"top5_accuracy", MEASURE_REAL, s.all.top5_accuracy},
        {"group_accuracy", MEASURE_REAL, s.superclass_accuracy},
        {"errors_same_group", MEASURE_COUNT, s.errors_same_superclass},
        {"mean_class_accuracy", MEASURE_REAL, s.mean_class_accuracy},
        {"macro_precision", MEASURE_REAL, s.macro_precision},
        {"macro_f1", MEASURE_REAL, s.macro_f1},
        {"best_class", MEASURE_CLASS, (double)s.best_class},
        {"best_class_name", MEASURE_NAME, (double)s.best_class},
        {"best_class_accuracy", MEASURE_REAL, s.best_class_accuracy},
        {"worst_class", MEASURE_CLASS, (double)s.worst_class},
        {"worst_class_name", MEASURE_NAME, (double)s.worst_class},
        {"worst_class_accuracy", MEASURE_REAL, s.worst_class_accuracy},
        {"classes_below_50", MEASURE_COUNT, (double)s.classes_below_50},
        {"classes_below_70", MEASURE_COUNT, (double)s.classes_below_70},
        {"pairs_confused", MEASURE_COUNT, (double)s.pairs_confused},
        {"mean_conf", MEASURE_REAL, s.all.mean_conf},
        {"mean_conf_correct", MEASURE_REAL, s.all.mean_conf_correct},
        {"mean_conf_wrong", MEASURE_REAL, s.all.mean_conf_wrong},
        {"errors_conf_90", MEASURE_COUNT, s.all.errors_conf_90},
        {"errors_conf_70", MEASURE_COUNT, s.all.errors_conf_70},
        {"correct_conf_50", MEASURE_COUNT, s.all.correct_conf_50},
        {"ece", MEASURE_REAL, s.all.ece},
        {"mce", MEASURE_REAL, s.all.mce},
        {"nll", MEASURE_REAL, s.all.nll},
        {"mean_entropy", MEASURE_REAL, s.all.mean_entropy},
    };
    struct tsv_out *t = tsv_begin(o, "measure value");
    int r = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && r == 0; i++) {
        put_measure(t, &rows[i], names);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

static int write_breakdown(struct out *o, struct breakdown *b, struct err *e)
{
    struct tsv_out *t =
        tsv_begin(o, "column value from to images correct errors accuracy accuracy_low "
                     "accuracy_high mean_conf over_confidence over_low over_high errors_conf_90 "
                     "ece top5_accuracy nll mean_entropy");
    size_t n;
    const struct breakdown_group *group = breakdown_end(b, (int)quantiles, &n);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct breakdown_group *g = &group[i];
        struct metrics_values v;
        char quantile[16];
        metrics_compute(&g->metrics, &v);
        snprintf(quantile, sizeof quantile, "q%d", g->quantile);
        tsv_put_string(t, by);
        if (g->value)
            tsv_put_raw(t, g->value, strlen(g->value));
        else
            tsv_put_string(t, g->quantile > 0 ? quantile : NULL);
        tsv_put_real(t, g->from);
        tsv_put_real(t, g->to);
        tsv_put_int(t, v.images);
        tsv_put_int(t, v.correct);
        tsv_put_int(t, v.errors);
        const double real[] = {
            v.accuracy, v.accuracy_low, v.accuracy_high,  v.mean_conf, v.over_confidence,
            v.over_low, v.over_high,    v.errors_conf_90, v.ece,       v.top5_accuracy,
            v.nll,      v.mean_entropy};
        for (size_t k = 0; k < sizeof real / sizeof *real; k++)
            tsv_put_real(t, real[k]);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

static int write_result(enum mode mode, const struct matrix_rows *in, const struct names *names,
                        struct err *e)
{
    struct out *o;
    if (out_open(&o, "-", e) != 0)
        return -1;
    const struct confusion *m = in->matrix;
    int *order = numbers(confusion_classes(m));
    if (order_superclass)
        confusion_superclass_order(m, names, order);
    int r = 0;
    switch (mode) {
    case MODE_LONG:
        r = write_long(o, m, names, e);
        break;
    case MODE_CLASSES:
        r = write_classes(o, m, names, order, e);
        break;
    case MODE_PAIRS:
        r = write_pairs(o, m, names, e);
        break;
    case MODE_SUPERCLASSES:
        r = write_superclasses(o, m, names, e);
        break;
    case MODE_SUMMARY:
        r = write_summary(o, m, names, in->plain ? -1 : in->unlabelled, e);
        break;
    case MODE_SUMS:
        r = sums_write(m, names, in->unlabelled, &in->ids, o, e);
        break;
    case MODE_BY:
        r = write_breakdown(o, in->breakdown, e);
        break;
    default:
        r = write_wide(o, m, "true true_name", names, false, order, e);
    }
    free(order);
    if (r != 0) {
        out_abort(o);
        return -1;
    }
    return out_close(o, e);
}

static enum mode choose_mode(void)
{
    static const char *const word[MODES] = {NULL,     "long",    "classes", "pairs",
                                            "groups", "summary", "sums",    "by"};
    enum mode mode = MODE_MATRIX;
    flag[MODE_BY] = by;
    for (int i = MODE_LONG; i < MODES; i++) {
        if (!flag[i])
            continue;
        if (mode != MODE_MATRIX)
            prog_usage("--%s and --%s exclude each other", word[mode], word[i]);
        mode = (enum mode)i;
    }
    if (top > 0 && mode != MODE_PAIRS)
        prog_usage("--top goes with --pairs");
    if (order_superclass && mode != MODE_MATRIX && mode != MODE_CLASSES)
        prog_usage("--order group goes with the wide matrix and with --classes");
    if (quantiles > 0 && mode != MODE_BY)
        prog_usage("--quantiles goes with --by");
    if (merge && mode == MODE_BY)
        prog_usage("--merge and --by exclude each other: a matrix tells nothing of single images");
    if (repeats && !merge)
        prog_usage("--repeats goes with --merge");
    if (merge && skip)
        prog_usage(
            "--merge and --skip exclude each other: a matrix tells nothing of single images");
    return mode;
}

/* Columns of the rows beyond the classes: those that a table rests on, those that add to it. */
static unsigned needs(enum mode mode)
{
    return mode == MODE_CLASSES || mode == MODE_SUMMARY ? 1u << PREDICTION_CONF : 0;
}

static unsigned wants(enum mode mode)
{
    return mode == MODE_SUMMARY || mode == MODE_SUMS || mode == MODE_BY
               ? 1u << PREDICTION_CONF | 1u << PREDICTION_RANK | 1u << PREDICTION_LOSS |
                     1u << PREDICTION_ENTROPY
               : 0;
}

int main(int argc, char **argv)
{
    int first = prog_start(&prog, argc, argv);
    enum mode mode = choose_mode();
    struct err e = {0};
    struct names *given;
    for (int i = first; skip && strcmp(skip, "-") == 0 && (i < argc || i == first); i++)
        if (i >= argc || strcmp(argv[i], "-") == 0)
            prog_usage("--skip: standard input is read for the rows");
    if (naming_load(&given, names_path, &e) != 0)
        prog_fail(&e);
    struct matrix_rows in = {
        .matrix = confusion_new(),
        .naming = naming_new(given),
        .cols = {.classes = given ? given->classes : STATS_CLASSES,
                 .names = names_path ? io_name(names_path) : NULL,
                 .seen = seen_new()},
        .by = by,
        .by_number = quantiles > 0,
        .breakdown = breakdown_new(),
    };
    if (skip && skipped_read(&in.skip, skip, &e) != 0)
        prog_fail(&e);
    if (given)
        confusion_cover(in.matrix, given->classes);
    char last[256] = "";
    for (int i = first; i < argc || i == first; i++) {
        struct tsv_in *t;
        if (tsv_open(&t, i < argc ? argv[i] : "-", &e) != 0)
            prog_fail(&e);
        if ((merge ? matrix_read(&in, t, &e)
                   : matrix_read_predictions(&in, t, needs(mode), wants(mode), &e)) != 0)
            prog_fail(&e);
        snprintf(last, sizeof last, "%s", tsv_name(t));
        tsv_close(t);
    }
    if (merge && !repeats && ids_check(&in.tables, &e) != 0)
        prog_fail(&e);
    /* A shard may have no images. */
    if (confusion_images(in.matrix) == 0 && mode != MODE_SUMS)
        prog_die(PROG_ERROR,
                 "%s: expected images with a true class, found none in %" PRId64 " rows%s",
                 first + 1 < argc ? "all files" : last, in.rows,
                 in.unlabelled > 0 ? ": cifar-predict --labels adds them; worst-k --by pred and "
                                     "report predictions need none"
                                   : "");
    if (seen_end(in.cols.seen, prog_say, &e) != 0)
        prog_fail(&e);
    if (in.unlabelled > 0 && prog_verbose())
        prog_say("%" PRId64 " of %" PRId64 " rows ignored: they have no true class", in.unlabelled,
                 in.rows);
    if (skip && prog_verbose())
        prog_say("%" PRId64 " of %" PRId64 " rows left out by %s", in.skipped, in.rows,
                 io_name(skip));
    confusion_done(in.matrix);
    const struct names *names = naming_names(in.naming, confusion_classes(in.matrix));
    if (write_result(mode, &in, names, &e) != 0)
        prog_fail(&e);
    seen_free(in.cols.seen);
    skipped_free(&in.skip);
    ids_free(&in.tables);
    confusion_free(in.matrix);
    breakdown_free(in.breakdown);
    naming_free(in.naming);
    names_free(given);
    return PROG_OK;
}
