#include "stats/confusion.h"

#include "base/mem.h"
#include "stats/classes.h"
#include "stats/metrics.h"
#include "stats/share.h"
#include "stats/sum.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static double mean(const struct sum *a, int64_t n)
{
    return n > 0 ? sum_value(a) / (double)n : NAN;
}

struct confusion {
    struct sparse *counts;
    int classes;
    struct metrics all;
    struct sum *class_conf; /* [conf_classes] by true class */
    int conf_classes;

    /* Made by confusion_done. */
    struct sparse_entry *entry; /* [entries] */
    size_t entries;
    size_t *start; /* [classes + 1] where a class's entries begin */
    int64_t *predicted;
};

struct confusion *confusion_new(void)
{
    struct confusion *c = mem_zero(1, sizeof *c);
    c->counts = sparse_new(CONFUSION_ENTRIES);
    return c;
}

void confusion_free(struct confusion *c)
{
    if (!c)
        return;
    sparse_free(c->counts);
    free(c->class_conf);
    free(c->entry);
    free(c->start);
    free(c->predicted);
    free(c);
}

void confusion_cover(struct confusion *c, int classes)
{
    if (classes > c->classes)
        c->classes = classes;
}

/* The matrix's part of `n` images. */
static int add_entry(struct confusion *c, int truth, int pred, int64_t n, struct err *e)
{
    int64_t *entry = sparse_at(c->counts, truth, pred, e);
    if (!entry)
        return -1;
    if (n > INT64_MAX - c->all.images)
        return err_set(e, "expected fewer than 2^63 images in all, found more");
    *entry += n;
    confusion_cover(c, (truth > pred ? truth : pred) + 1);
    return 0;
}

int confusion_add(struct confusion *c, int truth, int pred, int64_t n, struct err *e)
{
    if (add_entry(c, truth, pred, n, e) != 0)
        return -1;
    metrics_count(&c->all, n, truth == pred ? n : 0);
    return 0;
}

struct metrics *confusion_more(struct confusion *c)
{
    return &c->all;
}

struct sum *confusion_more_conf(struct confusion *c, int truth)
{
    if (truth >= c->conf_classes) {
        c->class_conf = mem_extend(c->class_conf, (size_t)c->conf_classes, (size_t)truth + 1,
                                   sizeof *c->class_conf);
        for (; c->conf_classes <= truth; c->conf_classes++)
            c->class_conf[c->conf_classes] = (struct sum){0};
    }
    return &c->class_conf[truth];
}

int confusion_prediction(struct confusion *c, const struct prediction *a, struct err *e)
{
    if (add_entry(c, a->truth, a->pred, 1, e) != 0)
        return -1;
    metrics_add(&c->all, a);
    if (!isnan(a->conf))
        sum_add(confusion_more_conf(c, a->truth), a->conf);
    return 0;
}

void confusion_done(struct confusion *c)
{
    size_t used = sparse_count(c->counts);
    c->entry = sparse_sorted(c->counts);
    for (size_t i = 0; i < used; i++) /* merged matrices hold zeros */
        if (c->entry[i].value > 0)
            c->entry[c->entries++] = c->entry[i];
    c->start = mem_zero((size_t)c->classes + 1, sizeof *c->start);
    c->predicted = mem_zero((size_t)c->classes + 1, sizeof *c->predicted);
    size_t i = 0;
    for (int cls = 0; cls < c->classes; cls++) {
        c->start[cls] = i;
        while (i < c->entries && c->entry[i].row == cls)
            i++;
    }
    c->start[c->classes] = i;
    for (i = 0; i < c->entries; i++)
        c->predicted[c->entry[i].col] += c->entry[i].value;
}

int confusion_classes(const struct confusion *c)
{
    return c->classes;
}

int64_t confusion_images(const struct confusion *c)
{
    return c->all.images;
}

const struct metrics *confusion_metrics(const struct confusion *c)
{
    return &c->all;
}

const struct sum *confusion_conf(const struct confusion *c, int truth)
{
    return truth < c->conf_classes ? &c->class_conf[truth] : NULL;
}

int64_t confusion_count(const struct confusion *c, int truth, int pred)
{
    return sparse_get(c->counts, truth, pred);
}

const struct sparse_entry *confusion_entries(const struct confusion *c, size_t *n)
{
    *n = c->entries;
    return c->entry;
}

const struct sparse_entry *confusion_row(const struct confusion *c, int truth, size_t *n)
{
    *n = c->start[truth + 1] - c->start[truth];
    return c->entry + c->start[truth];
}

void confusion_class(const struct confusion *c, int cls, struct class_metrics *f)
{
    *f = (struct class_metrics){.top_wrong = -1, .predicted = c->predicted[cls]};
    size_t n;
    const struct sparse_entry *row = confusion_row(c, cls, &n);
    for (size_t i = 0; i < n; i++) {
        f->total += row[i].value;
        if (row[i].col == cls) {
            f->correct = row[i].value;
        } else if (row[i].value > f->top_wrong_count) {
            f->top_wrong = row[i].col;
            f->top_wrong_count = row[i].value;
            f->top_wrong_tied = 0;
        } else if (row[i].value > 0 && row[i].value == f->top_wrong_count) {
            f->top_wrong_tied++;
        }
    }
    f->accuracy = share_of(f->correct, f->total);
    f->precision = share_of(f->correct, f->predicted);
    f->f1 = f->total + f->predicted > 0
                ? 2 * (double)f->correct / ((double)f->total + (double)f->predicted)
                : NAN;
    bool known = c->all.with_conf == c->all.images && f->total > 0 && cls < c->conf_classes;
    f->mean_conf = known ? mean(&c->class_conf[cls], f->total) : NAN;
}

