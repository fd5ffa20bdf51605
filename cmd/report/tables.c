#include "tables.h"

#include "rows.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "stats/cells.h"
#include "rows/predictions.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Counts of images are below this, so that sums of them do not overflow. */
#define COUNT_MAX ((int64_t)1 << 40)

/* -1 where the column is missing or the field is NA. */
static int64_t whole_na(const struct tsv_in *t, int col, int64_t max)
{
    return col < 0 || tsv_is_na(t, col) ? -1 : rows_whole(t, col, max);
}

static double real_na(const struct tsv_in *t, int col)
{
    struct err e;
    double v = NAN;
    if (col >= 0 && tsv_real_na(t, col, &v, &e) != 0)
        prog_fail(&e);
    return v;
}

/* An error about the current row. */
#define row_fail(t, ...)                                                                           \
    do {                                                                                           \
        struct err row_err;                                                                        \
        tsv_record((t), &row_err, __VA_ARGS__);                                                    \
        prog_fail(&row_err);                                                                       \
    } while (0)

/* --- classes --- */

double class_accuracy(const struct class_row *c)
{
    return c->total > 0 ? (double)c->correct / (double)c->total : NAN;
}

static struct class_row *class_at(struct classes *c, int64_t cls)
{
    if (cls >= c->n) {
        c->row = mem_grow(c->row, (size_t)cls + 1, sizeof *c->row);
        for (; c->n <= cls; c->n++)
            c->row[c->n] = (struct class_row){.group = -1};
    }
    return &c->row[cls];
}

/* A class or superclass without a name, in the column or by there being none (-1), goes by
 * its ID. */
static char *shown_or_number(const struct tsv_in *t, int col, const char *kind, int64_t number)
{
    if (col >= 0 && !tsv_is_na(t, col)) {
        char *name = tsv_string(t, col), *shown = text_clean(name, '?');
        free(name);
        return shown;
    }
    return number < 0 ? mem_dup("-") : mem_printf("%s %" PRId64, kind, number);
}

static void class_read(struct classes *c, const struct tsv_in *t)
{
    int64_t cls = rows_whole(t, rows_need(t, "class"), STATS_CLASSES - 1);
    struct class_row *r = class_at(c, cls);
    if (r->present)
        row_fail(t, "expected every class once, found %" PRId64 " again", cls);
    r->present = true;
    r->name = tsv_string(t, rows_need(t, "name"));
    r->shown = shown_or_number(t, tsv_find(t, "name"), "class", cls);
    r->text = text_isolated(r->shown);
    r->total = rows_whole(t, rows_need(t, "total"), COUNT_MAX);
    r->correct = rows_whole(t, rows_need(t, "correct"), COUNT_MAX);
    if (r->correct > r->total)
        row_fail(t, "expected at most %" PRId64 " correct predictions, found %" PRId64, r->total,
                 r->correct);
    r->group = (int)whole_na(t, tsv_find(t, "group"), STATS_CLASSES - 1);
    int col = tsv_find(t, "group_name");
    r->group_name = col < 0 ? mem_dup("NA") : tsv_string(t, col);
    r->group_shown = shown_or_number(t, col, "superclass", r->group);
    r->predicted = whole_na(t, tsv_find(t, "predicted"), COUNT_MAX);
    r->precision = real_na(t, tsv_find(t, "precision"));
    r->f1 = real_na(t, tsv_find(t, "f1"));
    r->mean_conf = real_na(t, tsv_find(t, "mean_conf"));
    r->top_wrong_count = -1;
    int64_t wrong = whole_na(t, tsv_find(t, "top_wrong"), STATS_CLASSES - 1);
    if (wrong >= 0) {
        r->top_wrong_count = rows_whole(t, rows_need(t, "top_wrong_count"), COUNT_MAX);
        col = tsv_find(t, "top_wrong_name");
        r->top_wrong_name = col < 0 ? mem_dup("NA") : tsv_string(t, col);
        char *shown = shown_or_number(t, col, "class", wrong);
        r->top_wrong_text = text_isolated(shown);
        free(shown);
    }
    c->total += r->total;
    c->correct += r->correct;
    c->present++;
}

static int count_groups(const struct classes *c)
{
    bool *seen = mem_zero(STATS_CLASSES, sizeof *seen);
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        int g = c->row[i].group;
        if (g >= 0 && !seen[g]) {
            seen[g] = true;
            n++;
        }
    }
    free(seen);
    return n;
}

