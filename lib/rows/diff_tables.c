#include "rows/diff_tables.h"

#include "base/mem.h"
#include "base/text.h"
#include "rows/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool field_is(struct tsv_field f, const char *s)
{
    return strlen(s) == f.n && memcmp(s, f.p, f.n) == 0;
}

/* --- the summary --- */

static int read_measure(const struct tsv_in *t, int col, enum diff_measure m, double *v,
                        struct err *e)
{
    int64_t n;
    if (!diff_measure_is_count(m) || tsv_is_na(t, col))
        return tsv_real_na(t, col, v, e);
    if (field_whole(t, col, FIELD_COUNT_MAX, &n, e) != 0)
        return -1;
    *v = (double)n;
    return 0;
}

static int read_measures(struct tsv_in *t, double value[DIFF_MEASURE_COUNT], struct err *e)
{
    bool found[DIFF_MEASURE_COUNT] = {false};
    int name = tsv_find(t, "measure"), col = tsv_find(t, "value"), r;
    while ((r = tsv_next(t, e)) > 0)
        for (int i = 0; i < DIFF_MEASURE_COUNT; i++)
            if (field_is(tsv_get(t, name), diff_measure_word((enum diff_measure)i))) {
                found[i] = true;
                if (read_measure(t, col, (enum diff_measure)i, &value[i], e) != 0)
                    return -1;
            }
    for (int i = 0; i < DIFF_MEASURE_COUNT && r == 0; i++)
        if (!found[i])
            r = tsv_error(t, e, "expected a measure '%s', found none",
                          diff_measure_word((enum diff_measure)i));
    return r;
}

int diff_summary_read(double value[DIFF_MEASURE_COUNT], const char *file, struct err *e)
{
    static const char *const need[] = {"measure", "value", NULL};
    struct tsv_in *t;
    if (fields_open(&t, file, need, e) != 0)
        return -1;
    int r = read_measures(t, value, e);
    tsv_close(t);
    return r;
}

/* --- classes, superclasses, pairs --- */

static void add_entry(struct diff_entries *l, const struct diff_entry *entry)
{
    l->entry = mem_extend(l->entry, l->n, l->n + 1, sizeof *l->entry);
    l->entry[l->n++] = *entry;
}

void diff_entries_free(struct diff_entries *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->entry[i].text);
    free(l->entry);
    *l = (struct diff_entries){0};
}