static int superclass_of(const struct names *names, int cls)
{
    return cls < names->classes ? names->superclass[cls] : -1;
}

static int by_count(const void *a, const void *b)
{
    const struct confused_pair *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->truth != y->truth ? x->truth - y->truth : x->pred - y->pred;
}

struct confused_pair *confusion_pairs(const struct confusion *c, const struct names *names,
                                      size_t *n)
{
    struct confused_pair *p = mem_alloc(c->entries + 1, sizeof *p);
    *n = 0;
    for (int truth = 0; truth < c->classes; truth++) {
        struct class_metrics f;
        confusion_class(c, truth, &f);
        size_t entries;
        const struct sparse_entry *row = confusion_row(c, truth, &entries);
        for (size_t i = 0; i < entries; i++) {
            int pred = row[i].col;
            if (pred == truth)
                continue;
            int a = superclass_of(names, truth), b = superclass_of(names, pred);
            int64_t reverse = confusion_count(c, pred, truth);
            p[(*n)++] = (struct confused_pair){
                .truth = truth,
                .pred = pred,
                .count = row[i].value,
                .reverse = reverse,
                .both = row[i].value + reverse,
                .rate = share_of(row[i].value, f.total),
                .same_superclass = a < 0 || b < 0 ? -1 : a == b,
            };
        }
    }
    qsort(p, *n, sizeof *p, by_count);
    return p;
}

struct confusion *confusion_by_superclass(const struct confusion *c, const struct names *names,
                                          int64_t *left, struct err *e)
{
    struct confusion *g = confusion_new();
    confusion_cover(g, names->superclasses);
    *left = 0;
    for (size_t i = 0; i < c->entries; i++) {
        int a = superclass_of(names, c->entry[i].row), b = superclass_of(names, c->entry[i].col);
        if (a < 0 || b < 0) {
            *left += c->entry[i].value;
        } else if (confusion_add(g, a, b, c->entry[i].value, e) != 0) {
            confusion_free(g);
            return NULL;
        }
    }
    confusion_done(g);
    return g;
}

struct place {
    int cls, superclass;
};

static int by_superclass(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->superclass != y->superclass)
        return x->superclass < y->superclass ? -1 : 1;
    return x->cls - y->cls;
}

void confusion_superclass_order(const struct confusion *c, const struct names *names, int *order)
{
    struct place *p = mem_alloc((size_t)c->classes + 1, sizeof *p);
    for (int i = 0; i < c->classes; i++) {
        int superclass = superclass_of(names, i);
        p[i] = (struct place){i, superclass < 0 ? INT_MAX : superclass};
    }
    qsort(p, (size_t)c->classes, sizeof *p, by_superclass);
    for (int i = 0; i < c->classes; i++)
        order[i] = p[i].cls;
    free(p);
}

static void summarize_classes(const struct confusion *c, struct confusion_summary *s)
{
    struct sum accuracy = {0}, precision = {0}, f1 = {0};
    int64_t with_precision = 0, with_f1 = 0;
    s->worst_class = s->best_class = -1;
    s->worst_class_accuracy = s->best_class_accuracy = NAN;
    for (int cls = 0; cls < c->classes; cls++) {
        struct class_metrics f;
        confusion_class(c, cls, &f);
        if (!isnan(f.precision)) {
            with_precision++;
            sum_add(&precision, f.precision);
        }
        if (!isnan(f.f1)) {
            with_f1++;
            sum_add(&f1, f.f1);
        }
        if (isnan(f.accuracy))
            continue;
        s->classes_with_images++;
        sum_add(&accuracy, f.accuracy);
        s->classes_below_50 += f.accuracy < ACCURACY_MID;
        s->classes_below_70 += f.accuracy < ACCURACY_HIGH;
        if (!(f.accuracy >= s->worst_class_accuracy)) {
            s->worst_class = cls;
            s->worst_class_accuracy = f.accuracy;
        }
        if (!(f.accuracy <= s->best_class_accuracy)) {
            s->best_class = cls;
            s->best_class_accuracy = f.accuracy;
        }
    }
    s->mean_class_accuracy = mean(&accuracy, s->classes_with_images);
    s->macro_precision = mean(&precision, with_precision);
    s->macro_f1 = mean(&f1, with_f1);
}

static void summarize_superclasses(const struct confusion *c, const struct names *names,
                                   struct confusion_summary *s)
{
    int64_t known = 0, right = 0, same = 0;
    s->superclasses = names->superclasses;
    for (size_t i = 0; i < c->entries; i++) {
        const struct sparse_entry *x = &c->entry[i];
        int a = superclass_of(names, x->row), b = superclass_of(names, x->col);
        if (a < 0 || b < 0)
            continue;
        known += x->value;
        right += a == b ? x->value : 0;
        same += a == b && x->row != x->col ? x->value : 0;
    }
    s->superclass_accuracy = share_of(right, known);
    s->errors_same_superclass = known ? (double)same : NAN;
}

void confusion_summarize(const struct confusion *c, const struct names *names,
                         struct confusion_summary *s)
{
    *s = (struct confusion_summary){.classes = c->classes};
    metrics_compute(&c->all, &s->all);
    summarize_classes(c, s);
    summarize_superclasses(c, names, s);
    for (size_t i = 0; i < c->entries; i++)
        s->pairs_confused += c->entry[i].row != c->entry[i].col;
}