void classes_read(struct classes *c, const char *file)
{
    *c = (struct classes){.file = io_name(file)};
    struct tsv_in *t = rows_open(file);
    static const char *const columns[] = {"class", "name", "total", "correct"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        rows_need(t, columns[i]);
    while (rows_next(t))
        class_read(c, t);
    tsv_close(t);
    if (c->present == 0)
        prog_die(PROG_ERROR, "%s:1: expected a row for each class, found none", c->file);
    c->groups = count_groups(c);
}

void classes_free(struct classes *c)
{
    for (int i = 0; i < c->n; i++) {
        struct class_row *r = &c->row[i];
        free(r->name);
        free(r->shown);
        free(r->text);
        free(r->group_name);
        free(r->group_shown);
        free(r->top_wrong_name);
        free(r->top_wrong_text);
    }
    free(c->row);
}

/* Sorted by qsort, which takes no context. */
static const struct classes *ranking;

static int by_accuracy(const void *a, const void *b)
{
    int i = *(const int *)a, j = *(const int *)b;
    double x = class_accuracy(&ranking->row[i]), y = class_accuracy(&ranking->row[j]);
    if (isnan(x) != isnan(y))
        return isnan(x) ? 1 : -1;
    if (x < y || x > y)
        return x < y ? -1 : 1;
    return (i > j) - (i < j);
}

static int by_accuracy_falling(const void *a, const void *b)
{
    int i = *(const int *)a, j = *(const int *)b;
    double x = class_accuracy(&ranking->row[i]), y = class_accuracy(&ranking->row[j]);
    return x < y || x > y ? by_accuracy(b, a) : (i > j) - (i < j);
}

int classes_ranked(const struct classes *c, enum class_order order, int **rank)
{
    int *r = mem_alloc((size_t)c->n, sizeof *r);
    int n = 0;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present && (c->row[i].total > 0 || order == CLASSES_WITH_EMPTY))
            r[n++] = i;
    ranking = c;
    qsort(r, (size_t)n, sizeof *r, order == CLASSES_BEST_FIRST ? by_accuracy_falling : by_accuracy);
    *rank = r;
    return n;
}

/* --- pairs --- */

static int by_count(const void *a, const void *b)
{
    const struct pair_row *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    return (x->pred > y->pred) - (x->pred < y->pred);
}

static int by_classes(const void *a, const void *b)
{
    const struct pair_row *x = a, *y = b;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    if (x->pred != y->pred)
        return x->pred < y->pred ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static void check_pair(const struct tsv_in *t, const struct pair_row *p,
                       const struct classes *known)
{
    const int cls[] = {p->truth, p->pred};
    for (int i = 0; i < 2; i++) {
        if (cls[i] < known->n && known->row[cls[i]].present)
            continue;
        row_fail(t, "expected a class of %s, found %d", known->file, cls[i]);
    }
}

static int same_group(const struct pair_row *p, const struct classes *known)
{
    int a = known->row[p->truth].group, b = known->row[p->pred].group;
    return a < 0 || b < 0 ? -1 : a == b;
}

static void pair_read(struct pairs *p, const struct tsv_in *t, const struct classes *known)
{
    struct pair_row r = {.line = tsv_line(t)};
    r.truth = (int)rows_whole(t, rows_need(t, "true"), STATS_CLASSES - 1);
    r.pred = (int)rows_whole(t, rows_need(t, "pred"), STATS_CLASSES - 1);
    r.count = rows_whole(t, rows_need(t, "count"), COUNT_MAX);
    r.reverse = whole_na(t, tsv_find(t, "reverse_count"), COUNT_MAX);
    r.rate = real_na(t, tsv_find(t, "rate"));
    r.same_group = (int)whole_na(t, tsv_find(t, "same_group"), 1);
    if (r.truth == r.pred)
        row_fail(t, "expected two different classes, found %d twice", r.truth);
    if (known) {
        check_pair(t, &r, known);
        if (r.same_group < 0)
            r.same_group = same_group(&r, known);
    }
    if (r.count == 0)
        return;
    r.true_name = tsv_string(t, rows_need(t, "true_name"));
    r.pred_name = tsv_string(t, rows_need(t, "pred_name"));
    if (p->n == 0 || (p->n >= 64 && (p->n & (p->n - 1)) == 0))
        p->row = mem_grow(p->row, p->n == 0 ? 64 : 2 * p->n, sizeof *p->row);
    p->row[p->n++] = r;
    p->errors += r.count;
}

void pairs_read(struct pairs *p, const char *file, const struct classes *known)
{
    *p = (struct pairs){.file = io_name(file)};
    struct tsv_in *t = rows_open(file);
    static const char *const columns[] = {"true", "pred", "count", "true_name", "pred_name"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        rows_need(t, columns[i]);
    while (rows_next(t))
        pair_read(p, t, known);
    if (p->n > 1)
        qsort(p->row, p->n, sizeof *p->row, by_classes);
    for (size_t i = 1; i < p->n; i++)
        if (p->row[i].truth == p->row[i - 1].truth && p->row[i].pred == p->row[i - 1].pred)
            prog_die(PROG_ERROR,
                     "%s:%" PRId64 ": expected every pair once, found %d, %d as in line %" PRId64,
                     tsv_name(t), p->row[i].line, p->row[i].truth, p->row[i].pred,
                     p->row[i - 1].line);
    tsv_close(t);
    if (p->n > 1)
        qsort(p->row, p->n, sizeof *p->row, by_count);
    if (known && p->errors != known->total - known->correct)
        prog_die(PROG_ERROR,
                 "%s: expected the %" PRId64 " errors of %s, found %" PRId64
                 ": is the table whole (confmat --pairs --top 0) and of the same run?",
                 p->file, known->total - known->correct, known->file, p->errors);
}

void pairs_free(struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->row[i].true_name);
        free(p->row[i].pred_name);
    }
    free(p->row);
}