static int by_change(const void *a, const void *b)
{
    const struct diff_entry *x = a, *y = b;
    int64_t dx = llabs(x->gained - x->lost), dy = llabs(y->gained - y->lost);
    if (dx != dy)
        return dx > dy ? -1 : 1;
    if (x->gained + x->lost != y->gained + y->lost)
        return x->gained + x->lost > y->gained + y->lost ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

struct diff_entry *diff_changed(const struct diff_entries *l, int64_t least, size_t *n)
{
    struct diff_entry *list = mem_alloc(l->n + 1, sizeof *list);
    *n = 0;
    for (size_t i = 0; i < l->n; i++)
        if (llabs(l->entry[i].gained - l->entry[i].lost) >= least)
            list[(*n)++] = l->entry[i];
    qsort(list, *n, sizeof *list, by_change);
    return list;
}

/* The columns of a table of entries. */
struct form {
    const char *column[9]; /* a, b, gained, lost, p, adjusted, the class or both; NULL */
    const char *name[2];   /* of their names, which need not be there */
    const char *kind;      /* what an entry without a name is called by */
};

enum { COL_A, COL_B, COL_GAINED, COL_LOST, COL_P, COL_ADJUSTED, COL_CLASS };

static const struct form of_classes = {
    {"correct_a", "correct_b", "fixed", "broken", "p", "p_adjusted", "class"}, {"name"}, "class"};
static const struct form of_superclasses = {
    {"correct_a", "correct_b", "fixed", "broken", "p", "p_adjusted", "group"},
    {"group_name"},
    "superclass"};
static const struct form of_pairs = {
    {"count_a", "count_b", "more", "fewer", "p", "p_adjusted", "true", "pred"},
    {"true_name", "pred_name"},
    "class"};

static int read_name(const struct form *form, const struct tsv_in *t, const int *col, char **text,
                     struct err *e)
{
    char *one[2] = {NULL, NULL};
    for (int i = 0; i < 2 && form->name[i]; i++) {
        int cls;
        if (field_class(t, col[COL_CLASS + i], &cls, e) != 0) {
            free(one[0]);
            return -1;
        }
        char *shown = field_shown(t, tsv_find(t, form->name[i]), form->kind, cls);
        one[i] = text_isolated(shown);
        free(shown);
    }
    *text = one[1] ? mem_printf("%s -> %s", one[0], one[1]) : mem_dup(one[0]);
    free(one[0]);
    free(one[1]);
    return 0;
}

static int read_entry(const struct tsv_in *t, const int *col, struct diff_entry *x, struct err *e)
{
    return field_whole(t, col[COL_A], FIELD_COUNT_MAX, &x->images[0], e) != 0 ||
                   field_whole(t, col[COL_B], FIELD_COUNT_MAX, &x->images[1], e) != 0 ||
                   field_whole(t, col[COL_GAINED], FIELD_COUNT_MAX, &x->gained, e) != 0 ||
                   field_whole(t, col[COL_LOST], FIELD_COUNT_MAX, &x->lost, e) != 0 ||
                   field_probability_na(t, col[COL_P], &x->p, e) != 0 ||
                   field_probability_na(t, col[COL_ADJUSTED], &x->adjusted, e) != 0
               ? -1
               : 0;
}

static int read_entries(struct diff_entries *l, const char *file, const struct form *form,
                        struct err *e)
{
    struct tsv_in *t;
    int col[sizeof form->column / sizeof *form->column] = {0}, r;
    *l = (struct diff_entries){0};
    if (fields_open(&t, file, form->column, e) != 0)
        return -1;
    for (int i = 0; form->column[i]; i++)
        col[i] = tsv_find(t, form->column[i]);
    while ((r = tsv_next_shown(t, e)) > 0) {
        struct diff_entry x = {.row = l->all++};
        if (read_entry(t, col, &x, e) != 0 ||
            (x.gained + x.lost > 0 && read_name(form, t, col, &x.text, e) != 0)) {
            r = -1;
            break;
        }
        if (x.text)
            add_entry(l, &x);
    }
    tsv_close(t);
    return r;
}

int diff_parts_read(struct diff_entries *l, const char *file, bool superclasses, struct err *e)
{
    return read_entries(l, file, superclasses ? &of_superclasses : &of_classes, e);
}

int diff_pairs_read(struct diff_entries *l, const char *file, struct err *e)
{
    return read_entries(l, file, &of_pairs, e);
}

/* --- images --- */

static void free_example(const struct diff_example *x)
{
    free(x->true_name);
    free(x->pred_name[0]);
    free(x->pred_name[1]);
}

void diff_examples_free(struct diff_examples *l)
{
    for (int i = 0; i < l->n; i++)
        free_example(&l->example[i]);
    *l = (struct diff_examples){0};
}

/* Puts an example in its place, behind those that are as confident and have smaller ids. */
static void add_example(struct diff_examples *l, const struct diff_example *x, bool ranked)
{
    int at = l->n;
    l->all++;
    while (ranked && at > 0 &&
           (l->example[at - 1].conf[1] < x->conf[1] ||
            (l->example[at - 1].conf[1] == x->conf[1] && l->example[at - 1].id > x->id)))
        at--;
    if (at == DIFF_EXAMPLES) {
        free_example(x);
        return;
    }
    if (l->n == DIFF_EXAMPLES)
        free_example(&l->example[--l->n]);
    memmove(&l->example[at + 1], &l->example[at], (size_t)(l->n - at) * sizeof *l->example);
    l->example[at] = *x;
    l->n++;
}

static int read_example(const struct tsv_in *t, bool moved, struct diff_example *x, struct err *e)
{
    const char *const pred[2] = {moved ? "pred" : "pred_a", moved ? "pred" : "pred_b"};
    const char *const name[2] = {moved ? "pred_name" : "pred_a_name",
                                 moved ? "pred_name" : "pred_b_name"};
    int truth, cls[2];
    if (field_whole(t, tsv_find(t, "id"), INT64_MAX, &x->id, e) != 0 ||
        field_class_na(t, tsv_find(t, "true"), &truth, e) != 0 ||
        field_class(t, tsv_find(t, pred[0]), &cls[0], e) != 0 ||
        field_class(t, tsv_find(t, pred[1]), &cls[1], e) != 0 ||
        field_probability(t, tsv_find(t, "conf_a"), &x->conf[0], e) != 0 ||
        field_probability(t, tsv_find(t, "conf_b"), &x->conf[1], e) != 0 ||
        field_real_na(t, tsv_find(t, "map_correlation"), &x->map, e) != 0)
        return -1;
    x->correct = truth < 0 ? -1 : truth == cls[1];
    x->true_name = field_shown(t, tsv_find(t, "true_name"), "class", truth);
    for (int i = 0; i < 2; i++)
        x->pred_name[i] = field_shown(t, tsv_find(t, name[i]), "class", cls[i]);
    return 0;
}

static int read_kind(const struct tsv_in *t, int col, int *kind, struct err *e)
{
    struct tsv_field f = tsv_get(t, col);
    for (int i = 0; i < DIFF_KINDS; i++)
        if (field_is(f, diff_kind_word((enum diff_kind)i))) {
            *kind = i;
            return 0;
        }
    return tsv_error(t, e,
                     "column 'kind': expected fixed, broken, wrong_other or other, found '%.*s'",
                     (int)(f.n > 60 ? 60 : f.n), f.p);
}

int diff_images_read(struct diff_examples *of, const char *file, struct err *e)
{
    static const char *const need[] = {"id",     "true",   "pred_a", "pred_b",
                                       "conf_a", "conf_b", "kind",   NULL};
    struct tsv_in *t;
    int r;
    if (fields_open(&t, file, need, e) != 0)
        return -1;
    while ((r = tsv_next_shown(t, e)) > 0) {
        struct diff_example x;
        int kind;
        if (read_kind(t, tsv_find(t, "kind"), &kind, e) != 0 ||
            read_example(t, false, &x, e) != 0) {
            r = -1;
            break;
        }
        add_example(&of[kind], &x, true);
    }
    tsv_close(t);
    return r;
}

int diff_moved_read(struct diff_examples *l, const char *file, struct err *e)
{
    static const char *const need[] = {"id", "true", "pred", "conf_a", "conf_b", "map_correlation",
                                       NULL};
    struct tsv_in *t;
    int r;
    if (fields_open(&t, file, need, e) != 0)
        return -1;
    while ((r = tsv_next_shown(t, e)) > 0) {
        struct diff_example x;
        if (read_example(t, true, &x, e) != 0) {
            r = -1;
            break;
        }
        add_example(l, &x, false);
    }
    tsv_close(t);
    return r;
}
