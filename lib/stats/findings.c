#include "stats/find.h"

#include "base/mem.h"
#include "stats/share.h"

#include <math.h>
#include <stdlib.h>

const struct finding find_nothing = {.verdict = VERDICT_NONE,
                                     .value = NAN,
                                     .count = -1,
                                     .of = -1,
                                     .low = NAN,
                                     .high = NAN,
                                     .baseline = NAN,
                                     .p = NAN};

struct finding find_counted(int64_t count, int64_t of)
{
    struct finding f = find_nothing;
    f.count = count;
    f.of = of;
    if (of > 0) {
        f.value = share_of(count, of);
        share_interval(count, of, &f.low, &f.high);
    }
    return f;
}

enum verdict find_yes(bool holds)
{
    return holds ? VERDICT_YES : VERDICT_NO;
}

bool find_tells(double p)
{
    return p < FINDINGS_LEVEL;
}

bool find_twice_the_odds(double share, double chance)
{
    return share * (1 - chance) >= 2 * chance * (1 - share);
}

bool finding_tells(const struct finding *f)
{
    return find_tells(f->p);
}

double finding_width(const struct finding *f)
{
    return f->high - f->low;
}

const char *finding_name(enum finding_id id)
{
    static const char *const name[FINDINGS] = {
        [FIND_WORKS] = "works",
        [FIND_ACCURACY] = "accuracy",
        [FIND_CLASS_ORDER] = "class_order",
        [FIND_TOP5] = "top5",
        [FIND_SUPERCLASS] = "superclass",
        [FIND_CLASSES_DIFFER] = "classes_differ",
        [FIND_WEAK_CLASSES] = "weak_classes",
        [FIND_SAME_SUPERCLASS] = "same_superclass",
        [FIND_FEW_PAIRS] = "few_pairs",
        [FIND_ONE_WAY] = "one_way",
        [FIND_OVERPREDICTED] = "overpredicted",
        [FIND_CALIBRATION] = "calibration",
        [FIND_OVERCONFIDENT] = "overconfident",
        [FIND_UNDERCONFIDENT] = "underconfident",
        [FIND_TEMPERATURE] = "temperature",
        [FIND_TEMPERATURE_ECE] = "temperature_ece",
        [FIND_FLAGGED_LABELS] = "flagged_labels",
        [FIND_ACCURACY_UNFLAGGED] = "accuracy_unflagged",
        [FIND_HIGHEST_ERRORS] = "highest_errors",
        [FIND_REJECT_LOW] = "reject_low",
        [FIND_BLANK] = "blank",
        [FIND_BLANK_TRUE] = "blank_true",
        [FIND_PLACES] = "places",
        [FIND_ZERO_TRUE] = "zero_true",
        [FIND_UNSTABLE] = "unstable",
        [FIND_AT_BORDER] = "at_border",
        [FIND_BORDER] = "border",
        [FIND_ENTROPY] = "entropy",
        [FIND_OFF_CENTER] = "off_center",
        [FIND_OVERLAP_HIGH] = "overlap_high",
        [FIND_OVERLAP_LOW] = "overlap_low",
        [FIND_OVERLAP_CONFIDENT] = "overlap_confident",
        [FIND_OVERLAP_CHANCE] = "overlap_chance",
        [FIND_TURNED] = "turned",
        [FIND_SLICES] = "slices",
        [FIND_COLUMN_ERRORS] = "columns_with_errors",
        [FIND_COLUMN_CLASS] = "columns_with_class",
        [FIND_DUPLICATES] = "duplicates",
        [FIND_ACCURACY_DISTINCT] = "accuracy_without_duplicates",
        [FIND_TWO_LABELS] = "duplicates_two_labels",
        [FIND_TRAINING_IMAGES] = "training_images",
        [FIND_ACCURACY_NEW] = "accuracy_without_training_images",
    };
    return name[id];
}