/* --- summary --- */

/* The value of the current row: a count of images, or a share of 1. */
static double measure_value(const struct tsv_in *t, int col, bool count)
{
    if (count)
        return (double)whole_na(t, col, COUNT_MAX);
    double v = real_na(t, col);
    if (v < 0 || v > 1) {
        struct tsv_field f = tsv_get(t, col);
        row_fail(t, "column 'value': expected a share from 0 to 1, found '%.*s'",
                 (int)(f.n < 40 ? f.n : 40), f.p);
    }
    return v;
}

void summary_read(struct summary *s, const char *file, const struct classes *known)
{
    struct measure {
        const char *name;
        double *value;
        bool count;
    } measures[] = {
        {"images", &s->images, true},
        {"correct", &s->correct, true},
        {"unlabelled", &s->unlabelled, true},
        {"top5_accuracy", &s->top5_accuracy, false},
    };
    s->file = file ? io_name(file) : NULL;
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        *measures[i].value = NAN;
    if (!file)
        return;
    struct tsv_in *t = rows_open(file);
    int name = rows_need(t, "measure"), value = rows_need(t, "value");
    while (rows_next(t)) {
        struct tsv_field f = tsv_get(t, name);
        for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
            if (strlen(measures[i].name) == f.n && memcmp(measures[i].name, f.p, f.n) == 0 &&
                !tsv_is_na(t, value))
                *measures[i].value = measure_value(t, value, measures[i].count);
    }
    for (size_t i = 0; i < 2; i++)
        if (isnan(*measures[i].value))
            prog_die(PROG_ERROR, "%s:%" PRId64 ": expected a measure '%s', found none", tsv_name(t),
                     tsv_line(t), measures[i].name);
    tsv_close(t);
    if (known && ((int64_t)s->images != known->total || (int64_t)s->correct != known->correct))
        prog_die(PROG_ERROR,
                 "%s: expected %" PRId64 " images, %" PRId64
                 " of them predicted correctly, as in %s, found "
                 "%.0f and %.0f: are both of the same run?",
                 s->file, known->total, known->correct, known->file, s->images, s->correct);
}

/* --- superclasses --- */

static int by_group_count(const void *a, const void *b)
{
    const struct group_pair *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    return (x->pred > y->pred) - (x->pred < y->pred);
}

/* The superclass that a column p<number> counts, or -1. */
static int group_column(struct tsv_field f)
{
    int v = 0;
    if (f.n < 2 || f.n > 6 || f.p[0] != 'p')
        return -1;
    for (size_t i = 1; i < f.n; i++) {
        if (f.p[i] < '0' || f.p[i] > '9')
            return -1;
        v = 10 * v + (f.p[i] - '0');
    }
    return v < STATS_CLASSES ? v : -1;
}

static void groups_row(struct groups *g, const struct tsv_in *t, size_t *room)
{
    int truth = (int)rows_whole(t, rows_need(t, "true_group"), STATS_CLASSES - 1);
    if (truth >= g->n) {
        g->text = mem_grow(g->text, (size_t)truth + 1, sizeof *g->text);
        for (; g->n <= truth; g->n++)
            g->text[g->n] = NULL;
    }
    if (g->text[truth])
        row_fail(t, "expected every superclass once, found %d again", truth);
    int col = tsv_find(t, "true_group_name");
    char *shown = shown_or_number(t, col, "superclass", truth);
    g->text[truth] = text_isolated(shown);
    free(shown);
    for (col = 0; col < tsv_columns(t); col++) {
        int pred = group_column(tsv_header(t, col));
        if (pred < 0 || pred == truth)
            continue;
        int64_t count = rows_whole(t, col, COUNT_MAX);
        if (count == 0)
            continue;
        if (g->pairs == *room) {
            *room = 2 * *room + 64;
            g->pair = mem_grow(g->pair, *room, sizeof *g->pair);
        }
        g->pair[g->pairs++] = (struct group_pair){truth, pred, count};
    }
}