const char *finding_verdict(const struct finding *f)
{
    static const char *const word[] = {
        [VERDICT_NONE] = NULL, [VERDICT_FEW] = "few", [VERDICT_NO] = "no", [VERDICT_YES] = "yes"};
    return word[f->verdict];
}

/* --- lists --- */

void find_add(struct found_list *list, const struct found *item)
{
    list->at = mem_extend(list->at, (size_t)list->n, (size_t)list->n + 1, sizeof *list->at);
    list->at[list->n++] = *item;
}

void find_correct(struct found_list *list)
{
    double *p = mem_alloc((size_t)list->n + 1, sizeof *p);
    for (int i = 0; i < list->n; i++)
        p[i] = list->at[i].f.p;
    share_holm(p, (size_t)list->n);
    int kept = 0;
    for (int i = 0; i < list->n; i++) {
        struct found *it = &list->at[i];
        it->f.p = p[i];
        if (it->f.verdict == VERDICT_YES && find_tells(p[i]))
            list->at[kept++] = *it;
    }
    list->n = kept;
    free(p);
}

static int by_classes(const struct found *x, const struct found *y)
{
    return x->cls != y->cls ? x->cls - y->cls : x->to - y->to;
}

static int by_count(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->f.count != y->f.count)
        return x->f.count < y->f.count ? 1 : -1;
    return by_classes(x, y);
}

static int by_value(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->f.value < y->f.value || x->f.value > y->f.value)
        return x->f.value < y->f.value ? -1 : 1;
    return by_classes(x, y);
}

static int by_value_falling(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->f.value < y->f.value || x->f.value > y->f.value)
        return x->f.value < y->f.value ? 1 : -1;
    return by_classes(x, y);
}

void find_sort(struct found_list *list, enum find_order order)
{
    int (*const by[])(const void *, const void *) = {
        [FIND_BY_COUNT] = by_count,
        [FIND_BY_VALUE] = by_value,
        [FIND_BY_VALUE_FALLING] = by_value_falling,
    };
    if (list->n > 1)
        qsort(list->at, (size_t)list->n, sizeof *list->at, by[order]);
}

void find_sum(struct found_list *list, struct finding *whole)
{
    list->errors = 0;
    for (int i = 0; i < list->n; i++) {
        list->errors += list->at[i].errors;
        examples_join(&whole->examples, &list->at[i].f.examples);
    }
}

/* --- all --- */

static void find_works(struct findings *f, const struct tables *t)
{
    const struct finding *order = &f->of[FIND_CLASS_ORDER];
    struct finding *works = &f->of[FIND_WORKS];
    bool ordered = order->verdict == VERDICT_YES && 2 * order->count >= tables_errors(t);
    works->verdict = ordered ? VERDICT_NO : f->of[FIND_ACCURACY].verdict;
}

bool findings_work(const struct findings *f)
{
    return f->of[FIND_WORKS].verdict == VERDICT_YES;
}

void findings_compute(struct findings *f, const struct tables *t)
{
    *f = (struct findings){.only_predicted = -1, .overlap_median = NAN, .highest_expected = NAN};
    for (int i = 0; i < FINDINGS; i++)
        f->of[i] = find_nothing;
    for (int i = 0; i < t->classes.n; i++)
        f->with_images += t->classes.row[i].total > 0;
    find_accuracy(f, t);
    find_class_order(f, t);
    find_top5(f, t);
    find_superclasses(f, t);
    find_classes_differ(f, t);
    find_weak_classes(f, t);
    find_pairs(f, t);
    find_overpredicted(f, t);
    find_confidence(f, t);
    find_labels(f, t);
    find_slices(f, t);
    find_columns(f, t);
    find_repeats(f, t);
    find_maps(f, t);
    find_works(f, t);
}

void findings_free(struct findings *f)
{
    free(f->weak.at);
    free(f->one_way.at);
    free(f->overpredicted.at);
    free(f->moved.at);
    free(f->slices.at);
}