void groups_read(struct groups *g, const char *file)
{
    *g = (struct groups){0};
    size_t room = 0;
    struct tsv_in *t = rows_open(file);
    rows_need(t, "true_group");
    while (rows_next(t))
        groups_row(g, t, &room);
    for (size_t i = 0; i < g->pairs; i++)
        if (g->pair[i].pred >= g->n || !g->text[g->pair[i].pred])
            prog_die(PROG_ERROR, "%s:1: expected a row for each column, found none for p%d",
                     tsv_name(t), g->pair[i].pred);
    tsv_close(t);
    if (g->pairs > 1)
        qsort(g->pair, g->pairs, sizeof *g->pair, by_group_count);
}

void groups_free(struct groups *g)
{
    for (int i = 0; i < g->n; i++)
        free(g->text[i]);
    free(g->text);
    free(g->pair);
}

/* --- predictions --- */

/* Which half of the images an id is in: a bit that neighbours, and ids of one class in data
 * that are ordered by class, do not share (the finisher of splitmix64; Steele et al. 2014). */
static bool in_first_half(uint64_t id)
{
    uint64_t x = id + 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return (x ^ x >> 31) & 1;
}

static void prediction_add(struct predictions *a, struct class_row *row, double conf, bool correct)
{
    enum band band = band_of(conf);
    a->images++;
    a->correct_all += correct;
    (correct ? a->correct : a->wrong)[band]++;
    calibration_add(&a->calibration, conf, correct);
    if (band == BAND_HIGHEST)
        sum_add(&a->highest_doubt, 1 - conf);
    row->low_correct += correct && band == BAND_LOW;
    row->highest_wrong += !correct && band == BAND_HIGHEST;
}

void predictions_read(struct predictions *a, const char *file, struct classes *c,
                      struct pairs *pairs)
{
    struct err e;
    struct prediction_cols cols = {.classes = c->n, .names = c->file, .seen = seen_new()};
    struct prediction row;
    struct sum conf[2] = {{0, 0}, {0, 0}};
    struct cells *half = cells_new(pairs->n);
    int r;
    *a = (struct predictions){.known = true};
    struct tsv_in *t = rows_open(file);
    if (prediction_find(&cols, t,
                        1u << PREDICTION_TRUE | 1u << PREDICTION_PRED | 1u << PREDICTION_CONF,
                        1u << PREDICTION_ID, &e))
        prog_fail(&e);
    while ((r = prediction_next(&cols, t, &row, &e)) > 0) {
        if (row.truth < 0)
            continue;
        bool correct = row.truth == row.pred;
        uint64_t id = (uint64_t)(cols.col[PREDICTION_ID] < 0 ? tsv_line(t) : row.id);
        prediction_add(a, &c->row[row.truth], row.conf, correct);
        sum_add(&conf[correct], row.conf);
        if (correct || !in_first_half(id))
            continue;
        int64_t *cell = cells_at(half, row.truth, row.pred, &e);
        if (!cell)
            prog_die(PROG_ERROR,
                     "%s: expected the %zu pairs of %s, found more: are both of the "
                     "same run?",
                     tsv_name(t), pairs->n, pairs->file);
        ++*cell;
    }
    if (r < 0)
        prog_fail(&e);
    seen_free(cols.seen);
    if (a->images != c->total || a->correct_all != c->correct)
        prog_die(PROG_ERROR,
                 "%s: expected %" PRId64 " images, %" PRId64
                 " of them predicted correctly, as in %s, found %" PRId64 " and %" PRId64
                 ": are both of the same run?",
                 tsv_name(t), c->total, c->correct, c->file, a->images, a->correct_all);
    tsv_close(t);
    for (size_t i = 0; i < pairs->n; i++) {
        struct pair_row *p = &pairs->row[i];
        p->first_half = cells_get(half, p->truth, p->pred);
        if (p->first_half > p->count)
            prog_die(PROG_ERROR,
                     "%s: expected the errors of %s, found more of class %d predicted as %d: are "
                     "both of the same run?",
                     io_name(file), pairs->file, p->truth, p->pred);
    }
    cells_free(half);
    double n = (double)a->images, correct = (double)a->correct_all;
    a->mean_conf_correct = sum_value(&conf[1]) / correct;
    a->mean_conf_wrong = sum_value(&conf[0]) / (n - correct);
    sum_add(&conf[0], conf[1].s);
    sum_add(&conf[0], conf[1].rest);
    a->mean_conf = sum_value(&conf[0]) / n;
}
